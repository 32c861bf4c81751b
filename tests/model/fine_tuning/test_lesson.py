"""A whole lesson of the small network: its adapter comes to the head, and the head is tuned on what it selects."""

from pathlib import Path

import pytest

from model import Predictor
from model.checkpoints import load_checkpoint, save_checkpoint
from model.errors import SettingsError
from model.fine_tuning import adapting, encoded, lesson, material, tuning
from model.fine_tuning.lesson import Lesson, learn
from model.heads import unpack_head
from model.networks import configuration
from model.networks.adapter import Adapter
from model.networks.building import build_network
from tests.model.fine_tuning.test_adapting import Scenes, silent


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "FEWEST_STEPS", 2)
    monkeypatch.setattr(tuning, "MOST_STEPS", 2)
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


def test_a_training_with_other_settings_is_not_gone_on_with(
    tiny_predictor: Predictor, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(tiny_predictor, tiny_weights, tmp_path, Scenes(range(200, 203)))
    (before,) = (tmp_path / "run").iterdir()
    monkeypatch.setattr(tuning, "FEWEST_STEPS", 1)
    monkeypatch.setattr(tuning, "MOST_STEPS", 1)
    taught(tiny_predictor, tiny_weights, tmp_path, Scenes(range(200, 203)))
    (after,) = set((tmp_path / "run").iterdir()) - {before}
    assert (before.name, after.name) == ("2-steps-of-4", "1-steps-of-4")


def test_the_paper_s_networks_are_refused_in_a_line(tmp_path: Path, tiny_predictor: Predictor) -> None:
    path = tmp_path / "paper.safetensors"
    save_checkpoint(path, build_network(configuration("paper-tiny")), {})
    task = Lesson(
        tiny_predictor,
        Scenes(range(1)),
        [()],
        Scenes(range(1)),
        tmp_path / "f",
        tmp_path / "r",
        lambda _n: silent,
    )
    with pytest.raises(SettingsError, match="expected a network of this project's own, got paper-tiny"):
        learn(load_checkpoint(path), task)
