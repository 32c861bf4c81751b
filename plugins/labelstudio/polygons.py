"""Masks as closed polygons, which know neither holes nor several parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.geometry import Box

Ring = NDArray[np.float64]
"""(N, 2) x and y of corners, pixels from the image's top left corner: whole numbers lie between pixels."""

_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Part:
    """A connected part of a mask.

    Attributes:
        outline: around it.
        holes: in it.
    """

    outline: Ring
    holes: tuple[Ring, ...]

    @property
    def area(self) -> float:
        """Of the part in pixels, its holes left out."""
        return _area(self.outline) - sum(map(_area, self.holes))

    def bridged(self) -> Ring:
        """One ring around the part without its holes, each of which a slit of no width connects with the outline.

        Whoever fills it, by either rule, leaves the holes free.
        """
        ring = self.outline
        for hole in self.holes:
            apart = np.square(ring[:, None] - hole[None]).sum(axis=2)
            at, start = np.unravel_index(int(apart.argmin()), apart.shape)
            turned = np.concatenate([hole[start:], hole[: start + 1]])
            ring = np.concatenate([ring[: at + 1], turned, ring[at:]])
        return ring


def parts_of(mask: NDArray[np.bool_], tolerance: float) -> list[Part]:
    """Outlines of a mask, the largest part first.

    Args:
        mask: (H, W).
        tolerance: how far, in pixels, an outline may lie from the mask's own; 0 keeps every corner. Parts and holes
            that vanish at this tolerance are left out, but for the largest part.
    """
    if not mask.any():
        return []
    box = Box.of_mask(mask)
    contours, hierarchy = _contours(mask[box.top : box.bottom, box.left : box.right])
    rings = [np.add(_simplified(contour, tolerance), (box.left, box.top)) for contour in contours]
    parts: list[tuple[Part, bool]] = []
    for index, (_, _, child, parent) in enumerate(hierarchy):
        if parent < 0:
            holes = [rings[hole] for hole in _siblings(hierarchy, child)]
            part = Part(
                _turned(rings[index], 1), tuple(_turned(h, -1) for h in holes if _stays(h, tolerance))
            )
            parts.append((part, _stays(part.outline, tolerance)))
    parts.sort(key=lambda told: -told[0].area)
    return [part for index, (part, stays) in enumerate(parts) if stays or index == 0]


def _contours(mask: NDArray[np.bool_]) -> tuple[Sequence[NDArray[np.int32]], NDArray[np.int32]]:
    """Contours along the edges of pixels, in half pixels, and which lies in which.

    OpenCV's contours run through the centres of the outermost pixels. On a grid that has a cell for every pixel, edge
    and corner, the outermost cells of the object are the edges.
    """
    height, width = mask.shape
    grid = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    grid[1::2, 1::2] = mask
    grid = np.asarray(cv2.dilate(grid, _SQUARE), np.uint8)
    contours, hierarchy = cv2.findContours(grid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [np.asarray(contour, np.int32) for contour in contours], np.asarray(hierarchy, np.int32)[0]


def _siblings(hierarchy: NDArray[np.int32], first: int) -> list[int]:
    found = []
    while first >= 0:
        found.append(int(first))
        first = hierarchy[first][0]
    return found


def _simplified(contour: NDArray[np.int32], tolerance: float) -> Ring:
    if tolerance > 0:
        fewer = np.asarray(cv2.approxPolyDP(contour, 2 * tolerance, True), np.int32)
        contour = fewer if len(fewer) > 2 else _boxed(contour)
    ring: Ring = contour.reshape(-1, 2) / 2
    return ring


def _boxed(contour: NDArray[np.int32]) -> NDArray[np.int32]:
    """What is too small or too thin for the tolerance is shown as its box."""
    left, top, width, height = cv2.boundingRect(contour)
    right, bottom = left + width - 1, top + height - 1
    return np.array([[left, top], [left, bottom], [right, bottom], [right, top]], np.int32)


def _stays(ring: Ring, tolerance: float) -> bool:
    """Whether a ring holds more than a square of the tolerance's size."""
    return _area(ring) > tolerance**2


def _area(ring: Ring) -> float:
    return abs(_signed_area(ring))


def _signed_area(ring: Ring) -> float:
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _turned(ring: Ring, direction: int) -> Ring:
    """The ring with the given sense: holes run against outlines, for those who fill by winding number."""
    return ring if _signed_area(ring) * direction > 0 else ring[::-1]
