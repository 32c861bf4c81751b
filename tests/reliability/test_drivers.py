"""The programs that measure a service under load, against real services."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from backend.cluster import speed
from backend.learning.job import HELD_OUT
from backend.stress import beside_learning
from model.errors import BoundaryClickError
from tests.backend.learning.material import photos, split_seeds
from tests.model.scenes import scene
from tests.reliability.service import PATIENCE, Service


def clicks_of(service: Service) -> float:
    """That masks were computed for so far, whoever made them."""
    text = requests.get(f"{service.url}/metrics", timeout=PATIENCE).text
    return sum(
        float(each) for each in re.findall(r"^boundaryclick_clicks_total\{.*\} (\S+)$", text, re.MULTILINE)
    )


def test_clicks_a_second_are_those_that_were_answered(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = clicks_of(service)
    arguments = [service.url, "--annotators", "2", "--seconds", "3", "--size", "160", "120"]
    assert speed.main(arguments) == 0
    said = capsys.readouterr().out
    clicks = round(float(said.split()[0]) * 3)
    assert 0 < clicks <= clicks_of(service) - answered
    assert "2 annotators, 160 x 120; p50" in said


def test_clicks_a_second_of_no_service_end_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["http://127.0.0.1:9", "--annotators", "1", "--seconds", "1"]) == 2
    assert capsys.readouterr().err.startswith("speed: ")


def test_clicks_beside_a_job_are_told_apart_by_its_stages(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUNDARYCLICK_WEIGHTS", str(weights))
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", f"sqlite:///{tmp_path / 'in-use.sqlite3'}")
    monkeypatch.setenv("BOUNDARYCLICK_ACCESS_TOKEN", "of-the-service-in-use")
    references = photos(tmp_path / "images", split_seeds(8, 8, HELD_OUT, tmp_path / "all"))
    (tmp_path / "masks").mkdir()
    for name in (reference.task for reference in references):
        cv2.imwrite(str(tmp_path / "masks" / name), scene(int(Path(name).stem))[1].astype(np.uint8))
    figures = beside_learning.measure(beside_learning.Plan(f"folder:{tmp_path}", alone=5, pause=0.1))
    clicks = figures["boundary_clicks"]
    assert clicks["alone"]["answers"] >= 10
    assert {"features", "training", "judging"} & set(clicks)
    assert figures["job"]["result"]
    assert not (tmp_path / "in-use.sqlite3").exists()


def test_clicks_beside_a_job_need_corrections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert beside_learning.main([f"folder:{tmp_path}", "--alone", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("beside_learning: ")
    assert "masks, found none" in line


def test_a_service_that_says_nothing_of_its_job_ends_the_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside_learning, "WATCHED_SECONDS", 0.01)
    jobs = beside_learning.Jobs("http://127.0.0.1:9")
    with pytest.raises(BoundaryClickError, match="/api/learning: expected an answer"), jobs.watched():
        pass
    jobs.watch()
    with pytest.raises(BoundaryClickError, match="expected to hear of it"):
        assert jobs.running
