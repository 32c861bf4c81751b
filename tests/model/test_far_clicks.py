"""Clicks beyond the crop: it is widened, and the mask reaches to them."""

from collections.abc import Sequence

import numpy as np
import pytest

from model import Click, Predictor, masks, merging
from model.geometry import Box
from model.guidance import Point
from model.inference import Crop, Passes


@pytest.fixture
def unbent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contours are not bent to clicks."""
    monkeypatch.setattr(
        merging, "snap_to_click", lambda logits, _click: (logits, np.zeros(logits.shape, bool))
    )


@pytest.mark.parametrize("mask", [(slice(200, 204), slice(200, 2200)), (slice(200, 204), slice(200, 204))])
def test_a_mask_thinner_than_a_cell_reaches_as_far_as_it_is_clicked(
    still_predictor: Predictor, mask: tuple[slice, slice]
):
    start = np.zeros((1500, 4000), bool)
    start[mask] = True
    session = still_predictor.start(np.zeros((1500, 4000, 3), np.uint8), start)
    after = session.click(Click(3500, 1200, "boundary"))
    assert abs(masks.outward_distance(after)[1200, 3500]) <= 40, "a cell of the crop that holds both"
    assert not (start & ~after).any()


@pytest.mark.usefixtures("unbent")
@pytest.mark.parametrize("click", [(7990, 5990), (7000, 200), (7900, 10)])
def test_a_click_far_from_a_small_object_on_a_large_photo(still_predictor: Predictor, click: tuple[int, int]):
    image = np.zeros((6000, 8000, 3), np.uint8)
    mask = np.zeros((6000, 8000), bool)
    mask[10:14, 10:14] = True
    session = still_predictor.start(image, mask)
    session.click(Click(12, 10, "boundary"))
    session.click(Click(*click, "boundary"))
    assert session.crop.contains(*click)
    assert np.array_equal(session.mask, mask)


def test_a_far_click_on_a_long_thin_image(still_predictor: Predictor):
    session = still_predictor.start(np.zeros((2, 20000, 3), np.uint8))
    before = session.click(Click(0, 0))
    after = session.click(Click(19999, 1.5, "boundary"))
    assert not (before & ~after).any()
    assert after[:, 19000:].any(), "within a cell or two of the click"


def test_a_mask_reaches_as_far_as_it_is_clicked(still_predictor: Predictor):
    photo = np.random.default_rng(2).integers(0, 255, (700, 900, 3), dtype=np.uint8)
    mask = np.zeros((700, 900), bool)
    mask[100:180, 100:190] = True
    session = still_predictor.start(photo, mask)
    after = session.click(Click(700, 600, "boundary"))
    assert abs(masks.outward_distance(after)[600, 700]) <= 8, "a cell of the crop that holds both"
    assert not (mask & ~after).any()
    assert masks.components(after)[1].size == 1


@pytest.mark.usefixtures("unbent")
def test_enlarging_the_crop_changes_nothing_by_itself(still_predictor: Predictor):
    photo = np.random.default_rng(2).integers(0, 255, (700, 900, 3), dtype=np.uint8)
    mask = np.zeros((700, 900), bool)
    mask[100:180, 100:190] = True
    session = still_predictor.start(photo, mask)
    session.click(Click(150, 100, "boundary"))
    first = session.crop
    session.click(Click(880, 690, "boundary"))
    assert session.crop != first
    assert np.array_equal(session.mask, mask)


@pytest.mark.usefixtures("unbent")
def test_a_widened_crop_changes_nothing_of_what_clicks_have_made(
    still_predictor: Predictor, monkeypatch: pytest.MonkeyPatch
):
    photo = np.random.default_rng(2).integers(0, 255, (2000, 2400, 3), dtype=np.uint8)
    session = still_predictor.start(photo, box=Box(100, 100, 700, 640))
    session.click(Click(150, 370))
    crop = session.crop
    assert crop is not None

    def with_a_hole(_self: Passes, _crop: Crop, logits: np.ndarray, *_: object) -> np.ndarray:
        after = np.full_like(logits, -5)
        after[40:90, 15:122] = 5
        after[60:70, 98:108] = -5
        return after

    monkeypatch.setattr(Passes, "correct", with_a_hole)
    scale = crop.width / 128
    before = session.click(Click(crop.left + 20 * scale, crop.top + 40 * scale, "boundary"))
    assert session.crop == crop
    assert masks.components(~before)[1].size == 2
    monkeypatch.setattr(Passes, "correct", lambda _self, _crop, logits, *_: logits)
    after = session.click(Click(2380, 1990, "boundary"))
    assert session.crop != crop
    assert np.array_equal(after, before)


@pytest.mark.usefixtures("unbent")
@pytest.mark.parametrize("from_mask", [False, True])
def test_a_stray_part_of_an_answer_is_dropped_unless_a_mask_was_given(
    still_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, from_mask: bool
):
    """In a crop that was widened, too."""
    photo = np.random.default_rng(2).integers(0, 255, (700, 900, 3), dtype=np.uint8)
    mask = np.zeros((700, 900), bool)
    mask[100:180, 100:190] = True
    session = still_predictor.start(photo, mask if from_mask else None, box=Box(100, 100, 190, 180))
    session.click(Click(145, 100, "boundary") if from_mask else Click(145, 140))
    first = session.crop
    before = session.click(Click(880, 690, "boundary"))
    assert session.crop != first

    def with_a_blob(
        _self: Passes, _crop: Crop, logits: np.ndarray, points: Sequence[Point], _: Point
    ) -> np.ndarray:
        x, y = (round(value) for value in points[-1])
        away = round(0.15 * len(logits))
        after = logits.copy()
        after[y - 9 : y + 1, x - 9 : x + 1] = 5  # its contour goes through the click
        after[y - away - 4 : y - away + 5, x - away - 4 : x - away + 5] = 5
        return after

    monkeypatch.setattr(Passes, "correct", with_a_blob)
    after = session.click(Click(870, 680, "boundary"))
    added = after & ~before
    assert added[640:690, 830:880].any()
    assert added[400:580, 600:780].any() == from_mask
