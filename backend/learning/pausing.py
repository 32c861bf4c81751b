"""A process that stands still while somebody waits for a click.

A low priority does not suffice: two busy cores share caches and memory, and a virtual machine's neighbours see both.
"""

import os
import signal
import subprocess
import threading
from contextlib import suppress


class Pausable:
    """Whatever process is at work in the background, if any; thread safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._busy = False

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
            self._busy = busy
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
