from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from model import Click, InvalidClick, InvalidImage, Predictor, load_predictor, masks, merging
from model.geometry import Box
from model.guidance import Point
from model.inference import Crop, Passes

SAMPLES = Path(__file__).parents[2] / "backend" / "web" / "samples"


def clicks_on(width: int, height: int) -> list[Click]:
    return [
        Click(width / 2 - 0.5, height / 2 - 0.5),
        Click(width * 0.75 - 0.5, height / 2 - 0.5, "boundary"),
        Click(width / 2 - 0.5, height * 0.2 - 0.5, "boundary"),
    ]


def test_a_session_as_documented(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    first = session.click(Click(x=60.0, y=40.0, role="select"))
    assert first.shape == noise_image.shape[:2]
    assert first.dtype == np.bool_
    session.click(Click(x=80.5, y=30.0, role="boundary"))
    assert session.probability.dtype == np.float32
    assert 0 <= session.probability.min() <= session.probability.max() <= 1
    assert np.array_equal(session.probability > 0.5, session.mask)
    assert 0 <= session.score <= 1
    assert np.array_equal(session.undo(), first)
    assert session.clicks == (Click(60.0, 40.0, "select"),)


def test_undo_to_the_beginning_and_beyond(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    session.click(Click(60, 40))
    assert not session.undo().any()
    assert not session.undo().any()
    assert session.crop is None
    session.click(Click(60, 40))
    assert len(session.clicks) == 1


def test_stateless_predict_equals_the_session(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    clicks = clicks_on(121, 90)
    for click in clicks:
        session.click(click)
    prediction = tiny_predictor.predict(noise_image, clicks)
    assert np.array_equal(prediction.mask, session.mask)
    assert np.array_equal(prediction.probability, session.probability)
    assert prediction.crop == session.crop
    assert prediction.score == session.score


def test_a_boundary_click_changes_the_mask(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    before = session.click(Click(60, 40))
    after = session.click(Click(75, 30, "boundary"))
    changed = before ^ after
    assert changed.any(), "the untrained head of the fixture changes the mask"


def test_a_boundary_click_does_not_encode_again_inside_the_crop(
    tiny_predictor: Predictor, noise_image: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    session = tiny_predictor.start(noise_image)
    session.click(Click(60, 40))
    crop = session.crop
    assert crop is not None

    def refuse(*_: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(tiny_predictor._passes, "_encode", refuse)
    session.click(Click(61, 41, "boundary"))
    assert session.crop == crop


def test_a_boundary_click_outside_the_crop_enlarges_it(tiny_predictor: Predictor):
    image = np.full((400, 400, 3), 128, np.uint8)
    mask = np.zeros((400, 400), bool)
    mask[20:40, 20:40] = True
    session = tiny_predictor.start(image, mask)
    session.click(Click(30, 20, "boundary"))
    small = session.crop
    assert not small.contains(300, 350)
    session.click(Click(300, 350, "boundary"))
    assert session.crop.contains(300, 350)
    assert session.crop.contains(20, 20)
    session.undo()
    assert session.crop == small


def test_starting_from_a_mask_keeps_it_where_nothing_was_clicked(
    tiny_predictor: Predictor, noise_image: np.ndarray
):
    mask = np.zeros((90, 121), bool)
    mask[20:60, 30:70] = True
    mask[85, 118] = True
    session = tiny_predictor.start(noise_image, mask)
    assert np.array_equal(session.mask, mask)
    after = session.click(Click(70, 40, "boundary"))
    assert after[85, 118], "a part away from the click stays to the pixel"
    assert np.array_equal(session.undo(), mask)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (2, 3), (33, 17), (301, 7)])
def test_any_size(tiny_predictor: Predictor, shape: tuple[int, int]):
    height, width = shape
    image = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    session = tiny_predictor.start(image)
    session.click(Click(-0.5, -0.5))
    assert session.click(Click(width - 0.5, height - 0.5, "boundary")).shape == shape


def test_a_mask_of_one_pixel_can_be_repaired(tiny_predictor: Predictor, noise_image: np.ndarray):
    mask = np.zeros((90, 121), bool)
    mask[0, 120] = True
    session = tiny_predictor.start(noise_image, mask)
    session.click(Click(119, 1, "boundary"))
    assert session.crop.contains(120, 0)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(points=st.lists(st.tuples(st.floats(-0.5, 120.5), st.floats(-0.5, 89.5)), min_size=1, max_size=4))
def test_any_clicks_inside_the_image_are_answered_and_undone(
    tiny_predictor: Predictor, noise_image: np.ndarray, points: list[tuple[float, float]]
):
    session = tiny_predictor.start(noise_image)
    answers = [session.click(Click(x, y, "boundary" if i else "select")) for i, (x, y) in enumerate(points)]
    for answer in reversed(answers[:-1]):
        assert np.array_equal(session.undo(), answer)


@pytest.mark.parametrize(
    ("clicks", "said"),
    [
        ([], "at least one"),
        ([Click(500, 0)], "inside the 121 x 90 image"),
        ([Click(5, 5, "boundary")], "selection click first"),
        ([Click(5, 5), Click(6, 6)], "start a new session"),
        ([Click(5, 5, "positive")], "select and boundary"),
        ([Click(5, 5), Click(6, 6, "negative")], "select and boundary"),
    ],
)
def test_clicks_that_make_no_sense(
    tiny_predictor: Predictor, noise_image: np.ndarray, clicks: list[Click], said: str
):
    with pytest.raises(InvalidClick, match=said):
        tiny_predictor.predict(noise_image, clicks)


def test_a_refused_click_changes_nothing(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    mask = session.click(Click(60, 40))
    with pytest.raises(InvalidClick):
        session.click(Click(999, 40, "boundary"))
    assert np.array_equal(session.mask, mask)
    assert len(session.clicks) == 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_image(tiny_predictor: Predictor, image: np.ndarray):
    with pytest.raises(InvalidImage, match=r"\(H, W, 3\) uint8"):
        tiny_predictor.start(image)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.ones((4, 4), bool), "like the image"),
        (np.zeros((90, 121), bool), "empty mask"),
        (np.ones((90, 121), np.float32), "bool"),
    ],
)
def test_masks_that_do_not_fit(
    tiny_predictor: Predictor, noise_image: np.ndarray, mask: np.ndarray, said: str
):
    with pytest.raises(InvalidImage, match=said):
        tiny_predictor.start(noise_image, mask)


def test_selection_click_on_an_existing_mask_is_refused(tiny_predictor: Predictor, noise_image: np.ndarray):
    with pytest.raises(InvalidClick, match="without a mask"):
        tiny_predictor.start(noise_image, np.ones((90, 121), bool)).click(Click(5, 5))


def test_memory_is_counted(tiny_predictor: Predictor, noise_image: np.ndarray):
    session = tiny_predictor.start(noise_image)
    empty = session.nbytes
    assert empty >= noise_image.nbytes
    session.click(Click(60, 40))
    one = session.nbytes
    session.click(Click(61, 41, "boundary"))
    assert empty < one < session.nbytes


def test_the_shipped_weights_load():
    predictor = load_predictor()
    assert predictor.version.startswith("default-")
    assert predictor.config.name == "default"


@pytest.fixture
def still_predictor(tiny_weights: Path) -> Predictor:
    """A predictor whose head corrects nothing."""
    predictor = load_predictor(tiny_weights)
    head = predictor.runtime.network.refinement
    torch.nn.init.zeros_(head.correct.weight)
    torch.nn.init.zeros_(head.correct.bias)
    return predictor


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
    assert np.array_equal(session.click(Click(19999, 1.5, "boundary")), before)


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


def test_a_box_replaces_the_search_for_the_object(still_predictor: Predictor):
    photo = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    box = Box(60, 40, 160, 120)
    session = still_predictor.start(photo, box=box)
    session.click(Click(100, 80))
    padding = round(100 * still_predictor.config.crop_padding)
    assert session.crop == Box(60 - padding, 80 - 50 - padding, 160 + padding, 80 + 50 + padding)
    beside = still_predictor.start(photo, box=box)
    beside.click(Click(250, 80))
    assert beside.crop is not None
    assert beside.crop.contains(250, 80)
    assert np.array_equal(still_predictor.predict(photo, [Click(100, 80)], box=box).mask, session.mask)


def test_a_box_beyond_the_image_is_refused(still_predictor: Predictor):
    photo = np.zeros((200, 300, 3), np.uint8)
    with pytest.raises(InvalidImage, match="box: expected one on the image of 300 x 200"):
        still_predictor.start(photo, box=Box(300, 0, 310, 10))


SAUCER_OUTLINE = [(82.0, 215.0), (283.0, 388.0), (350.0, 385.0), (405.0, 370.0)]


def test_the_shipped_head_draws_the_contour_to_a_click_on_the_outline():
    predictor = load_predictor()
    assert predictor.training["stage"] == "sessions"
    session = predictor.start(np.asarray(Image.open(SAMPLES / "coffee.jpg").convert("RGB")))
    session.click(Click(265, 116))

    def off(point: tuple[float, float]) -> float:
        return abs(float(masks.outward_distance(session.mask)[round(point[1]), round(point[0])]))

    worst = max(SAUCER_OUTLINE, key=off)
    before, crop, mask = off(worst), session.crop, session.mask
    assert before > 4, "the selection is not perfect here; choose another photo when it has become so"
    after = session.click(Click(*worst, "boundary"))
    assert session.crop == crop, "the mask changes because of the head, not because of a new crop"
    assert off(worst) < before
    assert np.count_nonzero(after ^ mask) > 100
