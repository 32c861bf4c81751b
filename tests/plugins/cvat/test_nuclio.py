"""The Nuclio function, fed and read by Nuclio's own library, in both of its modes."""

import base64
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from model import Click, Predictor
from plugins.cvat.function import describe
from plugins.cvat.nuclio import main

nuclio_sdk = pytest.importorskip("nuclio_sdk")
masks = pytest.importorskip("cvat_sdk.masks")

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp")

FOLDER = Path(main.__file__).parent
DEFINITIONS = {path.name: yaml.safe_load(path.read_text()) for path in FOLDER.glob("*.yaml")}
AGENT = "CVAT/2.73.0 python-requests/2.33.1"


class Nuclio:
    """Calls a function as Nuclio's wrapper does: events in, responses out, both by way of nuclio-sdk."""

    def __init__(self, module: ModuleType) -> None:
        self.lines: list[str] = []
        self._module = module
        self._context = nuclio_sdk.Context(self)
        module.init_context(self._context)

    def info(self, line: str) -> None:
        self.lines.append(line)

    error = info

    def __call__(
        self, body: bytes, content_type: str = "application/json", user_agent: str = AGENT, raw: bool = False
    ) -> tuple[int, Any]:
        message: dict[Any, Any] = {
            "body": body,
            "content_type": content_type,
            "headers": {"User-Agent": user_agent},
            "trigger": {"kind": "http", "name": "myHttpTrigger"},
            "timestamp": 1_700_000_000,
            **dict.fromkeys(("fields", "id", "path", "size", "url", "shard_id", "num_shards", "type")),
            **dict.fromkeys(("type_version", "version")),
            "method": "POST",
        }
        kinds = nuclio_sdk.event.EventDeserializerKinds
        event = nuclio_sdk.Event.deserialize(
            as_bytes(message) if raw else message, kind=kinds.msgpack_raw if raw else kinds.msgpack
        )
        output = self._module.handler(self._context, event)
        response = nuclio_sdk.Response.from_entrypoint_output(json.dumps, output)
        assert (response["content_type"], response["body_encoding"]) == ("application/json", "text")
        return response["status_code"], json.loads(response["body"])


def as_bytes(value: Any) -> Any:
    """As msgpack leaves text when it is told to be raw."""
    if isinstance(value, dict):
        return {as_bytes(name): as_bytes(item) for name, item in value.items()}
    return value.encode() if isinstance(value, str) else value


@pytest.fixture(scope="module")
def inside() -> Nuclio:
    return Nuclio(main)


@pytest.fixture
def body(photo_png: bytes) -> bytes:
    image = base64.b64encode(photo_png).decode()
    return json.dumps(
        {"image": image, "pos_points": [[120.5, 90.5]], "neg_points": [], "obj_bbox": []}
    ).encode()


@pytest.fixture(scope="module")
def expected(predictor: Predictor, photo: np.ndarray) -> np.ndarray:
    return predictor.predict(photo, [Click(120, 90)]).mask


def decoded(answer: Any, like: np.ndarray) -> np.ndarray:
    """The mask of an answer with shapes."""
    (shape,) = answer["shapes"]
    mask: np.ndarray = masks.decode_mask(
        shape["points"], image_width=like.shape[1], image_height=like.shape[0]
    )
    return mask


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", ""])
@pytest.mark.parametrize("raw", [False, True])
def test_the_model_inside_answers_whatever_form_the_body_has(
    inside: Nuclio, body: bytes, expected: np.ndarray, content_type: str, raw: bool
) -> None:
    status, answer = inside(body, content_type, raw=raw)
    assert status == 200
    assert np.array_equal(decoded(answer, expected), expected)


def test_text_is_a_body_too(inside: Nuclio, body: bytes) -> None:
    event = nuclio_sdk.Event(body=body.decode())
    response = main.handler(inside._context, event)
    assert json.loads(response.body)["shapes"]


