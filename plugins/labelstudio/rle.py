"""Label Studio's brush encoding: bit-packed run lengths of the flattened RGBA pixels.

Layout, most significant bit first: 32 bits number of values, 5 bits word size - 1, four times 4 bits run
field size - 1, then tokens. A token is 1 bit kind (1: one value repeated, 0: literal values), 2 bits index
of the run field size, the count - 1 in that many bits, and one value or `count` values. The bytes travel as
a list of numbers.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import RequestInvalid

CHANNELS = 4
WORD_BITS = 8
RUN_FIELD_BITS = (3, 4, 8, 16)
LONGEST_RUN = 1 << RUN_FIELD_BITS[-1]
HEADER_BITS = 32 + 5 + 4 * len(RUN_FIELD_BITS)
HEADER_BYTES = (HEADER_BITS + 7) // 8
OPAQUE = 255
MOST_BYTES = 1 << 24
"""Of a region; a hundred million pixels with thousands of holes take one of these sixteen megabytes."""


def encode(mask: NDArray[np.bool_]) -> list[int]:
    """Run lengths of a mask as Label Studio's editor and exporter read them.

    Args:
        mask: (H, W) bool.

    Returns:
        Bytes as numbers in [0, 255].
    """
    lengths, values = _runs(np.ascontiguousarray(mask, dtype=np.bool_).ravel())
    pieces = (lengths - 1) // LONGEST_RUN + 1
    counts = np.full(int(pieces.sum()), LONGEST_RUN, dtype=np.int64)
    counts[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * LONGEST_RUN
    # What is left of a split run keeps the widest field, as in Label Studio's own encoder, byte for byte.
    field = np.searchsorted([1 << bits for bits in RUN_FIELD_BITS], np.repeat(lengths, pieces))
    field = np.minimum(field, len(RUN_FIELD_BITS) - 1)
    field_bits = np.asarray(RUN_FIELD_BITS)[field]
    codes = (0b100 | field) << field_bits | (counts - 1)
    codes = codes << WORD_BITS | np.where(np.repeat(values, pieces), OPAQUE, 0)
    packed: list[int] = _pack(_header(CHANNELS * mask.size), codes, 3 + field_bits + WORD_BITS).tolist()
    return packed


def decode(rle: Sequence[int], width: int, height: int) -> NDArray[np.uint8]:
    """Opacity of each pixel of a brush region; the editor draws with 255 and erases with 0.

    Args:
        rle: bytes as numbers in [0, 255].
        width, height: size of the image in pixels.

    Returns:
        (height, width) uint8.

    Raises:
        RequestInvalid: the numbers are no brush region of an image of that size.
    """
    data, count = _data(rle, width, height)
    pixels = _unpack(data, count).reshape(height, width, CHANNELS)
    return np.ascontiguousarray(pixels[:, :, CHANNELS - 1])


def covers(rle: Sequence[int], width: int, height: int, column: int, row: int) -> bool:
    """Whether a brush region has been drawn on a pixel; much cheaper than `decode`, with the same errors."""
    data, count = _data(rle, width, height)
    wanted = CHANNELS * (row * width + column) + CHANNELS - 1
    for done, run, position, literal in _tokens(data, count):
        if wanted < done + run:
            first = position + WORD_BITS * (wanted - done if literal else 0)
            return bool(_literals(data + bytes(8), first, 1)[0])
    return False


def _data(rle: Sequence[int], width: int, height: int) -> tuple[bytes, int]:
    """The bytes of a region and how many values they stand for."""
    if len(rle) > MOST_BYTES:
        raise RequestInvalid(f"brush region: expected at most {MOST_BYTES} bytes, got {len(rle)}")
    try:
        data = bytes(list(rle))
    except (TypeError, ValueError):
        raise RequestInvalid("brush region: expected a list of numbers from 0 to 255") from None
    if len(data) < HEADER_BYTES:
        raise RequestInvalid(f"brush region: expected {HEADER_BYTES} bytes or more, got {len(data)}")
    expected, count = CHANNELS * width * height, int.from_bytes(data[:4], "big")
    # Compared before anything of that size is made: the count comes from outside and may say four gigabytes.
    if count != expected:
        raise RequestInvalid(
            f"brush region: expected {expected} values for an image of {width} x {height}, got {count}"
        )
    return data, count


def _runs(flat: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Lengths (in values, CHANNELS to a pixel) and values of the runs of a flattened mask."""
    if flat.size == 0:
        return np.zeros(0, dtype=np.int64), flat
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    lengths: NDArray[np.int64] = np.diff(starts, append=flat.size) * CHANNELS
    return lengths, flat[starts]


