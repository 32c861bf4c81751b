"""A process that stands still while somebody waits for a click.

A low priority does not suffice: two busy cores share caches and memory, and a virtual machine's neighbours see both.
"""

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress

LONGEST_STILL = 3.0
"""Seconds; clicks on end take so long only where there are more than the machine can do."""


class Pausable:
    """Whatever process is at work in the background, if any; thread safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._busy = False
        self._since = 0.0

    def start(self, process: "subprocess.Popen[str]") -> None:
        """This process from now on."""
        with self._guard:
            self._process = process
            self._tell()

    def finish(self) -> None:
        """No process any more; it runs on if it still does."""
        with self._guard:
            self._busy, busy = False, self._busy
            self._tell()
            self._process, self._busy = None, busy

    def give_way(self, busy: bool) -> None:
        """Somebody waits from now on, or nobody does any more."""
        with self._guard:
            self._busy, self._since = busy, time.monotonic()
            self._tell()

    def breathe(self) -> None:
        """Let it go on, until somebody waits anew, if it has stood still for long: it may hold what others wait for."""
        with self._guard:
            if self._busy and time.monotonic() - self._since > LONGEST_STILL:
                self._busy = False
                self._tell()

    def terminate(self) -> None:
        """Ask it to end, which it must be awake for."""
        with self._guard:
            process = self._process
        self.finish()
        if process is not None:
            with suppress(ProcessLookupError):
                process.terminate()

    def _tell(self) -> None:
        if self._process is not None and os.name == "posix":
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGSTOP if self._busy else signal.SIGCONT)
