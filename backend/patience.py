"""How long whoever asks goes on waiting; work that nobody waits for any more is not begun."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from model.errors import Abandoned, Overloaded


def _stays() -> bool:
    return False


@dataclass(frozen=True)
class Patience:
    """Of one request; without arguments endless.

    Args:
        seconds: it has from now on; None: any time.
        gone: whether whoever asked has left; called by any thread, answers at once.
    """

    seconds: float | None = None
    gone: Callable[[], bool] = _stays
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left, at most as many as a lock can be waited for."""
        if self.seconds is None:
            return threading.TIMEOUT_MAX
        return max(self.began + self.seconds - time.monotonic(), 0.0)

    def require(self) -> None:
        """Raise Abandoned when nobody waits any more, Overloaded when the time is over."""
        if self.gone():
            raise Abandoned("request: expected somebody to wait for the answer, the connection is closed")
        if self.left <= 0:
            raise self.overloaded()

    def overloaded(self) -> Overloaded:
        """What whoever asked is told when the time is over."""
        return Overloaded(
            f"model: expected to answer within {self.seconds:g} s, too many requests are before this one; "
            "try again in a moment"
        )
