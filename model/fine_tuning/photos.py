"""What ordinary photos look like to the weights that ship: descriptions, by which a gate tells a team's pictures apart.

    python -m model.fine_tuning.photos coco:data/train --count 400

A gate that knows nothing but the few pictures of the replay set takes every third photo for the team's. The photos
themselves may not travel with the project; twice 192 numbers of each do, and weigh little. They hold for one file of
weights.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from model import Click, Predictor
from model.checkpoints import Checkpoint, load_checkpoint
from model.datasets.layouts import open_dataset
from model.datasets.objects import EvaluationObject
from model.errors import BoundaryClickError, DatasetError, WeightsError
from model.evaluation.clickers import annotator_for
from model.fine_tuning.encoding import described_crop
from model.geometry import View
from model.loading import load_predictor
from model.training.objects import SMALLEST

SHIPPED = Path(__file__).parent / "photos.safetensors"
NOISE = 3.0
LOOKS = 2
"""Of each photo: the whole of it, and the crop of the first mask."""


def photos_of(base: Checkpoint, path: Path = SHIPPED) -> torch.Tensor | None:
    """(LOOKS N, 2 C) descriptions, those of a photo one after the other; None if the file is of other weights.

    Raises:
        WeightsError: there is no such file, or it is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("base") != base.digest:
                return None
            descriptions: torch.Tensor = file.get_tensor("descriptions").float()
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"photos {path}: expected the descriptions that ship, got none ({error}); install again"
        ) from error
    return descriptions


def describe_photos(predictor: Predictor, objects: Sequence[EvaluationObject], count: int) -> torch.Tensor:
    """What an object in each of so many photos, drawn at random, looks like; as `photos_of`.

    Raises:
        DatasetError: there are fewer.
    """
    found: list[torch.Tensor] = []
    with tqdm(total=count, disable=None, unit="photo") as progress:
        for item in _drawn(objects):
            found += _described(predictor, item)
            progress.update()
            if len(found) == LOOKS * count:
                return torch.stack(found)
    raise DatasetError(f"photos: expected {count} with an object, found {len(found) // LOOKS}; ask for fewer")


def _drawn(objects: Sequence[EvaluationObject]) -> Iterator[EvaluationObject]:
    """Those that are large enough, in random order."""
    for number in np.random.default_rng(0).permutation(len(objects)):
        item = objects[int(number)]
        if np.count_nonzero(item.truth) >= SMALLEST:
            yield item


def _described(predictor: Predictor, item: EvaluationObject) -> list[torch.Tensor]:
    click: Click = annotator_for("boundary", item, NOISE, 0).select().click
    session = predictor.start(item.image)
    session.add(click)
    assert session.crop is not None  # noqa: S101 - the selection click has made one
    size = predictor.config.crop_size
    views = (predictor.passes.whole_view(item.image.shape[:2]), View(session.crop, size, size))
    return [described_crop(predictor, item.image, view, click) for view in views]


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m model.fine_tuning.photos", description="Describe photos for the gates of adapters."
    )
    parser.add_argument("dataset", metavar="LAYOUT:PATH")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    try:
        base = load_checkpoint(args.weights)
        objects = open_dataset(args.dataset)
        described = describe_photos(load_predictor(args.weights, runtime="auto"), objects, args.count)
    except BoundaryClickError as error:
        print(f"photos: {error}", file=sys.stderr)
        return 2
    save_file({"descriptions": described.half()}, args.out, metadata={"base": base.digest})
    print(f"{args.count} photos in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
