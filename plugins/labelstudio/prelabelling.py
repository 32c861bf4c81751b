"""Predictions for tasks that nobody has clicked in: asked for by the Data Manager's action Retrieve Predictions."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from model import Click
from model.errors import Abandoned, BoundaryClickError
from plugins.labelstudio.answers import Answer

logger = logging.getLogger(__name__)

PATIENCE = 80.0
"""Seconds after which no further task is begun; Label Studio waits a hundred for all of them."""

ItemT = TypeVar("ItemT")


def middle(width: int, height: int) -> Click:
    """Where an object is most likely to be, as long as nobody has clicked."""
    return Click((width - 1) / 2, (height - 1) / 2, "select")


def predict_each(
    tasks: Sequence[ItemT], predict: Callable[[ItemT], Answer], clock: Callable[[], float] = time.monotonic
) -> Answer:
    """An answer with one entry for each task: what `predict` makes of it, or an empty list, which Label Studio skips.

    Args:
        tasks: in the order of the request.
        predict: makes one prediction, and has said what was wrong when it raises BoundaryClickError.
        clock: seconds.
    """
    started = clock()
    results: list[Answer | list[Answer]] = []
    for task in tasks:
        if clock() - started > PATIENCE:
            break
        try:
            results.append(predict(task))
        except Abandoned:  # nobody will see the rest either
            raise
        except BoundaryClickError:
            results.append([])
    left = len(tasks) - len(results)
    if left:
        logger.warning(
            "predictions: expected %d tasks in %.0f seconds, got as far as %d; ask again for the rest",
            len(tasks),
            PATIENCE,
            len(results),
        )
    return {"results": results + [[] for _ in range(left)]}
