import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.geometry import Box, View, square_window

SIDES = st.integers(1, 5000)
FRACTIONS = st.floats(0, 1, allow_nan=False)


@given(width=SIDES, height=SIDES, at_x=FRACTIONS, at_y=FRACTIONS, size=st.sampled_from([128, 320, 512]))
def test_whole_view_holds_the_image_and_maps_there_and_back(width, height, at_x, at_y, size):
    view = View.whole(width, height, size, 32)
    assert view.width % 32 == 0
    assert view.height % 32 == 0
    assert max(view.width, view.height) == size
    assert view.box.right >= width
    assert view.box.bottom >= height
    point = (at_x * width - 0.5, at_y * height - 0.5)
    seen = view.to_view(*point)
    assert -0.5001 <= seen[0] <= view.width - 0.4999
    assert -0.5001 <= seen[1] <= view.height - 0.4999
    assert view.to_image(*seen) == pytest.approx(point, abs=1e-6)


@given(
    left=st.integers(-100, 100),
    top=st.integers(-100, 100),
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    padding=st.floats(0, 1),
)
def test_square_window_is_square_and_holds_the_box(left, top, width, height, padding):
    box = Box(left, top, left + width, top + height)
    window = square_window(box, padding, 24)
    assert window.width == window.height >= max(24, width * (1 + 2 * padding), height * (1 + 2 * padding))
    assert window.union(box) == window


@given(left=st.integers(-50, 3000), top=st.integers(-50, 3000), width=st.integers(900, 3000))
def test_a_large_window_can_be_halved_twice_with_the_photo(left: int, top: int, width: int):
    box = Box(left, top, left + width, top + 100)
    window = square_window(box, 0.2, 24)
    assert window.union(box) == window
    if window.width >= 1280:
        assert [edge % 4 for edge in (window.left, window.top, window.right, window.bottom)] == [0] * 4


def test_extract_at_native_resolution_copies_pixels_and_fills_the_rest():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    cut = View(Box(-1, -1, 3, 3), 4, 4).extract(image, fill=9)
    assert cut.tolist() == [[9, 9, 9, 9], [9, 0, 1, 2], [9, 3, 4, 5], [9, 9, 9, 9]]


def test_extract_averages_when_it_shrinks():
    image = np.array([[0, 100], [100, 200]], np.uint8)
    assert View(Box(0, 0, 2, 2), 1, 1).extract(image).tolist() == [[100]]


def test_extract_sees_every_pixel_when_it_shrinks_by_less_than_two():
    image = np.zeros((30, 30), np.float32)
    image[:, ::5] = 1
    seen = View(Box(0, 0, 30, 30), 16, 16).extract(image)
    assert (seen.max(axis=0) > 0).sum() >= 6
    assert seen.mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    "box",
    [Box(-8, -16, 56, 48), Box(-9, -16, 55, 48), Box(0, 0, 80, 80), Box(13, 11, 77, 75), Box(0, 0, 75, 75)],
)
def test_extract_sees_the_same_whether_it_is_padded_before_or_after_it_is_halved(box: Box):
    image = np.random.default_rng(0).integers(0, 255, (60, 50, 3)).astype(np.uint8)
    canvas = np.full((160, 160, 3), 127, np.uint8)
    canvas[40:100, 40:90] = image
    whole = canvas[box.top + 40 : box.bottom + 40, box.left + 40 : box.right + 40]
    side = box.width // 4 if box.width % 4 == 0 else 15
    expected = cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA)
    seen = View(box, side, side).extract(image, fill=(127.0, 127.0, 127.0))
    assert np.abs(seen.astype(int) - expected).max() <= 1  # each halving rounds


