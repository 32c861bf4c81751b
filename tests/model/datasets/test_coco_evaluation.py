import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as rle

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import HEIGHT, WIDTH, boxes, write_photo

POLYGON = [[2.0, 2.0, 12.0, 2.0, 12.0, 12.0, 2.0, 12.0], [20.0, 2.0, 24.0, 2.0, 24.0, 6.0, 20.0, 6.0]]
CROWD = boxes(_1=(8, 8, 28, 16)) > 0
ENCODED = boxes(_1=(15, 25, 25, 35)) > 0


def compressed(mask: np.ndarray) -> dict[str, Any]:
    encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode()}


def counted(mask: np.ndarray) -> dict[str, Any]:
    """Runs as numbers, column by column, beginning with background: how COCO writes crowds."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    return {"size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


def annotation(number: int, image: int, segmentation: object, crowd: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 18,
        "iscrowd": crowd,
        "area": 1.0,
        "bbox": [0, 0, 1, 1],
        "segmentation": segmentation,
    }


def content() -> dict[str, Any]:
    """Image 9 has a polygon of two parts, an RLE and a crowd; image 4 an RLE; the order is COCO's: none."""
    images = [
        {"id": number, "file_name": f"{number:012}.jpg", "height": HEIGHT, "width": WIDTH}
        for number in (9, 4)
    ]
    annotations = [
        annotation(31, 9, compressed(ENCODED)),
        annotation(900900, 9, counted(CROWD), crowd=1),
        annotation(7, 4, compressed(ENCODED)),
        annotation(30, 9, POLYGON),
        annotation(32, 9, [[3.1, 3.1, 3.2, 3.1, 3.2, 3.2]]),
        annotation(33, 9, []),
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 18, "name": "dog"}]}


def write(
    root: Path, data: object, annotations: str = "annotations/instances_val2017.json", images: str = "val2017"
):
    (root / annotations).parent.mkdir(parents=True, exist_ok=True)
    (root / annotations).write_text(json.dumps(data))
    for number in (9, 4):
        write_photo(root / images / f"{number:012}.jpg", number)
    return root


def test_objects_image_by_image_without_crowds_and_what_covers_no_pixel(tmp_path: Path):
    objects = open_dataset(f"coco:{write(tmp_path, content())}")
    assert objects.names == ["000000000004#7", "000000000009#30", "000000000009#31"]
    assert np.array_equal(objects[0].truth, ENCODED)
    assert objects[1].image is objects[2].image


def test_the_parts_of_a_polygon_are_one_object(tmp_path: Path):
    truth = open_dataset(f"coco:{write(tmp_path, content())}")[1].truth
    assert np.array_equal(truth, boxes(_1=(2, 2, 12, 12)) + boxes(_1=(2, 20, 6, 24)) > 0)


def test_a_crowd_is_ignored_for_every_object_of_its_image_but_not_for_what_lies_in_it(tmp_path: Path):
    other, polygon, encoded = open_dataset(f"coco:{write(tmp_path, content())}")
    assert not other.ignore.any()
    assert np.array_equal(encoded.ignore, CROWD)
    assert (polygon.truth & CROWD).any()
    assert np.array_equal(polygon.ignore, CROWD & ~polygon.truth)


def test_the_plain_tree_and_other_splits(tmp_path: Path):
    write(tmp_path, content(), "annotations.json", "images")
    assert len(open_dataset(f"coco:{tmp_path}")) == 3
    write(tmp_path / "cvat", content(), "annotations/instances_default.json", "images")
    assert len(open_dataset(f"coco:{tmp_path / 'cvat'}?split=default")) == 3
    with pytest.raises(DatasetError, match="splits there: default"):
        open_dataset(f"coco:{tmp_path / 'cvat'}")


def test_missing_images(tmp_path: Path):
    write(tmp_path, content())
    (tmp_path / "val2017" / "000000000009.jpg").unlink()
    with pytest.raises(DatasetError, match=r"000000000009\.jpg"):
        open_dataset(f"coco:{tmp_path}")
    (tmp_path / "val2017").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"expected the images in .*val2017"):
        open_dataset(f"coco:{tmp_path}")


def test_an_image_of_another_size_than_the_annotations_say(tmp_path: Path):
    write(tmp_path, content())
    write_photo(tmp_path / "val2017" / "000000000004.jpg", height=8, width=8)
    with pytest.raises(DatasetError, match=r"000000000004\.jpg: .*\(8, 8\), got \(30, 40\)"):
        open_dataset(f"coco:{tmp_path}")[0]


@pytest.mark.parametrize("data", [[], {"annotations": [{"id": 1}]}, {"images": 3}])
def test_files_that_are_no_instances(tmp_path: Path, data: object):
    with pytest.raises(
        DatasetError, match=r"instances_val2017\.json: expected COCO instances|at least one object"
    ):
        open_dataset(f"coco:{write(tmp_path, data)}")


def test_a_file_that_is_no_json(tmp_path: Path):
    (write(tmp_path, []) / "annotations" / "instances_val2017.json").write_text("{")
    with pytest.raises(DatasetError, match="expected COCO instances, could not read them"):
        open_dataset(f"coco:{tmp_path}")


def test_annotations_of_no_image_twice_the_same_or_not_to_be_drawn(tmp_path: Path):
    data = content()
    data["annotations"].append(annotation(31, 9, POLYGON))
    with pytest.raises(DatasetError, match="an id twice"):
        open_dataset(f"coco:{write(tmp_path, data)}")
    data["annotations"][-1] = annotation(35, 5, POLYGON)
    with pytest.raises(DatasetError, match="expected an image 5"):
        open_dataset(f"coco:{write(tmp_path, data)}")
    data["annotations"][-1] = annotation(35, 9, [[1.0, 2.0, 3.0]])
    with pytest.raises(DatasetError, match="COCO annotation 35: expected polygons or an RLE"):
        open_dataset(f"coco:{write(tmp_path, data)}")
    data["annotations"][-1] = annotation(35, 9, compressed(CROWD[:20]), crowd=1)
    with pytest.raises(DatasetError, match=r"COCO annotation 35: .*\(30, 40\), got \(20, 40\)"):
        open_dataset(f"coco:{write(tmp_path, data)}")


def test_a_set_of_crowds_alone(tmp_path: Path):
    data = content()
    data["annotations"] = [one for one in data["annotations"] if one["iscrowd"]]
    with pytest.raises(DatasetError, match="at least one object"):
        open_dataset(f"coco:{write(tmp_path, data)}")
