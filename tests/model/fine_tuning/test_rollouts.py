import numpy as np

from model import masks
from model.fine_tuning.rollouts import GuidedRollout
from model.training.settings import ClickSampling

STEADY = ClickSampling(boundary_jitter=0.0)


def rollout(predicted: np.ndarray, truth: np.ndarray, known: list[tuple[float, float]]) -> GuidedRollout:
    logits = np.where(predicted, 4, -4).astype(np.float32)
    return GuidedRollout(logits, truth, (60.0, 60.0), STEADY, known=known)


def two_errors() -> tuple[np.ndarray, np.ndarray]:
    """(predicted, truth): a square that lacks a large part on its left and a small one on its right."""
    truth = np.zeros((128, 128), bool)
    truth[40:80, 30:100] = True
    predicted = truth.copy()
    predicted[:, :60] = False
    predicted[55:65, 88:] = False
    return predicted, truth


def test_real_clicks_come_first_even_at_the_smaller_error():
    predicted, truth = two_errors()
    real = (99.0, 60.0)
    session = rollout(predicted, truth, [real])
    near = session.click(np.random.default_rng(0))
    assert session.clicked
    assert session.boundary == [real]
    assert near[60, 95], "the error that was clicked"
    assert not near[60, 40], "not the largest one"
    session.click(np.random.default_rng(0))
    assert session.known == []
    x, y = session.boundary[1]
    assert (x, 40 <= y < 80) == (30.0, True), "then the simulated annotator goes on, at the largest error"


def test_a_click_whose_error_has_been_repaired_is_left_out():
    _, truth = two_errors()
    session = rollout(truth, truth, [(99.0, 60.0)])
    near = session.click(np.random.default_rng(0))
    assert (session.clicked, session.boundary, near.any()) == (False, [], False)


def test_clicks_beyond_the_crop_do_no_harm():
    predicted, truth = two_errors()
    session = rollout(predicted, truth, [(500.0, -20.0)])
    near = session.click(np.random.default_rng(0))
    assert near.shape == truth.shape
    assert masks.intersection_over_union(session.logits > 0, predicted) == 1
