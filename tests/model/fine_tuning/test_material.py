"""The files of encoded objects: which there are, and what an interruption leaves of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from model import Predictor
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError
from model.fine_tuning import material
from model.fine_tuning.encoded import Encoded
from model.fine_tuning.encoding import encode
from model.fine_tuning.material import Files, Looks, encode_all
from tests.model.scenes import scene

SIZE, COUNT, DAMAGED = 128, 5, 2


class OneDamaged(Sequence[EvaluationObject]):
    """Scenes, one of which cannot be read."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index):
        if index == DAMAGED:
            raise DatasetError("damaged")
        image, truth = scene(index)
        return EvaluationObject(f"{index}.png", image, truth, np.zeros_like(truth))


def silent(_done: int) -> None:
    """Nobody is told."""


@pytest.fixture(autouse=True)
def looked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, bool]]:
    """Every object that is encoded: its name, its view, whether in the whole image, too."""
    seen: list[tuple[str, int, bool]] = []

    def spy(shipped, size, item, clicks, view, *, whole=False):
        seen.append((item.name, view, whole))
        return encode(shipped, size, item, clicks, view, whole=whole)

    monkeypatch.setattr(material, "encode", spy)
    return seen


def flat(files: Sequence[Files]) -> list[Path]:
    return [path for each in files for path in (*each.whole, *each.crops)]


def test_some_objects_are_seen_whole_and_damaged_ones_are_left_out(
    tiny_predictor: Predictor, tmp_path: Path, looked: list[tuple[str, int, bool]]
) -> None:
    told: list[int] = []
    looks = Looks(OneDamaged(), views=2, whole=2)
    kind = encode_all(tiny_predictor, SIZE, looks, tmp_path, told.append)
    assert list(looks.picked) == [0, 3]
    assert (kind.damaged, told[-1], looks.total) == (1, 2 * COUNT, 2 * COUNT)
    assert looked == [(f"{i}.png", v, v == 0 and i in (0, 3)) for i in (0, 1, 3, 4) for v in (0, 1)]
    assert [len(views) for views in kind.views] == [2, 2, 0, 2, 2]
    assert [[len(files.whole) for files in views] for views in kind.views] == [
        [1, 0],
        [0, 0],
        [],
        [1, 0],
        [0, 0],
    ]
    assert kind.first_masks == flat([kind.views[0][0], kind.views[3][0]])
    assert sorted(kind.all) == sorted(set(tmp_path.glob("*.safetensors"))), "and nothing else"
    assert set(kind.clicked) == set(kind.all) - {path for v in kind.views for f in v for path in f.whole}
    (whole,) = kind.views[0][0].whole
    view = tiny_predictor.passes.whole_view(OneDamaged()[0].image.shape[:2])
    assert Encoded.load(whole).target.shape == (view.height, view.width)


def test_what_is_there_is_not_encoded_again_and_what_is_damaged_is(
    tiny_predictor: Predictor, tmp_path: Path, looked: list[tuple[str, int, bool]]
) -> None:
    objects = OneDamaged()
    first = encode_all(tiny_predictor, SIZE, Looks(objects, whole=2), tmp_path, silent)
    looked.clear()
    assert encode_all(tiny_predictor, SIZE, Looks(objects, whole=2), tmp_path, silent).views == first.views
    fewer = encode_all(tiny_predictor, SIZE, Looks(objects, whole=1), tmp_path, silent)
    assert looked == [], "what was seen whole serves those who do not ask for it"
    assert (fewer.clicked, fewer.views[3][0].whole) == (first.clicked, [])
    more = encode_all(tiny_predictor, SIZE, Looks(objects, whole=COUNT), tmp_path, silent)
    assert looked == [("1.png", 0, True), ("4.png", 0, True)]
    looked.clear()
    (whole,) = more.views[0][0].whole
    whole.write_bytes(whole.read_bytes()[:100])
    more.views[1][0].crops[0].unlink()
    again = encode_all(tiny_predictor, SIZE, Looks(objects, whole=COUNT), tmp_path, silent)
    assert looked == [("0.png", 0, True), ("1.png", 0, True)]
    assert again.views == more.views
    assert Encoded.load(whole).target.any()


def test_nothing_is_nothing(tiny_predictor: Predictor, tmp_path: Path) -> None:
    kind = encode_all(tiny_predictor, SIZE, Looks([], whole=100), tmp_path, silent)
    assert (kind.all, kind.first_masks, kind.damaged) == ([], [], 0)
