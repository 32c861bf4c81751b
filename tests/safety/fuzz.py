"""Throw inputs at one parser, led by what they reach: python -m tests.safety.fuzz TARGET --seconds N

Needs atheris (pip install atheris; Python 3.11 to 3.13). The first fault ends it with a trace and the input in a file;
else the last lines tell how many inputs were tried. Each has two seconds, and the process two gigabytes.
"""

import argparse
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

import atheris

SECONDS_EACH = 2
MEBIBYTES = 2048
LONGEST = 1 << 16


def main() -> None:
    """Read the command line; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(description="Throw inputs at a parser of outside input.")
    parser.add_argument("target", nargs="?", help="name of a target; without one they are listed")
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["backend", "plugins", "model"]):
        from tests.safety.targets import TARGETS
    if chosen.target not in TARGETS:
        print("\n".join(TARGETS))
        return
    target = TARGETS[chosen.target]

    def run(data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.run(data)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.randrange(4) == 0:
            return bytes(atheris.Mutate(data, most))
        return (target.changed(data, random) if random.randrange(4) else target.mutated(random))[:most]

    corpus = Path(tempfile.mkdtemp(prefix=f"fuzzing-{target.name}-"))
    for number, seed in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={chosen.seconds}",
        f"-timeout={SECONDS_EACH}",
        f"-rss_limit_mb={MEBIBYTES}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={corpus}/fault-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
