"""The page at `/` that lets a person try it, and the small HTTP interface that it talks to."""

from backend.web.routes import create_blueprint

__all__ = ["create_blueprint"]
