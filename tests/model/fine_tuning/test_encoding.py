from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Click, Predictor
from model.datasets.objects import EvaluationObject
from model.fine_tuning.encoded import Encoded
from model.fine_tuning.encoding import encode
from model.fine_tuning.remembering import remembering
from model.geometry import View
from model.runtimes.base import Kept
from tests.model.scenes import scene

SIZE = 128


@pytest.fixture(scope="module")
def item() -> EvaluationObject:
    image, mask = scene(4)
    return EvaluationObject("scene", image, mask, np.zeros_like(mask))


def inside(item: EvaluationObject) -> Click:
    rows, columns = np.nonzero(item.truth)
    middle = len(rows) // 2
    return Click(float(columns[middle]), float(rows[middle]), "select")


@pytest.fixture(scope="module")
def encoded(tiny_predictor: Predictor, item: EvaluationObject) -> Callable[..., Encoded]:
    """The object as it is when its outline is clicked."""
    return lambda *clicks, view=0: encode(tiny_predictor, SIZE, item, clicks, view).crops[-1]


def test_the_crops_are_those_that_a_session_has(item: EvaluationObject, tiny_predictor: Predictor) -> None:
    select, far = inside(item), Click(1.0, 1.0, "boundary")
    session = tiny_predictor.start(item.image)
    session.click(select)
    before = session.crop
    session.click(far)
    assert session.crop is not None
    assert session.crop != before, "this click asks for another crop"
    crops = [before, session.crop]
    for crop, found in zip(crops, encode(tiny_predictor, SIZE, item, [select, far], 0).crops, strict=True):
        assert crop is not None
        view = View(crop, SIZE, SIZE)
        assert np.array_equal(found.target, view.extract(item.truth.astype(np.float32)) > 0.5)
        assert found.selection == pytest.approx(view.to_view(select.x, select.y), abs=1e-3)
        assert found.boundary[0] == pytest.approx(view.to_view(far.x, far.y), abs=1e-3)


def test_a_tight_crop_is_added_where_sessions_have_wide_ones(
    item: EvaluationObject, tiny_predictor: Predictor
) -> None:
    rows, columns = np.nonzero(item.truth)
    inside_only = Click(float(columns.mean()), float(rows.mean()), "boundary")
    wide = np.zeros((600, 800, 3), np.uint8)
    truth = np.zeros(wide.shape[:2], bool)
    (
        wide[: item.image.shape[0], : item.image.shape[1]],
        truth[: item.truth.shape[0], : item.truth.shape[1]],
    ) = (
        item.image,
        item.truth,
    )
    small = EvaluationObject("small", wide, truth, np.zeros_like(truth))
    found = encode(tiny_predictor, SIZE, small, [inside(item), inside_only], 0).crops
    assert found[0].target.mean() < 0.05, "the untrained network selects nearly everything"
    assert found[-1].target.mean() > 0.2


def test_the_whole_image_is_encoded_as_the_coarse_pass_sees_it(
    item: EvaluationObject, tiny_predictor: Predictor
) -> None:
    found = encode(tiny_predictor, SIZE, item, [inside(item)], 0, whole=True).whole
    assert found is not None
    assert encode(tiny_predictor, SIZE, item, [inside(item)], 0).whole is None, "not asked for"
    view, logits = tiny_predictor.passes.coarse(item.image, inside(item))
    assert found.target.shape == (view.height, view.width) == logits.shape
    assert found.selected.shape == (view.height // 4, view.width // 4)
    seen = found.first_mask()
    kept = (seen > 0) == (logits > 0)
    assert kept.mean() > 0.9, "the same but for what is cleaned away"
    assert found.selection == pytest.approx(view.to_view(inside(item).x, inside(item).y), abs=1e-3)


def test_what_a_session_has_encoded_is_not_encoded_once_more(
    tiny_predictor: Predictor, item: EvaluationObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    select = tiny_predictor.runtime.select

    def spy(image: NDArray[np.float32], guidance: NDArray[np.float32]) -> tuple[NDArray[np.float32], Kept]:
        seen.append(image.tobytes() + guidance.tobytes())
        return select(image, guidance)

    monkeypatch.setattr(tiny_predictor.runtime, "select", spy)
    far = Click(1.0, 1.0, "boundary")
    size = tiny_predictor.config.crop_size
    look = encode(tiny_predictor, size, item, [inside(item), far], 0, whole=True)
    assert len(look.crops) >= 2
    assert len(seen) == len(set(seen)) >= 3, "the whole image and two crops, each of them once"


def test_another_click_on_the_same_image_is_another_input(
    tiny_predictor: Predictor, item: EvaluationObject
) -> None:
    twin = remembering(tiny_predictor)
    for click in (inside(item), Click(3.0, 3.0, "select"), inside(item)):
        assert np.array_equal(*(who.passes.coarse(item.image, click)[1] for who in (twin, tiny_predictor)))


def test_it_comes_back_from_the_disk_as_it_was(
    encoded: Callable[..., Encoded], item: EvaluationObject, tmp_path: Path
) -> None:
    found = encoded(inside(item))
    found.save(tmp_path / "a.safetensors")
    again = Encoded.load(tmp_path / "a.safetensors")
    for name in ("image", "features", "selected", "target"):
        assert np.array_equal(getattr(found, name), getattr(again, name))
    assert again.selection == pytest.approx(found.selection)


def test_odd_views_are_mirrored_with_their_clicks(
    encoded: Callable[..., Encoded], item: EvaluationObject
) -> None:
    boundary = Click(1.0, inside(item).y, "boundary")
    as_it_is, mirrored = (encoded(inside(item), boundary, view=view) for view in (0, 1))
    assert as_it_is.boundary[0][0] < as_it_is.selection[0]
    assert mirrored.boundary[0][0] > mirrored.selection[0]


def test_clicks_beside_the_image_are_left_out(
    encoded: Callable[..., Encoded], item: EvaluationObject
) -> None:
    assert encoded(inside(item), Click(9999, 3, "boundary")).boundary == ()
