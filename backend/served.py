"""A service in a process of its own, for programs that measure one."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model.errors import BoundaryClickError

START_SECONDS = 300
"""Until it answers; networks may have to be converted first."""


@dataclass(frozen=True)
class Served:
    """A service in a process of its own: where it answers, and the gunicorn master's process id."""

    url: str
    pid: int


_SHARED = (
    "BOUNDARYCLICK_DATABASE_URL",
    "BOUNDARYCLICK_QUEUE_URL",
    "BOUNDARYCLICK_LEARNING_FOLDER",
    "BOUNDARYCLICK_LEARN_SCHEDULE",
    "BOUNDARYCLICK_ENGINE",
    "BOUNDARYCLICK_ACCESS_TOKEN",
    "BOUNDARYCLICK_BASIC_AUTH_USER",
    "BOUNDARYCLICK_BASIC_AUTH_PASS",
    "BASIC_AUTH_USER",
    "BASIC_AUTH_PASS",
)


def settings_apart(folder: str) -> dict[str, str]:
    """Environment of a service that keeps what it keeps in a folder, whatever database, queue or login are set here."""
    return {**dict.fromkeys(_SHARED, ""), "XDG_DATA_HOME": folder}


@contextmanager
def serving(options: Sequence[str], environment: Mapping[str, str]) -> Iterator[Served]:
    """`boundaryclick serve` on a free port, in its own process; raises BoundaryClickError if it does not start."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "backend.cli", "serve", "--port", "0", *options],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        found = next(
            (match for line in process.stdout if (match := re.search(r"page:\s+(\S+?)/$", line))), None
        )
        watchdog.cancel()
        if found is None:
            raise BoundaryClickError("service: expected it to start, it ended; see the line above")
        yield Served(found[1], process.pid)
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()


def resident_megabytes(pid: int) -> float | None:
    """Resident memory of a process and its children in MB, shared pages counted once; None: not on Linux."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        return None
    total = 0
    for each in [str(pid), *children.read_text().split()]:
        match = re.search(r"Pss:\s+(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text())
        total += int(match[1]) if match else 0
    return total * 1024 / 1e6
