"""Label Studio and its backend as two processes that begin and end together."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType

from model.errors import SettingsError

HOST = "127.0.0.1"
START_SECONDS = 1800
"""Until the start is given up; nothing is measured by it."""
STOP_SECONDS = 40
"""Longer than gunicorn gives to requests under way."""
PORTS = 100
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LABEL_STUDIO = {
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
    # Since 1.23 it refuses backends and webhooks on this machine unless told otherwise.
    "ML_BLOCK_LOCAL_IP": "false",
    "SSRF_PROTECTION_ENABLED": "false",
    # Pages of other sites must not reach it by way of its user's browser.
    "CORS_ALLOW_ALL_ORIGINS": "false",
    "ALLOWED_HOSTS": f"localhost,{HOST}",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
}
FOREIGN = ("LABEL_STUDIO_", "HEARTEX_", "DJANGO_", "POSTGRE_")
"""Variables that would make Label Studio another one than the one meant here: its database, its address."""


@dataclass(frozen=True)
class Login:
    """Of the only user; made at the first start."""

    user: str
    password: str
    token: str

    @classmethod
    def new(cls) -> "Login":
        """With a password and a token that nobody else has."""
        return cls("annotator@localhost", secrets.token_urlsafe(9), secrets.token_hex(20))


@dataclass(frozen=True)
class Folder:
    """Where everything is kept; `lock` is open in every process that works in it."""

    path: Path
    login: Login
    lock: int

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Folder"]:
        """The folder for one pair alone.

        Raises:
            SettingsError: another pair works in it, or its login cannot be read.
        """
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SettingsError(
                    f"{path}: expected a folder that nobody works in, but a demo is running there; end it, "
                    "or choose another with --data"
                ) from None
            yield cls(path.resolve(), _login(path / "login.json"), lock)
        finally:
            os.close(lock)


class Pair:
    """Both servers; they end with the context.

    Args:
        label_studio: its executable.
        backend: command that starts the backend, without its address.
        folder: where both keep their data.
        port, backend_port: where to listen; the next free ones if they are taken.

    Raises:
        SettingsError: no free port.
    """

    def __init__(
        self, label_studio: Path, backend: Sequence[str], folder: Folder, port: int, backend_port: int
    ) -> None:
        self._executable, self._backend, self._folder = label_studio.resolve(), backend, folder
        self._port = _free_port(port)
        self._backend_port = _free_port(backend_port, self._port)
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.url, self.backend_url = f"http://{HOST}:{self._port}", f"http://{HOST}:{self._backend_port}"

    def __enter__(self) -> "Pair":
        # Whoever closes the terminal or ends this process means both servers.
        self._handlers = {number: signal.signal(number, _interrupt) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End both; Ctrl+C is how this is meant to end, hence no error."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for _, process in self._processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for _, process in self._processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        return kind is KeyboardInterrupt

    def start(self) -> None:
        """Start both at the same time and wait until they answer.

        Raises:
            SettingsError: one of them ends; with the end of its log.
        """
        login = self._folder.login
        print(f"starting Label Studio at {self.url}; the first start takes a minute", flush=True)
        # In the environment and not among the arguments, which every user of the machine may list.
        user = {
            "LABEL_STUDIO_BASE_DATA_DIR": str(self._folder.path),
            "LABEL_STUDIO_USERNAME": login.user,
            "LABEL_STUDIO_PASSWORD": login.password,
            "LABEL_STUDIO_USER_TOKEN": login.token,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        }
        command = [str(self._executable), "start", "--no-browser"]
        command += ["--internal-host", HOST, "--port", str(self._port)]
        self._run("label-studio", command, _own(LABEL_STUDIO | user))
        print(f"starting the backend at {self.backend_url}", flush=True)
        # The names that win over others, which may be set for another Label Studio.
        known = {
            "BOUNDARYCLICK_LABEL_STUDIO_URL": self.url,
            "BOUNDARYCLICK_LABEL_STUDIO_API_KEY": login.token,
            "XDG_DATA_HOME": str(self._folder.path),  # corrections of a demo are no training data
        }
        command = [*self._backend, "--host", HOST, "--port", str(self._backend_port)]
        self._run("backend", command, _own(known))
        self._await(f"{self.url}/health")
        self._await(f"{self.backend_url}/ready")

    def wait(self) -> None:
        """Until one of them ends; raises SettingsError then."""
        while True:
            self._require_both()
            time.sleep(1)

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self._folder.path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the command is our own
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl+C in the terminal is for us, who end them in order
                pass_fds=(self._folder.lock,),  # should we be killed, the folder is still known to be in use
            )
        self._processes.append((name, process))

    def _await(self, url: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(START_SECONDS):
            self._require_both()
            try:
                with opener.open(url, timeout=30):
                    return
            except OSError:
                time.sleep(1)
        raise SettingsError(f"{url}: expected an answer within {START_SECONDS} s, got none")

    def _require_both(self) -> None:
        for name, process in self._processes:
            if process.poll() is not None:
                log = self._folder.path / f"{name}.log"
                lines = log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
                raise SettingsError(
                    f"{name}: expected it to run, it ended with status {process.returncode}: {lines[0]}; "
                    f"its log is {log}"
                )


def _own(additions: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what is meant for another Label Studio, and past any proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    direct = ",".join(
        filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "localhost", HOST))
    )
    return {**kept, "NO_PROXY": direct, "no_proxy": direct, **additions}


def _login(path: Path) -> Login:
    if not path.exists():
        login = Login.new()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(asdict(login), file)
        return login
    try:
        return Login(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise SettingsError(
            f"{path}: expected user, password and token, got something else; remove the folder to begin anew"
        ) from None


def _free_port(wanted: int, taken: int | None = None) -> int:
    """The first free one from `wanted` on; Label Studio would move to another by itself, without a word to us."""
    for port in range(wanted, min(wanted + PORTS, 1 << 16)):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
            except OSError:
                continue
            if port != taken:
                return port
    raise SettingsError(f"port: expected a free one from {wanted} on, found none; choose another")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
