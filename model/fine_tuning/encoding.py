"""Objects as the selection network sees them: in the crops that sessions have of them, and in the whole image."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from model import Click, Predictor, simulation
from model.datasets.objects import EvaluationObject
from model.errors import InvalidClick
from model.evaluation.clickers import annotator_for
from model.fine_tuning.encoded import Encoded
from model.fine_tuning.remembering import remembering
from model.geometry import Box, View
from model.inference import FILL, network_pixels, selection_map
from model.networks.adapter import Gate
from model.training.objects import SMALLEST

JITTER = 0.1
"""Greatest distance of a simulated selection click from the deepest point, in diagonals of the object's box."""

LOOSE = 1.5
"""If a session's crops are all larger than so many times what the object needs, it is encoded in that, too: there it is
clicked on once its first masks are better."""


@dataclass(frozen=True)
class Look:
    """An object in one view.

    Attributes:
        crops: in each crop that a session has of it.
        whole: in the whole image as the coarse pass sees it, where nobody clicks an outline; None if it was not asked
            for, or too little is seen of the object.
    """

    crops: list[Encoded]
    whole: Encoded | None = None


def encode(
    shipped: Predictor,
    size: int,
    item: EvaluationObject,
    clicks: Sequence[Click],
    view: int,
    *,
    whole: bool = False,
) -> Look:
    """Look at an object; crops that hold too little of it are left out.

    Args:
        shipped: whose sessions these are.
        size: of the crops, network pixels.
        clicks: the annotator's own, image pixels; empty if they are not known.
        view: 0 is the object as it was annotated; others have simulated selection clicks, odd ones are mirrored.
        whole: whether it is encoded in the whole image, too.
    """
    # What a session has encoded in order to find its crops, is not encoded once more.
    shipped = remembering(shipped)
    shown = _shown(item, clicks, view)
    seen = [_seen(shipped, shown, View(window, size, size)) for window in _windows(shipped, shown)]
    coarse = _seen(shipped, shown, shipped.passes.whole_view(shown.item.image.shape[:2])) if whole else None
    return Look([encoded for encoded in seen if encoded is not None], coarse)


@dataclass(frozen=True)
class _Shown:
    """An object in one view, and the clicks on it, image pixels."""

    item: EvaluationObject
    selection: Click
    boundary: Sequence[Click]
    source: bytes
    generator: np.random.Generator


def _shown(item: EvaluationObject, clicks: Sequence[Click], view: int) -> _Shown:
    generator = np.random.default_rng([zlib.crc32(item.name.encode()), view])
    image, truth = item.image, item.truth
    source = hashlib.blake2b(image.tobytes(), digest_size=8).digest()
    known = [click for click in clicks if _is_inside(click, truth)]
    if view % 2:
        image, truth = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(truth[:, ::-1])
        known = [Click(truth.shape[1] - 1 - click.x, click.y, click.role) for click in known]
    selection = _selection(truth, known if view == 0 else [], generator)
    boundary = [click for click in known if click.role == "boundary"]
    shown = EvaluationObject(f"{item.name}-{view}", image, truth, np.zeros_like(truth))
    return _Shown(shown, selection, boundary, source, generator)


def _seen(shipped: Predictor, shown: _Shown, crop: View) -> Encoded | None:
    """An object in one crop; None if too little of it is left to learn from."""
    item = shown.item
    target = crop.extract(item.truth.astype(np.float32)) > 0.5
    if np.count_nonzero(target) < SMALLEST:
        return None
    selected, features = _selected(shipped, item.image, crop, shown.selection)
    return Encoded(
        image=crop.extract(item.image, FILL).astype(np.uint8, copy=False),
        features=features,
        selected=selected.astype(np.float16),
        target=target,
        selection=crop.to_view(shown.selection.x, shown.selection.y),
        boundary=tuple(crop.to_view(click.x, click.y) for click in shown.boundary),
        source=shown.source,
    )


def described_crop(
    shipped: Predictor, image: NDArray[np.uint8], crop: View, selection: Click
) -> torch.Tensor:
    """(2 C,), what the features of a crop of an (H, W, 3) image are like, see `Gate.describe`."""
    _, features = _selected(shipped, image, crop, selection)
    return Gate.describe(torch.from_numpy(features).float()[None])[0]


def _selected(
    shipped: Predictor, image: NDArray[np.uint8], crop: View, selection: Click
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Logits (h, w) and features (C, h, w) in the memory of the CPU, whatever runs the network."""
    guidance = selection_map(crop, selection, shipped.config.guidance_sigma)
    logits, features = shipped.runtime.select(network_pixels(image, crop), guidance)
    kept = features.cpu() if isinstance(features, torch.Tensor) else features
    return logits, np.asarray(kept, np.float16)[0]


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


def _windows(shipped: Predictor, shown: _Shown) -> Iterator[Box]:
    """The crop of a session's first mask, the one after the first boundary click if that is another, and a tight one.

    That click may have widened the crop, or have had the object selected again at another scale.
    """
    session = shipped.start(shown.item.image)
    mask = session.click(shown.selection)
    first = session.crop
    assert first is not None  # noqa: S101 - the selection click has made one
    yield first
    if shown.boundary:
        session.add(shown.boundary[0])
    elif aimed := annotator_for("boundary", shown.item, noise=0.0, seed=0).correct(mask):
        session.add(aimed.click)
    second = session.crop
    if second is not None and second != first:
        yield second
    tight = _tight(shipped, shown)
    if min(each.width for each in (first, second or first)) > LOOSE * tight.width:
        yield tight


def _tight(shipped: Predictor, shown: _Shown) -> Box:
    """The crop of a first mask that is nearly right: each side of the object's box is off by up to `JITTER` of it."""
    box = Box.of_mask(shown.item.truth)
    off = shown.generator.uniform(-JITTER, JITTER, size=4)
    left, right = (
        round(x + share * box.width) for x, share in zip((box.left, box.right), off[:2], strict=True)
    )
    top, bottom = (
        round(y + share * box.height) for y, share in zip((box.top, box.bottom), off[2:], strict=True)
    )
    return shipped.passes.window(Box(left, top, max(right, left + 1), max(bottom, top + 1)))