def test_a_large_photo_is_not_copied_to_be_seen_whole():
    image = np.zeros((1200, 1600, 3), np.uint8)
    view = View.whole(1600, 1200, 320, 32)
    tracemalloc.start()
    view.extract(image, (127.0, 127.0, 127.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < image.nbytes / 2


@given(width=st.integers(32, 5000), height=st.integers(32, 5000))
def test_the_whole_view_hardly_distorts(width: int, height: int):
    view = View.whole(width, height, 320, 32)
    across, down = view.width / view.box.width, view.height / view.box.height
    assert across == pytest.approx(down, rel=0.12)
    if min(width, height) >= 640:
        assert across == pytest.approx(down, rel=0.02)


def test_extract_keeps_colour_channels_and_their_fill():
    image = np.full((2, 2, 3), 50, np.uint8)
    cut = View(Box(-2, 0, 2, 2), 2, 4).extract(image, fill=(1.0, 2.0, 3.0))
    assert cut[0, 0].tolist() == [1, 2, 3]
    assert cut[0, 3].tolist() == [50, 50, 50]


def test_paste_is_the_inverse_of_extract_where_both_see():
    canvas = np.zeros((5, 6), np.float32)
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    View(Box(-1, 2, 3, 6), 4, 4).paste(values, canvas)
    assert canvas[2:5, 0:3].tolist() == values[0:3, 1:4].tolist()
    assert canvas[:2].sum() == 0
    assert canvas[:, 3:].sum() == 0


def test_a_blob_stays_where_it_is_through_shrinking_and_pasting():
    image = np.zeros((300, 400), np.float32)
    image[100:160, 200:300] = 1
    view = View(Box(150, 50, 350, 250), 64, 64)
    canvas = np.zeros_like(image)
    view.paste(view.extract(image).astype(np.float32), canvas)
    rows, columns = np.nonzero(canvas > 0.5)
    assert (rows.mean(), columns.mean()) == pytest.approx((129.5, 249.5), abs=0.6)


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((3000, 4000), Box(-696, -1104, 4720, 4312)),  # larger than what is padded
        ((3000, 4000), Box(-536, -940, 4348, 3944)),
        ((2999, 3999), Box(-537, -941, 4347, 3943)),
        ((300, 4000), Box(-640, -2489, 4640, 2791)),  # mostly beyond
        ((4000, 300), Box(-2400, -620, 2840, 4620)),
        ((1225, 1633), Box(-200, -300, 1804, 1704)),
        ((1000, 1500), Box(100, 100, 1000, 1000)),
    ],
)
def test_an_edge_comes_back_where_it_was_on_every_way(size: tuple[int, int], box: Box):
    rows, columns = size
    across, down = columns // 2 + 7, rows // 2 - 11
    view = View(box, 320, 320)
    cell = box.width / 320
    image = np.zeros((*size, 3), np.uint8)
    image[:, across:] = 255
    column = view.extract(image)[160, :, 0].astype(float)
    assert column.sum() / 255 == pytest.approx((min(columns, box.right) - across) / cell, abs=0.15)
    image[:] = 0
    image[down:] = 255
    row = view.extract(image)[:, 160, 0].astype(float)
    assert row.sum() / 255 == pytest.approx((min(rows, box.bottom) - down) / cell, abs=0.15)

    at = view.to_view(across - 0.5, down - 0.5)
    for axis in (0, 1):
        ramp = np.arange(320, dtype=np.float32) - at[axis]
        logits = np.ascontiguousarray(np.broadcast_to(ramp[None] if axis == 0 else ramp[:, None], (320, 320)))
        canvas = np.full(size, -1, np.float32)
        view.paste(logits, canvas)
        line = canvas[rows // 2] if axis == 0 else canvas[:, columns // 2]
        assert abs(int(np.argmax(line > 0)) - (across, down)[axis]) <= 1


@pytest.mark.parametrize("ratio", [1.3, 1.7, 1.95, 1.99])
def test_a_line_of_a_mask_is_seen_wherever_it_lies(ratio: float):
    side = round(320 * ratio)
    view = View(Box(0, 0, side, side), 320, 320)
    for column in range(50, 90):
        mask = np.zeros((side, side), np.float32)
        mask[:, column] = 1
        assert view.extract(mask).max() >= 0.25


@pytest.mark.parametrize("box", [(3, 0, 3, 1), (0, 2, 1, 1)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ValueError, match="left < right"):
        Box(*box)


def test_box_of_a_mask():
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = mask[3, 4] = True
    assert Box.of_mask(mask) == Box(2, 1, 5, 4)
    with pytest.raises(ValueError, match="empty mask"):
        Box.of_mask(np.zeros((2, 2), bool))


def test_contains_counts_whole_pixels():
    box = Box(0, 0, 4, 4)
    assert box.contains(3.5, -0.5)
    assert not box.contains(3.6, 0)
    assert not box.contains(3.5, 2, margin=0.1)


@pytest.mark.parametrize("shape", [(1, 30000), (30000, 2)])
def test_long_thin_images_are_not_padded_to_squares(shape: tuple[int, int]):
    height, width = shape
    image = np.full((height, width, 3), 200, np.uint8)
    view = View(square_window(Box(0, 0, width, height), 0.2, 24), 320, 320)
    tracemalloc.start()
    seen = view.extract(image, fill=(0.0, 0.0, 0.0))
    canvas = np.zeros(shape, np.float32)
    view.paste(np.ones((80, 80), np.float32), canvas)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen.shape == (320, 320, 3)
    assert (seen == 200).any()
    assert (canvas == 1).all()
    assert peak < 20 * image.nbytes + 4_000_000


def test_a_box_of_network_pixels_in_the_image():
    view = View(Box(10, 20, 50, 60), 20, 20)
    assert view.box_to_image(Box(0, 0, 20, 20)) == view.box
    assert view.box_to_image(Box(1, 2, 3, 5)) == Box(12, 24, 16, 30)
    assert View(Box(0, 0, 5, 5), 4, 4).box_to_image(Box(1, 1, 2, 2)) == Box(1, 1, 3, 3)


@pytest.mark.parametrize("side", [147, 281, 294, 525, 533, 549, 640])
def test_the_long_side_gets_no_padding_from_rounding(side: int):
    assert View.whole(side, 3, 320, 32).width == 320
    assert View.whole(3, side, 320, 32).height == 320
