import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from model import Predictor
from model.datasets.layouts import EvaluationObject, open_dataset
from model.errors import DatasetError, SettingsError
from model.evaluation.folder import EvaluationFolder
from model.evaluation.header import describe, source_digest
from model.evaluation.loop import Procedure
from model.evaluation.run import EvenSample, run_evaluation
from tests.model.scenes import write_grabcut

PROCEDURE = Procedure(noise=2, clicks=3)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory):
    return open_dataset(f"grabcut:{write_grabcut(tmp_path_factory.mktemp('data') / 'set', 3)}")


@pytest.fixture(scope="module")
def finished(tiny_predictor: Predictor, objects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    evaluate_into(out, tiny_predictor, objects, plots=True)
    return out


def evaluate_into(out: Path, predictor: Predictor, objects, **options) -> tuple[dict, list[str]]:
    """The report, and the objects in the order of progress."""
    options = {"plots": False, **options}
    seen: list[str] = []
    header = describe(predictor, "grabcut:set", PROCEDURE, "cpu")
    report = run_evaluation(
        predictor,
        objects,
        PROCEDURE,
        header,
        out,
        progress=lambda rows: seen.append(rows[0].object),
        **options,
    )
    return report, seen


def quality(report: dict) -> dict:
    """What does not hang on time."""
    return {name: report[name] for name in ("noc", "nof", "miou", "click_efficiency", "contour_distance")}


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]


def test_the_folder_holds_header_rows_masks_report_and_plots(finished: Path, tiny_predictor: Predictor):
    assert {path.name for path in finished.iterdir()} == {
        "header.json",
        "rows.jsonl",
        "masks",
        "report.json",
        "miou.png",
        "iou_histogram.png",
        "crop_recall.png",
        "worst.png",
    }
    report = json.loads((finished / "report.json").read_text())
    assert report["model"] == tiny_predictor.version
    assert report["objects"] == 3
    assert report["clicker"] == "boundary"
    assert report["threads"] >= 1
    assert report["code"].endswith(source_digest())
    assert [(line["object"], line["click"]) for line in lines(finished)] == [
        (f"photo{number}", click) for number in range(3) for click in (1, 2, 3)
    ]


def test_masks_are_the_final_ones(finished: Path, objects):
    folder = EvaluationFolder(finished)
    last = [line for line in lines(finished) if line["click"] == 3]
    for line, item in zip(last, objects, strict=True):
        mask, counted = folder.mask(item.name), ~item.ignore
        union = np.count_nonzero((mask | item.truth) & counted)
        assert line["iou"] == pytest.approx(np.count_nonzero(mask & item.truth & counted) / union)


@pytest.mark.parametrize("left", ["whole object", "half an object", "half a line"])
def test_a_killed_evaluation_goes_on(
    left: str, finished: Path, tiny_predictor: Predictor, objects, tmp_path: Path
):
    whole = (finished / "rows.jsonl").read_text().splitlines(keepends=True)
    kept = {
        "whole object": "".join(whole[:3]),
        "half an object": "".join(whole[:4]),
        "half a line": "".join(whole[:3]) + whole[3][:40],
    }[left]
    (tmp_path / "rows.jsonl").write_text(kept)
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "photo0.png").write_bytes((finished / "masks" / "photo0.png").read_bytes())
    (tmp_path / "header.json").write_text((finished / "header.json").read_text())
    report, seen = evaluate_into(tmp_path, tiny_predictor, objects)
    assert seen == ["photo0", "photo1", "photo2"]
    assert quality(report) == quality(json.loads((finished / "report.json").read_text()))
    assert "".join(whole[:3]) == "".join((tmp_path / "rows.jsonl").read_text().splitlines(keepends=True)[:3])
    assert [line["iou"] for line in lines(tmp_path)] == [line["iou"] for line in lines(finished)]


def test_a_finished_evaluation_is_only_summed_up_again(finished: Path, tiny_predictor: Predictor, objects):
    before = (finished / "rows.jsonl").read_bytes()
    report, seen = evaluate_into(finished, tiny_predictor, objects, profile="paper")
    assert (finished / "rows.jsonl").read_bytes() == before
    assert len(seen) == 3
    assert report["profile"] == "paper"


def test_rows_of_another_evaluation_are_refused_and_kept(finished: Path, tiny_predictor: Predictor):
    before = (finished / "rows.jsonl").read_bytes()
    header = describe(tiny_predictor, "grabcut:set", Procedure(noise=9, clicks=3), "cpu")
    with pytest.raises(SettingsError, match=r"noise was 2, is 9; choose another --out, or --restart"):
        EvaluationFolder(finished).begin(header, 3)
    assert (finished / "rows.jsonl").read_bytes() == before


def test_restart_forgets(tiny_predictor: Predictor, objects, tmp_path: Path):
    (tmp_path / "rows.jsonl").write_text("of something else\n")
    with pytest.raises(SettingsError, match="not recorded"):
        evaluate_into(tmp_path, tiny_predictor, EvenSample(objects, 1))
    evaluate_into(tmp_path, tiny_predictor, EvenSample(objects, 1), restart=True)
    assert len(lines(tmp_path)) == 3


def test_two_objects_of_one_name_are_refused(tiny_predictor: Predictor, objects, tmp_path: Path):
    with pytest.raises(DatasetError, match="photo0 twice"):
        evaluate_into(tmp_path, tiny_predictor, [objects[0], objects[0]])


def test_names_become_file_names(tmp_path: Path):
    folder = EvaluationFolder(tmp_path)
    names = ["a/b#2", "../up", "ö 1", "a%2Fb#2"]
    paths = [folder.mask_path(name) for name in names]
    assert len(set(paths)) == len(names)
    assert all(path.parent == tmp_path / "masks" for path in paths)


def test_a_sample_is_spread_evenly():
    items = [
        EvaluationObject(str(i), np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), np.zeros((1, 1), bool))
        for i in range(10)
    ]
    assert [item.name for item in EvenSample(items, 4)] == ["0", "2", "5", "7"]
    assert [item.name for item in EvenSample(items, 99)] == [str(i) for i in range(10)]


def test_the_sheet_shows_the_worst_object_first(finished: Path):
    sheet = cv2.imread(str(finished / "worst.png"))
    assert sheet is not None
    assert sheet.shape[1] > sheet.shape[0], "three objects beside each other"
    assert sheet.std() > 20, "not blank"


def test_unfinished_folders_are_no_reports(tmp_path: Path):
    with pytest.raises(SettingsError, match="expected the folder of a finished evaluation"):
        EvaluationFolder(tmp_path).read()
    (tmp_path / "report.json").write_text("{")
    (tmp_path / "rows.jsonl").write_text("")
    with pytest.raises(SettingsError, match="evaluate again"):
        EvaluationFolder(tmp_path).read()


def test_a_report_is_of_objects_that_are_clicked_on_to_the_end(tiny_predictor: Predictor, tmp_path: Path):
    procedure = Procedure(clicks=3, enough=0.9)
    header = describe(tiny_predictor, "grabcut:set", procedure, "cpu")
    with pytest.raises(SettingsError, match="expected every object clicked on to the end"):
        run_evaluation(tiny_predictor, [], procedure, header, tmp_path / "out")
    assert not (tmp_path / "out").exists()
