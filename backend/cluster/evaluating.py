"""`evaluate --engine ray`: the objects of a data set over many processes, into the same folder as one would fill."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from backend.cluster.spreading import Crew, spread
from model.evaluation.folder import EvaluationFolder
from model.evaluation.loop import Evaluated, Procedure, evaluate
from model.evaluation.run import Progress
from model.loading import RuntimeName


@dataclass(frozen=True)
class Subject:
    """What is evaluated on what; the same paths must lead there in every process.

    Attributes:
        weights, device, runtime, threads: as for `load_predictor`.
        dataset: LAYOUT:PATH.
    """

    weights: str
    device: str
    runtime: RuntimeName
    threads: int
    dataset: str
    procedure: Procedure


def fill(
    subject: Subject,
    todo: Mapping[str, int],
    header: Mapping[str, Any],
    out: Path,
    crew: Crew,
    *,
    progress: Progress,
    restart: bool = False,
) -> None:
    """Evaluate what the folder does not hold yet; `run_evaluation` then has only to sum up.

    Args:
        todo: the objects by name, with their numbers in the data set, in the order of the report.

    Raises:
        SettingsError: the folder holds an evaluation with another header.
        DatasetError: an object is empty.
    """
    folder = EvaluationFolder(out)
    done = folder.begin(header, subject.procedure.clicks, restart)
    for name in todo:
        if name in done:
            progress(done[name])
    numbers = [number for name, number in todo.items() if name not in done]
    for evaluated in spread(partial(_evaluator, subject), numbers, crew):
        folder.add(evaluated)
        progress(evaluated.rows)


def _evaluator(subject: Subject) -> Callable[[int], Evaluated]:
    """Evaluates the objects of the data set by number."""
    from model import load_predictor  # noqa: PLC0415 - in the process that works
    from model.datasets.layouts import open_dataset  # noqa: PLC0415

    predictor = load_predictor(subject.weights, subject.device, subject.runtime, subject.threads)
    objects = open_dataset(subject.dataset)

    def work(number: int) -> Evaluated:
        return next(evaluate(predictor, [objects[number]], subject.procedure))

    return work
