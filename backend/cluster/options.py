"""The options of commands that can spread their work."""

import argparse
from typing import TYPE_CHECKING

from backend.machine import usable_cores
from model.errors import SettingsError

if TYPE_CHECKING:
    from backend.cluster.spreading import Crew


def add_engine(parser: argparse.ArgumentParser) -> None:
    """`--engine`, `--workers` and `--workers-per-gpu`."""
    parser.add_argument(
        "--engine",
        choices=("process", "ray"),
        default="process",
        help="process (default): this one; ray: workers of Ray Data, on this machine or on RAY_ADDRESS",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="with --engine ray: processes, each with a model of its own"
    )
    parser.add_argument(
        "--workers-per-gpu", type=int, default=1, metavar="N", help="with --engine ray and --device cuda"
    )


def crew_of(args: argparse.Namespace, device: str, threads: int | None) -> "Crew | None":
    """Who works, None without Ray; without `--workers` as many as this machine has cores for. Raises SettingsError."""
    if args.engine != "ray":
        if args.workers is not None or args.workers_per_gpu != 1:
            raise SettingsError(
                "--workers, --workers-per-gpu: expected --engine ray with them, got none; add it or leave them out"
            )
        return None
    from backend.cluster.engine import require_ray  # noqa: PLC0415 - every start pays for what is imported above
    from backend.cluster.spreading import Crew  # noqa: PLC0415

    require_ray()
    for name in ("workers", "workers_per_gpu"):
        given = getattr(args, name)
        if given is not None and given < 1:
            raise SettingsError(f"--{name.replace('_', '-')}: expected a number of at least 1, got {given}")
    cores = usable_cores()
    each = threads or max(cores // (args.workers or cores), 1)
    gpus = 1 / args.workers_per_gpu if device.startswith("cuda") else 0.0
    return Crew(args.workers or max(cores // each, 1), each, gpus)
