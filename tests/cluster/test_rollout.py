"""Fronts that come and go beside a cluster that stays: whose replicas they use, and whose they may replace."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.asking import SECONDS, Asker
from tests.cluster.needs import need_ray
from tests.end_to_end.serving import ROOT, end_group, serving

CLUSTER = """
import sys
from backend.cluster.engine import ray_cluster
with ray_cluster(2):
    import ray
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
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
    """Which there are, or of them those that have a part."""
    return {
        label
        for labels in front.figures("boundaryclick_up")
        for label in labels.split()
        if label.startswith("replica=") and f"part={part}" in labels.split()
    }


def test_replicas_are_shared_kept_and_replaced(environment: dict[str, str]):
    with serving(environment) as url:
        first = Asker(url)
        answer = first.predict(1, 1, 2).json()
        before = replicas(first)
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
        with serving({**environment, "BOUNDARYCLICK_MODEL_TIMEOUT": "30"}) as third:
            assert Asker(third).predict(1, 1, 2).json() == answer
            assert not replicas(Asker(third)) & before
            assert first.predict(1, 1, 2).json() == answer
            deadline = time.monotonic() + SECONDS
            while not replicas(first, "learning"):
                assert time.monotonic() < deadline, "nobody fine-tunes"
                time.sleep(0.1)
