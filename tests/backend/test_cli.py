import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.cli import build_parser, find_commands, main
from tests.end_to_end.serving import ROOT

COMMANDS = sorted(command.__name__.rpartition(".")[2].rstrip("_") for command in find_commands())


def boundaryclick(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=600, env={**os.environ, **environment},
    )  # fmt: skip


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture
def photo_path(tmp_path: Path, photo_png: bytes) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(photo_png)
    return path


def test_the_commands_of_the_foundation_are_there():
    assert {"benchmark", "segment", "serve"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args([command, "--help"])
    assert stop.value.code == 0
    assert f"\n  boundaryclick {command} " in capsys.readouterr().out.partition("example")[2]


def test_help_of_serve_names_every_setting(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert "BOUNDARYCLICK_MAX_IMAGE_PIXELS (default: 64000000)" in capsys.readouterr().out


def test_starting_does_not_import_torch():
    code = "import sys, backend.cli; backend.cli.build_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=600).returncode == 0


def test_segment_writes_mask_and_overlay(photo_path, tmp_path, predictor, photo, photo_click):
    out, overlay = tmp_path / "mask.png", tmp_path / "overlay.png"
    done = boundaryclick(
        "segment", str(photo_path), "--select", "120,90", "--boundary", "165,90",
        "--out", str(out), "--overlay", str(overlay), BOUNDARYCLICK_THREADS="1",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{out}: 240 x 180")
    mask = read(out)
    assert mask.shape == (180, 240)
    assert set(np.unique(mask)) <= {0, 255}
    with Image.open(overlay) as picture:
        assert picture.size == (240, 180)


def test_segment_repairs_a_mask(photo_path, tmp_path, predictor, photo, monkeypatch):
    monkeypatch.setenv("BOUNDARYCLICK_THREADS", "1")
    monkeypatch.setenv("BOUNDARYCLICK_RUNTIME", "torch")  # as the predictor that it is compared with
    start, out = tmp_path / "start.png", tmp_path / "better.png"
    mask = np.zeros((180, 240), bool)
    mask[60:120, 90:150] = True
    Image.fromarray(mask).save(start)
    arguments = ["segment", str(photo_path), "--mask", str(start), "--boundary", "165,90", "--out", str(out)]
    assert main(arguments) == 0
    from model import Click

    expected = predictor.predict(photo, [Click(165, 90, "boundary")], mask).mask
    np.testing.assert_array_equal(read(out) > 0, expected)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["paint"], "paint"),
        (["segment", "PHOTO", "--select", "120", "--out", "OUT"], "X,Y"),
        (["segment", "PHOTO", "--select", "nan,3", "--out", "OUT"], "finite"),
        (["segment", "PHOTO", "--select", "500,3", "--out", "OUT"], "240 x 180"),
        (["segment", "PHOTO", "--boundary", "50,3", "--out", "OUT"], "selection click"),
        (["segment", "PHOTO", "--out", "OUT"], "at least one"),
        (["segment", "PHOTO", "--select", "5,3", "--out", "OUT", "--weights", "nowhere"], "nowhere"),
        (["segment", "MISSING", "--select", "5,3", "--out", "OUT"], "no such file"),
        (["segment", "TEXT", "--select", "5,3", "--out", "OUT"], "text of"),
        (["segment", "PHOTO", "--select", "120,90", "--out", "NOFOLDER/mask.png"], "no such file"),
        (["serve", "--port", "99999"], "BOUNDARYCLICK_PORT"),
        (["benchmark", "--photos", "0"], "--photos"),
    ],
)
def test_errors_are_one_line_and_2(arguments, named, photo_path, tmp_path, capfd):
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    places = {
        "PHOTO": photo_path,
        "OUT": tmp_path / "out.png",
        "MISSING": tmp_path / "none.png",
        "TEXT": text,
    }
    filled = [str(places.get(word, word)).replace("NOFOLDER", str(tmp_path / "none")) for word in arguments]
    try:
        status = main(filled)
    except SystemExit as stop:
        status = stop.code
    output = capfd.readouterr()
    assert status == 2
    assert output.err.count("\n") == 1
    assert named in output.err
    assert not (tmp_path / "out.png").exists()
