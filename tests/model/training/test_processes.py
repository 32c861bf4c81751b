"""Several processes through torchrun, as users start them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.training.distributed import Ranks
from model.training.log import read_log
from tests.model.scenes import write_coco

ROOT = Path(__file__).parents[3]
PATIENCE = 400.0
"""Seconds after which the processes count as hung, on the slowest machine."""

SCRIPT = """\
import sys
from pathlib import Path
import torch
from model.training import stages
from model.training.distributed import Ranks
from model.training.run import TrainingRun
from model.training.settings import read_settings

out, rank, seen = Path(sys.argv[2]), Ranks.of_environment().rank, []
update = TrainingRun.update

def watched(run):
    seen.append(next(p for p in run.network.selection.classify.parameters()).grad.clone())
    update(run)
    if run.step + 1 == run.settings.steps:
        seen.append(run.network.state_dict())

TrainingRun.update = watched
stages.train(read_settings(Path(sys.argv[1]), {"stage": "selection"}), out)
torch.save({"network": seen[-1], "gradient": seen[0]}, out.parent / f"rank{rank}.pt")
"""


def test_two_processes_train_one_network(tmp_path: Path):
    values = {
        "data": [{"folder": str(write_coco(tmp_path / "set", 6))}], "configuration": "tiny", "steps": 3, "batch": 2,
        "size": 64, "workers": 0, "warmup": 0, "held_out": 0.0, "log_every": 1, "mixed_precision": "off",
    }  # fmt: skip
    settings, script = tmp_path / "run.json", tmp_path / "script.py"
    settings.write_text(json.dumps(values))
    script.write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*torchrun, str(script), str(settings), str(tmp_path / "out")],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert not torch.equal(first["gradient"], second["gradient"]), "each process has samples of its own"
    assert all(torch.equal(value, second["network"][name]) for name, value in first["network"].items())
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    assert all(torch.equal(value, state["network"][name]) for name, value in first["network"].items())
    assert list(read_log(tmp_path / "out" / "log.csv")) == [1, 2, 3]
    assert done.stdout.count("step 1 ") == 1, "the first process alone speaks"


def test_one_process_alone_needs_no_torchrun(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RANK", raising=False)
    assert Ranks.of_environment() == Ranks(0, 1, 0)
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert Ranks.of_environment() == Ranks(3, 4, 1)
    assert Ranks.of_environment().device("cpu") == torch.device("cpu")


def test_frozen_and_unused_parameters_do_not_hinder(monkeypatch: pytest.MonkeyPatch):
    """The mean of two processes, the other one played by a doubled sum."""
    sent = []

    def all_reduce(flat: torch.Tensor) -> None:
        sent.append(flat.clone())
        flat *= 4.0

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    used = torch.nn.Parameter(torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last))
    unused = torch.nn.Parameter(torch.zeros(3))
    gradient = torch.arange(120.0).view(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    used.grad = gradient.clone()
    Ranks(0, 2, 0).average_gradients([unused, used])
    assert torch.equal(used.grad, 2 * gradient)
    assert torch.equal(unused.grad, torch.zeros(3))
    assert len(sent) == 1
    assert sent[0].shape == (123,)
