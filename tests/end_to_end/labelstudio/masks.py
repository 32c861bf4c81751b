"""What the tests know of the photo, and masks as arrays."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plugins.labelstudio.rle import decode
from tests.end_to_end.serving import ROOT

CONFIGURATIONS = ROOT / "plugins" / "labelstudio" / "configurations"
PHOTO = ROOT / "backend" / "web" / "samples" / "coffee.jpg"
WIDTH, HEIGHT = 600, 400
CUP = (46.0, 40.0)
RIM = (29.0, 27.0)
FAR_RIM = (68.0, 22.0)
SPOON = (61.0, 71.0)
"""Places in percent: in the cup, on its outline twice, on the spoon."""


def configuration(name: str) -> str:
    """One of the labelling configurations that are shipped."""
    return (CONFIGURATIONS / f"{name}.xml").read_text()


def mask_of(item: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) of a stored region or of one that the editor would submit."""
    return decode(item["value"]["rle"], item["original_width"], item["original_height"]) > 0


def suggested_mask(suggestion: dict[str, Any]) -> NDArray[np.bool_]:
    """(H, W) of what the backend suggests."""
    return decode(suggestion["rle"], WIDTH, HEIGHT) > 0


def drawn(*corners: Any) -> NDArray[np.bool_]:
    """(H, W) of polygons in pixels, each as (N, 2) or as flat numbers."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    for polygon in corners:
        cv2.fillPoly(canvas, [np.rint(np.reshape(polygon, (-1, 2))).astype(np.int32)], 1)
    return canvas > 0


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without its holes, as a format with outlines alone tells it."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return drawn(*outlines)


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((first & second).sum() / (first | second).sum())


def outside(mask: NDArray[np.bool_], x: float, y: float) -> tuple[float, float]:
    """The place nearest to (x, y), all in percent, that is clear of a mask: a click on the mask would take it up."""
    rows, columns = np.nonzero(cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0)
    nearest = np.hypot(columns - x / 100 * WIDTH, rows - y / 100 * HEIGHT).argmin()
    return 100 * (columns[nearest] + 0.5) / WIDTH, 100 * (rows[nearest] + 0.5) / HEIGHT


def inside(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """A place, in percent, deep in a mask."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), mask.shape)
    return 100 * (column + 0.5) / mask.shape[1], 100 * (row + 0.5) / mask.shape[0]
