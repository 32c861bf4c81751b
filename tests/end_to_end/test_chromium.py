"""Where the browser or its driver is missing: no excuse in CI, a reason to skip elsewhere."""

from pathlib import Path

import pytest

from tests.end_to_end.chromium import chromium


@pytest.mark.parametrize("installed", ["chromium", "chromedriver"])
@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_half_a_browser_fails_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str, ci: str, outcome: type[BaseException]
) -> None:
    program = tmp_path / installed
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with (
        pytest.raises(outcome, match="install the packages chromium and chromium-driver"),
        chromium(tmp_path),
    ):
        pass
