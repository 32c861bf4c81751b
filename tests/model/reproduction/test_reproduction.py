"""The whole chain at its tiniest scale: train, evaluate, print, draw; and what is said when data are missing."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.cli import main
from model.checkpoints import load_checkpoint
from model.reproduction.runs import take_backbone
from tests.model.scenes import scene, write_coco, write_grabcut

PACK = Path(__file__).parents[4] / "shared" / "data"
"""Photos for development, which lie beside the checkout where they are at all."""

TARGETS = ("table1", "fig3a", "table2", "fig4", "study")


def write_pairs(root: Path, count: int) -> None:
    (root / "img").mkdir(parents=True)
    (root / "gt").mkdir()
    for number in range(count):
        image, mask = scene(number + 20)
        cv2.imwrite(str(root / "img" / f"{number}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "gt" / f"{number}.png"), mask.astype(np.uint8) * 255)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic data, laid out as the small scale expects them."""
    folder = tmp_path_factory.mktemp("data")
    write_coco(folder / "train", 5)
    write_grabcut(folder / "dev" / "GrabCut", 2)
    write_pairs(folder / "dev" / "DAVIS", 1)
    write_pairs(folder / "dev" / "COCO_MVal", 2)
    return folder


def command(target: str, root: Path, out: Path, *options: str) -> list[str]:
    return ["reproduce", target, "--data", str(root), "--out", str(out), "--scale", "tiny", *options]


@pytest.fixture(scope="module")
def done(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "paper"
    assert main(command("all", root, out)) == 0
    return out


def values(done: Path, target: str) -> dict:
    return json.loads((done / f"{target}.json").read_text())


def report(done: Path, name: str) -> dict:
    return json.loads((done / "evaluations" / name / "report.json").read_text())


def test_every_target_leaves_its_text_values_and_figures(done: Path):
    for target in TARGETS:
        assert (done / f"{target}.txt").read_text().strip()
        assert values(done, target)
    for figure in ("fig3a.png", "fig4.png"):
        assert cv2.imread(str(done / figure)).std() > 5


def test_the_networks_are_those_of_the_paper_s_tables(done: Path):
    losses = {
        run: load_checkpoint(done / run / "weights.safetensors").training["settings"]["loss"]
        for run in ("selection-ba-ce", "selection-cb-ce", "bcr", "pnr")
    }
    assert losses == {"selection-ba-ce": "ba-ce", "selection-cb-ce": "cb-ce", "bcr": "ba-ce", "pnr": "ba-ce"}
    base, bcr, pnr = (
        load_checkpoint(done / run / "weights.safetensors").network
        for run in ("selection-ba-ce", "bcr", "pnr")
    )
    assert (bcr.config.roles[1:], pnr.config.roles[1:]) == (("boundary",), ("positive", "negative"))
    first = base.selection.classify.weight
    assert (first == bcr.selection.classify.weight).all()
    assert (first == pnr.selection.classify.weight).all()


def test_table_1_is_what_the_reports_say_beside_the_paper(done: Path):
    found = values(done, "table1")
    assert list(found) == ["GrabCut", "DAVIS", "COCO_MVal"]
    grabcut = found["GrabCut"]
    assert grabcut["paper"] == {"cb-ce": 84.0, "ba-ce": 84.8}
    assert grabcut["objects"] == 2
    for loss in ("cb-ce", "ba-ce"):
        miou = report(done, f"selection-{loss}-GrabCut-paper-1")["miou"]
        assert grabcut["ours"][loss] == pytest.approx(100 * miou[0])
    assert grabcut["difference"] == pytest.approx(
        grabcut["ours"]["ba-ce"] - grabcut["ours"]["cb-ce"], abs=1e-2
    )


def test_table_2_counts_to_the_column_s_threshold_with_the_paper_s_rule(done: Path):
    found, text = values(done, "table2"), (done / "table2.txt").read_text()
    assert {name: each["threshold"] for name, each in found.items()} == {
        "GrabCut": 90,
        "DAVIS": 85,
        "COCO_MVal": 85,
    }
    for run, clicker in (("bcr", "paper"), ("pnr", "centre")):
        made = report(done, f"{run}-GrabCut-{clicker}-4")
        assert (made["profile"], made["clicker"]) == ("paper", clicker)
        assert found["GrabCut"]["ours"][run] == made["noc"]["90"]
    assert "2.62" in text
    assert "2.30" in text


def test_the_crop_holds_more_and_spares_less_with_its_padding(done: Path):
    for curve in values(done, "fig3a").values():
        assert curve["threshold"] == 0.001
        assert curve["recall"] == sorted(curve["recall"])
        assert curve["area_reduction"] == sorted(curve["area_reduction"], reverse=True)
        surer, at = curve["surer"], curve["padding"].index(curve["surer"]["padding"])
        assert [curve["recall"][at], *surer["recall"]] == sorted(
            [curve["recall"][at], *surer["recall"]], reverse=True
        ), "the surer, the smaller"
        assert [curve["area_reduction"][at], *surer["area_reduction"]] == sorted(
            [curve["area_reduction"][at], *surer["area_reduction"]]
        )


def test_the_same_command_again_makes_nothing_anew(
    done: Path, root: Path, capsys: pytest.CaptureFixture[str]
):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("weights.safetensors")}
    rows = {path: path.read_text() for path in done.rglob("rows.jsonl")}
    assert main(command("table1", root, done)) == 0
    printed = capsys.readouterr().out
    assert (done / "table1.txt").read_text() in printed
    assert "2 steps of 2" in printed.splitlines()[0], "the budget is said beside the figures"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {path: path.read_text() for path in rows} == rows


