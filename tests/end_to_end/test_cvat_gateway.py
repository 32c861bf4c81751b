"""A real server, asked over HTTP as cvat_server asks Nuclio: with requests, in both of its ways to invoke."""

import base64
import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from model import Click, Predictor
from tests.plugins.cvat.doubles import DASHBOARD, INVOKED

masks = pytest.importorskip("cvat_sdk.masks")

AGENT = "CVAT/2.73.0 python-requests/2.33.1"
SECONDS = 600


class Cvat:
    """The three calls of CVAT's LambdaGateway."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url, self._session = url, session

    def _json(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Any:
        reply = self._session.request(method, url, headers=headers, timeout=SECONDS, json=body)
        reply.raise_for_status()
        return reply.json()

    def functions(self) -> dict[str, Any]:
        functions: dict[str, Any] = self._json("get", f"{self._url}/api/functions", DASHBOARD)
        return functions

    def invoke(self, way: str, name: str, body: Any) -> Any:
        function = self._json("get", f"{self._url}/api/functions/{name}", DASHBOARD)
        if way == "direct":
            return self._json("post", f"http://localhost:{function['status']['httpPort']}", {}, body)
        headers = {**INVOKED, "x-nuclio-function-name": function["metadata"]["name"]}
        return self._json("post", f"{self._url}/api/function_invocations", headers, body)


@pytest.fixture
def cvat(served: str) -> Iterator[Cvat]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = AGENT
        yield Cvat(served, session)


def body(photo_png: bytes, *positive: tuple[float, float]) -> dict[str, Any]:
    image = base64.b64encode(photo_png).decode()
    return {"image": image, "pos_points": positive, "neg_points": [], "obj_bbox": []}


@pytest.mark.parametrize("way", ["direct", "dashboard"])
def test_clicks_become_masks(
    cvat: Cvat, way: str, predictor: Predictor, photo: np.ndarray, photo_png: bytes
) -> None:
    (item,) = [
        item for item in cvat.functions().values() if item["metadata"]["annotations"]["type"] == "interactor"
    ]
    for clicks in ([Click(120, 90)], [Click(120, 90), Click(165, 90, "boundary")]):
        points = [(click.x + 0.5, click.y + 0.5) for click in clicks]
        (shape,) = cvat.invoke(way, item["metadata"]["name"], body(photo_png, *points))["shapes"]
        mask = masks.decode_mask(shape["points"], image_width=240, image_height=180)
        assert np.array_equal(mask, predictor.predict(photo, clicks).mask)
        assert shape["type"] == "mask"
        (attribute,) = shape["attributes"]
        assert attribute["spec_id"] == 0
        assert 0.5 <= float(attribute["value"]) <= 1
        assert isinstance(attribute["value"], str)


def test_the_annotator_can_read_what_was_wrong(cvat: Cvat, photo_png: bytes) -> None:
    wrong = {**body(photo_png, (120.5, 90.5)), "image": "AAAA"}
    with pytest.raises(requests.HTTPError) as caught:
        cvat.invoke("dashboard", "boundaryclick", wrong)
    # CVAT shows the text of this exception, and nothing else.
    assert re.match(r"400 Client Error: image: expected JPEG, .* got .* for url: http", str(caught.value))


def test_a_large_body_is_refused_by_its_length_alone(served: str) -> None:
    """The answer comes although not a byte of the body was sent."""
    length = (128 << 20) + 1
    head = f"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(
        (urlsplit(served).hostname, urlsplit(served).port), timeout=SECONDS
    ) as connection:
        connection.sendall(head.encode())
        answer = connection.makefile("rb").readline().decode()
    assert answer.startswith(f"HTTP/1.1 413 request: expected at most {128 << 20} bytes, got more")


def test_the_page_is_still_there(served: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{served}/", timeout=SECONDS)
        assert (answer.status_code, "<html" in answer.text) == (200, True)
        assert json.loads(session.get(f"{served}/health", timeout=SECONDS).text)["status"] == "UP"
