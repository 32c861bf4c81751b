"""The service as it runs in production: master and worker, which tests kill, stop and start again."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tests.end_to_end.serving import ROOT, START_SECONDS, end_group, limited

PATIENCE = 600.0
"""Seconds until a test gives up; nothing is measured by them."""


class Service:
    """One installation: its folder, its database and its address outlive its processes.

    Args:
        folder: for everything that it keeps.
        settings: environment.
        inside: command that starts its command, in a namespace of its own, say.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], inside: Sequence[str] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._settings = {"XDG_DATA_HOME": str(folder), "BOUNDARYCLICK_RUNTIME": "torch", **settings}
        self._inside = inside
        self._process: subprocess.Popen[str] | None = None
        self.log: list[str] = []

    def start(self) -> None:
        """Returns when it is ready."""
        command = [sys.executable, "-m", "backend.cli", "serve", "--port", str(self._port), "--threads", "1"]
        self._process = subprocess.Popen(
            [*self._inside, *command],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **self._settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        with limited(self._process, START_SECONDS):
            ready.wait()
        assert self._process.poll() is None, "".join(self.log)

    def stop(self) -> None:
        """SIGTERM, as systemd and containers do; returns at once."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Its exit status."""
        assert self._process is not None
        try:
            return self._process.wait(PATIENCE)
        finally:
            end_group(self._process)

    def listens(self) -> bool:
        """Whether anybody accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    @property
    def master(self) -> int:
        """Process id of gunicorn's master."""
        assert self._process is not None
        return self._process.pid

    @property
    def worker(self) -> int | None:
        """Process id of the worker, if there is one."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()
        return int(children[0]) if children else None

    def grandchildren(self) -> list[int]:
        """Process ids of what the worker has started: fine-tuning."""
        threads = Path(f"/proc/{self.worker}/task").glob("*/children")
        return [int(pid) for thread in threads for pid in thread.read_text().split()]

    def kill_worker(self) -> int:
        """Kill -9; returns when another one has taken its place, and its process id."""
        before = self.worker
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: self.worker not in (None, before))
        after = self.worker
        assert after is not None
        return after

    def figure(self, name: str) -> float:
        """Of /metrics, by its name and labels as they stand there."""
        text = requests.get(f"{self.url}/metrics", timeout=PATIENCE).text
        (line,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(line)

    def get(self, path: str) -> requests.Response:
        """As `post`."""
        return requests.get(self.url + path, timeout=PATIENCE)

    def post(self, path: str, **body: Any) -> requests.Response:
        """One request, that is not made again."""
        return requests.post(self.url + path, timeout=PATIENCE, **body)

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.log.append(line)
                if "page:" in line:
                    ready.set()
        ready.set()


def until(true: Any) -> None:
    """Returns when it is."""
    for _ in range(round(PATIENCE * 50)):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")
