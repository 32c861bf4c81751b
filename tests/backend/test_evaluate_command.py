import json
from pathlib import Path

import pytest

from backend.cli import main
from model.datasets.layouts import LAYOUTS
from tests.model.conftest import tiny_network, tiny_weights  # noqa: F401 - fixtures
from tests.model.scenes import write_grabcut


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return f"grabcut:{write_grabcut(tmp_path / 'set', 2)}"


def run(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_a_report_on_the_terminal_and_in_the_folder(
    dataset: str,
    tiny_weights: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "out"
    assert run("--dataset", dataset, "--clicks", 3, "--weights", tiny_weights, "--out", out) == 0
    printed = capsys.readouterr().out
    for name in ("NoC@90", "mIoU@3", "click efficiency, click 2", "crop recall", "encode, ms, p95"):
        assert name in printed
    report = json.loads((out / "report.json").read_text())
    assert report["objects"] == 2
    assert len(report["miou"]) == 3
    assert "cores" in report["hardware"]
    assert len((out / "rows.jsonl").read_text().splitlines()) == 6


def test_several_noises_go_into_folders_of_their_own_and_compare(
    dataset: str,
    tiny_weights: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    out = tmp_path / "out"
    options = ("--clicks", 2, "--limit", 1, "--weights", tiny_weights, "--clicker", "paper", "--no-plots")
    assert run("--dataset", dataset, "--noise", 0, 5, *options, "--out", out) == 0
    noises = {path.name: json.loads((path / "report.json").read_text())["noise"] for path in out.iterdir()}
    assert noises == {"noise0": 0.0, "noise5": 5.0}
    capsys.readouterr()
    assert run("--compare", out / "noise0", out / "noise0", "--out", tmp_path / "compared") == 0
    assert "the interval contains zero" in capsys.readouterr().out
    compared = json.loads((tmp_path / "compared" / "comparison.json").read_text())
    assert compared["objects"] == 1
    assert run("--compare", out / "noise0", out / "noise5") == 2
    assert "expected the same noise" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--dataset", "grabcut:nowhere", "--out", "o"), "nowhere"),
        (("--dataset", "grabcut:nowhere"), "expected --dataset and --out, or --compare"),
        (
            ("--dataset", "grabcut:x", "--out", "o", "--clicker", "me"),
            "boundary, paper, centre, study, got 'me'",
        ),
        (
            ("--dataset", "grabcut:x", "--out", "o", "--clicks", "0"),
            "--clicks: expected a number of at least 1",
        ),
        (("--dataset", "grabcut:x", "--out", "o", "--noise", "-1"), "--noise: expected"),
        (("--dataset", "grabcut:x", "--out", "o", "--noise", "nan"), "--noise: expected"),
        (("--dataset", "grabcut:x", "--out", "o", "--profile", "my"), "expected standard or paper, got 'my'"),
        (("--dataset", "grabcut:x", "--out", "o", "--workers", "2"), "expected --engine ray"),
        (("--dataset", "grabcut:x", "--out", "o", "--workers-per-gpu", "2"), "expected --engine ray"),
        (("--compare", "a", "b"), "expected the folder of a finished evaluation"),
        (("--compare", "a", "b", "--dataset", "grabcut:x"), "got both"),
        (("--dataset", "grabcut:x", "--out", "o", "--clicker", "centre"), "takes select and boundary clicks"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...],
    part: str,
    tiny_weights: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, "--weights", tiny_weights) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert part in error
    assert not (tmp_path / "o").exists()


def test_the_help_tells_every_layout(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run("--help")
    told = capsys.readouterr().out
    for name, layout in LAYOUTS.items():
        assert f"\n  {name}:PATH" in told
        assert layout.form in told
