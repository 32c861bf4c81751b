"""Answers in the form that the asking version of CVAT understands."""

import json
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from model import Prediction
from model.geometry import Box
from plugins.cvat.rle import encode

Version = tuple[int, int]

SHAPES_SINCE: Version = (2, 60)
BOUNDS_SINCE: Version = (2, 8)
"""Since then a mask may be cut to its box; since 2.60 it must not, and shapes are better anyway."""

NOTHING: dict[str, object] = {"shapes": []}
NOTHING_BEFORE_SHAPES: dict[str, object] = {"mask": [[0]], "points": []}
"""Without points, the page would look for some in the mask, and fail on an empty one."""

CONFIDENCE = 0
"""CVAT's number for this attribute of a shape."""


def read_version(user_agent: str | None) -> Version | None:
    """CVAT's version from its User-Agent, which tells it since 2.4; None if it is not there."""
    found = re.match(r"CVAT/(\d{1,4})\.(\d{1,4})", user_agent or "")
    return (int(found[1]), int(found[2])) if found else None


def encode_answer(prediction: Prediction | None, version: Version | None) -> bytes:
    """JSON for a mask; for none at all where it is empty or None.

    Args:
        version: of CVAT; None is taken for a recent one.
    """
    mask = prediction.mask if prediction is not None and prediction.mask.any() else None
    if version is None or version >= SHAPES_SINCE:
        return _json(NOTHING if prediction is None or mask is None else _shapes(mask, prediction.score))
    return _json(NOTHING_BEFORE_SHAPES) if mask is None else _dense(mask, version >= BOUNDS_SINCE)


def confidence(score: float) -> str:
    """A score in [0, 1] as CVAT wants it: a string. Anything else it drops without a word."""
    return f"{score:.4f}"


def _shapes(mask: NDArray[np.bool_], score: float) -> dict[str, object]:
    attributes = [{"spec_id": CONFIDENCE, "value": confidence(score)}]
    return {"shapes": [{"type": "mask", "points": encode(mask), "attributes": attributes}]}


def _dense(mask: NDArray[np.bool_], cut: bool) -> bytes:
    """The mask pixel by pixel, and the outline without which the page would not show it."""
    outline = _json(_outline(mask))
    if not cut:
        return b'{"mask":%b,"points":%b}' % (_rows(mask), outline)
    box = Box.of_mask(mask)
    rows = _rows(mask[box.top : box.bottom, box.left : box.right])
    bounds = _json([box.left, box.top, box.right - 1, box.bottom - 1])
    return b'{"mask":%b,"points":%b,"bounds":%b}' % (rows, outline, bounds)


def _rows(mask: NDArray[np.bool_]) -> bytes:
    """JSON of a (H, W) mask as lists of 0 and 1; written at once, since json takes a second for ten megapixels."""
    height, width = mask.shape
    text = np.full((height, 2 * width + 2), ord(","), np.uint8)
    text[:, 0] = ord("[")
    text[:, 1:-1:2] = mask + np.uint8(ord("0"))
    text[:, -2] = ord("]")
    return b"[%b]" % text.tobytes()[:-1]


def _outline(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Polygon around the largest part of a mask, in whole pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest: list[list[int]] = np.asarray(max(contours, key=cv2.contourArea), int).reshape(-1, 2).tolist()
    if len(largest) > 2:
        return largest
    box = Box.of_mask(mask)
    return [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
