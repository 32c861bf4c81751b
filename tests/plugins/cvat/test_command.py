"""`boundaryclick cvat` as it is typed, with the real cvat-sdk against a server that answers as CVAT does."""

import builtins
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.store import CorrectionStore, Database, StoredCorrection
from tests.end_to_end.serving import ROOT
from tests.local_server import Answer, Asked
from tests.plugins.cvat.cvat_double import LOGIN, TOKEN, Cvat, cvat, photos, told
from tests.plugins.cvat.doubles import picture

pytest.importorskip("cvat_sdk")

SECONDS = 600


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cvat]:
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", f"sqlite:///{tmp_path}/store.sqlite3")
    monkeypatch.setenv("BOUNDARYCLICK_THREADS", "1")
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", TOKEN)
    with cvat() as state:
        monkeypatch.setenv("CVAT_URL", state.url)
        state.frames = {0: picture(20, 12), 1: picture(20, 12, 90)}
        yield state


def active() -> list[StoredCorrection]:
    database = Database(os.environ["BOUNDARYCLICK_DATABASE_URL"])
    found = CorrectionStore(database).active("cvat")
    database.close()
    return found


def test_pull_says_what_it_has_done(server: Cvat, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cvat", "pull", "--project", "5"]) == 0
    assert capsys.readouterr().out == (
        "project 5: 4 added, 0 replaced, 0 withdrawn, 0 unchanged; jobs: 1 not finished, 1 read; "
        "shapes ignored, as they say no mask: 1 polyline, 2 rectangle\n"
    )
    first, *_, last = active()
    assert first.digest == hashlib.sha256(server.frames[0]).hexdigest()
    assert last.digest == hashlib.sha256(server.frames[1]).hexdigest()
    server.asked.clear()
    assert main(["cvat", "pull", "--task", "7"]) == 0
    assert "0 added, 0 replaced, 0 withdrawn, 0 unchanged" in capsys.readouterr().out
    assert [path for _, path in server.asked] == ["/api/tasks/7", "/api/jobs"]


def test_pull_with_a_password(
    server: Cvat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CVAT_ACCESS_TOKEN")
    monkeypatch.setenv("CVAT_USER", LOGIN["username"])
    monkeypatch.setenv("CVAT_PASSWORD", LOGIN["password"])
    monkeypatch.delenv("CVAT_URL")
    assert main(["cvat", "pull", "--job", "12", "--url", server.url]) == 0
    assert "4 added" in capsys.readouterr().out


def test_a_frame_that_is_missing_keeps_its_masks_and_is_fetched_later(server: Cvat) -> None:
    del server.frames[1]
    assert main(["cvat", "pull", "--project", "5"]) == 0
    assert [one.digest is not None for one in active()] == [True, True, False, False]


def test_a_frame_of_another_size_than_its_masks_is_not_learnt_from(server: Cvat) -> None:
    server.frames[0] = picture(12, 20)
    assert main(["cvat", "pull", "--project", "5"]) == 0
    assert len(active()) == 2


def test_an_answer_that_breaks_off_ends_it_with_one_line_and_the_next_pull_goes_on(
    server: Cvat, capsys: pytest.CaptureFixture[str]
) -> None:
    server.jobs[11] = told("job") | {"id": 11}
    server.annotations[11] = told("annotations")
    whole = json.dumps(told("annotations")).encode()
    server.faults["/api/jobs/11/annotations"] = lambda asked: Answer(whole, cut=200)
    assert main(["cvat", "pull", "--project", "5"]) == 2
    assert re.fullmatch(r"boundaryclick cvat: .*IncompleteRead.*\n", capsys.readouterr().err)
    assert len(active()) == 4
    server.faults.clear()
    assert main(["cvat", "pull", "--project", "5"]) == 0
    assert "4 added" in capsys.readouterr().out


def test_pull_goes_on_where_it_was_killed(server: Cvat, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(20, 23):
        server.jobs[number] = told("job") | {"id": number}
        server.annotations[number] = told("annotations")
    pull = [sys.executable, "-m", "backend.cli", "cvat", "pull", "--project", "5"]
    process = subprocess.Popen(pull, cwd=ROOT, stderr=subprocess.DEVNULL)

    def kill(asked: Asked) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)

    server.faults["/api/jobs/20/annotations"] = kill
    assert process.wait(SECONDS) == -signal.SIGKILL
    assert len(active()) == 8
    server.faults.clear()
    assert main(["cvat", "pull", "--project", "5"]) == 0
    assert "8 added, 0 replaced, 0 withdrawn, 0 unchanged; jobs: 1 not finished, 2 read, 2 unchanged" in (
        capsys.readouterr().out
    )
    assert len(active()) == 16


@pytest.mark.parametrize(
    ("environment", "arguments", "named"),
    [
        ({"CVAT_ACCESS_TOKEN": "wrong"}, ["pull", "--project", "5"], "HTTP 401"),
        ({"CVAT_ACCESS_TOKEN": ""}, ["pull", "--project", "5"], "set CVAT_ACCESS_TOKEN"),
        ({"CVAT_URL": ""}, ["pull", "--project", "5"], "set CVAT_URL"),
        ({"CVAT_URL": "http://127.0.0.1:9"}, ["pull", "--project", "5"], "127.0.0.1:9"),
        ({"BOUNDARYCLICK_DATABASE_URL": "none"}, ["pull", "--project", "5"], "expected a database"),
        ({}, ["pull", "--project", "6"], "HTTP 404"),
        ({}, ["pull", "--job", "0"], "expected a number from 1 on"),
        ({}, ["pull"], "--project --task --job"),
        ({}, ["next", "--task", "8"], "HTTP 404"),
        ({}, [], "ACTION"),
    ],
)
def test_errors_are_one_line_and_2(
    server: Cvat,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: list[str],
    named: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        status: object = main(["cvat", *arguments])
    except SystemExit as stop:
        status = stop.code
    error = capfd.readouterr().err
    assert (status, error.count("\n")) == (2, 1)
    assert named in error


def test_without_cvat_sdk_it_says_what_to_install(
    server: Cvat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    really = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "cvat_sdk":
            raise ImportError(name)
        return really(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["cvat", "pull", "--project", "5"]) == 2
    assert "pip install 'boundaryclick[cvat]'" in capsys.readouterr().err


def encoded(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def test_next_names_unsure_frames_first_and_makes_a_task_of_them(
    server: Cvat, photo: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    height, width = photo.shape[:2]
    noise = np.random.default_rng(3).normal(0, 90, photo.shape)
    unclear = cv2.GaussianBlur(np.clip(photo + noise, 0, 255).astype(np.uint8), (0, 0), 5)
    photos(server, 7, [encoded(photo)] * 3 + [encoded(unclear)], (width, height))
    assert main(["cvat", "next", "--task", "7", "--create"]) == 0
    head, *lines, made = capsys.readouterr().out.splitlines()
    assert head == "frame\tuncertainty\tname"
    (first, most, name), (second, least, _) = (line.split("\t") for line in lines)
    assert (first, second, name) == ("3", "2", "photos/3.png")
    assert 1 >= float(most) > float(least) >= 0
    assert made == "task 8 of 2 frames"
    assert server.finished["upload_file_order"] == ["000003-3.png", "000002-2.png"]


def test_next_without_any_frame_left(server: Cvat, capsys: pytest.CaptureFixture[str]) -> None:
    server.jobs[13]["state"] = "completed"
    assert main(["cvat", "next", "--task", "7"]) == 0
    assert capsys.readouterr().out == "task 7: no frame without annotations\n"
