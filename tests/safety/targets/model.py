"""What lies on disks: weights, heads and data sets of strangers."""

import json
import tempfile
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import load, save

from model.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from model.datasets.layouts import open_dataset
from model.heads import pack_head, unpack_head
from model.networks import configuration
from model.networks.building import build_network
from tests.safety.targets.target import Target, body, plain

_TEMPORARY = tempfile.TemporaryDirectory(prefix="boundaryclick-fuzzing-")  # goes with the process
FOLDER = Path(_TEMPORARY.name)
LARGEST = 400_000
"""Bytes of weights that are thrown; the rest of a file of weights is numbers, any of which is as good as another."""


@cache
def _base() -> Checkpoint:
    path = FOLDER / "tiny.safetensors"
    save_checkpoint(path, build_network(configuration("tiny")), {"stage": "joint"})
    return load_checkpoint(path)


@cache
def _whole() -> bytes:
    _base()
    return (FOLDER / "tiny.safetensors").read_bytes()


@cache
def _head() -> bytes:
    return pack_head(_base().network, _base(), {"corrections": 3})


def _checkpoint(data: bytes) -> None:
    """The changed beginning of a file of weights: its header, and what it says of the network."""
    path = FOLDER / "thrown.safetensors"
    path.write_bytes(data + _whole()[len(data) :])
    load_checkpoint(path)


def _unpack(data: bytes) -> None:
    unpack_head(data + _head()[len(data) :], _base(), "thrown")


def _lone_head(data: bytes) -> None:
    """A head that says anything of itself."""
    unpack_head(save({**load(_head()), "about": _tensor(data)}), _base(), "thrown")


def _tensor(data: bytes) -> Any:
    import torch

    kinds = (torch.uint8, torch.int8, torch.bool, torch.bfloat16, torch.float16, torch.float8_e4m3fn)
    kind = kinds[data[0] % len(kinds)] if data[:1] != b"{" else torch.uint8
    whole = bytearray(data[: len(data) // 2 * 2] or b"{}")
    return torch.frombuffer(whole, dtype=kind)


def _data_set(layout: str, file: str, data: bytes) -> None:
    path = _laid_out(layout) / file
    path.write_bytes(data)
    for one in open_dataset(f"{layout}:{_laid_out(layout)}"):
        assert one.truth.shape == one.image.shape[:2]
        assert not (one.truth & one.ignore).any()


@cache
def _laid_out(layout: str) -> Path:
    """A data set of one image of 31 x 23 pixels."""
    root = FOLDER / layout
    for name, content in FILES[layout].items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def _reference(data: bytes) -> None:
    open_dataset(data.decode("utf-8", "surrogateescape"))


def _encoded(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


IDS = np.zeros((23, 31), np.uint8)
IDS[4:9, 5:20] = 1
IDS[12:20, 5:9] = 2
PHOTO = _encoded(Image.fromarray(np.full((23, 31, 3), 90, np.uint8)), "JPEG")
MASK = _encoded(Image.fromarray(IDS))
BAND = _encoded(Image.fromarray(IDS * 127), "BMP")
PALETTE = _encoded(Image.fromarray(IDS).convert("P"))
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 31, "height": 23}],
    "categories": [{"id": 1, "name": "thing"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": 9,
            "bbox": [0, 0, 9, 9],
            "segmentation": [[1, 1, 20.5, 2, 9, 20]],
        },
        {
            "id": 2,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 1,
            "area": 9,
            "bbox": [0, 0, 9, 9],
            "segmentation": {"size": [23, 31], "counts": [300, 20, 393]},
        },
        {
            "id": 3,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": 9,
            "bbox": [0, 0, 9, 9],
            "segmentation": {"size": [23, 31], "counts": "<9X0"},
        },
    ],
}
FILES: dict[str, dict[str, bytes]] = {
    "folder": {"images/a.jpg": PHOTO, "masks/a.png": MASK},
    "grabcut": {"data_GT/a.jpg": PHOTO, "boundary_GT/a.bmp": BAND},
    "voc": {
        "JPEGImages/a.jpg": PHOTO,
        "SegmentationObject/a.png": PALETTE,
        "ImageSets/Segmentation/val.txt": b"a\n",
    },
    "davis": {
        "JPEGImages/480p/s/0.jpg": PHOTO,
        "Annotations/480p/s/0.png": PALETTE,
        "ImageSets/480p/val.txt": b"/s/0.jpg /s/0.png\n",
    },
    "coco": {"images/a.jpg": PHOTO, "annotations.json": json.dumps(COCO).encode()},
}


def _on_disk(layout: str, file: str, documents: bool = False) -> Target:
    seeds = [FILES[layout][file]]
    if file.endswith(".png"):
        seeds += [MASK, PALETTE, _encoded(Image.fromarray(IDS.astype(np.uint16)))]
    parse: Callable[[bytes], object] = partial(_data_set, layout, file)
    return Target(f"{layout}-{Path(file).suffix[1:]}", parse, seeds, documents)


TARGETS = (
    plain("weights", _checkpoint, [_whole()[:2000], _whole()[:8000]]),
    plain("head", _unpack, [_head()[:4000], _head()]),
    Target(
        "head-about",
        _lone_head,
        [body({"format": "boundaryclick-head-1", "base": _base().digest, "training": {}})],
    ),
    _on_disk("folder", "masks/a.png"),
    _on_disk("folder", "images/a.jpg"),
    _on_disk("grabcut", "boundary_GT/a.bmp"),
    _on_disk("voc", "ImageSets/Segmentation/val.txt"),
    _on_disk("voc", "SegmentationObject/a.png"),
    _on_disk("davis", "Annotations/480p/s/0.png"),
    _on_disk("coco", "annotations.json", documents=True),
    Target(
        "data-set",
        _reference,
        [f"folder:{_laid_out('folder')}".encode(), b"coco:/nowhere?split=a&b=c", b"davis:/tmp?objects=each"],
        documents=False,
    ),
)
