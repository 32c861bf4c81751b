"""`boundaryclick labelstudio`: what is done with a Label Studio from the command line."""

import argparse
from typing import TYPE_CHECKING

from backend.commands.labelstudio import demo, events, pull, setup

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  boundaryclick labelstudio demo --label-studio .venv-labelstudio/bin/label-studio
  export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...
  boundaryclick labelstudio setup --new "Cats and dogs" --labels cat,dog
  boundaryclick labelstudio pull --project 3
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommands."""
    parser = subparsers.add_parser(
        "labelstudio",
        help="set up projects of Label Studio, read their annotations",
        description="Work with a Label Studio; LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY name it.",
        epilog=EXAMPLE,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action in (setup, pull, events, demo):
        action.add_action(actions)
