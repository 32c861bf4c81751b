"""The paper's tables with its figures beside ours, and paired differences between our own rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.evaluation.comparison import Difference, differences
from model.evaluation.rows import Table
from model.reproduction.data import Column
from model.reproduction.published import TABLE_1, TABLE_2
from model.reproduction.runs import CLICKERS, Evaluation, Reproduction

MISSING = "-"


@dataclass(frozen=True)
class Result:
    """What a target comes to.

    Attributes:
        lines: for the terminal; values: as JSON.
    """

    lines: list[str]
    values: dict[str, Any]


def table_1(reproduction: Reproduction, columns: Sequence[Column]) -> Result:
    """Mean IoU after the selection click, CB-CE against BA-CE."""
    values: dict[str, Any] = {}
    for column in columns:
        pair = [reproduction.evaluation(f"selection-{loss}", column, "paper", 1) for loss in TABLE_1_ROWS]
        ours = [100 * each.report["miou"][0] for each in pair]
        values[column.name] = _entry(
            column, pair, published=TABLE_1, rows=TABLE_1_ROWS, ours=ours, figure="miou1", scale=100
        )
    lines = ["Table 1: mIoU in percent after the selection click", *_table(values, TABLE_1_ROWS, "5.1f")]
    return Result([*lines, *_pairs(values, "BA-CE less CB-CE", "+.1f")], values)


TABLE_1_ROWS = ("cb-ce", "ba-ce")
TABLE_2_ROWS = ("pnr", "bcr")


def table_2(reproduction: Reproduction, columns: Sequence[Column]) -> Result:
    """Clicks to the column's IoU, positive and negative clicks against boundary clicks."""
    clicks, values = reproduction.scale.clicks, {}
    for column in columns:
        pair = [reproduction.evaluation(run, column, CLICKERS[run], clicks) for run in TABLE_2_ROWS]
        ours = [each.report["noc"][str(column.threshold)] for each in pair]
        name = f"noc{column.threshold}"
        values[column.name] = _entry(
            column, pair, published=TABLE_2, rows=TABLE_2_ROWS, ours=ours, figure=name
        )
        values[column.name] |= {
            "threshold": column.threshold,
            "miou": {run: each.report["miou"] for run, each in zip(TABLE_2_ROWS, pair, strict=True)},
            "efficiency": {
                run: each.report["click_efficiency"]["all"]
                for run, each in zip(TABLE_2_ROWS, pair, strict=True)
            },
            "crop_recall": pair[1].report["crop_recall"],
        }
    thresholds = ", ".join(f"{name} {each['threshold']} %" for name, each in values.items())
    lines = [
        f"Table 2: clicks to an IoU of {thresholds}, at most {clicks}",
        *_table(values, TABLE_2_ROWS, "5.2f"),
        *_pairs(values, "BCR less PNR", "+.2f"),
        *_per_column(values, "efficiency", "click efficiency, all clicks"),
    ]
    return Result(lines, values)


def _entry(
    column: Column,
    pair: Sequence[Evaluation],
    *,
    published: Mapping[str, Mapping[str, float]],
    rows: Sequence[str],
    ours: Sequence[float],
    figure: str,
    scale: float = 1,
) -> dict[str, Any]:
    difference = paired(pair[0].table, pair[1].table, figure)
    return {
        "objects": len(pair[0].table),
        "ours": dict(zip(rows, ours, strict=True)),
        "paper": dict(published.get(column.name, {})),
        "difference": scale * difference.difference,
        "interval": [scale * difference.low, scale * difference.high],
    }


def paired(first: Table, second: Table, figure: str) -> Difference:
    """Second less first over the same objects, with a bootstrap interval; the paper's rule for lost objects."""
    (found,) = differences(first, second, (figure,), "paper")
    return found


def _table(values: Mapping[str, Mapping[str, Any]], rows: Sequence[str], form: str) -> list[str]:
    width = max(len(name) for name in values) + 2
    head = "".join(f"{name:>{max(width, 18)}}" for name in values)
    lines = [f"  {'':8}{head}", f"  {'':8}" + f"{'paper   ours':>{max(width, 18)}}" * len(values)]
    for row in rows:
        cells = []
        for each in values.values():
            published = each["paper"].get(row)
            paper = f"{published:{form}}" if published is not None else f"{MISSING:>5}"
            cells.append(f"{paper + '  ' + format(each['ours'][row], form):>{max(width, 18)}}")
        lines.append(f"  {row.upper():8}" + "".join(cells))
    counts = "".join(f"{each['objects']:>{max(width, 18)}}" for each in values.values())
    return [*lines, f"  {'objects':8}{counts}"]


def _pairs(values: Mapping[str, Mapping[str, Any]], title: str, form: str) -> list[str]:
    lines = [f"  {title}, the same objects in pairs, 95 % interval:"]
    for name, each in values.items():
        low, high = each["interval"]
        verdict = "" if low > 0 or high < 0 else "   no difference shown: the interval contains zero"
        lines.append(f"    {name:10} {each['difference']:{form}}   [{low:{form}}, {high:{form}}]{verdict}")
    return lines


def _per_column(values: Mapping[str, Mapping[str, Any]], key: str, title: str) -> list[str]:
    lines = [f"  {title}:"]
    for name, each in values.items():
        found = ", ".join(
            f"{row.upper()} {MISSING if figure is None else format(figure, '.2f')}"
            for row, figure in each[key].items()
        )
        lines.append(f"    {name:10} {found}")
    return lines
