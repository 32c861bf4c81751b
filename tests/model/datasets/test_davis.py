from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import blank, boxes, write_grey, write_palette, write_photo

DOG, RIDER, VOID = (0, 0, 8, 8), (10, 10, 20, 20), (25, 0, 30, 40)


def write_frame(root: Path, sequence: str, frame: int, ids: np.ndarray, grey: bool = False) -> None:
    write_photo(root / "JPEGImages" / "480p" / sequence / f"{frame:05}.jpg", frame)
    mask = root / "Annotations" / "480p" / sequence / f"{frame:05}.png"
    (write_grey if grey else write_palette)(mask, ids)


@pytest.fixture
def davis_2017(tmp_path: Path) -> Path:
    """Two films; in the second frame of `bike` the dog is gone, in the third everything is."""
    write_frame(tmp_path, "bike", 0, boxes(_1=DOG, _2=RIDER, _255=VOID))
    write_frame(tmp_path, "bike", 1, boxes(_2=RIDER))
    write_frame(tmp_path, "bike", 2, boxes(_255=VOID))
    write_frame(tmp_path, "bear", 0, boxes(_1=DOG))
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("bike\n")
    return tmp_path


def test_2017_is_the_union_of_each_frame(davis_2017: Path):
    objects = open_dataset(f"davis:{davis_2017}")
    assert objects.names == ["bear/00000", "bike/00000", "bike/00001"]
    item = objects[1]
    assert np.array_equal(item.truth, boxes(_1=DOG) + boxes(_1=RIDER) > 0)
    assert np.array_equal(item.ignore, boxes(_1=VOID) > 0)


def test_2017_with_each_object_for_itself(davis_2017: Path):
    objects = open_dataset(f"davis:{davis_2017}?objects=each")
    assert objects.names == ["bear/00000#1", "bike/00000#1", "bike/00000#2", "bike/00001#2"]
    assert np.array_equal(objects[2].truth, boxes(_1=RIDER) > 0)
    assert np.array_equal(objects[2].ignore, boxes(_1=VOID) > 0)


def test_2017_a_split_names_sequences(davis_2017: Path):
    assert open_dataset(f"davis:{davis_2017}?split=val").names == ["bike/00000", "bike/00001"]
    with pytest.raises(DatasetError, match="splits there: val"):
        open_dataset(f"davis:{davis_2017}?split=train")


@pytest.fixture
def davis_2016(tmp_path: Path) -> Path:
    """Masks of 0 and 255 in which 255 is the object, as the release has them."""
    write_frame(tmp_path, "bear", 0, boxes(_255=DOG), grey=True)
    write_frame(tmp_path, "swan", 0, boxes(_255=RIDER), grey=True)
    folder = tmp_path / "ImageSets" / "480p"
    folder.mkdir(parents=True)
    lines = [
        f"/JPEGImages/480p/{name}/0000{i}.jpg /Annotations/480p/{name}/0000{i}.png"
        for name in ("swan",)
        for i in (0, 1)
    ]
    (folder / "val.txt").write_text("\n".join(lines))
    return tmp_path


def test_2016_is_the_object_at_255(davis_2016: Path):
    objects = open_dataset(f"davis:{davis_2016}")
    assert objects.names == ["bear/00000", "swan/00000"]
    assert np.array_equal(objects[1].truth, boxes(_1=RIDER) > 0)
    assert not objects[1].ignore.any()
    assert open_dataset(f"davis:{davis_2016}?objects=each").names == ["bear/00000#1", "swan/00000#1"]


def test_2016_a_split_names_files(davis_2016: Path):
    assert open_dataset(f"davis:{davis_2016}?split=val").names == ["swan/00000"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_2016_masks_saved_in_other_modes(davis_2016: Path, mode: str):
    path = davis_2016 / "Annotations" / "480p" / "bear" / "00000.png"
    Image.open(path).convert(mode).save(path)
    assert np.array_equal(open_dataset(f"davis:{davis_2016}")[0].truth, boxes(_1=DOG) > 0)


def test_both_years_give_one_object_for_one_frame(tmp_path: Path):
    write_frame(tmp_path / "2016", "bike", 0, boxes(_255=RIDER), grey=True)
    write_frame(tmp_path / "2017", "bike", 0, boxes(_1=(10, 10, 15, 20), _2=(15, 10, 20, 20)))
    (old,), (new,) = (open_dataset(f"davis:{tmp_path / year}") for year in ("2016", "2017"))
    assert np.array_equal(old.truth, new.truth)


def test_frames_without_their_photo(davis_2017: Path):
    (davis_2017 / "JPEGImages" / "480p" / "bike" / "00001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"00001\.jpg: .*no such file"):
        open_dataset(f"davis:{davis_2017}")


def test_a_film_in_which_nothing_is_annotated(tmp_path: Path):
    write_frame(tmp_path, "bear", 0, blank())
    with pytest.raises(DatasetError, match="at least one object"):
        open_dataset(f"davis:{tmp_path}")


def test_forms_that_are_none(tmp_path: Path):
    with pytest.raises(DatasetError, match="img/ and gt/, or JPEGImages/ and Annotations/"):
        open_dataset(f"davis:{tmp_path}")
    with pytest.raises(DatasetError, match="got objects=both"):
        open_dataset(f"davis:{tmp_path}?objects=both")
    (tmp_path / "img").mkdir()
    (tmp_path / "gt").mkdir()
    with pytest.raises(DatasetError, match="for split and objects=each"):
        open_dataset(f"davis:{tmp_path}?objects=each")
