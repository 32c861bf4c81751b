"""Turns at the model, which does one thing at a time, or a few."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from backend.patience import Patience
from model.errors import BoundaryClickError

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """First come, first served; thread safe.

    Args:
        at_once: so many have their turn at a time.

    Attributes:
        busy: told True when there is work to do, False when none is left; in order, and to be quick about it.
            By default nobody listens.
        broken: whether the last work failed for another reason than what it was asked.
    """

    def __init__(self, at_once: int = 1) -> None:
        self.busy: Callable[[bool], None] = lambda _busy: None
        self.broken = False
        self._waiting = self._failures = 0
        self._guard = threading.Lock()
        # Threads rather than locks: they keep the order, and share one pool of native threads.
        self._threads = ThreadPoolExecutor(at_once, "model")

    @property
    def waiting(self) -> int:
        """Callers of `take`, the one whose turn it is among them."""
        return self._waiting

    def take(self, patience: Patience, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the work on a thread of the model's and wait for it; what has begun is waited for in any case.

        Raises:
            Overloaded: its turn does not come as long as whoever asked is patient.
        """
        self._count(1)
        failures = self._failures
        try:
            # In the caller's context, so that its log lines are known as its own.
            future = self._threads.submit(partial(copy_context().run, work, *args, **kwargs))
            if not wait([future], patience.left).done and future.cancel():
                raise patience.overloaded()
            result = future.result()
            if failures == self._failures:  # else another has failed since this one began
                self.broken = False
            return result
        except BoundaryClickError:
            raise
        except Exception:
            self.broken, self._failures = True, self._failures + 1
            raise
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._guard:
            self._waiting += more
            if self._waiting == max(more, 0):
                self.busy(self._waiting > 0)
