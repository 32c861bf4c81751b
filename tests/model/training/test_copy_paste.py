import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.training.augmentation import Augmentation
from model.training.copy_paste import KEPT, Paste, random_paste
from model.training.rendering import blend
from tests.model.scenes import scene


def pasted(seed: int) -> tuple[np.ndarray, np.ndarray, Paste]:
    """A target, the shape of the object that is pasted where it lies in the sample, and how it is pasted."""
    target = np.ascontiguousarray(scene(seed)[1][:, 20:140])
    other = scene(seed + 1)[1]
    paste = random_paste(target, other, Augmentation(), np.random.default_rng(seed))
    return target, paste.placement.mask(other), paste


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_object_is_wholly_before_or_wholly_behind(seed: int):
    target, shape, paste = pasted(seed)
    in_front = np.array_equal(paste.visible, shape)
    behind = np.array_equal(paste.visible, shape & ~target)
    assert in_front or behind
    left = target & ~paste.visible
    assert np.count_nonzero(left) >= KEPT * np.count_nonzero(target) > 0
    assert in_front or np.array_equal(left, target), "an object behind hides nothing"


def test_objects_come_in_front_and_behind():
    hides = [(paste.visible & target).any() for target, _, paste in map(pasted, range(40))]
    assert 3 < sum(hides) < 37


def test_the_pasted_object_covers_what_it_hides_and_no_more():
    target, _, paste = next(p for p in map(pasted, range(40)) if (p[2].visible & p[0]).any())
    below, above = np.zeros((*target.shape, 3), np.uint8), np.full((*target.shape, 3), 200, np.uint8)
    image = blend(below, above, paste.opacity)[..., 0]
    assert (image[paste.visible] >= 90).all(), "at least half there, along its edge"
    assert (image[~paste.visible] <= 110).all()
    assert image.max() == 200
    assert image.min() == 0


def test_blending_by_hand():
    below, above = np.full((1, 3, 3), 10, np.uint8), np.full((1, 3, 3), 110, np.uint8)
    opacity = np.array([[0, 51, 255]], np.uint8)
    assert blend(below, above, opacity)[0, :, 0].tolist() == [10, 30, 110]
