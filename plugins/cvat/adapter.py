"""CVAT's invocations answered with the prediction service; knows no web framework."""

import logging
from typing import Generic

from model.errors import BoundaryClickError
from plugins.cvat.answers import encode_answer, read_version
from plugins.cvat.interactor import Interactor
from plugins.cvat.messages import Body, parse
from plugins.cvat.prompts import RightClick
from plugins.ports import ImageStore, ImageT, PredictionService

logger = logging.getLogger(__name__)


class Adapter(Generic[ImageT]):
    """Thread safe.

    Args:
        service: answers clicks.
        images: decodes and remembers images.
        right_click: what a click with the right button is.
    """

    def __init__(
        self,
        service: PredictionService[ImageT],
        images: ImageStore[ImageT],
        right_click: RightClick = "boundary",
    ) -> None:
        self._interactor = Interactor(service, right_click)
        self._images = images

    def answer(self, body: Body, user_agent: str | None) -> bytes:
        """JSON for an invocation.

        Args:
            user_agent: tells CVAT's version.

        Raises:
            BoundaryClickError: the body, its image or its clicks cannot be used; the log has it too.
        """
        try:
            interaction = parse(body)
            # The image comes with every click: its text is the key, so only a new one is decoded.
            image = self._images.load(f"base64:{interaction.digest}", interaction.file)
            prediction = self._interactor.predict(image, interaction.prompts)
        except BoundaryClickError as error:
            logger.warning("invocation refused: %s", error)
            raise
        return encode_answer(prediction, read_version(user_agent))
