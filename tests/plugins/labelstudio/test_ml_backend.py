"""The model class for label-studio-ml: behind the real server of 1.0.9, and called as the releases after it do.

The server runs in an environment of its own, made in .venv-labelstudio-ml if it is not there: some 15 seconds.
"""

import importlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import requests

from backend.benchmarking import clicks_on, photo_server, predict_body
from backend.decoding import ImageLimits, decode_image
from backend.store import CorrectionStore, Database
from backend.troubles import LOGGERS
from model import Predictor, load_predictor
from plugins.labelstudio.regions import read_mask
from plugins.labelstudio.rle import encode
from plugins.labelstudio.side_by_side import HOST, _free_port
from tests.end_to_end.serving import ROOT, end_group

MODULE = "plugins.labelstudio.ml_backend"
SIZE = (320, 240)
PHOTO = 3
DRAWN = np.zeros(SIZE[::-1], dtype=bool)
DRAWN[40:90, 50:150] = True
SECONDS = 600
"""Until a test gives up; nothing is measured by it."""


@dataclass(frozen=True)
class Server:
    """A running server of label-studio-ml."""

    url: str
    log: Path
    database: str

    def post(self, path: str, body: Any) -> Any:
        """The JSON of an answer that goes well."""
        answer = requests.post(self.url + path, json=body, timeout=SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def said(self, words: str) -> str:
        """The log as soon as it holds these words."""
        text: str = until(lambda: text if words in (text := self.log.read_text()) else "")
        return text


def until(look: Any) -> Any:
    """What `look` returns as soon as that is something."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def asked(count: int) -> Any:
    """The body of /predict with that many clicks; with none, a task has been opened."""
    body = predict_body(PHOTO, SIZE, clicks_on(*SIZE)[:count])
    return body if count else {**body, "params": {"context": None}}


def submitted() -> dict[str, Any]:
    """An annotation as the webhook tells it."""
    body = asked(1)
    region = {
        "id": "r1",
        "type": "brushlabels",
        "from_name": "mask",
        "to_name": "image",
        "original_width": SIZE[0],
        "original_height": SIZE[1],
        "value": {"format": "rle", "rle": encode(DRAWN), "brushlabels": ["Object"]},
    }
    return {
        "task": body["tasks"][0],
        "project": {"id": 1, "label_config": body["label_config"]},
        "annotation": {
            "id": 7,
            "updated_at": "2026-11-22T14:00:00Z",
            "task": PHOTO,
            "result": [region],
        },
    }


@pytest.fixture(scope="module")
def studio() -> Iterator[str]:
    """Stands in for Label Studio as a server of images."""
    with photo_server() as url:
        yield url


@pytest.fixture(scope="module")
def executable() -> Path:
    """The real label-studio-ml."""
    if given := os.environ.get("TEST_LABEL_STUDIO_ML"):
        return Path(given)
    script = ROOT / "plugins" / "labelstudio" / "install_ml_server.sh"
    done = subprocess.run(
        [script, ROOT / ".venv-labelstudio-ml"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"label-studio-ml cannot be installed here: {done.stderr.strip()[-200:]}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def server(executable: Path, studio: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Made and started with its own commands."""
    folder = tmp_path_factory.mktemp("ml")
    database = f"sqlite:///{folder}/store.sqlite3"
    environment = {
        **os.environ,
        "PATH": f"{executable.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "BOUNDARYCLICK_LABEL_STUDIO_URL": studio,
        "BOUNDARYCLICK_THREADS": "1",
        "BOUNDARYCLICK_DATABASE_URL": database,
    }
    script = ROOT / "plugins" / "labelstudio" / "ml_backend.py"
    subprocess.run(
        [executable, "init", "ours", "--script", f"{script}:BoundaryClick"],
        cwd=folder,
        env=environment,
        check=True,
    )
    port = _free_port(9290)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [executable, "start", "ours", "--host", HOST, "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    running = Server(f"http://{HOST}:{port}", folder / "log", database)
    try:
        assert until(lambda: process.poll() is not None or _answers(running)), "it does not start"
        assert process.poll() is None, running.log.read_text()
        yield running
    finally:
        end_group(process)


def _answers(server: Server) -> bool:
    try:
        return requests.get(server.url + "/health", timeout=SECONDS).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def attached(server: Server, studio: str) -> Server:
    """After the call by which Label Studio introduces itself."""
    project = {"project": "1.1", "schema": asked(1)["label_config"]}
    answer = server.post("/setup", {**project, "hostname": studio, "access_token": "0" * 40})
    assert answer["model_version"]
    return server


def test_the_real_server_answers_clicks_as_the_model_does(attached: Server, studio: str) -> None:
    predictor = load_predictor(runtime="auto", threads=1)  # what the server takes, too
    file = requests.get(studio + asked(0)["tasks"][0]["data"]["image"], timeout=SECONDS).content
    pixels = decode_image(file, ImageLimits(1 << 20, 1 << 20)).pixels
    regions = []
    for count in (1, 2, 3):
        (prediction,) = attached.post("/predict", asked(count))["results"]
        (region,) = prediction["result"]
        assert prediction["model_version"] == predictor.version
        regions.append(region["id"])
    assert regions == [f"tor-click-{PHOTO}-0"] * 3
    expected = predictor.predict(pixels, clicks_on(*SIZE)[:3]).mask
    assert (read_mask(region) == expected).mean() > 0.999


def test_opening_a_task_predicts_nothing(attached: Server) -> None:
    assert attached.post("/predict", asked(0))["results"] == []


def test_a_refusal_is_one_line_in_its_log_and_no_traceback(attached: Server) -> None:
    body = asked(1)
    body["tasks"][0] |= {"id": 77, "data": {"image": "no reference"}}
    before = attached.log.read_text().count("Traceback")
    assert attached.post("/predict", body)["results"] == []
    log = attached.said("task 77 of project None: image: expected a path on Label Studio")
    assert log.count("Traceback") == before


def test_an_annotation_is_there_to_be_learnt_from(attached: Server) -> None:
    assert attached.post("/webhook", {"action": "ANNOTATION_CREATED", **submitted()})["job_id"]
    store = CorrectionStore(Database(attached.database))
    (correction,) = until(store.active)
    assert (correction.label, correction.mask.sum()) == ("Object", DRAWN.sum())
    # Which only we understand: the server's own list of events names another.
    gone = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 7}], "project": submitted()["project"]}
    attached.post("/webhook", gone)
    assert until(lambda: not store.active())


