"""Work in the background: one job at a time, and of those that wait only the newest."""

from threading import Event

from plugins.labelstudio.warming import Warmer

SECONDS = 600.0


def test_the_newest_of_those_that_wait_is_the_one_that_runs() -> None:
    warmer, begun, go_on, done = Warmer(), Event(), Event(), Event()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        assert go_on.wait(SECONDS)
        ran.append("first")

    def last() -> None:
        ran.append("newest")
        done.set()

    warmer.offer(first)
    assert begun.wait(SECONDS)
    warmer.offer(lambda: ran.append("skipped"))
    warmer.offer(last)
    assert ran == []
    go_on.set()
    assert done.wait(SECONDS)
    assert ran == ["first", "newest"]


def test_it_works_again_after_a_rest() -> None:
    warmer = Warmer()
    for _ in range(20):
        done = Event()
        warmer.offer(done.set)
        assert done.wait(SECONDS)
