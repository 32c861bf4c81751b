"""The process that trains: `python -m backend.learning`, with a `Task` on its standard input."""

import ctypes
import os
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""Of Linux' prctl."""

LEFT_ALONE = 4
NICENESS = 19
"""Clicks go first: as little of a core as there is, as soon as a click asks for it."""


def _give_way() -> None:
    """Run only when nobody else wants the core, where the system knows such a thing; else at the lowest priority."""
    with suppress(AttributeError, OSError):
        os.nice(NICENESS)
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _end_with(parent: int) -> None:
    """Be killed when the service is, where the system can: this process may stand still then, and could not see it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(LEFT_ALONE)


def main() -> int:
    """Work on one job; returns 0 when the store knows how it ended."""
    _end_with(int(sys.argv[1]))
    _give_way()
    from backend.learning.job import work  # noqa: PLC0415 - loads torch, at the lower priority
    from backend.learning.task import LOST, Task  # noqa: PLC0415
    from backend.store import Database, JobLost, JobStore  # noqa: PLC0415
    from model.errors import BoundaryClickError, StoreError  # noqa: PLC0415
    from model.loading import use_threads  # noqa: PLC0415
    from model.runtimes.conversion import ConversionFailed  # noqa: PLC0415

    os.chdir(sys.argv[2])  # where the service's relative paths begin; our own modules are found without
    task = Task.model_validate_json(sys.stdin.read())
    use_threads(task.threads)
    parent = int(sys.argv[1])
    try:
        work(task, alive=lambda: os.getppid() == parent)
    except JobLost:
        return LOST
    except (StoreError, ConversionFailed):
        raise  # as for a full disk: it may be better the next time
    except BoundaryClickError as error:
        jobs = JobStore(Database(task.database.get_secret_value()))
        job = jobs.get(task.job)
        with suppress(JobLost):
            if job is not None and job.owner == task.owner:
                jobs.fail(job, " ".join(str(error).split()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
