from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select, update

from backend.cli import main
from backend.store import Database, Inbox
from backend.store.inbox import MOST_ATTEMPTS
from backend.store.schema import EventRow


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database)


def let_time_pass(database: Database) -> None:
    """Whatever is put off is due now."""
    with database.writing() as session:
        session.execute(update(EventRow).values(next_try=datetime.now(timezone.utc) - timedelta(seconds=1)))


def errors(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(EventRow.error)))


def test_first_in_first_out_and_gone_when_done(inbox: Inbox) -> None:
    for body in (b"one", b"two\0\xff"):
        inbox.put("tool", body)
    taken = []
    while (event := inbox.take()) is not None:
        taken.append((event.tool, event.body, event.attempts))
        inbox.done(event)
    assert taken == [("tool", b"one", 1), ("tool", b"two\0\xff", 1)]
    assert inbox.counts() == {"pending": 0, "failed": 0}
    assert inbox.next_due() is None


def test_an_event_is_given_to_one_worker_only(inbox: Inbox) -> None:
    inbox.put("tool", b"one")
    assert inbox.take() is not None
    assert inbox.take() is None
    due = inbox.next_due()
    assert due is not None
    assert due > datetime.now(timezone.utc)


def test_one_that_is_put_off_does_not_hold_up_the_others(inbox: Inbox, database: Database) -> None:
    for body in (b"one", b"two"):
        inbox.put("tool", body)
    first = inbox.take()
    assert first is not None
    inbox.put_off(first, "not now")
    second = inbox.take()
    assert second is not None
    assert second.body == b"two"
    let_time_pass(database)
    again = inbox.take()
    assert again is not None
    assert (again.body, again.attempts) == (b"one", 2)


def test_waits_grow_and_end(inbox: Inbox, database: Database) -> None:
    inbox.put("tool", b"one")
    waits = []
    for _ in range(MOST_ATTEMPTS):
        event = inbox.take()
        assert event is not None
        inbox.put_off(event, "no\0t now")
        due = inbox.next_due()
        if due is not None:
            waits.append(due - datetime.now(timezone.utc))
        let_time_pass(database)
    assert waits == sorted(waits)
    assert len(waits) == MOST_ATTEMPTS - 1
    assert inbox.take() is None
    assert inbox.counts() == {"pending": 0, "failed": 1}
    assert errors(database) == ["not now"]


def test_one_that_ends_every_process_is_given_up(inbox: Inbox, database: Database) -> None:
    inbox.put("tool", b"one")
    for _ in range(MOST_ATTEMPTS):
        assert inbox.take() is not None
        let_time_pass(database)
    assert inbox.take() is None
    assert inbox.counts() == {"pending": 0, "failed": 1}
    assert errors(database) == ["ended the process that worked on it"]


def test_what_was_given_up_can_be_tried_again(inbox: Inbox) -> None:
    inbox.put("tool", b"one")
    event = inbox.take()
    assert event is not None
    inbox.give_up(event, "cannot be read")
    assert inbox.take() is None
    assert inbox.retry_failed() == 1
    again = inbox.take()
    assert again is not None
    assert (again.body, again.attempts) == (b"one", 1)


def test_the_command_says_why_and_has_them_tried_again(
    inbox: Inbox, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", url)
    inbox.put("tool", b"one")
    event = inbox.take()
    assert event is not None
    inbox.give_up(event, "cannot be read")
    assert main(["labelstudio", "events"]) == 0
    line, count = capsys.readouterr().out.splitlines()
    assert line.endswith("cannot be read")
    assert count.startswith("1 given up")
    assert inbox.counts() == {"pending": 0, "failed": 1}
    assert main(["labelstudio", "events", "--retry"]) == 0
    assert inbox.counts() == {"pending": 1, "failed": 0}


def test_a_store_that_does_not_work_is_no_reason_to_give_an_event_up(
    inbox: Inbox, database: Database
) -> None:
    inbox.put("tool", b"one")
    for _ in range(2 * MOST_ATTEMPTS):
        event = inbox.take()
        assert event is not None
        inbox.wait_for_store(event, "the disk is full")
        assert inbox.take() is None
        let_time_pass(database)
    assert errors(database) == ["the disk is full"]
    again = inbox.take()
    assert again is not None
    assert again.attempts == 1
