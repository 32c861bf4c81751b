"""Interaction function for cvat-cli: CVAT Online and Enterprise ask it by way of an agent.

cvat-cli ... function create-native "Boundary click" --function-module plugins.cvat.agent
cvat-cli ... function run-agent ID --function-module plugins.cvat.agent -p device=str:cuda
"""

# mypy: disable-error-code="import-untyped, import-not-found"

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Generic

import cvat_sdk.auto_annotation as cvataa
import PIL.Image
from cvat_sdk.attributes import attribute_vals_from_dict

from backend.assembly import create_service
from backend.decoding import DecodedImage
from backend.settings import load_settings
from model.errors import BoundaryClickError
from plugins.cvat.answers import confidence
from plugins.cvat.interactor import Interactor
from plugins.cvat.prompts import Prompts, RightClick
from plugins.cvat.rle import encode
from plugins.ports import ImageStore, ImageT, PredictionService


class BoundaryClick(Generic[ImageT]):
    """The function; one worker process of cvat-cli holds it.

    Args:
        service: answers clicks.
        images: decodes images.
        right_click: what a click with the right button is.
    """

    # Right clicks are allowed in any case: without, one of them would fail the whole request.
    spec = cvataa.InteractionFunctionSpec(min_pos_points=1, min_neg_points=0)

    def __init__(
        self, service: PredictionService[ImageT], images: ImageStore[ImageT], right_click: RightClick
    ) -> None:
        self._images = images
        self._interactor = Interactor(service, right_click)

    def preprocess_image(self, context: object, image: PIL.Image.Image) -> ImageT:
        """The image as the model takes it; cvat-cli keeps it for further clicks on the frame."""
        try:
            return self._images.decode(_file(image))
        except BoundaryClickError as error:
            raise cvataa.BadFunctionError(str(error)) from None

    def detect(
        self, context: object, pp_image: ImageT, prompts: cvataa.InteractionPrompts
    ) -> list[cvataa.InteractionResultShape]:
        """The mask for the clicks; none where nothing is found. Only BadFunctionError is shown to the annotator."""
        clicks = Prompts(_points(prompts.pos_points), _points(prompts.neg_points))
        try:
            prediction = self._interactor.predict(pp_image, clicks)
        except BoundaryClickError as error:
            raise cvataa.BadFunctionError(str(error)) from None
        if prediction is None or not prediction.mask.any():
            return []
        told = {cvataa.InteractionResultAttributes.CONFIDENCE: confidence(prediction.score)}
        return [
            cvataa.InteractionResultShape(
                type="mask", points=encode(prediction.mask), attributes=attribute_vals_from_dict(told)
            )
        ]


def create(**parameters: Any) -> BoundaryClick[DecodedImage]:
    """The function, for cvat-cli.

    Args:
        parameters: settings by their names, weights, device, threads or cvat_right_click for example; those that
            are left out come from the environment.

    Raises:
        BoundaryClickError: settings or weights that cannot be used.
    """
    settings = load_settings(**parameters)
    service, images = create_service(settings)
    return BoundaryClick(service, images, settings.cvat_right_click)


def _points(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _file(image: PIL.Image.Image) -> bytes:
    """A file without loss, so that colour modes, bit depths and limits are dealt with in the one place for them."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
    buffer = BytesIO()
    image.save(buffer, "TIFF")
    return buffer.getvalue()
