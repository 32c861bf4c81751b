"""CVAT's clicks to a mask, whichever way they have come."""

import logging
from typing import Generic

from model import Prediction
from plugins.cvat.guard import DeletedSelections
from plugins.cvat.prompts import Point, Prompts, RightClick, first_box, to_clicks
from plugins.ports import ImageT, PredictionService

logger = logging.getLogger(__name__)


class Interactor(Generic[ImageT]):
    """Thread safe.

    Args:
        service: answers clicks.
        right_click: what a click with the right button is.
    """

    def __init__(self, service: PredictionService[ImageT], right_click: RightClick = "boundary") -> None:
        self._service = service
        self._right_click = right_click
        self._deleted = DeletedSelections()

    def predict(self, image: ImageT, prompts: Prompts) -> Prediction | None:
        """Mask of the object; None if nothing selects one.

        The first left click selects, or the middle of a box without one; all others lie on the outline. A box tells
        where the object is, so that it need not be searched for.

        Raises:
            BoundaryClickError: clicks that cannot be used.
        """
        if self._right_click == "ignore":
            prompts = Prompts(prompts.positive, box=prompts.box)
        selection = self._selection(image, prompts)
        if selection is None:
            return None
        height, width = image.pixels.shape[:2]
        clicks = to_clicks(selection, (*prompts.positive, *prompts.negative), width, height)
        return self._service.predict(image, clicks, box=first_box(prompts.box))

    def _selection(self, image: ImageT, prompts: Prompts) -> Point | None:
        if not prompts.positive:
            return prompts.middle_of_box
        stand_in = self._deleted.stand_in(image.digest, prompts)
        if stand_in is not None:
            logger.info("the selection click was deleted; (%g, %g) stands in for it", *stand_in)
        return stand_in or prompts.positive[0]
