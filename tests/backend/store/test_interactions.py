from datetime import timedelta

import numpy as np

from backend.store import CorrectionStore, Database, InteractionStore, masks
from tests.backend.store.submissions import HEIGHT, WIDTH, clicked, correction, square, submission


def told(store: CorrectionStore) -> list[tuple[float, int | None]]:
    """x of each click of the only correction, and where the mask after it begins."""
    (stored,) = store.active()
    found = []
    for one in stored.clicks:
        mask = None if one.mask is None else masks.decode(one.mask, WIDTH, HEIGHT)
        found.append((one.click.x, None if mask is None else int(np.flatnonzero(mask.any(axis=0))[0])))
    return found


def test_each_click_has_the_mask_after_it(store: CorrectionStore, database: Database) -> None:
    interactions = InteractionStore(database)
    interactions.note(clicked((1, 1), left=3))
    interactions.note(clicked((1, 1), (2, 2), left=4))
    store.record(submission(1, correction(mask=square(4))))
    (stored,) = store.active()
    assert [one.click.role for one in stored.clicks] == ["select", "boundary"]
    assert stored.model_version == "model-1"
    assert told(store) == [(1, 3), (2, 4)]


def test_clicks_that_were_not_answered_have_no_mask(store: CorrectionStore, database: Database) -> None:
    InteractionStore(database).note(clicked((1, 1), (2, 2), (3, 3), left=8))
    store.record(submission(1, correction()))
    assert told(store) == [(1, None), (2, None), (3, 8)]


def test_a_click_that_was_taken_back_is_gone(store: CorrectionStore, database: Database) -> None:
    interactions = InteractionStore(database)
    store.record(submission(1, correction()))
    interactions.note(clicked((1, 1), left=3))
    interactions.note(clicked((1, 1), (2, 2), (3, 3), left=4))
    interactions.note(clicked((1, 1), (5, 5), left=6))
    assert told(store) == [(1, 3), (5, 6)]
    interactions.note(clicked((1, 1), left=3))
    assert told(store) == [(1, 3)]


def test_clicks_are_found_even_if_they_are_noted_after_the_correction(
    store: CorrectionStore, database: Database
) -> None:
    store.record(submission(1, correction()))
    InteractionStore(database).note(clicked((1, 1), left=3))
    assert told(store) == [(1, 3)]


def test_clicks_that_led_to_nothing_are_forgotten(store: CorrectionStore, database: Database) -> None:
    interactions = InteractionStore(database)
    interactions.note(clicked((1, 1), left=3))
    interactions.note(clicked((1, 1), region="b"))
    store.record(submission(1, correction()))
    assert interactions.forget(timedelta(days=1)) == 0
    assert interactions.forget(timedelta(0)) == 1
    assert told(store) == [(1, 3)]
