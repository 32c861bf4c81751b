"""What is kept: a line for each image in a folder, from which a stopped run goes on."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend.prelabelling.answers import Outcome
from backend.prelabelling.items import Item
from model.errors import SettingsError


class Outcomes:
    """`header.json` and `outcomes.jsonl` in the folder `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._header, self._lines = path / "header.json", path / "outcomes.jsonl"

    def begin(self, header: Mapping[str, Any], restart: bool = False) -> dict[int, Outcome]:
        """Open the folder; returns what it holds, by the item's number: those with an error are to be tried again.

        Raises:
            SettingsError: it holds what came of other items or another model.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if restart:
            # First: results of before must not lie beside the new header, even if all ends here.
            self._lines.unlink(missing_ok=True)
        if not self._lines.exists():
            self._header.write_text(json.dumps(header, indent=2) + "\n")
            self._lines.write_text("")
            return {}
        before = self._read_header()
        changed = next((name for name in header if before.get(name) != header[name]), None)
        if changed:
            raise SettingsError(
                f"{self.path}: holds masks of another run: {changed} was {before.get(changed)!r}, is "
                f"{header[changed]!r}; choose another --out, or --restart to forget them"
            )
        known = self._read()
        fresh = self._lines.with_suffix(".new")  # without the line that was being written when all ended
        fresh.write_text("".join(_line(outcome) for outcome in known.values()), "utf-8")
        fresh.replace(self._lines)
        return known

    def _read_header(self) -> dict[str, Any]:
        try:
            before = json.loads(self._header.read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            before = None
        if isinstance(before, dict):
            return before
        raise SettingsError(
            f"{self._header}: expected what the masks beside it are of, found no such thing; "
            "choose another --out, or --restart to forget them"
        )

    def add(self, outcome: Outcome) -> None:
        """Keep what came of an item."""
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(_line(outcome))

    def write(self, name: str, pieces: Iterable[str]) -> None:
        """A file beside them, whole or not at all."""
        path = self.path / name
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        fresh.replace(path)

    def _read(self) -> dict[int, Outcome]:
        known = {}
        for line in self._lines.read_bytes().split(b"\n"):
            try:
                outcome = Outcome.model_validate_json(line)
            except ValidationError:
                continue
            if not outcome.error:
                known[outcome.number] = outcome
        return known


def json_list(values: Iterable[object]) -> Iterator[str]:
    """JSON of a list, in pieces."""
    yield "["
    for number, value in enumerate(values):
        yield (",\n" if number else "") + json.dumps(value)
    yield "]\n"


def digest_of(items: Sequence[Item]) -> str:
    """Names what is asked for."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(item.model_dump_json().encode() + b"\n")
    return digest.hexdigest()[:16]


def _line(outcome: Outcome) -> str:
    return outcome.model_dump_json() + "\n"
