"""Rows: what is kept of an evaluation, one for each object and click."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDINGS = tuple(step / 20 for step in range(11))
"""On each side of a crop, in crop sides: 0, 0.05 ... 0.5 (the abscissa of Fig. 3a, there in pixels)."""

NAN = math.nan


@dataclass(frozen=True)
class Row:
    """One click on one object.

    Attributes:
        object: name.
        click: 1 is the selection.
        x, y: image pixels; NaN where the clicker had nothing left to click, or enough. Then the mask stays what it was.
        iou: after the click.
        oracle: IoU if the largest error component before the click had been repaired whole; NaN for the selection.
        contour_distance: pixels from a boundary click to the contour after it; NaN for other clicks.
        final_distance: pixels from a boundary click to the contour after the last click.
        held: share of the object inside the crop.
        crop_area: share of the image.
        milliseconds: of the click; 0 where there was none.
        role: of the click; empty where there was none.
        aim_x, aim_y: the click before its noise.
        encodes, encode_milliseconds: zoom passes during the click, and their mean; NaN without any.
        held_by_padding, area_by_padding: as `held` and `crop_area`, if the selection had been padded by each of
            `PADDINGS` and not enlarged; of selection clicks only.
        truth_pixels: size of the object.
    """

    object: str
    click: int
    x: float
    y: float
    iou: float
    oracle: float
    contour_distance: float
    held: float
    crop_area: float
    milliseconds: float
    role: str = ""
    aim_x: float = NAN
    aim_y: float = NAN
    final_distance: float = NAN
    encodes: int = 0
    encode_milliseconds: float = NAN
    held_by_padding: tuple[float, ...] = ()
    area_by_padding: tuple[float, ...] = ()
    truth_pixels: int = 0

    def as_json(self) -> dict[str, Any]:
        """The row with null in place of NaN."""
        return without_nan(asdict(self))

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Row":
        """What `as_json` has made; TypeError if it is something else."""
        known: dict[str, Any] = {}
        for name in (f.name for f in fields(Row) if f.name in values):
            value = values[name]
            known[name] = NAN if value is None else tuple(value) if isinstance(value, list) else value
        return Row(**known)


def without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with None in place of NaN, which JSON does not have."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}


class Table:
    """Rows of whole objects as arrays.

    Attributes:
        names: (objects,) in the order of the rows.
        clicks: per object.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.clicks = max(row.click for row in rows)
        self.names = [row.object for row in rows if row.click == 1]
        self._rows = rows

    def __len__(self) -> int:
        return len(self.names)

    def column(self, field: str) -> NDArray[np.float64]:
        """(objects, clicks) of one field."""
        values = np.array([getattr(row, field) for row in self._rows], np.float64)
        return values.reshape(len(self), self.clicks)

    def by_padding(self, field: str) -> NDArray[np.float64]:
        """(objects, paddings) of one field of the selection clicks; without any, (objects, 0)."""
        values = [getattr(row, field) for row in self._rows if row.click == 1]
        complete = all(len(each) == len(PADDINGS) for each in values)
        return np.array(values, np.float64) if complete else np.empty((len(self), 0))

    def made(self) -> NDArray[np.bool_]:
        """(objects, clicks) where there was something to click."""
        return ~np.isnan(self.column("x"))

    def by_name(self) -> "Table":
        """The same rows, objects in the order of their names."""
        return Table(sorted(self._rows, key=lambda row: (row.object, row.click)))

    def rows_of(self, name: str) -> list[Row]:
        """The rows of one object, click by click."""
        return [row for row in self._rows if row.object == name]
