"""Each parser of outside input, with a few almost right inputs; python -m tests.safety.fuzz throws more."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.safety.targets import TARGETS

pytestmark = pytest.mark.filterwarnings("default")  # what libraries warn of in damaged files is no fault


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_understood(name: str) -> None:
    """Else what is thrown would all be refused at the first byte."""
    target = TARGETS[name]
    assert [target.parse(seed) for seed in target.seeds[:1]] == [None]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_nothing_but_errors_of_ours(name: str, random) -> None:
    target = TARGETS[name]
    target.run(target.mutated(random))
