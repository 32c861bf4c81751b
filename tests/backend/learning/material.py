"""Corrections of synthetic scenes, recorded as `boundaryclick import` records them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
from pydantic import SecretStr

from backend.decoding import ImageLimits
from backend.images import ImageStore
from backend.learning import Learning
from backend.learning.task import Task
from backend.learning.worker import Workplace
from model import Click
from model.corrections import AnnotationKey, Correction, ImageReference, Interaction, Submission
from model.training.objects import is_held_out
from tests.model.scenes import scene

TOOL, NAME = "folder", "photos"
PROJECT = f"{TOOL}/{NAME}"


def learning(folder: Path) -> Learning:
    limits = ImageLimits(1 << 24, 1 << 24)
    return Learning(f"sqlite:///{folder}/store.sqlite3", ImageStore(limits, 1 << 24, 60.0))


def photos(folder: Path, seeds: Iterable[int]) -> list[ImageReference]:
    """Photos of scenes, written as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    references = []
    for seed in seeds:
        path = folder / f"{seed}.png"
        cv2.imwrite(str(path), scene(seed)[0][..., ::-1])
        references.append(ImageReference(TOOL, NAME, path.name, str(path)))
    return references


def read(image: ImageReference) -> bytes:
    return Path(image.reference).read_bytes()


def record(store: Learning, references: Iterable[ImageReference], mask: np.ndarray | None = None) -> None:
    """One correction for each photo, with its scene's mask unless another is given; then the photos are looked at."""
    now = datetime.now(timezone.utc)
    for reference in references:
        truth = scene(int(Path(reference.reference).stem))[1] if mask is None else mask
        key = AnnotationKey(TOOL, NAME, reference.task)
        store.record(Submission(key, reference.task, 1, now, "", (Correction("object", reference, truth),)))
    store.fetch_images(TOOL, read)


def click(store: Learning, reference: ImageReference, *clicks: Click) -> None:
    """The annotator's clicks before the correction."""
    digest = hashlib.sha256(read(reference)).hexdigest()
    mask = scene(int(Path(reference.reference).stem))[1]
    store.offer(Interaction(reference, digest, "object", clicks, mask, "tiny-0"))


def split_seeds(held_out: int, training: int, share: float, folder: Path) -> list[int]:
    """Seeds of scenes of which so many are held out."""
    chosen: dict[bool, list[int]] = {True: [], False: []}
    wanted = {True: held_out, False: training}
    seed = 0
    while any(len(chosen[side]) < wanted[side] for side in chosen):
        (reference,) = photos(folder, [seed])
        side = is_held_out(hashlib.sha256(read(reference)).hexdigest(), share)
        if len(chosen[side]) < wanted[side]:
            chosen[side].append(seed)
        seed += 1
    return chosen[True] + chosen[False]


def workplace(folder: Path, weights: Path) -> Workplace:
    return Workplace(
        database=f"sqlite:///{folder}/store.sqlite3",
        folder=folder / "jobs",
        weights=str(weights),
        device="cpu",
        runtime="torch",
        threads=2,
        replay=None,
        after=5,
        max_image_bytes=1 << 24,
        max_image_pixels=1 << 24,
    )


def task(place: Workplace, job: int, owner: str, folder: Path) -> Task:
    return Task(
        job=job,
        owner=owner,
        database=SecretStr(place.database),
        folder=folder,
        weights=place.weights,
        device="cpu",
        runtime="torch",
        threads=1,
        replay=None,
        max_image_bytes=place.max_image_bytes,
        max_image_pixels=place.max_image_pixels,
    )