@pytest.mark.parametrize("raw", [False, True])
def test_an_old_cvat_gets_a_dense_mask(inside: Nuclio, body: bytes, expected: np.ndarray, raw: bool) -> None:
    _, answer = inside(body, user_agent="CVAT/2.5.1 python-requests/2.28", raw=raw)
    assert np.array_equal(answer["mask"], expected.astype(int))


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"image": "c2VjcmV0"}, 400, "image: expected JPEG"),
        ({"pos_points": "no"}, 400, "pos_points: "),
    ],
)
def test_errors_are_answered_and_logged_without_the_image(
    inside: Nuclio, body: bytes, change: dict[str, Any], status: int, message: str
) -> None:
    inside.lines.clear()
    answer = inside(json.dumps({**json.loads(body), **change}).encode())
    assert answer[0] == status
    assert answer[1]["error"].startswith(message)
    (line,) = inside.lines
    assert message in line
    assert "c2VjcmV0" not in line


def test_a_large_image_has_a_status_of_its_own(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOUNDARYCLICK_MAX_IMAGE_PIXELS", "100")
    status, answer = Nuclio(main)(body)
    assert (status, "megapixels" in answer["error"]) == (413, True)


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Nuclio]:
    def start(url: str) -> Nuclio:
        monkeypatch.setenv("BOUNDARYCLICK_URL", url)
        return Nuclio(main)

    return start


def test_a_thin_client_answers_as_its_backend_does(
    thin: Callable[[str], Nuclio], served: str, body: bytes, expected: np.ndarray
) -> None:
    nuclio = thin(served)
    for content_type in ("application/json", "application/json; charset=utf-8"):
        status, answer = nuclio(body, content_type)
        assert status == 200
        assert np.array_equal(decoded(answer, expected), expected)
    _, dense = nuclio(body, user_agent="CVAT/2.5.1")
    assert np.array_equal(dense["mask"], expected.astype(int))
    status, answer = nuclio(b'{"image": 1, "pos_points": []}')
    assert (status, answer["error"]) == (400, "image: expected a valid string, got 1")
    assert "image: expected a valid string" in nuclio.lines[-1]


def test_a_backend_that_is_not_there_is_one_line(thin: Callable[[str], Nuclio], body: bytes) -> None:
    status, answer = thin("http://127.0.0.1:9")(body)
    assert status == 502
    assert answer["error"].startswith("backend: expected an answer from http://127.0.0.1:9/, got ")


def test_a_thin_client_needs_nothing_but_python() -> None:
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); os.environ['BOUNDARYCLICK_URL'] = 'http://b'; import main;"
        "from types import SimpleNamespace as S; main.init_context(S(user_data=S(), logger=S(info=print)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(FOLDER)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "boundaryclick: answers come from http://b"), (
        done.stderr
    )


def test_the_definitions_follow_cvats_conventions() -> None:
    assert set(DEFINITIONS) == {"function.yaml", "function-gpu.yaml", "function-client.yaml"}
    for definition in DEFINITIONS.values():
        annotations = definition["metadata"]["annotations"]
        ours = describe(0, "boundary")["metadata"]["annotations"]
        for key in ("name", "type", "version", "min_pos_points", "min_neg_points", "help_message"):
            assert str(annotations[key]) == ours[key]
        assert not [key for key in annotations if key.startswith("startswith_box")]
        assert "." not in definition["metadata"]["name"]
        spec = definition["spec"]
        module, _, function = spec["handler"].partition(":")
        found = importlib.util.spec_from_file_location(module, FOLDER / f"{module}.py")
        assert found is not None
        assert callable(getattr(main, function))
        trigger = spec["triggers"]["myHttpTrigger"]
        assert trigger["attributes"]["maxRequestBodySize"] == 128 << 20
        assert float(spec["eventTimeout"].removesuffix("s")) > main.BACKEND_SECONDS
        # Clicks that alternate between processes would be computed from the beginning in each.
        assert trigger["numWorkers"] == 1 or "BOUNDARYCLICK_URL" in str(spec["env"])
    gpu = DEFINITIONS["function-gpu.yaml"]["spec"]
    assert gpu["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert {"name": "BOUNDARYCLICK_DEVICE", "value": "cuda"} in gpu["env"]
