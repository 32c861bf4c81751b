from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Predictor
from model.datasets.objects import EvaluationObject
from model.evaluation.comparison import Difference
from model.evaluation.figures import figures
from model.evaluation.loop import Procedure
from model.evaluation.rows import Row, Table
from model.fine_tuning import judging
from model.fine_tuning.judging import FEWEST_OBJECTS, FIGURES, compared, judge, verdict
from tests.model.scenes import scene

BETTER = [Difference("noc85", 5.0, 4.0, -1.5, -0.4), Difference("miou3", 0.8, 0.81, -0.01, 0.03)]
SAME = [Difference("noc85", 5.0, 4.9, -0.4, 0.2), Difference("miou3", 0.8, 0.801, -0.01, 0.02)]
WORSE_MASKS = [BETTER[0], Difference("miou3", 0.8, 0.7, -0.15, -0.05)]
FIRST_MASKS = [*SAME, Difference("miou1", 0.5, 0.7, 0.1, 0.3)]
WORSE_FIRST = [*SAME, Difference("miou1", 0.84, 0.83, -0.03, 0.01)]
FORGOTTEN = [Difference("noc85", 3.0, 3.2, -0.1, 0.5), SAME[1]]
SLIGHTLY = [Difference("noc85", 3.0, 3.05, -0.1, 0.2), Difference("miou3", 0.9, 0.897, -0.01, 0.01)]


@pytest.mark.parametrize(
    ("corrections", "replay", "objects", "promote", "reason"),
    [
        (BETTER, SAME, 20, True, "better on held-out corrections: noc85 5.000 -> 4.000"),
        (BETTER, SLIGHTLY, 20, True, "better"),
        (BETTER, [], 20, True, "better"),
        (BETTER, FORGOTTEN, 20, False, "worse on the replay set: noc85 3.000 -> 3.200"),
        (SAME, SAME, 20, False, "no gain shown"),
        (WORSE_MASKS, SAME, 20, False, "worse on held-out corrections: miou3"),
        (FIRST_MASKS, SAME, 20, True, "better on held-out corrections: miou1"),
        (FIRST_MASKS, WORSE_FIRST, 20, False, "worse on the replay set: miou1"),
        (BETTER, SAME, FEWEST_OBJECTS - 1, False, "too few held-out corrections"),
    ],
)
def test_promoted_is_only_what_is_better_and_has_forgotten_nothing(
    corrections, replay, objects, promote, reason
):
    decided, said = verdict(corrections, replay, objects)
    assert decided is promote
    assert said.startswith(reason)


def test_a_head_is_not_better_than_itself(tiny_predictor: Predictor):
    objects = [
        EvaluationObject(f"scene-{seed}", image, mask, np.zeros_like(mask))
        for seed in range(2)
        for image, mask in [scene(seed)]
    ]
    shares: list[float] = []
    judgement = judge(tiny_predictor, tiny_predictor, objects, objects[:1], shares.append)
    assert not judgement.promote
    assert [each.difference for each in (*judgement.corrections, *judgement.replay)] == [0] * 6
    assert (judgement.objects, judgement.replayed, shares[-1]) == (2, 1, 1)
    assert shares == sorted(shares)
    assert Path(judgement.as_json()["corrections"][0]["figure"]).name == "noc85"


def test_the_figures_are_those_of_clicking_on_to_the_end(
    predictor: Predictor, tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch
):
    short = judging.PROCEDURE
    assert short.enough == 0.85, "the IoU of NoC@85"
    objects = [
        EvaluationObject(f"scene-{seed}", image, mask, np.zeros_like(mask))
        for seed in range(4)
        for image, mask in [scene(seed)]
    ]
    told = compared(predictor, tiny_predictor, objects, lambda _share: None)
    assert {each.figure for each in told} == set(FIGURES)
    monkeypatch.setattr(judging, "PROCEDURE", Procedure(noise=short.noise, clicks=short.clicks))
    assert compared(predictor, tiny_predictor, objects, lambda _share: None) == told


def cut(iou: NDArray[np.float64], procedure: Procedure) -> NDArray[np.float64]:
    """(objects, clicks) as `evaluate` cuts them: see `test_whoever_has_enough_...` of the evaluation loop."""
    left = iou.copy()
    for row in left:
        reached = np.flatnonzero(row >= procedure.enough)
        last = max(reached[0] + 1 if reached.size else row.size, procedure.fewest)
        row[last:] = row[min(last, row.size) - 1]
    return left


def table_of(iou: NDArray[np.float64]) -> Table:
    rest = {"x": 0.0, "y": 0.0, "oracle": 1.0, "contour_distance": 0.0}
    rest |= {"held": 1.0, "crop_area": 1.0, "milliseconds": 0.0}
    return Table(
        [
            Row(f"{number:03}", click, iou=value, **rest)
            for number, values in enumerate(iou)
            for click, value in enumerate(values.tolist(), start=1)
        ]
    )


def test_what_is_not_clicked_any_more_changes_no_figure():
    iou = np.random.default_rng(0).uniform(0.4, 1.0, (400, judging.PROCEDURE.clicks))
    whole, short = (figures(table_of(values)) for values in (iou, cut(iou, judging.PROCEDURE)))

    def same(name: str) -> bool:
        each = np.arange(len(iou))[:, None]  # every object alone
        return np.array_equal(whole[name].at(each), short[name].at(each))

    assert all(same(name) for name in FIGURES)
    assert not same("noc90"), "the cut is there"
    assert not same("miou4")
