"""Real servers that a cluster has beside ours, on this machine's loopback only, in temporary folders."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.needs import needed_program
from tests.end_to_end.serving import ROOT

SECONDS = 120
"""Until a test gives up; nothing is measured by it."""


@contextmanager
def redis_server() -> Iterator[str]:
    """URL of a Redis without data."""
    program, port = needed_program("redis-server", "redis-server"), free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running(command, port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def nginx(machines: Sequence[str]) -> Iterator[str]:
    """URL of an nginx before two machines, HOST:PORT each, configured as docs/operation/nginx.conf has it."""
    program, port = needed_program("nginx", "nginx-light"), free_port()
    text = (ROOT / "docs" / "operation" / "nginx.conf").read_text()
    changes = {
        "machine-1:9090": machines[0],
        "machine-2:9090": machines[1],
        "listen 9080": f"listen 127.0.0.1:{port}",
    }
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        (Path(folder) / "boundaryclick.conf").write_text(text)
        paths = "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (Path(folder) / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
            f"events {{}}\nhttp {{ access_log off;\n{paths}include {folder}/boundaryclick.conf; }}\n"
        )
        with running(
            [program, "-p", folder, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], port
        ):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[None]:
    """A server from when it answers at the port to the end of the body."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + SECONDS
            while not _answers(port):
                assert process.poll() is None, f"{command[0]} ended"
                assert time.monotonic() < deadline, f"{command[0]} does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as there:
        there.settimeout(1.0)
        return there.connect_ex(("127.0.0.1", port)) == 0
