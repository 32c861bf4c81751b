"""The `boundaryclick` command: finds the subcommand, turns errors into one line."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, cast

from backend import commands
from model.errors import BoundaryClickError

EXAMPLE = """\
example:
  boundaryclick serve
  boundaryclick segment photo.jpg --select 210,143 --out mask.png
"""


class Command(Protocol):
    """What a module in backend/commands/ holds; its imports must be light: every start pays for them."""

    def add_parser(self, subparsers: "argparse._SubParsersAction[Parser]") -> None:
        """Describe the subcommand: arguments, help, an example."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; returns the exit status. Raises BoundaryClickError or OSError for what the user can mend."""


class Parser(argparse.ArgumentParser):
    """Argument parser whose errors are one line and whose examples stay as they are written."""

    more_help: Callable[[], str] | None = None
    """What is appended to the help but takes long to put together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs})

    def format_help(self) -> str:
        """The help with `more_help`."""
        return super().format_help() + (self.more_help() if self.more_help else "")

    def error(self, message: str) -> NoReturn:
        """Print one line, exit with 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 for errors, or what the subcommand says."""
    args = build_parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except (BoundaryClickError, OSError) as error:
        print(f"boundaryclick {args.command}: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {str(error.strerror).lower()}; check the path"
    return " ".join(str(error).split())


def build_parser() -> Parser:
    """The parser with every subcommand."""
    parser = Parser(
        prog="boundaryclick",
        description="Click-based segmentation: select an object, repair its mask by clicks on its outline.",
        epilog=EXAMPLE,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for command in find_commands():
        command.add_parser(subparsers)
    return parser


def find_commands() -> list[Command]:
    """Every module in backend/commands/, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    return [cast(Command, importlib.import_module(f"{commands.__name__}.{name}")) for name in names]


if __name__ == "__main__":
    sys.exit(main())
