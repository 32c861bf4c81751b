"""`serve --engine ray`: a front that speaks HTTP, and replicas of the whole service behind it."""

import hashlib
import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from backend.cluster.calls import Answer, Call
from backend.cluster.engine import ray_cluster
from backend.cluster.front import behind_front, create_front
from backend.cluster.routing import Destination, Routes
from backend.machine import usable_cores
from backend.server import Server
from backend.settings import Settings
from model import __version__
from model.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.workers.base import Worker

APPLICATION = "boundaryclick"
DEPLOYMENT = "replica"
PATIENCE = 300.0
"""Seconds for an answer; the service has shorter limits of its own."""
TRIES = 2
"""A request that a replica ended with is asked once more: it may have come at a bad time, or be what ends them."""
STOP_SECONDS = 60.0
HEALTH_SECONDS = 5.0

log = logging.getLogger("boundaryclick")

_ROUTER = {
    "request_router_class": "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter",
    # None but the one that an image falls to: any other would encode it again.
    "request_router_kwargs": {"num_fallback_replicas": 0},
}


@dataclass(frozen=True)
class Plan:
    """What is to run.

    Attributes:
        settings: of each replica.
        cpus: of each replica, which are its threads.
        gpus: of each replica, which may be a share of one.
        name: a digest of what was set; services of other settings or releases have another, whatever machine asks.
    """

    settings: Settings
    cpus: int
    gpus: float
    name: str

    @staticmethod
    def of(settings: Settings) -> "Plan":
        """One replica takes the threads that are set, or its share of this machine's cores."""
        behind = behind_front(settings)
        threads = settings.threads or max(usable_cores() // settings.replicas, 1)
        gpus = 1 / settings.replicas_per_gpu if settings.device.startswith("cuda") else 0.0
        return Plan(behind.model_copy(update={"threads": threads}), threads, gpus, _digest(behind))

    def require_room(self, nodes: Iterable[Mapping[str, float]]) -> None:
        """Raise SettingsError unless machines with these resources hold all replicas; Ray would wait for more of them.

        Args:
            nodes: of each machine, what Ray counts there: CPU and GPU.
        """
        there = list(nodes)
        room = sum(self._room(node) for node in there)
        if room >= self.settings.replicas:
            return
        each = f"{self.cpus} CPUs" + (f" and {self.gpus:.3g} GPUs" if self.gpus else "")
        cpus, gpus = (sum(node.get(kind, 0.0) for node in there) for kind in ("CPU", "GPU"))
        raise SettingsError(
            f"replicas: expected {self.settings.replicas} of {each} each to find room, got {cpus:g} CPUs and {gpus:g} "
            f"GPUs on {len(there)} machines, enough for {room}; change BOUNDARYCLICK_REPLICAS, BOUNDARYCLICK_THREADS "
            "or BOUNDARYCLICK_REPLICAS_PER_GPU, or add machines"
        )

    def _room(self, node: Mapping[str, float]) -> int:
        room = int(node.get("CPU", 0.0)) // self.cpus
        if self.gpus:
            room = min(room, int(node.get("GPU", 0.0)) * self.settings.replicas_per_gpu)
        return room


def _digest(settings: Settings) -> str:
    values = [
        (name, value.get_secret_value() if isinstance(value, SecretStr) else value)
        for name, value in settings
        if name not in ("host", "port", "http_threads", "log_level", "log_format")
    ]
    return hashlib.sha256(repr((__version__, values)).encode()).hexdigest()


class Replicas:
    """The running replicas; on a cluster of others, which RAY_ADDRESS names, they stay when this process ends."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._stack = plan, ExitStack()
        self._handle: Any = None

    def start(self) -> None:
        """Start them, or find them running as they should be; returns when they can answer. Raises SettingsError."""
        cpus = self._plan.cpus * self._plan.settings.replicas
        self._stack.enter_context(ray_cluster(cpus))
        try:
            self._handle = self._joined()
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """Stop what was started here."""
        if self._handle is None:
            return
        if not os.environ.get("RAY_ADDRESS"):
            from ray import serve  # noqa: PLC0415 - an extra

            serve.shutdown()  # type: ignore[no-untyped-call]
        self._stack.close()

    def send(self, destination: Destination, call: Call) -> Mapping[str, Answer]:
        """See `front.Send`. When a replica ends meanwhile, another is asked: requests may come twice."""
        from ray.exceptions import RayActorError  # noqa: PLC0415 - an extra
        from ray.serve.exceptions import DeploymentUnavailableError  # noqa: PLC0415

        until = time.monotonic() + PATIENCE
        for attempt in range(TRIES):
            try:
                return self._sent(destination, call, until - time.monotonic())
            except RayActorError:
                log.warning("request %s: a replica ended before it answered %r", call.id, call.path)
                time.sleep(0.2 * (attempt + 1))
            except DeploymentUnavailableError:
                raise Unavailable("service: expected a replica that runs, got none; ask again") from None
            except TimeoutError:
                log.warning("request %s: no replica answered %r within %d s", call.id, call.path, PATIENCE)
                raise Unavailable(
                    f"service: expected an answer of a replica within {PATIENCE:.0f} s, got none; ask again"
                ) from None
        raise Unavailable(
            f"service: expected an answer, but the replica that was asked ended, {TRIES} times; "
            f"the log has it as request {call.id}"
        )

    def _sent(self, destination: Destination, call: Call, seconds: float) -> Mapping[str, Answer]:
        if destination.every:
            answers = dict(self._handle.broadcast("answer", call).results(timeout_s=seconds))
            if not answers:
                raise Unavailable("service: expected a replica that runs, got none; ask again")
            return answers
        key = {} if destination.key is None else {"session_id": destination.key}
        name, answer = self._handle.options(**key).answer.remote(call).result(timeout_s=seconds)
        return {name: answer}

    def _joined(self) -> Any:
        """A handle of the service that runs already, if it is the one that is planned; else of one that is started."""
        import ray  # noqa: PLC0415 - an extra

        running = self._running()
        if running is not None:
            handle, states = running
            if states and all(state == (self._plan.name, "") for state in states):
                return handle
        self._plan.require_room(node["Resources"] for node in ray.nodes() if node["Alive"])  # type: ignore[no-untyped-call]
        if running is not None:
            self._try_out()
        return self._deployed()

    def _running(self) -> tuple[Any, list[tuple[str, str]]] | None:
        """A handle of the service that runs already, and what its replicas say of themselves; None if there is none."""
        from ray import serve  # noqa: PLC0415 - an extra
        from ray.serve.exceptions import RayServeException  # noqa: PLC0415

        try:
            handle: Any = serve.get_deployment_handle(DEPLOYMENT, APPLICATION)
        except RayServeException:
            return None
        try:
            return handle, handle.broadcast("state").results(timeout_s=PATIENCE)
        except (RayServeException, TimeoutError):
            return handle, []

    def _try_out(self) -> None:
        """Raise SettingsError if the service cannot start with these settings: Ray would replace those that answer.

        Tried in a process of its own, on the CPU, since those that answer may have all GPUs.
        """
        import ray  # noqa: PLC0415 - an extra
        from ray.exceptions import GetTimeoutError, RayError  # noqa: PLC0415

        from backend.cluster.replica import refusal_of  # noqa: PLC0415

        settings = self._plan.settings
        if settings.device.startswith("cuda"):
            settings = settings.model_copy(update={"device": "cpu"})
        try:
            trial: Any = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(refusal_of)
            refused = ray.get(trial.remote(settings), timeout=PATIENCE)
        except GetTimeoutError:
            refused = f"replicas: expected one to start within {PATIENCE:.0f} s, got none; start again"
        except RayError as error:
            refused = f"replicas: expected one to start, got: {_one_line(error)}"
        if refused:
            raise SettingsError(refused)

    def _deployed(self) -> Any:
        from ray import serve  # noqa: PLC0415 - an extra
        from ray.serve.config import RequestRouterConfig  # noqa: PLC0415

        from backend.cluster.replica import Replica  # noqa: PLC0415

        settings = self._plan.settings
        serve.start(http_options={"location": "NoServer"})
        deploy: Any = serve.deployment
        deployment = deploy(Replica).options(
            name=DEPLOYMENT,
            num_replicas=settings.replicas,
            # They wait for the model in the service, where their order is kept.
            max_ongoing_requests=8 * settings.http_threads,
            ray_actor_options={"num_cpus": self._plan.cpus, "num_gpus": self._plan.gpus},
            graceful_shutdown_timeout_s=STOP_SECONDS,
            health_check_period_s=HEALTH_SECONDS,
            request_router_config=RequestRouterConfig.model_validate(_ROUTER),
        )
        try:
            handle = serve.run(
                deployment.bind(settings, self._plan.name), name=APPLICATION, route_prefix=None
            )
        except RuntimeError as error:
            raise SettingsError(f"replicas: expected them to start, got: {_one_line(error)}") from None
        refused = [reason for _, reason in handle.broadcast("state").results(timeout_s=PATIENCE) if reason]
        if refused:
            raise SettingsError(refused[0])
        return handle


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500]


class RayServer(Server):
    """Gunicorn as for the service in one process, with a front in it."""

    def __init__(self, routes: Routes, settings: Settings, listener: socket.socket) -> None:
        self._routes = routes
        self._replicas: Replicas | None = None
        super().__init__(settings, listener)

    def load_config(self) -> None:
        """As many requests at the same time as all replicas answer."""
        super().load_config()
        self.cfg.set("threads", self._settings.http_threads * self._settings.replicas)

    def create(self, settings: Settings) -> "Flask":
        """The front, once the replicas answer."""
        self._replicas = Replicas(Plan.of(settings))
        self._replicas.start()
        return create_front(settings, self._routes, self._replicas.send)

    def leave(self, _server: object, _worker: "Worker") -> None:
        """The replicas finish what they are at."""
        if self._replicas is not None:
            self._replicas.close()
