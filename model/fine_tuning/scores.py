"""Which score tells best how wrong a first mask is: rank correlation with 1 - IoU on objects with known masks.

python -m model.fine_tuning.scores coco:data/train --held-out 0.03 --count 40 --out scores.json
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Click, Predictor, load_predictor, masks
from model.datasets.chosen import Chosen
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.errors import BoundaryClickError
from model.evaluation.clickers import annotator_for
from model.evaluation.run import EvenSample
from model.evaluation.statistics import interval
from model.predictor import Prediction
from model.training.objects import is_held_out
from model.uncertainty import uncertainty

NOISE = 3.0
SOFT = 1.0
"""Logits nearer to 0 are unsure: probabilities from 0.27 to 0.73."""

Score = Callable[[Predictor, EvaluationObject, Click, Prediction], float]


def entropy(predictor: Predictor, item: EvaluationObject, click: Click, first: Prediction) -> float:
    """Of the band about the contour: what the project uses."""
    return uncertainty(first)


def confidence(predictor: Predictor, item: EvaluationObject, click: Click, first: Prediction) -> float:
    """1 - the mean probability inside the mask."""
    return 1 - first.score


def soft_area(predictor: Predictor, item: EvaluationObject, click: Click, first: Prediction) -> float:
    """Unsure pixels for each pixel of the mask."""
    unsure, inside = np.count_nonzero(np.abs(first.logits) < SOFT), np.count_nonzero(first.mask)
    return float(unsure) / max(float(inside), 1.0)


def two_looks(predictor: Predictor, item: EvaluationObject, click: Click, first: Prediction) -> float:
    """Disagreement between the mask of the whole image and that of the crop."""
    view, logits = predictor.passes.coarse(item.image, click)
    coarse = np.full(first.mask.shape, -np.inf, np.float32)
    view.paste(logits, coarse)
    return 1 - masks.intersection_over_union(coarse > 0, first.mask)


def next_click(predictor: Predictor, item: EvaluationObject, click: Click, first: Prediction) -> float:
    """Disagreement between selection and refinement: how much the predicted next click would change.

    It is predicted where an unsure region lies farthest from the contour.
    """
    if not first.mask.any():
        return 1.0
    unsure = np.abs(first.logits) < SOFT
    depth = np.where(unsure, np.abs(masks.outward_distance(first.mask)), -1)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    clicks = [click, Click(float(column), float(row), "boundary")]
    return 1 - masks.intersection_over_union(first.mask, predictor.predict(item.image, clicks).mask)


SCORES: Mapping[str, Score] = {
    "entropy about the contour": entropy,
    "1 - mean probability": confidence,
    "soft area": soft_area,
    "coarse and close look": two_looks,
    "predicted next click": next_click,
}


def measure(predictor: Predictor, objects: Sequence[EvaluationObject]) -> dict[str, Any]:
    """Rank correlation (Spearman) of each score with 1 - IoU, its 95 % bootstrap interval, and milliseconds."""
    wrong: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in SCORES}
    spent = dict.fromkeys(SCORES, 0.0)
    for item in objects:
        click = annotator_for("boundary", item, NOISE, seed=0).select().click
        first = predictor.predict(item.image, [click])
        wrong.append(1 - masks.intersection_over_union(first.mask, item.truth, item.ignore))
        for name, score in SCORES.items():
            began = time.perf_counter()
            found[name].append(score(predictor, item, click, first))
            spent[name] += time.perf_counter() - began
    errors = np.array(wrong)
    scores = {
        name: {
            **_correlated(np.array(values), errors),
            "milliseconds": round(1000 * spent[name] / len(objects), 1),
        }
        for name, values in found.items()
    }
    return {
        "model": predictor.version,
        "objects": len(objects),
        "miou1": round(1 - float(errors.mean()), 4),
        "scores": scores,
    }


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Rank correlation; NaN where one of them does not vary."""
    a, b = _ranks(first), _ranks(second)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ranks where values are equal."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places], np.float64)


def _correlated(scores: NDArray[np.float64], errors: NDArray[np.float64]) -> dict[str, float | None]:
    low, high = interval(
        lambda picks: np.array([spearman(scores[each], errors[each]) for each in picks]), len(errors)
    )
    values = {"correlation": spearman(scores, errors), "low": low, "high": high}
    return {name: None if np.isnan(value) else round(value, 3) for name, value in values.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m model.fine_tuning.scores", description=__doc__)
    parser.add_argument("dataset", metavar="LAYOUT:PATH")
    parser.add_argument(
        "--held-out", type=float, default=1.0, help="share of images that training has held out (1: all)"
    )
    parser.add_argument("--count", type=int, default=40, help="objects, evenly spread (40)")
    parser.add_argument("--weights", default="default")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(arguments)
    try:
        objects = open_dataset(args.dataset)
        chosen = [n for n, path in enumerate(objects.images) if is_held_out(path.name, args.held_out)]
        report = measure(load_predictor(args.weights), EvenSample(Chosen(objects, chosen), args.count))
    except BoundaryClickError as error:
        print(f"scores: {error}", file=sys.stderr)
        return 2
    args.out.write_text(json.dumps({"dataset": args.dataset, **report}, indent=2) + "\n")
    for name, each in report["scores"].items():
        print(f"{name:<28}{each['correlation']}  [{each['low']}, {each['high']}]  {each['milliseconds']} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
