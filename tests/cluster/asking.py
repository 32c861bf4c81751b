"""Requests as the page, Label Studio and CVAT make them, to a service at some address."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.model.scenes import scene
from tests.plugins.labelstudio.clicking import clicked

SECONDS = 300
"""Until a test gives up; nothing is measured by it."""

CONFIGURATION = """<View><Image name="image" value="$image"/><Labels name="label" toName="image">
<Label value="Object"/></Labels><KeyPoint name="click" toName="image" smartOnly="true"/>
<BrushLabels name="mask" toName="image" smart="false"><Label value="Object"/></BrushLabels></View>"""


def photo(seed: int) -> bytes:
    """PNG of a scene, (120, 160, 3)."""
    return cv2.imencode(".png", scene(seed)[0][..., ::-1])[1].tobytes()


def places(seed: int) -> list[tuple[float, float]]:
    """Where a scene's object is clicked on: its middle, then its outline."""
    rows, columns = np.nonzero(scene(seed)[1])
    middle = (float(columns.mean().round()), float(rows.mean().round()))
    return [middle, (float(columns.max()), middle[1]), (float(columns.min()), middle[1])]


@dataclass(frozen=True)
class Asker:
    """Asks a service; `headers` come with each request."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def post(self, path: str, **body: Any) -> requests.Response:
        headers = {**self.headers, **body.pop("headers", {})}
        return requests.post(self.url + path, headers=headers, timeout=SECONDS, **body)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers=dict(self.headers), timeout=SECONDS)

    def upload(self, seed: int) -> str:
        """Digest of a photo that the page uploads."""
        answer = self.post("/api/images", data=photo(seed), headers={"Content-Type": "image/png"})
        return str(answer.json()["image"])

    def segment(self, image: str, seed: int, count: int) -> requests.Response:
        """The page's request with the first clicks on a photo."""
        clicks = [
            {"x": x, "y": y, "role": "boundary" if number else "select"}
            for number, (x, y) in enumerate(places(seed)[:count])
        ]
        return self.post("/api/segment", json={"image": image, "clicks": clicks})

    def predict(self, task: int, seed: int, count: int) -> requests.Response:
        """Label Studio's, on a task with the photo in it."""
        uri = f"data:image/png;base64,{base64.b64encode(photo(seed)).decode()}"
        items = [
            clicked(
                f"click-{number}",
                (x + 0.5) / 160 * 100,
                (y + 0.5) / 120 * 100,
                original_width=160,
                original_height=120,
            )
            for number, (x, y) in enumerate(places(seed)[:count])
        ]
        body = {
            "tasks": [{"id": task, "data": {"image": uri}, "annotations": [], "drafts": []}],
            "project": "7.1",
            "label_config": CONFIGURATION,
            "params": {"login": None, "password": None, "context": {"result": items}},
        }
        return self.post("/predict", json=body)

    def invoke(self, seed: int, count: int) -> requests.Response:
        """CVAT's, which brings the photo."""
        body = {
            "image": base64.b64encode(photo(seed)).decode(),
            "pos_points": places(seed)[:count],
            "neg_points": [],
            "obj_bbox": [],
        }
        return self.post("/", json=body)

    def figures(self, name: str) -> dict[str, float]:
        """Values of one of the service's figures by all of its labels."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            " ".join(f"{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }

    def encoded(self) -> dict[str, float]:
        """How many objects had to be begun anew, by process where there are several."""
        found = self.figures("boundaryclick_cache_misses_total")
        return {labels: value for labels, value in found.items() if "cache=objects" in labels}


def regions(answer: requests.Response) -> Sequence[Any]:
    """What Label Studio is to draw."""
    return answer.json()["results"][0]["result"]
