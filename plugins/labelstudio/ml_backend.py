"""The backend for those who run label-studio-ml: a model class for its server, of 1.0.9 or of 2.x.

A program of its own, which only that server imports: `label-studio-ml init my_backend --script .../ml_backend.py`. The
model is loaded once in a process, when its first object is made. Settings come from the environment, as for `serve`.
"""

import json
import logging
from functools import cache
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from backend.assembly import (
    connection_of,
    create_downloader,
    create_learning,
    create_service,
    options_of,
)
from backend.decoding import DecodedImage
from backend.settings import load_settings
from model.errors import BoundaryClickError
from plugins.labelstudio.adapter import Adapter
from plugins.labelstudio.client import LabelStudioClient, fetcher
from plugins.labelstudio.corrections import TOOL, Understanding

logger = logging.getLogger(__name__)


@cache
def shared_adapter() -> Adapter[DecodedImage]:
    """The one adapter of this process: 1.0.9 makes a model object for each project, 2.x one for each request."""
    settings = load_settings()
    service, images = create_service(settings)
    learning = create_learning(settings, images)
    client = LabelStudioClient(create_downloader(settings).get, connection_of(settings))
    if learning is not None:
        learning.join(TOOL, fetcher(client), Understanding(learning))
    return Adapter(service, images, client, learning, options_of(settings))


class BoundaryClick(LabelStudioMLBase):  # type: ignore[misc,unused-ignore]
    """Click-based segmentation; raises WeightsError or SettingsError when it is made and the settings do not fit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adapter = shared_adapter()

    def setup(self) -> None:
        """2.x asks here for the version that its answers name."""
        self.set("model_version", self._adapter.version)

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        """Predictions as /predict of our own server answers them; empty, with a line in the log, where it refuses."""
        body = {
            "tasks": tasks,
            "project": _project(self, kwargs),
            "label_config": getattr(self, "label_config", None),
            "params": {
                "login": kwargs.get("login"),
                "password": kwargs.get("password"),
                "context": context,
            },
        }
        try:
            results: list[Any] = self._adapter.predict(json.dumps(body).encode())["results"]
        except BoundaryClickError:
            # The log names the task; the server would answer with a traceback.
            return []
        return results

    def fit(self, *given: Any, **kwargs: Any) -> dict[str, Any]:
        """Keep what an event says: `fit(event, data)` of 2.x, `fit((), event=..., data=...)` of 1.0.9."""
        event, data = ([value for value in given if isinstance(value, (str, dict))] + [None, None])[:2]
        event, data = kwargs.get("event", event), kwargs.get("data", data)
        if isinstance(event, str) and isinstance(data, dict):
            try:
                self._adapter.webhook(json.dumps({**data, "action": event}).encode())
            except BoundaryClickError as error:
                logger.warning("fit: %s", error)
        return {"model_version": self._adapter.version}


def _project(model: LabelStudioMLBase, kwargs: dict[str, Any]) -> str | None:
    """The project's key, under the names that the releases have for it."""
    for value in (kwargs.get("project"), getattr(model, "project_id", None)):
        if value:
            return str(value)
    return None
