from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import boxes, write_grey, write_palette, write_photo

INNER = (10, 10, 20, 20)


def truth_of(*box: int) -> np.ndarray:
    return boxes(_1=box).astype(bool)


def write_banded(path: Path) -> None:
    """Object, band of one pixel around it, background; 64 is what GrabCut's lassos leave outside."""
    write_grey(path, boxes(_64=(0, 0, 30, 5), _128=(9, 9, 21, 21), _255=INNER))


def test_grabcut_with_its_band(tmp_path: Path):
    for name in ("cross.jpg", "21077.JPG", "llama.bmp"):
        write_photo(tmp_path / "data_GT" / name)
        write_banded(tmp_path / "boundary_GT" / f"{name[:-4]}.bmp")
    objects = open_dataset(f"grabcut:{tmp_path}")
    assert objects.names == ["21077", "cross", "llama"]
    for item in objects:
        assert np.array_equal(item.truth, truth_of(*INNER))
        assert np.array_equal(item.ignore, truth_of(9, 9, 21, 21) & ~truth_of(*INNER))


def test_grabcut_masks_of_three_equal_channels(tmp_path: Path):
    write_photo(tmp_path / "data_GT" / "a.jpg")
    write_banded(tmp_path / "boundary_GT" / "a.bmp")
    mask = Image.open(tmp_path / "boundary_GT" / "a.bmp").convert("RGB")
    mask.save(tmp_path / "boundary_GT" / "a.bmp")
    (item,) = open_dataset(f"grabcut:{tmp_path}")
    assert item.truth.sum() == 100
    assert item.ignore.sum() == 44


def test_berkeley_with_further_objects_of_an_image(tmp_path: Path):
    other = (1, 1, 5, 5)
    for name, box in (("12003", INNER), ("227092", INNER), ("227092#2", other)):
        write_grey(tmp_path / "masks" / f"{name}.png", boxes(_255=box))
    photos = {
        name: write_photo(tmp_path / "images" / f"{name}.jpg", int(name)) for name in ("12003", "227092")
    }
    objects = open_dataset(f"berkeley:{tmp_path}")
    assert objects.names == ["12003", "227092", "227092#2"]
    assert np.array_equal(objects[1].image, photos["227092"])
    assert np.array_equal(objects[2].image, photos["227092"])
    assert np.array_equal(objects[1].truth, truth_of(*INNER))
    assert np.array_equal(objects[2].truth, truth_of(*other))
    assert not any(item.ignore.any() for item in objects)


def test_berkeley_with_photos_that_are_repeated(tmp_path: Path):
    photos = [write_photo(tmp_path / "images" / name, seed) for seed, name in enumerate(("a.jpg", "a#2.jpg"))]
    for name in ("a", "a#2"):
        write_grey(tmp_path / "masks" / f"{name}.png", boxes(_255=INNER))
    for item, photo in zip(open_dataset(f"berkeley:{tmp_path}"), photos, strict=True):
        assert np.array_equal(item.image, photo)


def test_berkeley_mask_without_a_photo(tmp_path: Path):
    write_photo(tmp_path / "images" / "a.jpg")
    write_grey(tmp_path / "masks" / "b#1.png", boxes(_255=INNER))
    with pytest.raises(DatasetError, match=r"b#1\.png: expected its image"):
        open_dataset(f"berkeley:{tmp_path}")


@pytest.mark.parametrize("layout", ["davis", "coco_mval"])
def test_pairs_are_the_union_of_what_is_not_black(tmp_path: Path, layout: str):
    ids = boxes(_1=(0, 0, 5, 5), _2=INNER)
    for name in ("0 palette", "1 grey", "2 colour"):
        write_photo(tmp_path / "img" / f"{name}.jpg")
    write_palette(tmp_path / "gt" / "0 palette.png", ids)
    write_grey(tmp_path / "gt" / "1 grey.png", ids)
    colour = np.dstack([ids * 0, ids * 100, ids * 0]).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "gt" / "2 colour.png")
    objects = open_dataset(f"{layout}:{tmp_path}")
    assert objects.names == ["0 palette", "1 grey", "2 colour"]
    for item in objects:
        assert np.array_equal(item.truth, ids > 0)
        assert not item.ignore.any()


def test_a_missing_mask_is_named(tmp_path: Path):
    write_photo(tmp_path / "data_GT" / "a.jpg")
    write_photo(tmp_path / "data_GT" / "b.jpg")
    write_banded(tmp_path / "boundary_GT" / "a.bmp")
    with pytest.raises(DatasetError, match="expected a mask b"):
        open_dataset(f"grabcut:{tmp_path}")


@pytest.mark.parametrize("value", [0, 128])
def test_an_empty_mask_is_named_when_the_data_set_is_opened(tmp_path: Path, value: int):
    write_photo(tmp_path / "data_GT" / "a.jpg")
    write_grey(tmp_path / "boundary_GT" / "a.bmp", np.full((30, 40), value))
    with pytest.raises(DatasetError, match="a: expected an object in its mask, got an empty one"):
        open_dataset(f"grabcut:{tmp_path}")


def test_a_mask_of_another_size_is_said_when_the_data_set_is_opened(tmp_path: Path):
    write_photo(tmp_path / "img" / "a.jpg")
    write_grey(tmp_path / "gt" / "a.png", np.ones((5, 5)))
    with pytest.raises(DatasetError, match=r"a\.jpg: .*\(30, 40\), got \(5, 5\)"):
        open_dataset(f"coco_mval:{tmp_path}")


def test_empty_and_missing_folders(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"expected the folders .*img and .*gt, found no such pair"):
        open_dataset(f"coco_mval:{tmp_path}")
    (tmp_path / "img").mkdir()
    (tmp_path / "gt").mkdir()
    with pytest.raises(DatasetError, match="found none"):
        open_dataset(f"coco_mval:{tmp_path}")
