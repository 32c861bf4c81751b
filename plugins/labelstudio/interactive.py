"""An annotator's clicks answered with the region that they make, or with the one that they go on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Generic

from cachetools import LRUCache

from model import Click, Prediction
from model.corrections import ImageReference, Interaction
from model.state import starting_logits
from plugins.labelstudio.answers import Answer, Target, mask_regions, prediction
from plugins.labelstudio.corrections import TOOL
from plugins.labelstudio.deleted import DeletedSelections
from plugins.labelstudio.labelling import Output
from plugins.labelstudio.messages import Context, OpenTask, PredictRequest
from plugins.labelstudio.options import Options
from plugins.labelstudio.prompts import Prompt, read_prompt
from plugins.labelstudio.refining import Known, find_region
from plugins.labelstudio.task_images import TaskImages, labelling_of, model_key
from plugins.ports import ImageT, Learning, PredictionService

REFINED_OBJECTS = 32
"""Of which the mask that they began with is remembered; a draft that is saved meanwhile must not change it."""


@dataclass(frozen=True)
class Seen:
    """What there is to learn from clicks: the image by its digest, the region, the clicks and what they found."""

    digest: str
    region: str
    clicks: tuple[Click, ...]
    found: Prediction


class Interactive(Generic[ImageT]):
    """Thread safe.

    Args:
        service: answers clicks.
        images: of tasks.
        learning: told of clicks; None: nobody is.
        options: what the settings say.
    """

    def __init__(
        self,
        service: PredictionService[ImageT],
        images: TaskImages[ImageT],
        learning: Learning | None,
        options: Options,
    ) -> None:
        self._service = service
        self._images = images
        self._learning = learning
        self._options = options
        self._selections = DeletedSelections()
        self._known: LRUCache[tuple[object, ...], Known | None] = LRUCache(REFINED_OBJECTS)
        self._lock = Lock()

    def answer(self, body: bytes, request: PredictRequest, task: OpenTask, context: Context) -> Answer:
        """The region of the clicks; no region, which takes the editor's last suggestion away, where none counts.

        Args:
            body: the one that `request` was read from.

        Raises:
            BoundaryClickError: the request, its image or its clicks cannot be used.
        """
        labelling = labelling_of(request)
        prompt = read_prompt(context, labelling, self._service.roles)
        if prompt is None:
            return {"results": [prediction([], 0.0, self._version(request))]}
        prompt = self._selections.kept(prompt)
        output = labelling.output(prompt.image)
        key = labelling.data_key(prompt.image)
        image = self._images.load(request, task, key)
        height, width = image.pixels.shape[:2]
        clicks = prompt.clicks(width, height)
        known = self._region_under(
            click=clicks[0],
            shape=(height, width),
            body=body,
            request=request,
            task=task,
            prompt=prompt,
            output=output,
        )
        if known is None:
            region, labels = prompt.region, output.choose(prompt.labels)
            box = None if prompt.extent is None else prompt.extent.box(width, height)
            found = self._service.predict(image, clicks, box=box, project=model_key(request.project))
            self._tell(request, task, key, Seen(image.digest, region, tuple(clicks), found))
        else:
            region, labels = known.id, known.labels
            found = self._refined(request, image, clicks[1:], known)
        target = Target(region, prompt.image, prompt.size, output, labels, self._options.tolerance)
        regions = mask_regions(found.mask, found.score, target)
        return {"results": [prediction(regions, found.score if regions else 0.0, found.version)]}

    def _refined(
        self, request: PredictRequest, image: ImageT, clicks: Sequence[Click], known: Known
    ) -> Prediction:
        """A region after the boundary clicks on it; before the first it is as it was."""
        if clicks:
            return self._service.predict(image, clicks, known.mask, project=model_key(request.project))
        make_logits = partial(starting_logits, known.mask, known.mask.shape)
        return Prediction(known.mask, make_logits, 1.0, None, self._version(request))

    def _version(self, request: PredictRequest) -> str:
        return self._service.version_for(model_key(request.project))

    def _region_under(
        self,
        *,
        click: Click,
        shape: tuple[int, int],
        body: bytes,
        request: PredictRequest,
        task: OpenTask,
        prompt: Prompt,
        output: Output,
    ) -> Known | None:
        """The region that the clicks go on from, the same for all clicks on an object."""
        if self._options.refine == "off" or prompt.extent is not None:
            return None
        key = (str(request.project), str(task.id), prompt.region, click, prompt.labels)
        with self._lock:
            if key in self._known:
                return self._known[key]
        known = find_region(
            body, task, where=self._options.refine, click=click, prompt=prompt, output=output, shape=shape
        )
        with self._lock:
            return self._known.setdefault(key, known)

    def _tell(self, request: PredictRequest, task: OpenTask, key: str, seen: Seen) -> None:
        """Let the clicks be learnt from. Those on an existing region are not told: they would replace its own."""
        reference = task.data[key]
        if self._learning is None or request.project is None or not isinstance(reference, str):
            return
        where = ImageReference(TOOL, str(request.project), str(task.id), reference)
        self._learning.offer(
            Interaction(where, seen.digest, seen.region, seen.clicks, seen.found.mask, seen.found.version)
        )
