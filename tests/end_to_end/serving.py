"""The service as `boundaryclick serve` runs it, in a process of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 180


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
    )
    # Reading ends when the process does, so a server that never gets ready cannot hold up the tests.
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        url = _announced_url(process)
        watchdog.cancel()
        yield url
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=60)


def _announced_url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if page := re.search(r"page:\s+(http://\S+?)/?$", line):
            return page[1]
    raise AssertionError(f"the server ended before it was ready: {''.join(lines)}")
