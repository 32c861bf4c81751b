from tests.backend.learning.conftest import weights

__all__ = ["weights"]
