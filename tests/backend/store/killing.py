"""Writers that are killed at any moment; says, a line for each of them, which numbers it had acknowledged.

Usage: python -m tests.backend.store.killing URL KILLS
"""

import json
import os
import random
import signal
import sys
from typing import NoReturn

from backend.store import CorrectionStore, Database, Inbox, InteractionStore
from tests.backend.store.submissions import clicked, correction, submission

LATEST = 12
"""Numbers that a writer has told of, at most, when it is killed."""


def write(url: str, first: int, out: int) -> NoReturn:
    """Write until killed; tell of a number as soon as what belongs to it has been committed."""
    database = Database(url)
    store, inbox, interactions = CorrectionStore(database), Inbox(database), InteractionStore(database)
    number = first
    while True:
        inbox.put("tool", str(number).encode())
        store.record(submission(1, correction("a"), correction("b"), annotation=str(number)))
        os.write(out, f"{number}\n".encode())
        interactions.note(clicked((number % 40, 1), (2, 2)))
        number += 1


def acknowledged(url: str, first: int, until: int) -> list[int]:
    """Numbers that a writer tells of before it is killed, which is when it has told of `until`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        write(url, first, writer)
    os.close(writer)
    with os.fdopen(reader) as lines:
        told = [int(next(lines)) for _ in range(until)]
        os.kill(child, signal.SIGKILL)
        told += [int(line) for line in lines]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return told


if __name__ == "__main__":
    chance = random.Random(1)
    for round_ in range(int(sys.argv[2])):
        print(json.dumps(acknowledged(sys.argv[1], round_ * 10_000, chance.randint(1, LATEST))), flush=True)
