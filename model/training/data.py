"""The samples of a run: batches that other processes prepare while the network trains, and the held-out ones."""

import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader

from model.training.device_rendering import Ingredients, gather, render_batch
from model.training.distributed import Ranks
from model.training.image_cache import ImageCache
from model.training.objects import open_pools
from model.training.samples import Draft, Drafts, Sample, fixed_samples, rendered, stacked
from model.training.settings import TrainingSettings

HELD_OUT_SAMPLES = 64
CACHE = "cache"


class TrainingData:
    """What a run in the folder `out` trains and validates on.

    Raises:
        DatasetError: a data set is missing or holds nothing to train on.
    """

    def __init__(self, settings: TrainingSettings, out: Path) -> None:
        self._settings, pipeline = settings, settings.pipeline
        most_bytes = round(pipeline.cache_gib * 2**30)
        cache = ImageCache(pipeline.cache or out / CACHE, most_bytes, pipeline.largest_side)
        self.training, self.held_out = open_pools(settings.data, settings.held_out, cache)

    def batches(self, ranks: Ranks, device: torch.device, step: int, per_step: int) -> Iterator[Sample]:
        """Endless batches from step `step` on; each process gets its own `per_step` samples at each step.

        The images are on the device if they are rendered there; all else is on the CPU, pinned for a GPU.
        """
        settings = self._settings
        on_device = settings.pipeline.augment_on == "device"
        loader: DataLoader[Any] = DataLoader(
            Drafts(self.training, settings, settings.crop_policy),
            batch_sampler=_Numbers(ranks, step, per_step),
            collate_fn=_to_render if on_device else _rendered,
            num_workers=settings.workers,
            prefetch_factor=settings.pipeline.prefetch if settings.workers else None,
            worker_init_fn=_prepare_worker,
            pin_memory=device.type == "cuda",
        )
        batch: Sample
        for batch, ingredients in loader:
            if ingredients:
                batch["image"] = render_batch(ingredients, device)
            yield batch

    def validation(self) -> Sample | None:
        """Fixed held-out samples; None if no image is held out."""
        return fixed_samples(self.held_out, self._settings, self._settings.crop_policy, HELD_OUT_SAMPLES)


def remove_own_cache(out: Path) -> None:
    """Remove the decoded images of a run that is done; those in a folder that its settings name stay for the next."""
    shutil.rmtree(out / CACHE, ignore_errors=True)


class _Numbers:
    """Numbers of the samples of one process, batch by batch: all processes together leave none out."""

    def __init__(self, ranks: Ranks, step: int, size: int) -> None:
        self._ranks, self._step, self._size = ranks, step, size

    def __iter__(self) -> Iterator[list[int]]:
        for batch in count(self._step * self._ranks.world + self._ranks.rank, self._ranks.world):
            yield list(range(batch * self._size, (batch + 1) * self._size))


def _rendered(drafts: Sequence[Draft]) -> tuple[Sample, None]:
    return rendered(drafts), None


def _to_render(drafts: Sequence[Draft]) -> tuple[Sample, Ingredients]:
    return stacked([], drafts), gather([draft["recipe"] for draft in drafts])


def _prepare_worker(_worker: int) -> None:
    cv2.setNumThreads(0)  # as many processes as workers are at it already
    cv2.ipp.setUseIPP(
        False
    )  # its distances differ in the last bits with the place in memory: not reproducible
