import json
from pathlib import Path

import pytest

from model.errors import SettingsError
from model.training.augmentation import REFINEMENT_CROPS, SELECTION_CROPS
from model.training.settings import ClickSampling, TrainingSettings, read_settings

LEAST = {"stage": "selection", "data": [{"folder": "coco"}]}


def written(folder: Path, values: object) -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps(values))
    return path


def test_options_have_precedence_over_the_file(tmp_path: Path):
    file = written(tmp_path, LEAST | {"steps": 7, "batch": 3, "augmentation": {"rotation": 5, "mirrored": 0}})
    settings = read_settings(file, {"steps": 9, "augmentation.rotation": 45})
    assert (settings.steps, settings.batch) == (9, 3)
    assert (settings.augmentation.rotation, settings.augmentation.mirrored) == (45, 0)


def test_what_a_run_writes_describes_the_same_run(tmp_path: Path):
    values = LEAST | {
        "click_sampling": {"boundary_jitter": 4},
        "crops": {"whole": 0, "tightest": 2, "widest": 2},
    }
    settings = read_settings(written(tmp_path, values), {})
    assert read_settings(written(tmp_path, settings.model_dump(mode="json")), {}) == settings


def test_crops_are_the_stages_own_unless_set():
    assert read_settings(None, LEAST).crop_policy == SELECTION_CROPS
    assert read_settings(None, LEAST | {"stage": "refinement"}).crop_policy == REFINEMENT_CROPS
    assert (
        read_settings(None, LEAST | {"crops": {"whole": 1, "tightest": 1, "widest": 2}}).crop_policy.whole
        == 1
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 33}, ["size", "multiple of 32", "33"]),
        ({"data": [{"folder": "a"}, {"folder": "b", "weight": -1}]}, ["data.1.weight", "-1"]),
        ({"data": []}, ["data"]),
        ({"click_sampling": {"paper_share": 2}}, ["click_sampling.paper_share", "2"]),
        ({"click_sampling.jiter": 2}, ["click_sampling.jiter", "not permitted"]),
        ({"crops": {"whole": 0, "tightest": 3, "widest": 2}}, ["crops", "tightest <= widest"]),
        ({"loss": "dice"}, ["loss", "nfl", "dice"]),
        ({"steps": 0, "batch": 0}, ["steps", "batch"]),
        ({"held_out": 1.0}, ["held_out"]),
    ],
)
def test_errors_are_one_line_that_names_the_field(changes: dict[str, object], words: list[str]):
    with pytest.raises(SettingsError) as caught:
        read_settings(None, LEAST | changes)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_missing_field_is_named():
    with pytest.raises(SettingsError, match="data: Field required"):
        read_settings(None, {"stage": "selection"})


def test_a_group_of_a_single_value_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="expected steps to be a group"):
        read_settings(written(tmp_path, LEAST | {"steps": 5}), {"steps.more": 1})


@pytest.mark.parametrize("text", ["steps = 5", "[1]", ""])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"run\.json: expected"):
        read_settings(path, {})


def test_a_checkpoint_tells_no_paths():
    secret = "/home/someone"
    values = {"folder": f"{secret}/coco", "weight": 2}
    settings = TrainingSettings.model_validate(
        LEAST
        | {"data": [values], "start": f"{secret}/a.safetensors", "pipeline": {"cache": f"{secret}/cache"}}
    )
    told = settings.without_paths()
    assert "someone" not in json.dumps(told)
    assert told["data"][0] == {"folder": "coco", "weight": 2.0, "sources": {}}
    assert told["start"] == "a.safetensors"


def test_weights_of_sources_are_added_to_all_sets():
    sets = [{"folder": "a", "sources": {"x": 1, "y": 2}}, {"folder": "b"}]
    settings = read_settings(None, LEAST | {"data": sets}).with_source_weights({"x": 3})
    assert [d.sources for d in settings.data] == [{"x": 3, "y": 2}, {"x": 3}]


def test_jitter_of_boundary_clicks_is_bounded_twice():
    sampling = ClickSampling()
    assert sampling.boundary_noise(100.0) == pytest.approx(5.0)
    assert sampling.boundary_noise(1000.0) == 10.0
