"""The description of the service by itself: OpenAPI 3.1, made of its routes and of the types of their messages."""

from backend.openapi.document import Doors, Operations, add_description, describe

__all__ = ["Doors", "Operations", "add_description", "describe"]
