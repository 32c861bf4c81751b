from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model import Click, Predictor, load_predictor, masks, reselection
from model.geometry import Box
from tests.model.scenes import scene

SAMPLES = Path(__file__).parents[2] / "backend" / "web" / "samples"
coordinates = st.floats(0, 4000)
points = st.tuples(coordinates, coordinates)


@given(points, st.lists(points, min_size=1, max_size=5))
def test_windows_hold_all_clicks_well_inside(
    selection: tuple[float, float], boundary: list[tuple[float, float]]
):
    click, clicks = Click(*selection), [Click(x, y, "boundary") for x, y in boundary]
    reach = reselection.farthest(click, clicks)
    windows = reselection.windows(click, reach, (100_000, 100_000))
    assert [w.width for w in windows] == sorted(w.width for w in windows)
    for window in windows:
        assert window.width == window.height
        assert abs((window.left + window.right) / 2 - click.x) <= 1.5
        for each in (click, *clicks):
            assert window.contains(each.x, each.y, margin=0.1 * reach)


def test_no_window_is_larger_than_the_image():
    windows = reselection.windows(Click(50, 60), 90, (300, 400))
    assert windows == [Box(-94, -84, 194, 204), Box(0, -50, 400, 350)]
    assert reselection.windows(Click(50, 60), 399, (300, 400)) == [Box(0, -50, 400, 350)]


@pytest.mark.parametrize(
    ("outward", "reach", "area", "side", "far"),
    [
        (-80, 100, 90000, 400, True),  # inside, near the selection click: a part of the mask is meant
        (-60, 100, 90000, 400, False),  # nearer to the contour: an error to repair
        (-7, 8, 90000, 400, False),  # a hand's unsteadiness on this crop
        (-60, 3, 90000, 400, False),  # a double click
        (140, 300, 10000, 400, True),  # outside, farther than the mask is wide: it is a part of the object
        (120, 300, 10000, 400, False),
    ],
)
def test_far_clicks(outward: float, reach: float, area: float, side: float, far: bool):
    assert (reselection.is_error(outward, side) and reselection.is_far(outward, reach, area)) is far


def test_a_far_click_selects_the_part_that_it_outlines():
    predictor = load_predictor()
    photo = np.asarray(Image.open(SAMPLES / "cat.jpg").convert("RGB"))
    selection, outline = Click(263, 109), Click(317, 109, "boundary")  # in the cat's face, and beside it

    def off(mask: np.ndarray) -> float:
        return abs(float(masks.outward_distance(mask)[109, 317]))

    session = predictor.start(photo)
    whole, crop = session.click(selection), session.crop
    assert off(whole) > 40, "the whole cat is selected here; choose another photo when it is not"
    part = session.click(outline)
    assert session.crop is not None
    assert crop is not None
    assert session.crop.width < crop.width, "seen from nearer"
    assert part[109, 263]
    assert off(part) < 20
    assert np.count_nonzero(part & ~whole) < 0.02 * np.count_nonzero(part)
    session.take_back(1)
    assert np.array_equal(session.mask, whole)
    assert np.array_equal(session.click(outline), part)

    whole_outline = [Click(31, 180, "boundary"), Click(250, 8, "boundary")]
    back = part
    for click in whole_outline:
        back = session.click(click)
    assert masks.intersection_over_union(back, whole) > 0.7, "it was the cat after all"

    given = predictor.start(photo, mask=whole)
    kept = given.click(outline)
    assert np.count_nonzero(kept) > 0.8 * np.count_nonzero(whole), "a mask that was given says what is meant"


@pytest.mark.parametrize(("surprise", "again"), [(0.9, False), (0.75, False), (0.6, True)])
def test_the_first_selection_comes_back_only_if_it_is_far_less_surprised(
    tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch, surprise: float, again: bool
):
    image, _ = scene(3)
    session = tiny_predictor.start(image)
    session.click(Click(60, 60))
    first, nearer = session.state, tiny_predictor.start(image, box=Box(40, 40, 80, 80))
    nearer.click(Click(60, 60))
    assert first is not None
    assert nearer.state is not None
    after = replace(nearer.state, surprise=100.0)
    monkeypatch.setattr(reselection, "is_error", lambda *_: True)
    monkeypatch.setattr(reselection, "is_far", lambda *_: False)
    monkeypatch.setattr(
        session, "_replayed", lambda state, _known, _clicks: replace(state, surprise=surprise * 100)
    )
    chosen = session._likeliest(nearer.state, after, [Click(62, 70, "boundary")])
    assert (chosen.crop is first.crop) is again
