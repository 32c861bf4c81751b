"""Work on many images by two processes of Ray Data, against the same by one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.asking import photo
from tests.cluster.needs import need_ray
from tests.end_to_end.serving import ROOT
from tests.model.scenes import write_coco

RAY = ["--engine", "ray", "--workers", "2", "--threads", "1"]
SECONDS = 200
"""Until a command counts as hung; nothing is measured by it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos in COCO's layout."""
    return write_coco(tmp_path_factory.mktemp("data") / "coco", 4)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`boundaryclick` in a process of its own: one that has been Ray's driver keeps its threads and handlers."""
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def rows(folder: Path) -> list[dict[str, Any]]:
    """What an evaluation found, in the order of the file, without times."""
    found = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if "milliseconds" not in name} for row in found]


def test_workers_find_what_one_process_finds(data: Path, weights: Path, tmp_path: Path):
    """Evaluation and masks; an image that is none stops nobody."""
    need_ray()
    one, two = tmp_path / "one", tmp_path / "two"
    evaluate = [
        "evaluate",
        "--dataset",
        f"coco:{data}",
        "--weights",
        str(weights),
        "--clicks",
        "2",
        "--noise",
        "3",
    ]
    evaluate += ["--no-plots"]
    for out, engine in ((one, ["--threads", "1"]), (two, RAY)):
        done = command(*evaluate, "--out", str(out), *engine)
        assert done.returncode == 0, done.stderr
    assert rows(one) == rows(two)
    reports = [json.loads((out / "report.json").read_text()) for out in (one, two)]
    assert {name for name in reports[0] if reports[0][name] != reports[1][name]} <= {
        "date",
        "ms",
        "intervals",
    }

    (data / "images" / "bad.png").write_bytes(photo(1)[:900])
    for out, engine in ((one, ["--threads", "1"]), (two, RAY)):
        done = command(
            "prelabel", str(data / "images"), "--weights", str(weights), "--out", str(out), *engine
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("bad.png: image: expected an undamaged file") == 1
        assert done.stdout.count("4 of 5 images, 4 objects, 0 not found, 1 images skipped") == 1
    for name in ("coco.json", "labelstudio.json", "outcomes.jsonl"):
        assert (one / name).read_text() == (two / name).read_text()


def test_what_every_worker_stumbles_over_is_one_line(data: Path, tmp_path: Path):
    need_ray()
    missing = ["--weights", "no-such.safetensors", "--out", str(tmp_path / "out")]
    done = command("prelabel", str(data / "images"), *missing, *RAY)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("boundaryclick")]
    assert len(told) == 1
    assert told[0].startswith("boundaryclick prelabel: weights: expected a file")
    assert "Traceback" not in done.stderr
