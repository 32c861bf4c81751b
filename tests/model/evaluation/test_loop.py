from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from model import Click, Predictor, masks
from model.datasets.layouts import EvaluationObject, open_dataset
from model.errors import DatasetError
from model.evaluation.loop import Procedure, contour_distances, evaluate
from model.evaluation.rows import PADDINGS
from tests.model.scenes import scene, write_grabcut


def drawn(number: int, name: str = "") -> EvaluationObject:
    image, truth = scene(number)
    return EvaluationObject(name or f"scene{number}", image, truth, np.zeros(truth.shape, bool))


def test_a_row_for_each_object_and_click(tiny_predictor: Predictor, tmp_path: Path):
    objects = open_dataset(f"grabcut:{write_grabcut(tmp_path / 'set', 2)}")
    evaluated = list(evaluate(tiny_predictor, objects, Procedure(clicks=4)))
    assert [[(row.object, row.click) for row in each.rows] for each in evaluated] == [
        [(f"photo{i}", k) for k in range(1, 5)] for i in range(2)
    ]
    for each, item in zip(evaluated, objects, strict=True):
        assert all(0 <= row.iou <= 1 for row in each.rows)
        assert all(row.oracle >= before.iou for before, row in pairwise(each.rows) if row.click > 1)
        final = masks.intersection_over_union(each.mask, item.truth, item.ignore)
        assert each.rows[-1].iou == pytest.approx(final)
        assert each.rows[0].truth_pixels == np.count_nonzero(item.truth)


def test_the_rows_say_what_a_session_answers(tiny_predictor: Predictor):
    item = drawn(3)
    (evaluated,) = evaluate(tiny_predictor, [item], Procedure(clicks=3))
    session = tiny_predictor.start(item.image)
    for row in evaluated.rows:
        mask = session.click(Click(row.x, row.y, row.role))
        assert row.iou == masks.intersection_over_union(mask, item.truth)
        if row.role == "boundary":
            distance = contour_distances(mask)[round(row.y), round(row.x)]
            assert row.contour_distance == pytest.approx(distance)
    assert (evaluated.mask == session.mask).all()
    assert evaluated.rows[-1].final_distance == evaluated.rows[-1].contour_distance


def test_the_image_s_edge_is_where_a_mask_that_it_cuts_ends():
    mask = np.zeros((40, 60), bool)
    mask[:30, 10:50] = True
    distances = contour_distances(mask)
    assert distances[0, 30] == 0.5, "the object touches the edge: a click there is on the contour"
    assert distances[5, 30] == 5.5
    assert distances[0, 0] == pytest.approx(9.5), "outside the mask the edge is no contour"


def test_the_selection_row_tells_the_crop_by_padding(tiny_predictor: Predictor):
    (evaluated,) = evaluate(tiny_predictor, [drawn(3)], Procedure(clicks=2))
    first, second = evaluated.rows
    assert len(first.held_by_padding) == len(first.area_by_padding) == len(PADDINGS)
    assert list(first.area_by_padding) == sorted(first.area_by_padding)
    assert list(first.held_by_padding) == sorted(first.held_by_padding)
    assert second.held_by_padding == ()
    if first.encodes == 1:
        at = PADDINGS.index(tiny_predictor.config.crop_padding)
        assert first.crop_area == first.area_by_padding[at], "not enlarged: the crop is the padded selection"


def test_zoom_passes_are_timed(tiny_predictor: Predictor):
    (evaluated,) = evaluate(tiny_predictor, [drawn(3)], Procedure(clicks=2))
    first = evaluated.rows[0]
    assert first.encodes >= 1
    assert 0 < first.encode_milliseconds * first.encodes < first.milliseconds


def test_the_order_of_the_objects_does_not_matter(tiny_predictor: Predictor):
    items, procedure = [drawn(1), drawn(2)], Procedure(noise=5, seed=3, clicks=3)
    forward = [[(r.x, r.y) for r in e.rows] for e in evaluate(tiny_predictor, items, procedure)]
    backward = [[(r.x, r.y) for r in e.rows] for e in evaluate(tiny_predictor, items[::-1], procedure)]
    assert forward == backward[::-1]


def test_noise_is_seeded(tiny_predictor: Predictor):
    def points(noise: float, seed: int) -> list[tuple[float, float]]:
        (evaluated,) = evaluate(tiny_predictor, [drawn(1)], Procedure(noise=noise, seed=seed, clicks=3))
        return [(row.x, row.y) for row in evaluated.rows]

    assert points(5, 1) == points(5, 1)
    assert points(5, 1) != points(5, 2)
    assert points(0, 1) == points(0, 2)


def test_clicks_are_made_to_the_end_even_if_nothing_is_wrong(tiny_predictor: Predictor):
    item = drawn(1)
    blind = EvaluationObject("blind", item.image, item.truth, ~item.truth | item.truth)
    (evaluated,) = evaluate(tiny_predictor, [blind], Procedure(clicks=4))
    assert [row.role for row in evaluated.rows] == ["select", "", "", ""], "all pixels are ignored: no error"
    assert [row.iou for row in evaluated.rows] == [1.0] * 4
    assert all(np.isnan(row.x) and row.milliseconds == 0 for row in evaluated.rows[1:])


def test_whoever_has_enough_clicks_no_more_and_the_clicks_before_are_the_same(tiny_predictor: Predictor):
    item = drawn(4)
    (whole,) = evaluate(tiny_predictor, [item], Procedure(noise=3, clicks=6))
    ious = [row.iou for row in whole.rows]
    best = int(np.argmax(ious[:-1]))
    assert ious[best + 1] < ious[best], "what was reached once counts, though the next click loses it"
    for fewest in (1, best + 2, best + 3, 6):
        procedure = Procedure(noise=3, clicks=6, enough=ious[best], fewest=fewest)
        (short,) = evaluate(tiny_predictor, [item], procedure)
        made = max(best + 1, fewest)
        assert [(row.x, row.y, row.iou) for row in short.rows[:made]] == [
            (row.x, row.y, row.iou) for row in whole.rows[:made]
        ]
        assert [row.role for row in short.rows[made:]] == [""] * (6 - made)
        assert {row.iou for row in short.rows[made:]} <= {ious[made - 1]}
    (short,) = evaluate(tiny_predictor, [item], Procedure(noise=3, clicks=6, enough=1.5))
    assert [row.iou for row in short.rows] == ious


def test_an_empty_object_is_refused(tiny_predictor: Predictor):
    nothing = np.zeros((8, 8), bool)
    item = EvaluationObject("void", np.zeros((8, 8, 3), np.uint8), nothing, nothing)
    with pytest.raises(DatasetError, match="void"):
        list(evaluate(tiny_predictor, [item], Procedure()))
