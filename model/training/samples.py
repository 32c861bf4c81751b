"""Training samples: one object, augmented, with its selection click."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from model import masks, simulation
from model.datasets.coco import CocoObjects
from model.errors import DatasetError
from model.geometry import Box
from model.training.augmentation import CropPolicy, colour, random_window, warp
from model.training.copy_paste import paste_object

SMALLEST = 32
"""Objects of fewer pixels, in the data or after cropping, are left out of training."""

SAME = 0.3
"""Share of the pasted objects that are a copy of the sample's own."""


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


class RandomObjects(IterableDataset[Sample]):
    """Endless random samples; each worker and each start draws its own."""

    def __init__(
        self,
        root: Path,
        size: int,
        policy: CropPolicy,
        seed: int,
        *,
        source_weights: dict[str, float] | None = None,
        paste: float = 0.0,
    ) -> None:
        self.objects = CocoObjects(root)
        self.size, self.policy, self.seed, self.paste = size, policy, seed, paste
        self.records = [r for r in self.objects.records if self.objects.area(r) >= SMALLEST]
        if not self.records:
            raise DatasetError(
                f"training data: expected objects of at least {SMALLEST} pixels in {root}, found none"
            )
        weights = np.array([(source_weights or {}).get(r.source, 1.0) for r in self.records])
        self.probabilities = weights / weights.sum()

    def __iter__(self) -> Iterator[Sample]:
        cv2.setNumThreads(0)
        worker = torch.utils.data.get_worker_info()
        generator = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            for index in generator.choice(len(self.records), size=4096, p=self.probabilities):
                sample = self._sample(int(index), generator)
                if sample is not None:
                    yield sample

    def _sample(self, index: int, generator: np.random.Generator) -> Sample | None:
        record = self.records[index]
        mask = self.objects.mask(record)
        if not mask.any():
            return None
        image = self.objects.image(record)
        window = random_window(Box.of_mask(mask), mask.shape[1], mask.shape[0], self.policy, generator)
        pixels, target = warp(image, mask, window, self.size, generator)
        if generator.random() < self.paste:
            other = (image, mask) if generator.random() < SAME else self._other(generator)
            pixels, target = paste_object(pixels, target, *other, generator)
        if np.count_nonzero(target) < SMALLEST:
            return None
        return Sample(
            image=torch.from_numpy(colour(pixels, generator)),
            target=torch.from_numpy(target),
            distance=torch.from_numpy(masks.distance_to(target)),
            click=torch.tensor(random_selection_click(target, generator)),
        )

    def _other(self, generator: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        record = self.records[int(generator.choice(len(self.records), p=self.probabilities))]
        return self.objects.image(record), self.objects.mask(record)


def random_selection_click(truth: NDArray[np.bool_], generator: np.random.Generator) -> tuple[float, float]:
    """The paper's selection click, jittered by up to 25 px, or any point well inside the object."""
    if generator.random() < 0.5:
        point = simulation.paper_selection_click(truth)
        return simulation.jittered(point, 25.0, truth, generator)
    depth = masks.inner_distance(truth)
    rows, columns = np.nonzero(depth >= generator.uniform(0.3, 1.0) * depth.max())
    pick = int(generator.integers(rows.size))
    return (float(columns[pick]), float(rows[pick]))
