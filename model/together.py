"""Work of many threads done in few pieces."""

import threading
from collections.abc import Callable, Sequence
from copy import copy
from typing import Generic, TypeVar, cast

from model.errors import Overloaded

T = TypeVar("T")
R = TypeVar("R")


class _Note(Generic[T, R]):
    """One thread's item. It is told, once, that the item has been done or that it has to do the next piece itself."""

    def __init__(self, item: T) -> None:
        self.item, self.told = item, threading.Event()
        self.leads = self.taken = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Together(Generic[T, R]):
    """What comes while one thread is at work is done by the next, all of it at once.

    A thousand writes wait for a few dozen commits, clicks that meet share a pass, and none waits behind those that have
    come after it. Who comes alone waits for nobody.

    Args:
        work: what comes of each of the items, in their order; raises for all of them.
        what: is done, for the message.
        seconds: how long a thread waits for its turn; it is missed elsewhere. None: as long as it takes.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Sequence[R]], what: str, seconds: float | None = None
    ) -> None:
        self._work, self._what, self._seconds = work, what, seconds
        self._guard = threading.Lock()
        self._waiting: list[_Note[T, R]] = []
        self._led = False

    def do(self, item: T) -> R:
        """What comes of the item.

        Raises:
            Overloaded: its turn does not come in time; it has not been done, unless somebody is at it just now.
            Exception: of `work`.
        """
        note = _Note[T, R](item)
        with self._guard:
            self._waiting.append(note)
            if not self._led:
                self._led = note.leads = True
        if not note.leads and not note.told.wait(self._seconds):
            self._withdraw(note)
        if note.leads:
            self._lead()
        if note.error is not None:
            raise copy(note.error) from note.error  # of each thread its own, which tells where it was raised
        return cast(R, note.result)

    def _withdraw(self, note: _Note[T, R]) -> None:
        """Raise Overloaded, unless it has been told in this very moment."""
        with self._guard:
            if note.told.is_set():
                return
            if not note.taken:
                self._waiting.remove(note)
        raise Overloaded(
            f"{self._what}: expected a turn soon, others have waited for {self._seconds:g} s already; "
            "is it slow or down? try again in a moment"
        )

    def _lead(self) -> None:
        """Do whatever waits, and appoint whoever does what has come meanwhile."""
        with self._guard:
            notes, self._waiting = self._waiting, []
            for note in notes:
                note.taken = True
        try:
            for note, result in zip(notes, self._work([note.item for note in notes]), strict=True):
                note.result = result
        except BaseException as error:
            for note in notes:
                note.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._guard:
                for note in notes:
                    note.told.set()
                self._led = bool(self._waiting)
                if self._led:
                    self._waiting[0].leads = True
                    self._waiting[0].told.set()
