"""The paper's way of a click, for its own networks: the features are encoded once, and every crop is cut out of them.

What the default model adds is left out: the image is not looked at again at full resolution, what the head says
replaces the mask, and nothing is done to the mask afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from model.clicks import Click
from model.geometry import Box, View
from model.guidance import gaussian_map
from model.inference import Crop, Passes, enlarge, network_pixels, selection_map
from model.logits import LIMIT, logit
from model.networks import PaperConfig
from model.networks.paper.backbone import STRIDE
from model.networks.paper.crops import REGIONS, Region
from model.networks.parts import SelectionOutput
from model.runtimes.base import Runtime
from model.runtimes.pytorch import TorchRuntime
from model.session import Session
from model.state import State


@dataclass(frozen=True)
class PaperCrop(Crop):
    """A crop of the features.

    Attributes:
        whole: how the selection network saw the image.
        region: of that view, in its pixels.
    """

    whole: View
    region: Region


@dataclass(frozen=True)
class _Encoded:
    """What the selection network said of an image for a click."""

    image: NDArray[np.uint8]
    click: Click
    view: View
    output: SelectionOutput


class PaperPasses(Passes):
    """One pass of the selection network for an object, then the head on crops of its features."""

    config: PaperConfig

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        torch_runtime = cast(TorchRuntime, runtime)  # no other takes these networks
        self.network, self.device = torch_runtime.network, torch_runtime.device
        self.roles = runtime.config.roles
        self._latest: _Encoded | None = None

    def coarse(self, image: NDArray[np.uint8], click: Click) -> tuple[View, NDArray[np.float32]]:
        """As `Passes.coarse`; the image is encoded only if it or the click is another than the last time."""
        encoded = self._encoded(image, click)
        return encoded.view, enlarge(encoded.output.logits[0, 0].cpu().numpy(), encoded.view)

    def selected_box(
        self, view: View, logits: NDArray[np.float32], click: Click, threshold: float, size: tuple[int, int]
    ) -> Box:
        """The bounding box of all that is surer than `threshold`, stray pixels and all (section 3.2)."""
        width, height = size
        column, row = click.pixel(width, height)
        box = Box(column, row, column + 1, row + 1)
        selected = logits > logit(threshold)
        if selected.any():
            box = box.union(view.box_to_image(Box.of_mask(selected)))
        return box.clipped(width, height)

    def window(self, box: Box) -> Box:
        """The box, relaxed on each side by the same number of pixels (section 4.2); not made square."""
        return padded(box, self.config.crop_padding)

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8], window: Box, selection: Click) -> PaperCrop:
        """Cut a window out of the features; they are encoded only if they have not been yet."""
        encoded = self._encoded(image, selection)
        whole, (height, width) = encoded.view, image.shape[:2]
        region = REGIONS[self.config.crop](
            edges_in(whole, window.clipped(width, height)),
            (whole.height, whole.width),
            STRIDE,
            self.config.crop_size // 4,
        )
        prepared = self.network.refinement.prepare(
            region.sample(encoded.output.features, STRIDE), torch.empty(0)
        )
        logits = region.sample(encoded.output.logits, STRIDE, fine=True)[0, 0].cpu().numpy()
        return PaperCrop(
            crop_view(whole, region), prepared, np.clip(logits, -LIMIT, LIMIT), whole=whole, region=region
        )

    @torch.inference_mode()
    def refine(self, crop: PaperCrop, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """The head's mask for all the clicks after the selection, (h, w) logits of the crop's view."""
        points = [(*crop.whole.to_view(click.x, click.y), click.role) for click in clicks]
        guidance = click_maps(points, crop.whole, self.config)[None].to(self.device)
        logits = self.network.refinement(cast(torch.Tensor, crop.prepared), crop.region.sample(guidance, 1))
        return np.clip(enlarge(logits[0, 0].cpu().numpy(), crop.view), -LIMIT, LIMIT)

    def _encoded(self, image: NDArray[np.uint8], click: Click) -> _Encoded:
        kept = self._latest
        if kept is None or kept.image is not image or kept.click != click:
            height, width = image.shape[:2]
            view = View.whole(width, height, self.config.select_size, 32)
            kept = self._latest = _Encoded(image, click, view, self._select(image, view, click))
        return kept

    @torch.inference_mode()
    def _select(self, image: NDArray[np.uint8], view: View, click: Click) -> SelectionOutput:
        """The selection network on a view; its logits are sampled again for every crop."""
        pixels = torch.from_numpy(network_pixels(image, view)).to(
            self.device, memory_format=torch.channels_last
        )
        guidance = torch.from_numpy(selection_map(view, click, self.config.guidance_sigma)).to(self.device)
        output: SelectionOutput = self.network.selection(pixels, guidance)
        return output


class PaperSession(Session):
    """Clicks on one object as in the paper: what the head says, nothing else, is the mask inside the crop."""

    def _select(self, click: Click) -> State:
        crop = self._passes.encode(self._image, self._window(click), click)
        return State(crop, crop.logits)

    def _reaching(self, state: State, click: Click) -> State:
        """The crop itself for any click inside it: it ends where the image ends, and no margin is needed."""
        return state if state.crop.view.box.contains(click.x, click.y) else super()._reaching(state, click)

    def _refine(self, before: State, click: Click) -> State:
        clicks = [each for each in (*self.clicks, click) if each.role != "select"]
        logits = cast(PaperPasses, self._passes).refine(cast(PaperCrop, before.crop), clicks)
        if before.edited is None:
            return replace(before, logits=logits)
        changed = (before.logits > 0) ^ (logits > 0)
        return replace(before, logits=logits, edited=before.edited | changed)


def padded(box: Box, padding: float) -> Box:
    """The box with that share of its longest side added on each side."""
    pixels = round(padding * max(box.width, box.height))
    return Box(box.left - pixels, box.top - pixels, box.right + pixels, box.bottom + pixels)


def edges_in(view: View, box: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of a box of image pixels, in pixels of a view; pixel i covers [i, i + 1]."""
    (left, top), (right, bottom) = (
        view.to_view(x - 0.5, y - 0.5) for x, y in ((box.left, box.top), (box.right, box.bottom))
    )
    return (left + 0.5, top + 0.5, right + 0.5, bottom + 0.5)


def crop_view(whole: View, region: Region) -> View:
    """The fine grid of a region as a view of the image."""
    left, top, right, bottom = region.edges
    (x0, y0), (x1, y1) = whole.to_image(left - 0.5, top - 0.5), whole.to_image(right - 0.5, bottom - 0.5)
    box = Box(round(x0 + 0.5), round(y0 + 0.5), round(x1 + 0.5), round(y1 + 0.5))
    return View(box, region.rows * region.fineness, region.columns * region.fineness)


def click_maps(points: Sequence[tuple[float, float, str]], whole: View, config: PaperConfig) -> torch.Tensor:
    """The maps that the head is told of clicks: one for each role after the selection.

    Args:
        points: x, y in pixels of the whole view, and the click's role.

    Returns:
        (maps, H, W) float32 of the whole view.
    """
    size = (whole.height, whole.width)
    maps = np.stack(
        [
            gaussian_map([(x, y) for x, y, each in points if each == role], size, config.guidance_sigma)
            for role in config.roles[1:]
        ]
    )
    return torch.from_numpy(maps)
