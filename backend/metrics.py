"""Figures for Prometheus at /metrics: what was clicked, how long it took, what waits, which version answers."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask import Flask, Response, g, has_request_context, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from backend.caching import CacheFigures
from backend.health import Readiness
from backend.images import ImageStore
from backend.prediction import PredictionService, TimedPrediction
from model import __version__
from model.clicks import Click
from model.errors import Abandoned, BoundaryClickError

SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
"""Upper ends of the histograms' buckets: finest where people begin to feel that they wait."""

TOOLS = {"web": "page", "labelstudio": "labelstudio", "cvat": "cvat"}
"""Names of blueprints, and how their tools are called in the figures."""


@dataclass(frozen=True)
class Backlog:
    """What the database says there is to do: events and jobs by state."""

    events: Mapping[str, int]
    jobs: Mapping[str, int]


class Figures:
    """Counts and times of one application, in a registry of its own; thread safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._clicks = Counter(
            "boundaryclick_clicks",
            "Clicks that masks were computed for, by tool and role.",
            ["tool", "role"],
            registry=self.registry,
        )
        self._stages = Histogram(
            "boundaryclick_stage_seconds",
            "Parts of a click: fetch and decode of an image, wait for the model, then select, boundary, ... in it; "
            "again: all clicks of an object that was no longer kept.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._requests = Histogram(
            "boundaryclick_request_seconds",
            "Requests, by route and status, from first to last line of our own.",
            ["route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._given_up = Counter(
            "boundaryclick_given_up",
            "Requests that the model was spared: overloaded, the time was over; abandoned, the client had left.",
            ["reason"],
            registry=self.registry,
        )
        for reason in ("overloaded", "abandoned"):
            self._given_up.labels(reason)  # there from the beginning, or the first one is no increase
        self._running = Gauge(
            "boundaryclick_requests_running", "Requests that are being answered.", registry=self.registry
        )

    def answered(self, clicks: Sequence[Click], prediction: TimedPrediction, waited: float) -> None:
        """Count a prediction; see `PredictionService.answered`."""
        if prediction.reused == len(clicks):
            return  # nothing was computed: a click was taken back, or the same was asked twice
        tool = TOOLS.get(request.blueprint or "", "other") if has_request_context() else "other"
        role = clicks[-1].role
        self._clicks.labels(tool, role).inc()
        self.timed("wait", max(waited, 0.0))
        begun_again = prediction.reused == 0 and len(clicks) > 1
        self.timed("again" if begun_again else role, prediction.milliseconds / 1000)

    def given_up(self, error: BoundaryClickError) -> None:
        """Count a prediction that was not made; see `PredictionService.given_up`."""
        self._given_up.labels("abandoned" if isinstance(error, Abandoned) else "overloaded").inc()

    def timed(self, stage: str, seconds: float) -> None:
        """Count one part of a click."""
        self._stages.labels(stage).observe(seconds)

    def watch(self, app: Flask) -> None:
        """Time every request of the application from now on."""

        @app.before_request
        def begin() -> None:
            g.counted = time.perf_counter()
            self._running.inc()

        @app.after_request
        def end(response: Response) -> Response:
            route = request.url_rule.rule if request.url_rule else "none"
            taken = time.perf_counter() - g.counted
            self._requests.labels(route, str(response.status_code)).observe(taken)
            return response

        @app.teardown_request
        def leave(_: BaseException | None) -> None:
            if "counted" in g:
                self._running.dec()


class State(Collector):
    """What is looked up only when Prometheus asks: caches, queues, versions, readiness.

    Args:
        backlog: asks the database, raises what keeps it from answering; None: nothing is kept.
    """

    def __init__(
        self,
        service: PredictionService,
        images: ImageStore,
        readiness: Readiness,
        backlog: Callable[[], Backlog] | None,
    ) -> None:
        self._service, self._images, self._readiness, self._backlog = service, images, readiness, backlog

    def describe(self) -> list[Metric]:
        """Nothing ahead: names are told with the figures."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All figures as they are now."""
        yield from _caches({"images": self._images.figures, "objects": self._service.figures})
        yield GaugeMetricFamily(
            "boundaryclick_model_queue",
            "Requests that the model works on or that wait for it.",
            self._service.turns.waiting,
        )
        yield InfoMetricFamily(
            "boundaryclick",
            "Release, shipped weights, and the version that answers where no project has its own.",
            {"version": __version__, "shipped": self._service.shipped, "answering": self._service.version},
        )
        yield from self._ready()
        if self._backlog is not None:
            yield from _work(self._backlog)

    def _ready(self) -> Iterator[Metric]:
        failures = self._readiness.failures()
        parts = GaugeMetricFamily(
            "boundaryclick_up", "Whether a part works that requests need: 1 or 0.", labels=["part"]
        )
        parts.add_metric(["model"], "model" not in failures)
        if self._backlog is not None:
            parts.add_metric(["database"], "database" not in failures)
        learns = self._readiness.learns()
        if learns is not None:
            parts.add_metric(["learning"], learns)
        yield parts


def add_metrics(app: Flask, figures: Figures, state: State) -> None:
    """Route /metrics, in Prometheus' text form or OpenMetrics."""
    figures.registry.register(state)

    @app.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(figures.registry), content_type=content_type)


def _caches(caches: Mapping[str, CacheFigures]) -> Iterator[Metric]:
    hits = CounterMetricFamily("boundaryclick_cache_hits", "Asked for and found.", labels=["cache"])
    misses = CounterMetricFamily("boundaryclick_cache_misses", "Asked for, not found.", labels=["cache"])
    nbytes = GaugeMetricFamily("boundaryclick_cache_bytes", "Memory that is held.", labels=["cache"])
    entries = GaugeMetricFamily("boundaryclick_cache_entries", "Values that are held.", labels=["cache"])
    for name, known in caches.items():
        hits.add_metric([name], known.hits)
        misses.add_metric([name], known.misses)
        nbytes.add_metric([name], known.nbytes)
        entries.add_metric([name], known.count)
    return iter((hits, misses, nbytes, entries))


def _work(backlog: Callable[[], Backlog]) -> Iterator[Metric]:
    events = GaugeMetricFamily(
        "boundaryclick_events",
        "Annotators' events that wait (pending) or were given up (failed).",
        labels=["state"],
    )
    jobs = GaugeMetricFamily("boundaryclick_learning_jobs", "Fine-tuning jobs by state.", labels=["state"])
    try:
        known = backlog()
    except Exception:  # boundaryclick_up says so; the other figures must not be lost with these
        return
    for family, counts in ((events, known.events), (jobs, known.jobs)):
        for name, count in counts.items():
            family.add_metric([name], count)
        yield family
