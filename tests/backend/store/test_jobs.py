from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import update

from backend.store import (
    CorrectionStore,
    Database,
    Job,
    JobLost,
    JobStore,
    NewVersion,
    ProjectList,
    VersionStore,
)
from backend.store.jobs import MOST_ATTEMPTS
from backend.store.schema import JobRow
from model.errors import RequestInvalid
from tests.backend.store.submissions import correction, submission

PROJECT = "labelstudio/3"


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def versions(database: Database) -> VersionStore:
    return VersionStore(database)


def head(digest: str) -> NewVersion:
    return NewVersion("labelstudio-3", digest, "default-1", "1", {"reason": digest}, digest.encode())


def concluded(jobs: JobStore, versions: VersionStore, digest: str, promote: bool = True) -> str:
    jobs.ask(PROJECT, "command")
    job = jobs.take("me")
    assert job is not None
    return versions.conclude(job, 5, head(digest), promote).name


def expire(database: Database) -> None:
    with database.writing() as session:
        session.execute(update(JobRow).values(lease=datetime.now(timezone.utc) - timedelta(seconds=1)))


def test_a_project_has_one_open_job_however_many_ask(jobs: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = set(pool.map(lambda _: jobs.ask(PROJECT, "page").id, range(24)))
    assert len(asked) == 1
    assert jobs.ask("cvat/3", "page").id not in asked


def test_a_job_is_worked_on_by_one_owner(jobs: JobStore) -> None:
    jobs.ask(PROJECT, "page")
    with ThreadPoolExecutor(8) as pool:
        taken = [job for job in pool.map(lambda n: jobs.take(f"owner-{n}"), range(16)) if job]
    assert len(taken) == 1
    jobs.report(taken[0], "training", 0.5)
    again = jobs.get(taken[0].id)
    assert again is not None
    assert (again.state, again.stage, again.progress) == ("running", "training", 0.5)


def test_a_job_whose_process_is_silent_is_taken_over_and_the_first_owner_told(
    jobs: JobStore, database: Database
) -> None:
    jobs.ask(PROJECT, "page")
    first = jobs.take("first")
    assert first is not None
    expire(database)
    second = jobs.take("second")
    assert second is not None
    assert second.id == first.id
    with pytest.raises(JobLost):
        jobs.report(first, "training", 0.6)
    jobs.put_back(first, "too late")
    jobs.report(second, "training", 0.1)


def test_a_job_that_kills_its_process_fails_in_the_end(jobs: JobStore, database: Database) -> None:
    asked = jobs.ask(PROJECT, "page")
    for _ in range(MOST_ATTEMPTS):
        assert jobs.take("me") is not None
        expire(database)
    assert jobs.take("me") is None
    failed = jobs.get(asked.id)
    assert failed is not None
    assert failed.state == "failed"
    assert "without a word" in failed.error
    assert jobs.ask(PROJECT, "page").id != asked.id, "and does not stand in the next one's way"


def test_an_orderly_stop_is_no_attempt(jobs: JobStore) -> None:
    asked = jobs.ask(PROJECT, "page")
    for _ in range(2 * MOST_ATTEMPTS):
        job = jobs.take("me")
        assert job is not None
        jobs.put_back(job, "", counts=False)
    back = jobs.get(asked.id)
    assert back is not None
    assert (back.state, back.attempts) == ("waiting", 0)


def test_a_cancelled_job_promotes_nothing(jobs: JobStore, versions: VersionStore) -> None:
    jobs.ask(PROJECT, "page")
    job = jobs.take("me")
    assert job is not None
    assert jobs.cancel(job.id)
    assert not jobs.cancel(job.id), "once"
    with pytest.raises(JobLost):
        versions.conclude(job, 5, head("aa"), promote=True)
    assert versions.listed() == []


def test_versions_are_promoted_and_rolled_back(jobs: JobStore, versions: VersionStore) -> None:
    first = concluded(jobs, versions, "aa")
    rejected = concluded(jobs, versions, "bb", promote=False)
    second = concluded(jobs, versions, "cc")
    assert (first, second) == ("labelstudio-3-v1-aa", "labelstudio-3-v3-cc")
    assert [each.state for each in versions.listed(PROJECT)] == ["promoted", "rejected", "retired"]
    back = versions.roll_back(PROJECT)
    assert back is not None
    assert back.name == first
    assert versions.roll_back(PROJECT) is None, "the shipped head"
    assert versions.promoted() == {}
    with pytest.raises(RequestInvalid, match="found none"):
        versions.roll_back(PROJECT)
    assert versions.promote("labelstudio-3-v2").name == rejected, "by hand, by the beginning of its name"
    assert versions.weights(versions.promoted()[PROJECT].id) == b"bb"
    with pytest.raises(RequestInvalid, match="labelstudio-3-v1-aa, labelstudio-3-v2-bb"):
        versions.promote("labelstudio-3")
    versions.retire(PROJECT)
    assert versions.promoted() == {}


def test_a_finished_job_counts_from_its_newest_correction(
    jobs: JobStore, versions: VersionStore, store: CorrectionStore, database: Database
) -> None:
    projects = ProjectList(database)
    for number in range(3):
        store.record(submission(number, correction(), annotation=str(number)))
    before = {each.project: each for each in projects.collected(jobs.latest())}
    assert (before["tool/1"].usable, before["tool/1"].fresh) == (3, 3)
    jobs.ask("tool/1", "page")
    job = jobs.take("me")
    assert isinstance(job, Job)
    jobs.finish(job, before["tool/1"].latest, {})
    store.record(submission(9, correction(), annotation="9"))
    store.record(submission(9, correction(flaw="no good"), annotation="10"))
    after = {each.project: each for each in projects.collected(jobs.latest())}
    assert (after["tool/1"].usable, after["tool/1"].flawed, after["tool/1"].fresh) == (4, 1, 1)
    assert (after[""].usable, after[""].fresh) == (4, 4), "all projects together have not been learnt from"
