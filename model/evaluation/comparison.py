"""Two evaluations of the same objects, compared object by object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.errors import SettingsError
from model.evaluation.figures import Profile, figures
from model.evaluation.folder import EvaluationFolder
from model.evaluation.rows import Table, without_nan
from model.evaluation.statistics import interval, value

FIGURES = {
    "noc85": "NoC@85",
    "noc90": "NoC@90",
    "miou1": "mIoU@1",
    "miou3": "mIoU@3",
    "miou6": "mIoU@6",
    "click_efficiency_all": "click efficiency",
}
LOWER_IS_BETTER = ("noc85", "noc90")

SAME = ("clicker", "noise", "seed", "clicks", "profile")
"""What two evaluations must share besides their objects."""


@dataclass(frozen=True)
class Difference:
    """Of one figure, second evaluation less first one, over the same objects.

    Attributes:
        first, second: the figure in each.
        low, high: 95 % bootstrap interval of the difference over the objects, drawn in pairs.
    """

    figure: str
    first: float
    second: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Second less first."""
        return self.second - self.first

    @property
    def shown(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """All differences between two evaluations, named by their models."""

    first: str
    second: str
    dataset: str
    objects: int
    differences: list[Difference]

    def as_json(self) -> dict[str, Any]:
        """As JSON values; null where a figure is not defined."""
        return {**asdict(self), "differences": [without_nan(asdict(each)) for each in self.differences]}


def compare(first: Path, second: Path) -> Comparison:
    """Compare two folders of evaluations.

    Raises:
        SettingsError: no finished evaluations, or of different objects, clickers, noises, seeds, clicks or profiles.
    """
    (report_a, table_a), (report_b, table_b) = (EvaluationFolder(path).read() for path in (first, second))
    _require_comparable(report_a, report_b, first, second)
    table_a, table_b = _paired(table_a, table_b, first, second)
    found = differences(table_a, table_b, tuple(FIGURES), report_a["profile"])
    return Comparison(report_a["model"], report_b["model"], report_a["dataset"], len(table_a), found)


def differences(
    first: Table, second: Table, names: Sequence[str], profile: Profile = "standard"
) -> list[Difference]:
    """The figures of these names, as far as they are defined, of two tables of the same objects in the same order."""
    found_a, found_b = (figures(table, profile) for table in (first, second))
    count = len(first)
    found = []
    for name in names:
        if name not in found_a:
            continue
        a, b = found_a[name], found_b[name]
        low, high = interval(lambda picks, a=a, b=b: b.at(picks) - a.at(picks), count)  # type: ignore[misc]
        found.append(Difference(name, value(a, count), value(b, count), low, high))
    return found


def comparison_text(comparison: Comparison) -> str:
    """As a table for a terminal."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"A: {comparison.first}"
    yield f"B: {comparison.second}"
    yield f"{comparison.dataset}, {comparison.objects} objects in pairs"
    yield f"  {'':<18}{'A':>8}{'B':>8}{'B - A':>9}   95 % interval"
    for each in comparison.differences:
        bounds = f"[{each.low:+.3f}, {each.high:+.3f}]"
        yield (
            f"  {FIGURES[each.figure]:<18}{each.first:8.3f}{each.second:8.3f}{each.difference:+9.3f}"
            f"   {bounds:<20}{_verdict(each)}"
        )


def _verdict(each: Difference) -> str:
    if np.isnan(each.difference):
        return "not defined: there was nothing to gain"
    if not each.shown:
        return "no difference shown: the interval contains zero"
    better = (each.difference < 0) == (each.figure in LOWER_IS_BETTER)
    return "B is better" if better else "A is better"


def _require_comparable(a: Mapping[str, Any], b: Mapping[str, Any], first: Path, second: Path) -> None:
    layouts = [str(report.get("dataset")).partition(":")[0] for report in (a, b)]
    if layouts[0] != layouts[1]:
        raise _unlike(first, second, "dataset", *layouts)
    for name in SAME:
        if a.get(name) != b.get(name):
            raise _unlike(first, second, name, a.get(name), b.get(name))


def _paired(a: Table, b: Table, first: Path, second: Path) -> tuple[Table, Table]:
    """Both tables with their objects by name; they must be the same ones, by name and size."""
    a, b = a.by_name(), b.by_name()
    if a.names != b.names:
        only = sorted(set(a.names) ^ set(b.names))[0]
        raise SettingsError(
            f"compare: expected the same objects in {first} and {second}, {only} is only in one of them; "
            "evaluate both on the same data set with the same --limit"
        )
    sizes = np.array([table.column("truth_pixels")[:, 0] for table in (a, b)])
    unlike = np.flatnonzero(sizes[0] != sizes[1])
    if unlike.size:
        here = (f"one of {size:.0f} px" for size in sizes[:, unlike[0]])
        raise _unlike(first, second, f"true mask of {a.names[unlike[0]]}", *here)
    return a, b


def _unlike(first: Path, second: Path, name: str, a: object, b: object) -> SettingsError:
    return SettingsError(
        f"compare: expected the same {name}, got {a} in {first} and {b} in {second}; "
        "evaluate both models the same way"
    )
