"""Training samples: one object, augmented, with its selection click."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from model import masks, simulation
from model.geometry import Box
from model.training.augmentation import (
    PLAIN,
    CropPolicy,
    random_look,
    random_placement,
    random_window,
)
from model.training.copy_paste import random_paste
from model.training.objects import SMALLEST, ObjectPool
from model.training.rendering import Recipe, render
from model.training.settings import ClickSampling, TrainingSettings

SAME = 0.3
"""Share of the pasted objects that are a copy of the sample's own."""

TRIES = 100
"""Objects that are drawn for one sample at most; most fit at once."""


class Sample(TypedDict):
    """One sample, or a batch with a first axis B more.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        target: (S, S) bool.
        distance: (S, S) float32, pixels from the object; 0 inside.
        click: (2,) float32, x and y of the selection click.
    """

    image: torch.Tensor
    target: torch.Tensor
    distance: torch.Tensor
    click: torch.Tensor


class Draft(TypedDict):
    """A sample whose image is still to be rendered; `target`, `distance` and `click` as in `Sample`."""

    recipe: Recipe
    target: torch.Tensor
    distance: torch.Tensor
    click: torch.Tensor


class Drafts(Dataset[Draft]):
    """Endless random samples of a pool, by number.

    A sample depends on the seed and its number alone: neither on how many processes prepare samples, nor on whether the
    run has been interrupted.
    """

    def __init__(self, pool: ObjectPool, settings: TrainingSettings, policy: CropPolicy) -> None:
        self._pool, self._policy = pool, policy
        self._seed, self._size = settings.seed, settings.size
        self._augmentation, self._paste = settings.augmentation, settings.paste
        self._clicks = settings.click_sampling

    def __getitem__(self, number: int) -> Draft:
        """Sample number `number`."""
        generator = np.random.default_rng([self._seed, number])
        for _ in range(TRIES):
            draft = self._draft(self._pool.draw(generator), generator)
            if draft is not None:
                return draft
        raise RuntimeError(f"training data: expected objects that fit a sample, drew {TRIES} that do not")

    def _draft(self, number: int, generator: np.random.Generator) -> Draft | None:
        image, mask = self._pool.load(number)
        if not mask.any():
            return None
        window = random_window(Box.of_mask(mask), mask.shape[1], mask.shape[0], self._policy, generator)
        placement = random_placement(window, self._size, self._augmentation, generator)
        target = placement.mask(mask)
        if not target.any():
            return None
        other, paste = None, None
        if generator.random() < self._paste:
            other, shape = (image, mask) if generator.random() < SAME else self._other(generator)
            if shape.any():
                paste = random_paste(target, shape, self._augmentation, generator)
                target = target & ~paste.visible
        if np.count_nonzero(target) < SMALLEST:
            return None
        recipe = Recipe(image, placement, random_look(self._augmentation, generator), other, paste)
        return _draft(recipe, target, self._clicks, generator)

    def _other(self, generator: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        return self._pool.load(self._pool.draw(generator))


def _draft(
    recipe: Recipe, target: NDArray[np.bool_], clicks: ClickSampling, generator: np.random.Generator
) -> Draft:
    return Draft(
        recipe=recipe,
        target=torch.from_numpy(target),
        distance=torch.from_numpy(masks.distance_to(target)),
        click=torch.tensor(random_selection_click(target, clicks, generator)),
    )


def random_selection_click(
    truth: NDArray[np.bool_], sampling: ClickSampling, generator: np.random.Generator
) -> tuple[float, float]:
    """The paper's selection click, jittered, or any point well inside the object."""
    if generator.random() < sampling.paper_share:
        point = simulation.paper_selection_click(truth)
        return simulation.jittered(point, sampling.selection_jitter, truth, generator)
    depth = masks.inner_distance(truth)
    rows, columns = np.nonzero(depth >= generator.uniform(0.3, 1.0) * depth.max())
    pick = int(generator.integers(rows.size))
    return (float(columns[pick]), float(rows[pick]))


def rendered(drafts: Sequence[Draft]) -> Sample:
    """A batch with its images, made on the CPU."""
    return stacked([torch.from_numpy(render(draft["recipe"])) for draft in drafts], drafts)


def stacked(images: list[torch.Tensor], drafts: Sequence[Draft]) -> Sample:
    """A batch of these images; without any, `image` is empty."""
    return Sample(
        image=torch.stack(images) if images else torch.empty(0),
        target=torch.stack([draft["target"] for draft in drafts]),
        distance=torch.stack([draft["distance"] for draft in drafts]),
        click=torch.stack([draft["click"] for draft in drafts]),
    )


def fixed_samples(
    pool: ObjectPool, settings: TrainingSettings, policy: CropPolicy, count: int
) -> Sample | None:
    """A batch for validation: not augmented, the same in every run on this data; None if the pool is empty."""
    if not len(pool):
        return None
    plain = settings.model_copy(update={"augmentation": PLAIN, "paste": 0.0, "seed": 0})
    drafts = Drafts(pool, plain, policy)
    return rendered([drafts[number] for number in range(count)])
