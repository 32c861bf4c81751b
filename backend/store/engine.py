"""A database from its URL: SQLite or PostgreSQL, brought to the current schema."""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from model.errors import SettingsError, StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
"""How long a writer waits for another, who holds the lock for milliseconds unless it is another program."""
GONE_SECONDS = 10
"""How long PostgreSQL's machine may be silent before it is taken to be gone."""
_MIGRATION_LOCK = 0x626F756E64617279
"""Of PostgreSQL's advisory locks: any number that no other program is likely to take."""


class Database:
    """Sessions that either happen as a whole or not at all; thread safe.

    Args:
        url: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.

    Attributes:
        refuses: whether the last write has failed because of the database, not of what was to be written.

    Raises:
        SettingsError: no such URL, no driver for it, no way to open it, or made by a newer release.
    """

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.name = parsed.render_as_string(hide_password=True)
        try:
            self._engine = _opened(parsed)
            weakref.finalize(self, self._engine.dispose)
            _migrate(self._engine)
        except CommandError:
            raise SettingsError(
                f"database {self.name}: expected a schema of this release, got that of a newer one; "
                "update boundaryclick"
            ) from None
        except (SQLAlchemyError, OSError) as error:
            raise SettingsError(
                f"database {self.name}: expected to open it, got {reason(error)}; "
                "check BOUNDARYCLICK_DATABASE_URL"
            ) from None
        # SQLite's lock is taken at once where something will be written: a reader that becomes a writer half way
        # would be refused instead of having to wait.
        self._writing = self._engine.execution_options(immediate=True)
        # SQLite lets writers wait by trying again after longer and longer pauses; a lock wakes the next at once.
        self._turn = threading.Lock() if parsed.get_backend_name() == "sqlite" else None
        self.refuses = False

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed at the end; raises StoreError if the database does not take it."""
        try:
            with self._in_turn(), Session(self._writing, expire_on_commit=False) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            self.refuses = isinstance(error, OperationalError)
            raise self._error("write", error) from error
        self.refuses = False

    def try_out(self) -> None:
        """Write, changing nothing; raises StoreError."""
        with self.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = version_num"))

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise StoreError(
                f"database {self.name}: expected to write it within {BUSY_SECONDS} s, others were waiting before; "
                "does another program lock it?"
            )
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view; raises StoreError."""
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                yield session
        except SQLAlchemyError as error:
            raise self._error("read", error) from error

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._engine.dispose()

    def _error(self, what: str, error: SQLAlchemyError) -> StoreError:
        return StoreError(
            f"database {self.name}: expected to {what} it, got {reason(error)}; "
            "is the disk full or the server down?"
        )


def reason(error: BaseException) -> str:
    """The driver's own words on one line, without the statement."""
    words = " ".join(str(getattr(error, "orig", None) or error).split())
    return words[:200] or type(error).__name__


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("unknown")
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    # Not repeated: the URL may hold a password.
    raise SettingsError(
        "BOUNDARYCLICK_DATABASE_URL: expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, "
        "got another kind of URL"
    )


def _opened(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        try:
            # Else a machine that is gone would be waited for as long as it takes. What the URL says goes first.
            limits = {"connect_timeout": GONE_SECONDS, "tcp_user_timeout": GONE_SECONDS * 1000}
            missing = {name: value for name, value in limits.items() if name not in url.query}
            engine = create_engine(url, pool_pre_ping=True, connect_args=missing)
        except ImportError:
            raise SettingsError(
                "database: expected the package psycopg for PostgreSQL, not installed; "
                "pip install 'boundaryclick[postgresql]'"
            ) from None
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    # What annotators do is nobody else's business on a shared machine.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgresql(connection: Any, _: object) -> None:
    """Else whoever locks a table would be waited for as long as it takes."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.commit()


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Transactions are begun by us, in the way that fits; a commit is on the disk when it returns."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _migrate(engine: Engine) -> None:
    """Bring the schema up to date, in one transaction; of several processes that start at once, one does it."""
    with engine.execution_options(immediate=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))  # however long another one migrates
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