def _header(count: int) -> bytes:
    """The header for `count` values, zero bits behind it."""
    bits = count << 5 | WORD_BITS - 1
    for size in RUN_FIELD_BITS:
        bits = bits << 4 | size - 1
    return (bits << 8 * HEADER_BYTES - HEADER_BITS).to_bytes(HEADER_BYTES, "big")


def _pack(header: bytes, codes: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The header and behind it the `codes`, each in its number of bits, without gaps."""
    ends = HEADER_BITS + np.cumsum(sizes)
    used = (int(ends[-1]) if len(ends) else HEADER_BITS) // 8 + 1
    packed = np.zeros(used + 4, dtype=np.uint8)
    packed[:HEADER_BYTES] = np.frombuffer(header, dtype=np.uint8)
    offsets = ends - sizes
    first = offsets >> 3
    # 40 bits hold the longest token, 27 bits, from any bit of its first byte on. The shortest has 14 bits, so
    # no two start in the same byte, and each of the five assignments meets every byte at most once.
    aligned = codes << (40 - (offsets & 7) - sizes)
    for index in range(5):
        packed[first + index] |= (aligned >> (32 - 8 * index) & 0xFF).astype(np.uint8)
    return packed[:used]


def _unpack(data: bytes, count: int) -> NDArray[np.uint8]:
    """The `count` values that the tokens stand for."""
    padded = data + bytes(8)
    values = np.zeros(count, dtype=np.uint8)
    for done, run, position, literal in _tokens(data, count):
        if literal:
            values[done : done + run] = _literals(padded, position, run)
        else:
            values[done : done + run] = _literals(padded, position, 1)[0]
    return values


def _tokens(data: bytes, count: int) -> Iterator[tuple[int, int, int, bool]]:
    """Each token: how many values come before it and how many it stands for, the bit of its first value, its kind."""
    header = int.from_bytes(data[:HEADER_BYTES], "big") >> 8 * HEADER_BYTES - HEADER_BITS
    fields = [(header >> 4 * (3 - index) & 0b1111) + 1 for index in range(4)]
    if (header >> 16 & 0b11111) + 1 != WORD_BITS:
        raise RequestInvalid(
            f"brush region: expected words of {WORD_BITS} bits; the region comes from another program"
        )
    limit = 8 * len(data)
    padded = data + bytes(8)
    position, done = HEADER_BITS, 0
    while done < count:
        window = int.from_bytes(padded[position >> 3 : (position >> 3) + 6], "big") << (position & 7)
        window &= (1 << 48) - 1
        field = fields[window >> 45 & 0b11]
        run = (window >> (45 - field) & (1 << field) - 1) + 1
        literal = not window >> 47
        position += 3 + field
        end = position + WORD_BITS * (run if literal else 1)
        if end > limit or done + run > count:
            raise RequestInvalid(f"brush region: expected {count} values, the data is damaged after {done}")
        yield done, run, position, literal
        position, done = end, done + run


def _literals(padded: bytes, position: int, count: int) -> NDArray[np.uint8]:
    """`count` words of 8 bits from bit `position` on."""
    words = np.frombuffer(padded, dtype=np.uint8, count=count + 1, offset=position >> 3).astype(np.uint16)
    return ((words[:-1] << 8 | words[1:]) >> (8 - (position & 7)) & 0xFF).astype(np.uint8)
