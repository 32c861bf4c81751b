import math

import numpy as np
import pytest

from model.guidance import gaussian_map, refinement_guidance
from model.networks.maps import GUIDANCE


def test_gaussian_map_has_the_paper_s_values():
    guidance = gaussian_map([(30.0, 20.0)], (50, 70), 10.0)
    assert guidance.shape == (50, 70)
    assert guidance[20, 30] == 1.0
    assert guidance[20, 40].item() == pytest.approx(math.exp(-0.5))
    assert guidance[30, 40].item() == pytest.approx(math.exp(-1.0))


def test_gaussian_map_between_pixels_and_beyond_the_map():
    assert gaussian_map([(1.5, 0.0)], (1, 4), 1.0)[0, 1].item() == pytest.approx(math.exp(-0.125))
    assert gaussian_map([(-10.0, 0.0)], (1, 4), 10.0)[0, 0].item() == pytest.approx(math.exp(-0.5))


def test_overlapping_gaussians_keep_the_larger_magnitude_and_its_sign():
    guidance = gaussian_map([(0.0, 0.0), (2.0, 0.0)], (1, 3), 1.0, amplitudes=[1.0, -0.5])
    assert guidance[0, 0].item() == pytest.approx(1.0)
    assert guidance[0, 2].item() == pytest.approx(-0.5)
    assert guidance[0, 1].item() == pytest.approx(math.exp(-0.5))


def test_each_point_may_have_its_own_sigma():
    guidance = gaussian_map([(0.0, 0.0), (10.0, 0.0)], (1, 11), [1.0, 2.0])
    assert guidance[0, 1].item() == pytest.approx(math.exp(-0.5))
    assert guidance[0, 8].item() == pytest.approx(math.exp(-0.5))


def test_no_points_no_guidance():
    assert np.array_equal(gaussian_map([], (3, 4), 10.0), np.zeros((3, 4)))


def square_logits() -> np.ndarray:
    logits = np.full((64, 64), -4, np.float32)
    logits[16:48, 16:48] = 4
    return logits


def maps_of(
    clicks: list[tuple[float, float]], selection: tuple[float, float] | None
) -> dict[str, np.ndarray]:
    maps = refinement_guidance(square_logits(), clicks, selection, 10.0)
    assert maps.shape == (len(GUIDANCE), 16, 16)
    return dict(zip(GUIDANCE, maps, strict=True))


def test_refinement_guidance_tells_what_the_head_needs():
    missing, surplus = (60.0, 32.0), (20.0, 32.0)
    maps = maps_of([missing, surplus], (32.0, 32.0))
    assert maps["clicks"][8, 15] > 0.8
    assert maps["reach"].sum() > maps["clicks"].sum()
    assert maps["sign"][8, 15] > 0 > maps["sign"][8, 5], (
        "outside the mask it must grow, inside it must shrink"
    )
    assert maps["newest"][8, 5] > 0.8
    assert maps["newest"][8, 15] < 0.1
    assert maps["selection"].argmax() in (7 * 16 + 7, 7 * 16 + 8, 8 * 16 + 7, 8 * 16 + 8)
    assert maps["mask"][8, 8].item() == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)


def test_both_sides_of_a_click_are_marked():
    maps = maps_of([(60.0, 32.0)], None)  # 12.5 px to the right of the mask: its right neighbours are outside
    assert maps["newest inside"].argmax() % 16 == 13
    assert maps["newest outside"].argmax() % 16 == 15
    assert np.array_equal(maps["inside"], maps["newest inside"])
    both = maps_of([(60.0, 32.0), (32.0, 20.0)], None)
    assert both["inside"].sum() > both["newest inside"].sum()


def test_a_click_on_the_contour_has_hardly_a_sign():
    assert np.abs(maps_of([(47.5, 32.0)], None)["sign"]).max() < 0.05


def test_clicks_and_selection_beyond_the_crop_are_no_error():
    maps = maps_of([(-200.0, 500.0)], (999.0, -999.0))
    assert all(np.isfinite(m).all() for m in maps.values())
    assert maps["clicks"].max() < 1e-6


def test_without_clicks_only_the_mask_is_told():
    maps = maps_of([], None)
    assert maps.pop("mask").any()
    assert not any(m.any() for m in maps.values())
