import numpy as np
import pytest

from model import Predictor
from model.datasets.layouts import EvaluationObject
from model.errors import InvalidClick, SettingsError
from model.evaluation.clickers import CLICKERS, Annotator, annotator_for, clicker_named, require_roles


def item(name: str = "square") -> EvaluationObject:
    truth = np.zeros((40, 60), bool)
    truth[10:31, 10:31] = True
    return EvaluationObject(name, np.zeros((40, 60, 3), np.uint8), truth, np.zeros((40, 60), bool))


def half(truth: np.ndarray) -> np.ndarray:
    predicted = truth.copy()
    predicted[:, 20:] = False
    return predicted


@pytest.mark.parametrize(
    ("name", "point", "role"),
    [("boundary", (30, 10), "boundary"), ("paper", (30, 10), "boundary"), ("centre", (25, 15), "positive")],
)
def test_each_clicker_selects_and_corrects(name: str, point: tuple[int, int], role: str):
    annotator = Annotator(clicker_named(name), item(), noise=0, seed=0)
    first = annotator.select().click
    assert (first.x, first.y, first.role) == (20, 20, "select")
    click = annotator.correct(half(item().truth)).click
    assert ((click.x, click.y), click.role) == (point, role)


def test_surplus_gets_a_negative_click_from_the_centre_clicker():
    predicted = item().truth.copy()
    predicted[12:29, 31:48] = True
    click = Annotator(CLICKERS["centre"], item(), noise=0, seed=0).correct(predicted).click
    assert (click.x, click.y, click.role) == (39, 20, "negative")


def test_the_centre_clicker_does_not_click_the_pixel_of_its_selection_again():
    annotator = Annotator(CLICKERS["centre"], item(), noise=0, seed=0)
    selection = annotator.select().click
    click = annotator.correct(np.zeros((40, 60), bool)).click
    assert (click.x, click.y) != (selection.x, selection.y)


def test_nothing_wrong_nothing_clicked():
    for clicker in CLICKERS.values():
        assert Annotator(clicker, item(), 0, 0).correct(item().truth) is None


def test_an_annotator_does_not_aim_at_the_same_point_twice():
    annotator = Annotator(CLICKERS["boundary"], item(), noise=5, seed=0)
    first, second = (annotator.correct(half(item().truth)).aim for _ in range(2))
    assert np.hypot(first[0] - second[0], first[1] - second[1]) > 3


def offsets(name: str, predicted: np.ndarray, seed: int = 0) -> list[tuple[float, float]]:
    annotator = Annotator(CLICKERS["boundary"], item(name), noise=5, seed=seed)
    aimed = [annotator.select(), annotator.correct(predicted), annotator.correct(predicted)]
    return [(each.click.x - each.aim[0], each.click.y - each.aim[1]) for each in aimed]


def test_noise_hangs_on_object_and_click_and_seed_but_not_on_the_prediction():
    truth = item().truth
    one, other = half(truth), half(truth.T).T
    one_way, other_way = offsets("a", one), offsets("a", other)
    assert one_way == pytest.approx(np.array(other_way))
    assert len({x for x, _ in one_way}) == 3, "each click has its own"
    assert offsets("b", one) != one_way
    assert offsets("a", one, seed=1) != one_way


@pytest.mark.parametrize("seed", range(30))
def test_noise_leaves_positive_clicks_on_the_object_and_negative_ones_off_it(seed: int):
    truth = item().truth
    surplus = truth.copy()
    surplus[10:31, 31:34] = True
    for predicted, inside in ((half(truth), True), (surplus, False)):
        click = Annotator(CLICKERS["centre"], item(), noise=10, seed=seed).correct(predicted).click
        assert truth[round(click.y), round(click.x)] == inside


def test_unknown_clickers_are_refused():
    with pytest.raises(SettingsError, match="boundary, paper, centre, study, got 'nobody'"):
        clicker_named("nobody")


def test_a_model_that_does_not_take_a_clicker_s_clicks_is_refused_beforehand(tiny_predictor: Predictor):
    require_roles(tiny_predictor, "boundary")
    require_roles(tiny_predictor, "paper")
    with pytest.raises(
        InvalidClick, match=r"clicker centre: .*takes select and boundary clicks, got positive"
    ):
        require_roles(tiny_predictor, "centre")


def test_participants_of_the_study_are_two_to_five_pixels_off_and_mistake_the_error_in_twelve_of_a_hundred():
    truth = np.zeros((80, 120), bool)
    truth[20:60, 20:100] = True
    predicted = truth.copy()
    predicted[20:60, 20:40] = False  # the largest error is at the left
    predicted[20:60, 88:100] = False
    picture = np.zeros((80, 120, 3), np.uint8)
    mistaken, off = [], []
    for number in range(500):
        each = EvaluationObject(f"object {number}", picture, truth, np.zeros_like(truth))
        participant = annotator_for("study", each, 0.0, 0)
        selection = participant.select()
        assert (selection.click.x, selection.click.y) == selection.aim, "the study gave the selection"
        aimed = participant.correct(predicted)
        mistaken.append(aimed.aim[0] > 60)
        off.append(np.hypot(aimed.click.x - aimed.aim[0], aimed.click.y - aimed.aim[1]))
    assert 2.0 <= min(off) < 2.1
    assert 4.9 < max(off) <= 5.0
    assert 0.08 < np.mean(mistaken) < 0.16


def test_a_single_error_cannot_be_mistaken():
    aims = set()
    for number in range(40):
        participant = annotator_for("study", item(f"object {number}"), 0.0, 0)
        aims.add(participant.correct(half(item().truth)).aim)
    assert aims == {(30.0, 10.0)}
