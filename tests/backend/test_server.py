"""A real gunicorn in a process of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from backend.benchmarking import clicks_on, photo_server, predict_body
from backend.served import serving
from tests.end_to_end.serving import ROOT, end_group, limited
from tests.local_server import Answer, Asked, local_server

SIZE = (320, 240)
SECONDS = 600
"""Until a test gives up; nothing is measured by it."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", "serve", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_clicks_from_many_threads_over_http(served, photo_png):
    image = requests.post(f"{served}/api/images", data=photo_png, timeout=SECONDS).json()
    clicks = [{"x": 120, "y": 90, "role": "select"}, {"x": 165, "y": 90, "role": "boundary"}]

    def ask(count: int) -> list[int]:
        body = {"image": image["image"], "clicks": clicks[:count]}
        return requests.post(f"{served}/api/segment", json=body, timeout=SECONDS).json()["runs"]

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask, [1, 2, 1, 2, 1, 2]))
    assert answers[0] == answers[2] == answers[4]
    assert answers[1] == answers[3] == answers[5]
    assert requests.get(f"{served}/ready", timeout=SECONDS).status_code == 200


@pytest.fixture(scope="module")
def beside_label_studio():
    with photo_server() as photos, serving(["--threads", "1"], {"LABEL_STUDIO_URL": photos}) as service:
        yield service


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_clicks_are_answered_without_torch_in_memory(beside_label_studio):
    body = predict_body(1, SIZE, clicks_on(*SIZE, count=2))
    assert requests.post(f"{beside_label_studio.url}/predict", json=body, timeout=SECONDS).status_code == 200
    children = Path(f"/proc/{beside_label_studio.pid}/task/{beside_label_studio.pid}/children").read_text()
    workers = [Path(f"/proc/{child}/maps").read_text() for child in children.split()]
    assert any("openvino" in maps for maps in workers)
    assert not any("libtorch" in maps for maps in workers)


def test_label_studios_requests_are_answered_with_a_stable_region(beside_label_studio):
    clicks = clicks_on(*SIZE, count=2)
    regions = []
    for count in (1, 2, 3):
        answer = requests.post(
            f"{beside_label_studio.url}/predict", json=predict_body(1, SIZE, clicks[:count]), timeout=SECONDS
        )
        assert answer.status_code == 200
        regions.append(answer.json()["results"][0]["result"][0])
    assert len({region["id"] for region in regions}) == 1
    assert (regions[0]["original_width"], regions[0]["original_height"]) == SIZE
    assert regions[0]["value"]["format"] == "rle"


def test_bad_requests_break_nothing_for_the_next(beside_label_studio):
    body = predict_body(1, SIZE, clicks_on(*SIZE)[:1])
    missing = predict_body(2, SIZE, clicks_on(*SIZE)[:1])
    missing["tasks"][0]["data"]["image"] = "/data/upload/1/none.png"
    elsewhere = predict_body(3, SIZE, clicks_on(*SIZE)[:1])
    elsewhere["tasks"][0]["data"]["image"] = "http://169.254.169.254/latest/meta-data"
    for bad in (missing, elsewhere):
        answer = requests.post(f"{beside_label_studio.url}/predict", json=bad, timeout=SECONDS)
        assert answer.status_code == 400
        assert "\n" not in answer.json()["error"]
    assert requests.post(f"{beside_label_studio.url}/predict", json=body, timeout=SECONDS).status_code == 200


def test_it_stops_when_asked():
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.cli", "serve", "--port", "0", "--threads", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        with limited(process, SECONDS):
            assert process.stdout.readline() == "boundaryclick is ready\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=SECONDS)
    finally:
        end_group(process)
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == 0
    assert errors == ""


def test_a_request_that_runs_is_finished_before_it_stops_and_its_lines_bear_its_id(photo_png):
    fetching, release = threading.Event(), threading.Event()

    def photo(_: Asked) -> Answer:
        fetching.set()
        release.wait(SECONDS)
        return Answer(photo_png, headers={"Content-Type": "image/png"})

    with local_server(photo) as photos, ThreadPoolExecutor(1) as thread:
        settings = {"LABEL_STUDIO_URL": photos, "BOUNDARYCLICK_LOG_FORMAT": "json"}
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "serve", "--port", "0", "--threads", "1"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **settings},
        )  # fmt: skip
        try:
            with limited(process, SECONDS):
                assert process.stdout.readline() == "boundaryclick is ready\n"
                url = re.search(r"http://\S+?(?=/?$)", process.stdout.readline().strip())[0]
                answer = thread.submit(
                    requests.post, f"{url}/predict", json=predict_body(1, (240, 180), clicks_on(240, 180)[:1]),
                    headers={"X-Request-ID": "click-1"}, timeout=SECONDS,
                )  # fmt: skip
                assert fetching.wait(SECONDS)
                process.send_signal(signal.SIGTERM)
                time.sleep(1)  # the signal is on its way; nothing depends on how far it has come
                release.set()
                answered = answer.result()
                _, lines = process.communicate()
        finally:
            release.set()
            end_group(process)
    assert (answered.status_code, process.returncode) == (200, 0)
    assert answered.json()["results"][0]["result"]
    assert answered.headers["X-Request-ID"] == "click-1"
    (line,) = [entry for entry in map(json.loads, lines.splitlines()) if entry.get("path") == "/predict"]
    assert (line["request_id"], line["method"], line["status"], line["level"]) == (
        "click-1",
        "POST",
        200,
        "INFO",
    )


def test_weights_that_are_missing_are_one_line(tmp_path):
    done = run("--port", "0", "--weights", str(tmp_path / "none.safetensors"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none.safetensors" in done.stderr
    assert "ready" not in done.stdout


def test_a_port_in_use_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr
