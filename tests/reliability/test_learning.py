"""What a promoted version does to those who click meanwhile, and what a killed service does to fine-tuning."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import update

from backend.benchmarking import predict_body
from backend.learning import Learning
from backend.learning import job as learning_job
from backend.store import ALL, Job
from backend.store.schema import JobRow
from backend.stress.clients import Client, Tally
from backend.stress.plays import Play, Step, answered_now, playing
from model import Click, load_predictor
from model.runtimes.pytorch import checkpoint_of
from tests.backend.learning.material import PROJECT, learning, photos, record, split_seeds
from tests.backend.learning.test_heads import promoted
from tests.reliability.service import Service, until
from tests.reliability.test_clients import clients, more_of

SIZE = (320, 240)


@pytest.fixture
def store(service: Service, folder: Path) -> Iterator[Learning]:
    """The service's own, opened by us, too."""
    store = learning(folder)
    yield store
    store.close()


def answering(service: Service) -> str:
    """Name of the version that a new object meets."""
    body = predict_body(1, SIZE, [Click(100, 100, "select")])
    version: str = service.post("/predict", json=body).json()["results"][0]["model_version"]
    return version


def both(before: Sequence[Play], after: Sequence[Play]) -> list[Play]:
    """The same plays, in which either answer will do."""
    return [
        Play(
            old.photo,
            tuple(
                Step(one.kind, one.clicks, {way: one.answers[way] | two.answers[way] for way in one.answers})
                for one, two in zip(old.steps, new.steps, strict=True)
            ),
        )
        for old, new in zip(before, after, strict=True)
    ]


def test_a_version_that_is_promoted_while_all_click_disturbs_nobody(
    service: Service,
    store: Learning,
    weights: Path,
    plays: Sequence[Play],
) -> None:
    base = load_predictor(weights)
    version = promoted(store, checkpoint_of(base), ALL, -3.0)
    until(lambda: answering(service) == version)
    lone, tally = Client(service.url, 0, Tally()), Tally()
    after = answered_now(lone, plays)
    assert service.post("/api/learning/rollback", json={"project": ALL}).json()["version"] is None
    assert answering(service) == base.version
    with playing(clients(service, tally), both(plays, after), tally):
        more_of(tally, 25)
        assert service.post("/api/learning/promote", json={"version": version}).json()["version"] == version
        assert answering(service) == version
        more_of(tally, 25)
    assert (tally.failures, tally.different) == ([], [])
    assert answered_now(lone, plays) == after
    assert after != plays
    service.post("/api/learning/rollback", json={"project": ALL})
    assert answered_now(lone, plays) == plays
    lone.close()


def test_a_service_that_is_killed_while_a_head_is_trained_goes_on_with_it(
    service: Service, store: Learning, tmp_path: Path
) -> None:
    record(store, photos(tmp_path / "photos", split_seeds(8, 1, learning_job.HELD_OUT, tmp_path / "photos")))
    before = len(store.corrections.active())
    number = service.post("/api/learning/jobs", json={"project": PROJECT}).json()["id"]

    def job() -> Job:
        known = store.jobs.get(number)
        assert known is not None
        assert known.ended is None, known.error or known.result
        return known

    until(lambda: service.grandchildren() and job().stage in ("features", "training"))
    (trainer,) = service.grandchildren()
    service.kill_worker()
    until(lambda: not Path(f"/proc/{trainer}").exists())
    assert answering(service)
    assert job().state == "running", "it is taken again when it has been silent for two minutes"
    with store.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == number).values(lease=datetime.now(timezone.utc)))
    assert service.post("/api/learning/jobs", json={"project": PROJECT}).json()["id"] == number
    until(lambda: job().attempts == 2)
    assert len(store.corrections.active()) == before
    assert service.post(f"/api/learning/jobs/{number}/cancel", json={}).json() == {"cancelled": True}
    until(lambda: service.grandchildren() == [])
