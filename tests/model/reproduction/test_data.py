"""The paper's data: VOC train with SBD for training, ten images of each COCO category for Table 2."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.datasets.coco import CocoObjects
from model.reproduction.coco_subset import draw, seen_objects, unseen_objects
from model.reproduction.data import available, missing_folders
from model.reproduction.published import TABLE_1, TABLE_2, VOC_CATEGORIES
from model.reproduction.scales import FULL
from model.reproduction.training_set import paper_training_set
from tests.model.datasets.files_on_disk import HEIGHT, WIDTH, boxes, write_grey, write_palette, write_photo
from tests.model.datasets.test_sbd import write_instances

IDS = boxes(_1=(0, 0, 9, 9), _2=(10, 10, 20, 20))


@pytest.fixture
def paper_data(tmp_path: Path) -> Path:
    """VOC has image a for training and b for validation; SBD has both, and c of its own in either list."""
    voc, sbd = tmp_path / "VOC2012", tmp_path / "SBD"
    for name in ("a", "b"):
        write_photo(voc / "JPEGImages" / f"{name}.jpg")
        write_palette(voc / "SegmentationObject" / f"{name}.png", IDS)
    lists = voc / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    for name in ("a", "b", "c", "d"):
        write_photo(sbd / "img" / f"{name}.jpg")
        write_instances(sbd / "inst" / f"{name}.mat", boxes(_1=(3, 3, 9, 9)))
    (sbd / "train.txt").write_text("a\nc\n")
    (sbd / "val.txt").write_text("b\nd\n")
    return tmp_path


def test_the_training_set_is_voc_train_and_what_sbd_has_beyond_voc(paper_data: Path):
    folder = paper_training_set(paper_data)
    objects = CocoObjects(folder)
    masks = [objects.mask(record) for record in objects.records]
    assert [record.source for record in objects.records] == ["VOC2012", "VOC2012", "SBD", "SBD"]
    assert np.array_equal(masks[0], IDS == 1)
    assert np.array_equal(masks[1], IDS == 2)
    assert np.array_equal(masks[3], boxes(_1=(3, 3, 9, 9)) == 1)
    assert objects.image(objects.records[3]).shape == (HEIGHT, WIDTH, 3)
    names = sorted(path.name for path in (folder / "images").iterdir())
    assert names == ["SBD-c.jpg", "SBD-d.jpg", "VOC2012-a.jpg"], "never an image of VOC val"


def test_the_training_set_is_converted_once(paper_data: Path):
    path = paper_training_set(paper_data) / "annotations.json"
    before = path.stat().st_mtime_ns
    assert paper_training_set(paper_data) / "annotations.json" == path
    assert path.stat().st_mtime_ns == before


def annotations(images: int, each: int) -> list[dict]:
    return [
        {"id": 100 * image + k, "image_id": image, "iscrowd": 0, "segmentation": [[0, 0, 5, 0, 5, 5]]}
        for image in range(1, images + 1)
        for k in range(each)
    ]


def test_ten_images_of_a_category_one_instance_each():
    drawn = draw(annotations(40, 3))
    assert len(drawn) == 10
    assert len({number // 100 for number in drawn}) == 10
    assert drawn == draw(list(reversed(annotations(40, 3)))), "whatever the order of the file"
    assert drawn != draw(annotations(40, 3), seed=1)
    assert len(draw(annotations(4, 1))) == 4
    crowds = [{**each, "iscrowd": 1} for each in annotations(3, 1)]
    assert draw(crowds) == []


def write_coco_val(root: Path) -> None:
    """Twelve images with a dog and a zebra in each."""
    (root / "annotations").mkdir(parents=True)
    images, instances = [], []
    for number in range(1, 13):
        write_photo(root / "val2017" / f"{number}.jpg", number)
        images.append({"id": number, "file_name": f"{number}.jpg", "height": HEIGHT, "width": WIDTH})
        for category in (1, 2):
            square = [[2, 2, 12, 2, 12, 12, 2, 12]]
            instances.append(
                {"id": 100 * category + number, "image_id": number, "category_id": category, "iscrowd": 0,
                 "area": 100.0, "bbox": [2, 2, 10, 10], "segmentation": square}
            )  # fmt: skip
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "zebra"}]
    content = {"images": images, "annotations": instances, "categories": categories}
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content))


def test_coco_is_divided_into_what_voc_has_and_the_rest(tmp_path: Path):
    write_coco_val(tmp_path)
    seen, unseen = seen_objects(tmp_path), unseen_objects(tmp_path)
    assert (len(seen), len(unseen)) == (10, 10)
    assert all(100 < int(each.name.rpartition("#")[2]) < 200 for each in seen)
    assert all(200 < int(each.name.rpartition("#")[2]) < 300 for each in unseen)


def test_every_column_of_the_full_scale_opens_what_its_form_describes(paper_data: Path):
    square = (IDS == 1) * 255
    for number in range(2):
        write_photo(paper_data / "GrabCut" / "data_GT" / f"{number}.jpg")
        write_grey(paper_data / "GrabCut" / "boundary_GT" / f"{number}.bmp", square)
    write_photo(paper_data / "Berkeley" / "images" / "1.jpg")
    write_grey(paper_data / "Berkeley" / "masks" / "1.png", square)
    for number in range(3):
        write_photo(paper_data / "DAVIS" / "img" / f"{number}.jpg")
        write_grey(paper_data / "DAVIS" / "gt" / f"{number}.png", square)
    write_coco_val(paper_data / "COCO")
    columns = available(paper_data, FULL.table2, go_on=False)
    counts = {column.name: len(column.open(paper_data / column.folder)) for column in columns}
    assert counts == {"GrabCut": 2, "Berkeley": 1, "VOC": 2, "DAVIS": 3, "COCO-20": 10, "COCO-60": 10}
    assert missing_folders(paper_data, FULL.training_folders.items()) == []


def test_the_published_figures_are_those_of_the_paper():
    assert len(set(VOC_CATEGORIES)) == 20
    assert TABLE_1["VOC"]["ba-ce"] - TABLE_1["VOC"]["cb-ce"] == pytest.approx(2.4), (
        "the gain that section 4.2 names"
    )
    assert {name: each["bcr"] for name, each in TABLE_2.items()} == {
        "GrabCut": 2.30, "Berkeley": 3.74, "VOC": 2.88, "DAVIS": 4.98, "COCO-20": 5.02, "COCO-60": 5.65,
    }  # fmt: skip
