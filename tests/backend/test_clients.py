"""Clients that leave, by real sockets; behind gunicorn: tests/reliability."""

import base64
import socket
import struct
import threading

import pytest

from backend.app import LEARNING, create_app
from backend.benchmarking import SAMPLES, predict_body
from backend.clients import has_left
from backend.patience import Patience
from backend.settings import load_settings
from model import Click
from model.errors import Abandoned, Overloaded
from model.inference import Passes
from tests.backend.test_metrics import told
from tests.plugins.labelstudio.events import event


@pytest.fixture
def connection():
    """The two ends of a TCP connection: ours, the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        with ours, client:
            yield ours, client


def test_a_client_is_there_until_it_closes_and_what_it_sent_stays_to_be_read(connection):
    ours, client = connection
    assert not has_left(ours)
    client.sendall(b"GET")
    ours.recv(1, socket.MSG_PEEK)
    assert not has_left(ours)
    assert ours.recv(3) == b"GET"
    client.close()
    assert ours.recv(1) == b""
    assert has_left(ours)


def test_a_connection_that_was_reset_or_closed_here_is_left(connection):
    ours, client = connection
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with pytest.raises(ConnectionResetError):
        ours.recv(1)
    assert has_left(ours)
    ours.close()
    assert has_left(ours)


def test_patience_ends_with_the_time_or_with_the_client():
    Patience().require()
    assert 0 < Patience(60).left <= 60
    with pytest.raises(Overloaded, match="within 0 s"):
        Patience(0).require()
    with pytest.raises(Abandoned):
        Patience(60, gone=lambda: True).require()


@pytest.fixture
def busy(app, monkeypatch):
    """A client of an application whose model is at work, and has no end of it."""
    client, begun, release = app.test_client(), threading.Event(), threading.Event()
    encode = Passes.encode

    def slow(*arguments):
        begun.set()
        release.wait()
        return encode(*arguments)

    monkeypatch.setattr(Passes, "encode", slow)
    client.post("/api/images", data=(SAMPLES / "cat.jpg").read_bytes())  # the first of its size is tried out
    begun.wait()
    yield client
    release.set()


@pytest.fixture
def settings():
    return load_settings(threads=1, model_timeout=0.01, database_url="none")


@pytest.mark.parametrize("path", ["/api/segment", "/predict", "/"])
def test_every_tool_is_told_to_come_back_when_the_model_has_no_time(busy, photo_png, path):
    coded = base64.b64encode(photo_png).decode()
    label_studio = predict_body(1, (240, 180), [Click(120, 90, "select")])
    label_studio["tasks"][0]["data"]["image"] = f"data:image/png;base64,{coded}"
    body = {
        "/api/segment": {
            "image": busy.post("/api/images", data=photo_png).get_json()["image"],
            "clicks": [{"x": 120, "y": 90, "role": "select"}],
        },
        "/predict": label_studio,
        "/": {"image": coded, "pos_points": [[120, 90]], "neg_points": []},
    }[path]
    answer = busy.post(path, json=body)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.get_json()["error"].startswith("model: expected to answer within 0.01 s")
    assert "\n" not in answer.get_json()["error"]
    assert told(busy, "given_up_total", reason="overloaded") == 1


@pytest.fixture
def left(connection):
    """What gunicorn says of a request whose client has hung up."""
    ours, client = connection
    client.close()
    return {"gunicorn.socket": ours}


def test_nothing_is_computed_for_who_has_left(client, left, photo_png):
    assert client.post("/api/images", data=photo_png, environ_overrides=left).status_code == 499
    assert told(client, "given_up_total", reason="abandoned") == 1


def test_an_event_is_kept_though_label_studio_waits_no_longer_than_a_second(predictor, tmp_path, left):
    database = f"sqlite:///{tmp_path}/store.sqlite3"
    app = create_app(load_settings(threads=1, database_url=database, learning_folder=tmp_path), predictor)
    assert app.test_client().post("/webhook", json=event(), environ_overrides=left).status_code == 201
    app.extensions[LEARNING].close()
