import logging
from collections.abc import Iterator

import pytest

from tests.backend.learning.conftest import weights

__all__ = ["weights"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Ray sets up logging for the whole process, and silences what others have set up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    disabled = {name: getattr(each, "disabled", False) for name, each in root.manager.loggerDict.items()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, each in root.manager.loggerDict.items():
        if isinstance(each, logging.Logger):
            each.disabled = disabled.get(name, False)
