import threading

import pytest

from backend.locks import KeyedLocks


def test_one_key_is_held_by_one_thread_and_others_pass():
    locks = KeyedLocks()
    entered = threading.Event()

    def enter() -> None:
        with locks.holding("a"):
            entered.set()

    with locks.holding("a"):
        thread = threading.Thread(target=enter)
        thread.start()
        with locks.holding("b"):
            assert len(locks) == 2
        assert not entered.wait(0.05)
    thread.join(10)
    assert entered.is_set()
    assert len(locks) == 0


def test_a_failure_gives_the_lock_back():
    locks = KeyedLocks()
    with pytest.raises(ZeroDivisionError), locks.holding("a"):
        raise ZeroDivisionError
    assert len(locks) == 0
