"""A real Label Studio for tests: started on a free port, spoken to through its HTTP interface."""

import io
import os
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.end_to_end.serving import ROOT

USER = "annotator@example.org"
PASSWORD = "a-password-for-tests-1"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
START_SECONDS = 600
# Label Studio refuses backends on private addresses unless both of the last two are set.
ENVIRONMENT = {
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
    "ML_BLOCK_LOCAL_IP": "false",
    "SSRF_PROTECTION_ENABLED": "false",
}


def find_executable() -> Path:
    """The program `label-studio`: TEST_LABEL_STUDIO, or where `make test` installs it.

    Skips the test where it is not installed, except in CI, where that is a failure.
    """
    named = os.environ.get("TEST_LABEL_STUDIO")
    executable = Path(named) if named else ROOT / ".venv-labelstudio" / "bin" / "label-studio"
    if not executable.is_file():
        message = f"needs Label Studio, {executable} is not there: plugins/labelstudio/install_server.sh installs it"
        if named or os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return executable


@dataclass(frozen=True)
class LabelStudio:
    """A running Label Studio with one user."""

    url: str

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Answer to a request of the user, read as JSON."""
        response = self._request(method, path, **options)
        return response.json() if response.content else None

    def project(self, title: str, configuration: str, image: Path, backend: str) -> tuple[int, int]:
        """Ids of a new project with the backend attached, and of its one task."""
        project = self.api("POST", "/api/projects/", json={"title": title, "label_config": configuration})[
            "id"
        ]
        with image.open("rb") as file:
            self.api(
                "POST", f"/api/projects/{project}/import", files={"file": (image.name, file, "image/jpeg")}
            )
        attached = {"url": backend, "project": project, "title": "boundaryclick", "is_interactive": True}
        self.api("POST", "/api/ml/", json=attached)
        return project, self.api("GET", f"/api/tasks?project={project}")["tasks"][0]["id"]

    def export(self, project: int, kind: str, folder: Path) -> Path:
        """Unpack an export of the project, as its page downloads it, in `folder`; returns that."""
        answer = self._request(
            "GET", f"/api/projects/{project}/export?exportType={kind}&download_all_tasks=true"
        )
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            archive.extractall(folder / kind)
        return folder / kind

    def personal_token(self) -> str:
        """A personal access token of the user."""
        return str(self.api("POST", "/api/token/")["token"])

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        """An error status fails the test with the server's words."""
        headers = {"Authorization": f"Token {TOKEN}"}
        response = requests.request(method, self.url + path, headers=headers, timeout=600, **options)
        assert response.status_code < 300, f"{method} {path}: {response.status_code} {response.text[:300]}"
        return response


@contextmanager
def label_studio(executable: Path, folder: Path) -> Iterator[LabelStudio]:
    """Label Studio with its data in `folder`, ready for requests."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [str(executable), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    command += [
        "--username",
        USER,
        "--password",
        PASSWORD,
        "--user-token",
        TOKEN,
        "--enable-legacy-api-token",
    ]
    environment = {**ENVIRONMENT, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    with process(command, environment, folder / "label-studio.log", f"http://127.0.0.1:{port}/health"):
        yield LabelStudio(f"http://127.0.0.1:{port}")


@contextmanager
def process(command: list[str], environment: Mapping[str, str], log: Path, ready: str) -> Iterator[None]:
    """A server that runs while the context does, entered when `ready` answers."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _await(started, ready, log)
        yield
    finally:
        started.terminate()
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port() -> int:
    """A port on the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(started: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(START_SECONDS):
        assert started.poll() is None, f"{started.args!r} ended: {log.read_text(errors='replace')[-2000:]}"
        try:
            if requests.get(url, timeout=60).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(1)
    raise AssertionError(
        f"{url}: no answer within {START_SECONDS} s: {log.read_text(errors='replace')[-2000:]}"
    )
