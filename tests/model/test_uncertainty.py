import numpy as np
import pytest

from model import Prediction
from model.logits import sigmoid
from model.masks import outward_distance
from model.uncertainty import uncertainty


def disc(slope: float, radius: int = 20, size: int = 80) -> Prediction:
    """A disc whose logits grow by `slope` for each pixel from its contour inwards."""
    rows, columns = np.mgrid[:size, :size]
    mask = (rows - size / 2) ** 2 + (columns - size / 2) ** 2 < radius**2
    logits = (-slope * outward_distance(mask)).astype(np.float32)
    return Prediction(mask, lambda: logits, 0.9, None)


def test_it_is_the_mean_entropy_about_the_contour() -> None:
    prediction = disc(0.5)
    reach = 0.05 * np.sqrt(np.count_nonzero(prediction.mask))
    p = sigmoid(prediction.logits).astype(float)[np.abs(outward_distance(prediction.mask)) <= reach]
    expected = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    assert uncertainty(prediction) == pytest.approx(expected.mean(), abs=1e-5)


def test_the_softer_a_contour_the_less_sure() -> None:
    values = [uncertainty(disc(slope)) for slope in (4, 1, 0.25, 0.01)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.3
    assert values[-1] > 0.99


def test_the_same_object_at_twice_the_size_is_as_sure() -> None:
    assert uncertainty(disc(0.25, 40, 160)) == pytest.approx(uncertainty(disc(0.5)), abs=0.02)


def test_nothing_everything_and_infinite_logits() -> None:
    nothing = np.zeros((4, 5), bool)
    infinite = np.full((4, 5), np.inf, np.float32)
    assert uncertainty(Prediction(nothing, lambda: -infinite, 0.0, None)) == 1
    assert uncertainty(Prediction(~nothing, lambda: infinite, 1.0, None)) == pytest.approx(0, abs=1e-6)
    assert uncertainty(Prediction(~nothing, lambda: np.zeros((4, 5), np.float32), 0.5, None)) == 1


def test_an_object_at_the_images_edge_is_judged_by_what_is_seen() -> None:
    whole = disc(0.5)
    half = Prediction(whole.mask[:, 40:], lambda: whole.logits[:, 40:], 0.9, None)
    assert uncertainty(half) == pytest.approx(uncertainty(whole), abs=0.05)