class _Newer:
    """What 2.x does around a model class: made for each request, its state in a cache by project."""

    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012 - as there, one for all

    def __init__(self, project_id: str | None = None, label_config: str | None = None) -> None:
        self.project_id = project_id or ""
        self.set("label_config", label_config or "")
        self.setup()

    def setup(self) -> None:
        """For subclasses."""

    @property
    def label_config(self) -> str:
        return self.kept[self.project_id, "label_config"]

    def set(self, key: str, value: str) -> None:
        self.kept[self.project_id, key] = value


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch, studio: str, tmp_path: Path) -> Iterator[Any]:
    """Our module as a server of 2.x imports it."""
    package, base = ModuleType("label_studio_ml"), ModuleType("label_studio_ml.model")
    base.LabelStudioMLBase = _Newer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "label_studio_ml", package)
    monkeypatch.setitem(sys.modules, "label_studio_ml.model", base)
    monkeypatch.setenv("LABEL_STUDIO_URL", studio)
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", f"sqlite:///{tmp_path}/store.sqlite3")
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    yield importlib.import_module(MODULE)
    sys.modules.pop(MODULE, None)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_the_signature_of_2_is_answered_too(newer: Any, tmp_path: Path, predictor: Predictor) -> None:
    body = asked(2)
    model = newer.BoundaryClick("1", body["label_config"])
    (prediction,) = model.predict(body["tasks"], context=body["params"]["context"], login=None, password=None)
    assert prediction["result"][0]["id"] == f"tor-click-{PHOTO}-0"
    assert model.predict(body["tasks"], context={}) == []
    assert newer.BoundaryClick("1", body["label_config"]).kept["1", "model_version"] == predictor.version
    assert model.fit("ANNOTATION_CREATED", submitted()) == {}
    assert model.fit("ANNOTATION_CREATED", {}) == {}
    (correction,) = until(CorrectionStore(Database(f"sqlite:///{tmp_path}/store.sqlite3")).active)
    assert correction.mask.sum() == DRAWN.sum()
