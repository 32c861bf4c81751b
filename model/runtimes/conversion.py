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
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from model.errors import WeightsError

SELECT, PREPARE, CORRECT, ADAPT = "select.xml", "prepare.xml", "correct.xml", "adapt.xml"
"""The parts of the networks, as files in a folder; the last only where a head has an adapter."""

LONGEST_SECONDS = 240.0
"""Less than a silent worker of the service may take to start, which then goes on with torch."""
ROOT = Path(__file__).parents[2]
KEPT_UNUSED, KEPT_HALF_DONE = 30 * 86400.0, 3600.0
"""Seconds; heads that a fine-tuning has tried are converted, too, and most of them never answer."""
_PARTIAL = "converting-"
_SOURCES = ("networks/**/*.py", "logits.py", "runtimes/program.py")

log = logging.getLogger(__name__)


class ConversionFailed(WeightsError):
    """The networks cannot be converted here."""


def converted_selection(weights: Path) -> Path:
    """The folder with `SELECT` of a checkpoint and its own head; converted now if it has not been on this machine.

    Raises:
        WeightsError: weights damaged or of another network.
        ConversionFailed: for another reason.
    """
    return _converted(weights.read_bytes(), lambda _: [str(weights.resolve())])


def converted_head(weights: Path, head: bytes, name: str) -> Path:
    """The folder with `PREPARE`, `CORRECT` and, of an adapter, `ADAPT` of a packed head.

    Arguments and errors as in `Runtime.with_head`.

    Args:
        weights: the checkpoint whose selection network it was trained on.
    """

    def arguments(folder: Path) -> list[str]:
        file = folder / "head.safetensors"
        file.write_bytes(head)
        return [str(weights.resolve()), "--head", str(file), f"--name={name}"]

    return _converted(head, arguments)


def _converted(data: bytes, arguments: Callable[[Path], list[str]]) -> Path:
    """The folder of what has been converted from `data`.

    Args:
        arguments: of the program; may put files into the folder that is converted into.
    """
    name, cache = hashlib.sha256(data).hexdigest()[:32], cache_folder()
    if (found := _found(name, cache)) is not None:
        return found
    log.info("converting networks for this machine, once")
    try:
        place = _writable(cache)
        if place == cache:
            _tidy(cache)
        folder, partial = place / name, Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=place))
        try:
            _run_program([*arguments(partial), "--out", str(partial)])
            partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if (found := _found(name, cache)) is None:  # else another process was faster
            raise _without_room(error) from error
        return found
    return folder


def _found(name: str, cache: Path) -> Path | None:
    """The folder of that name, where it can be trusted; it counts as used now."""
    for folder in (cache, *(Path(own.name) for own in _OWN)):
        if _is_ours(folder) and (folder / name).is_dir():
            with suppress(OSError):  # on a read-only disk
                os.utime(folder / name)
            return folder / name
    return None


def _tidy(cache: Path) -> None:
    """Remove what nobody has used for long, of other releases too, and what was left behind half done."""
    now = time.time()
    for each in cache.parent.glob("*/*"):
        kept = KEPT_HALF_DONE if each.name.startswith(_PARTIAL) else KEPT_UNUSED
        with suppress(OSError):
            if now - each.stat().st_mtime > kept:
                shutil.rmtree(each)
    for edition in cache.parent.glob("*"):
        with suppress(OSError):
            if edition != cache:
                edition.rmdir()  # where it is empty


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
    chosen = found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return chosen and os.access(folder, os.R_OK | os.X_OK)


def _writable(folder: Path) -> Path:
    """The folder, or one of this process's own where it is not ours or cannot be written, as on a read-only disk."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            if _is_ours(folder):
                return folder
    if not _OWN:
        _OWN.append(tempfile.TemporaryDirectory(prefix="boundaryclick-openvino-"))
    return Path(_OWN[0].name)


_OWN: list["tempfile.TemporaryDirectory[str]"] = []
"""Removed when the process ends."""


@cache
def _edition() -> str:
    """What a conversion depends on beside the weights: the library, and the sources of the networks."""
    from model.runtimes.library import ov  # noqa: PLC0415 - only when asked

    digest = hashlib.sha256(ov.__version__.encode())
    package = Path(__file__).parents[1]
    for path in sorted(path for pattern in _SOURCES for path in package.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
