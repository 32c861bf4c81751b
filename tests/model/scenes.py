"""Small synthetic scenes and data sets for the tests."""

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as rle


def scene(seed: int, height: int = 120, width: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) uint8 image of a bright ellipse on a dark, noisy ground, and its (H, W) bool mask."""
    generator = np.random.default_rng(seed)
    image = generator.integers(20, 70, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.uint8)
    centre = (int(generator.integers(60, width - 60)), int(generator.integers(50, height - 50)))
    axes = (int(generator.integers(20, 45)), int(generator.integers(15, 40)))
    cv2.ellipse(mask, centre, axes, float(generator.uniform(0, 180)), 0, 360, 1, -1)
    image[mask > 0] = generator.integers(150, 250, 3)
    return image, mask > 0


def write_coco(root: Path, count: int) -> Path:
    """A data set in COCO layout, one object per image, and one crowd that must be left out."""
    (root / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(1, count + 1):
        image, mask = scene(number)
        name = f"{number}.png"
        cv2.imwrite(str(root / "images" / name), image[..., ::-1])
        images.append(
            {"id": number, "file_name": name, "width": 160, "height": 120, "source": f"set{number % 2}"}
        )
        encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
        encoded["counts"] = encoded["counts"].decode()
        entry = {"image_id": number, "category_id": 1, "area": int(mask.sum()), "segmentation": encoded}
        annotations += [
            entry | {"id": 2 * number, "iscrowd": 0},
            entry | {"id": 2 * number + 1, "iscrowd": 1},
        ]
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}
    (root / "annotations.json").write_text(json.dumps(data))
    return root


def write_grabcut(root: Path, count: int) -> Path:
    """A data set in GrabCut layout, with an ignore band of one pixel around each object."""
    (root / "data_GT").mkdir(parents=True)
    (root / "boundary_GT").mkdir()
    for number in range(count):
        image, mask = scene(number)
        truth = np.where(mask, 255, 0).astype(np.uint8)
        truth[cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > mask] = 128
        cv2.imwrite(str(root / "data_GT" / f"photo{number}.png"), image[..., ::-1])
        cv2.imwrite(str(root / "boundary_GT" / f"photo{number}.bmp"), truth)
    return root
