"""The folder that a stopped run goes on from."""

from pathlib import Path

import pytest

from backend.prelabelling.answers import Outcome
from backend.prelabelling.folder import Outcomes


def test_a_restart_that_is_stopped_leaves_no_old_results_beside_a_new_header(tmp_path: Path) -> None:
    outcomes = Outcomes(tmp_path)
    outcomes.begin({"model": "old"})
    outcomes.add(Outcome(number=0, image="a.png"))
    assert list(outcomes.begin({"model": "old"})) == [0]
    (tmp_path / "header.json").unlink()
    (tmp_path / "header.json").mkdir()  # what stops it
    with pytest.raises(IsADirectoryError):
        outcomes.begin({"model": "new"}, restart=True)
    (tmp_path / "header.json").rmdir()
    assert outcomes.begin({"model": "new"}) == {}
