"""`boundaryclick prelabel`: masks for many images, before anybody annotates them."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cluster.options import add_engine, crew_of

if TYPE_CHECKING:
    from backend.cli import Parser
    from backend.prelabelling.answers import Outcome
    from backend.prelabelling.items import Item, Listing
    from backend.settings import Settings
    from plugins.labelstudio.labelling import Labelling
    from plugins.labelstudio.task_files import ImportedTask

    Answers = Callable[[Sequence[tuple[int, Item]]], Iterator[Outcome]]

EXAMPLE = """\
examples:
  boundaryclick prelabel photos --out prelabelled
  boundaryclick prelabel photos --out prelabelled --url-prefix "/data/local-files/?d=photos/" --label Object
  boundaryclick prelabel instances.json --images photos --out prelabelled --engine ray --workers 8
  boundaryclick prelabel project-3-export.json --out prelabelled

IMAGES is a folder; a list, one path or URL a line; lines of JSON (.jsonl):
  {"image": "a.jpg", "objects": [{"points": [[210, 143], [250, 90]], "label": "cat"}, {"box": [10, 20, 200, 300]}]}
where the first point selects and the others lie on the outline; COCO's JSON, whose boxes are asked for; or tasks of
Label Studio, whose key points and rectangles are. An image without any: the object in its middle, as Retrieve
Predictions in Label Studio answers. Written into --out: outcomes.jsonl (a line for each image), labelstudio.json
(Import in Label Studio), coco.json. The same command again goes on where it was stopped, and tries again what had
failed.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "prelabel",
        help="masks for many images, for Label Studio and as COCO's JSON",
        description="Predict objects of many images. An image or an object that cannot be used is left out, with a "
        "line that says why; the exit status is 0 if any could be used.",
        epilog=EXAMPLE,
    )
    parser.add_argument("images", type=Path, metavar="IMAGES", help="folder, list, .jsonl or .json")
    parser.add_argument("--out", type=Path, required=True, help="folder for what comes of it")
    parser.add_argument(
        "--images", type=Path, dest="folder", metavar="FOLDER", help="where relative names lie, if elsewhere"
    )
    parser.add_argument(
        "--url-prefix",
        default="",
        metavar="URL",
        help="what Label Studio finds the images by: put before their names, which are quoted for it; absolute paths "
        "and addresses of a list stay",
    )
    parser.add_argument("--label", help="of objects that have none")
    parser.add_argument(
        "--label-config",
        type=Path,
        metavar="XML",
        help="the project's labelling configuration (default: brush.xml)",
    )
    parser.add_argument("--restart", action="store_true", help="forget what --out holds")
    parser.add_argument("--weights", help="name of shipped weights, or path to a .safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--threads", type=int, help="of each process on the CPU (default: every core)")
    add_engine(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict, write, and say in one line how it went."""
    from tqdm import tqdm

    from backend.prelabelling.coco import as_coco
    from backend.prelabelling.folder import Outcomes, digest_of, json_list
    from backend.settings import load_settings

    settings = load_settings(weights=args.weights, device=args.device, threads=args.threads)
    labelling = _labelling(args.label_config)
    items, categories = _listing(args, labelling)
    about, answers = _ready(args, settings)  # before anything is forgotten for --restart
    outcomes = Outcomes(args.out)
    done = outcomes.begin({**about, "items": digest_of(items)}, args.restart)
    todo = [(number, item) for number, item in enumerate(items) if number not in done]
    bad = 0
    with tqdm(total=len(items), initial=len(done), unit="image", disable=None, delay=1) as bar:
        for outcome in answers(todo):
            outcomes.add(outcome)
            done[outcome.number] = outcome
            bar.update()
            if outcome.error:
                bad += 1
                bar.write(f"boundaryclick prelabel: skipped {_told(outcome, outcome.error)}", file=sys.stderr)
            for reason in outcome.refused:
                told = _told(outcome, reason)
                bar.write(f"boundaryclick prelabel: left out an object of {told}", file=sys.stderr)
    good = [done[number] for number in sorted(done) if not done[number].error]
    outcomes.write("coco.json", (json.dumps(as_coco(items, good, categories)),))
    tolerance = settings.label_studio_polygon_tolerance
    # One at a time: run lengths of Label Studio's take a hundred times the memory of COCO's.
    tasks = (_task(items[each.number], each, args.url_prefix, labelling, tolerance) for each in good)
    outcomes.write("labelstudio.json", json_list(tasks))
    print(
        f"{args.out}: {len(good)} of {len(items)} images, {sum(len(each.objects) for each in good)} objects, "
        f"{sum(each.empty for each in good)} not found, {bad} images skipped, "
        f"{sum(len(each.refused) for each in good)} objects left out"
    )
    return 0 if good else 2


def _ready(args: argparse.Namespace, settings: "Settings") -> "tuple[dict[str, str], Answers]":
    """What the masks hang on, and who makes them."""
    from functools import partial

    from backend.prelabelling.answers import Answerer, about_masks

    crew = crew_of(args, settings.device, settings.threads or None)
    if crew is not None:
        from backend.cluster.spreading import spread

        each = settings.model_copy(update={"threads": crew.cpus})
        about = about_masks(each, Answerer(each) if settings.device == "cpu" else None)
        return about, lambda todo: spread(partial(Answerer, each), todo, crew)
    answerer = Answerer(settings)
    return about_masks(settings, answerer), partial(map, answerer)


def _labelling(path: Path | None) -> "Labelling":
    from backend.prelabelling.items import text_of
    from plugins.labelstudio.labelling import read_labelling
    from plugins.labelstudio.setup.configuration import FOLDER

    labelling = read_labelling(text_of(path or FOLDER / "brush.xml", "a labelling configuration"))
    labelling.output(
        next(iter(labelling.images), "")
    )  # before hours of work: whether there is where masks go
    return labelling


def _listing(args: argparse.Namespace, labelling: "Labelling") -> "Listing":
    from backend.prelabelling.items import Listing, read_items
    from model.errors import RequestInvalid
    from plugins.labelstudio.task_files import looks_like_tasks, read_tasks

    text = args.images.read_bytes() if args.images.suffix.lower() == ".json" else b""
    if looks_like_tasks(text):
        try:
            tasks = read_tasks(text, labelling)
        except RequestInvalid as error:
            raise RequestInvalid(f"{args.images}: {error}") from None
        listing = Listing([_of_task(task) for task in tasks])
    else:
        listing = read_items(args.images, args.folder)
    if args.label is None:
        return listing
    return listing._replace(items=[_labelled(item, args.label) for item in listing.items])


def _of_task(task: "ImportedTask") -> "Item":
    from backend.prelabelling.items import Item, Source, Wanted

    objects = [
        Wanted(points=(hint.point,) if hint.point else (), box=hint.box, label=hint.label, percent=True)
        for hint in task.hints
    ]
    return Item(image=task.image, objects=tuple(objects), source=Source(task=task.id, data=task.data))


def _labelled(item: "Item", label: str) -> "Item":
    from backend.prelabelling.items import MIDDLE

    objects = tuple(
        each if each.label else each.model_copy(update={"label": label}) for each in item.objects or MIDDLE
    )
    return item.model_copy(update={"objects": objects})


def _task(
    item: "Item", outcome: "Outcome", prefix: str, labelling: "Labelling", tolerance: float
) -> dict[str, Any]:
    from backend.store.masks import decode
    from plugins.labelstudio.task_files import LabelledMask, predicted_task

    key = next(iter(labelling.images.values()))
    data = item.source.data or {key: _address(item, prefix)}
    masks = [
        LabelledMask(decode(found.counts.encode(), outcome.width, outcome.height), found.score, found.label)
        for found in outcome.objects
    ]
    return predicted_task(data, masks, outcome.version, labelling, tolerance)


def _address(item: "Item", prefix: str) -> str:
    """What Label Studio finds the image by: a name behind the prefix; what is an address already stays."""
    from urllib.parse import quote

    from plugins.labelstudio.addresses import CLOUD_SCHEMES

    name = item.source.name
    if name is None:
        return item.image
    # A store's names are taken as they are; elsewhere "&" and "#" would end the name.
    as_it_is = not prefix or prefix.startswith(tuple(f"{scheme}://" for scheme in CLOUD_SCHEMES))
    return prefix + (name if as_it_is else quote(name))


def _told(outcome: "Outcome", reason: str) -> str:
    name = outcome.image
    return reason if name in reason else f"{name[:200]}: {reason}"
