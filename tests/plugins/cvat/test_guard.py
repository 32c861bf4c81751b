"""Clicks deleted in CVAT, whose list closes up."""

import numpy as np
import pytest

from model import Click
from model.geometry import Box
from plugins.cvat.guard import MOST_OBJECTS
from plugins.cvat.interactor import Interactor
from plugins.cvat.prompts import Point, Prompts
from tests.plugins.cvat.doubles import Answers, picture, store

MIDDLE, NORTH, EAST, SOUTH, WEST = (50.0, 40.0), (50.0, 10.0), (80.0, 40.0), (50.0, 70.0), (20.0, 40.0)


class Annotator:
    """Sends all the clicks there are, as CVAT's page does, and tells what the service was asked."""

    def __init__(self, interactor: Interactor, answers: Answers, shade: int = 0) -> None:
        self._interactor, self._answers = interactor, answers
        self._image = store().decode(picture(100, 80, shade))

    def sends(self, *positive: Point, negative: tuple[Point, ...] = ()) -> list[Point]:
        """Selection click and boundary clicks that come out, in CVAT's coordinates."""
        self._interactor.predict(self._image, Prompts(positive, negative))
        first, *rest = self._answers.asked[-1]
        assert [click.role for click in (first, *rest)] == ["select", *["boundary"] * len(rest)]
        return [as_point(click) for click in (first, *rest)]


def as_point(click: Click) -> Point:
    return click.x + 0.5, click.y + 0.5


@pytest.fixture
def answers() -> Answers:
    return Answers(np.ones((80, 100), bool))


@pytest.fixture
def interactor(answers: Answers) -> Interactor:
    return Interactor(answers)


@pytest.fixture
def annotator(interactor: Interactor, answers: Answers) -> Annotator:
    return Annotator(interactor, answers)


def test_the_first_click_selects_and_all_others_lie_on_the_outline(annotator: Annotator) -> None:
    assert annotator.sends(MIDDLE) == [MIDDLE]
    assert annotator.sends(MIDDLE, NORTH, negative=(EAST,)) == [MIDDLE, NORTH, EAST]


def test_several_clicks_at_once_and_repeated_requests_are_the_same(annotator: Annotator) -> None:
    assert annotator.sends(MIDDLE) == [MIDDLE]
    for _ in range(2):
        assert annotator.sends(MIDDLE, NORTH, EAST, SOUTH) == [MIDDLE, NORTH, EAST, SOUTH]


def test_a_place_clicked_twice_counts_once(annotator: Annotator) -> None:
    assert annotator.sends(MIDDLE, MIDDLE, NORTH, negative=(NORTH, EAST)) == [MIDDLE, NORTH, EAST]


def test_without_its_selection_click_an_object_is_selected_in_the_middle_of_its_outline(
    annotator: Annotator,
) -> None:
    annotator.sends(MIDDLE, NORTH, SOUTH, WEST)
    inside = ((50 + 50 + 20) / 3, (10 + 70 + 40) / 3)
    assert annotator.sends(NORTH, SOUTH, WEST) == [inside, NORTH, SOUTH, WEST]


def test_the_stand_in_stays_while_the_annotator_goes_on(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH, SOUTH, WEST)
    stand_in = annotator.sends(NORTH, SOUTH, WEST)[0]
    assert annotator.sends(NORTH, SOUTH, WEST, EAST)[0] == stand_in
    assert annotator.sends(NORTH, SOUTH, negative=(EAST,))[0] == stand_in


def test_right_clicks_belong_to_the_outline_too(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH, negative=(SOUTH, WEST))
    assert annotator.sends(NORTH, negative=(SOUTH, WEST))[0] == ((50 + 50 + 20) / 3, (10 + 70 + 40) / 3)


def test_one_or_two_boundary_clicks_have_no_inside(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH, EAST)
    assert annotator.sends(NORTH, EAST) == [MIDDLE, NORTH, EAST]
    assert annotator.sends(EAST) == [MIDDLE, EAST]


def test_several_clicks_deleted_at_once(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH, EAST, SOUTH)
    assert annotator.sends(SOUTH) == [MIDDLE, SOUTH]


def test_a_boundary_click_deleted_leaves_the_selection(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH, EAST)
    assert annotator.sends(MIDDLE, EAST) == [MIDDLE, EAST]


def test_another_object_of_the_image_is_selected_by_its_own_first_click(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH)
    assert annotator.sends(WEST) == [WEST]
    assert annotator.sends(MIDDLE, NORTH, EAST) == [MIDDLE, NORTH, EAST]


def test_another_image_is_another_object(
    annotator: Annotator, interactor: Interactor, answers: Answers
) -> None:
    annotator.sends(MIDDLE, NORTH)
    assert Annotator(interactor, answers, shade=9).sends(NORTH) == [NORTH]


def test_objects_are_forgotten_when_many_others_have_come(annotator: Annotator) -> None:
    annotator.sends(MIDDLE, NORTH)
    for x in range(MOST_OBJECTS):
        annotator.sends((float(x), 0.0))
    assert annotator.sends(NORTH) == [NORTH]


def test_nothing_is_guessed_from_right_clicks_alone(interactor: Interactor, answers: Answers) -> None:
    image = store().decode(picture(100, 80))
    assert interactor.predict(image, Prompts((), (NORTH, EAST))) is None
    assert interactor.predict(image, Prompts(())) is None
    assert answers.asked == []


def test_a_box_alone_is_selected_in_its_middle(interactor: Interactor, answers: Answers) -> None:
    image = store().decode(picture(100, 80))
    assert interactor.predict(image, Prompts((), (), ((10.0, 10.0), (30.0, 50.0), (0.0, 0.0), (1.0, 1.0))))
    assert [as_point(click) for click in answers.asked[0]] == [(20.0, 30.0)]
    assert answers.boxes == [Box(10, 10, 30, 50)]


def test_a_box_tells_where_the_object_of_a_click_is(interactor: Interactor, answers: Answers) -> None:
    image = store().decode(picture(100, 80))
    assert interactor.predict(image, Prompts(((15.0, 15.0),), (), ((40.5, 60.0), (10.2, 12.0))))
    assert interactor.predict(image, Prompts(((15.0, 15.0),)))
    assert answers.boxes == [Box(10, 12, 41, 60), None]
