"""One annotator's requests, as the page and as Label Studio make them."""

import base64
import hashlib
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests

from backend.benchmarking import photo_file, predict_body
from model.clicks import Click
from model.errors import BoundaryClickError

WAYS = ("page", "labelstudio")
SECONDS = 100.0
"""Until a request is given up, as Label Studio does."""
AGAIN_SECONDS = 0.2


class Refused(BoundaryClickError):
    """A request was not answered as it should be."""


@dataclass(frozen=True)
class Photo:
    """One of any number of made-up photos; its size in pixels."""

    number: int
    width: int
    height: int

    def file(self) -> bytes:
        """JPEG."""
        return photo_file(self.number, self.width, self.height)


@dataclass
class Tally:
    """What has happened so far; thread safe."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    repeated: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, taken: float, as_alone: bool, what: str) -> None:
        """A request has been answered in `taken` seconds, with the mask that one client alone gets or another."""
        with self.guard:
            self.milliseconds.setdefault(kind, []).append(1000 * taken)
            if not as_alone:
                self.different.append(what)

    def fail(self, what: str) -> None:
        """A request has not been answered."""
        with self.guard:
            self.failures.append(what)

    def as_json(self) -> dict[str, Any]:
        """Figures."""
        kinds = {
            kind: {
                "answers": len(taken),
                **{f"p{q}_ms": round(float(np.percentile(taken, q))) for q in (50, 95, 100)},
            }
            for kind, taken in self.milliseconds.items()
        }
        return {
            "answers": sum(map(len, self.milliseconds.values())),
            "failed": len(self.failures),
            "different_masks": len(self.different),
            "asked_again": self.repeated,
            "kinds": kinds,
        }


class Client:
    """One annotator's connection.

    Args:
        url: of the service.
        number: of the client; none has tasks of another.
        tally: told of requests that are made again.
        embed: whether Label Studio's bodies hold the photos, instead of having them fetched from it.
        seconds: until a request is given up.
        stubborn: seconds for which a request is made again that meets no service, or one that says 503.
    """

    def __init__(
        self,
        url: str,
        number: int,
        tally: Tally,
        embed: bool = False,
        *,
        seconds: float = SECONDS,
        stubborn: float = 0.0,
    ) -> None:
        self.tally = tally
        self._url, self._number, self._embed = url, number, embed
        self._seconds, self._stubborn = seconds, stubborn
        self._session = requests.Session()
        self._session.trust_env = False  # the service is what is tried, not a proxy
        if token := os.environ.get("BOUNDARYCLICK_ACCESS_TOKEN"):
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._uploaded: dict[Photo, str] = {}

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def ask(self, way: str, photo: Photo, clicks: Sequence[Click]) -> list[int]:
        """Run lengths of the mask, as the page or Label Studio writes them; raises Refused."""
        return self._label_studio(photo, clicks) if way == "labelstudio" else self._page(photo, clicks)

    def _label_studio(self, photo: Photo, clicks: Sequence[Click]) -> list[int]:
        body = predict_body(photo.number, (photo.width, photo.height), clicks)
        body["tasks"][0]["id"] = 1000 * self._number + photo.number
        if self._embed:
            body["project"] = None  # of clicks without a project nothing is noted
            coded = base64.b64encode(photo.file()).decode()
            body["tasks"][0]["data"]["image"] = f"data:image/jpeg;base64,{coded}"
        regions = self._post("/predict", json=body)["results"][0]["result"]
        runs: list[int] = regions[0]["value"]["rle"] if regions else []
        return runs

    def _page(self, photo: Photo, clicks: Sequence[Click]) -> list[int]:
        points = [{"x": click.x, "y": click.y, "role": click.role} for click in clicks]
        for _ in range(2):  # as often as the page
            if photo not in self._uploaded:
                self._uploaded[photo] = self._post(
                    "/api/images",
                    data=photo.file(),
                    headers={"Content-Type": "image/jpeg"},
                )["image"]
            answer = self._post("/api/segment", json={"image": self._uploaded[photo], "clicks": points})
            if answer.get("code") != "image_unknown":
                runs: list[int] = answer["runs"]
                return runs
            del self._uploaded[photo]
        raise Refused("/api/segment: expected a photo that was just uploaded to be known, it is not")

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        until = time.monotonic() + self._stubborn
        while True:
            try:
                answer = self._session.post(self._url + path, timeout=self._seconds, **body)
                if answer.status_code == 200 or '"image_unknown"' in answer.text[:300]:
                    found: dict[str, Any] = answer.json()
                    return found
                error, passing = f"{answer.status_code} {answer.text[:200]}", answer.status_code == 503
            except requests.RequestException as failure:
                error, passing = f"{type(failure).__name__}: {failure}"[:300], True
            if not passing or time.monotonic() > until:
                raise Refused(f"{path}: expected an answer, got {error}")
            with self.tally.guard:
                self.tally.repeated += 1
            time.sleep(AGAIN_SECONDS)


def digest(runs: Sequence[int]) -> str:
    """Short for a mask."""
    return hashlib.sha256(json.dumps(runs).encode()).hexdigest()
