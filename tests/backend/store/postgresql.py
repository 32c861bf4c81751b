"""A real PostgreSQL server in a temporary folder, on this machine's loopback only."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
ACCOUNT = "postgres"
"""Who runs the server when the tests run as root, which PostgreSQL refuses to."""


def found() -> Path | None:
    """Folder of the server's programs, None if there are none that can be run."""
    on_path = shutil.which("initdb")
    folder = Path(on_path).parent if on_path else (FOLDERS[-1] if FOLDERS else None)
    if folder is None or not (folder / "initdb").exists() or not (folder / "pg_ctl").exists():
        return None
    return folder if os.geteuid() or _account_exists() else None


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """URL of an empty database of a server that lives as long as the body."""
    root = os.geteuid() == 0
    user = ACCOUNT if root else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/tmp"))
    if root:
        shutil.chown(folder, ACCOUNT)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, cwd=folder, user=ACCOUNT if root else None, stdout=subprocess.DEVNULL
        )

    data = str(folder / "data")
    port = _free_port()
    try:
        run(str(programs / "initdb"), "-D", data, "-A", "trust", "-U", user, "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        run(
            str(programs / "pg_ctl"),
            "-D",
            data,
            "-w",
            "-t",
            "600",
            "-l",
            f"{data}/log",
            "-o",
            options,
            "start",
        )
        try:
            yield f"postgresql://{user}@127.0.0.1:{port}/postgres"
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _account_exists() -> bool:
    import pwd

    return any(entry.pw_name == ACCOUNT for entry in pwd.getpwall())


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
