"""The database locked by somebody else, and the disk full: clicks are answered, and what was acknowledged is kept."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from backend.benchmarking import predict_body
from model import Click
from tests.reliability.service import Service, until
from tests.reliability.studio import Studio

SIZE = (320, 240)
SELECT = Click(160, 120, "select")
LARGE = "x" * 100_000
"""In an event: what makes a disk full."""


def submit(service: Service, number: int, filling: str = "") -> int:
    """The status that Label Studio gets for an event."""
    event = {"action": "ANNOTATION_CREATED", "number": number, "filling": filling}
    return service.post("/webhook", json=event).status_code


def clicked(service: Service, x: int = 160) -> None:
    click = Click(x, 120, "select")
    assert service.post("/predict", json=predict_body(1, SIZE, [click])).json()["results"][0]["result"]


def kept(rows: list[bytes]) -> set[int]:
    return {json.loads(row)["number"] for row in rows}


def test_while_somebody_locks_the_database_clicks_are_answered_and_nothing_acknowledged_is_lost(
    service: Service, folder: Path
) -> None:
    clicked(service)
    somebody = sqlite3.connect(folder / "store.sqlite3", isolation_level=None)
    somebody.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(20) as tools:
        waiting = [tools.submit(submit, service, number) for number in range(1000, 1020)]
        until(lambda: any(each.done() for each in waiting))  # those for whom there is no room to wait
        for x in (150, 170):
            clicked(service, x)
        assert {each.result() for each in waiting if each.done()} == {503}
        somebody.execute("ROLLBACK")
        answers = dict(zip(range(1000, 1020), (each.result() for each in waiting), strict=True))
    assert set(answers.values()) == {201, 503}
    rows = [body for (body,) in somebody.execute("SELECT body FROM inbox") if b'"number"' in body]
    somebody.close()
    acknowledged = {number for number, status in answers.items() if status == 201}
    assert acknowledged == kept(rows) & set(answers)
    assert submit(service, 1020) == 201


@pytest.fixture
def small_disk(tmp_path: Path, studio: Studio, weights: Path) -> Iterator[tuple[Service, Path]]:
    """A service whose data lie on a disk of four megabytes, and a file there, seen from here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f'mount -t tmpfs -o size=4m tmpfs {disk} && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("needs a file system of its own, which this machine does not give")
    service = Service(
        disk,
        {
            "BOUNDARYCLICK_WEIGHTS": str(weights),
            "BOUNDARYCLICK_DATABASE_URL": f"sqlite:///{disk}/store.sqlite3",
            "LABEL_STUDIO_URL": studio.url,
        },
        inside,
    )
    service.start()
    yield service, Path(f"/proc/{service.master}/root/{disk}/filling")
    service.stop()
    service.ended()


def fill(path: Path) -> None:
    """As far as it goes."""
    with path.open("wb") as file, suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(4096))


def test_while_the_disk_is_full_clicks_are_answered_and_events_refused_until_there_is_room(
    small_disk: tuple[Service, Path], tmp_path: Path
) -> None:
    service, filling = small_disk
    acknowledged = {number for number in range(3) if submit(service, number, LARGE) == 201}
    assert acknowledged == {0, 1, 2}
    fill(filling)
    answers = {number: submit(service, number, LARGE) for number in range(3, 9)}
    acknowledged |= {number for number, status in answers.items() if status == 201}
    refused = service.post("/webhook", json={"action": "ANNOTATION_CREATED", "filling": LARGE})
    assert refused.status_code == 503
    assert "disk is full" in refused.json()["error"]
    for x in (150, 160, 170):
        clicked(service, x)
    ready = service.get("/ready")
    if ready.status_code == 503:
        assert "database" in ready.json()["error"]
    else:  # a full disk may have room for little things
        acknowledged.add(20)
        assert submit(service, 20, "") == 201
    filling.unlink()
    until(lambda: service.get("/ready").status_code == 200)
    assert service.get("/ready").json()["learning"] is True
    assert submit(service, 9, LARGE) == 201
    for name in ("store.sqlite3", "store.sqlite3-wal"):  # what lies there is seen by its own processes only
        shutil.copy(filling.with_name(name), tmp_path)
    copy = sqlite3.connect(tmp_path / "store.sqlite3")
    rows = [body for (body,) in copy.execute("SELECT body FROM inbox") if b'"number"' in body]
    copy.close()
    assert kept(rows) == acknowledged | {9}
