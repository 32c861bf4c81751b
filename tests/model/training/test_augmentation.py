import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.geometry import Box
from model.training.augmentation import (
    REFINEMENT_CROPS,
    SELECTION_CROPS,
    colour,
    colour_matrix,
    random_window,
    warp,
)
from tests.model.scenes import scene


@given(seed=st.integers(0, 10_000))
def test_windows_around_an_object_hold_it(seed: int):
    generator = np.random.default_rng(seed)
    left, top = int(generator.integers(0, 100)), int(generator.integers(0, 100))
    box = Box(left, top, left + int(generator.integers(1, 60)), top + int(generator.integers(1, 60)))
    x, y, side = random_window(box, 200, 180, REFINEMENT_CROPS, generator)
    assert x - side / 2 <= box.left + 1e-6
    assert x + side / 2 >= box.right - 1 - 1e-6
    assert y - side / 2 <= box.top + 1e-6
    assert y + side / 2 >= box.bottom - 1 - 1e-6


def test_image_and_mask_are_moved_alike():
    image, mask = scene(3)
    for seed in range(20):
        generator = np.random.default_rng(seed)
        window = random_window(Box.of_mask(mask), 160, 120, SELECTION_CROPS, generator)
        warped, target = warp(image, mask, window, 96, generator)
        assert warped.shape == (96, 96, 3)
        assert warped.dtype == np.uint8
        bright = warped.min(axis=2) > 140
        disagreement = np.count_nonzero(bright ^ target) / max(np.count_nonzero(target), 1)
        assert disagreement < 0.15


def test_colours_change_within_their_range():
    image, _ = scene(1)
    changed = colour(image, np.random.default_rng(0))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert (changed != image).mean() > 0.5


IDENTITY = {"cast": np.ones(3), "gain": 1.0, "contrast": 1.0, "shift": 0.0, "saturation": 1.0}


def test_identity_parameters_leave_the_colours():
    assert np.allclose(colour_matrix(**IDENTITY), np.eye(3, 4))


def test_colour_parameters_do_what_they_say():
    rgb = np.array([200.0, 100.0, 60.0, 1.0])
    assert np.allclose(colour_matrix(**IDENTITY | {"shift": 5.0}) @ rgb, rgb[:3] + 5)
    assert np.allclose(colour_matrix(**IDENTITY | {"saturation": 0.0}) @ rgb, [120, 120, 120])
    assert np.allclose(colour_matrix(**IDENTITY | {"contrast": 0.5}) @ rgb, 127 + (rgb[:3] - 127) / 2)
    assert np.allclose(colour_matrix(**IDENTITY | {"gain": 1.1}) @ rgb, rgb[:3] + 12.7)
    assert np.allclose(colour_matrix(**IDENTITY | {"cast": np.array([2.0, 1.0, 1.0])}) @ rgb, [300, 75, 45])
