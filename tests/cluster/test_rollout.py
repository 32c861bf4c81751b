"""Fronts that come and go beside a cluster that stays: whose replicas they use, and whose they may replace."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.asking import SECONDS, Asker
from tests.cluster.needs import need_ray
from tests.end_to_end.serving import ROOT, end_group, serving
from tests.local_server import Answer, local_server

CLUSTER = """
import sys
from backend.cluster.engine import ray_cluster
with ray_cluster(2):
    import ray
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def environment(weights: Path) -> Iterator[dict[str, str]]:
    """Of fronts before replicas on a cluster of two cores."""
    need_ray()
    login = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        cwd=ROOT,
        env={**os.environ, **login},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as cluster:
        try:
            assert cluster.stdout is not None
            yield {
                **login,
                "RAY_ADDRESS": cluster.stdout.readline().strip(),
                "BOUNDARYCLICK_ENGINE": "ray",
                "BOUNDARYCLICK_WEIGHTS": str(weights),
            }
            cluster.communicate(timeout=SECONDS)
        finally:
            end_group(cluster)


def replicas(front: Asker, part: str = "model") -> set[str]:
    """Which there are, or of them those that have a part; none while nobody answers."""
    if front.get("/metrics").status_code != 200:
        return set()
    return {
        label
        for labels in front.figures("boundaryclick_up")
        for label in labels.split()
        if label.startswith("replica=") and f"part={part}" in labels.split()
    }


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_replicas_are_shared_and_kept(environment: dict[str, str]):
    with serving(environment) as url:
        first = Asker(url)
        answer, before = first.predict(1, 1, 2).json(), replicas(first)
        assert len(before) == 1
        refused = {
            "BOUNDARYCLICK_WEIGHTS": ("no-such.safetensors", r"no-such\.safetensors"),
            "BOUNDARYCLICK_REPLICAS": ("9", "replicas: expected 9 of 1 CPUs each to find room, got 2 CPUs"),
        }
        for name, (value, line) in refused.items():
            with (
                pytest.raises(AssertionError, match=f"boundaryclick serve: .*{line}"),
                serving({**environment, name: value}),
            ):
                pass
        assert first.predict(1, 1, 2).json() == answer
        with serving({**environment, "BOUNDARYCLICK_RATE_LIMIT": "1000"}) as second:
            assert replicas(Asker(second)) == before


def test_replicas_are_replaced_while_they_are_at_work(environment: dict[str, str]):
    """The one that is replaced keeps its rank to its end; whoever comes after it fine-tunes then."""
    asked, told = threading.Event(), threading.Event()

    def nuclio(_: object) -> Answer:
        asked.set()
        assert told.wait(SECONDS)
        return Answer(b"{}")

    with local_server(nuclio) as upstream, ThreadPoolExecutor() as pool:
        environment = {**environment, "BOUNDARYCLICK_UPSTREAM_NUCLIO": upstream}
        with serving(environment) as one:
            first = Asker(one)
            answer, before = first.predict(1, 1, 2).json(), replicas(first)
            slow = pool.submit(
                first.post, "/api/function_invocations", json={}, headers={"X-Nuclio-Function-Name": "other"}
            )
            try:
                assert asked.wait(SECONDS)
                # Ray waits for its end before it says that the others are there.
                pool.submit(until, lambda: bool(replicas(first) - before)).add_done_callback(
                    lambda _: told.set()
                )
                with serving({**environment, "BOUNDARYCLICK_MODEL_TIMEOUT": "30"}) as two:
                    second = Asker(two)
                    assert not replicas(second) & before
                    assert slow.result().status_code == 200, "it was answered by the one that is gone"
                    assert second.predict(1, 1, 2).json() == first.predict(1, 1, 2).json() == answer
                    until(lambda: bool(replicas(second, "learning")))
            finally:
                told.set()
