"""The folder of an evaluation: header, rows, final masks, report."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import DatasetError, SettingsError
from model.evaluation.loop import Evaluated
from model.evaluation.rows import Row, Table

VOLATILE = ("date",)
"""Of the header: may differ between the parts of an evaluation that was resumed."""

NAMED = ("model", "dataset", "profile")
"""Of the report: what a comparison says or asks."""


class EvaluationFolder:
    """Where an evaluation keeps what it has; a killed one goes on from there.

    `header.json` is written first, then for each object its mask in `masks/` and its rows in `rows.jsonl`, at the end
    `report.json`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows, self._header = path / "rows.jsonl", path / "header.json"

    def begin(self, header: Mapping[str, Any], clicks: int, restart: bool = False) -> dict[str, list[Row]]:
        """Open the folder for an evaluation with this header.

        Args:
            clicks: rows of a whole object.
            restart: forget what the folder holds.

        Returns:
            The rows of every object that is done, by name; the rows of others are removed.

        Raises:
            SettingsError: the folder holds rows that were made with another header.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if self._rows.exists() and not restart:
            self.require_same(header)
        else:
            self._rows.unlink(missing_ok=True)
            (self.path / "report.json").unlink(missing_ok=True)
            self._header.write_text(json.dumps(header, indent=2) + "\n")
            return {}
        whole = {name: rows for name, rows in self._objects().items() if len(rows) == clicks}
        lines = [_line(row) for rows in whole.values() for row in rows]
        fresh = self._rows.with_suffix(".new")
        fresh.write_text("".join(lines))
        fresh.replace(self._rows)
        return whole

    def add(self, evaluated: Evaluated) -> None:
        """Keep one object; the mask first, so that rows without a mask do not exist."""
        path = self.mask_path(evaluated.rows[0].object)
        path.parent.mkdir(exist_ok=True)
        _, data = cv2.imencode(".png", evaluated.mask.astype(np.uint8) * 255)
        path.write_bytes(data.tobytes())
        with self._rows.open("a") as file:
            file.write("".join(_line(row) for row in evaluated.rows))

    def mask_path(self, name: str) -> Path:
        """Final mask of an object, a PNG of 0 and 255."""
        return self.path / "masks" / f"{quote(name, safe=' ')}.png"

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Final mask of an object, (H, W)."""
        pixels = cv2.imread(str(self.mask_path(name)), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise DatasetError(
                f"{self.mask_path(name)}: expected the mask of an object, cannot be read; evaluate with --restart"
            )
        return np.greater(pixels, 127)

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write `report.json`."""
        (self.path / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")

    def read(self) -> tuple[dict[str, Any], Table]:
        """Report and rows of a finished evaluation; SettingsError if it is not one."""
        path = self.path / "report.json"
        if not path.is_file() or not self._rows.is_file():
            raise SettingsError(
                f"{self.path}: expected the folder of a finished evaluation with report.json and rows.jsonl, "
                "found none; run `boundaryclick evaluate` first"
            )
        try:
            report = json.loads(path.read_text())
            objects = self._objects()
            if len({len(rows) for rows in objects.values()}) != 1:
                raise ValueError("its objects have different numbers of rows")
            missing = [name for name in NAMED if name not in report]
            if missing:
                raise ValueError(f"it has no {missing[0]}")
            return dict(report), Table([row for rows in objects.values() for row in rows])
        except (ValueError, TypeError) as error:
            raise SettingsError(
                f"{self.path}: expected the report of an evaluation ({error}); evaluate again"
            ) from None

    def require_same(self, header: Mapping[str, Any]) -> None:
        """Raise SettingsError unless what the folder holds was begun with this header."""
        try:
            before = json.loads(self._header.read_text())
        except (OSError, ValueError):
            before = {}
        names = [n for n in {**before, **header} if n not in VOLATILE and before.get(n) != header.get(n)]
        if names:
            raise SettingsError(
                f"{self.path}: holds rows of another evaluation: {names[0]} was "
                f"{before.get(names[0], 'not recorded')!r}, is {header.get(names[0])!r}; "
                "choose another --out, or --restart to forget them"
            )

    def _objects(self) -> dict[str, list[Row]]:
        """The rows in the file, by object; a last line that was cut short is left out."""
        objects: dict[str, list[Row]] = {}
        for line in self._rows.read_text().splitlines():
            try:
                row = Row.from_json(json.loads(line))
            except (ValueError, TypeError):
                continue
            objects.setdefault(row.object, []).append(row)
        return objects


def _line(row: Row) -> str:
    return json.dumps(row.as_json(), allow_nan=False) + "\n"
