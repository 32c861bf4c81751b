"""Label Studio's requests answered with the prediction service; knows no web framework."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic

from model.errors import BoundaryClickError, RequestInvalid
from model.uncertainty import uncertainty
from plugins.labelstudio import answers
from plugins.labelstudio.bodies import set_aside
from plugins.labelstudio.client import LabelStudioClient
from plugins.labelstudio.corrections import hand_on
from plugins.labelstudio.interactive import Interactive
from plugins.labelstudio.messages import (
    PredictRequest,
    SetupRequest,
    Task,
    parse,
    shortened,
)
from plugins.labelstudio.options import Options
from plugins.labelstudio.prelabelling import middle, predict_each
from plugins.labelstudio.prompts import REGION_PREFIX
from plugins.labelstudio.task_images import TaskImages, labelling_of, model_key
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
        options: what the settings say.
    """

    def __init__(
        self,
        service: PredictionService[ImageT],
        images: ImageLoader[ImageT],
        client: LabelStudioClient,
        learning: Learning | None = None,
        options: Options | None = None,
    ) -> None:
        self._service = service
        self._client = client
        self._learning = learning
        self._options = options or Options()
        self._images = TaskImages(images, client)
        self._interactive = Interactive(service, self._images, learning, self._options)
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
        with _logging("/setup"):
            request = parse(SetupRequest, body)
        self._client.remember(request.project, request.hostname, request.access_token)
        return {"model_version": self._service.version_for(model_key(request.project))}

    def predict(self, body: bytes) -> answers.Answer:
        """Answer to POST /predict: a mask for clicks; nothing, at once, where nobody has clicked.

        Raises:
            BoundaryClickError: the request, its image or its clicks cannot be used; the log names the task.
        """
        with _logging("/predict"):
            request = parse(PredictRequest, set_aside(body))
        if request.context is None:
            return self._predict_unasked(request)
        task = request.tasks[0] if request.tasks else None
        with _logging(_name(request, task)):
            if task is None or len(request.tasks) != 1:
                raise RequestInvalid(f"tasks: expected one task with the clicks, got {len(request.tasks)}")
            return self._interactive.answer(body, request, task, request.context)

    def webhook(self, body: bytes) -> dict[str, Any]:
        """Answer to POST /webhook: the action and how often it has come. Label Studio waits a second for it.

        Raises:
            RequestInvalid: the body names no action.
            StoreError: what it says of annotations cannot be kept.
        """
        with _logging("/webhook"):
            action = hand_on(body, self._learning)
        known = action if action in ACTIONS else "other"
        with self._actions_lock:
            self._actions[known] += 1
            count = self._actions[known]
        logger.info("webhook %s", shortened(action))
        return {"action": known, "count": count}

    def _predict_unasked(self, request: PredictRequest) -> answers.Answer:
        """One task has just been opened, and predicting it would leave an unwanted prediction there. Several at once
        come from the Data Manager, where somebody has asked for predictions.
        """
        if len(request.tasks) == 1:
            self._warmer.offer(lambda: self._warm_task(request, request.tasks[0]))
        elif self._options.prelabel:
            return predict_each(request.tasks, lambda task: self._prelabel(request, task))
        return answers.no_prediction()

    def _prelabel(self, request: PredictRequest, task: Task) -> answers.Answer:
        with _logging(_name(request, task)):
            labelling = labelling_of(request)
            name = next(iter(labelling.images), "")
            output = labelling.output(name)
            image = self._images.load(request, task, labelling.data_key(name))
            height, width = image.pixels.shape[:2]
            project = model_key(request.project)
            found = self._service.predict(image, [middle(width, height)], project=project)
            region, labels = f"{REGION_PREFIX}task-{task.id}", output.choose(())
            target = answers.Target(region, name, None, output, labels, self._options.tolerance)
            certainty = 1 - uncertainty(found)
            regions = answers.mask_regions(found.mask, certainty, target)
            return answers.prediction(regions, certainty, found.version)

    def _warm_task(self, request: PredictRequest, task: Task) -> None:
        """Get the image of a just opened task ready; what goes wrong is logged and no more."""
        try:
            with _logging(_name(request, task)):
                for key in labelling_of(request).images.values():
                    self._service.warm(self._images.load(request, task, key))
        except Exception:
            return


@contextmanager
def _logging(what: str) -> Iterator[None]:
    """Say in one line what went wrong with `what`: Label Studio hides a backend's errors from the annotator."""
    try:
        yield
    except BoundaryClickError as error:
        logger.warning("%s: %s", what, error)
        raise
    except Exception as error:
        logger.exception("%s: internal error: %s", what, type(error).__name__)
        raise


def _name(request: PredictRequest, task: Task | None) -> str:
    return f"task {shortened(task and task.id)} of project {shortened(request.project)}"
