import os
from pathlib import Path

import numpy as np
import pytest
import requests

from backend import benchmarking
from backend.served import resident_megabytes


def test_photos_have_their_size_and_differ():
    photos = [benchmarking.make_photo(number, 64, 48) for number in range(12)]
    assert {photo.shape for photo in photos} == {(48, 64, 3)}
    assert len({photo.tobytes() for photo in photos}) == 12
    np.testing.assert_array_equal(photos[3], benchmarking.make_photo(3, 64, 48))


def test_every_click_is_timed_and_the_warm_up_is_not(predictor):
    times = benchmarking.time_model(predictor, (96, 64), photos=1)
    assert [[click.role for click in each] for each in times.clicks] == [["select"] + ["boundary"] * 5]
    assert (len(times.selections), len(times.boundaries)) == (1, benchmarking.BOUNDARY_CLICKS)
    assert min(times.encodes) < times.selections[0]
    assert min(times.encodes + times.boundaries) > 0


def test_clicks_come_beside_the_mask():
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    for number in range(8):
        click = benchmarking.click_beside(mask, number)
        assert max(30 - click.x, click.x - 49, 20 - click.y, click.y - 39) <= 1


def test_the_photo_server_serves_what_a_body_names():
    size = (64, 48)
    path = benchmarking.predict_body(3, size, benchmarking.clicks_on(*size))["tasks"][0]["data"]["image"]
    with benchmarking.photo_server() as url:
        answer = requests.get(url + path, timeout=600)
        assert requests.get(url + "/nothing", timeout=600).status_code == 404
    assert answer.content.startswith(b"\xff\xd8")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_of_this_process():
    assert resident_megabytes(os.getpid()) > 10


def test_hardware_is_one_line():
    assert "cores" in benchmarking.hardware()
    assert "\n" not in benchmarking.hardware()
    assert "\n" not in benchmarking.commit()
