"""`boundaryclick labelstudio setup` with a real Label Studio and the real service behind it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from backend.cli import main
from plugins.labelstudio.setup import Server
from plugins.labelstudio.setup.configuration import render
from tests.end_to_end.labelstudio.masks import PHOTO
from tests.end_to_end.labelstudio.server import (
    ENVIRONMENT,
    PASSWORD,
    TOKEN,
    USER,
    LabelStudio,
    free_port,
    label_studio,
)
from tests.end_to_end.serving import ROOT, START_SECONDS, STOP_SECONDS, end_group, limited

NAME = "Cups and spoons"

Setup = Callable[..., str]
JSON = dict[str, Any]


@pytest.fixture
def setup(
    studio: LabelStudio, backend: str, personal_token: str, capsys: pytest.CaptureFixture[str]
) -> Setup:
    """Runs the command; returns what it says, or its one line of error."""

    def run(
        *arguments: str,
        status: int = 0,
        token: str = personal_token,
        at: str = backend,
        url: str = studio.url,
    ) -> str:
        common = ["labelstudio", "setup", "--url", url, "--token", token, "--backend", at]
        assert main([*common, *arguments]) == status
        printed = capsys.readouterr()
        return printed.err if status else printed.out

    return run


def parts(studio: LabelStudio, project: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Backends, webhooks and tasks of a project."""
    return (
        studio.api("GET", f"/api/ml?project={project}"),
        studio.api("GET", f"/api/webhooks/?project={project}"),
        studio.api("GET", f"/api/tasks?project={project}")["tasks"],
    )


def number_of(said: str) -> int:
    """The project's, from the address in the last line."""
    return int(said.strip().rpartition("/projects/")[2].partition("/")[0])


def test_a_new_project_then_again_then_with_polygons(
    studio: LabelStudio, backend: str, setup: Setup, tmp_path: Path
) -> None:
    said = setup("--new", NAME, "--labels", "cup,spoon", "--images")
    number = number_of(said)
    assert "answered with a mask" in said
    attached, hooks, tasks = parts(studio, number)
    assert [(item["url"], item["state"], item["is_interactive"]) for item in attached] == [
        (backend, "CO", True)
    ]
    assert [hook["url"] for hook in hooks] == [f"{backend}/webhook"]
    assert len(tasks) == 4

    again = setup("--new", NAME, "--labels", "cup,spoon", "--images")
    assert number_of(again) == number
    for words in ("stays as it is", "attached already", "webhook: in order", "0 uploaded, 4 there"):
        assert words in again
    assert [len(part) for part in parts(studio, number)] == [1, 1, 4]

    (tmp_path / "a photo.jpg").write_bytes(PHOTO.read_bytes())
    other = setup("--project", str(number), "--output", "polygon", "--images", str(tmp_path))
    for words in ("has a new labelling configuration", "1 uploaded, 0 there", "answered with a mask"):
        assert words in other
    changed = studio.api("GET", f"/api/projects/{number}/")["label_config"]
    assert changed.strip() == render("polygon", "one", ("cup", "spoon")).strip()
    assert [len(part) for part in parts(studio, number)] == [1, 1, 5]


def test_a_project_that_is_there_is_brought_in_order(studio: LabelStudio, backend: str, setup: Setup) -> None:
    made = studio.api("POST", "/api/projects/", json={"title": "Of somebody else"})
    assert "--labels" in setup("--project", str(made["id"]), status=2)
    setup("--project", str(made["id"]), "--labels", "cup", "--tools", "two")
    (hook,) = parts(studio, made["id"])[1]
    studio.api("PATCH", f"/api/webhooks/{hook['id']}/", json={"is_active": False, "url": hook["url"]})
    studio.api("POST", "/api/webhooks/", json={"url": hook["url"], "project": made["id"]})

    said = setup("--project", str(made["id"]), "--labels", "cup,plate")
    assert "webhook: mended" in said
    attached, hooks, _ = parts(studio, made["id"])
    assert [len(attached), len(hooks), hooks[0]["is_active"]] == [1, 1, True]
    configuration = studio.api("GET", f"/api/projects/{made['id']}/")["label_config"]
    assert configuration.count('value="plate"') == 2
    assert configuration.count("<KeyPoint ") == 2


def test_what_is_missing_is_named(studio: LabelStudio, setup: Setup, personal_token: str) -> None:
    arguments = ("--new", "Never finished", "--labels", "cup")
    nobody = f"http://127.0.0.1:{free_port()}"
    assert "Label Studio does not reach it" in setup(*arguments, status=2, at=nobody)
    assert "expected a token of Label Studio" in setup(*arguments, status=2, token="0" * 40)
    owner = Server(studio.url, personal_token)
    owner.send(JSON, "POST", "/api/jwt/settings", json={"legacy_api_tokens_enabled": False})
    try:
        assert "a legacy token, which it has switched off" in setup(*arguments, status=2, token=TOKEN)
    finally:
        owner.send(JSON, "POST", "/api/jwt/settings", json={"legacy_api_tokens_enabled": True})


@pytest.mark.parametrize(
    ("lock", "missing"),
    [
        ("ML_BLOCK_LOCAL_IP", "with ML_BLOCK_LOCAL_IP=false and SSRF_PROTECTION_ENABLED=false"),
        ("SSRF_PROTECTION_ENABLED", "with SSRF_PROTECTION_ENABLED=false (ML_BLOCK_LOCAL_IP=false is there"),
    ],
)
def test_the_lock_that_is_closed_is_named(
    executable: Path,
    studio_data: Path,
    tmp_path: Path,
    setup: Setup,
    monkeypatch: pytest.MonkeyPatch,
    lock: str,
    missing: str,
) -> None:
    shutil.copytree(studio_data, tmp_path / "data")  # so that it need not be made again
    monkeypatch.setitem(ENVIRONMENT, lock, "true")
    with label_studio(executable, tmp_path / "data") as closed:
        said = setup("--new", "Behind a lock", "--labels", "cup", status=2, url=closed.url, token=TOKEN)
    assert missing in said


@pytest.mark.usefixtures("studio")  # has filled studio_data
def test_the_demo_starts_both_and_ends_both(executable: Path, studio_data: Path, tmp_path: Path) -> None:
    shutil.copytree(studio_data, tmp_path / "data")
    login = {"user": USER, "password": PASSWORD, "token": TOKEN}
    (tmp_path / "data" / "login.json").write_text(json.dumps(login))
    command = [sys.executable, "-u", "-m", "backend.cli", "labelstudio", "demo"]
    command += ["--label-studio", str(executable), "--data", str(tmp_path / "data")]
    demo = subprocess.Popen(
        [*command, "--port", str(free_port()), "--backend-port", str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with limited(demo, START_SECONDS):
            assert demo.stdout is not None
            said = "".join(
                iter(demo.stdout.readline, "guide:         docs/label-studio.md; Ctrl+C ends both\n")
            )
        addresses = sorted(set(re.findall(r"http://127\.0\.0\.1:\d+", said)))
        assert len(addresses) == 2, said
        assert f"log in as:     {USER}   password: {PASSWORD}" in said
        assert "4 uploaded" in said
        assert all(requests.get(address + "/health", timeout=60).ok for address in addresses)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(STOP_SECONDS) == 0
        for address in addresses:
            with pytest.raises(requests.ConnectionError):
                requests.get(address + "/health", timeout=60)
    finally:
        end_group(demo)
        if demo.stdout is not None:
            demo.stdout.close()
