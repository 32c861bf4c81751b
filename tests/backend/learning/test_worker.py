"""The worker with real processes, that are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backend.learning import Learning, pausing
from backend.learning import job as learning_job
from backend.learning.pausing import Pausable
from backend.learning.queue import Queue, cron
from backend.learning.worker import Worker
from backend.store import Job
from backend.store.jobs import MOST_ATTEMPTS
from model.errors import SettingsError
from model.fine_tuning import material
from tests.backend.learning.material import (
    PROJECT,
    TOOL,
    learning,
    photos,
    read,
    record,
    split_seeds,
    workplace,
)

PATIENCE = 1800
"""Seconds until a test gives up; nothing is measured by them."""


def comes_to_stand(pid: int, still: bool = True) -> bool:
    """Within a minute: a signal takes effect when the process is next looked at."""
    for _ in range(600):
        if (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T") is still:
            return True
        time.sleep(0.1)
    return False


def until(store: Learning, number: int, *, stage: str = "", state: str = "") -> Job:
    """The job as soon as it is there."""
    for _ in range(PATIENCE * 10):
        job = store.jobs.get(number)
        assert job is not None
        if (stage and job.stage == stage) or (state and job.state == state):
            return job
        assert not (stage and job.ended), job.error or job.result
        time.sleep(0.1)
    raise AssertionError(f"never {stage or state}")


def test_a_killed_training_goes_on_where_it_was_and_only_one_runs(
    store: Learning, tmp_path: Path, weights: Path
) -> None:
    record(store, photos(tmp_path / "photos", split_seeds(8, 4, learning_job.HELD_OUT, tmp_path / "photos")))
    place = workplace(tmp_path, weights)
    worker, second = (Worker(each, place, {TOOL: read}) for each in (store, learning(tmp_path)))
    asked = store.jobs.ask(PROJECT, "test")
    threads = [threading.Thread(target=each.work, daemon=True) for each in (worker, second)]
    for thread in threads:
        thread.start()
    until(store, asked.id, stage="training")
    busy = [each for each in (worker, second) if each._process is not None]
    assert len(busy) == 1, "one process for one job"
    process = busy[0]._process
    assert process is not None
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0), (
        "clicks go first"
    )
    if hasattr(os, "SCHED_IDLE"):
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
    if Path("/proc/self/stat").exists():
        busy[0].give_way(True)
        assert comes_to_stand(process.pid), "somebody waits for a click"
        busy[0].give_way(False)
        assert comes_to_stand(process.pid, still=False)
        busy[0].give_way(True)  # and is killed as it stands
    written = list(place.job_folder(asked).glob("*/features/*.txt"))
    os.kill(process.pid, signal.SIGKILL)
    busy[0].give_way(False)
    done = until(store, asked.id, state="done")
    for thread in threads:
        thread.join(PATIENCE)
    assert (done.attempts, done.error) == (2, "")
    assert len(written) == 4 * material.MOST_VIEWS
    assert store.versions.listed(PROJECT)[0].figures["objects"] == 8
    assert not place.job_folder(asked).exists(), "nothing is left lying about"
    second.close()
    second._learning.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_clicks_without_end_do_not_stop_a_training_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pausable = Pausable()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], text=True) as process:
        pausable.give_way(True)
        pausable.start(process)
        pausable.breathe()
        assert comes_to_stand(process.pid), "not for long yet"
        monkeypatch.setattr(pausing, "LONGEST_STILL", 0.0)
        pausable.breathe()
        assert comes_to_stand(process.pid, still=False)
        pausable.give_way(True)
        assert comes_to_stand(process.pid), "somebody else waits"
        pausable.terminate()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_training_that_stands_still_ends_with_its_service() -> None:
    child = (
        "import os, time, backend.learning.__main__ as m; m._end_with(os.getppid()); "
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        training = Path(f"/proc/{int(service.stdout.readline())}/stat")
        os.kill(int(training.parent.name), signal.SIGSTOP)
        service.kill()
        for _ in range(PATIENCE * 10):
            if not training.exists() or training.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.1)
        else:
            raise AssertionError("stands still for ever")


def test_a_disk_that_cannot_be_written_fails_the_job_in_the_end(
    store: Learning, tmp_path: Path, weights: Path
) -> None:
    record(store, photos(tmp_path / "photos", range(2)))
    (tmp_path / "jobs").write_text("in the way")
    asked = store.jobs.ask(PROJECT, "test")
    Worker(store, workplace(tmp_path, weights), {TOOL: read}).work()
    failed = store.jobs.get(asked.id)
    assert failed is not None
    assert (failed.state, failed.attempts) == ("failed", MOST_ATTEMPTS)
    assert "jobs" in failed.error


def test_enough_new_corrections_ask_for_a_job_once(store: Learning, tmp_path: Path, weights: Path) -> None:
    worker = Worker(store, workplace(tmp_path, weights), {TOOL: read})
    record(store, photos(tmp_path / "photos", range(4)))
    assert worker.ask_where(5, "corrections") == []
    record(store, photos(tmp_path / "photos", range(4, 6)))
    (asked,) = worker.ask_where(5, "corrections")
    assert (asked.project, asked.cause) == (PROJECT, "corrections")
    assert worker.ask_where(5, "corrections") == [asked]
    store.jobs.cancel(asked.id)
    assert worker.ask_where(5, "corrections") == [], "a person has said no, until there are as many new ones"


def test_the_queue_does_what_was_left_over(store: Learning, tmp_path: Path, weights: Path) -> None:
    place = workplace(tmp_path, weights)
    queue = Queue(Worker(store, place, {TOOL: read}), place.folder, schedule="0 3 * * *")
    asked = store.jobs.ask("folder/nothing", "test")
    queue.start()
    done = until(store, asked.id, state="done")
    queue.close()
    assert done.result["reason"].startswith("too few corrections")


@pytest.mark.parametrize("schedule", ["", "nightly", "0 3 * *", "61 * * * *", "0 3 * * * *"])
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    with pytest.raises(SettingsError, match="five fields"):
        cron(schedule)
