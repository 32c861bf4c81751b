"""The backend for those who run label-studio-ml: a model class for its server, of 1.0.9 or of 2.x.

A program of its own, which that server alone imports; settings come from the environment, as for `serve`. The model is
loaded once in a process, in the background: Label Studio waits three seconds for an answer to /setup.
"""

import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from backend.assembly import (
    connection_of,
    create_downloader,
    create_images,
    create_learning,
    create_service,
    options_of,
)
from backend.decoding import DecodedImage
from backend.learning import Learning
from backend.settings import Settings, load_settings
from backend.troubles import LOGGERS
from model.errors import BoundaryClickError
from plugins.labelstudio.adapter import Adapter
from plugins.labelstudio.client import LabelStudioClient, fetcher
from plugins.labelstudio.corrections import EVENTS, START_TRAINING, TOOL, Understanding, hand_on

logger = logging.getLogger(__name__)
for name in LOGGERS:
    # That server's own settings show errors alone, and Label Studio shows nothing.
    logging.getLogger(name).setLevel(logging.INFO)

_starting = Lock()


class BoundaryClick(LabelStudioMLBase):  # type: ignore[misc,unused-ignore]
    """Click-based segmentation; raises SettingsError when it is made and the settings do not fit."""

    TRAIN_EVENTS = (*sorted(EVENTS), START_TRAINING)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kwargs.get(
            "hostname"
        ):  # 1.0.9 hands on what /setup says; what it makes for an event knows no server
            shared_client().remember(None, kwargs["hostname"], kwargs.get("access_token"))
            shared_adapter()

    def setup(self) -> None:
        """2.x asks here, at each request, for the version that its answers name."""
        adapter = shared_adapter()
        if adapter.done():
            self.set("model_version", adapter.result().version)

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        """Predictions as /predict of our own server answers them; empty, with a line in the log, where it refuses.

        Raises:
            WeightsError, SettingsError: there is no model.
        """
        adapter = shared_adapter().result()
        body = {
            "tasks": tasks,
            "project": getattr(self, "project_id", None) or None,
            "label_config": self.label_config,
            "params": {
                "login": kwargs.get("login"),
                "password": kwargs.get("password"),
                "context": context or None,
            },
        }
        try:
            results: list[Any] = adapter.predict(json.dumps(body).encode())["results"]
        except BoundaryClickError:
            # The log names the task; the server would answer with a traceback.
            return []
        return results

    def fit(self, *given: Any, **kwargs: Any) -> dict[str, Any]:
        """Keep what an event says: `fit(event, data)` of 2.x, `fit((), event=..., data=..., job_id=...)` of 1.0.9."""
        told = [*(value for value in given if isinstance(value, (str, dict))), None, None]
        event, data = kwargs.get("event", told[0]), kwargs.get("data", told[1])
        if isinstance(event, str) and isinstance(data, dict):
            body = json.dumps({**data, "action": event}).encode()
            try:
                if "job_id" in kwargs:
                    _understand(body)
                else:
                    shared_adapter().result().webhook(body)
            except BoundaryClickError as error:
                logger.warning("fit: %s: %s", event, error)
        return {}


@cache
def shared_client() -> LabelStudioClient:
    """Fetches the images of this process."""
    settings = load_settings()
    return LabelStudioClient(create_downloader(settings).get, connection_of(settings))


def shared_adapter() -> "Future[Adapter[DecodedImage]]":
    """The one adapter of this process, from now on being made.

    1.0.9 makes a model object at each /setup, 2.x at each request.
    """
    with _starting:
        return _begin()


@cache
def _begin() -> "Future[Adapter[DecodedImage]]":
    return ThreadPoolExecutor(1, "start").submit(_create_adapter, load_settings())


def _create_adapter(settings: Settings) -> Adapter[DecodedImage]:
    images = create_images(settings)
    learning = create_learning(settings, images)
    service, _ = create_service(settings, None, images, learning)
    if learning is not None:
        _join(learning)
    return Adapter(service, images, shared_client(), learning, options_of(settings))


def _understand(body: bytes) -> None:
    """Keep an event and understand it at once: 1.0.9 starts a process for each, which has no time afterwards."""
    settings = load_settings()
    learning = create_learning(settings, create_images(settings))
    if learning is not None:
        try:
            _join(learning)
            hand_on(body, learning)
            learning.catch_up()
        finally:
            learning.close()


def _join(learning: Learning) -> None:
    learning.join(TOOL, fetcher(shared_client()), Understanding(learning))
