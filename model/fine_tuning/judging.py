"""Whether a tuned head is better than the one it came from: whole sessions on images that neither was trained on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model import Predictor
from model.datasets.objects import EvaluationObject
from model.evaluation.comparison import LOWER_IS_BETTER, Difference, differences
from model.evaluation.loop import Procedure, evaluate
from model.evaluation.rows import Row, Table, without_nan
from model.fine_tuning.tuning import Report

FIGURES = ("noc85", "miou1", "miou3")

FEWEST_OBJECTS = 8
"""Of held-out corrections: with fewer, no interval says anything."""

MARGINS = {"noc85": 0.1, "miou1": 0.005, "miou3": 0.005}
"""How much worse the replay set may become, by figure; less than the noise of one annotator's hand."""

PROCEDURE = Procedure(noise=3.0, clicks=8, enough=0.85, fewest=3)
"""Clicks a few pixels off, as people's are; hardly anybody clicks one object more often. Nothing is clicked that
the `FIGURES` do not need."""


@dataclass(frozen=True)
class Judgement:
    """The figures of two heads on the same objects, and what follows.

    Attributes:
        promote: whether the second head shall answer from now on.
        reason: one line that says why.
        corrections, replay: one difference for each of `FIGURES`; empty without objects.
        objects, replayed: numbers of objects.
    """

    promote: bool
    reason: str
    corrections: list[Difference]
    replay: list[Difference]
    objects: int
    replayed: int

    def as_json(self) -> dict[str, Any]:
        """As JSON values; null where a figure is not defined."""
        return {
            **asdict(self),
            "corrections": [without_nan(asdict(each)) for each in self.corrections],
            "replay": [without_nan(asdict(each)) for each in self.replay],
        }


def judge(
    before: Predictor,
    after: Predictor,
    held_out: Sequence[EvaluationObject],
    replay: Sequence[EvaluationObject],
    report: Report,
) -> Judgement:
    """Click on every object with both heads, and decide."""
    total = max(len(held_out) + len(replay), 1)
    corrections = compared(before, after, held_out, lambda share: report(share * len(held_out) / total))
    kept = compared(before, after, replay, lambda share: report(1 - (1 - share) * len(replay) / total))
    promote, reason = verdict(corrections, kept, len(held_out))
    return Judgement(promote, reason, corrections, kept, len(held_out), len(replay))


def compared(
    before: Predictor, after: Predictor, objects: Sequence[EvaluationObject], report: Report
) -> list[Difference]:
    """Paired differences of `FIGURES`; none without objects."""
    rows: tuple[list[Row], list[Row]] = ([], [])
    for index in range(len(objects)):
        item = objects[index]
        for predictor, into in zip((before, after), rows, strict=True):
            for evaluated in evaluate(predictor, [item], PROCEDURE):
                into.extend(evaluated.rows)
        report((index + 1) / len(objects))
    if not len(objects):
        return []
    return differences(Table(rows[0]), Table(rows[1]), FIGURES)


def verdict(
    corrections: Sequence[Difference], replay: Sequence[Difference], objects: int
) -> tuple[bool, str]:
    """Whether to promote, and why: better on held-out corrections, not worse on what could be done before."""
    if objects < FEWEST_OBJECTS:
        return (
            False,
            f"too few held-out corrections to judge by: {objects} of {FEWEST_OBJECTS}; correct more images",
        )
    for each in corrections:
        if each.shown and not _better(each):
            return False, f"worse on held-out corrections: {_said(each)}"
    for each in replay:
        if _loss(each) > MARGINS[each.figure]:
            return False, f"worse on the replay set: {_said(each)}"
    gains = [each for each in corrections if each.shown and _better(each)]
    if not gains:
        return False, f"no gain shown on held-out corrections: {_said(corrections[0])}"
    return True, f"better on held-out corrections: {_said(gains[0])}"


def _loss(each: Difference) -> float:
    return each.difference if each.figure in LOWER_IS_BETTER else -each.difference


def _better(each: Difference) -> bool:
    return _loss(each) < 0


def _said(each: Difference) -> str:
    return (
        f"{each.figure} {each.first:.3f} -> {each.second:.3f}, "
        f"difference {each.difference:+.3f} [{each.low:+.3f}, {each.high:+.3f}]"
    )
