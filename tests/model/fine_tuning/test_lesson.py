"""A whole lesson of the small network: its adapter comes to the head, and the head is tuned on what it selects."""

from pathlib import Path

import pytest

from model import Predictor
from model.checkpoints import load_checkpoint
from model.fine_tuning import adapting, encoded, lesson, material, tuning
from model.fine_tuning.lesson import Lesson, learn
from model.heads import unpack_head
from model.networks.adapter import Adapter
from tests.model.fine_tuning.test_adapting import Scenes, silent


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "STEPS", 2)
    monkeypatch.setattr(material, "MOST_VIEWS", 1)
    monkeypatch.setattr(adapting, "STEPS", 20)


def taught(tiny_predictor: Predictor, tiny_weights: Path, folder: Path, replay: Scenes) -> Adapter | None:
    base = load_checkpoint(tiny_weights)
    objects = Scenes(range(24))
    task = Lesson(
        tiny_predictor,
        objects,
        [()] * len(objects),
        replay,
        folder / "features",
        folder / "run",
        lambda _name: silent,
    )
    learnt = unpack_head(learn(base, task).head, base, "team-v1")
    assert learnt.training["adapter"] is (learnt.network.adapter is not None)
    return learnt.network.adapter


def test_the_head_has_the_adapter_and_is_tuned_on_its_first_masks(
    tiny_predictor: Predictor, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicked_on: list[object] = []
    first_mask = encoded.Encoded.first_mask

    def spy(self, adapter=None):
        clicked_on.append(adapter)
        return first_mask(self, adapter)

    monkeypatch.setattr(encoded.Encoded, "first_mask", spy)
    adapter = taught(tiny_predictor, tiny_weights, tmp_path, Scenes(range(100, 152), inverted=True))
    assert adapter is not None
    assert adapter.correct.weight.abs().max() > 0, "trained"
    assert clicked_on
    assert all(isinstance(each, Adapter) for each in clicked_on)


def test_where_nothing_tells_the_pictures_apart_the_head_learns_alone(
    tiny_predictor: Predictor, tiny_weights: Path, tmp_path: Path
) -> None:
    assert taught(tiny_predictor, tiny_weights, tmp_path, Scenes(range(200, 252))) is None


def test_photos_are_asked_for_by_the_weights_digest(
    tiny_predictor: Predictor, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(lesson, "photos_of", lambda base: asked.append(base.digest))
    taught(tiny_predictor, tiny_weights, tmp_path, Scenes(range(100, 103)))
    assert asked == [load_checkpoint(tiny_weights).digest]
