"""CVAT: clicks of an interactor in, masks out; as a Nuclio-compatible gateway, a Nuclio function, or an agent."""

from plugins.cvat.adapter import Adapter
from plugins.cvat.routes import create_blueprint

__all__ = ["Adapter", "create_blueprint"]
