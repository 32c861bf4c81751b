"""Files that are not what `boundaryclick prelabel` can go by: one line says which, and what it may be."""

import json
import os
from pathlib import Path

import pytest

from backend.cli import main
from backend.prelabelling.folder import Outcomes
from backend.prelabelling.items import read_items
from model.errors import RequestInvalid, SettingsError
from tests.cluster.asking import photo

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("photo.jpg", b"\xff\xd8\xff\xe0", "expected text in UTF-8, got something else; it may be a folder"),
        ("photo.json", b"\xff\xd8\xff\xe0", "expected text in UTF-8"),
        ("deep.json", DEEP.encode(), "tasks: file: invalid json: recursion limit exceeded"),
        ("deep.json", b'{"images": ' + DEEP.encode(), "expected COCO's JSON with images"),
        ("deep.jsonl", b'{"image": ' + DEEP.encode(), "deep.jsonl:1: line: invalid json"),
        ("empty.json", b"", "expected COCO's JSON with images"),
        ("empty.json", b"[]", "tasks: expected at least one"),
        ("empty.json", b'{"images": []}', "expected at least one image, found none; it may be a folder"),
        ("list.txt", b"# nothing\n\n", "expected at least one image"),
    ],
)
def test_what_is_no_list_is_refused_by_name(
    name: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["prelabel", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"boundaryclick prelabel: {tmp_path / name}")
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_labelling_configuration_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    assert main(["prelabel", str(tmp_path), "--label-config", str(path), "--out", str(tmp_path / "o")]) == 2
    assert f"{path}: expected text in UTF-8" in capsys.readouterr().err


def test_lists_of_other_editors_are_read(tmp_path: Path) -> None:
    """A mark at their beginning, other ends of lines, a separator of lines in a name."""
    (tmp_path / "list.txt").write_bytes("\ufeffa.png\r\nb\u2028c.png\r\n".encode())
    assert [item.source.name for item in read_items(tmp_path / "list.txt").items] == ["a.png", "b\u2028c.png"]


def test_a_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(photo(0))
    with pytest.raises(RequestInvalid, match=r"caf\\udce9\.png': expected a name in UTF-8"):
        read_items(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", DEEP])
def test_a_folder_without_its_header_is_refused(content: str, tmp_path: Path) -> None:
    outcomes = Outcomes(tmp_path)
    outcomes.begin({"model": "one"})
    (tmp_path / "header.json").write_text(content)
    with pytest.raises(SettingsError, match=r"header\.json: expected what the masks beside it are of"):
        outcomes.begin({"model": "one"})
    assert outcomes.begin({"model": "one"}, restart=True) == {}
    assert json.loads((tmp_path / "header.json").read_text()) == {"model": "one"}
