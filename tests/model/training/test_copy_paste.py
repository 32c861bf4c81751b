import cv2
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.training.copy_paste import EDGE, KEPT, paste_object
from tests.model.scenes import scene

PASTED = 255


def pasted(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A black sample and its target, with a white object of another scene pasted in: target before, image, target."""
    _, target = scene(seed)
    target = np.ascontiguousarray(target[:, 20:140])
    _, other = scene(seed + 1)
    white = np.full((*other.shape, 3), PASTED, np.uint8)
    black = np.zeros((120, 120, 3), np.uint8)
    image, left = paste_object(black, target, white, other, np.random.default_rng(seed))
    return target, image, left


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_target_loses_exactly_what_is_hidden(seed: int):
    before, image, after = pasted(seed)
    opaque = image.min(axis=2) > PASTED / 2  # the softened edge is half there on the contour
    contour = cv2.Canny(opaque.astype(np.uint8) * 255, 50, 100) > 0
    unsure = cv2.dilate(contour.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert np.array_equal(after[~unsure], (before & ~opaque)[~unsure])
    assert not (after & ~before).any()
    assert np.count_nonzero(after) >= KEPT * np.count_nonzero(before) > 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_object_behind_leaves_the_target_alone(seed: int):
    before, image, after = pasted(seed)
    assume(np.array_equal(before, after))
    reach = 2 * round(4 * EDGE) + 1
    deep = cv2.erode(before.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    assert (image[deep] == 0).all()


def test_objects_come_in_front_and_behind():
    changed = [not np.array_equal(before, after) for before, _, after in map(pasted, range(30))]
    assert 3 < sum(changed) < 27


def test_nothing_to_paste_changes_nothing():
    image, target = scene(2)
    same, left = paste_object(image, target, image, np.zeros_like(target), np.random.default_rng(0))
    assert np.array_equal(same, image)
    assert np.array_equal(left, target)
