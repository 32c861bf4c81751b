"""Label Studio slow, down, or answering what it should not: annotators are told in one line, others notice nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.benchmarking import predict_body
from backend.stress.clients import Photo
from model import Click
from tests.reliability.service import Service, until
from tests.reliability.studio import FAULTS, Studio

SIZE = (320, 240)
SELECT = Click(160, 120, "select")
ANNOTATORS = 20


def body(path: str = "/data/upload/1", photo: int = 1) -> dict[str, Any]:
    """Of a click on a photo that lies there."""
    asked = predict_body(photo, SIZE, [SELECT])
    asked["tasks"][0]["data"]["image"] = f"{path}/{photo}-{SIZE[0]}x{SIZE[1]}.jpg"
    return asked


def refused(service: Service, asked: dict[str, Any]) -> tuple[int, str]:
    answer = service.post("/predict", json=asked)
    line = answer.json()["error"]
    assert "\n" not in line
    assert "Traceback" not in line
    return answer.status_code, line


def clicked(service: Service, photo: int) -> None:
    """One annotator with a good photo of Label Studio's, and one at the page, are answered."""
    assert service.post("/predict", json=body(photo=photo)).json()["results"][0]["result"]
    file = Photo(photo, *SIZE).file()
    digest = service.post("/api/images", data=file, headers={"Content-Type": "image/jpeg"}).json()["image"]
    clicks = [{"x": SELECT.x, "y": SELECT.y, "role": "select"}]
    assert service.post("/api/segment", json={"image": digest, "clicks": clicks}).status_code == 200


@pytest.fixture(scope="module")
def met(service: Service) -> dict[str, tuple[int, str]]:
    """What annotators are told whose Label Studio has a fault, all at once."""
    with ThreadPoolExecutor(len(FAULTS)) as annotators:
        answers = annotators.map(lambda name: refused(service, body(f"/data/fault/{name}")), FAULTS)
        return dict(zip(FAULTS, answers, strict=True))


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_it_answers_the_annotator_is_told_in_one_line(
    met: dict[str, tuple[int, str]], name: str
) -> None:
    status, line = met[name]
    assert status == (413 if name == "endless" else 400)
    assert FAULTS[name][1] in line


def test_after_all_that_the_next_click_is_answered(met: dict[str, tuple[int, str]], service: Service) -> None:
    clicked(service, 1)
    assert service.figure("boundaryclick_requests_running") == 1
    assert not [line for line in service.log if "internal error" in line or "Traceback" in line]


def test_while_it_hangs_who_needs_it_not_is_answered(service: Service, studio: Studio) -> None:
    clicked(service, 1)
    with ThreadPoolExecutor(ANNOTATORS) as annotators:
        hanging = [
            annotators.submit(refused, service, body("/data/fault/hang", photo))
            for photo in range(ANNOTATORS)
        ]
        studio.hanging.acquire()
        clicked(service, 1)
        assert service.post("/setup", json={"project": "1.1"}).status_code == 200
        answers = [each.result() for each in hanging]
    assert {status for status, _ in answers} <= {400, 503}
    late = {line.split(": ", 1)[1] for status, line in answers if status == 400}
    assert {line.split(",")[0] for line in late} == {
        "expected the file in time"
    } or "expected an answer" in str(late)
    until(lambda: service.figure("boundaryclick_requests_running") == 1)


def test_while_it_is_down_photos_at_hand_are_clicked_and_the_others_when_it_is_back(
    service: Service, studio: Studio
) -> None:
    clicked(service, 2)
    with studio.down():
        assert refused(service, body(photo=3)) == (
            400,
            f"{studio.url}/data/upload/1/3-320x240.jpg: expected an answer, got no connection",
        )
        clicked(service, 2)
    clicked(service, 3)
