import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from backend.decoding import DecodedImage
from backend.patience import Patience
from backend.prediction import MOST_CLICKS, PredictionService
from model import Click, InvalidClick, InvalidImage, Predictor
from model.errors import Abandoned, Overloaded
from model.inference import Passes

SELECT = Click(120, 90, "select")
RIGHT, LEFT, TOP = Click(160, 90, "boundary"), Click(80, 90, "boundary"), Click(120, 50, "boundary")


class Counter:
    encoded = 0
    corrected = 0
    running = 0
    most_running = 0


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """Counts the passes through the real networks, and how many ran at the same time."""
    count, guard = Counter(), threading.Lock()
    encode, correct = Passes.encode, Passes.correct

    def counted(function, name):
        def call(*args, **kwargs):
            with guard:
                setattr(count, name, getattr(count, name) + 1)
                count.running += 1
                count.most_running = max(count.most_running, count.running)
            try:
                return function(*args, **kwargs)
            finally:
                with guard:
                    count.running -= 1

        return call

    monkeypatch.setattr(Passes, "encode", counted(encode, "encoded"))
    monkeypatch.setattr(Passes, "correct", counted(correct, "corrected"))
    return count


@pytest.fixture
def image(photo: np.ndarray) -> DecodedImage:
    return DecodedImage(photo, "digest")


@pytest.fixture
def service(predictor: Predictor) -> PredictionService:
    return PredictionService(predictor, 1 << 26)


def test_the_answer_is_the_predictors(service, predictor, image):
    clicks = [SELECT, RIGHT, TOP]
    expected = predictor.predict(image.pixels, clicks)
    prediction = service.predict(image, clicks)
    np.testing.assert_array_equal(prediction.mask, expected.mask)
    np.testing.assert_array_equal(prediction.probability, expected.probability)
    assert (prediction.score, prediction.crop) == (expected.score, expected.crop)
    assert prediction.milliseconds > 0
    assert service.version == predictor.version


def test_whoever_gives_way_is_told_when_the_model_works_and_when_no_more(service, image):
    told: list[bool] = []
    service.turns.busy = told.append
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda x: service.predict(image, [Click(x, 40, "select")]), (30, 40, 50)))
    assert told[::2] == [True] * (len(told) // 2)
    assert told[1::2] == [False] * (len(told) // 2)
    assert told


def test_a_boundary_click_never_encodes_the_image_again(service, image, counter):
    service.predict(image, [SELECT])
    encoded = counter.encoded
    assert encoded >= 1
    for count, clicks in enumerate(
        [[SELECT, RIGHT], [SELECT, RIGHT, LEFT], [SELECT, RIGHT, LEFT, TOP]], start=1
    ):
        assert service.predict(image, clicks).reused == count
        assert (counter.encoded, counter.corrected) == (encoded, count)


def test_a_repeated_request_runs_nothing(service, image, counter):
    first = service.predict(image, [SELECT, RIGHT])
    before = (counter.encoded, counter.corrected)
    second = service.predict(image, [SELECT, RIGHT])
    assert (counter.encoded, counter.corrected) == before
    assert second.reused == 2
    np.testing.assert_array_equal(first.mask, second.mask)


def test_taking_a_click_back_and_another_instead_equals_a_fresh_start(service, predictor, image, counter):
    service.predict(image, [SELECT, RIGHT, LEFT])
    undone = service.predict(image, [SELECT])
    assert counter.corrected == 2
    other = service.predict(image, [SELECT, TOP])
    assert (other.reused, counter.corrected) == (1, 3)
    np.testing.assert_array_equal(undone.mask, predictor.predict(image.pixels, [SELECT]).mask)
    np.testing.assert_array_equal(other.mask, predictor.predict(image.pixels, [SELECT, TOP]).mask)


def test_an_answer_is_not_changed_by_later_clicks(service, image):
    first = service.predict(image, [SELECT])
    before = first.mask.copy(), first.probability.copy()
    service.predict(image, [SELECT, RIGHT, LEFT])
    np.testing.assert_array_equal(first.mask, before[0])
    np.testing.assert_array_equal(first.probability, before[1])


def test_objects_images_and_masks_are_told_apart(service, image, photo):
    mask = np.zeros(photo.shape[:2], bool)
    mask[60:120, 90:150] = True
    service.predict(image, [SELECT])
    service.predict(image, [Click(121, 90, "select")])
    service.predict(DecodedImage(photo[::-1].copy(), "other"), [SELECT])
    assert service.kept == 3
    assert service.predict(image, [RIGHT], mask).reused == 0
    assert service.predict(image, [RIGHT], mask.copy()).reused == 1
    mask[0, 0] = True
    assert service.predict(image, [RIGHT], mask).reused == 0
    assert service.kept == 5


def test_sessions_are_bounded_in_bytes(predictor, image):
    one = PredictionService(predictor, 1 << 30)
    one.predict(image, [SELECT])
    bound = one.nbytes * 5 // 2
    service = PredictionService(predictor, bound)
    for offset in range(5):
        service.predict(image, [Click(110 + offset, 90, "select")])
        assert 0 < service.nbytes <= bound
    assert service.kept == 2
    assert service.predict(image, [Click(114, 90, "select")]).reused == 1
    assert service.predict(image, [Click(110, 90, "select")]).reused == 0


@pytest.mark.parametrize(
    "clicks",
    [
        [],
        [RIGHT],
        [SELECT, SELECT],
        [SELECT, Click(240, 90, "boundary")],
        [Click(-1, 0, "select")],
        [Click(120, 90, "positive")],
        [SELECT, Click(120, 90, "negative")],
    ],
)
def test_bad_clicks_are_refused_and_break_nothing(service, image, clicks):
    good = service.predict(image, [SELECT, RIGHT])
    with pytest.raises(InvalidClick):
        service.predict(image, clicks)
    again = service.predict(image, [SELECT, RIGHT])
    np.testing.assert_array_equal(again.mask, good.mask)
    assert service.kept == 1


def test_more_clicks_than_anybody_sets_are_refused_before_any_work(service, image, counter):
    clicks = [SELECT, *[RIGHT] * MOST_CLICKS]
    with pytest.raises(
        InvalidClick, match=f"expected at most {MOST_CLICKS} on one object, got {MOST_CLICKS + 1};"
    ):
        service.predict(image, clicks)
    assert counter.encoded == 0
    assert service.kept == 0


def test_bad_masks_are_refused(service, image, photo):
    for mask in (np.zeros(photo.shape[:2], bool), np.ones((3, 3), bool)):
        with pytest.raises(InvalidImage):
            service.predict(image, [RIGHT], mask)
    assert service.kept == 0


def test_a_failure_in_the_network_leaves_no_session_behind(service, image, monkeypatch):
    expected = service.predict(image, [SELECT, RIGHT])
    with monkeypatch.context() as patch:
        patch.setattr(Passes, "correct", lambda *_: (_ for _ in ()).throw(RuntimeError("out of memory")))
        with pytest.raises(RuntimeError, match="out of memory"):
            service.predict(image, [SELECT, RIGHT, LEFT])
    assert service.kept == 0
    np.testing.assert_array_equal(service.predict(image, [SELECT, RIGHT]).mask, expected.mask)


def test_many_annotators_at_once_get_what_one_gets(service, predictor, image, counter):
    lists = [
        [SELECT],
        [SELECT, RIGHT],
        [SELECT, LEFT],
        [SELECT, RIGHT, LEFT],
        [Click(100, 80, "select"), LEFT],
    ]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda clicks: service.predict(image, clicks).mask, lists * 3))
    assert counter.most_running == 1
    for clicks, mask in zip(lists * 3, answers, strict=True):
        np.testing.assert_array_equal(mask, predictor.predict(image.pixels, clicks).mask)


