"""The service as `boundaryclick serve` runs it, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 600
STOP_SECONDS = 600
"""Until a test gives up; nothing is measured by them."""


@contextmanager
def serving(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Base URL of a fresh server on a free port; `environment` is added to ours."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "serve", "--port", "0", "--threads", "1"],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its workers can be ended with it
    )
    # Whatever it logs later must be read too: a full pipe would hold it up. deque(maxlen=0) reads and forgets.
    reader = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
    try:
        with limited(process, START_SECONDS):
            url = _announced_url(process)
        reader.start()
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            end_group(process)
            if reader.ident is not None:
                reader.join()
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def limited(process: "subprocess.Popen[str]", seconds: float) -> Iterator[None]:
    """Ends the process, which leads its own session, when the body takes longer; reading from it then ends too."""
    watchdog = threading.Timer(seconds, end_group, [process])
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def end_group(process: "subprocess.Popen[str]") -> None:
    """Kill a process that leads its own session, and its workers, unless it has ended by itself."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _announced_url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if page := re.search(r"page:\s+(http://\S+?)/?$", line):
            return page[1]
    raise AssertionError(f"the server ended before it was ready: {''.join(lines)}")
