"""What a parser may do with bytes: take them, or refuse them with an error of ours."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from model.errors import BoundaryClickError
from tests.safety.mutations import mutated_bytes, mutated_document


@dataclass(frozen=True)
class Target:
    """A parser.

    Args:
        name: as it is called for.
        parse: raises nothing but errors of ours; asserts what must hold for what it takes.
        seeds: bytes that it takes, or for the most part.
        documents: whether they are JSON, to be changed in their structure.
    """

    name: str
    parse: Callable[[bytes], object]
    seeds: Sequence[bytes]
    documents: bool = True

    def run(self, data: bytes) -> None:
        """Parse once; whatever comes out is a fault."""
        with suppress(BoundaryClickError):
            self.parse(data)

    def mutated(self, random: Random) -> bytes:
        """A seed with a few changes."""
        return self.changed(random.choice(self.seeds), random)

    def changed(self, data: bytes, random: Random) -> bytes:
        """These bytes with a few changes."""
        if not self.documents:
            return mutated_bytes(data, random)
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return mutated_bytes(data, random)
        return mutated_document(document, random)


def plain(name: str, parse: Callable[[bytes], object], seeds: Sequence[bytes]) -> Target:
    """Of a parser of something else than JSON."""
    return Target(name, parse, seeds, documents=False)


def body(document: Any) -> bytes:
    """As JSON."""
    return json.dumps(document).encode()
