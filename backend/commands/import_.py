"""`boundaryclick import`: masks that somebody has already, to learn from."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser
    from model.corrections import Submission
    from model.datasets.objects import ObjectReader

EXAMPLE = """\
examples:
  boundaryclick import folder:our-photos
  boundaryclick import coco:dataset?split=val2017
"""
LAYOUTS = ("coco", "folder")


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "import",
        help="record masks that are there already, to learn from",
        description="Record the objects of a data set as corrections. Its images stay where they are. "
        "May be repeated: what is known stays, what has changed replaces it.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "dataset",
        metavar="LAYOUT:PATH",
        help="coco:PATH (annotations.json, images/) or folder:PATH (images/, masks/ with ids 1..N)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record every object, then look at the images; says in one line what has changed."""
    from collections import Counter

    from tqdm import tqdm

    from backend.app import create_images, create_learning
    from backend.settings import load_settings
    from model.datasets.layouts import open_dataset
    from model.errors import DatasetError, SettingsError

    layout, _, path = args.dataset.partition(":")
    if layout not in LAYOUTS:
        raise DatasetError(
            f"data set: expected LAYOUT:PATH with LAYOUT one of {', '.join(LAYOUTS)}, got {args.dataset!r}"
        )
    objects = open_dataset(args.dataset)
    settings = load_settings()
    learning = create_learning(settings, create_images(settings))
    if learning is None:
        raise SettingsError("BOUNDARYCLICK_DATABASE_URL: expected a database to record into, got none")
    project = str(Path(path).expanduser().resolve())
    changes: Counter[str] = Counter()
    for index in tqdm(range(len(objects)), unit="object", disable=None):
        changes.update(vars(learning.record(submission(layout, project, objects, index))))
    learning.fetch_images(layout, lambda image: Path(image.reference).read_bytes())
    flawed = learning.corrections.counts()["flawed"]
    learning.close()
    print(
        f"{args.dataset}: {changes['added']} added, {changes['replaced']} replaced, "
        f"{changes['unchanged']} unchanged; flawed in the whole store: {flawed}"
    )
    return 0


def submission(layout: str, project: str, objects: "ObjectReader", index: int) -> "Submission":
    """One object of a data set as an annotation of its own, as of now."""
    from datetime import datetime, timezone

    from model.corrections import AnnotationKey, Correction, ImageReference, Submission

    name, path = objects.names[index], objects.images[index]
    now = datetime.now(timezone.utc)
    image = ImageReference(layout, project, path.name, str(path.resolve()))
    return Submission(
        AnnotationKey(layout, project, name),
        path.name,
        round(now.timestamp() * 1_000_000),
        now,
        "",
        (Correction("object", image, objects[index].truth),),
    )
