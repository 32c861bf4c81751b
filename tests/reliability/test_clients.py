"""Many annotators, and what may happen to the service while they click."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from backend.benchmarking import predict_body
from backend.stress.clients import Client, Tally
from backend.stress.plays import Play, playing
from model import Click
from tests.backend.learning.material import learning
from tests.reliability.conftest import SIZES
from tests.reliability.service import PATIENCE, Service, until
from tests.reliability.studio import Studio

CLIENTS = 20

SELECT = Click(160, 120, "select")


def clients(service: Service, tally: Tally, stubborn: float = 0.0) -> list[Client]:
    return [Client(service.url, number, tally, stubborn=stubborn) for number in range(1, CLIENTS + 1)]


def answers(tally: Tally) -> int:
    return sum(map(len, tally.milliseconds.values()))


def more_of(tally: Tally, count: int) -> None:
    """Returns when there are so many answers more."""
    wanted = answers(tally) + count
    until(lambda: answers(tally) >= wanted or tally.failures)


def test_twenty_clients_get_what_one_gets_while_the_caches_are_full(
    service: Service, plays: Sequence[Play]
) -> None:
    tally = Tally()
    with playing(clients(service, tally), plays, tally):
        more_of(tally, 120)
    assert (tally.failures, tally.different) == ([], [])
    assert set(tally.milliseconds) == {"select", "near", "far", "undo"}
    assert service.figure('boundaryclick_cache_bytes{cache="images"}') <= 500_000
    assert service.figure('boundaryclick_stage_seconds_count{stage="again"}') > 0, "objects had to make room"


def test_a_worker_that_is_killed_is_replaced_and_nothing_acknowledged_is_lost(
    service: Service, plays: Sequence[Play], folder: Path
) -> None:
    tally, kept = Tally(), []
    stop = threading.Event()

    def submit() -> None:
        """Events as fast as they are acknowledged."""
        number = 0
        while not stop.is_set():
            number += 1
            body = {"action": "ANNOTATION_CREATED", "kill": number}
            try:
                if requests.post(f"{service.url}/webhook", json=body, timeout=PATIENCE).status_code == 201:
                    kept.append(number)
            except requests.RequestException:  # hung up on, before or in the middle of an answer
                time.sleep(0.05)

    tool = threading.Thread(target=submit)
    tool.start()
    with playing(clients(service, tally, stubborn=PATIENCE), plays, tally):
        more_of(tally, 25)
        before = len(kept)
        service.kill_worker()
        more_of(tally, 25)
        until(lambda: len(kept) > before + 3)
        stop.set()
    tool.join()
    assert (tally.failures, tally.different) == ([], [])
    assert tally.repeated > 0, "requests that it was at have to be made again"
    store = learning(folder)
    with store.database.reading() as session:
        bodies = [json.loads(row[0]) for row in session.execute(text("SELECT body FROM inbox"))]
    store.close()
    assert set(kept) <= {body.get("kill") for body in bodies}


def test_a_stop_finishes_what_runs_and_the_next_start_goes_on(
    service: Service, studio: Studio, plays: Sequence[Play]
) -> None:
    tally = Tally()
    hanging = predict_body(1, SIZES[0], [SELECT])
    hanging["tasks"][0]["data"]["image"] = "/data/fault/hang/1-320x240.jpg"
    with (
        ThreadPoolExecutor(1) as annotator,
        playing(clients(service, tally, stubborn=PATIENCE), plays, tally),
    ):
        more_of(tally, 25)
        running = annotator.submit(service.post, "/predict", json=hanging)
        studio.hanging.acquire()
        service.stop()
        until(lambda: not service.listens())
        assert running.result().status_code == 400, "answered, though not as wished"
        assert service.ended() == 0
        service.start()
        more_of(tally, 25)
    assert (tally.failures, tally.different) == ([], [])
    assert not [line for line in service.log if "Traceback" in line]


def test_what_nobody_waits_for_does_not_reach_the_model(service: Service) -> None:
    names = ('clicks_total{role="select",tool="labelstudio"}', 'given_up_total{reason="abandoned"}')

    def counted() -> list[float]:
        return [service.figure(f"boundaryclick_{name}") for name in names]

    service.post("/predict", json=predict_body(1, SIZES[0], [SELECT]))
    before, left = counted(), 30
    bodies = [predict_body(1, SIZES[0], [Click(20 + 3 * number, 100, "select")]) for number in range(left)]
    for body in bodies:
        with pytest.raises(requests.Timeout):
            requests.post(f"{service.url}/predict", json=body, timeout=(PATIENCE, 0.001))
    until(lambda: counted()[1] > before[1])
    until(lambda: service.figure("boundaryclick_model_queue") == 0)
    computed, given_up = (after - earlier for after, earlier in zip(counted(), before, strict=True))
    assert computed + given_up <= left
    assert computed < left
