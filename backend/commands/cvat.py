"""`boundaryclick cvat`: what is done with a CVAT from the command line."""

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from plugins.cvat.client import CvatClient
    from plugins.cvat.pulling import Pulled
    from plugins.cvat.ranking import Ranked

EXAMPLE = """\
examples:
  export CVAT_URL=https://app.cvat.ai CVAT_ACCESS_TOKEN=...
  boundaryclick cvat pull --project 3
  boundaryclick cvat next --task 7 --top 20 --create
"""
LOGIN = (
    "Logs in with the personal access token in CVAT_ACCESS_TOKEN, or with CVAT_USER and CVAT_PASSWORD. "
    "Needs cvat-sdk: pip install -e '.[cvat]' in this project's folder."
)


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommands."""
    parser = subparsers.add_parser(
        "cvat",
        help="read finished jobs from CVAT; say which frames to annotate next",
        description=f"Work with a CVAT. {LOGIN}",
        epilog=EXAMPLE,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(parser))
    _add_pull(actions)
    _add_next(actions)


def _add_pull(actions: "argparse._SubParsersAction[Parser]") -> None:
    pull = actions.add_parser(
        "pull",
        help="record the masks and polygons of finished jobs",
        description="Record masks and polygons of finished jobs, to learn from. May be repeated, and stopped at any "
        f"moment: only jobs that have changed are read again, what was deleted is withdrawn. {LOGIN}",
        epilog=EXAMPLE,
    )
    _add_connection(pull)
    which = pull.add_mutually_exclusive_group(required=True)
    for kind in ("project", "task", "job"):
        which.add_argument(f"--{kind}", type=_number, metavar="N", help=f"the {kind}'s number in its URL")
    pull.set_defaults(run=run_pull)


def _add_next(actions: "argparse._SubParsersAction[Parser]") -> None:
    following = actions.add_parser(
        "next",
        help="rank the frames of a task that nobody has annotated yet",
        description="Rank frames without annotations, outside finished jobs, by how unsure the model is of the "
        f"objects in them; the least sure first. {LOGIN}",
        epilog=EXAMPLE,
    )
    _add_connection(following)
    following.add_argument(
        "--task", type=_number, required=True, metavar="N", help="the task's number in its URL"
    )
    following.add_argument(
        "--top", type=_number, default=20, metavar="N", help="how many to name (default: 20)"
    )
    following.add_argument(
        "--look-at",
        type=_number,
        default=200,
        metavar="N",
        help="how many frames to judge, evenly spread if there are more; a frame takes some seconds (default: 200)",
    )
    following.add_argument(
        "--create",
        nargs="?",
        const="task",
        choices=("task", "job"),
        help="make a task of the frames that were named, or a ground truth job in the same task",
    )
    following.set_defaults(run=run_next)


def _add_connection(parser: "Parser") -> None:
    parser.add_argument("--url", help="of CVAT (default: CVAT_URL)")
    parser.add_argument("--org", metavar="NAME", help="short name of the organization to work in")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def run_pull(args: argparse.Namespace) -> int:
    """Pull, then fetch the images that are new; says in one line what has changed."""
    from tqdm import tqdm

    from backend.app import create_cvat, create_images, create_learning
    from backend.settings import load_settings
    from backend.store.annotations import AnnotationList
    from model.errors import SettingsError
    from plugins.cvat.pulling import TOOL, Puller, Scope, fetcher

    settings = load_settings()
    client = create_cvat(args.url, args.org)
    learning = create_learning(settings, create_images(settings))
    if learning is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to record into, got none")
    try:
        kind = next(kind for kind in ("project", "task", "job") if getattr(args, kind) is not None)
        scope = Scope(kind, getattr(args, kind))
        puller = Puller(client, learning, AnnotationList(learning.database).of(TOOL))
        jobs = puller.jobs(scope)
        for job in tqdm(jobs, unit="job", disable=None):
            puller.take(job)
        puller.withdraw_gone(scope, jobs)
        fetch = fetcher(client, settings.max_image_bytes)
        with tqdm(unit="image", disable=None) as bar:
            learning.fetch_images(TOOL, lambda image: (bar.update(), fetch(image))[1])
    finally:
        learning.close()
    print(f"{kind} {scope.number}: {_told(puller.pulled)}")
    for failure in puller.pulled.failed:
        print(failure, file=sys.stderr)
    return 2 if puller.pulled.failed else 0


def run_next(args: argparse.Namespace) -> int:
    """Rank, print, and create what was asked for."""
    from tqdm import tqdm

    from backend.app import create_cvat, create_service
    from backend.settings import load_settings
    from plugins.cvat.ranking import Ranking, read_candidates, spread

    settings = load_settings()
    client = create_cvat(args.url, args.org)
    candidates = read_candidates(client, args.task)
    frames = spread(sorted(candidates.names), args.look_at)
    if not frames:
        print(f"task {args.task}: no frame without annotations")
        return 0
    service, images = create_service(settings)
    ranking = Ranking(client, service, images, settings.max_image_bytes)
    named = [(frame, candidates.names[frame]) for frame in frames]
    judged = tqdm(ranking.rank(args.task, named), total=len(named), unit="frame", disable=None)
    ranked = sorted(judged, key=lambda one: (-one.uncertainty, one.frame))[: args.top]
    _print(ranked, ranking.unseen)
    if args.create and ranked:
        _create(client, args.create, args.task, ranked, settings.max_image_bytes)
    return 2 if ranking.unseen and not ranked else 0


def _create(client: "CvatClient", what: str, number: int, ranked: "list[Ranked]", most: int) -> None:
    from plugins.cvat.client import ask
    from plugins.cvat.handing_out import create_job, create_task
    from plugins.cvat.records import Task

    task = ask(client, f"/api/tasks/{number}", Task)
    if what == "task":
        made = create_task(client, task, {one.frame: one.name for one in ranked}, most)
    else:
        made = create_job(client, task, [one.frame for one in ranked])
    print(f"{what} {made} of {len(ranked)} frames")


def _told(pulled: "Pulled") -> str:
    """One line."""
    objects = ", ".join(
        f"{pulled.objects[what]} {what}" for what in ("added", "replaced", "withdrawn", "unchanged")
    )
    jobs = ", ".join(f"{count} {what}" for what, count in sorted(pulled.jobs.items())) or "none"
    ignored = ", ".join(f"{count} {what}" for what, count in sorted(pulled.ignored.items())) or "none"
    return f"{objects}; jobs: {jobs}; shapes ignored, as they say no mask: {ignored}"


def _print(ranked: "list[Ranked]", unseen: list[str]) -> None:
    for line in unseen:
        print(line, file=sys.stderr)
    print("frame\tuncertainty\tname")
    for one in ranked:
        print(f"{one.frame}\t{one.uncertainty:.3f}\t{one.name}")
