"""What becomes of an object whose selection click was deleted.

CVAT sends all clicks anew each time, in order, and closes up the list when one is deleted. If it was the first,
the next one, which lies on an outline, would select whatever is there.
"""

from dataclasses import dataclass
from threading import Lock

from cachetools import TTLCache

from plugins.cvat.prompts import Point, Prompts, middle

REMEMBERED_SECONDS = 600.0
MOST_IMAGES = 1000
MOST_OBJECTS = 16
"""Of one image: one for each annotator who works on it, and some to spare."""

ENOUGH = 3
"""So many boundary clicks have a middle that is worth more than a click that was taken back."""


@dataclass(frozen=True)
class _Object:
    """An object as last seen.

    Attributes:
        positive: its left clicks.
        stand_in: what it is selected by instead of the first of them.
    """

    positive: tuple[Point, ...]
    stand_in: Point | None


class DeletedSelections:
    """Notices deleted selection clicks; thread safe. Forgets an object ten minutes after its last click."""

    def __init__(self) -> None:
        self._images: TTLCache[str, tuple[_Object, ...]] = TTLCache(MOST_IMAGES, REMEMBERED_SECONDS)
        self._lock = Lock()

    def stand_in(self, image: str, prompts: Prompts) -> Point | None:
        """Where to select instead of the first left click; None if that one is the selection click.

        Args:
            image: identifies the image.
            prompts: at least one left click.
        """
        with self._lock:
            objects = self._images.get(image, ())
            first = prompts.positive[0]
            before = next((seen for seen in objects if first in seen.positive), None)
            now = _Object(prompts.positive, _stand_in(before, prompts))
            others = [seen for seen in objects if seen is not before]
            self._images[image] = (now, *others[: MOST_OBJECTS - 1])
            return now.stand_in


def _stand_in(before: _Object | None, prompts: Prompts) -> Point | None:
    if before is None:
        return None
    if before.positive[0] == prompts.positive[0]:
        return before.stand_in
    boundary = (*prompts.positive, *prompts.negative)
    return middle(boundary) if len(boundary) >= ENOUGH else before.stand_in or before.positive[0]
