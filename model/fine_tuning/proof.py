"""Proof that fine-tuning helps: feed corrections of one domain, count clicks on the rest of it before and after.

    python -m model.fine_tuning.proof davis:data/DAVIS --held-out 44 --counts 10,20,43 --out proof

What is there from before an interruption is not done again; with other weights a new part of the folder begins.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model import Predictor
from model.checkpoints import load_checkpoint
from model.datasets.chosen import Chosen
from model.datasets.objects import EvaluationObject
from model.errors import BoundaryClickError, DatasetError, SettingsError
from model.evaluation.clickers import annotator_for
from model.evaluation.comparison import Difference, differences
from model.evaluation.folder import EvaluationFolder
from model.evaluation.header import describe
from model.evaluation.loop import Procedure
from model.evaluation.rows import Table, without_nan
from model.evaluation.run import can_draw, run_evaluation
from model.fine_tuning.domain import SPLITS, apart
from model.fine_tuning.lesson import Lesson, learn, replay_set
from model.fine_tuning.tuning import CLICKS, FEWEST_STEPS, MOST_STEPS, Report
from model.loading import load_predictor
from model.uncertainty import uncertainty

FIGURES = ("noc85", "noc90", "miou1", "miou3")
ORDERS = ("random", "uncertainty")
NOISE = 3.0
"""Greatest distance of a click from where it was aimed, image pixels, as people's are."""


@dataclass(frozen=True)
class Plan:
    """What is to be shown.

    Attributes:
        dataset: LAYOUT:PATH; objects are taken in the order of their names, so that frames of a video stay together.
        only: objects whose names hold this; empty: all.
        held_out: so many are never trained on, nor is any other object of their images; which: `split`.
        counts: of corrections; orders: in which they are fed, of `ORDERS`.
        clicks: on an object at most.
        replay: LAYOUT:PATH; None: the set that ships.
    """

    dataset: str
    held_out: int
    counts: tuple[int, ...]
    only: str = ""
    orders: tuple[str, ...] = ORDERS
    clicks: int = 20
    split: str = "last"
    seed: int = 0
    weights: str = "default"
    replay: str | None = None
    device: str = "cpu"

    @property
    def procedure(self) -> Procedure:
        """How objects are clicked."""
        return Procedure(noise=NOISE, seed=self.seed, clicks=self.clicks)


