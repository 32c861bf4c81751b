"""boundaryclick's core: click-based segmentation with boundary refinement, usable as a library by itself."""

from model.clicks import Click, Role
from model.errors import BoundaryClickError, InvalidClick, InvalidImage, WeightsError
from model.predictor import Prediction, Predictor, Session, load_predictor

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
