"""What can be reproduced: a table or a figure each, from the data it needs to the files it leaves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.errors import SettingsError
from model.evaluation.run import can_draw
from model.reproduction.crops import SURER_PADDING, measure_crops
from model.reproduction.data import Column, available
from model.reproduction.published import CROP_RECALL
from model.reproduction.runs import Reproduction
from model.reproduction.scales import REFINED, TRAINED, Scale
from model.reproduction.study import user_study
from model.reproduction.tables import Result, table_1, table_2


@dataclass(frozen=True)
class Target:
    """One table or figure.

    Attributes:
        runs: the networks it needs; columns: the data sets; make: from the reproduction and the columns that are there.
    """

    runs: Sequence[str]
    columns: Callable[[Scale], Sequence[Column]]
    make: Callable[[Reproduction, Sequence[Column]], Result]


def _figure_3a(reproduction: Reproduction, columns: Sequence[Column]) -> Result:
    (column,) = columns
    objects = reproduction.objects(column)
    found = {
        loss: measure_crops(reproduction.predictor(run), objects, reproduction.out / "crops")
        for run, loss in TRAINED.items()
    }
    if can_draw():
        from model.reproduction.plots import draw_crops  # noqa: PLC0415 - matplotlib may be missing

        draw_crops(found, f"{column.name}, {len(objects)} objects", reproduction.out / "fig3a.png")
    lines = [
        f"Fig. 3a: objects that the crop holds, and area reduction, {column.name}, {len(objects)} objects "
        f"(the paper, BA-CE, VOC: {CROP_RECALL:.1%} held)",
        f"  {'padding, px':14}" + "".join(f"{pixels:>7}" for pixels in next(iter(found.values()))["padding"]),
    ]
    for loss, curve in found.items():
        for key, title in (("recall", "held"), ("area_reduction", "spared")):
            lines.append(
                f"  {loss.upper() + ', ' + title:14}" + "".join(f"{100 * v:>6.1f}%" for v in curve[key])
            )
    lines.append(f"  the crop of what is surer than other thresholds, padded by {SURER_PADDING} px:")
    for loss, curve in found.items():
        surer = curve["surer"]
        each = zip(surer["threshold"], surer["recall"], surer["area_reduction"], strict=True)
        shown = "; ".join(
            f"{threshold:g}: {held:.1%} held, {spared:.1%} spared" for threshold, held, spared in each
        )
        lines.append(f"    {loss.upper():6} {shown}")
    return Result(lines, found)


def _figure_4(reproduction: Reproduction, columns: Sequence[Column]) -> Result:
    values = table_2(reproduction, columns).values
    if can_draw():
        from model.reproduction.plots import draw_miou  # noqa: PLC0415 - matplotlib may be missing

        draw_miou(values, reproduction.out / "fig4.png")
    lines = ["Fig. 4: mIoU after 1, 2, 3, 5, 10 and 20 clicks"]
    for name, each in values.items():
        for run, curve in each["miou"].items():
            shown = "".join(f"{curve[k - 1]:>7.3f}" for k in (1, 2, 3, 5, 10, 20) if k <= len(curve))
            lines.append(f"  {name:10} {run.upper():4}{shown}")
    return Result(lines, {name: each["miou"] for name, each in values.items()})


TARGETS = {
    "table1": Target(tuple(TRAINED), lambda scale: scale.table1, table_1),
    "fig3a": Target(tuple(TRAINED), lambda scale: (scale.crops,), _figure_3a),
    "table2": Target(tuple(REFINED), lambda scale: scale.table2, table_2),
    "fig4": Target(tuple(REFINED), lambda scale: scale.table2, _figure_4),
    "study": Target(
        ("bcr",),
        lambda scale: (scale.study,),
        lambda reproduction, columns: user_study(reproduction, columns[0]),
    ),
}


def reproduce(reproduction: Reproduction, names: Sequence[str], go_on: bool = False) -> list[Result]:
    """Make these targets; what each says and comes to goes into `NAME.txt` and `NAME.json`, too.

    Args:
        go_on: leave out the columns whose data are missing.

    Raises:
        DatasetError: data are missing: said before anything is begun.
    """
    columns = {
        name: available(reproduction.root, TARGETS[name].columns(reproduction.scale), go_on) for name in names
    }
    reproduction.require_training_data([run for name in names for run in needed(TARGETS[name].runs)])
    reproduction.out.mkdir(parents=True, exist_ok=True)
    results = []
    for name in names:
        result = TARGETS[name].make(reproduction, columns[name])
        (reproduction.out / f"{name}.txt").write_text("\n".join(result.lines) + "\n")
        (reproduction.out / f"{name}.json").write_text(json.dumps(result.values, indent=2) + "\n")
        results.append(result)
    return results


def needed(runs: Sequence[str]) -> list[str]:
    """The networks, and those that they start from."""
    return [*(("selection-ba-ce",) if any(run in REFINED for run in runs) else ()), *runs]


def targets_named(name: str) -> list[str]:
    """One target, or `all`; SettingsError for another name."""
    if name == "all":
        return list(TARGETS)
    if name not in TARGETS:
        raise SettingsError(f"reproduce: expected one of {', '.join(TARGETS)} or all, got {name!r}")
    return [name]
