from hypothesis import given
from hypothesis import strategies as st

from backend.caching import ByteCache


def test_the_longest_unused_goes_first():
    cache = ByteCache[str, bytes](3, len)
    for key in "abc":
        cache.put(key, b"1")
    assert cache.get("a") == b"1"
    assert cache.nbytes == 3  # reading the size is no use of the values
    cache.put("d", b"1")
    assert [cache.get(key) for key in "abcd"] == [b"1", None, b"1", b"1"]


def test_a_changed_value_counts_with_its_new_size():
    cache = ByteCache[str, bytearray](10, len)
    value = bytearray(4)
    cache.put("a", value)
    value.extend(bytes(4))
    assert cache.pop("a") is value
    assert cache.nbytes == 0
    cache.put("a", value)
    assert cache.nbytes == 8
    cache.put("a", bytearray(1))
    assert (cache.nbytes, len(cache)) == (1, 1)


def test_the_newest_is_kept_even_if_too_large_unless_nothing_is():
    cache = ByteCache[str, bytes](2, len)
    cache.put("a", b"1")
    cache.put("b", b"12345")
    assert (cache.get("a"), cache.get("b")) == (None, b"12345")
    cache.put("c", b"1")
    assert (cache.get("b"), cache.get("c")) == (None, b"1")
    nothing = ByteCache[str, bytes](0, len)
    nothing.put("a", b"")
    assert len(nothing) == 0


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.booleans())))
def test_the_sum_is_right_and_within_the_bound(bound, steps):
    cache = ByteCache[int, bytes](bound, len)
    for key, size, take in steps:
        if take:
            cache.pop(key)
        else:
            cache.put(key, bytes(size))
            assert cache.get(key) == bytes(size)
        held = [value for value in map(cache.get, range(10)) if value is not None]
        assert cache.nbytes == sum(map(len, held))
        assert cache.nbytes <= bound or len(cache) == 1
