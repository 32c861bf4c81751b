"""Many independent pieces of work, spread over processes by Ray Data, their results in order."""

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backend.cluster.engine import ray_cluster

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

MOST_IN_BLOCK = 16
"""Pieces that are handed to a process at once; what is lost and done again when it dies."""
BLOCKS_EACH = 8
"""At least so many such blocks for each process, so that all end at about the same time."""


@dataclass(frozen=True)
class Crew:
    """Who works.

    Attributes:
        workers: processes.
        cpus: of each, which are its threads.
        gpus: of each, which may be a share of one.
    """

    workers: int
    cpus: int
    gpus: float = 0.0


class _Worker(Generic[ItemT, ResultT]):
    """One of the processes: makes what it works with once."""

    # Errors travel as results: Ray would start the process, or the work, again and again.
    def __init__(self, make: Callable[[], Callable[[ItemT], ResultT]]) -> None:
        self._failed: _Failed | None = None
        try:
            self._work = make()
        except Exception as error:
            self._failed = _Failed(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"result": pickle.dumps(self._failed or self._result(row["item"]))}

    def _result(self, item: bytes) -> object:
        try:
            return self._work(pickle.loads(item))  # noqa: S301 - from the driver
        except Exception as error:
            return _Failed(error)


@dataclass(frozen=True)
class _Failed:
    error: Exception


def spread(
    make: Callable[[], Callable[[ItemT], ResultT]], items: Sequence[ItemT], crew: Crew
) -> Iterator[ResultT]:
    """What the work makes of each item, in the order of the items, as soon as it is known.

    A process that dies is replaced, and what it was at is done again.

    Args:
        make: called once in each process; it, items and results can be pickled, and are found there by import.

    Raises:
        SettingsError: Ray is missing or cannot be reached.
        Exception: what `make` or the work raised first.
    """
    if not items:
        return
    with ray_cluster(crew.workers * crew.cpus):
        import ray  # noqa: PLC0415 - an extra
        from ray.data import ActorPoolStrategy, DataContext  # noqa: PLC0415

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        rows = [{"item": pickle.dumps(item)} for item in items]
        data = ray.data.from_items(rows, override_num_blocks=_blocks(len(rows), crew.workers))
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # its plans and times; what is wrong is raised
        worker: Any = _Worker
        done = data.map(
            worker,
            fn_constructor_args=(make,),
            compute=ActorPoolStrategy(size=crew.workers),
            num_cpus=crew.cpus,
            num_gpus=crew.gpus,
        )
        for row in done.iter_rows():
            result = pickle.loads(row["result"])  # noqa: S301 - from our own processes
            if isinstance(result, _Failed):
                raise result.error
            yield result


def _blocks(count: int, workers: int) -> int:
    size = max(1, min(MOST_IN_BLOCK, count // (workers * BLOCKS_EACH)))
    return -(-count // size)
