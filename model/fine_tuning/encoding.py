"""Crop features of objects: computed once, kept on the disk, read again at every step that trains on them."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from model import Click, Predictor, masks, simulation
from model.datasets.objects import EvaluationObject
from model.errors import InvalidClick
from model.evaluation.clickers import annotator_for
from model.fine_tuning.rollouts import GuidedRollout
from model.geometry import Box, View
from model.guidance import Point
from model.inference import FILL
from model.training.objects import SMALLEST
from model.training.refinement import Crops, selected
from model.training.run import TrainingRun
from model.training.samples import Sample
from model.training.selection import network_input

JITTER = 0.1
"""Greatest distance of a simulated selection click from the deepest point, in diagonals of the object's box."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """One object as the head gets it; all points in pixels of the crop.

    Attributes:
        image: (S, S, 3) uint8; features: (C, h, w) float16; logits, target: (S, S), float16 and bool.
        selection: click; boundary: the annotator's clicks, as far as they are known.
    """

    image: NDArray[np.uint8]
    features: NDArray[np.float16]
    logits: NDArray[np.float16]
    target: NDArray[np.bool_]
    selection: Point
    boundary: tuple[Point, ...]

    @property
    def hardness(self) -> float:
        """How often the object is worth being trained on: more where the selection is wrong."""
        iou = masks.intersection_over_union(self.logits > 0, self.target)
        return float(np.clip(1 - iou, 0.02, 0.4)) if iou > 0.2 else 0.02

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        partial = path.with_suffix(".part")
        values = {
            "image": self.image,
            "features": self.features,
            "logits": self.logits,
            "target": np.packbits(self.target, axis=1),
            "clicks": np.array([self.selection, *self.boundary], np.float32),
        }
        save_file({name: np.ascontiguousarray(value) for name, value in values.items()}, partial)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> "Encoded":
        """What `save` has written; raises OSError or SafetensorError if it is not that."""
        values = load_file(path)
        clicks = [(float(x), float(y)) for x, y in values["clicks"]]
        target = np.unpackbits(values["target"], axis=1)[:, : values["image"].shape[1]].astype(np.bool_)
        return Encoded(
            values["image"], values["features"], values["logits"], target, clicks[0], tuple(clicks[1:])
        )


def is_encoded(path: Path) -> bool:
    """Whether a complete file is there."""
    try:
        Encoded.load(path)
    except (OSError, SafetensorError, KeyError):
        return False
    return True


def encode(
    run: TrainingRun,
    shipped: Predictor,
    item: EvaluationObject,
    clicks: Sequence[Click],
    view: int,
) -> list[Encoded]:
    """One look at an object, in each crop that a session has of it; without crops that hold too little of it.

    Args:
        shipped: whose sessions these are.
        clicks: the annotator's own, image pixels; empty if they are not known.
        view: 0 is the object as it was annotated; others have simulated selection clicks, odd ones are mirrored.
    """
    generator = np.random.default_rng([zlib.crc32(item.name.encode()), view])
    image, truth = item.image, item.truth
    known = [click for click in clicks if _is_inside(click, truth)]
    if view % 2:
        image, truth = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(truth[:, ::-1])
        known = [Click(truth.shape[1] - 1 - click.x, click.y, click.role) for click in known]
    selection = _selection(truth, known if view == 0 else [], generator)
    shown = EvaluationObject(f"{item.name}-{view}", image, truth, np.zeros_like(truth))
    boundary = [click for click in known if click.role == "boundary"]
    seen = (
        _in_crop(run, shown, selection, boundary, window)
        for window in _windows(shipped, shown, selection, boundary)
    )
    return [encoded for encoded in seen if encoded is not None]


def _in_crop(
    run: TrainingRun, item: EvaluationObject, selection: Click, boundary: Sequence[Click], window: Box
) -> Encoded | None:
    """An object in one crop; None if too little of it is left to learn from."""
    crop = View(window, run.settings.size, run.settings.size)
    target = crop.extract(item.truth.astype(np.float32)) > 0.5
    if np.count_nonzero(target) < SMALLEST:
        return None
    at = crop.to_view(selection.x, selection.y)
    pixels = crop.extract(item.image, FILL).astype(np.uint8, copy=False)
    sample = Sample(
        image=torch.from_numpy(pixels)[None],
        target=torch.from_numpy(target)[None],
        distance=torch.from_numpy(masks.distance_to(target))[None],
        click=torch.tensor([at], dtype=torch.float32),
    )
    (rollout,), crops = selected(run, run.network, sample)
    return Encoded(
        image=pixels,
        features=crops.features[0].float().cpu().numpy().astype(np.float16),
        logits=rollout.logits.astype(np.float16),
        target=target,
        selection=at,
        boundary=tuple(crop.to_view(click.x, click.y) for click in boundary),
    )


def load_batch(run: TrainingRun, paths: Sequence[Path]) -> tuple[list[GuidedRollout], Crops]:
    """Objects to be clicked on, and their crops."""
    objects = [Encoded.load(path) for path in paths]
    rollouts = [
        GuidedRollout(
            each.logits.astype(np.float32),
            each.target,
            each.selection,
            run.settings.click_sampling,
            known=list(each.boundary),
        )
        for each in objects
    ]
    target = torch.from_numpy(np.stack([each.target for each in objects]))[:, None].float()
    distance = torch.from_numpy(np.stack([masks.distance_to(each.target) for each in objects]))[:, None]
    crops = Crops(
        network_input(torch.from_numpy(np.stack([each.image for each in objects])), run.device),
        torch.from_numpy(np.stack([each.features for each in objects])).float().to(run.device),
        target.to(run.device),
        distance.to(run.device),
    )
    return rollouts, crops


def _is_inside(click: Click, truth: NDArray[np.bool_]) -> bool:
    """Whether a click lies on the image: the annotator may have clicked on another state of the file."""
    try:
        click.require_inside(truth.shape[1], truth.shape[0])
    except InvalidClick:
        return False
    return True


def _selection(truth: NDArray[np.bool_], known: Sequence[Click], generator: np.random.Generator) -> Click:
    """The annotator's selection click, if it is known and lies on what they wanted; else a simulated one."""
    height, width = truth.shape
    for click in known:
        column, row = click.pixel(width, height)
        if click.role == "select" and truth[row, column]:
            return click
    box = Box.of_mask(truth)
    inside = truth[box.top : box.bottom, box.left : box.right]
    noise = JITTER * float(np.hypot(box.width, box.height))
    x, y = simulation.jittered(simulation.selection_click(inside), noise, inside, generator)
    return Click(x + box.left, y + box.top, "select")


def _windows(
    shipped: Predictor, item: EvaluationObject, selection: Click, known: Sequence[Click]
) -> Iterator[Box]:
    """The crop of a session's first mask, and the one after the first boundary click if that is another.

    That click may have widened the crop, or have had the object selected again at another scale.
    """
    session = shipped.start(item.image)
    mask = session.click(selection)
    first = session.crop
    assert first is not None  # noqa: S101 - the selection click has made one
    yield first
    if known:
        session.add(known[0])
    elif aimed := annotator_for("boundary", item, noise=0.0, seed=0).correct(mask):
        session.add(aimed.click)
    if session.crop is not None and session.crop != first:
        yield session.crop
