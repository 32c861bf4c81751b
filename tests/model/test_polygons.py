"""Polygons of strangers as masks."""

import numpy as np
import pytest
from pycocotools import mask as coco

from model.errors import InvalidImage
from model.polygons import encode_polygons


def test_polygons_are_drawn_together() -> None:
    squares = [[at, 0.0, at + 4, 0.0, at + 4, 4.0, at, 4.0] for at in (0.0, 6.0)]
    expected = np.zeros((10, 12), bool)
    expected[:4, :4] = expected[:4, 6:10] = True
    assert np.array_equal(coco.decode(encode_polygons(squares, 10, 12)).astype(bool), expected)


@pytest.mark.parametrize(
    ("outlines", "message"),
    [
        ([], "at least one outline, got none"),
        ([[]], "three corners or more"),
        ([[0.0, 0.0, 4.0, 4.0]], "three corners or more"),
        ([[0.0, 0.0, 4.0, 4.0, 0.0, 1e7]], "within 1e\\+06 pixels"),
        ([[0.0, 0.0, 1e6, 0.0, 1e6, 1e6, 0.0, 1e6]] * 2, "at most 4000000 pixels"),
    ],
)
def test_what_cannot_be_drawn_is_refused(outlines: list[list[float]], message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        encode_polygons(outlines, 10, 10)
