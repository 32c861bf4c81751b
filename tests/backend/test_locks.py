import threading
import time

import pytest

from backend.locks import Bulkhead, KeyedLocks
from backend.patience import Patience
from model.errors import Overloaded

SECONDS = 600
"""Until a test gives up; nothing is measured by it."""


def test_one_key_is_held_by_one_thread_at_a_time():
    locks = KeyedLocks()
    start = threading.Barrier(4)
    events: list[int] = []

    def enter(number: int) -> None:
        start.wait(SECONDS)
        for _ in range(20):
            with locks.holding("a"):
                events.append(number)
                time.sleep(0.001)  # lets the others in, if the lock does
                events.append(number)

    threads = [threading.Thread(target=enter, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(events) == 2 * 4 * 20
    assert events[::2] == events[1::2]
    assert len(locks) == 0


def test_another_key_is_not_waited_for():
    locks = KeyedLocks()
    held: list[int] = []

    def enter() -> None:
        with locks.holding("b"):
            held.append(len(locks))

    thread = threading.Thread(target=enter, daemon=True)
    with locks.holding("a"):
        thread.start()
        thread.join(SECONDS)
        assert held == [2]
    assert len(locks) == 0


def test_a_failure_gives_the_lock_back():
    locks = KeyedLocks()
    with pytest.raises(ZeroDivisionError), locks.holding("a"):
        raise ZeroDivisionError
    assert len(locks) == 0


def test_who_is_not_patient_enough_is_told_and_holds_nothing():
    locks, patience = KeyedLocks(), Patience(0.0)
    with locks.holding("a"):
        with pytest.raises(Overloaded, match="expected to answer within 0 s"), locks.holding("a", patience):
            raise AssertionError
        with locks.holding("b", patience):
            assert len(locks) == 2
    assert len(locks) == 0
    with locks.holding("a", patience):
        assert len(locks) == 1


def test_a_bulkhead_takes_so_many_and_has_room_again():
    bulkhead = Bulkhead(2, 0.0, "Label Studio")
    soon = "Label Studio: expected an answer soon"
    with bulkhead.entered(), bulkhead.entered(), pytest.raises(Overloaded, match=soon), bulkhead.entered():
        raise AssertionError
    with pytest.raises(KeyError), bulkhead.entered():
        raise KeyError
    with bulkhead.entered(), bulkhead.entered():
        pass
