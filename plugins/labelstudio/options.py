"""What a team can choose of the answers to Label Studio."""

from dataclasses import dataclass
from typing import Literal

Refine = Literal["annotations", "drafts", "off"]


@dataclass(frozen=True)
class Options:
    """Settings of this plugin.

    Args:
        refine: where a selection click may lie in a region that it goes on from: in submitted annotations and the
            annotator's drafts, in drafts only, nowhere.
        tolerance: how far, in pixels, a polygon may lie from the mask's outline; 0 keeps every corner.
        prelabel: whether tasks that nobody has clicked in are predicted when several are asked for at once.
    """

    refine: Refine = "annotations"
    tolerance: float = 1.0
    prelabel: bool = True
