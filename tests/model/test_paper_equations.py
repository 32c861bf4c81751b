"""The paper's equations and constants against values computed by hand; section numbers are the paper's.

Elsewhere: Gaussian map, test_guidance.py; Eq. 5 and convex shapes, test_simulation.py; Eq. 4 and RoIAlign,
test_paper_networks.py; sampling of refinement clicks, training/test_clicking.py; weight around clicks,
training/test_paper_training.py.
"""

import math

import numpy as np
import pytest
import torch

from model import masks, simulation
from model.evaluation.figures import clicks_to
from model.evaluation.loop import CLICKS
from model.losses import TAU, K, boundary_aware_weight, class_balanced_cross_entropy
from model.reproduction.scales import FULL
from model.training import paper
from model.training.run import OPTIMISERS
from model.training.settings import ClickSampling, read_settings


def small_mask() -> np.ndarray:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    return mask


def test_equation_2_on_a_small_mask():
    distance = torch.from_numpy(masks.distance_to(small_mask()))[None, None]
    weight = boundary_aware_weight(distance)[0, 0] * 255
    one, two, five, eight = 1.0, math.sqrt(2), math.sqrt(5), math.sqrt(8)
    assert weight[2].tolist() == pytest.approx([2, one, 0, one, 2])
    assert weight[1].tolist() == pytest.approx([five, two, one, two, five])
    assert weight[0].tolist() == pytest.approx([eight, five, 2, five, eight])


def test_equation_2_ends_at_tau_and_does_not_know_the_image_s_edge():
    row = np.zeros((1, 100), bool)
    row[0, :10] = True  # the object touches the edge
    weight = boundary_aware_weight(torch.from_numpy(masks.distance_to(row))[None, None])[0, 0, 0]
    assert (TAU, K) == (40, 255)
    assert weight[:10].tolist() == [0] * 10, "nothing inside the object"
    assert weight[10:50].tolist() == pytest.approx([d / 255 for d in range(1, 41)])
    assert weight[50:].tolist() == [0] * 50, "nor beyond 40 pixels"


def test_equations_1_and_3_on_a_small_mask():
    mask = small_mask()
    target = torch.from_numpy(mask)[None, None].float()
    logits = torch.zeros(1, 1, 5, 5)  # every pixel costs log 2
    # Inverse frequency, both classes alike in sum: the object's pixel 25 / 2, each of the others 25 / 48.
    balanced = math.log(2) * (25 / 2 + 24 * 25 / 48) / 25
    assert class_balanced_cross_entropy(logits, target).item() == pytest.approx(balanced)
    away = 4 * 1 + 4 * math.sqrt(2) + 4 * 2 + 8 * math.sqrt(5) + 4 * math.sqrt(8)
    aware = math.log(2) * (25 / 2 + 25 / 48 * (24 + away / 255)) / 25
    weight = 1 + boundary_aware_weight(torch.from_numpy(masks.distance_to(mask))[None, None])
    assert class_balanced_cross_entropy(logits, target, weight).item() == pytest.approx(aware)


def test_the_selection_click_of_a_u_moves_from_its_mouth_into_its_deepest_corner():
    u = np.zeros((31, 31), bool)
    u[5:26, 5:26] = True
    u[5:19, 12:19] = False
    rows, columns = np.nonzero(u)
    assert (columns.mean(), rows.mean()) == (15, 16), "the centre of mass lies in the mouth"
    # In the corner, 3 columns and 3 rows from the mouth's own corner: sqrt(18); in the bars no more than 4.
    assert simulation.paper_selection_click(u) == (9, 21)
    assert masks.inner_distance(u).max() == pytest.approx(math.sqrt(18))


def test_clicks_are_counted_from_one_and_an_object_that_is_never_reached_counts_twenty():
    iou = np.full((4, CLICKS), 0.5)
    iou[0, 0:] = 0.9  # by the selection click
    iou[1, 1] = 0.9  # by the first refinement click, and lost again
    iou[2, 19] = 0.9  # by the very last
    assert CLICKS == 20
    assert clicks_to(iou, 90).tolist() == [1, 2, 20, 20]


def test_constants_of_section_3_3():
    sampling = read_settings(
        None, {"stage": "refinement", "data": [{"folder": "x"}], **FULL.shared}
    ).click_sampling
    assert sampling.per_step == (2, 4), "k1 and k2"
    assert sampling.smallest_region == (0.01, 0.05), "m from 1 to 5 %"
    assert (sampling.selection_jitter, sampling.boundary_jitter) == (25, 10)
    assert (sampling.rule, sampling.paper_share) == ("paper", 1.0)
    assert sampling.boundary_noise(30) == ClickSampling().boundary_noise(10_000) == 10, (
        "on objects of any size"
    )


def test_constants_of_section_3_4():
    for stage in (FULL.selection, FULL.refinement):
        assert (stage["optimiser"], stage["schedule"], stage["weight_decay"]) == ("sgd", "constant", 5e-4)
        assert stage["rate"] == pytest.approx(1e-8 * 512 * 512, rel=0.01), "a mean loss instead of a sum"
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    (group,) = OPTIMISERS["sgd"]([{"params": [weight], "lr": 0.1}], 5e-4).param_groups
    assert (group["momentum"], group["nesterov"], group["weight_decay"], group["lr"]) == (
        0.9,
        True,
        5e-4,
        0.1,
    )
    assert paper.TRAINED_IOU == (0.2, 0.6)
    assert (paper.NEIGHBOURHOOD, paper.NEIGHBOURHOOD_WEIGHT) == (40, 2)


def test_thresholds_of_section_4_1():
    assert {column.name: column.threshold for column in FULL.table2} == {
        "GrabCut": 90, "Berkeley": 90, "VOC": 85, "DAVIS": 85, "COCO-20": 85, "COCO-60": 85,
    }  # fmt: skip
