"""`boundaryclick labelstudio setup`: a project that is ready for clicks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import SettingsError

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.settings import Settings
    from plugins.labelstudio.setup import BasicAuth, Wishes

SAMPLES = Path(__file__).parents[2] / "web" / "samples"
EXAMPLE = """\
example:
  boundaryclick labelstudio setup --url http://localhost:8080 --token ... --new "Cats and dogs" --labels cat,dog
  export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...
  boundaryclick labelstudio setup --new "First look" --labels Object --images
  boundaryclick labelstudio setup --project 3 --output polygon
"""
DESCRIPTION = """\
Make a project of a running Label Studio ready for clicks: a labelling configuration, the backend attached,
its webhook in order, images if wanted; ends with a trial click. The backend must be running. May be repeated:
what is right stays as it is, nothing is made twice.
"""


def add_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the action."""
    parser = actions.add_parser(
        "setup", help="make a project ready for clicks", description=DESCRIPTION, epilog=EXAMPLE
    )
    parser.add_argument("--url", help="Label Studio as reached from here (default LABEL_STUDIO_URL)")
    parser.add_argument(
        "--token",
        help="personal access token or legacy token (default LABEL_STUDIO_API_KEY, which no ps shows)",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--project", type=int, metavar="N", help="a project that is there: its number in its URL"
    )
    which.add_argument("--new", metavar="NAME", help="a new project; updated if there is one of that name")
    parser.add_argument("--labels", metavar="A,B,C", help="the classes (default: those that the project has)")
    parser.add_argument(
        "--output", choices=("brush", "polygon"), help="what accepted masks become (default brush)"
    )
    parser.add_argument(
        "--tools",
        choices=("one", "two"),
        help="one click tool: the first click selects, others lie on the outline; or one tool for each "
        "(default one)",
    )
    parser.add_argument(
        "--backend",
        metavar="URL",
        help="this service as reached from Label Studio (default: where serve listens)",
    )
    parser.add_argument(
        "--images",
        metavar="DIR",
        nargs="?",
        const=SAMPLES,
        type=Path,
        help="upload the images of a folder that are not there yet; without DIR: four sample photos",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Set up, a line for each step."""
    from backend.settings import load_settings
    from plugins.labelstudio.setup import Server, set_up

    settings = load_settings(label_studio_url=args.url)
    token = args.token or (settings.label_studio_api_key and settings.label_studio_api_key.get_secret_value())
    if not token:
        raise SettingsError(
            "--token: expected a token of Label Studio, got none; make one in Label Studio under "
            "Account & Settings > Personal Access Token"
        )
    server = Server(settings.label_studio_url, token)
    project = set_up(server, _wishes(args, settings), lambda line: print(line, flush=True))
    print(f"ready: {server.url}/projects/{project}/data")
    return 0


def _wishes(args: argparse.Namespace, settings: "Settings") -> "Wishes":
    from plugins.labelstudio.setup import Wishes
    from plugins.labelstudio.setup.configuration import read_labels

    return Wishes(
        backend=_address(args.backend, settings),
        project=args.project,
        title=args.new,
        labels=None if args.labels is None else read_labels(args.labels),
        shape=args.output,
        tools=args.tools,
        credentials=credentials(settings),
        images=args.images,
    )


def _address(given: str | None, settings: "Settings") -> str:
    """The backend as Label Studio reaches it: as given, else where `serve` listens with these settings."""
    from urllib.parse import urlsplit

    if given is None:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    parts = urlsplit(given.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SettingsError(f"--backend: expected http(s)://host[:port], got {given!r}")
    return given.strip().rstrip("/")


def credentials(settings: "Settings") -> "BasicAuth | None":
    """What this service asks its callers for, by the same settings."""
    from plugins.labelstudio.setup import BasicAuth

    if settings.basic_auth_user is None or settings.basic_auth_pass is None:
        return None
    return BasicAuth(settings.basic_auth_user, settings.basic_auth_pass.get_secret_value())
