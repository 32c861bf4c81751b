import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.store.together import Together
from model.errors import Overloaded, StoreError


class Disk:
    """Takes writes only while it is let."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.began, self.free = threading.Event(), threading.Event()

    def write(self, items: Sequence[int]) -> None:
        self.began.set()
        assert self.free.wait(60)
        if 13 in items:
            raise StoreError("full")
        self.written.append(list(items))


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_what_comes_while_one_is_writing_is_written_at_once(disk: Disk) -> None:
    together = Together(disk.write, 60, "disk")
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(together.put, 0)
        assert disk.began.wait(60)
        others = [threads.submit(together.put, number) for number in range(1, 9)]
        while len(together._notes) < len(others):
            pass
        disk.free.set()
        for each in (first, *others):
            assert each.result() is None
    assert disk.written[0] == [0]
    assert [sorted(batch) for batch in disk.written[1:]] == [list(range(1, 9))]


def test_who_waits_too_long_is_told_so_and_nothing_is_written(disk: Disk) -> None:
    together = Together(disk.write, 0.01, "disk")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(together.put, 0)
        assert disk.began.wait(60)
        with pytest.raises(Overloaded, match=r"disk: expected .* soon"):
            together.put(1)
        disk.free.set()
        first.result()
    together.put(2)
    assert disk.written == [[0], [2]]


def test_a_failure_is_told_to_all_whom_it_met_and_to_nobody_else(disk: Disk) -> None:
    together = Together(disk.write, 60, "disk")
    disk.free.set()
    with pytest.raises(StoreError, match="full"):
        together.put(13)
    together.put(1)
    assert disk.written == [[1]]
