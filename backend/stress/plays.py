"""What annotators do, once alone and then many at a time, and whether they all get the same masks."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, product

import numpy as np
from numpy.typing import NDArray

from backend.benchmarking import click_beside
from backend.stress.clients import WAYS, Client, Photo, Refused, Tally, digest
from model.clicks import Click

SIZES = ((640, 480), (1632, 1224))
PLACES = (0.3, 0.5, 0.7)
"""Of objects on a photo, as shares of its width."""
CLICKS = 6
"""On an object that is new, the selection included."""

KINDS = ("select", "near", "near", "undo", "near", "far", "undo")


@dataclass(frozen=True)
class Step:
    """One request.

    Attributes:
        kind: what the annotator has just done: select, near, far or undo.
        clicks: all that are left.
        answers: by the way that a client asks, digests of the masks that it may get: what one alone has got.
    """

    kind: str
    clicks: tuple[Click, ...]
    answers: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Play:
    """The requests about one object of a photo, in order."""

    photo: Photo
    steps: tuple[Step, ...]


def plays_alone(client: Client, photos: int, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Play]:
    """Every play, made once by a client that is alone with the service; raises Refused."""
    pictures = [Photo(number, *sizes[number % len(sizes)]) for number in range(photos)]
    return [Play(photo, tuple(_steps(client, photo, place))) for photo in pictures for place in PLACES]


def _steps(client: Client, photo: Photo, place: float) -> Iterator[Step]:
    width, height = photo.width, photo.height
    mask = np.zeros((height, width), bool)
    clicks: list[Click] = []
    for number, kind in enumerate(KINDS):
        if kind == "undo":
            clicks.pop()
        elif kind == "near":
            clicks.append(click_beside(mask, number))
        elif kind == "far":
            clicks.append(Click(width * (0.95 if place < 0.5 else 0.05), height * 0.1, "boundary"))
        else:
            clicks.append(Click(width * place, height * 0.5, "select"))
        mask = unpacked(client.ask("page", photo, clicks), photo)
        yield Step(kind, tuple(clicks), _answers(client, photo, clicks))


def _answers(client: Client, photo: Photo, clicks: Sequence[Click]) -> dict[str, frozenset[str]]:
    return {way: frozenset((digest(client.ask(way, photo, clicks)),)) for way in WAYS}


def answered_now(client: Client, plays: Sequence[Play]) -> list[Play]:
    """The same requests with the answers of now: another version may have been promoted."""
    return [
        Play(
            play.photo,
            tuple(
                Step(step.kind, step.clicks, _answers(client, play.photo, step.clicks)) for step in play.steps
            ),
        )
        for play in plays
    ]


def unpacked(runs: Sequence[int], photo: Photo) -> NDArray[np.bool_]:
    """(H, W) mask of the page's run lengths."""
    flat: NDArray[np.bool_] = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(photo.height, photo.width)


@contextmanager
def playing(
    clients: Sequence[Client], plays: Sequence[Play], tally: Tally, pause: float = 0.0
) -> Iterator[None]:
    """All clients at work during the body, and to the end of the request that each is at.

    Args:
        pause: seconds between a client's clicks, on average.
    """
    with _at_work(
        clients, pause, lambda client, number, pace: _play(client, WAYS[number % 2], plays, tally, pace)
    ):
        yield


@contextmanager
def segmenting(
    clients: Sequence[Client], photos: Sequence[Sequence[Photo]], tally: Tally, pause: float
) -> Iterator[None]:
    """As `playing`, by way of the page, on objects that nobody has asked for before: nothing of them is known yet.

    Args:
        photos: each client's own; it clicks on an object in every one of `PLACES`. After the last one it begins anew,
            with objects that the service may still know.
    """
    with _at_work(clients, pause, lambda client, number, pace: _segment(client, photos[number], tally, pace)):
        yield


@contextmanager
def _at_work(
    clients: Sequence[Client], pause: float, work: "Callable[[Client, int, _Pace], None]"
) -> Iterator[None]:
    """Every client, with its number and its pace, on a thread of its own."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(clients)) as threads:
        at_work = [
            threads.submit(work, client, number, _Pace(number, pause, stop))
            for number, client in enumerate(clients)
        ]
        try:
            yield
        finally:
            stop.set()
    for client, task in zip(clients, at_work, strict=True):
        client.close()
        task.result()


class _Pace:
    """One client's: an order of its own, and pauses of its own."""

    def __init__(self, seed: int, pause: float, stop: threading.Event) -> None:
        self._chance, self._pause, self._stop = random.Random(seed), pause, stop  # noqa: S311 - no secret

    def choose(self, plays: Sequence[Play]) -> Play:
        """Any of them."""
        return self._chance.choice(plays)

    def ended(self) -> bool:
        """Wait a little; whether it is time to stop."""
        return self._stop.wait(self._pause * self._chance.uniform(0.5, 1.5))


def _play(client: Client, way: str, plays: Sequence[Play], tally: Tally, pace: _Pace) -> None:
    while not pace.ended():
        play = pace.choose(plays)
        for step in play.steps:
            what = f"{way}, {step.kind} on photo {play.photo.number}, {len(step.clicks)} click(s)"
            began = time.perf_counter()
            try:
                answer = digest(client.ask(way, play.photo, step.clicks))
            except Refused as error:
                tally.fail(f"{what}: {error}")
                break
            tally.count(step.kind, time.perf_counter() - began, answer in step.answers[way], what)
            if pace.ended():
                return


def _segment(client: Client, photos: Sequence[Photo], tally: Tally, pace: _Pace) -> None:
    for photo, place in cycle(product(photos, PLACES)):
        if not segment(client, photo, place, CLICKS, tally, ended=pace.ended):
            return


def segment(
    client: Client,
    photo: Photo,
    place: float,
    clicks: int,
    tally: Tally,
    *,
    ended: Callable[[], bool] = lambda: False,
) -> bool:
    """One object, by way of the page: a selection click, then boundary clicks beside the mask.

    Args:
        place: of the selection click, as a share of the photo's width.
        clicks: how many in all.
        ended: asked before each of them whether to stop.

    Returns:
        False if it was to stop.
    """
    made = [Click(photo.width * place, photo.height * 0.5, "select")]
    for number in range(1, clicks + 1):
        if ended():
            return False
        kind, began = made[-1].role, time.perf_counter()
        try:
            mask = unpacked(client.ask("page", photo, made), photo)
        except Refused as error:
            tally.fail(f"{kind} on photo {photo.number}: {error}")
            break
        tally.count(kind, time.perf_counter() - began, True, "")
        made.append(click_beside(mask, number))
    return True
