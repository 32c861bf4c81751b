import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.geometry import Box
from model.training.augmentation import (
    PLAIN,
    REFINEMENT_CROPS,
    SELECTION_CROPS,
    Augmentation,
    CropPolicy,
    Placement,
    colour_matrix,
    random_look,
    random_placement,
    random_window,
)
from model.training.rendering import recoloured
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
        placement = random_placement(window, 96, Augmentation(), generator)
        warped, target = placement.image(image), placement.mask(mask)
        assert warped.shape == (96, 96, 3)
        assert warped.dtype == np.uint8
        bright = warped.min(axis=2) > 140
        disagreement = np.count_nonzero(bright ^ target) / max(np.count_nonzero(target), 1)
        assert disagreement < 0.15


def test_a_window_of_the_samples_size_is_cut_out_as_it_is():
    image, _ = scene(1)
    placement = Placement.of_window((40 + 31.5, 20 + 31.5, 64.0), 64)
    assert np.array_equal(placement.image(image), image[20:84, 40:104])
    mirrored = Placement.of_window((40 + 31.5, 20 + 31.5, 64.0), 64, mirrored=True)
    assert np.array_equal(mirrored.image(image), image[20:84, 40:104][:, ::-1])


def test_a_right_angle_turns_the_window():
    image, _ = scene(1)
    placement = Placement.of_window((71.5, 51.5, 64.0), 64, angle=90)
    assert np.array_equal(placement.image(image), np.rot90(image[20:84, 40:104]))


def test_what_is_not_varied_stays():
    image, _ = scene(1)
    for seed in range(5):
        generator = np.random.default_rng(seed)
        assert np.array_equal(recoloured(image, random_look(PLAIN, generator)), image)
        placement = random_placement((71.5, 51.5, 64.0), 64, PLAIN, generator)
        assert np.array_equal(placement.image(image), image[20:84, 40:104])


def test_angles_and_mirrors_stay_within_the_settings():
    angles, mirrored = [], []
    for seed in range(200):
        settings = Augmentation(rotated=1, rotation=30)
        matrix = random_placement((50, 50, 64), 64, settings, np.random.default_rng(seed)).matrix
        mirrored.append(np.linalg.det(matrix[:, :2]) < 0)
        angles.append(np.degrees(np.arctan2(abs(matrix[0, 1]), abs(matrix[0, 0]))))
    assert 25 < max(angles) <= 30 + 1e-6
    assert 70 < sum(mirrored) < 130


def test_colours_change_within_their_range():
    image, _ = scene(1)
    changed = recoloured(image, random_look(Augmentation(), np.random.default_rng(0)))
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


def test_a_policy_in_the_wrong_order_is_refused():
    with pytest.raises(ValidationError, match="tightest <= widest"):
        CropPolicy(whole=0, tightest=3, widest=2)
