"""Logits of masks as numpy arrays: their limit and their probability."""

import numpy as np
from numpy.typing import NDArray

LIMIT = 8.0
"""Logits are kept within this, so that a click can turn even the surest pixel."""


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of logits, any shape; minus infinity gives 0."""
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32, copy=False)


def logit(probability: float) -> float:
    """Logit of one probability in (0, 1)."""
    return float(np.log(probability / (1 - probability)))
