"""The two ways to render: the same recipes must come out alike."""

import cv2
import numpy as np
import pytest
import torch

from model.geometry import Box
from model.training.augmentation import (
    SELECTION_CROPS,
    Augmentation,
    Look,
    random_look,
    random_placement,
    random_window,
)
from model.training.copy_paste import random_paste
from model.training.device_rendering import gather, render_batch
from model.training.rendering import Recipe, render
from tests.model.scenes import scene

CPU = torch.device("cpu")


def smooth(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """(H, W, 3) image without edges, where interpolation in other steps makes no difference."""
    coarse = np.random.default_rng(seed).integers(40, 215, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def recipe(seed: int, blurred: float = 0.0) -> Recipe:
    generator = np.random.default_rng(seed)
    augmentation = Augmentation(blurred=blurred)
    box = Box.of_mask(scene(seed)[1])
    window = random_window(
        box, 160, 120, SELECTION_CROPS, generator
    )  # the image is larger: no edge in the sample
    window = (window[0] + 80, window[1] + 60, window[2])
    placement = random_placement(window, 64, augmentation, generator)
    look = random_look(augmentation, generator)
    if seed % 2:
        return Recipe(smooth(seed), placement, look)
    target = np.zeros((64, 64), bool)
    target[16:48, 16:48] = True
    paste = random_paste(target, np.pad(scene(seed + 1)[1], ((60, 60), (80, 80))), augmentation, generator)
    return Recipe(smooth(seed), placement, look, smooth(seed + 1), paste)


@pytest.mark.parametrize("blurred", [0.0, 1.0])
def test_both_ways_agree_on_smooth_images(blurred: float):
    recipes = [recipe(seed, blurred) for seed in range(8)]
    assert any(r.paste and r.paste.visible.any() for r in recipes)
    batch = render_batch(gather(recipes), CPU).numpy()
    assert batch.shape == (8, 64, 64, 3)
    assert batch.dtype == np.uint8
    for made, one in zip(batch, recipes, strict=True):
        difference = np.abs(made.astype(int) - render(one))
        inner = difference[
            3:-3, 3:-3
        ]  # at the very edge of the sample and of the image the blur sees other pixels
        assert np.percentile(inner, 99) <= 3
        assert inner.mean() < 1
    assert np.abs(batch[0].astype(int) - batch[1]).mean() > 5, "the samples differ"


def test_images_that_end_within_the_sample_are_filled_alike():
    image = smooth(0, 100, 130)
    generator = np.random.default_rng(0)
    placement = random_placement((20.0, 90.0, 120.0), 64, Augmentation(rotated=1), generator)
    one = Recipe(image, placement, Look(np.eye(3, 4), 0.0))
    difference = np.abs(render_batch(gather([one]), CPU)[0].numpy().astype(int) - render(one))
    assert np.percentile(difference, 99) <= 3
    assert (render(one) == 127).all(axis=2).mean() > 0.2, "a good part lies beyond the image"


def test_a_batch_without_pasted_objects_renders():
    recipes = [recipe(1), recipe(3)]
    assert gather(recipes)["pasted"].numel() == 0
    assert render_batch(gather(recipes), CPU).shape == (2, 64, 64, 3)
