import numpy as np
import pytest
from sqlalchemy import select

from backend.store import CorrectionStore, Database, InteractionStore
from backend.store.schema import CorrectionRow
from model.corrections import AnnotationKey, Correction, ImageReference, Recorded
from tests.backend.store.submissions import DIGEST, IMAGE, clicked, correction, square, submission

KEY = AnnotationKey("tool", "1", "1")


def rows(database: Database) -> list[tuple[str, int, str, str]]:
    """Region, revision, state and flaw of every correction there has been."""
    with database.reading() as session:
        found = session.scalars(select(CorrectionRow).order_by(CorrectionRow.id)).all()
        return [(row.region, row.revision, row.state, row.flaw) for row in found]


def test_what_is_recorded_is_read_back(store: CorrectionStore) -> None:
    assert store.record(submission(3, correction(mask=square(7)))) == Recorded(added=1)
    (stored,) = store.active()
    np.testing.assert_array_equal(stored.mask, square(7))
    assert stored.mask.dtype == np.bool_
    assert (stored.image, stored.digest, stored.label, stored.annotator) == (IMAGE, None, "Cup", "4")
    assert stored.time == submission(3).time
    assert stored.clicks == ()


def test_the_same_revision_again_changes_nothing(store: CorrectionStore, database: Database) -> None:
    store.record(submission(3, correction()))
    before = rows(database)
    assert store.record(submission(3, correction(mask=square(9)))) == Recorded(stale=True)
    assert rows(database) == before


def test_a_later_revision_replaces_what_differs_only(store: CorrectionStore, database: Database) -> None:
    store.record(submission(1, correction("a"), correction("b"), correction("c")))
    later = submission(2, correction("a"), correction("b", square(8)), correction("d"))
    assert store.record(later) == Recorded(added=1, replaced=1, unchanged=1, withdrawn=1)
    assert [(row[0], row[1], row[2]) for row in rows(database)] == [
        ("a", 1, "active"),
        ("b", 1, "replaced"),
        ("c", 1, "withdrawn"),
        ("b", 2, "active"),
        ("d", 2, "active"),
    ]
    np.testing.assert_array_equal({one.id: one for one in store.active()}[4].mask, square(8))


def test_another_label_is_another_revision(store: CorrectionStore) -> None:
    store.record(submission(1, correction()))
    assert store.record(submission(2, correction(label="Plate"))) == Recorded(replaced=1)
    assert [one.label for one in store.active()] == ["Plate"]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 3, 2, 1)])
def test_in_whatever_order_they_come_the_latest_revision_counts(
    store: CorrectionStore, order: tuple[int, ...]
) -> None:
    for revision in order:
        store.record(submission(revision, correction(mask=square(revision))))
    (stored,) = store.active()
    np.testing.assert_array_equal(stored.mask, square(3))


def test_a_region_that_was_gone_may_come_back(store: CorrectionStore) -> None:
    for revision, corrections in enumerate([(correction(),), (), (correction(),)]):
        store.record(submission(revision, *corrections))
    assert len(store.active()) == 1
    assert store.counts() == {"active": 1, "replaced": 0, "withdrawn": 1, "flawed": 0}


def test_a_deleted_annotation_is_withdrawn_for_good(store: CorrectionStore) -> None:
    store.record(submission(1, correction("a"), correction("b")))
    store.record(submission(1, correction("a"), annotation="2"))
    assert store.withdraw(KEY) == 2
    assert store.withdraw(KEY) == 0
    assert store.record(submission(2, correction("a"))) == Recorded(stale=True)
    assert len(store.active()) == 1


def test_an_event_that_comes_after_the_deletion_of_its_annotation_changes_nothing(
    store: CorrectionStore,
) -> None:
    assert store.withdraw(KEY) == 0
    assert store.record(submission(1, correction())) == Recorded(stale=True)
    assert store.active() == []


def test_a_deleted_task_takes_all_its_annotations_along(store: CorrectionStore) -> None:
    store.record(submission(1, correction()))
    store.record(submission(1, correction(), annotation="2"))
    store.record(submission(1, correction(), annotation="3", task="8"))
    assert store.withdraw_task("tool", "1", "7") == 2
    assert store.record(submission(2, correction("z"))) == Recorded(stale=True)
    assert len(store.active()) == 1


def test_two_annotators_on_one_region_are_two_corrections(store: CorrectionStore) -> None:
    InteractionStore(store._database).note(clicked((9, 9)))
    store.record(submission(1, correction(), annotation="1", annotator="4"))
    store.record(submission(1, correction(mask=square(6)), annotation="2", annotator="5"))
    assert [(one.annotator, len(one.clicks)) for one in store.active()] == [("4", 1), ("5", 1)]
    store.withdraw(KEY)
    assert [one.annotator for one in store.active()] == ["5"]


@pytest.mark.parametrize(
    ("bad", "flaw"),
    [
        (correction(mask=np.zeros((30, 40), np.bool_)), "an empty mask"),
        (correction(mask=np.ones((30, 40), np.bool_)), "the whole image"),
        (Correction("a", IMAGE, None, flaw="brush region: damaged"), "brush region: damaged"),
        (correction(mask=square()[:29]), "expected the image's size 40 x 30"),
    ],
)
def test_what_cannot_be_learnt_from_is_kept_with_a_line(
    store: CorrectionStore, database: Database, bad: Correction, flaw: str
) -> None:
    InteractionStore(database).note(clicked((9, 9), region="other"))
    store.record(submission(1, bad, correction("good")))
    assert [flaw in row[3] for row in rows(database)] == [True, False]
    assert [one.label for one in store.active()] == ["Cup"]
    assert store.counts() == {"active": 2, "replaced": 0, "withdrawn": 0, "flawed": 1}


def test_a_flaw_can_be_mended_in_a_later_revision(store: CorrectionStore) -> None:
    store.record(submission(1, Correction("a", IMAGE, None, flaw="damaged")))
    assert store.record(submission(2, correction())) == Recorded(replaced=1)
    assert len(store.active()) == 1


def test_projects_are_kept_apart(store: CorrectionStore) -> None:
    store.record(submission(1, correction()))
    assert [
        len(store.active(tool, project)) for tool, project in [("tool", "1"), ("tool", "2"), ("x", None)]
    ] == [
        1,
        0,
        0,
    ]


def test_a_reference_of_megabytes_and_a_nul_are_stored(store: CorrectionStore) -> None:
    long = ImageReference("tool", "1", "7", "data:image/png;base64," + "A" * 3_000_000)
    store.record(submission(1, correction("a\0b", image=long, label="C\0up"), annotation="9\0"))
    (stored,) = store.active()
    assert (stored.image, stored.label) == (long, "Cup")


def test_a_digest_is_known_once_somebody_has_clicked(store: CorrectionStore, database: Database) -> None:
    store.record(submission(1, correction()))
    InteractionStore(database).note(clicked((9, 9)))
    assert [one.digest for one in store.active()] == [DIGEST]
