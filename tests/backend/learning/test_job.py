"""Jobs of the small network, in this process; what becomes of killed ones is tested with the worker."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.learning import Learning
from backend.learning import job as learning_job
from backend.learning.gathering import chosen, gather
from backend.learning.job import label, work
from backend.store import JobLost
from backend.store.schema import CorrectionRow
from model import Click
from model.checkpoints import load_checkpoint
from model.errors import WeightsError
from model.evaluation.loop import Procedure
from model.fine_tuning import judging, lesson, material, tuning
from model.fine_tuning.encoded import Encoded
from model.heads import unpack_head
from tests.backend.learning.material import (
    PROJECT,
    TOOL,
    click,
    photos,
    read,
    record,
    split_seeds,
    task,
    workplace,
)
from tests.model.scenes import scene


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """As little work as there can be: two steps, one view, three clicks."""
    monkeypatch.setattr(tuning, "FEWEST_STEPS", 2)
    monkeypatch.setattr(tuning, "MOST_STEPS", 2)
    monkeypatch.setattr(material, "MOST_VIEWS", 1)
    monkeypatch.setattr(lesson, "MOST_REPLAYED", 1)
    monkeypatch.setattr(judging, "PROCEDURE", Procedure(noise=3.0, clicks=3))


def seeds(tmp_path: Path) -> list[int]:
    return split_seeds(8, 3, learning_job.HELD_OUT, tmp_path / "photos")


def prepared(store: Learning, tmp_path: Path, weights: Path):
    """A job that has been taken, with its images in place."""
    store.ask(PROJECT, "test")
    job = store.jobs.take("me")
    assert job is not None
    gather(
        chosen(store.corrections, PROJECT), {TOOL: read}, tmp_path / "work" / "images", lambda _share: None
    )
    return job, task(workplace(tmp_path, weights), job.id, "me", tmp_path / "work")


def test_a_job_makes_a_version_of_what_can_be_used_and_judges_it(
    store: Learning, tmp_path: Path, weights: Path
) -> None:
    chosen_seeds = seeds(tmp_path)
    references = photos(tmp_path / "photos", chosen_seeds)
    record(store, references)
    rows, columns = np.nonzero(scene(chosen_seeds[-1])[1])
    real = (
        Click(float(columns[0]), float(rows[0]), "select"),
        Click(float(columns[-1]), float(rows[-1]), "boundary"),
    )
    click(store, references[-1], *real)
    record(store, photos(tmp_path / "photos", [901]), np.ones((7, 9), bool) ^ np.eye(7, 9, dtype=bool))
    record(store, photos(tmp_path / "photos", [902]), np.zeros((120, 160), bool))
    job, what = prepared(store, tmp_path, weights)
    work(what)
    done = store.jobs.get(job.id)
    assert done is not None
    assert (done.state, done.progress) == ("done", 1.0)
    (version,) = store.versions.listed(PROJECT)
    assert version.name.startswith("folder-photos-v1-")
    assert version.state == ("promoted" if version.figures["promote"] else "rejected")
    assert version.figures["objects"] == 8
    assert version.figures["trained_on"] == 3
    assert {each["figure"] for each in version.figures["corrections"]} == {"noc85", "miou1", "miou3"}
    assert version.figures["replayed"] == 1
    assert done.result["version"] == version.name
    base = load_checkpoint(weights)
    head = unpack_head(store.versions.weights(version.id), base, version.name)
    before, after = base.network.refinement.state_dict(), head.network.refinement.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before), "it has learnt something"
    files = sorted((tmp_path / "work").glob("*/features/*-0.safetensors"))
    assert len(files) == 3
    assert [len(Encoded.load(file).boundary) for file in files].count(1) == 1, "the real click is among them"
    latest = max(each.id for each in store.corrections.active())
    assert store.jobs.latest()[PROJECT] == latest, "so many have been dealt with"


def test_too_few_corrections_are_said_and_no_time_is_lost(
    store: Learning, tmp_path: Path, weights: Path
) -> None:
    record(store, photos(tmp_path / "photos", range(3)))
    job, what = prepared(store, tmp_path, weights)
    work(what)
    done = store.jobs.get(job.id)
    assert done is not None
    assert done.state == "done"
    assert "too few corrections: expected at least 8 held out" in done.result["reason"]
    assert store.versions.listed() == []
    assert not list((tmp_path / "work").glob("*/features"))


def test_a_cancelled_job_ends_with_its_next_step(store: Learning, tmp_path: Path, weights: Path) -> None:
    record(store, photos(tmp_path / "photos", seeds(tmp_path)))
    job, what = prepared(store, tmp_path, weights)
    alive = iter([True, True])

    def cancel_soon() -> bool:
        if next(alive, None) is None:
            store.jobs.cancel(job.id)
        return True

    with pytest.raises(JobLost):
        work(what, cancel_soon)
    assert store.versions.listed() == []


def test_damaged_pixels_and_masks_are_left_out(store: Learning, tmp_path: Path, weights: Path) -> None:
    chosen_seeds = split_seeds(9, 3, learning_job.HELD_OUT, tmp_path / "photos")
    references = photos(tmp_path / "photos", chosen_seeds)
    record(store, references)
    job, what = prepared(store, tmp_path, weights)
    held_out = hashlib.sha256(read(references[0])).hexdigest()
    (what.folder / "images" / held_out).write_bytes(b"no photo any more")
    with store.database.writing() as session:
        row = session.query(CorrectionRow).order_by(CorrectionRow.id.desc()).first()
        assert row is not None
        row.mask = b"\xff\x00 no run lengths"
    work(what)
    done = store.jobs.get(job.id)
    assert done is not None
    assert (done.state, done.result["skipped"]) == ("done", {"image or mask damaged": 2})


def test_weights_that_are_not_there_are_an_error(store: Learning, tmp_path: Path) -> None:
    record(store, photos(tmp_path / "photos", seeds(tmp_path)))
    _, what = prepared(store, tmp_path, tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError, match="nothing"):
        work(what)


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("labelstudio/3", "labelstudio-3"),
        ("folder//home/Ada Lovelace/Our Photos", "folder-our-photos"),
        ("", "all"),
        ("coco/" + "ü" * 99, "coco"),
    ],
)
def test_versions_are_named_after_their_project(project: str, name: str) -> None:
    assert label(project) == name
