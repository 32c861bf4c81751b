from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from model import Click, InvalidClick, InvalidImage, Predictor, load_predictor, masks
from model.geometry import Box

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
