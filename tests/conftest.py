"""Fixtures for every test: a synthetic photo, the shipped predictor, the application, a real server."""

import atexit
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import cv2
import numpy as np
import pytest
import torch
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from PIL import Image
from torch.utils.data._utils import signal_handling

from backend.app import create_app
from backend.settings import PREFIX, Settings, load_settings
from model import Click, Predictor, load_predictor
from tests.end_to_end.serving import serving

# How long an example takes says nothing about whether it is right.
property_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("untimed")

# Every server that a test speaks to runs here, where no proxy can reach it.
_DIRECT = ",".join(
    filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "localhost,127.0.0.1,::1"))
)
os.environ.update({"NO_PROXY": _DIRECT, "no_proxy": _DIRECT})

# The data loader of torch would handle SIGCHLD for the rest of this process. Handling it has ended whole runs of the
# suite with a segmentation fault from the kernel, wherever a child ended (Python 3.11, Linux 6.18, a CPU with AMX).
signal_handling._SIGCHLD_handler_set = True

# Servers that tests start keep what they are told here, not among this user's own data.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="boundaryclick-")
atexit.register(shutil.rmtree, os.environ["XDG_DATA_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((PREFIX, "LABEL_STUDIO_", "LOCAL_FILES_", "CVAT_", "UPSTREAM_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Services and commands choose how many threads torch uses, for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """(180, 240, 3) uint8: a bright disc on dark, softly structured ground."""
    random = np.random.default_rng(7)
    ground = cv2.resize(random.integers(20, 80, (9, 12, 3), dtype=np.uint8), (240, 180))
    cv2.circle(ground, (120, 90), 45, (230, 120, 60), -1, cv2.LINE_AA)
    return ground


@pytest.fixture(scope="session")
def photo_click() -> Click:
    return Click(120, 90, "select")


@pytest.fixture(scope="session")
def photo_png(photo: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """The shipped weights."""
    return load_predictor()


@pytest.fixture
def settings() -> Settings:
    return load_settings(threads=1)


@pytest.fixture
def app(settings: Settings, predictor: Predictor) -> Flask:
    return create_app(settings, predictor)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def serve() -> Callable[[Mapping[str, str]], AbstractContextManager[str]]:
    """Starts a further real server: environment in, base URL out."""
    return serving


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """Base URL of a real server that is shared by the whole run."""
    with serving({}) as url:
        yield url
