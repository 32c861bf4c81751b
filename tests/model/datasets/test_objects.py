import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from model.datasets.files import read_ids
from model.datasets.objects import Annotated, ObjectReader, one_per_id
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import boxes, write_grey, write_photo


@pytest.fixture
def objects(tmp_path: Path) -> ObjectReader:
    """Three objects in image a, one in image b."""
    annotated = []
    for name, ids in (
        ("a", boxes(_1=(0, 0, 9, 9), _4=(10, 0, 20, 9), _7=(10, 20, 20, 30))),
        ("b", boxes(_2=(5, 5, 9, 9))),
    ):
        write_photo(tmp_path / f"{name}.jpg", seed=len(annotated))
        write_grey(tmp_path / f"{name}.png", ids)
        annotated.append(
            Annotated(name, tmp_path / f"{name}.jpg", partial(read_ids, tmp_path / f"{name}.png"))
        )
    return ObjectReader(one_per_id(annotated))


def test_a_list_of_objects_with_names(objects: ObjectReader):
    assert objects.names == ["a#1", "a#4", "a#7", "b#2"]
    assert [item.name for item in objects] == objects.names
    assert objects[-1].name == "b#2"
    assert objects[1:3].names == ["a#4", "a#7"]
    assert objects.subset([3, 0]).names == ["b#2", "a#1"]
    with pytest.raises(IndexError):
        objects[4]


def test_objects_of_one_image_share_it(objects: ObjectReader):
    first, second, third, other = objects
    assert first.image is second.image is third.image
    assert not np.array_equal(other.image, first.image)
    assert not (first.truth & second.truth).any()
    with pytest.raises(ValueError, match="read-only"):
        first.image[0, 0] = 0


def test_a_reader_travels_to_another_process(objects: ObjectReader):
    copy = pickle.loads(pickle.dumps(objects))
    assert np.array_equal(copy[1].truth, objects[1].truth)


def test_what_changed_after_opening_is_said(objects: ObjectReader, tmp_path: Path):
    write_grey(tmp_path / "a.png", boxes(_1=(0, 0, 9, 9)))
    assert objects[0].truth.any()
    with pytest.raises(DatasetError, match=r"a#4: .* empty"):
        objects[1]
    (tmp_path / "b.jpg").unlink()
    with pytest.raises(DatasetError, match=r"b\.jpg"):
        objects[3]


def test_an_object_listed_twice(objects: ObjectReader):
    with pytest.raises(DatasetError, match="a#1 twice"):
        objects.subset([0, 1, 0])
