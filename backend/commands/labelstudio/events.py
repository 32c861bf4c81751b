"""`boundaryclick labelstudio events`: what Label Studio has told and could not be understood."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  boundaryclick labelstudio events
  boundaryclick labelstudio events --retry
"""


def add_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the action."""
    parser = actions.add_parser(
        "events",
        help="list webhook events that were given up, and try them again",
        description="List the events of Label Studio's webhook that could not be understood, each with its reason.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--retry", action="store_true", help="have them tried again, after an update for example"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """One line for each event, and one that says how many there are."""
    from backend.settings import load_settings
    from backend.store import Database, Inbox
    from model.errors import SettingsError

    url = load_settings().database
    if url is None:
        raise SettingsError(
            "BOUNDARYCLICK_DATABASE_URL: expected a database that events are kept in, got none"
        )
    inbox = Inbox(Database(url))
    failures = inbox.failures()
    for each in failures:
        print(f"{each.id}  {each.received:%Y-%m-%d %H:%M:%S}  {each.error}")
    if args.retry:
        inbox.retry_failed()
        print(
            f"{len(failures)} to be tried again: by the service, when the next event comes or when it starts"
        )
    else:
        print(f"{len(failures)} given up" + ("; --retry has them tried again" if failures else ""))
    return 0
