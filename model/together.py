"""Work of many threads done in few pieces."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from model.errors import Overloaded

T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class _Note(Generic[T, R]):
    item: T
    done: bool = False
    result: R | None = None
    error: BaseException | None = None


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
        self._turn, self._guard = threading.Lock(), threading.Lock()
        self._notes: list[_Note[T, R]] = []

    def do(self, item: T) -> R:
        """What comes of the item.

        Raises:
            Overloaded: its turn does not come in time; it has not been done, unless somebody is at it just now.
            Exception: of `work`.
        """
        note = _Note[T, R](item)
        with self._guard:
            self._notes.append(note)
        if not self._turn.acquire(timeout=-1 if self._seconds is None else self._seconds):
            self._withdraw(note)
            raise Overloaded(
                f"{self._what}: expected a turn soon, others have waited for {self._seconds:g} s already; "
                "is it slow or down? try again in a moment"
            )
        try:
            if not note.done:
                self._do_all()
        finally:
            self._turn.release()
        if note.error is not None:
            raise note.error
        return cast(R, note.result)

    def _do_all(self) -> None:
        with self._guard:
            notes, self._notes = self._notes, []
        try:
            for note, result in zip(notes, self._work([note.item for note in notes]), strict=True):
                note.result = result
        except BaseException as error:
            for note in notes:
                note.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for note in notes:
                note.done = True

    def _withdraw(self, note: _Note[T, R]) -> None:
        with self._guard:
            if note in self._notes:
                self._notes.remove(note)
