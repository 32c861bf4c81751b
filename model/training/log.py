"""The log of a run: a CSV file, lines on the terminal, and TensorBoard if it is installed."""

import csv
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm


class Log:
    """CSV log of a run: means over each interval of steps, and figures that are measured now and then.

    Args:
        path: goes on after the rows it holds.
        interval: in steps.
        quiet: write nothing, as all processes but the first do.
    """

    def __init__(self, path: Path, interval: int = 20, quiet: bool = False) -> None:
        self._path, self._interval, self._quiet = path, interval, quiet
        self._rows = read_log(path)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()
        self._board = None if quiet else _tensorboard(path.parent / "tensorboard", max(self._rows, default=0))

    def add(self, step: int, **values: float) -> None:
        """Add the values of one step; writes their means when the interval is over."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if (step + 1) % self._interval == 0:
            self.flush(step)

    def flush(self, step: int) -> None:
        """Write the means since the last row."""
        if not self._count:
            return
        means = {name: round(total / self._count, 4) for name, total in self._sums.items()}
        means["seconds"] = round((time.monotonic() - self._since) / self._count, 3)
        self._sums.clear()
        self._count, self._since = 0, time.monotonic()
        self.note(step, **means)

    def note(self, step: int, **values: float) -> None:
        """Write values of this step as they are."""
        if self._quiet:
            return
        row = self._rows.setdefault(step + 1, {"step": step + 1})
        row.update(values)
        _write(self._path, self._rows)
        tqdm.write(
            f"step {step + 1}  " + "  ".join(f"{name} {round(value, 4)}" for name, value in values.items())
        )
        if self._board:
            for name, value in values.items():
                self._board.add_scalar(name, value, step + 1)
            self._board.flush()  # a run that is killed keeps what it has shown


def cut_log(path: Path, step: int) -> None:
    """Drop the rows beyond a step: a run that goes on from there makes them again."""
    rows = read_log(path)
    if any(row > step for row in rows):
        _write(path, {number: row for number, row in rows.items() if number <= step})


def read_log(path: Path) -> dict[int, dict[str, Any]]:
    """The rows by step; none if there is no file."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        return {
            int(row["step"]): {name: v for name, v in row.items() if v != ""} for row in csv.DictReader(file)
        }


def _write(path: Path, rows: dict[int, dict[str, Any]]) -> None:
    """The whole file at once: a figure that is measured for the first time adds a column to all rows."""
    columns = dict.fromkeys(name for row in rows.values() for name in row)
    partial = path.with_name(path.name + ".part")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(columns) or ["step"], restval="")
        writer.writeheader()
        writer.writerows(rows[step] for step in sorted(rows))
    partial.replace(path)


def _tensorboard(folder: Path, step: int) -> Any:
    """A writer that goes on after `step`; None if the package tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return SummaryWriter(folder, purge_step=step + 1)
