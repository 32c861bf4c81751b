"""Work on many images by two processes of Ray Data, against the same by one."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.cli import main
from tests.cluster.asking import photo
from tests.cluster.needs import need_ray
from tests.model.scenes import write_coco

# Ray Data uses settings of its own that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")

RAY = ["--engine", "ray", "--workers", "2", "--threads", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos in COCO's layout."""
    return write_coco(tmp_path_factory.mktemp("data") / "coco", 4)


def rows(folder: Path) -> list[dict[str, Any]]:
    """What an evaluation found, in the order of the file, without times."""
    found = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if "milliseconds" not in name} for row in found]


def test_workers_find_what_one_process_finds(
    data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Evaluation and masks; an image that is none stops nobody."""
    need_ray()
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
    evaluate += ["--no-plots", "--threads", "1"]
    assert main([*evaluate, "--out", str(tmp_path / "one")]) == 0
    assert main([*evaluate, "--out", str(tmp_path / "two"), *RAY]) == 0
    assert rows(tmp_path / "one") == rows(tmp_path / "two")
    one, two = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two"))
    assert {name for name in one if one[name] != two[name]} <= {"date", "ms", "intervals"}

    (data / "images" / "bad.png").write_bytes(photo(1)[:900])
    prelabel = ["prelabel", str(data / "images"), "--weights", str(weights)]
    assert main([*prelabel, "--out", str(tmp_path / "one"), "--threads", "1"]) == 0
    assert main([*prelabel, "--out", str(tmp_path / "two"), *RAY]) == 0
    told = capsys.readouterr()
    assert told.err.count("bad.png: image: expected an undamaged file") == 2
    assert told.out.count("4 of 5 images, 4 objects, 0 not found, 1 images skipped") == 2
    for name in ("coco.json", "labelstudio.json", "outcomes.jsonl"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()


def test_what_every_worker_stumbles_over_is_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    need_ray()
    command = [
        "prelabel",
        str(data / "images"),
        "--weights",
        "no-such.safetensors",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*command, *RAY]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("boundaryclick prelabel: weights: expected a file")
    assert not any("Traceback" in line for line in lines)
