"""`boundaryclick labelstudio pull`: annotations that a project has already."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
example:
  export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...
  boundaryclick labelstudio pull --project 3
"""


def add_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the action."""
    parser = actions.add_parser(
        "pull",
        help="record the annotations that a project has already",
        description="Record every annotation of a project, to learn from. May be repeated: what is known stays.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "--project", type=int, required=True, metavar="N", help="the project's number in its URL"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Pull, then fetch the images that are new; says in one line what has changed."""
    from collections import Counter

    from tqdm import tqdm

    from backend.app import create_images, create_label_studio, create_learning
    from backend.settings import load_settings
    from model.errors import SettingsError
    from plugins.labelstudio.client import fetcher
    from plugins.labelstudio.corrections import TOOL, read_submission
    from plugins.labelstudio.pulling import read_annotations, read_project

    settings = load_settings()
    learning = create_learning(settings, create_images(settings))
    if learning is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to record into, got none")
    client = create_label_studio(settings)
    changes: Counter[str] = Counter()
    project = read_project(client, args.project)
    for task, annotation in tqdm(read_annotations(client, project), unit="annotation", disable=None):
        changes.update(vars(learning.record(read_submission(project, task, annotation))))
    learning.fetch_images(TOOL, fetcher(client))
    learning.close()
    print(
        f"project {args.project}: {changes['added']} added, {changes['replaced']} replaced, "
        f"{changes['withdrawn']} withdrawn, {changes['unchanged']} unchanged; "
        f"annotations known before: {int(changes['stale'])}"
    )
    return 0
