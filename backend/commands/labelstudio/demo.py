"""`boundaryclick labelstudio demo`: Label Studio and the backend side by side, with a project to try."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import SettingsError

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  make labelstudio
  boundaryclick labelstudio demo --label-studio .venv-labelstudio/bin/label-studio
"""
DESCRIPTION = """\
Start a Label Studio and the backend on this machine, for this machine alone, and make a project with sample
photos. Its data stay in a folder, so that the next start shows them again; Ctrl+C ends both.
"""
TITLE = "boundaryclick samples"
LABELS = "Object,Other"


def add_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the action."""
    parser = actions.add_parser(
        "demo",
        help="start Label Studio and the backend, with a project",
        description=DESCRIPTION,
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--label-studio", type=Path, required=True, metavar="FILE", help="the executable label-studio"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("labelstudio-data"), metavar="DIR", help="default: labelstudio-data"
    )
    parser.add_argument(
        "--port", type=int, default=8080, help="Label Studio's, or the next free one (default 8080)"
    )
    parser.add_argument(
        "--backend-port", type=int, default=9090, help="the backend's, or the next free one (default 9090)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start both, set up the project, wait for Ctrl+C."""
    from backend.commands.labelstudio.setup import SAMPLES, credentials
    from backend.settings import load_settings
    from plugins.labelstudio.setup import Server, Wishes, set_up
    from plugins.labelstudio.setup.configuration import read_labels
    from plugins.labelstudio.side_by_side import Folder, Pair

    if not args.label_studio.is_file():
        raise SettingsError(
            f"--label-studio: expected the executable label-studio, got {args.label_studio}; "
            "plugins/labelstudio/install_server.sh installs it"
        )
    serve = [sys.executable, "-m", "backend.cli", "serve"]
    with (
        Folder.open(args.data) as folder,
        Pair(args.label_studio, serve, folder, args.port, args.backend_port) as pair,
    ):
        pair.start()
        wishes = Wishes(
            pair.backend_url,
            title=TITLE,
            labels=read_labels(LABELS),
            credentials=credentials(load_settings()),
            images=SAMPLES,
        )
        project = set_up(Server(pair.url, folder.login.token), wishes, _say)
        _say("")
        _say(f"Label Studio:  {pair.url}/projects/{project}/data")
        _say(f"log in as:     {folder.login.user}   password: {folder.login.password}")
        _say(f"backend:       {pair.backend_url}/ (a page to try it without Label Studio)")
        _say("guide:         docs/label-studio.md; Ctrl+C ends both")
        pair.wait()
    return 0


def _say(line: str) -> None:
    print(line, flush=True)