def test_what_was_stopped_goes_on_and_what_older_code_has_measured_is_refused(
    root: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = shutil.copytree(done, tmp_path / "out")
    folder = out / "evaluations" / "selection-ba-ce-GrabCut-paper-1"
    rows = (folder / "rows.jsonl").read_text().splitlines()
    (folder / "rows.jsonl").write_text(rows[0] + "\n" + rows[1][:40])  # stopped in the middle of a line
    (folder / "report.json").unlink()
    assert main(command("table1", root, out)) == 0
    again = [json.loads(row) for row in (folder / "rows.jsonl").read_text().splitlines()]
    assert again[0] == json.loads(rows[0]), "kept, with its times"
    assert [row["iou"] for row in again] == [json.loads(row)["iou"] for row in rows]
    assert values(out, "table1") == values(done, "table1")

    header = json.loads((folder / "header.json").read_text())
    (folder / "header.json").write_text(json.dumps({**header, "seed": 99}))
    capsys.readouterr()
    assert main(command("table1", root, out)) == 2
    assert "--restart" in capsys.readouterr().err
    assert main(command("table1", root, out, "--restart")) == 0


def test_a_network_may_start_from_the_backbone_of_other_weights(
    root: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    weights = done / "pnr" / "weights.safetensors"
    take_backbone(str(weights), "paper-tiny", tmp_path / "start.safetensors")
    theirs, ours = (
        load_checkpoint(path).network.selection.state_dict()
        for path in (weights, tmp_path / "start.safetensors")
    )
    changed = {key.split(".")[0] for key in ours if not torch.equal(ours[key], theirs[key])}
    assert changed == {"context", "classify"}
    assert main(command("table1", root, tmp_path / "out", "--start", "default")) == 2
    said = capsys.readouterr().err
    assert "expected weights with the backbone tf_efficientnet_lite0" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(not PACK.is_dir(), reason=f"the training pack is not at {PACK}")
def test_the_chain_holds_on_photos(tmp_path: Path):
    limited = ("--limit", "1", "--set", "selection.steps=1", "--set", "refinement.steps=1")
    assert main(command("table2", PACK, tmp_path / "out", *limited)) == 0
    found = values(tmp_path / "out", "table2")
    assert {name: each["objects"] for name, each in found.items()} == {
        "GrabCut": 1,
        "DAVIS": 1,
        "COCO_MVal": 1,
    }


def test_missing_data_sets_are_named_at_once_with_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["reproduce", "table2", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    for folder in ("GrabCut", "Berkeley", "VOC2012", "DAVIS", "COCO"):
        assert str(tmp_path / folder) in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_training_data_are_named_before_anything_is_measured(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "dev").symlink_to(root / "dev")
    assert main(command("table1", tmp_path, tmp_path / "out")) == 2
    assert f"{tmp_path / 'train'} (annotations.json, images/)" in capsys.readouterr().err


def test_it_goes_on_with_what_is_there_if_asked(
    root: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "GrabCut").symlink_to(root / "dev" / "GrabCut")
    out = shutil.copytree(done, tmp_path / "out")
    assert main(command("table1", tmp_path, out)) == 2
    assert "--available" in capsys.readouterr().err
    assert main(command("table1", tmp_path, out, "--available")) == 0
    assert list(values(out, "table1")) == ["GrabCut"], (
        "nothing had to be trained, so training data are not missed"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["table3"], "expected one of table1, fig3a, table2, fig4, study or all, got 'table3'"),
        (["table1", "--limit", "0"], "--limit: expected a number of at least 1"),
        (["table1", "--scale", "tiny", "--set", "selection.steps=0"], "steps"),
    ],
)
def test_errors_are_one_line(
    root: Path, tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["reproduce", *options, "--data", str(root), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
