"""The passes through the network, on one image at a time: select, look closer, correct."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model import masks
from model.clicks import Click, Role
from model.geometry import Box, View, square_window
from model.guidance import Point, gaussian_map, refinement_guidance
from model.logits import LIMIT, corrected, logit
from model.networks.maps import SIZE_MULTIPLE
from model.runtimes.base import Kept, Runtime

FILL = (127.0, 127.0, 127.0)
"""Colour beyond the image's edge; zero after normalisation."""

SMALLEST_WINDOW = 24
"""Side of the smallest crop, image pixels: with less around it, an object cannot be told from its surroundings."""


@dataclass(frozen=True)
class Crop:
    """One encoded crop of an image.

    Attributes:
        view: where it lies.
        prepared: what the refinement head keeps of the features.
        logits: (size, size) float32, what the selection network says.
    """

    view: View
    prepared: Kept
    logits: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.prepared.nbytes + self.logits.nbytes


class Passes:
    """Runs the two stages of one network.

    Attributes:
        runtime: what the network is run by.
        roles: of the clicks that the network takes.
    """

    roles: tuple[Role, ...] = ("select", "boundary")

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.config = runtime, runtime.config

    def locate(self, image: NDArray[np.uint8], click: Click) -> Box:
        """Coarse pass over the whole image: the square window around what the click selects.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            A window that holds the click; may reach beyond the image.
        """
        height, width = image.shape[:2]
        view, logits = self.coarse(image, click)
        return self.window(
            self.selected_box(view, logits, click, self.config.crop_threshold, (width, height))
        )

    def coarse(self, image: NDArray[np.uint8], click: Click) -> tuple[View, NDArray[np.float32]]:
        """The whole image as the coarse pass sees it, and its logits, of the view's size."""
        view = self.whole_view(image.shape[:2])
        return view, self._encode(image, view, click)[0]

    def whole_view(self, shape: tuple[int, int]) -> View:
        """How the coarse pass sees an image of (height, width)."""
        height, width = shape
        return View.whole(width, height, self.config.select_size, SIZE_MULTIPLE)

    def selected_box(
        self, view: View, logits: NDArray[np.float32], click: Click, threshold: float, size: tuple[int, int]
    ) -> Box:
        """The bounding box, in image pixels, of what is surer than `threshold` and joined to the click.

        Args:
            view, logits: of the coarse pass.
            size: (width, height) of the image.
        """
        at = view.to_view(click.x, click.y)
        selected = masks.components_near(
            logits > logit(threshold), [at], radius=self.config.guidance_sigma / 2
        )
        width, height = size
        column, row = click.pixel(width, height)
        box = Box(column, row, column + 1, row + 1)
        if selected.any():
            box = box.union(view.box_to_image(Box.of_mask(selected)))
        return box.clipped(width, height)

    def window(self, box: Box) -> Box:
        """The square crop for an object with that bounding box."""
        return square_window(box, self.config.crop_padding, SMALLEST_WINDOW)

    def encode(self, image: NDArray[np.uint8], window: Box, selection: Click) -> Crop:
        """Zoom pass: encode a window of the image at full resolution.

        Args:
            image: (H, W, 3) uint8 RGB.
            selection: the selection click; may lie beyond the window.
        """
        view = View(window, self.config.crop_size, self.config.crop_size)
        logits, features, pixels = self._encode(image, view, selection)
        return Crop(view, self.runtime.prepare(features, pixels), np.clip(logits, -LIMIT, LIMIT))

    def correct(
        self, crop: Crop, logits: NDArray[np.float32], boundary: Sequence[Point], selection: Point
    ) -> NDArray[np.float32]:
        """Run the refinement head for the newest of the boundary clicks.

        Args:
            logits: (size, size), the mask so far.
            boundary, selection: clicks in pixels of the crop's view.

        Returns:
            (size, size) float32 logits.
        """
        guidance = refinement_guidance(logits, boundary, selection, self.config.guidance_sigma)
        correction = self.runtime.correct(crop.prepared, guidance)
        return corrected(logits, enlarge(correction, crop.view))

    def _encode(
        self, image: NDArray[np.uint8], view: View, click: Click
    ) -> tuple[NDArray[np.float32], Kept, NDArray[np.float32]]:
        """Logits at the view's size, features at stride 4, and the view as the network saw it."""
        pixels = network_pixels(image, view)
        logits, features = self.runtime.select(pixels, selection_map(view, click, self.config.guidance_sigma))
        return enlarge(logits, view), features, pixels


def network_pixels(image: NDArray[np.uint8], view: View) -> NDArray[np.float32]:
    """(1, 3, h, w) in [-1, 1]: an (H, W, 3) uint8 RGB image in a view, as the backbone was pretrained."""
    seen = view.extract(image, FILL).transpose(2, 0, 1)[None]
    pixels: NDArray[np.float32] = np.divide(seen, np.float32(127.5), dtype=np.float32, order="C")
    pixels -= 1
    return pixels


def selection_map(view: View, click: Click, sigma: float) -> NDArray[np.float32]:
    """(1, 1, h, w), what the selection network is told of its click."""
    seen = view.to_view(click.x, click.y)
    return gaussian_map([seen], (view.height, view.width), sigma)[None, None]


def enlarge(grid: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """(h, w) logits at feature resolution to (height, width) of the view."""
    enlarged = cv2.resize(grid, (view.width, view.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, np.float32)
