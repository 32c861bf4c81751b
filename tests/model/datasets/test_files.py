from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets.files import by_stem, check_size, read_brightness, read_ids, read_image, read_split
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import write_grey, write_palette, write_photo

ORIENTATION = 0x0112


def write_turned(path: Path, orientation: int) -> np.ndarray:
    """A 30 x 40 photo with an EXIF orientation; gives the pixels as they are stored."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return write_photo(path, exif=exif)


def test_images_by_name_in_order_without_hidden_files(tmp_path: Path):
    for name in ("b.JPG", "a.png", "._a.jpg", "Thumbs.db", "c.d.webp"):
        (tmp_path / name).touch()
    assert [(stem, path.name) for stem, path in by_stem(tmp_path).items()] == [
        ("a", "a.png"),
        ("b", "b.JPG"),
        ("c.d", "c.d.webp"),
    ]


def test_two_files_of_one_name(tmp_path: Path):
    (tmp_path / "a.png").touch()
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DatasetError, match=r"a\.jpg and a\.png"):
        by_stem(tmp_path)


def test_lists_of_names(tmp_path: Path):
    (tmp_path / "val.txt").write_text("2007_1 \n\n2007_2 1\n")
    (tmp_path / "none.txt").write_text("\n")
    assert read_split(tmp_path, "val") == ["2007_1", "2007_2"]
    with pytest.raises(DatasetError, match="splits there: none, val"):
        read_split(tmp_path, "test")
    with pytest.raises(DatasetError, match="empty list"):
        read_split(tmp_path, "none")


def test_a_photo_is_turned_upright_for_a_mask_of_the_upright_size(tmp_path: Path):
    stored = write_turned(tmp_path / "a.png", 6)
    assert np.array_equal(read_image(tmp_path / "a.png", (40, 30)), np.rot90(stored, -1))


def test_a_photo_stays_as_stored_for_a_mask_that_fits_only_that(tmp_path: Path):
    stored = write_turned(tmp_path / "a.png", 6)
    assert np.array_equal(read_image(tmp_path / "a.png", (30, 40)), stored)


def test_a_photo_is_turned_upright_where_the_size_cannot_tell(tmp_path: Path):
    stored = write_turned(tmp_path / "a.jpg", 3)
    assert np.array_equal(read_image(tmp_path / "a.jpg", (30, 40)), stored[::-1, ::-1])


def test_the_orientation_of_a_tiff_is_applied_once(tmp_path: Path):
    stored = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(stored).save(tmp_path / "a.tif", tiffinfo={ORIENTATION: 6})
    check_size(tmp_path / "a.tif", (40, 30))
    assert np.array_equal(read_image(tmp_path / "a.tif", (40, 30)), np.rot90(stored, -1))


def test_a_mask_of_another_size(tmp_path: Path):
    write_turned(tmp_path / "a.jpg", 6)
    with pytest.raises(DatasetError, match=r"a\.jpg: .*\(40, 30\), got \(5, 5\)"):
        check_size(tmp_path / "a.jpg", (5, 5))


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGBA"])
def test_images_of_every_mode_become_rgb(tmp_path: Path, mode: str):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (40, 30), "white").convert(mode).save(path)
    pixels = read_image(path, (30, 40))
    assert pixels.shape == (30, 40, 3)
    assert pixels.min() >= 254


def test_what_is_transparent_is_white(tmp_path: Path):
    Image.new("RGBA", (40, 30), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", (30, 40)) == 255).all()


def test_images_of_16_bits_are_refused(tmp_path: Path):
    write_grey(tmp_path / "a.png", np.full((30, 40), 3000))
    with pytest.raises(DatasetError, match="8 bits per channel"):
        read_image(tmp_path / "a.png", (30, 40))


def test_a_truncated_image(tmp_path: Path):
    path = tmp_path / "a.jpg"
    write_photo(path)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DatasetError, match=r"a\.jpg: expected an image, could not read it \(.*truncated"):
        read_image(path, (30, 40))


def test_what_is_no_image(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    for read in (read_ids, read_brightness):
        with pytest.raises(DatasetError, match=r"a\.png: expected an image, could not read it") as refusal:
            read(tmp_path / "a.png")
        assert "\n" not in str(refusal.value)
    with pytest.raises(DatasetError, match="no such file"):
        read_ids(tmp_path / "b.png")


def test_ids_are_palette_indices_where_greys_would_merge(tmp_path: Path):
    ids = np.array([[0, 1, 16, 3, 18, 6, 21, 9, 24, 255]])
    write_palette(tmp_path / "a.png", ids)
    assert np.array_equal(read_ids(tmp_path / "a.png"), ids)
    greys = np.asarray(Image.open(tmp_path / "a.png").convert("L"))[0]
    assert greys[1] == greys[2]  # the trap is there: 1 and 16 are one grey


def test_ids_of_grey_and_16_bit_masks(tmp_path: Path):
    for name, ids in (("a.png", [[0, 1, 254]]), ("b.png", [[0, 300, 65000]])):
        write_grey(tmp_path / name, np.array(ids))
        assert read_ids(tmp_path / name).tolist() == ids


def test_masks_of_colours_have_no_ids_but_a_brightness(tmp_path: Path):
    Image.new("RGB", (2, 1), (0, 128, 3)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="got colours"):
        read_ids(tmp_path / "a.png")
    assert read_brightness(tmp_path / "a.png").tolist() == [[128, 128]]
