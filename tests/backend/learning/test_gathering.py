from pathlib import Path

import pytest

from backend.learning import Learning
from backend.learning.gathering import chosen, gather
from model.corrections import ImageReference
from model.errors import ImageRejected
from tests.backend.learning.material import PROJECT, TOOL, photos, read, record
from tests.model.scenes import scene


def silent(_share: float) -> None:
    """Nobody listens."""


def test_images_are_brought_once_and_what_is_missing_is_counted(store: Learning, tmp_path: Path) -> None:
    sound, gone, other, refused = references = photos(tmp_path / "photos", range(4))
    record(store, references)
    record(store, [ImageReference(TOOL, "photos", "9", str(tmp_path / "9.png"))], scene(9)[1])
    Path(gone.reference).unlink()
    Path(other.reference).write_bytes(read(sound))
    asked: list[str] = []

    def fetch(image: ImageReference) -> bytes:
        asked.append(image.task)
        if image == refused:
            raise ImageRejected("image: expected an answer, got none")
        return read(image)

    corrections = chosen(store.corrections, PROJECT)
    missing = gather(corrections, {TOOL: fetch}, tmp_path / "images", silent)
    assert missing == {"image vanished": 2, "image has changed": 1, "image not seen yet": 1}
    assert [path.read_bytes() for path in (tmp_path / "images").iterdir()] == [read(sound)]
    asked.clear()
    gather(corrections, {TOOL: fetch}, tmp_path / "images", silent)
    assert sound.task not in asked, "it is there from before"


def test_without_a_way_to_the_images_nothing_is_learnt(store: Learning, tmp_path: Path) -> None:
    record(store, photos(tmp_path / "photos", range(2)))
    missing = gather(chosen(store.corrections, PROJECT), {}, tmp_path / "images", silent)
    assert missing == {f"nobody to fetch images of {TOOL}": 2}


def test_a_folder_that_cannot_be_written_is_an_error(store: Learning, tmp_path: Path) -> None:
    record(store, photos(tmp_path / "photos", range(1)))
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(OSError, match="images"):
        gather(chosen(store.corrections, PROJECT), {TOOL: read}, tmp_path / "images", silent)
