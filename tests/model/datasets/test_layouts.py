from pathlib import Path

import numpy as np
import pytest

from model.datasets.layouts import LAYOUTS, open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import write_grey, write_photo
from tests.model.scenes import scene, write_grabcut


def test_every_layout_of_the_protocol_is_there():
    assert set(LAYOUTS) == {"grabcut", "berkeley", "davis", "coco_mval", "coco", "voc", "sbd", "folder"}


def test_objects_are_those_written(tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'set', 2)}")
    image, mask = scene(1)
    assert objects[1].name == "photo1"
    assert np.array_equal(objects[1].image, image)
    assert np.array_equal(objects[1].truth, mask)


def test_a_part_spread_over_the_data_set(tmp_path: Path):
    root = write_grabcut(tmp_path / "set", 5)
    assert open_dataset(f"grabcut:{root}?limit=2").names == ["photo0", "photo2"]
    assert len(open_dataset(f"grabcut:{root}?limit=9")) == 5


def test_paths_with_characters_of_the_reference(tmp_path: Path):
    for name in ("a:b", "really?", "1=2 & 3"):
        assert len(open_dataset(f"grabcut:{write_grabcut(tmp_path / name, 1)}")) == 1
    assert len(open_dataset(f"grabcut:{tmp_path / 'really?'}?limit=1")) == 1


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_grabcut(tmp_path / "set", 1)
    assert len(open_dataset("grabcut:~/set")) == 1


@pytest.mark.parametrize("reference", ["", "grabcut", "grabcut:", "nosuch:/tmp", ":/tmp", "/tmp"])
def test_unknown_references(reference: str):
    with pytest.raises(DatasetError, match=r"LAYOUT:PATH .*grabcut, berkeley.* got "):
        open_dataset(reference)


@pytest.mark.parametrize(
    "options", ["split=val", "limit=0", "limit=x", "limit=-1", "limit=1&x=2", "limit=", "=1"]
)
def test_unknown_options(tmp_path: Path, options: str):
    root = write_grabcut(tmp_path / "set", 1)
    with pytest.raises(DatasetError, match="limit=") as refusal:
        open_dataset(f"grabcut:{root}?{options}")
    assert options in str(refusal.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_and_empty_folders_are_one_line(tmp_path: Path, layout: str):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DatasetError, match="expected") as refusal:
            open_dataset(f"{layout}:{path}")
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_a_damaged_mask_and_a_damaged_image(tmp_path: Path):
    write_photo(tmp_path / "img" / "a.jpg")
    write_grey(tmp_path / "gt" / "a.png", np.ones((30, 40)))
    (tmp_path / "img" / "a.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"a\.jpg: expected an image"):
        open_dataset(f"davis:{tmp_path}")
    write_photo(tmp_path / "img" / "a.jpg")
    (tmp_path / "gt" / "a.png").write_bytes((tmp_path / "gt" / "a.png").read_bytes()[:60])
    with pytest.raises(DatasetError, match=r"a\.png: expected an image"):
        open_dataset(f"davis:{tmp_path}")
