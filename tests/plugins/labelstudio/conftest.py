"""What tests of the learning from Label Studio share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.decoding import ImageLimits
from backend.images import ImageStore
from backend.learning import Learning
from plugins.labelstudio import Connection
from plugins.labelstudio.routes import create_blueprint
from tests.plugins.labelstudio.doubles import Discs
from tests.plugins.labelstudio.events import Files, Sized


@pytest.fixture
def learning(tmp_path: Path) -> Iterator[Learning]:
    images = ImageStore(ImageLimits(1 << 20, 1_000_000), 1 << 20, 60)
    learning = Learning(f"sqlite:///{tmp_path}/store.sqlite3", images)
    yield learning
    learning.close()


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def http(learning: Learning, files: Files) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(
        create_blueprint(Discs(), Sized(), files, Connection("http://localhost:8085"), learning=learning)
    )
    return app.test_client()
