"""The agent's function, run by the real cvat-cli against a server with a queue of requests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model import Click, Predictor
from tests.end_to_end.cvat_queue import Queue, queue_server
from tests.end_to_end.serving import ROOT

masks = pytest.importorskip("cvat_sdk.masks")
pytest.importorskip("cvat_cli")

SECONDS = 600
PARAMETERS = ("--function-module", "plugins.cvat.agent", "-p", "threads=int:1")


@pytest.fixture
def queue(photo: np.ndarray, photo_png: bytes) -> Iterator[Queue]:
    height, width = photo.shape[:2]
    with queue_server(photo_png, (width, height)) as server:
        yield server


def cvat_cli(queue: Queue, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`cvat-cli function ...`, whose settings and caches stay in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "cvat_cli", "--server-host", queue.url, "function", *arguments],
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1", "CVAT_ACCESS_TOKEN": "token"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_an_agent_answers_the_queue(
    queue: Queue, tmp_path: Path, predictor: Predictor, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUNDARYCLICK_RUNTIME", "torch")  # as the predictor that it is compared with
    created = cvat_cli(queue, tmp_path, "create-native", "Boundary click", *PARAMETERS)
    assert (created.returncode, created.stdout.strip()) == (0, "7"), created.stderr
    assert queue.function["kind"] == "interactor"
    assert (queue.function["min_pos_points"], queue.function["min_neg_points"]) == (1, 0)

    queue.ask(pos_points=[[120.5, 90.5]])
    queue.ask(pos_points=[[120.5, 90.5]], neg_points=[[165.5, 90.5]])
    queue.ask(pos_points=[[20.5, 10.5]], neg_points=[[120, 80]], roi=[100, 80, 220, 160])
    queue.ask(pos_points=[[500, 90]])
    ran = cvat_cli(queue, tmp_path, "run-agent", "7", "--burst", *PARAMETERS)
    assert ran.returncode == 0, ran.stderr
    assert queue.unknown == []

    select, boundary = Click(120, 90), Click(165, 90, "boundary")
    for number, clicks in enumerate(([select], [select, boundary]), start=1):
        assert np.array_equal(decoded(queue, f"r{number}", photo), predictor.predict(photo, clicks).mask)
    part = photo[80:160, 100:220]
    inside = predictor.predict(part, [Click(20, 10), Click(119.5, 79.5, "boundary")])
    assert np.array_equal(decoded(queue, "r3", part), inside.mask)
    assert "click x: expected 0 to 240" in queue.done["r4"]["exc_info"]
    # The frame was kept for the second click; the third had another part of it, the fourth the whole again.
    assert queue.downloads == 2


def decoded(queue: Queue, request: str, like: np.ndarray) -> np.ndarray:
    """The mask of a completed request."""
    (shape,) = queue.done[request]["shapes"]
    (attribute,) = shape["attributes"]
    assert (shape["type"], attribute["spec_id"], type(attribute["value"])) == ("mask", 0, str)
    mask: np.ndarray = masks.decode_mask(
        shape["points"], image_width=like.shape[1], image_height=like.shape[0]
    )
    return mask
