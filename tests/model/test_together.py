import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from model.errors import Overloaded, StoreError
from model.together import Together


class Work:
    """Goes on only when it is let; doubles."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []
        self.began, self.free = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.began.set()
        assert self.free.wait(60)
        if 13 in items:
            raise StoreError("full")
        self.done.append(list(items))
        return [2 * item for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


def test_what_comes_while_one_is_at_work_is_done_at_once_and_each_has_its_own_result(work: Work) -> None:
    together = Together(work, "disk")
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(together.do, 0)
        assert work.began.wait(60)
        others = [threads.submit(together.do, number) for number in range(1, 9)]
        while len(together._waiting) < len(others):
            pass
        work.free.set()
        assert [each.result() for each in (first, *others)] == [2 * number for number in range(9)]
    assert work.done[0] == [0]
    assert [sorted(batch) for batch in work.done[1:]] == [list(range(1, 9))]


def test_who_waits_too_long_is_told_so_and_nothing_is_done(work: Work) -> None:
    together = Together(work, "disk", 0.01)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(together.do, 0)
        assert work.began.wait(60)
        with pytest.raises(Overloaded, match=r"disk: expected .* soon"):
            together.do(1)
        work.free.set()
        first.result()
    together.do(2)
    assert work.done == [[0], [2]]


def test_a_failure_is_told_to_whom_it_met_and_to_nobody_else(work: Work) -> None:
    together = Together(work, "disk")
    work.free.set()
    with pytest.raises(StoreError, match="full"):
        together.do(13)
    assert together.do(1) == 2


def test_what_is_done_is_answered_while_others_are_at_work() -> None:
    """Whoever has been served must not have to queue up for the answer with those that have come since."""
    go_on, began = threading.Semaphore(0), threading.Semaphore(0)

    def work(items: Sequence[int]) -> Sequence[int]:
        began.release()
        assert go_on.acquire(timeout=60)
        return items

    together = Together(work, "disk", 60)
    with ThreadPoolExecutor(3) as threads:
        asked = []
        for number in range(3):
            asked.append(threads.submit(together.do, number))
            while not (number == 0 or together._waiting):
                pass
            if number:
                go_on.release()
            assert began.acquire(timeout=60)
            if number:
                assert asked[number - 1].result(timeout=60) == number - 1
        go_on.release()
        assert asked[2].result() == 2
