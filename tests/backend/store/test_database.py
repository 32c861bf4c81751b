import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from backend.store import CorrectionStore, Database, Inbox
from backend.store.schema import AnnotationRow, Base, CorrectionRow, EventRow
from model.errors import SettingsError, StoreError
from tests.backend.store.submissions import correction, submission

ROOT = Path(__file__).parents[3]
KILLS = 20
ONE_LINE = r"^[^\n]+$"


def test_migrations_lead_to_the_schema(database: Database) -> None:
    with database.reading() as session:
        assert compare_metadata(MigrationContext.configure(session.connection()), Base.metadata) == []


def test_several_processes_may_start_at_once(url: str) -> None:
    program = "import sys; from backend.store import Database; Database(sys.argv[1]); print('open')"
    started = [
        subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=600)[0] for process in started] == ["open\n"] * 4
    with Database(url).reading() as session:
        assert session.scalars(text("SELECT version_num FROM alembic_version")).all() == ["0002"]


def test_a_database_that_is_there_keeps_what_it_holds(url: str) -> None:
    first = Database(url)
    CorrectionStore(first).record(submission(1, correction()))
    first.close()
    second = Database(url)
    assert len(CorrectionStore(second).active()) == 1
    second.close()


def test_a_database_of_a_newer_release_is_refused(url: str) -> None:
    database = Database(url)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(SettingsError, match="newer one; update"):
        Database(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:secret@h/d",
        "postgresql+nodriver://u:secret@h:1/d",
    ],
)
def test_what_is_no_database_is_refused_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match=ONE_LINE) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(SettingsError, match=ONE_LINE) as caught:
        Database("postgresql://somebody:secret@127.0.0.1:9/none")
    assert "secret" not in str(caught.value)
    assert "BOUNDARYCLICK_DATABASE_URL" in str(caught.value)


def test_a_folder_or_a_file_of_something_else_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, " * 300)
    for path in (tmp_path, tmp_path / "text", tmp_path / "text" / "below"):
        with pytest.raises(SettingsError, match=ONE_LINE):
            Database(f"sqlite:///{path}")


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/a.sqlite3").close()
    assert (tmp_path / "a.sqlite3").stat().st_mode & 0o077 == 0


def test_a_full_disk_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a.sqlite3")
    store, inbox = CorrectionStore(database), Inbox(database)
    store.record(submission(1, correction()))
    with database.writing() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreError, match="database or disk is full"):
        inbox.put("tool", bytes(1_000_000))
    assert inbox.counts() == {"pending": 0, "failed": 0}
    assert len(store.active()) == 1
    database.close()  # the limit belongs to the connection: there is room again
    inbox.put("tool", bytes(1_000_000))
    assert inbox.counts() == {"pending": 1, "failed": 0}
    database.close()


def test_many_threads_write_at_once(database: Database) -> None:
    store = CorrectionStore(database)
    failures = []

    def write(number: int) -> None:
        try:
            for revision in range(5):
                store.record(submission(revision, correction(), annotation=str(number % 3)))
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.counts() == {"active": 3, "replaced": 0, "withdrawn": 0, "flawed": 0}


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(url: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.backend.store.killing", url, str(KILLS)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    acknowledged = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(acknowledged) == KILLS
    told = {number for numbers in acknowledged for number in numbers}
    database = Database(url)
    with database.reading() as session:
        bodies = {int(body) for body in session.scalars(select(EventRow.body))}
        names = {int(name) for name in session.scalars(select(AnnotationRow.name))}
        regions = session.execute(
            select(func.count()).select_from(CorrectionRow).group_by(CorrectionRow.annotation_id)
        )
        whole = {count for (count,) in regions}
    database.close()
    assert all(acknowledged)
    assert told <= names <= bodies
    assert len(bodies) - len(told) <= KILLS  # at most the one that each was writing
    assert whole == {2}  # no annotation with half of its objects


def test_what_a_url_says_of_the_connection_holds(postgresql_url: str) -> None:
    said = "options=-csearch_path%3Dpublic,pg_temp&connect_timeout=60"
    database = Database(f"{postgresql_url}{'&' if '?' in postgresql_url else '?'}{said}")
    with database.reading() as session:
        assert session.scalar(text("SHOW search_path")) == "public,pg_temp"
        assert session.scalar(text("SHOW lock_timeout")) == "30s"
    database.close()


def test_who_cannot_have_the_lock_is_told_in_time_and_again_when_it_is_free(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.store.engine.BUSY_SECONDS", 1)
    somebody, database = Database(url), Database(url)
    table = text("UPDATE alembic_version SET version_num = version_num")
    with somebody.writing() as session:
        session.execute(table)  # which takes the lock of a row, where there are such
        with pytest.raises(StoreError, match=r"lock"):
            database.try_out()
        assert database.refuses
        assert Inbox(database).counts() == {"pending": 0, "failed": 0}, "reading goes on"
    database.try_out()
    assert not database.refuses
    somebody.close()
    database.close()
