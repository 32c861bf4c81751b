"""`boundaryclick serve`: the page, and the backend for Label Studio."""

import argparse
import os
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  boundaryclick serve --port 9090
  LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=... boundaryclick serve
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
    parser.add_argument("--log-level", help="debug, info, warning or error")
    parser.more_help = _environment
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped."""
    from backend.server import serve
    from backend.settings import load_settings, unknown_variables

    settings = load_settings(
        host=args.host,
        port=args.port,
        weights=args.weights,
        device=args.device,
        threads=args.threads,
        log_level=args.log_level,
    )
    for name in unknown_variables(os.environ):
        print(f"boundaryclick serve: {name} is set, but there is no such setting", file=sys.stderr)
    return serve(settings)


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
    return "none" if default is None or default == () else str(default)
