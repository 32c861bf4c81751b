"""Requests have ids, which their answers and their log lines tell."""

import io
import json
import logging
from contextlib import redirect_stderr

import pytest

from backend.logs import configure
from model.inference import Passes


@pytest.fixture
def lines():
    """What is logged as JSON while the test runs, as objects."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with redirect_stderr(stream):  # others write there, too, what is no log line
        configure("debug", "json")
    ours = [handler for handler in root.handlers if handler not in before]
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for handler in ours:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("told", ["", "a b", "x\n", "<script>", "x" * 129])
def test_an_id_that_is_unfit_is_replaced(client, told):
    headers = {"X-Request-ID": told.strip("\n") + ("\t" if "\n" in told else "")}
    given = client.get("/health", headers=headers).headers["X-Request-ID"]
    assert len(given) == 32
    assert given.isalnum()


def test_every_line_of_a_request_bears_its_id_and_none_can_be_forged(client, photo_png, monkeypatch, lines):
    def fail(*_):
        logging.getLogger("model").warning("about to fail")
        raise RuntimeError("inside")

    image = client.post("/api/images", data=photo_png).get_json()["image"]
    monkeypatch.setattr(Passes, "encode", fail)
    body = {"image": image, "clicks": [{"x": 120, "y": 90, "role": "select"}]}
    answer = client.post("/api/segment", json=body, headers={"X-Request-ID": "click-7"})
    assert (answer.status_code, answer.get_json()["request"]) == (500, "click-7")
    client.get("/no%0Awhere?token=secret")

    told = lines()
    of_click = [line for line in told if line.get("request_id") == "click-7"]
    assert [line["message"] for line in of_click][:1] == ["about to fail"]  # from the model's own thread
    assert "RuntimeError: inside" in of_click[1]["exception"]
    assert (of_click[2]["status"], of_click[2]["path"]) == (500, "/api/segment")
    assert len([line for line in told if line.get("path") == "/no%0Awhere"]) == 1
    assert "secret" not in json.dumps(told)
