"""One service with a Label Studio beside it, for all tests of this folder: starting one takes seconds."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backend.stress.clients import Client, Tally
from backend.stress.plays import Play, plays_alone
from tests.backend.learning.conftest import weights  # noqa: F401 - a fixture
from tests.reliability.service import Service
from tests.reliability.studio import Studio

FETCH_SECONDS = 3
LARGEST_IMAGE = 4 << 20
SIZES = ((320, 240), (400, 300), (240, 320))


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    studio = Studio()
    yield studio
    studio.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the service; its database is store.sqlite3."""
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="session")
def service(studio: Studio, folder: Path, weights: Path) -> Iterator[Service]:  # noqa: F811
    """Small caches, so that they are full as soon as there are some clients."""
    service = Service(
        folder,
        {
            "BOUNDARYCLICK_WEIGHTS": str(weights),
            "BOUNDARYCLICK_DATABASE_URL": f"sqlite:///{folder}/store.sqlite3",
            "BOUNDARYCLICK_LEARN_AFTER": "0",
            "BOUNDARYCLICK_FETCH_TIMEOUT": str(FETCH_SECONDS),
            "BOUNDARYCLICK_MAX_IMAGE_BYTES": str(LARGEST_IMAGE),
            "BOUNDARYCLICK_IMAGE_CACHE_BYTES": "500000",
            "BOUNDARYCLICK_FEATURE_CACHE_BYTES": "2000000",
            "LABEL_STUDIO_URL": studio.url,
        },
    )
    service.start()
    yield service
    service.stop()
    service.ended()


@pytest.fixture(scope="session")
def plays(service: Service) -> Iterator[Sequence[Play]]:
    """What one client alone gets."""
    alone = Client(service.url, 0, Tally())
    yield plays_alone(alone, 2, SIZES)
    alone.close()
