"""One evaluation from data set to report folder; continues what the folder holds."""

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from model import Predictor
from model.datasets.chosen import Chosen
from model.datasets.layouts import EvaluationObject
from model.errors import DatasetError, SettingsError
from model.evaluation.figures import Profile
from model.evaluation.folder import EvaluationFolder
from model.evaluation.loop import Procedure, evaluate
from model.evaluation.report import summarise
from model.evaluation.rows import Row, Table

Progress = Callable[[Sequence[Row]], None]
"""Called with the rows of each object as soon as it is done, or found done."""


def evenly(total: int, count: int) -> list[int]:
    """The numbers of `count` objects of a data set, evenly spread over it; of all if it holds no more."""
    number = min(count, total)
    return [index * total // number for index in range(number)]


class EvenSample(Chosen):
    """`count` objects of a data set, evenly spread over it; all of them if it holds no more."""

    def __init__(self, objects: Sequence[EvaluationObject], count: int) -> None:
        super().__init__(objects, evenly(len(objects), count))


def run_evaluation(
    predictor: Predictor,
    objects: Sequence[EvaluationObject],
    procedure: Procedure,
    header: Mapping[str, Any],
    out: Path,
    *,
    profile: Profile = "standard",
    restart: bool = False,
    plots: bool = True,
    progress: Progress = lambda rows: None,
) -> dict[str, Any]:
    """Evaluate what is not done yet, write everything into `out`, return the report.

    Args:
        header: of the report; an evaluation is continued if its header was the same.
        plots: draw them too, if matplotlib is installed.

    Raises:
        SettingsError: `out` holds an evaluation with another header, or objects are not clicked on to the end.
        DatasetError: an object is empty, or two have the same name.
    """
    if procedure.enough < math.inf:
        raise SettingsError(
            "evaluation: expected every object clicked on to the end, got a procedure with `enough`"
        )
    folder = EvaluationFolder(out)
    done = folder.begin(header, procedure.clicks, restart)
    places: dict[str, int] = {}
    rows: list[Row] = []
    todo = _undone(objects, done, places, rows, progress)
    for evaluated in evaluate(predictor, todo, procedure):
        folder.add(evaluated)
        rows += evaluated.rows
        progress(evaluated.rows)
    table = Table(rows)
    report = {**header, **summarise(table, profile)}
    folder.write_report(report)
    if plots and can_draw():
        _draw(report, table, objects, places, folder)
    return report


def can_draw() -> bool:
    """Whether matplotlib, which only plots need, is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def _undone(
    objects: Sequence[EvaluationObject],
    done: Mapping[str, list[Row]],
    places: dict[str, int],
    rows: list[Row],
    progress: Progress,
) -> Iterator[EvaluationObject]:
    """The objects without rows; those with rows add them. Fills `places`: index by name."""
    for index in range(len(objects)):
        item = objects[index]
        if item.name in places:
            raise DatasetError(f"data set: expected objects with different names, got {item.name} twice")
        places[item.name] = index
        if item.name in done:
            rows += done[item.name]
            progress(done[item.name])
        else:
            yield item


def _draw(
    report: Mapping[str, Any],
    table: Table,
    objects: Sequence[EvaluationObject],
    places: Mapping[str, int],
    folder: EvaluationFolder,
) -> None:
    from model.evaluation.plots import draw_curves, title  # noqa: PLC0415 - matplotlib may be missing
    from model.evaluation.sheet import Panel, draw_sheet, worst_objects  # noqa: PLC0415

    draw_curves(report, table, folder.path)
    by_name = {name: table.rows_of(name) for name in worst_objects(table)}
    panels = [Panel(objects[places[name]], rows, folder.mask(name)) for name, rows in by_name.items()]
    draw_sheet(panels, f"The worst {len(panels)} of {title(report)}", folder.path / "worst.png")
