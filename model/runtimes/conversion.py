"""Networks from torch to OpenVINO, once for each file of weights, in a process of its own.

A process that answers clicks never loads torch for it: that would cost it some 600 MB for the rest of its life.
"""

import hashlib
import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from model.errors import WeightsError

SELECT, PREPARE, CORRECT = "select.xml", "prepare.xml", "correct.xml"
"""The parts of the networks, as files in a folder."""

LONGEST_SECONDS = 240.0
"""Less than a silent worker of the service may take to start, which then goes on with torch."""
ROOT = Path(__file__).parents[2]
_SOURCES = ("networks/**/*.py", "runtimes/program.py")

log = logging.getLogger(__name__)


class ConversionFailed(WeightsError):
    """The networks cannot be converted here."""


def converted_selection(weights: Path) -> Path:
    """The folder with `SELECT` of a checkpoint and its own head; converted now if it has not been on this machine.

    Raises:
        WeightsError: weights damaged or of another network.
        ConversionFailed: for another reason.
    """
    return _converted(weights.read_bytes(), [str(weights.resolve())])


def converted_head(weights: Path, head: bytes, name: str) -> Path:
    """The folder with `PREPARE` and `CORRECT` of a packed head; arguments and errors as in `Runtime.with_head`.

    Args:
        weights: the checkpoint whose selection network it was trained on.
    """
    try:
        with tempfile.NamedTemporaryFile(suffix=".head") as file:
            file.write(head)
            file.flush()
            return _converted(head, [str(weights.resolve()), "--head", file.name, f"--name={name}"])
    except OSError as error:
        raise _without_room(error) from error


def _converted(data: bytes, arguments: list[str]) -> Path:
    name, cache = hashlib.sha256(data).hexdigest()[:32], cache_folder()
    folder = cache / name
    if _is_ours(cache) and folder.is_dir():
        return folder
    log.info("converting %s for this machine, once", Path(arguments[0]).name)
    try:
        folder = _writable(cache) / name
        partial = Path(tempfile.mkdtemp(prefix="converting-", dir=folder.parent))
        try:
            _run_program([*arguments, "--out", str(partial)])
            partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if not (_is_ours(folder.parent) and folder.is_dir()):  # else another process was faster
            raise _without_room(error) from error
    return folder


def _without_room(error: OSError) -> ConversionFailed:
    return ConversionFailed(
        f"networks: expected room for converted ones in XDG_CACHE_HOME or the temporary folder, got: {error}; "
        "make room, or use torch"
    )


def _run_program(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "model.runtimes.program", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionFailed(
            f"networks: expected to be converted within {LONGEST_SECONDS:g} s, it takes longer here; use torch"
        ) from error
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    if done.returncode == WRONG_WEIGHTS:
        raise WeightsError(last)
    if done.returncode:
        raise ConversionFailed(
            f"networks: expected to be converted, got status {done.returncode}: {last}; use torch"
        )


WRONG_WEIGHTS = 3
"""Exit status of the program when not it but its input is at fault; the last line says why."""


def cache_folder() -> Path:
    """Where converted networks of this machine lie, in the user's cache."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = given if given.is_absolute() else Path.home() / ".cache"
    return base / "boundaryclick" / "openvino" / _edition()


def _is_ours(folder: Path) -> bool:
    """Whether it is there, and nobody but this user or root decides what lies in it: networks do as their files say."""
    try:
        found = folder.stat()
    except OSError:
        return False
    if os.name != "posix":
        return True
    chosen = found.st_uid in (0, os.geteuid()) and not found.st_mode & stat.S_IWOTH
    return chosen and os.access(folder, os.R_OK | os.X_OK)


def _writable(folder: Path) -> Path:
    """The folder, or one of this process's own where it is not ours or cannot be written, as on a read-only disk."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            if _is_ours(folder):
                return folder
    own = tempfile.TemporaryDirectory(prefix="boundaryclick-openvino-")
    _OWN.append(own)
    return Path(own.name)


_OWN: list["tempfile.TemporaryDirectory[str]"] = []
"""Removed when the process ends."""


@cache
def _edition() -> str:
    """What a conversion depends on beside the weights: the library, and the sources of the networks."""
    import openvino  # noqa: PLC0415 - only when asked

    digest = hashlib.sha256(openvino.__version__.encode())
    package = Path(__file__).parents[1]
    for path in sorted(path for pattern in _SOURCES for path in package.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
