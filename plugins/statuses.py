"""HTTP statuses of errors, the same for every tool."""

from model.errors import Abandoned, BoundaryClickError, ImageTooLarge, Unavailable

GONE = 499
"""Nobody reads it; in logs and figures it means what nginx means by it: the client has closed the connection."""

_STATUSES: tuple[tuple[type[BoundaryClickError], int], ...] = (
    (ImageTooLarge, 413),
    (Unavailable, 503),
    (Abandoned, GONE),
)


def status_of(error: BoundaryClickError) -> int:
    """What a request that ends with the error is answered; 400 is for those whose fault it is."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
