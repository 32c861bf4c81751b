"""Real runs of the stage that trains a head on the crops of sessions, with the small network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.cli import main
from model.checkpoints import load_checkpoint, save_checkpoint
from model.errors import DatasetError, SettingsError, WeightsError
from model.fine_tuning.sessions import PooledObjects, train_on_sessions
from model.networks import configuration
from model.networks.building import build_network
from model.training.data import TrainingData
from model.training.log import read_log
from model.training.objects import is_held_out
from model.training.settings import TrainingSettings
from model.training.stages import train
from tests.model.scenes import write_coco


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "set", 8)


@pytest.fixture(scope="module")
def other_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    save_checkpoint(path, build_network(configuration("tiny")), {})
    return path


def settings(data: Path, start: Path | str, **changes: object) -> TrainingSettings:
    values = {
        "stage": "sessions", "data": [{"folder": data}], "configuration": "tiny", "start": str(start), "steps": 3,
        "batch": 2, "size": 64, "workers": 0, "clicks": 2, "warmup": 0, "averaging": 0.0, "held_out": 0.3,
        "log_every": 1, "rate": 1e-2, "validate_every": 3,
    }  # fmt: skip
    return TrainingSettings.model_validate(values | changes)


def parts(weights: Path) -> dict[str, dict[str, torch.Tensor]]:
    state = load_checkpoint(weights).network.state_dict()
    return {
        part: {n: v for n, v in state.items() if n.startswith(part)} for part in ("selection", "refinement")
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_head_alone_is_trained_on_objects_that_are_not_held_out(
    data: Path, tiny_weights: Path, tmp_path: Path
):
    train_on_sessions(settings(data, tiny_weights), tmp_path)
    before, after = parts(tiny_weights), parts(tmp_path / "weights.safetensors")
    assert same(before["selection"], after["selection"])
    assert not same(before["refinement"], after["refinement"])
    held_out = {f"{n}.png" for n in range(1, 9) if is_held_out(f"{n}.png", 0.3)}
    encoded = {path.name.partition("-")[0] for path in (tmp_path / "features").glob("*/*.safetensors")}
    assert held_out
    assert encoded == {f"{n}.png" for n in range(1, 9)} - held_out
    assert set(read_log(tmp_path / "log.csv")[3]) >= {"loss", "iou0", "iou1", "iou2", "held_out_iou2"}


def test_a_run_that_stopped_goes_on_to_the_same_weights(data: Path, tiny_weights: Path, tmp_path: Path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    train_on_sessions(settings(data, tiny_weights, steps=4, schedule="constant"), whole)
    train_on_sessions(settings(data, tiny_weights, steps=2, schedule="constant"), parted)
    written = {path: path.stat().st_mtime_ns for path in (parted / "features").glob("*/*.safetensors")}
    train_on_sessions(settings(data, tiny_weights, steps=4, schedule="constant"), parted)
    assert same(*(parts(run / "weights.safetensors")["refinement"] for run in (whole, parted)))
    assert written == {
        path: path.stat().st_mtime_ns for path in (parted / "features").glob("*/*.safetensors")
    }


def test_objects_are_different_and_drawn_by_the_weights_of_their_sources(data: Path, tmp_path: Path):
    chosen = settings(data, "default", held_out=0.0).with_source_weights({"set0": 0.0})
    pool = TrainingData(chosen, tmp_path).training
    drawn = PooledObjects(pool, 3, 0)
    assert len({item.name for item in drawn}) == 3
    assert [item.name for item in drawn] == [item.name for item in PooledObjects(pool, 3, 0)[:]]
    odd = {item.name.partition(".")[0] for item in PooledObjects(pool, 100, 0)}
    assert odd == {"1", "3", "5", "7"}
    assert all(item.truth.shape == item.image.shape[:2] and np.any(item.truth) for item in drawn)


def test_without_a_trained_selection_network_there_are_no_sessions(data: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="expected --start with a checkpoint"):
        train_on_sessions(settings(data, "imagenet"), tmp_path)


def test_objects_encoded_for_another_start_are_not_taken(
    data: Path, tiny_weights: Path, other_weights: Path, tmp_path: Path
):
    train_on_sessions(settings(data, tiny_weights), tmp_path)
    (tmp_path / "state.pt").unlink()
    before = set((tmp_path / "features").iterdir())
    train_on_sessions(settings(data, other_weights), tmp_path)
    assert len(set((tmp_path / "features").iterdir()) - before) == 1


def test_a_folder_with_another_run_is_refused(
    data: Path, tiny_weights: Path, other_weights: Path, tmp_path: Path
):
    train_on_sessions(settings(data, tiny_weights), tmp_path)
    written = (tmp_path / "settings.json").read_text()
    with pytest.raises(WeightsError, match="choose a new folder"):
        train_on_sessions(settings(data, other_weights), tmp_path)
    with pytest.raises(WeightsError, match="choose a new folder"):
        train(settings(data, tiny_weights, stage="refinement"), tmp_path)
    assert (tmp_path / "settings.json").read_text() == written


def test_objects_that_cannot_be_used_are_left_out_and_counted(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = write_coco(tmp_path / "set", 4)
    (data / "images" / "1.png").write_bytes(b"no image")
    (data / "images" / "2.png").unlink()
    train_on_sessions(settings(data, tiny_weights, held_out=0.0, steps=1), tmp_path / "run")
    assert "2 of 4 objects are left out" in capsys.readouterr().out
    for name in ("3.png", "4.png"):
        (data / "images" / name).unlink()
    with pytest.raises(DatasetError, match="expected objects that can be used, found none among 4"):
        train_on_sessions(
            settings(data, tiny_weights, held_out=0.0, pipeline={"cache": tmp_path / "none"}),
            tmp_path / "other",
        )


def test_an_object_that_vanishes_when_its_image_is_reduced_is_left_out(
    data: Path, tiny_weights: Path, tmp_path: Path
):
    with pytest.raises(DatasetError, match="found none among 8"):
        train_on_sessions(settings(data, tiny_weights, held_out=0.0, pipeline={"largest_side": 8}), tmp_path)


def test_several_processes_and_the_papers_network_are_refused(
    data: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save_checkpoint(tmp_path / "paper.safetensors", build_network(configuration("paper-tiny")), {})
    with pytest.raises(SettingsError, match="expected a network of this project's own, got paper-tiny"):
        train_on_sessions(settings(data, tmp_path / "paper.safetensors"), tmp_path / "run")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(SettingsError, match="expected one process, got several"):
        train_on_sessions(settings(data, tiny_weights), tmp_path / "run")


def test_the_command(data: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    small = "--steps 2 --batch 2 --size 64 --clicks 1 --set objects=3 --set held_out=0 --set validate_every=1"
    command = [
        "train",
        "sessions",
        "--data",
        str(data),
        "--start",
        str(tiny_weights),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main([*command, *small.split()]) == 0
    assert f"{tmp_path / 'run' / 'weights.safetensors'}: sessions, 2 steps" in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "run" / "weights.safetensors").training["stage"] == "sessions"
