"""Label Studio's requests answered with the prediction service; knows no web framework."""

import hashlib
import logging
from collections import Counter
from threading import Lock
from typing import Any, Generic

from model.corrections import ImageReference, Interaction
from model.errors import BoundaryClickError, RequestInvalid
from plugins.labelstudio import answers
from plugins.labelstudio.client import Credentials, LabelStudioClient
from plugins.labelstudio.corrections import EVENTS, TOOL
from plugins.labelstudio.labelling import Labelling, read_labelling
from plugins.labelstudio.messages import (
    Context,
    PredictRequest,
    SetupRequest,
    Task,
    WebhookRequest,
    parse,
    shortened,
)
from plugins.labelstudio.prompts import read_prompt
from plugins.labelstudio.warming import Warmer
from plugins.ports import ImageLoader, ImageT, Learning, PredictionService

logger = logging.getLogger(__name__)

ACTIONS = frozenset(
    (
        "ANNOTATIONS_CREATED",
        "ANNOTATIONS_DELETED",
        "ANNOTATION_CREATED",
        "ANNOTATION_UPDATED",
        "PROJECT_UPDATED",
        "START_TRAINING",
        "TASKS_CREATED",
        "TASKS_DELETED",
    )
)


class Adapter(Generic[ImageT]):
    """One Label Studio backend; thread safe.

    Args:
        service: answers clicks.
        images: decodes and remembers images.
        client: fetches them.
        learning: told of clicks and of events; None: nobody is.
    """

    def __init__(
        self,
        service: PredictionService[ImageT],
        images: ImageLoader[ImageT],
        client: LabelStudioClient,
        learning: Learning | None = None,
    ) -> None:
        self._service = service
        self._images = images
        self._client = client
        self._learning = learning
        self._warmer = Warmer()
        self._actions: Counter[str] = Counter()
        self._actions_lock = Lock()

    @property
    def version(self) -> str:
        """Name of the model that answers."""
        return self._service.version

    def setup(self, body: bytes) -> dict[str, Any]:
        """Answer to POST /setup: the model's version. Label Studio waits three seconds for it.

        Raises:
            RequestInvalid: the body cannot be understood.
        """
        request = parse(SetupRequest, body)
        self._client.remember(request.project, request.hostname, request.access_token)
        return {"model_version": self.version}

    def predict(self, body: bytes) -> answers.Answer:
        """Answer to POST /predict: a mask for clicks; nothing, at once, where nobody has clicked.

        Raises:
            BoundaryClickError: the request, its image or its clicks cannot be used; the log names the task.
        """
        request = parse(PredictRequest, body)
        if request.context is None:
            self._warm(request)
            return answers.no_prediction()
        if len(request.tasks) != 1:
            raise RequestInvalid(f"tasks: expected one task with the clicks, got {len(request.tasks)}")
        task = request.tasks[0]
        try:
            return self._answer_clicks(request, task, request.context)
        except BoundaryClickError as error:
            # Label Studio hides a backend's errors from the annotator: this line is where they can be seen.
            logger.warning("task %s of project %s: %s", shortened(task.id), shortened(request.project), error)
            raise

    def webhook(self, body: bytes) -> dict[str, Any]:
        """Answer to POST /webhook: the action and how often it has come. Label Studio waits a second for it.

        Raises:
            RequestInvalid: the body names no action.
            StoreError: what it says of annotations cannot be kept.
        """
        action = parse(WebhookRequest, body).action
        if self._learning is not None and action in EVENTS:
            self._learning.put(TOOL, body)
        known = action if action in ACTIONS else "other"
        with self._actions_lock:
            self._actions[known] += 1
            count = self._actions[known]
        logger.info("webhook %s", shortened(action))
        return {"action": known, "count": count}

    def _answer_clicks(self, request: PredictRequest, task: Task, context: Context) -> answers.Answer:
        labelling = _labelling(request)
        prompt = read_prompt(context, labelling)
        if prompt is None:
            return answers.empty_prediction(self.version)
        output = labelling.output(prompt.image)
        image = self._image(request, task, labelling.data_key(prompt.image))
        height, width = image.pixels.shape[:2]
        clicks = prompt.clicks(width, height)
        prediction = self._service.predict(image, clicks)
        reference = task.data[labelling.data_key(prompt.image)]
        if self._learning is not None and request.project is not None and isinstance(reference, str):
            where = ImageReference(TOOL, str(request.project), str(task.id), reference)
            self._learning.offer(
                Interaction(where, image.digest, prompt.region, tuple(clicks), prediction.mask, self.version)
            )
        return answers.brush_prediction(prediction.mask, prediction.score, self.version, prompt, output)

    def _image(self, request: PredictRequest, task: Task, key: str) -> ImageT:
        if key not in task.data:
            raise RequestInvalid(
                f"tasks.0.data: expected {key!r}, which the Image tag shows, got {sorted(task.data)}"
            )
        url = self._client.locate(task.data[key], request.project, task.id)
        # A data: URI may be megabytes long; as a key its digest will do.
        name = hashlib.sha256(url.encode()).hexdigest() if url.startswith("data:") else url
        return self._images.load(
            name, lambda: self._client.fetch(url, request.project, _credentials(request))
        )

    def _warm(self, request: PredictRequest) -> None:
        """Get the image of a just opened task ready. More tasks at once come from no annotator."""
        if len(request.tasks) == 1:
            self._warmer.offer(lambda: self._warm_task(request, request.tasks[0]))

    def _warm_task(self, request: PredictRequest, task: Task) -> None:
        try:
            for key in _labelling(request).images.values():
                self._service.warm(self._image(request, task, key))
        except BoundaryClickError as error:
            logger.warning("task %s of project %s: %s", shortened(task.id), shortened(request.project), error)
        except Exception:
            logger.exception(
                "task %s of project %s: warming failed", shortened(task.id), shortened(request.project)
            )


def _labelling(request: PredictRequest) -> Labelling:
    if not request.label_config:
        raise RequestInvalid("label_config: expected the project's labelling configuration, got none")
    return read_labelling(request.label_config)


def _credentials(request: PredictRequest) -> Credentials | None:
    parameters = request.params
    if parameters is None or not parameters.login:
        return None
    return Credentials(parameters.login, parameters.password or "")
