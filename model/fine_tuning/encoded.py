"""One object as the head gets it: the file that is read at every step that trains on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from model import masks
from model.geometry import Box, View
from model.guidance import Point
from model.inference import enlarge
from model.logits import LIMIT
from model.merging import cleaned
from model.networks.adapter import Adapter


@dataclass(frozen=True, eq=False)
class Encoded:
    """One object as the head gets it; all points in pixels of the crop.

    Attributes:
        image: (S, S, 3) uint8; features: (C, h, w) float16; target: (S, S); the whole image need not be square.
        selected: (h, w) float16, the selection network's logits.
        selection: click; boundary: the annotator's clicks, as far as they are known.
        source: the same for all objects of an image, and another for others.
    """

    image: NDArray[np.uint8]
    features: NDArray[np.float16]
    selected: NDArray[np.float16]
    target: NDArray[np.bool_]
    selection: Point
    boundary: tuple[Point, ...]
    source: bytes

    def first_mask(self, adapter: Adapter | None = None) -> NDArray[np.float32]:
        """Logits of the mask before any boundary click, of the target's shape."""
        selected = self.selected.astype(np.float32)
        if adapter is not None:
            selected = self._adapted(selected, adapter)
        height, width = self.target.shape
        whole = enlarge(selected, View(Box(0, 0, width, height), height, width))
        return cleaned(np.clip(whole, -LIMIT, LIMIT), self.selection, [])

    @torch.no_grad()
    def _adapted(self, selected: NDArray[np.float32], adapter: Adapter) -> NDArray[np.float32]:
        features = torch.from_numpy(self.features).float()[None]
        return np.asarray(adapter(features, torch.from_numpy(selected)[None, None])[0, 0].numpy(), np.float32)

    def hardness(self, adapter: Adapter | None = None) -> float:
        """How often the object is worth being trained on: more where the first mask is wrong."""
        iou = masks.intersection_over_union(self.first_mask(adapter) > 0, self.target)
        return float(np.clip(1 - iou, 0.02, 0.4)) if iou > 0.2 else 0.02

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        partial = path.with_suffix(".part")
        values = {
            "image": self.image,
            "features": self.features,
            "selected": self.selected,
            "target": np.packbits(self.target, axis=1),
            "clicks": np.array([self.selection, *self.boundary], np.float32),
            "source": np.frombuffer(self.source, np.uint8),
        }
        save_file({name: np.ascontiguousarray(value) for name, value in values.items()}, partial)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> "Encoded":
        """What `save` has written; raises OSError, SafetensorError or KeyError if it is not that."""
        values = load_file(path)
        clicks = [(float(x), float(y)) for x, y in values["clicks"]]
        target = np.unpackbits(values["target"], axis=1)[:, : values["image"].shape[1]].astype(np.bool_)
        return Encoded(
            values["image"],
            values["features"],
            values["selected"],
            target,
            clicks[0],
            tuple(clicks[1:]),
            values["source"].tobytes(),
        )


def is_encoded(path: Path) -> bool:
    """Whether a complete file is there."""
    try:
        Encoded.load(path)
    except (OSError, SafetensorError, KeyError):
        return False
    return True
