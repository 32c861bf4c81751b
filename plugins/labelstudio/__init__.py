"""Label Studio: clicks of smart key points in, brush regions out."""

from plugins.labelstudio.client import Connection
from plugins.labelstudio.routes import create_blueprint

__all__ = ["Connection", "create_blueprint"]
