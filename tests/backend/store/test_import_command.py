import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.store import CorrectionStore, Database, StoredCorrection


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", url)
    return url


def active(url: str) -> list[StoredCorrection]:
    database = Database(url)
    found = CorrectionStore(database).active()
    database.close()
    return found


def folder(root: Path, second: int = 20) -> Path:
    """Two objects on one photo."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True, exist_ok=True)
    labels = np.zeros((30, 40), np.uint8)
    labels[2:12, 2:12], labels[15 : 15 + 10, 10:second] = 1, 2
    cv2.imwrite(str(root / "images" / "photo.png"), np.full((30, 40, 3), 90, np.uint8))
    cv2.imwrite(str(root / "masks" / "photo.png"), labels)
    return root


def test_a_folder_is_recorded_once_and_changes_replace(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "ours")
    assert main(["import", f"folder:{root}"]) == 0
    assert "2 added, 0 replaced, 0 unchanged" in capsys.readouterr().out
    first, _ = active(url)
    assert int(first.mask.sum()) == 100
    assert first.digest == hashlib.sha256((root / "images" / "photo.png").read_bytes()).hexdigest()
    assert main(["import", f"folder:{root}"]) == 0
    assert "0 added, 0 replaced, 2 unchanged" in capsys.readouterr().out
    folder(root, second=30)
    assert main(["import", f"folder:{root}"]) == 0
    assert "0 added, 1 replaced, 1 unchanged" in capsys.readouterr().out
    assert [int(one.mask.sum()) for one in active(url)] == [100, 200]


def test_coco_is_recorded(tmp_path: Path, url: str) -> None:
    root = folder(tmp_path / "ours")
    polygon = [5, 5, 25, 5, 25, 15, 5, 15]
    annotation = {
        "id": 7,
        "image_id": 1,
        "category_id": 1,
        "segmentation": [polygon],
        "area": 200,
        "iscrowd": 0,
    }
    (root / "annotations.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "photo.png", "width": 40, "height": 30}],
                "annotations": [{**annotation, "bbox": [5, 5, 20, 10]}],
                "categories": [{"id": 1, "name": "cup"}],
            }
        )
    )
    assert main(["import", f"coco:{root}"]) == 0
    (stored,) = active(url)
    assert int(stored.mask.sum()) == 200
    assert stored.digest is not None


@pytest.mark.parametrize("dataset", ["voc:somewhere", "folder", "folder:/not/there", ""])
def test_what_is_no_such_data_set_is_one_line(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", dataset]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_database_there_is_nowhere_to_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOUNDARYCLICK_DATABASE_URL", "none")
    assert main(["import", f"folder:{folder(tmp_path)}"]) == 2
    assert "expected a database" in capsys.readouterr().err
