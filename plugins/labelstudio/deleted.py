"""What becomes of an object whose selection click was deleted in the page.

The page says nothing until the next click, and then sends the clicks that are left. The first of them lies on the
object's outline: as a selection it would select whatever is there.
"""

from dataclasses import replace
from threading import Lock

from cachetools import LRUCache

from model import Role
from plugins.labelstudio.prompts import Point, Prompt

MOST_POINTS = 10_000


class DeletedSelections:
    """Knows each click on an outline by the random id that the page gives it, and its object; thread safe."""

    def __init__(self) -> None:
        self._selections: LRUCache[str, tuple[Point, Role]] = LRUCache(MOST_POINTS)
        self._lock = Lock()

    def kept(self, prompt: Prompt) -> Prompt:
        """The prompt; with the selection click that its object began with, where that one has been deleted."""
        selection, rest = prompt.points[0][0], prompt.points[1:]
        with self._lock:
            before = self._selections.get(selection.id)
            if before is not None:
                first, role = before
                prompt = replace(prompt, points=((first, "select"), (selection, role), *rest))
            for point, role in prompt.points[1:]:
                self._selections[point.id] = (prompt.points[0][0], role)
        return prompt
