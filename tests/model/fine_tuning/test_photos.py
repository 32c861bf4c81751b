import sys
from pathlib import Path

import pytest
import torch

from model import Predictor
from model.checkpoints import Checkpoint, load_checkpoint
from model.errors import DatasetError, WeightsError
from model.fine_tuning import photos
from model.fine_tuning.photos import LOOKS, describe_photos, photos_of
from tests.model.fine_tuning.test_adapting import Scenes
from tests.model.scenes import write_coco


def test_those_that_ship_fit_the_weights_that_ship():
    base = load_checkpoint("default")
    described = photos_of(base)
    assert described is not None, "after new weights: python -m model.fine_tuning.photos, see its file"
    count, numbers = described.shape
    assert (count % LOOKS, numbers) == (0, 2 * base.network.config.feature_channels)
    assert count >= 400
    assert torch.isfinite(described).all()


def test_those_of_other_weights_are_not_taken(tiny_weights: Path):
    assert photos_of(load_checkpoint(tiny_weights)) is None


def test_a_damaged_or_missing_file_is_told_in_a_line(tmp_path: Path):
    base, path = load_checkpoint("default"), tmp_path / "photos.safetensors"
    with pytest.raises(WeightsError, match="expected the descriptions that ship"):
        photos_of(base, path)
    path.write_bytes(photos.SHIPPED.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="install again"):
        photos_of(base, path)


def test_each_photo_is_described_as_a_whole_and_in_its_crop(tiny_predictor: Predictor):
    described = describe_photos(tiny_predictor, Scenes(range(9)), 3)
    assert described.shape == (3 * LOOKS, 32)
    assert not torch.allclose(described[0], described[2]), "another photo"
    with pytest.raises(DatasetError, match="expected 10 with an object, found 9"):
        describe_photos(tiny_predictor, Scenes(range(9)), 10)


def test_the_program_writes_what_is_read(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out, data = tmp_path / "photos.safetensors", write_coco(tmp_path / "data", 4)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(
            sys, "argv", ["photos", *arguments, "--weights", str(tiny_weights), "--out", str(out)]
        )
        return photos.main()

    assert run(f"coco:{data}", "--count", "4") == 0
    base: Checkpoint = load_checkpoint(tiny_weights)
    described = photos_of(base, out)
    assert described is not None
    assert described.shape == (4 * LOOKS, 32)
    assert run(f"coco:{tmp_path}/missing") == 2
    assert capsys.readouterr().err.startswith("photos: ")
