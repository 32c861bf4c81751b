"""Warming in the background: one image at a time, and of those that wait only the newest."""

import gc
import weakref
from threading import Event

import numpy as np

from backend.decoding import DecodedImage
from backend.warming import Warmer

SECONDS = 30.0


def picture(digest):
    return DecodedImage(np.zeros((1, 1, 3), np.uint8), digest)


def test_the_newest_of_those_that_wait_is_warmed_and_the_others_are_let_go():
    begun, go_on, done = Event(), Event(), Event()
    warmed = []

    def warm(image):
        begun.set()
        assert go_on.wait(SECONDS)
        warmed.append(image.digest)
        if image.digest == "newest":
            done.set()

    warmer = Warmer(warm)
    warmer.offer(picture("first"))
    assert begun.wait(SECONDS)
    skipped = [picture(f"skipped {number}") for number in range(20)]
    kept = [weakref.ref(image) for image in skipped]
    for image in skipped:
        warmer.offer(image)
    warmer.offer(picture("newest"))
    del image, skipped
    gc.collect()
    assert [reference() for reference in kept] == [None] * 20
    go_on.set()
    assert done.wait(SECONDS)
    assert warmed == ["first", "newest"]


def test_a_failure_is_logged_and_the_next_image_is_warmed(caplog):
    begun, go_on, done = Event(), Event(), Event()

    def warm(image):
        if image.digest == "good":
            done.set()
            return
        begun.set()
        assert go_on.wait(SECONDS)
        raise RuntimeError("out of memory")

    warmer = Warmer(warm)
    warmer.offer(picture("bad"))
    assert begun.wait(SECONDS)
    warmer.offer(picture("good"))
    go_on.set()
    assert done.wait(SECONDS)
    assert "image bad: warming failed" in caplog.text
    assert "out of memory" in caplog.text
