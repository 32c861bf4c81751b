"""A session: one object of one image, its clicks and the masks after each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import reselection, simulation
from model.clicks import Click
from model.errors import InvalidClick, InvalidImage
from model.geometry import Box
from model.guidance import Point
from model.inference import Crop, Passes
from model.logits import LIMIT, sigmoid
from model.merging import accept_click, cleaned
from model.state import State, starting_logits

BORDER = 0.02
"""A boundary click nearer to the crop's edge than this share of its side enlarges the crop."""

TOUCHING = 0.02
"""If the mask fills more than this share of one of the crop's edges, the crop has cut the object and is enlarged."""

ENLARGEMENTS = 2


class Session:
    """Clicks on one object, in order. Made by `Predictor.start`; not thread safe.

    Attributes:
        clicks: the clicks so far.
    """

    def __init__(
        self,
        passes: Passes,
        image: NDArray[np.uint8],
        mask: NDArray[np.bool_] | None = None,
        box: Box | None = None,
    ) -> None:
        self._passes, self._image, self._start, self._box = passes, image, mask, box
        self._states: list[State] = []
        self._deepest: Click | None = None
        self.clicks: tuple[Click, ...] = ()

    def click(self, click: Click) -> NDArray[np.bool_]:
        """Add a click and return the new mask, (H, W).

        Raises:
            InvalidClick: outside the image, a role that this model does not take, or in the wrong order: the first
                click is the selection click, unless the session started from a mask; all others are boundary clicks.
        """
        self.add(click)
        return self.mask

    def add(self, click: Click) -> None:
        """As `click`, without the mask, which is of the image's size and takes its time."""
        self._check(click)
        selects = click.role == "select"
        state = self._select(click) if selects else self._refine(self._before(click), click)
        self._states.append(state)
        self.clicks = (*self.clicks, click)

    def undo(self) -> NDArray[np.bool_]:
        """Take the last click back and return the mask before it, (H, W); without clicks, nothing changes."""
        self.take_back(1)
        return self.mask

    def take_back(self, count: int) -> None:
        """As `count` times `undo`, without the mask."""
        left = max(len(self._states) - count, 0)
        del self._states[left:]
        self.clicks = self.clicks[:left]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) mask after the last click."""
        shape = self._image.shape[:2]
        if not self._states:
            return np.zeros(shape, bool) if self._start is None else self._start.copy()
        return self._states[-1].mask_in_image(shape)

    @property
    def probability(self) -> NDArray[np.float32]:
        """(H, W) probability in [0, 1] of each pixel to belong to the object; above 0.5 exactly on the mask."""
        return sigmoid(self.logits)

    @property
    def logits(self) -> NDArray[np.float32]:
        """(H, W) logits of the image; infinite where no click has changed the starting mask, or beyond the crop."""
        shape = self._image.shape[:2]
        if not self._states:
            return starting_logits(self._start, shape)
        return self._states[-1].logits_in_image(shape)

    @property
    def state(self) -> State | None:
        """What is known after the last click; None before the first."""
        return self._states[-1] if self._states else None

    @property
    def score(self) -> float:
        """How sure the model is of the mask, in [0, 1]: mean probability inside the mask, as it stands in the crop."""
        if not self._states:
            return 0.0
        logits = self._states[-1].logits
        inside = logits[logits > 0]
        return float(sigmoid(inside).mean()) if inside.size else 0.0

    @property
    def crop(self) -> Box | None:
        """The crop that is being refined, in image pixels; None before the first click."""
        return self._states[-1].crop.view.box if self._states else None

    @property
    def nbytes(self) -> int:
        """Memory in bytes that the session holds, the image included."""
        arrays: list[NDArray[Any] | None] = [self._image, self._start]
        arrays += [array for state in self._states for array in (state.logits, state.edited, state.base)]
        shared = {id(array): array.nbytes for array in arrays if array is not None}
        crops = {id(state.crop): state.crop.nbytes for state in self._states}
        return sum(shared.values()) + sum(crops.values())

    def _check(self, click: Click) -> None:
        height, width = self._image.shape[:2]
        click.require_inside(width, height)
        roles = self._passes.roles
        if click.role not in roles:
            raise InvalidClick(f"click role: this model takes {' and '.join(roles)} clicks, got {click.role}")
        if click.role == "select" and (self.clicks or self._start is not None):
            raise InvalidClick(
                "selection click: expected as the first click of a session without a mask, got one later; "
                "start a new session for another object, click the outline to repair this one"
            )
        if click.role != "select" and not self.clicks and self._start is None:
            raise InvalidClick(
                f"{click.role} click: expected a selection click first, got none; "
                "click the middle of the object, then its outline"
            )

    def _select(self, click: Click) -> State:
        crop = self._passes.encode(self._image, self._window(click), click)
        for _ in range(ENLARGEMENTS if self._box is None else 0):
            window = self._wider(crop)
            if window is None:
                break
            crop = self._passes.encode(self._image, window, click)
        return _selected(crop, click)

    def _window(self, click: Click) -> Box:
        if self._box is None:
            return self._passes.locate(self._image, click)
        column, row = click.pixel(self._image.shape[1], self._image.shape[0])
        return self._passes.window(self._box.union(Box(column, row, column + 1, row + 1)))

    def _wider(self, crop: Crop) -> Box | None:
        """A window half as large again, if the mask runs over an edge of the crop that lies inside the image."""
        box, mask = crop.view.box, crop.logits > 0
        height, width = self._image.shape[:2]
        edges = (
            (mask[0], box.top > 0),
            (mask[-1], box.bottom < height),
            (mask[:, 0], box.left > 0),
            (mask[:, -1], box.right < width),
        )
        if not any(inside and edge.mean() > TOUCHING for edge, inside in edges):
            return None
        grow = (box.width + 3) // 4
        return Box(box.left - grow, box.top - grow, box.right + grow, box.bottom + grow)

    def _on(self, base: NDArray[np.bool_], window: Box) -> State:
        """A new crop on a mask of the whole image, which stays to the pixel where no click changes it."""
        crop = self._passes.encode(self._image, window, self._selection_click())
        inside = crop.view.extract(base.astype(np.float32))
        if inside.max() <= 0.5:
            # Too small or thin for the cells of this crop, and still what the clicks are about.
            inside = np.ceil(inside)
        logits = ((inside * 2 - 1) * (LIMIT / 2)).astype(np.float32)
        return State(crop, logits, np.zeros(logits.shape, bool), base)

    def _before(self, click: Click) -> State:
        """The mask so far, in a crop that holds the click."""
        if self._states:
            return self._reaching(self._states[-1], click)
        assert self._start is not None  # noqa: S101 - `_check` has seen to it
        column, row = click.pixel(self._image.shape[1], self._image.shape[0])
        box = Box.of_mask(self._start).union(Box(column, row, column + 1, row + 1))
        return self._on(self._start, self._passes.window(box))

    def _refine(self, before: State, click: Click) -> State:
        known = [each for each in self.clicks if each.role == "boundary"]
        return self._likeliest(before, self._replayed(before, known, [click]), [*known, click])

    def _likeliest(self, before: State, after: State, boundary: Sequence[Click]) -> State:
        """The state after the newest click, or one from another selection that explains all clicks better.

        A mask or a box that the session started from says which object is meant: it is not given up.
        """
        if self._start is not None or self._box is not None:
            return after
        outward, side = before.outward(boundary[-1]), before.crop.view.box.width
        if not reselection.is_error(outward, side):
            return after
        first = self._states[0].crop
        if before.crop is not first and all(first.view.box.contains(each.x, each.y) for each in boundary):
            again = self._replayed(_selected(first, self._selection_click()), [], boundary)
            if again.surprise < reselection.AGAIN * after.surprise:
                return again
        reach = reselection.farthest(self._selection_click(), boundary)
        if not reselection.is_far(outward, reach, before.area):
            return after
        return self._reselected(before, after, boundary)

    def _reselected(self, before: State, after: State, boundary: Sequence[Click]) -> State:
        """The best of new selections in windows of the size that the clicks tell; `after` if none is much better."""
        selection, best = self._selection_click(), after
        reach, grows = reselection.farthest(selection, boundary), before.outward(boundary[-1]) > 0
        for window in reselection.windows(selection, reach, self._image.shape[:2]):
            crop = self._passes.encode(self._image, window, selection)
            other = self._replayed(_selected(crop, selection), [], boundary)
            if (other.area > before.area) != grows:
                continue
            if other.surprise < min(best.surprise, reselection.BETTER * after.surprise):
                best = other
        return best

    def _replayed(self, state: State, known: Sequence[Click], clicks: Sequence[Click]) -> State:
        """The state after more boundary clicks, one after the other."""
        known = list(known)
        for click in clicks:
            known.append(click)
            surprised = replace(state, surprise=state.surprise + abs(state.outward(click)))
            state = self._corrected(surprised, known)
        return state

    def _corrected(self, before: State, boundary: Sequence[Click]) -> State:
        """What the head makes of the newest of the boundary clicks."""
        view, selection = before.crop.view, self._selection_click()
        points: list[Point] = [view.to_view(click.x, click.y) for click in boundary]
        anchor = view.to_view(selection.x, selection.y)
        after = self._passes.correct(before.crop, before.logits, points, anchor)
        merged = accept_click(before.logits, after, points[-1])
        if before.edited is None:
            return replace(before, logits=cleaned(merged, anchor, points))
        if self._start is None:  # the mask in a widened crop is coarse: only what this click adds is cleaned
            turned = (merged > 0) != (before.logits > 0)
            merged = np.where(turned, cleaned(merged, anchor, points), merged)
        return replace(before, logits=merged, edited=before.edited | ((merged > 0) != (before.logits > 0)))

    def _selection_click(self) -> Click:
        """The annotator's, or the point deepest inside the starting mask."""
        if self._start is None:
            return self.clicks[0]
        if self._deepest is None:
            box = Box.of_mask(self._start)
            x, y = simulation.selection_click(self._start[box.top : box.bottom, box.left : box.right])
            self._deepest = Click(x + box.left, y + box.top)
        return self._deepest

    def _reaching(self, state: State, click: Click) -> State:
        """The same mask in a crop that holds the click; encodes the image again only if it does not yet."""
        box = state.crop.view.box
        if box.contains(click.x, click.y, margin=BORDER * box.width):
            return state
        column, row = click.pixel(self._image.shape[1], self._image.shape[0])
        wider = self._on(self.mask, self._passes.window(box.union(Box(column, row, column + 1, row + 1))))
        return replace(wider, surprise=state.surprise)


def _selected(crop: Crop, selection: Click) -> State:
    """What the selection network says in a crop."""
    return State(crop, cleaned(crop.logits, crop.view.to_view(selection.x, selection.y), []))


def check_mask(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A starting mask as (H, W) bool; InvalidImage if it does not fit the image or is empty."""
    array = np.asarray(mask)
    if array.shape != shape or array.dtype not in (np.bool_, np.uint8):
        raise InvalidImage(f"mask: expected {shape} bool like the image, got {array.shape} {array.dtype}")
    if not array.any():
        raise InvalidImage(
            "mask: expected at least one pixel to start from, got an empty mask; start without a mask"
        )
    return array.astype(bool)


def check_box(box: Box, shape: tuple[int, int]) -> Box:
    """The part of a box inside a (H, W) image; InvalidImage if there is none."""
    try:
        return box.clipped(shape[1], shape[0])
    except ValueError as error:
        raise InvalidImage(f"box: expected one on the image of {shape[1]} x {shape[0]}, got {box}") from error
