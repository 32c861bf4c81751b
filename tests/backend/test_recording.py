import threading

import numpy as np

from backend.recording import Recorder
from model import Click
from model.corrections import ImageReference, Interaction
from model.errors import StoreError


def interaction(number: int) -> Interaction:
    where = ImageReference("tool", "1", str(number), "a.png")
    return Interaction(where, "digest", "region", (Click(1, 1, "select"),), np.ones((4, 4), bool), "v")


def test_closing_waits_until_everything_offered_is_noted():
    noted, release = [], threading.Event()

    def note(each: Interaction) -> None:
        release.wait()
        noted.append(each.image.task)

    recorder = Recorder(note, lambda: None)
    recorder.close()
    for number in range(5):
        recorder.offer(interaction(number))
    threading.Timer(0.05, release.set).start()
    recorder.close()
    assert noted == list("01234")


def test_a_database_that_does_not_work_stops_neither_the_clicks_nor_the_thread():
    noted = []

    def note(each: Interaction) -> None:
        if each.image.task == "0":
            raise StoreError("database: the disk is full")
        noted.append(each.image.task)

    recorder = Recorder(note, lambda: None)
    recorder.offer(interaction(0))
    recorder.offer(interaction(1))
    recorder.close()
    assert noted == ["1"]