def test_warming_runs_once_for_each_size_and_keeps_no_session(service, image, photo, counter):
    service.warm(image)
    warmed = counter.encoded
    assert warmed >= 1
    service.warm(DecodedImage(photo.copy(), "same size"))
    assert counter.encoded == warmed
    service.warm(DecodedImage(photo[:100].copy(), "other size"))
    assert counter.encoded > warmed
    assert service.kept == 0


def test_the_check_finds_a_network_that_computes_nonsense(service, monkeypatch):
    service.check()
    monkeypatch.setattr(Passes, "correct", lambda self, crop, logits, *_: np.full_like(logits, np.nan))
    monkeypatch.setattr("model.session.accept_click", lambda before, after, _: after)
    with pytest.raises(ArithmeticError, match="finite"):
        service.check()


@pytest.fixture
def given_up(service: PredictionService) -> list[str]:
    """Kinds of errors with which predictions were given up."""
    told: list[str] = []
    service.given_up = lambda error: told.append(type(error).__name__)
    return told


def test_nothing_is_computed_for_who_has_left(service, image, counter, given_up):
    service.patience = lambda: Patience(gone=lambda: True)
    with pytest.raises(Abandoned):
        service.predict(image, [SELECT])
    assert (counter.encoded, service.kept, given_up) == (0, 0, ["Abandoned"])
    assert not service.turns.broken


def test_who_waits_too_long_is_told_and_takes_no_turn(service, image, counter, given_up):
    release = threading.Event()
    service.turns._threads.submit(release.wait)
    service.patience = lambda: Patience(0.01)
    with pytest.raises(Overloaded, match="expected to answer within"):
        service.predict(image, [SELECT])
    assert service.turns.waiting == 0
    service.patience = Patience
    release.set()
    service.predict(image, [Click(100, 80, "select")])
    encoded = counter.encoded
    assert service.predict(image, [SELECT, RIGHT]).reused == 0
    assert counter.encoded > encoded
    assert given_up == ["Overloaded"]


def test_of_a_long_list_that_nobody_waits_for_the_computed_part_is_kept(
    service, predictor, image, counter, given_up
):
    clicks = [SELECT, RIGHT, LEFT, TOP]
    asked = iter([False, False, True])
    service.patience = lambda: Patience(gone=lambda: next(asked))
    with pytest.raises(Abandoned):
        service.predict(image, clicks)
    assert (counter.corrected, given_up) == (1, ["Abandoned"])
    service.patience = Patience
    again = service.predict(image, clicks)
    assert (again.reused, counter.corrected) == (2, 3)
    np.testing.assert_array_equal(again.mask, predictor.predict(image.pixels, clicks).mask)
