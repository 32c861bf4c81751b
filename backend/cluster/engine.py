"""Ray: started on this machine, or joined where a cluster runs; left as it was found."""

import importlib.util
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from model.errors import SettingsError

OBJECT_STORE_BYTES = 80 << 20
"""Of shared memory, the least that Ray takes: references and masks travel, images are read where they are used."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",  # ours shows the progress
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_SERVE_LOG_TO_STDERR": "1",
}


def require_ray() -> None:
    """Raise SettingsError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise SettingsError(
            "--engine ray: expected the package ray, found none; pip install 'boundaryclick[cluster]'"
        )


@contextmanager
def ray_cluster(cpus: int) -> Iterator[None]:
    """Ray for the length of the body: the cluster that RAY_ADDRESS names, else one of our own on this machine.

    Args:
        cpus: of a cluster of our own. Tasks ask for threads, which must fit in, however few cores there are.

    Raises:
        SettingsError: Ray is not installed, or the cluster cannot be reached.
    """
    require_ray()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray  # noqa: PLC0415 - an extra, and slow to import

    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {
        "num_cpus": max(cpus, 1),
        "object_store_memory": OBJECT_STORE_BYTES,
        "include_dashboard": False,
    }
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        # "local", lest a forgotten cluster of somebody else on this machine is joined.
        ray.init(
            address=address or "local",
            logging_level=logging.ERROR,
            log_to_driver=False,
            **({} if address else own),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        where = address or "this machine"
        raise SettingsError(f"RAY_ADDRESS: expected a Ray cluster at {where}, got: {reason}") from None
    finally:
        for number, handler in handlers.items():
            with suppress(ValueError, TypeError):  # not the main thread; a handler that Python did not set
                signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()
