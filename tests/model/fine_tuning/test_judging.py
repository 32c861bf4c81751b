from pathlib import Path

import numpy as np
import pytest

from model import Predictor
from model.datasets.objects import EvaluationObject
from model.evaluation.comparison import Difference
from model.evaluation.loop import Procedure
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
    objects = [
        EvaluationObject(f"scene-{seed}", image, mask, np.zeros_like(mask))
        for seed in range(4)
        for image, mask in [scene(seed)]
    ]
    told = compared(predictor, tiny_predictor, objects, lambda _share: None)
    assert {each.figure for each in told} == set(FIGURES)
    monkeypatch.setattr(judging, "PROCEDURE", Procedure(noise=short.noise, clicks=short.clicks))
    assert compared(predictor, tiny_predictor, objects, lambda _share: None) == told
