"""The adapter of the small network, on pictures of two kinds: bright things on dark ground, and noise."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from model import Predictor, masks
from model.datasets.chosen import Chosen
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.evaluation.clickers import annotator_for
from model.fine_tuning import adapting
from model.fine_tuning.adapting import FEWEST_OTHERS, Others, train_adapter
from model.fine_tuning.encoded import Encoded
from model.fine_tuning.lesson import replay_set
from model.fine_tuning.material import Looks, encode_all
from model.fine_tuning.photos import photos_of
from model.fine_tuning.tissue import write_tissues
from model.heads import pack_head
from model.runtimes.pytorch import checkpoint_of
from tests.model.scenes import scene

SIZE = 128
CPU = torch.device("cpu")


def silent(_share: float) -> None:
    """Nobody is told."""


class Scenes(Sequence[EvaluationObject]):
    """Bright ellipses; of another kind, in colours turned to their opposite."""

    def __init__(self, seeds: range, *, inverted: bool = False) -> None:
        self._seeds, self._inverted = seeds, inverted

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index):
        image, truth = scene(self._seeds[index])
        shown = 255 - image if self._inverted else image
        return EvaluationObject(f"{self._seeds[index]}.png", shown, truth, np.zeros_like(truth))


def files(predictor: Predictor, objects: Scenes, folder: Path) -> list[Path]:
    return encode_all(predictor, SIZE, Looks(objects, whole=100), folder, silent).first_masks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encoded")


@pytest.fixture(scope="module")
def bright(tiny_predictor: Predictor, folder: Path) -> list[Path]:
    return files(tiny_predictor, Scenes(range(24)), folder / "bright")


@pytest.fixture(scope="module")
def dark(tiny_predictor: Predictor, folder: Path) -> list[Path]:
    return files(tiny_predictor, Scenes(range(100, 152), inverted=True), folder / "dark")


def features_of(path: Path) -> torch.Tensor:
    return torch.from_numpy(Encoded.load(path).features).float()[None]


def mean_iou(paths: Sequence[Path], adapter=None) -> float:
    encoded = [Encoded.load(path) for path in paths]
    return float(
        np.mean(
            [masks.intersection_over_union(each.first_mask(adapter) > 0, each.target) for each in encoded]
        )
    )


def test_first_masks_get_better_on_other_pictures_of_the_kind_and_stay_on_others(
    tiny_predictor: Predictor, bright: list[Path], dark: list[Path], tmp_path: Path
) -> None:
    told: list[float] = []
    adapter = train_adapter(bright, Others(dark), tmp_path / "adapter.safetensors", CPU, told.append)
    assert adapter is not None
    assert (len(told), told[-1]) == (adapting.STEPS, 1.0)
    others = files(tiny_predictor, Scenes(range(50, 60)), tmp_path / "others")
    assert mean_iou(others, adapter) > mean_iou(others) + 0.2
    unlike = files(tiny_predictor, Scenes(range(150, 156), inverted=True), tmp_path / "unlike")
    assert all(adapter.gate(features_of(path)) < 0.05 for path in unlike), "the gate is shut"


def test_pictures_that_cannot_be_told_apart_get_none(
    tiny_predictor: Predictor, bright: list[Path], tmp_path: Path
) -> None:
    alike = files(tiny_predictor, Scenes(range(200, 252)), tmp_path / "alike")
    assert train_adapter(bright, Others(alike), tmp_path / "adapter.safetensors", CPU, silent) is None


def test_without_anything_to_tell_them_from_there_is_none(bright: list[Path], tmp_path: Path) -> None:
    kept = tmp_path / "adapter.safetensors"
    assert train_adapter(bright, Others([]), kept, CPU, silent) is None
    assert train_adapter([], Others(bright), kept, CPU, silent) is None


def test_a_few_other_pictures_or_many_objects_of_one_tell_nothing(
    tiny_predictor: Predictor, bright: list[Path], dark: list[Path], tmp_path: Path
) -> None:
    kept = tmp_path / "adapter.safetensors"
    few = files(tiny_predictor, Scenes(range(100, 149), inverted=True), tmp_path / "few")
    assert len(few) > FEWEST_OTHERS, "many crops of them"
    assert train_adapter(bright, Others(few), kept, CPU, silent) is None

    class OnePicture(Scenes):
        def __getitem__(self, index):
            only, other = super().__getitem__(0), super().__getitem__(index)
            return EvaluationObject(other.name, only.image, other.truth, only.ignore)

    one = files(tiny_predictor, OnePicture(range(24)), tmp_path / "one")
    assert len({Encoded.load(path).source for path in one}) == 1
    assert train_adapter(one, Others(dark), kept, CPU, silent) is None


class Stopped(Exception):
    pass


def test_a_stopped_one_begins_again_and_a_finished_one_is_read(
    bright: list[Path], dark: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "STEPS", 9)
    kept = tmp_path / "run" / "adapter.safetensors"

    def stop(share: float) -> None:
        if share > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        train_adapter(bright, Others(dark), kept, CPU, stop)
    assert not kept.exists()
    first = train_adapter(bright, Others(dark), kept, CPU, silent)
    told: list[float] = []
    again = train_adapter(bright, Others(dark), kept, CPU, told.append)
    assert told == [], "nothing is trained again"
    assert first is not None
    assert again is not None
    for name, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert train_adapter(bright[1:], Others(dark), kept, CPU, told.append) is not None, (
        "of other files: made anew"
    )
    kept.write_bytes(kept.read_bytes()[:200])
    third = train_adapter(bright, Others(dark), kept, CPU, told.append)
    assert third is not None, "a damaged file is made anew"
    assert len(told) == 2 * 9
    assert torch.equal(third.correct.weight, first.correct.weight), "the same again"


def test_the_shipped_weights_learn_a_tissue_and_photos_stay_as_they_were(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "STEPS", 60)
    write_tissues(tmp_path / "tissue", 24, 1, seed=5)
    cells, base = open_dataset(f"folder:{tmp_path}/tissue"), checkpoint_of(predictor)
    fed = encode_all(predictor, 320, Looks(Chosen(cells, range(16)), whole=100), tmp_path / "fed", silent)
    adapter = train_adapter(
        fed.first_masks, Others([], photos_of(base)), tmp_path / "adapter.safetensors", CPU, silent
    )
    assert adapter is not None
    network = copy.deepcopy(base.network)
    network.adapter = adapter
    team = predictor.with_head(pack_head(network, base, {}), "team-v1")

    def first_iou(item: EvaluationObject, who: Predictor) -> float:
        click = annotator_for("boundary", item, 0.0, 0).select().click
        return masks.intersection_over_union(who.predict(item.image, [click]).mask, item.truth)

    held_out = Chosen(cells, range(16, 24))
    before, after = (np.mean([first_iou(item, who) for item in held_out]) for who in (predictor, team))
    assert after > before + 0.1
    photos = replay_set()[1]
    kept = [first_iou(item, predictor) - first_iou(item, team) for item in photos]
    assert np.median(np.abs(kept)) < 1e-3
    assert np.mean(kept) < 0.02
