"""The user study (section 4.4), simulated: what unsteady hands and mistaken errors cost."""

import numpy as np

from model.datasets.chosen import Chosen
from model.evaluation.loop import Procedure
from model.reproduction.data import Column
from model.reproduction.runs import Reproduction
from model.reproduction.tables import Result, paired

SELECTED = (0.60, 0.75)
"""IoU of the selections that the participants were shown."""

MOST = 50


def user_study(reproduction: Reproduction, column: Column) -> Result:
    """NoC of boundary clicks with steady hands and with those of the study, on the study's kind of objects."""
    clicks = reproduction.scale.clicks
    steady = reproduction.evaluation("bcr", column, "boundary", clicks)
    objects = reproduction.objects(column)
    ious = dict(zip(steady.table.names, steady.table.column("iou")[:, 0], strict=True))
    names = [objects[index].name for index in range(len(objects))]
    numbers = [i for i, name in enumerate(names) if SELECTED[0] <= ious[name] <= SELECTED[1]]
    if not numbers:
        line = (
            f"User study, simulated: none of {len(objects)} objects of {column.name} has a selection of "
            f"{SELECTED[0]:.0%} to {SELECTED[1]:.0%} IoU; train longer, or measure on more objects"
        )
        return Result([line], {"objects": 0})
    if len(numbers) > MOST:
        numbers = sorted(np.random.default_rng(0).permutation(numbers)[:MOST].tolist())
    part = Chosen(objects, numbers)
    both = [
        reproduction.evaluated(
            "bcr", column, Procedure(clicker, clicks=clicks), part, f"study-{clicker}-{clicks}"
        )
        for clicker in ("boundary", "study")
    ]
    threshold = str(column.threshold)
    first, second = (each.report["noc"][threshold] for each in both)
    change = paired(both[0].table, both[1].table, f"noc{threshold}")
    lines = [
        f"User study, simulated: {len(part)} objects of {column.name} with a selection of {SELECTED[0]:.0%} to "
        f"{SELECTED[1]:.0%} IoU (the paper: 50 of VOC)",
        f"  clicks to {threshold} %: {first:.2f} by the rule, {second:.2f} with clicks 2 to 5 px off and 12 % on "
        "another error",
        f"  difference {change.difference:+.2f} [{change.low:+.2f}, {change.high:+.2f}]",
    ]
    values = {
        "objects": len(part),
        "noc": {"steady": first, "study": second},
        "difference": change.difference,
        "interval": [change.low, change.high],
        "miou": {"steady": both[0].report["miou"], "study": both[1].report["miou"]},
    }
    return Result(lines, values)
