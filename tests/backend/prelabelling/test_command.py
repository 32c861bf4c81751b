"""`boundaryclick prelabel` in one process, with the small network."""

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle

from backend.cli import main
from backend.prelabelling.items import Wanted, read_items
from model import Click, load_predictor
from model.checkpoints import save_checkpoint
from model.errors import DatasetError, InvalidClick, RequestInvalid
from model.geometry import Box
from model.networks import configuration
from model.networks.building import build_network
from model.uncertainty import uncertainty
from plugins.labelstudio.labelling import read_labelling
from plugins.labelstudio.task_files import read_tasks
from tests.backend.learning.conftest import weights
from tests.cluster.asking import photo, places
from tests.model.scenes import scene
from tests.plugins.labelstudio.clicking import clicked, rectangle

__all__ = ["weights"]


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the masks are compared with; other runtimes differ in a few pixels."""
    monkeypatch.setenv("BOUNDARYCLICK_RUNTIME", "torch")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(2):
        (folder / f"{number}.png").write_bytes(photo(number))
    (folder / "more" / "2.png").write_bytes(photo(2))
    return folder


def prelabel(weights: Path, *arguments: object) -> int:
    return main(["prelabel", *map(str, arguments), "--weights", str(weights), "--threads", "1"])


def written(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO's JSON and Label Studio's."""
    return json.loads((folder / "coco.json").read_text()), json.loads(
        (folder / "labelstudio.json").read_text()
    )


