"""Label Studio: clicks of smart key points in, brush regions out."""

from plugins.labelstudio.client import Connection

__all__ = ["Connection"]
