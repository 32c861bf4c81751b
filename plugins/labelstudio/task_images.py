"""The image of a task, fetched and decoded once."""

import hashlib
from typing import Generic

from model.errors import RequestInvalid
from plugins.labelstudio.client import Credentials, LabelStudioClient
from plugins.labelstudio.corrections import TOOL
from plugins.labelstudio.labelling import Labelling, read_labelling
from plugins.labelstudio.messages import Identifier, PredictRequest, Task
from plugins.ports import ImageLoader, ImageT


class TaskImages(Generic[ImageT]):
    """Thread safe.

    Args:
        images: decodes and remembers images.
        client: fetches them.
    """

    def __init__(self, images: ImageLoader[ImageT], client: LabelStudioClient) -> None:
        self._images = images
        self._client = client

    def load(self, request: PredictRequest, task: Task, key: str) -> ImageT:
        """The image that the task's data names under `key`.

        Raises:
            RequestInvalid: there is no such key.
            ImageRejected: the image cannot be had.
        """
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


def model_key(project: Identifier | None) -> str:
    """Name of a project among those of all tools, by which its own model is found; empty if it is not known."""
    return "" if project is None else f"{TOOL}/{project}"


def labelling_of(request: PredictRequest) -> Labelling:
    """The labelling configuration that comes with a request; raises RequestInvalid without a usable one."""
    if not request.label_config:
        raise RequestInvalid("label_config: expected the project's labelling configuration, got none")
    return read_labelling(request.label_config)


def _credentials(request: PredictRequest) -> Credentials | None:
    parameters = request.params
    if parameters is None or not parameters.login:
        return None
    return Credentials(parameters.login, parameters.password or "")
