"""Logits of masks as numpy arrays: their limit and their probability."""

import numpy as np
from numpy.typing import NDArray

LIMIT = 8.0
"""Logits are kept within this, so that a click can turn even the surest pixel."""

TRUST = 3.0
"""A mask so far counts at most this much against the head's correction."""


def corrected(before: NDArray[np.float32], correction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits after a click: the correction against logits that are not surer than `TRUST`; any shape."""
    after: NDArray[np.float32] = np.clip(np.clip(before, -TRUST, TRUST) + correction, -LIMIT, LIMIT)
    return after


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of logits, any shape; above 0.5 exactly where the logit is positive, infinite ones give 0 and 1."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits), np.float32)


def logit(probability: float) -> float:
    """Logit of one probability in (0, 1)."""
    return float(np.log(probability / (1 - probability)))
