"""Writes of many threads in few transactions."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from model.errors import Overloaded

T = TypeVar("T")


@dataclass(eq=False)
class _Note(Generic[T]):
    item: T
    done: bool = False
    error: BaseException | None = None


class Together(Generic[T]):
    """What comes while one thread is writing is written by the next, all of it at once.

    A thousand writes wait for a few dozen commits, and none waits behind those that have come after it.

    Args:
        write: all of these, or none and raises.
        seconds: how long a thread waits for its turn; it is missed elsewhere.
        what: is written, for the message.
    """

    def __init__(self, write: Callable[[Sequence[T]], None], seconds: float, what: str) -> None:
        self._write, self._seconds, self._what = write, seconds, what
        self._turn, self._guard = threading.Lock(), threading.Lock()
        self._notes: list[_Note[T]] = []

    def put(self, item: T) -> None:
        """Write; it has been written when this returns.

        Raises:
            Overloaded: its turn does not come in time; it has not been written, unless somebody is at it just now.
            Exception: of `write`.
        """
        note = _Note(item)
        with self._guard:
            self._notes.append(note)
        if not self._turn.acquire(timeout=self._seconds):
            self._withdraw(note)
            raise Overloaded(
                f"{self._what}: expected to be written soon, others have waited for {self._seconds:g} s already; "
                "is it slow or down? try again in a moment"
            )
        try:
            if not note.done:
                self._write_all()
        finally:
            self._turn.release()
        if note.error is not None:
            raise note.error

    def _write_all(self) -> None:
        with self._guard:
            notes, self._notes = self._notes, []
        try:
            self._write([note.item for note in notes])
        except BaseException as error:
            for note in notes:
                note.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for note in notes:
                note.done = True

    def _withdraw(self, note: _Note[T]) -> None:
        with self._guard:
            if note in self._notes:
                self._notes.remove(note)
