"""Every test of the store runs on SQLite, and on a real PostgreSQL where one can be started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backend.store import CorrectionStore, Database
from tests.backend.store.postgresql import found, postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    programs = found()
    if programs is None:
        pytest.skip("needs PostgreSQL's server programs")
    with postgresql(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new folder/store.sqlite3"
    server: str = request.getfixturevalue("postgresql_url")
    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> CorrectionStore:
    return CorrectionStore(database)
