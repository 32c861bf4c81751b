import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.errors import SettingsError
from model.fine_tuning import lesson, material, tuning
from model.fine_tuning.domain import apart
from model.fine_tuning.proof import Plan, main, prove
from tests.model.scenes import scene


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """As little training as there can be."""
    monkeypatch.setattr(tuning, "FEWEST_STEPS", 1)
    monkeypatch.setattr(tuning, "MOST_STEPS", 1)
    monkeypatch.setattr(material, "MOST_VIEWS", 1)
    monkeypatch.setattr(lesson, "MOST_REPLAYED", 1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Seven photos with one object each; the last one with two."""
    folder = tmp_path_factory.mktemp("domain")
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for seed in range(7):
        image, mask = scene(seed)
        labels = mask.astype(np.uint8)
        if seed == 6:
            labels[:4, :60] = 2
        cv2.imwrite(str(folder / "images" / f"{seed}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{seed}.png"), labels)
    return f"folder:{folder}"


def test_no_image_is_on_both_sides(dataset: str) -> None:
    pool, held_out = apart(dataset, held_out=1)
    assert [item.name for item in held_out] == ["6#2"]
    assert [item.name for item in pool] == [f"{number}#1" for number in range(6)]


def test_a_photo_under_another_name_is_the_same_photo(dataset: str, tmp_path: Path) -> None:
    folder = tmp_path / "domain"
    shutil.copytree(dataset.removeprefix("folder:"), folder)
    for kind in ("images", "masks"):
        shutil.copy(folder / kind / "6.png", folder / kind / "0-again.png")
    pool, held_out = apart(f"folder:{folder}", held_out=1)
    assert [item.name for item in held_out] == ["6#2"]
    assert [item.name for item in pool] == [f"{number}#1" for number in range(6)]


@pytest.mark.parametrize(
    ("split", "held_out"), [("last", ["5#1", "6#1", "6#2"]), ("alternate", ["3#1", "5#1", "6#2"])]
)
def test_which_are_held_out(dataset: str, split: str, held_out: list[str]) -> None:
    assert [item.name for item in apart(dataset, 3, split)[1]] == held_out


def test_by_their_hash_the_same_are_held_out_whatever_else_there_is(dataset: str) -> None:
    few, more = ({item.name for item in apart(dataset, count, "hash")[1]} for count in (2, 4))
    assert len(few) == 2
    assert few < more


def test_both_orders_are_fed_judged_and_pictured_and_nothing_is_done_twice(
    dataset: str, tiny_weights: Path, tmp_path: Path
) -> None:
    plan = Plan(dataset, held_out=2, counts=(2,), clicks=3, weights=str(tiny_weights))
    said: list[str] = []
    report = prove(plan, tmp_path, said.append)
    assert [(each["order"], each["count"]) for each in report["lessons"]] == [
        ("random", 2),
        ("uncertainty", 2),
    ]
    assert (report["objects"], report["replayed"]) == (2, 1)
    figures = {each["figure"]: each for each in report["lessons"][0]["held_out"]}
    assert 1 <= figures["noc85"]["first"] <= 3
    assert json.loads((tmp_path / "report.json").read_text())["lessons"] == report["lessons"]
    picture = cv2.imread(str(tmp_path / "proof.png"))
    assert picture is not None
    assert picture.std() > 1
    said.clear()
    assert prove(plan, tmp_path, said.append)["lessons"] == report["lessons"]
    assert not [line for line in said if "training" in line or "uncertainty of" in line]
    with pytest.raises(SettingsError, match="another plan"):
        prove(Plan(dataset, held_out=3, counts=(1,), clicks=3, weights=str(tiny_weights)), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--counts", "99", "--held-out", "2"], "expected 99 objects to feed"),
        (["--counts", "none"], "invalid literal"),
        (["--orders", "alphabetical"], "--orders of random, uncertainty"),
        (["--only", "zebra"], "found 0 in all"),
    ],
)
def test_what_cannot_be_shown_is_said(
    dataset: str,
    tiny_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main([dataset, "--out", str(tmp_path), "--weights", str(tiny_weights), *arguments]) == 2
    assert message in capsys.readouterr().err
