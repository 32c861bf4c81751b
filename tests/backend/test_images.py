import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from backend.decoding import ImageLimits
from backend.images import ImageStore
from model.errors import AccessRefused, ImageRejected, Overloaded
from tests.backend.test_decoding import encoded

LIMITS = ImageLimits(1 << 20, 1 << 20)
PIXELS = 10 * 10 * 3


def png(value: int) -> bytes:
    return encoded(Image.new("RGB", (10, 10), (value, 0, 0)))


def test_decoded_once_and_found_by_digest():
    store = ImageStore(LIMITS, 10 * PIXELS, 60)
    image = store.decode(png(1))
    assert store.decode(png(1)) is image
    assert store.find(image.digest) is image
    assert store.find("0" * 64) is None


def test_bytes_are_bounded_and_the_longest_unused_goes():
    store = ImageStore(LIMITS, 3 * PIXELS, 60)
    kept = store.decode(png(0))
    for value in range(1, 20):
        store.decode(png(value))
        assert store.find(kept.digest) is kept
        assert store.nbytes <= 3 * PIXELS


def test_one_image_larger_than_the_cache_is_kept_until_the_next():
    store = ImageStore(LIMITS, 1, 60)
    first = store.decode(png(1))
    assert store.find(first.digest) is first
    store.decode(png(2))
    assert store.find(first.digest) is None
    assert store.nbytes == PIXELS


def test_nothing_is_kept_without_a_cache():
    store = ImageStore(LIMITS, 0, 60)
    assert store.find(store.decode(png(1)).digest) is None


def test_a_reference_is_fetched_once():
    store, calls = ImageStore(LIMITS, 1 << 20, 60), []

    def fetch() -> bytes:
        calls.append(1)
        return png(1)

    assert store.load("a", fetch) is store.load("a", fetch)
    assert len(calls) == 1
    store.load("b", fetch)
    assert len(calls) == 2


def test_a_reference_whose_image_has_gone_is_fetched_again():
    store = ImageStore(LIMITS, PIXELS, 60)
    store.load("a", lambda: png(1))
    store.load("b", lambda: png(2))
    np.testing.assert_array_equal(store.load("a", lambda: png(3)).pixels[0, 0], (3, 0, 0))


def test_references_grow_old():
    store, calls = ImageStore(LIMITS, 1 << 20, 0), []
    for _ in range(2):
        store.load("a", lambda: calls.append(1) or png(1))
    assert len(calls) == 2


def test_a_failed_fetch_is_not_remembered():
    store = ImageStore(LIMITS, 1 << 20, 60)

    def fail() -> bytes:
        raise ImageRejected("not there")

    with pytest.raises(ImageRejected):
        store.load("a", fail)
    assert store.load("a", lambda: png(1)).width == 10


def test_whoever_asks_meanwhile_waits_for_the_same_fetch():
    store, started, finish, calls = ImageStore(LIMITS, 1 << 20, 60), threading.Event(), threading.Event(), []

    def slow() -> bytes:
        calls.append(1)
        started.set()
        assert finish.wait(30)
        return png(1)

    threads = [threading.Thread(target=store.load, args=("a", slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert started.wait(30)
    finish.set()
    for thread in threads:
        thread.join(30)
    assert len(calls) == 1


def test_who_waited_for_an_image_that_could_not_be_had_does_not_try_again():
    store, asked, release = ImageStore(LIMITS, 1 << 20, 60), [], threading.Event()

    def hang() -> bytes:
        asked.append(1)
        release.wait()
        raise AccessRefused("image: expected it, got none")

    def ask(_: int) -> str:
        with pytest.raises(AccessRefused) as caught:
            store.load("http://here/a.png", hang)
        return str(caught.value)

    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(ask, number) for number in range(4)]
        while store._loading._locks["http://here/a.png"][1] < 4:
            time.sleep(0.01)
        release.set()
    assert {answer.result() for answer in answers} == {"image: expected it, got none"}
    assert asked == [1]
    assert store.load("http://here/a.png", lambda: png(1)).width == 10


def test_a_server_that_hangs_takes_only_so_many_threads(monkeypatch):
    monkeypatch.setattr("backend.images.ROOM_SECONDS", 0.01)
    store, release = ImageStore(LIMITS, 1 << 20, 60, most_fetched=2), threading.Event()

    def hang() -> bytes:
        release.wait()
        return png(1)

    with ThreadPoolExecutor(2) as threads:
        hanging = [threads.submit(store.load, f"http://slow/{number}", hang) for number in range(2)]
        while store._fetching._room._value:
            time.sleep(0.01)
        with pytest.raises(Overloaded, match="image: expected an answer soon"):
            store.load("http://slow/2", hang)
        digest = store.decode(png(1)).digest
        assert store.find(digest) is not None
        release.set()
    assert [image.result().digest for image in hanging] == [digest] * 2
    assert store.load("http://slow/2", hang).digest == digest


def test_a_file_that_cannot_be_had_again_outlives_its_pixels():
    store = ImageStore(LIMITS, 1, 60, max_file_bytes=2 * len(png(1)))
    digests = [store.keep(png(value)).digest for value in (1, 2, 3)]
    found = [store.find(digest) for digest in digests]
    assert [image and int(image.pixels[0, 0, 0]) for image in found] == [None, 2, 3]
    assert store.nbytes == PIXELS
