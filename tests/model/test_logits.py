import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.logits import logit, sigmoid


@given(st.floats(-50, 50, width=32))
def test_sigmoid_is_above_a_half_exactly_for_positive_logits(value: float):
    probability = sigmoid(np.array([value], np.float32))[0]
    assert (probability > 0.5) == (value > 1e-6) or abs(value) < 1e-6
    assert probability == pytest.approx(1 / (1 + math.exp(-value)), abs=1e-6)


def test_infinite_logits():
    assert sigmoid(np.array([-np.inf, np.inf], np.float32)).tolist() == [0.0, 1.0]


def test_logit_is_the_inverse():
    assert sigmoid(np.array([logit(0.2)], np.float32))[0] == pytest.approx(0.2)
