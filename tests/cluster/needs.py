"""What some tests need that is not everywhere."""

import importlib.util
import os
import shutil
from typing import NoReturn

import pytest


def needed_program(name: str, package: str) -> str:
    """Path of a program; skips the test where it is missing, except in CI, where that is a failure."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or missing(f"needs {name}: install the package {package}")


def need_ray() -> None:
    """Skips the test where Ray is missing, except in CI, where that is a failure."""
    if importlib.util.find_spec("ray") is None:
        missing("needs Ray: pip install 'boundaryclick[cluster]'")


def missing(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
