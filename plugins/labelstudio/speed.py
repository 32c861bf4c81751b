"""How long Label Studio waits for a click: starts a service, asks it as Label Studio does, and prints the times.

python -m plugins.labelstudio.speed --threads 2
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests
from numpy.typing import NDArray

from backend.benchmarking import (
    click_beside,
    clicks_on,
    hardware,
    photo_server,
    predict_body,
)
from backend.served import Served, serving
from plugins.labelstudio.regions import read_mask
from plugins.labelstudio.rle import encode

SIZES = ((640, 480), (4000, 3000))
SECONDS = 600


def main(arguments: Sequence[str] | None = None) -> None:
    """A selection click and boundary clicks on each photo, with masks in the body that belong to other objects."""
    parser = argparse.ArgumentParser(prog="python -m plugins.labelstudio.speed", description=__doc__)
    parser.add_argument("--photos", type=int, default=4, help="of each size (default: 4)")
    parser.add_argument("--clicks", type=int, default=5, help="boundary clicks on each (default: 5)")
    parser.add_argument("--drafts", type=int, default=8, help="masks of other objects (default: 8)")
    parser.add_argument("--threads", type=int, default=2, help="of the service (default: 2)")
    args = parser.parse_args(arguments)
    print(hardware())
    with (
        photo_server() as studio,
        serving(["--threads", str(args.threads)], {"BOUNDARYCLICK_LABEL_STUDIO_URL": studio}) as service,
    ):
        for width, height in SIZES:
            drafts = other_objects(args.drafts, width, height)
            told = [
                _ask(service, number, (width, height), args.clicks, drafts) for number in range(args.photos)
            ]
            largest = max(size for _, _, size in told) / 1e6
            print(f"{width} x {height}, bodies of {largest:.1f} MB, milliseconds:")
            _row(
                "selection click", [taken[:1] for taken, _, _ in told], [worked[:1] for _, worked, _ in told]
            )
            _row("boundary click", [taken[1:] for taken, _, _ in told], [worked[1:] for _, worked, _ in told])


def _row(what: str, taken: list[list[float]], worked: list[list[float]]) -> None:
    passed, busy = np.concatenate(taken), np.concatenate(worked)
    print(
        f"  {what}: p50 {np.median(passed):.0f}, p95 {np.percentile(passed, 95):.0f}; "
        f"CPU time of the service p50 {np.median(busy):.0f} (n {len(passed)})",
        flush=True,
    )


def other_objects(count: int, width: int, height: int) -> list[dict[str, Any]]:
    """A draft with so many brush regions around the middle of the image, some ten runs in each row of theirs."""
    regions = []
    for number in range(count):
        region = predict_body(number, (width, height), clicks_on(width, height, 0))["params"]["context"][
            "result"
        ][0]
        mask = _blobs(number, width, height)
        value = {"format": "rle", "rle": encode(mask), "brushlabels": ["Object"]}
        regions.append(
            {**region, "id": f"other-{number}", "type": "brushlabels", "from_name": "mask", "value": value}
        )
    return [{"id": 1, "user": "a@example.org", "result": regions}]


def _blobs(seed: int, width: int, height: int) -> NDArray[np.bool_]:
    coarse = np.random.default_rng(seed).random((9, 12)).astype(np.float32)
    mask = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) > np.median(coarse))
    mask[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = False
    return mask


def _ask(
    service: Served, number: int, size: tuple[int, int], count: int, drafts: list[dict[str, Any]]
) -> tuple[list[float], list[float], int]:
    """Of each request, with one click more than the one before: milliseconds, those of CPU; and bytes of the last."""
    clicks, taken, worked = clicks_on(*size, 0), [], []
    with requests.Session() as session:
        session.trust_env = False  # the service runs here, where no proxy can reach it
        for made in range(count + 1):
            body = predict_body(number, size, clicks)
            body["tasks"][0]["drafts"] = drafts
            sent = requests.Request("POST", f"{service.url}/predict", json=body).prepare()
            before, started = _cpu_milliseconds(service.pid), time.perf_counter()
            answer = session.send(sent, timeout=SECONDS)
            taken.append(1000 * (time.perf_counter() - started))
            worked.append(_cpu_milliseconds(service.pid) - before)
            answer.raise_for_status()
            clicks.append(click_beside(read_mask(answer.json()["results"][0]["result"][0]), made))
    return taken, worked, len(sent.body or b"")


def _cpu_milliseconds(pid: int) -> float:
    """Of a process and its children so far, to ten milliseconds; not a number where there is no /proc."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        return float("nan")
    ticks = 0
    for each in [str(pid), *children.read_text().split()]:
        # Behind the name, which may hold spaces: state, then eleven other fields, then user and system time.
        user, system = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
