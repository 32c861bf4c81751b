"""`boundaryclick serve`: the page, and the backend for Label Studio."""

import argparse
import os
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.cluster.routing import Routes

EXAMPLE = """\
example:
  boundaryclick serve --port 9090
  LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=... boundaryclick serve
  boundaryclick serve --engine ray --replicas 4
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "serve",
        help="start the service: page and Label Studio backend",
        description="Start the service. It accepts connections once the weights are loaded; Ctrl+C stops it.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 9090; 0: any free one)")
    parser.add_argument("--weights", help="name of shipped weights, or path to a .safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--threads", type=int, help="CPU threads for the networks (default: every core)")
    parser.add_argument(
        "--engine",
        choices=("process", "ray"),
        help="process (default): one process; ray: replicas of it by Ray Serve, on this machine or on RAY_ADDRESS",
    )
    parser.add_argument("--replicas", type=int, help="with --engine ray: how many (default 1)")
    parser.add_argument("--log-level", help="debug, info, warning or error")
    parser.more_help = _environment
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    from backend.server import serve
    from backend.settings import load_settings, unknown_variables
    from model.errors import SettingsError

    settings = load_settings(
        host=args.host,
        port=args.port,
        weights=args.weights,
        device=args.device,
        threads=args.threads,
        log_level=args.log_level,
        engine=args.engine,
        replicas=args.replicas,
    )
    for name in unknown_variables(os.environ):
        print(f"boundaryclick serve: {name} is set, but there is no such setting", file=sys.stderr)
    if settings.engine == "ray":
        from functools import partial

        from backend.cluster.serving import RayServer

        return serve(settings, partial(RayServer, create_routes()))
    if settings.replicas > 1:
        raise SettingsError(
            f"replicas: expected --engine ray with {settings.replicas} of them, got none; add it or leave them out"
        )
    return serve(settings)


def create_routes() -> "Routes":
    """Which of several processes answers a request: the one that holds its image."""
    from backend.bodies import CLICKS
    from backend.cluster.routing import Routes, image_of_page, upload_of_page
    from plugins.cvat.affinity import image_of, without_login
    from plugins.cvat.routes import MOST_BYTES
    from plugins.labelstudio.affinity import task_of

    return Routes(
        keys={
            "/api/segment": image_of_page,
            "/api/images": upload_of_page,
            "/predict": task_of,
            "/": image_of,
            "/api/function_invocations": image_of,
        },
        # What Label Studio says of itself is for each of them to remember.
        every=frozenset(("/setup", "/ready", "/metrics")),
        most={
            "/api/segment": CLICKS,
            "/": MOST_BYTES,
            "/api/function_invocations": MOST_BYTES,
            **dict.fromkeys(("/api/images", "/predict", "/setup", "/webhook")),
        },
        without_login=without_login,
    )


def _environment() -> str:
    """Every setting with its variables, default and meaning."""
    from backend.settings import Settings, variable_names

    lines = ["\nenvironment (options win):"]
    for name, field in Settings.model_fields.items():
        lines.append(f"  {' or '.join(variable_names(name))} (default: {_shown(field.default)})")
        lines.extend(
            textwrap.wrap(field.description or "", 96, initial_indent="      ", subsequent_indent="      ")
        )
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    return "not set" if default is None or default == () else str(default)
