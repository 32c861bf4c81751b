"""boundaryclick's core: click-based segmentation with boundary refinement, usable as a library by itself."""

from typing import TYPE_CHECKING, Any

from model.clicks import Click, Role
from model.errors import BoundaryClickError, InvalidClick, InvalidImage, WeightsError

if TYPE_CHECKING:
    from model.loading import load_predictor
    from model.predictor import Prediction, Predictor, Session

__version__ = "0.1.0"
__all__ = [
    "BoundaryClickError",
    "Click",
    "InvalidClick",
    "InvalidImage",
    "Prediction",
    "Predictor",
    "Role",
    "Session",
    "WeightsError",
    "load_predictor",
]


def __getattr__(name: str) -> Any:
    """What needs large libraries is imported when it is first asked for: the command line's help does not wait."""
    if name in __all__:
        from model import loading, predictor  # noqa: PLC0415

        return getattr(loading if name == "load_predictor" else predictor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
