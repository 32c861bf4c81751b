import math

import numpy as np
import pytest
import torch

from model.guidance import gaussian_map, refinement_guidance


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
    assert torch.equal(gaussian_map([], (3, 4), 10.0), torch.zeros(3, 4))


def square_logits() -> np.ndarray:
    logits = np.full((64, 64), -4, np.float32)
    logits[16:48, 16:48] = 4
    return logits


def test_refinement_guidance_tells_what_the_head_needs():
    outside, inside = (60.0, 32.0), (20.0, 32.0)
    maps = refinement_guidance(square_logits(), [outside, inside], (32.0, 32.0), 10.0)
    assert maps.shape == (6, 16, 16)
    narrow, wide, signed, newest, selection, probability = maps
    assert narrow[8, 15] > 0.8
    assert wide.sum() > narrow.sum()
    assert signed[8, 15] > 0 > signed[8, 5], "outside the mask it must grow, inside it must shrink"
    assert newest[8, 5] > 0.8
    assert newest[8, 15] < 0.1
    assert selection.argmax() in (7 * 16 + 7, 7 * 16 + 8, 8 * 16 + 7, 8 * 16 + 8)
    assert probability[8, 8].item() == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)


def test_a_click_on_the_contour_has_hardly_a_sign():
    signed = refinement_guidance(square_logits(), [(47.5, 32.0)], None, 10.0)[2]
    assert signed.abs().max() < 0.05


def test_clicks_and_selection_beyond_the_crop_are_no_error():
    maps = refinement_guidance(square_logits(), [(-200.0, 500.0)], (999.0, -999.0), 10.0)
    assert torch.isfinite(maps).all()
    assert maps[0].max() < 1e-6


def test_without_clicks_only_the_mask_is_told():
    maps = refinement_guidance(square_logits(), [], None, 10.0)
    assert not maps[:5].any()
    assert maps[5].any()
