from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_array

from model.datasets.layouts import open_dataset
from model.errors import DatasetError
from tests.model.datasets.files_on_disk import boxes, write_photo

IDS = boxes(_1=(0, 0, 9, 9), _2=(10, 10, 20, 20))


def write_instances(path: Path, ids: np.ndarray, name: str = "GTinst") -> None:
    """A struct with the matrix, a cell of sparse boundaries and a column of categories, compressed as the release."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = int(ids.max())
    boundaries = np.empty((count, 1), object)
    for number in range(count):
        boundaries[number, 0] = csc_array((ids == number + 1).astype(float))
    struct = {
        "Segmentation": ids.astype(np.uint8),
        "Boundaries": boundaries,
        "Categories": np.full((count, 1), 15, np.uint8),
    }
    savemat(path, {name: struct}, do_compression=True)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "benchmark_RELEASE" / "dataset"
    for name, ids in (("2008_000003", IDS), ("2008_000002", boxes(_1=(3, 3, 9, 9)))):
        write_photo(root / "img" / f"{name}.jpg", int(name[5:]))
        write_instances(root / "inst" / f"{name}.mat", ids)
    (root / "val.txt").write_text("2008_000003\n")
    (root / "train.txt").write_text("2008_000002\n")
    return root


def test_instances(release: Path):
    objects = open_dataset(f"sbd:{release}")
    assert objects.names == ["2008_000003#1", "2008_000003#2"]
    for number, item in enumerate(objects, start=1):
        assert np.array_equal(item.truth, number == IDS)
        assert not item.ignore.any()


def test_splits_and_folders_above(release: Path):
    assert open_dataset(f"sbd:{release}?split=train").names == ["2008_000002#1"]
    for folder in (release.parent, release.parent.parent):
        assert len(open_dataset(f"sbd:{folder}")) == 2
    with pytest.raises(DatasetError, match="img/ and inst/"):
        open_dataset(f"sbd:{release / 'img'}")


def test_a_file_of_classes_instead_of_instances(release: Path):
    write_instances(release / "inst" / "2008_000003.mat", IDS, "GTcls")
    with pytest.raises(DatasetError, match=r"2008_000003\.mat: expected GTinst.Segmentation, found GTcls"):
        open_dataset(f"sbd:{release}")


@pytest.mark.parametrize("content", [np.ones((3, 3)), {"Categories": np.ones(2)}])
def test_a_file_without_the_struct(release: Path, content: object):
    savemat(release / "inst" / "2008_000003.mat", {"GTinst": content})
    with pytest.raises(DatasetError, match=r"expected GTinst.Segmentation"):
        open_dataset(f"sbd:{release}")


def test_a_matrix_of_fractions(release: Path):
    savemat(release / "inst" / "2008_000003.mat", {"GTinst": {"Segmentation": np.full((30, 40), 0.5)}})
    with pytest.raises(DatasetError, match=r"whole numbers, got float64 of shape \(30, 40\)"):
        open_dataset(f"sbd:{release}")


def test_files_that_cannot_be_read(release: Path):
    path = release / "inst" / "2008_000003.mat"
    for content in (b"", b"no MATLAB file, but long enough for a header" * 9, path.read_bytes()[:200]):
        path.write_bytes(content)
        with pytest.raises(
            DatasetError, match=r"2008_000003\.mat: expected a MATLAB file, could not"
        ) as refusal:
            open_dataset(f"sbd:{release}")
        assert "\n" not in str(refusal.value)
    path.unlink()
    with pytest.raises(DatasetError, match=r"2008_000003\.mat: .*no such file"):
        open_dataset(f"sbd:{release}")
