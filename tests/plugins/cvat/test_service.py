"""The gateway in the whole service: clicks at once, deleted clicks, odd images, other methods."""

import base64
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from backend.app import create_app
from backend.settings import load_settings
from model import Predictor
from model.masks import intersection_over_union
from plugins.cvat import speed
from plugins.cvat.prompts import middle
from plugins.cvat.rle import decode
from tests.plugins.cvat.doubles import in_base64

MIDDLE, RADIUS = (120.5, 90.5), 45
OUTLINE = [
    (MIDDLE[0] + RADIUS * math.cos(angle), MIDDLE[1] + RADIUS * math.sin(angle)) for angle in (0.3, 2.4, 4.5)
]

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def http(predictor: Predictor) -> FlaskClient:
    return create_app(load_settings(threads=1), predictor).test_client()


@pytest.fixture
def ask(http: FlaskClient, photo_png: bytes) -> Ask:
    """JSON for an invocation on the photo."""
    image = base64.b64encode(photo_png).decode()

    def asked(**body: Any) -> Any:
        answer = http.post(
            "/", json={"image": image, "pos_points": [], "neg_points": [], "obj_bbox": [], **body}
        )
        assert answer.status_code == 200, answer.status
        return answer.get_json()

    return asked


def mask_of(answer: Any, width: int = 240, height: int = 180) -> np.ndarray:
    (shape,) = answer["shapes"]
    return decode(shape["points"], width, height)


def disc() -> np.ndarray:
    drawn = np.zeros((180, 240), np.uint8)
    cv2.circle(drawn, (120, 90), RADIUS, 1, -1)
    return drawn.astype(bool)


def test_clicks_one_by_one_at_once_and_repeated_are_the_same(ask: Ask) -> None:
    for count in (0, 1, 3):
        one_by_one = ask(pos_points=[MIDDLE, *OUTLINE[:count]])
    assert ask(pos_points=[MIDDLE, *OUTLINE]) == one_by_one
    assert ask(pos_points=[MIDDLE, *OUTLINE[:1]], neg_points=OUTLINE[1:]) == one_by_one
    ask(pos_points=[MIDDLE])
    assert ask(pos_points=[MIDDLE, *OUTLINE]) == one_by_one


def test_the_mask_stays_when_the_first_click_is_deleted(ask: Ask) -> None:
    before = mask_of(ask(pos_points=[MIDDLE, *OUTLINE]))
    after = ask(pos_points=OUTLINE)
    assert intersection_over_union(before, disc()) > 0.9
    assert intersection_over_union(mask_of(after), before) > 0.9
    # Selected from among the clicks that are left, of which none lies inside.
    assert after == ask(pos_points=[middle(OUTLINE), *OUTLINE])


def test_a_box_is_enough(ask: Ask) -> None:
    assert intersection_over_union(mask_of(ask(obj_bbox=[[70, 40], [171, 141]])), disc()) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (20000, 1), (1, 20000)])
def test_images_of_any_shape_are_answered(ask: Ask, size: tuple[int, int]) -> None:
    width, height = size
    image = in_base64(Image.new("RGB", size, (9, 99, 200)))
    answer = ask(image=image, pos_points=[[width / 2, height / 2], [0, 0]], neg_points=[[width, height]])
    assert mask_of(answer, width, height).any()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/function_invocations"), ("POST", "/api/functions"),
        ("DELETE", "/api/functions/boundaryclick"), ("PUT", "/"),
    ],
)  # fmt: skip
def test_other_methods_are_one_line(http: FlaskClient, method: str, path: str) -> None:
    answer = http.open(path, method=method)
    assert (answer.status_code, answer.get_json()) == (405, {"error": f"{method} {path}: method not allowed"})


def test_how_long_clicks_take_is_printed(
    served: str, photo_png: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.png").write_bytes(photo_png)
    speed.main([served, "--image", str(tmp_path / "photo.png"), "--clicks", "2"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("240 x 180, 0.0 MB: selection click ")
    assert "; 2 boundary clicks: median " in line


def test_what_hinders_the_measurement_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    Image.new("L", (2, 2)).save(tmp_path / "dot.png")
    for url, name in (
        ("http://b", "none.jpg"),
        ("http://b", "text.jpg"),
        ("http://127.0.0.1:9", "dot.png"),
        ("b", "dot.png"),
    ):
        with pytest.raises(SystemExit, match="2"):
            speed.main([url, "--image", str(tmp_path / name)])
        assert "Traceback" not in capsys.readouterr().err
