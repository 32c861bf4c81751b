"""Runs that are killed, repeated or shared by several processes end in the same weights."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model.training.log import read_log
from model.training.settings import TrainingSettings
from model.training.stages import train
from tests.model.scenes import write_coco

ROOT = Path(__file__).parents[3]
PATIENCE = 300.0
"""Seconds after which a process counts as hung, on the slowest machine."""


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a small run."""
    folder = tmp_path_factory.mktemp("run")
    values = {
        "data": [{"folder": str(write_coco(folder / "set", 6))}], "configuration": "tiny", "steps": 6, "batch": 2,
        "size": 64, "workers": 1, "warmup": 0, "averaging": 0.5, "held_out": 0.4, "save_every": 2, "log_every": 1,
        "validate_every": 3, "sample_every": 6, "mixed_precision": "off",
    }  # fmt: skip
    path = folder / "run.json"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def undisturbed(run_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that run, done in one go."""
    out = tmp_path_factory.mktemp("undisturbed")
    run(run_file, out)
    return out


def command(run_file: Path, out: Path, *options: str) -> list[str]:
    return ["backend.cli", "train", "selection", "--settings", str(run_file), "--out", str(out), *options]


def run(run_file: Path, out: Path) -> None:
    done = subprocess.run(
        command_line(run_file, out), cwd=ROOT, env=environment(), capture_output=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr.decode()


def command_line(run_file: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", *command(run_file, out)]


def environment() -> dict[str, str]:
    """As many threads in every process: sums depend on how they are divided."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


def state(out: Path) -> dict[str, object]:
    return torch.load(out / "state.pt", weights_only=True)


def assert_same_network(one: Path, other: Path) -> None:
    first, second = state(one)["network"], state(other)["network"]
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_a_run_leaves_what_it_should(undisturbed: Path):
    names = {path.name for path in undisturbed.iterdir()} - {"tensorboard"}
    assert names == {"settings.json", "log.csv", "state.pt", "weights.safetensors", "samples"}
    assert [path.name for path in (undisturbed / "samples").iterdir()] == ["0000006.jpg"]
    rows = read_log(undisturbed / "log.csv")
    assert list(rows) == list(range(1, 7))
    assert [step for step in rows if "held_out_iou" in rows[step]] == [3, 6]
    assert 0 <= float(rows[6]["held_out_iou"]) <= 1


def test_a_killed_run_goes_on_as_if_it_had_not_been(run_file: Path, undisturbed: Path, tmp_path: Path):
    out = tmp_path / "killed"
    # a session of its own, so that its workers are ended with it
    process = subprocess.Popen(
        command_line(run_file, out), cwd=ROOT, env=environment(), start_new_session=True
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (out / "state.pt").is_file():
            assert process.poll() is None, "ended before the first checkpoint"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    killed_at = state(out)["step"]
    assert 2 <= killed_at < 6
    run(run_file, out)
    assert_same_network(out, undisturbed)
    assert list(read_log(out / "log.csv")) == list(range(1, 7))
    assert not list(out.glob("*.part"))


def test_one_seed_gives_the_same_weights_twice(run_file: Path, undisturbed: Path, tmp_path: Path):
    run(run_file, tmp_path / "again")
    assert_same_network(tmp_path / "again", undisturbed)
    first, second = (load_file(out / "weights.safetensors") for out in (tmp_path / "again", undisturbed))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    values = json.loads(run_file.read_text()) | {"stage": "selection", "seed": 1, "steps": 2}
    train(TrainingSettings.model_validate(values), tmp_path / "other")
    first = state(tmp_path / "other")["network"]
    assert not all(torch.equal(value, state(undisturbed)["network"][name]) for name, value in first.items())