def test_without_hints_the_object_in_the_middle_is_predicted(photos: Path, weights: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert prelabel(weights, photos, "--out", out, "--label", "Object", "--url-prefix", "/data/?d=") == 0
    coco, tasks = written(out)
    assert [image["file_name"] for image in coco["images"]] == ["0.png", "1.png", "more/2.png"]
    assert [task["data"]["image"] for task in tasks] == [
        "/data/?d=0.png",
        "/data/?d=1.png",
        "/data/?d=more/2.png",
    ]
    image = scene(0)[0]
    expected = load_predictor(weights).predict(image, [Click(79.5, 59.5, "select")])
    first = coco["annotations"][0]
    assert np.array_equal(rle.decode(first["segmentation"]).astype(bool), expected.mask)
    assert first["score"] == tasks[0]["predictions"][0]["score"] == round(1 - uncertainty(expected), 4)
    assert first["area"] == expected.mask.sum()
    assert coco["categories"] == [{"id": 1, "name": "Object"}]
    (region,) = tasks[0]["predictions"][0]["result"]
    assert (region["type"], region["value"]["brushlabels"]) == ("brushlabels", ["Object"])


def test_points_and_boxes_of_a_list_are_asked_for(photos: Path, weights: Path, tmp_path: Path):
    listed, out = photos / "list.jsonl", tmp_path / "out"
    wanted = [{"points": places(0)[:2], "label": "cat"}, {"box": [10, 20, 100, 90]}]
    lines = [json.dumps({"image": "0.png", "objects": wanted}), "# a remark", "more/2.png"]
    listed.write_text("\n".join(lines))
    assert prelabel(weights, listed, "--out", out) == 0
    coco, _ = written(out)
    predictor, image = load_predictor(weights), scene(0)[0]
    (x, y), (u, v) = places(0)[:2]
    expected = [
        predictor.predict(image, [Click(x, y, "select"), Click(u, v, "boundary")]),
        predictor.predict(image, [Click(54.5, 54.5, "select")], box=Box(10, 20, 100, 90)),
    ]
    for annotation, prediction in zip(coco["annotations"], expected, strict=False):
        assert np.array_equal(rle.decode(annotation["segmentation"]).astype(bool), prediction.mask)
    names = {each["id"]: each["name"] for each in coco["categories"]}
    assert [names[each["category_id"]] for each in coco["annotations"]] == ["cat", "object", "object"]


def test_a_run_goes_on_where_it_was_stopped_and_tries_bad_images_again(
    photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    (photos / "1.png").write_bytes(b"no image")
    assert prelabel(weights, photos, "--out", out) == 0
    told = capsys.readouterr()
    assert "2 of 3 images" in told.out
    (line,) = [line for line in told.err.splitlines() if "skipped" in line]
    assert "1.png: image: expected JPEG" in line
    lines = (out / "outcomes.jsonl").read_text().splitlines()
    (out / "outcomes.jsonl").write_text(
        lines[0].replace('"version":"', '"version":"kept-') + "\n" + lines[2][:99]
    )
    (photos / "1.png").write_bytes(photo(1))
    assert prelabel(weights, photos, "--out", out) == 0
    assert "3 of 3 images" in capsys.readouterr().out
    versions = [task["predictions"][0]["model_version"] for task in written(out)[1]]
    assert [version.startswith("kept-") for version in versions] == [True, False, False]
    (photos / "3.png").write_bytes(photo(3))
    assert prelabel(weights, photos, "--out", out) == 2
    assert "--restart" in capsys.readouterr().err


def test_boxes_of_coco_and_drawings_of_label_studio_are_asked_for(tmp_path: Path):
    coco: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "b.png"}],
        "annotations": [{"image_id": 8, "bbox": [1, 2, 30, 40], "category_id": 3}],
        "categories": [{"id": 3, "name": "dog"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    (first, second), categories = read_items(tmp_path / "coco.json")
    assert (first.objects, first.source.coco_id) == ((), 7)
    assert second.objects == (Wanted(box=(1, 2, 31, 42), label="dog", category=3),)
    assert categories == coco["categories"]
    coco["images"][0]["file_name"] = "../secret.png"
    (tmp_path / "stranger.json").write_text(json.dumps(coco))
    with pytest.raises(DatasetError, match="secret"):
        read_items(tmp_path / "stranger.json")
    labelling = read_labelling(
        '<View><Image name="image" value="$photo"/><BrushLabels name="mask" toName="image">'
        '<Label value="cat"/></BrushLabels></View>'
    )
    point, box = (
        clicked("p", 50.0, 25.0, {"labels": ["cat"]}),
        rectangle("r", (10, 20, 30, 40), "dog", type="rectanglelabels"),
    )
    tasks = [{"id": 5, "data": {"photo": "/data/a.png"}, "annotations": [{"result": [point, box]}]}]
    (task,) = read_tasks(json.dumps(tasks).encode(), labelling)
    assert [(hint.point, hint.box, hint.label) for hint in task.hints] == [
        ((50.0, 25.0), None, "cat"),
        (None, (10.0, 20.0, 40.0, 60.0), "dog"),
    ]
    with pytest.raises(RequestInvalid, match="'photo'"):
        read_tasks(b'[{"data": {"image": "a.png"}}]', labelling)
    (tmp_path / "list.jsonl").write_text('{"image": "a.png", "objects": [{"box": [1, 2]}]}')
    with pytest.raises(RequestInvalid, match=r"list\.jsonl:1: objects\.0\.box"):
        read_items(tmp_path / "list.jsonl")


def test_percent_become_pixels():
    half = Wanted(points=((50.0, 25.0),), box=(10.0, 20.0, 30.5, 40.0), percent=True)
    assert half.clicks(200, 100) == [Click(99.5, 24.5, "select")]
    assert half.box_in(200, 100) == Box(20, 20, 61, 40)
    with pytest.raises(InvalidClick, match="left < right"):
        Wanted(box=(5, 5, 5, 9)).box_in(10, 10)


def test_one_object_that_cannot_be_asked_for_leaves_the_others(
    photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A crooked box of a file is no reason to lose its neighbours; an image with nothing else is skipped."""
    boxes = {
        "0.png": [[10, 20, 90, 70], [5, 5, 0, 9], [5, 5, float("inf"), 9]],
        "1.png": [[700, 700, 20, 20]],
    }
    coco = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(boxes)],
        "annotations": [
            {"image_id": number, "bbox": box}
            for number, all_of in enumerate(boxes.values())
            for box in all_of
        ],
    }
    (photos / "instances.json").write_text(json.dumps(coco))
    assert prelabel(weights, photos / "instances.json", "--out", tmp_path / "out") == 0
    told = capsys.readouterr()
    assert "1 of 2 images, 1 objects, 0 not found, 1 images skipped, 2 objects left out" in told.out
    assert "left out an object of " in told.err
    assert "0.png: box: expected left < right" in told.err
    assert "skipped " in told.err
    (annotation,) = written(tmp_path / "out")[0]["annotations"]
    box = Box(10, 20, 100, 90)
    expected = load_predictor(weights).predict(scene(0)[0], [Click(54.5, 54.5, "select")], box=box)
    assert np.array_equal(rle.decode(annotation["segmentation"]).astype(bool), expected.mask)


def test_label_studio_is_given_addresses_that_it_can_open(photos: Path, weights: Path, tmp_path: Path):
    """Names come behind the prefix, quoted as its queries need it; what is an address already stays."""
    (photos / "0.png").rename(photos / "a&b 100%#.png")
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(photo(1))
    (photos / "list.txt").write_text(f"a&b 100%#.png\n{elsewhere}\nmore/../more/2.png")
    prefixes = {"/data/local-files/?d=photos/": "a%26b%20100%25%23.png", "s3://bucket/": "a&b 100%#.png"}
    for number, (prefix, name) in enumerate(prefixes.items()):
        out = tmp_path / f"out{number}"
        assert prelabel(weights, photos / "list.txt", "--out", out, "--url-prefix", prefix) == 0
        addresses = [task["data"]["image"] for task in written(out)[1]]
        assert addresses == [prefix + name, str(elsewhere), prefix + "more/../more/2.png"]


def test_coco_is_joined_to_its_list_by_names_and_numbers(photos: Path, weights: Path, tmp_path: Path):
    """Two files of one name in two folders stay two; categories are not renumbered."""
    (photos / "more" / "0.png").write_bytes(photo(3))
    (photos / "list.txt").write_text(f"{photos / '0.png'}\n{photos / 'more' / '0.png'}")
    assert prelabel(weights, photos / "list.txt", "--out", tmp_path / "paths") == 0
    names = [image["file_name"] for image in written(tmp_path / "paths")[0]["images"]]
    assert names == [str(photos / "0.png"), str(photos / "more" / "0.png")]
    categories = [{"id": 90, "name": "cat", "supercategory": "animal"}, {"id": 7, "name": "dog"}]
    coco = {
        "images": [{"id": 5, "file_name": "0.png"}, {"id": 3, "file_name": "more/0.png"}],
        "annotations": [
            {"image_id": 5, "bbox": [10, 20, 90, 70], "category_id": 90},
            {"image_id": 5, "bbox": [20, 20, 90, 70], "category_id": 41},
        ],
        "categories": categories,
    }
    (photos / "instances.json").write_text(json.dumps(coco))
    assert prelabel(weights, photos / "instances.json", "--out", tmp_path / "coco") == 0
    found = written(tmp_path / "coco")[0]
    assert found["categories"] == [*categories, {"id": 41, "name": "object"}]
    asked = [(each["image_id"], each["category_id"]) for each in found["annotations"]]
    assert asked == [(5, 90), (5, 41), (3, 41)]


def test_masks_of_two_models_do_not_mix_and_a_typo_forgets_nothing(
    photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Weights are known by what is in their file: it is written again where it was."""
    out, trained = tmp_path / "out", tmp_path / "trained.safetensors"
    shutil.copy(weights, trained)
    assert prelabel(trained, photos, "--out", out) == 0
    header, kept = (out / "header.json").read_text(), (out / "outcomes.jsonl").read_text()
    assert json.loads(header) | {"runtime": "torch", "device": "cpu"} == json.loads(header)
    network = build_network(configuration("tiny"))
    save_checkpoint(trained, network, {"stage": "another"})
    capsys.readouterr()
    assert prelabel(trained, photos, "--out", out) == 2
    assert "model was 'trained-" in capsys.readouterr().err
    assert prelabel(tmp_path / "typo.safetensors", photos, "--out", out, "--restart") == 2
    assert ((out / "header.json").read_text(), (out / "outcomes.jsonl").read_text()) == (header, kept)
    assert prelabel(trained, photos, "--out", out, "--restart") == 0
    assert (out / "header.json").read_text() != header


def test_a_task_that_is_not_stored_is_not_asked_for_by_anothers_number(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Label Studio fetches files of a store by the task's id alone; the place in the file is none."""
    (tmp_path / "tasks.json").write_text('[{"data": {"image": "s3://bucket/a.png"}}]')
    assert prelabel(weights, tmp_path / "tasks.json", "--out", tmp_path / "out") == 2
    assert "task: expected the id of a stored task to ask for its cloud image" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--workers", "--workers-per-gpu"])
def test_workers_without_their_engine_are_refused(
    option: str, photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert prelabel(weights, photos, "--out", tmp_path / "out", option, 2) == 2
    assert "--workers-per-gpu: expected --engine ray with them" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_task_that_holds_its_image_is_known_by_its_digest(weights: Path, tmp_path: Path):
    """Its address is the whole image, which Label Studio gets back and COCO's JSON does without."""
    image = f"data:image/png;base64,{base64.b64encode(photo(0)).decode()}"
    # 160 x 120: a quarter turn about the first corner.
    shape: dict[str, Any] = {"type": "rectanglelabels", "original_width": 160, "original_height": 120}
    box = rectangle("r", (50.0, 10.0, 50.0, 30.0), "cat", **shape)
    box["value"]["rotation"] = 90
    tasks = [{"id": 5, "data": {"image": image}, "annotations": [{"result": [box]}]}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    assert prelabel(weights, tmp_path / "tasks.json", "--out", tmp_path / "out") == 0
    coco, (task,) = written(tmp_path / "out")
    assert task["data"] == tasks[0]["data"]
    assert coco["images"][0]["file_name"] == hashlib.sha256(image.encode()).hexdigest()
    expected = load_predictor(weights).predict(
        scene(0)[0], [Click(61.5, 51.5, "select")], box=Box(44, 12, 80, 92)
    )
    assert np.array_equal(rle.decode(coco["annotations"][0]["segmentation"]).astype(bool), expected.mask)