def prove(plan: Plan, out: Path, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Do what has not been done yet and write `report.json` and `proof.png` into `out`; returns the report.

    Raises:
        DatasetError: no such data set, or too small a one.
        SettingsError: `out` holds figures of another plan.
    """
    proof = _Proof(plan, out, say)
    report = proof.report()
    (out / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
    if can_draw():
        from model.fine_tuning.proof_plot import draw  # noqa: PLC0415 - matplotlib may be missing

        draw(report, out / "proof.png")
    return report


class _Proof:
    """One plan, one network, one folder."""

    def __init__(self, plan: Plan, out: Path, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say
        self._base = load_checkpoint(plan.weights, plan.device)
        # As `serve` would answer, and on a CPU in less time than training takes.
        self._shipped = load_predictor(plan.weights, plan.device, "auto")
        self._pool, self._held_out = apart(plan.dataset, plan.held_out, plan.split, plan.only)
        self._replay, self._replay_held_out = replay_set(plan.replay)
        if max(plan.counts) > len(self._pool):
            raise DatasetError(
                f"{plan.dataset}: expected {max(plan.counts)} objects to feed beside {plan.held_out} held out, "
                f"found {len(self._pool)}; ask for fewer with --counts or --held-out"
            )
        self._folder = out / self._base.digest
        self._folder.mkdir(parents=True, exist_ok=True)
        _require_same(self._folder / "plan.json", plan)

    def report(self) -> dict[str, Any]:
        """Everything as JSON values."""
        before = self._judged("before", self._shipped)
        lessons = list(self._lessons(before))
        return {
            **asdict(self._plan),
            "model": f"{self._base.name}-{self._base.digest}",
            "objects": len(self._held_out),
            "replayed": len(self._replay_held_out),
            "lessons": lessons,
        }

    def _lessons(self, before: tuple[Table, Table]) -> Iterator[dict[str, Any]]:
        for order in self._plan.orders:
            numbers = self._ordered(order)
            for count in sorted(self._plan.counts):
                name = f"{order}-{count}"
                after = self._judged(name, self._tuned(name, Chosen(self._pool, numbers[:count])))
                fed, kept = (
                    differences(one, other, FIGURES) for one, other in zip(before, after, strict=True)
                )
                self._say(f"{name}: {_said(fed[0])}; replay set {_said(kept[0])}")
                yield {"order": order, "count": count, "held_out": _json(fed), "replay": _json(kept)}

    def _tuned(self, name: str, objects: Sequence[EvaluationObject]) -> Predictor:
        """Who has learnt from the objects."""
        path = self._folder / "heads" / f"{name}.safetensors"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            features, run = self._folder / "features", self._folder / "runs" / name
            clicks: list[tuple[Any, ...]] = [()] * len(objects)
            lesson = Lesson(self._shipped, objects, clicks, self._replay, features, run, self._stage(name))
            learnt = learn(self._base, lesson, self._plan.device)
            partial = path.with_suffix(".part")
            partial.write_bytes(learnt.head)
            partial.replace(path)
        return self._shipped.with_head(path.read_bytes(), name)

    def _stage(self, name: str) -> Callable[[str], Report]:
        def stage(title: str) -> Report:
            self._say(f"{name}: {title}")
            return lambda _share: None

        return stage

    def _judged(self, name: str, predictor: Predictor) -> tuple[Table, Table]:
        """Rows of the held-out objects and of the replay set."""
        self._say(f"{name}: judging")
        first = self._evaluated(name, predictor, self._held_out, self._plan.dataset)
        return first, self._evaluated(f"{name}-replay", predictor, self._replay_held_out, "replay set")

    def _evaluated(
        self, name: str, predictor: Predictor, objects: Sequence[EvaluationObject], dataset: str
    ) -> Table:
        folder, procedure = self._folder / "evaluations" / name, self._plan.procedure
        header = describe(predictor, dataset, procedure, self._plan.device)
        run_evaluation(predictor, objects, procedure, header, folder, plots=False)
        return EvaluationFolder(folder).read()[1].by_name()

    def _ordered(self, order: str) -> list[int]:
        """Numbers of the pool's objects: shuffled, or the least sure ones first."""
        if order == "random":
            shuffled = np.random.default_rng(self._plan.seed).permutation(len(self._pool))
            return [int(number) for number in shuffled]
        path = self._folder / "uncertainty.json"
        if not path.is_file():
            self._say(f"uncertainty of {len(self._pool)} objects")
            path.write_text(json.dumps([self._uncertainty(item) for item in self._pool]))
        unsure = json.loads(path.read_text())
        return sorted(range(len(unsure)), key=lambda number: (-unsure[number], number))

    def _uncertainty(self, item: EvaluationObject) -> float:
        click = annotator_for("boundary", item, NOISE, self._plan.seed).select().click
        return uncertainty(self._shipped.predict(item.image, [click]))


def _require_same(path: Path, plan: Plan) -> None:
    """Other counts and orders may come later; whatever else decides about the figures must stay."""
    values = asdict(plan)
    for name in ("counts", "orders", "weights", "device"):
        del values[name]
    values["training"] = {"steps": [FEWEST_STEPS, MOST_STEPS], "clicks": CLICKS}
    text = json.dumps(values, indent=2) + "\n"
    if path.is_file() and path.read_text() != text:
        raise SettingsError(f"{path}: holds another plan than this; choose another --out")
    path.write_text(text)


def _said(each: Difference) -> str:
    return f"NoC@85 {each.first:.2f} -> {each.second:.2f} [{each.low:+.2f}, {each.high:+.2f}]"


def _json(found: Sequence[Difference]) -> list[dict[str, Any]]:
    return [without_nan(asdict(each)) for each in found]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.fine_tuning.proof",
        description="Feed corrections of a domain in several orders and count clicks on the rest of it.",
    )
    parser.add_argument("dataset", metavar="LAYOUT:PATH")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", type=int, default=40, help="objects that are judged by (40)")
    parser.add_argument("--counts", default="25,50,100,200", help="of corrections (25,50,100,200)")
    parser.add_argument("--orders", default=",".join(ORDERS), help=f"({','.join(ORDERS)})")
    parser.add_argument("--only", default="", help="objects whose names hold this, such as weizmannhorse")
    parser.add_argument("--split", choices=list(SPLITS), default="last", help="which are held out (last)")
    parser.add_argument("--clicks", type=int, default=20, help="on an object at most (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--replay", metavar="LAYOUT:PATH")
    parser.add_argument("--device", default="cpu")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    args = vars(_parser().parse_args(arguments))
    out = args.pop("out")
    try:
        args["counts"] = tuple(int(count) for count in args["counts"].split(","))
        args["orders"] = tuple(args["orders"].split(","))
        if min(args["counts"]) < 1 or not set(args["orders"]) <= set(ORDERS):
            raise ValueError(f"--counts from 1 on, --orders of {', '.join(ORDERS)}")
        prove(Plan(**args), out)
    except (BoundaryClickError, ValueError) as error:
        print(f"proof: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
