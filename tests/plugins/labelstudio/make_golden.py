"""Makes golden/rle.json and golden/answer-*.json with Label Studio's own encoder and decoder.

Run it where `label-studio-sdk` is installed (2.1.2 made the files in place); the tests only read the files. The
stroke was drawn with the brush of Label Studio 1.23.2's page: its soft edge holds literal values. The requests were
recorded from the same page.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent / "golden"
SCORE = 0.8765
RADIUS = 20


def masks() -> dict[str, NDArray[np.bool_]]:
    """Small masks that between them use every token size."""
    rows, columns = np.mgrid[:61, :83]
    noise = np.random.default_rng(7).random((9, 13)) < 0.5
    far = np.zeros((200, 333), dtype=bool)
    far[150, 17:300] = True
    return {
        "disc": (rows - 30) ** 2 + (columns - 41) ** 2 < 20**2,
        "noise": noise,
        "one pixel": np.ones((1, 1), dtype=bool),
        "last pixel": np.arange(35).reshape(5, 7) == 34,
        "run longer than the widest field": far,
        "everything": np.ones((131, 129), dtype=bool),
    }


def main() -> None:
    """Write the file anew, the stroke kept."""
    path = GOLDEN / "rle.json"
    cases = []
    for name, mask in masks().items():
        rle = mask2rle(mask.astype(np.uint8) * 255)
        cases.append({"name": name, **described(mask.astype(np.uint8) * 255), "rle": rle})
    stroke = json.loads((GOLDEN / "stroke.json").read_text())
    opacity = decode_rle(stroke["rle"]).reshape(stroke["height"], stroke["width"], 4)[:, :, 3]
    path.write_text(
        json.dumps({"masks": cases, "stroke": {**described(opacity), "rle": stroke["rle"]}}) + "\n"
    )
    for name, brush in (("clicks-3", "brushlabels"), ("brush-with-labels", "brush")):
        (GOLDEN / f"answer-{name}.json").write_text(json.dumps(answer(name, brush)) + "\n")


def answer(name: str, brush: str) -> dict[str, Any]:
    """What a request gets from a model that finds a disc around each click."""
    clicks = json.loads((GOLDEN / f"request-{name}.json").read_text())["params"]["context"]["result"]
    rows, columns = np.mgrid[:400, :600]
    mask = np.zeros((400, 600), dtype=bool)
    for click in clicks:
        x, y = click["value"]["x"] * 6 - 0.5, click["value"]["y"] * 4 - 0.5
        mask |= (columns - x) ** 2 + (rows - y) ** 2 < RADIUS**2
    value = {"format": "rle", "rle": mask2rle(mask.astype(np.uint8) * 255)}
    region = {
        "id": "tor-" + clicks[0]["id"],
        "to_name": "image",
        "original_width": 600,
        "original_height": 400,
        "image_rotation": 0,
        "score": SCORE,
        "readonly": False,
    }
    if brush == "brushlabels":
        items = [{**region, "from_name": "mask", "type": brush, "value": {**value, "brushlabels": ["Other"]}}]
    else:
        items = [
            {**region, "from_name": "brush", "type": brush, "value": value},
            {**region, "from_name": "label", "type": "labels", "value": {**value, "labels": ["Other"]}},
        ]
    return {"results": [{"result": items, "score": SCORE, "model_version": "discs-1"}]}


def described(opacity: NDArray[np.uint8]) -> dict[str, object]:
    """Size and plain run lengths [value, count, value, count ...] of a picture."""
    flat = opacity.ravel()
    starts = [0, *(np.flatnonzero(np.diff(flat.astype(int))) + 1).tolist()]
    ends = [*starts[1:], flat.size]
    runs = [
        number for begin, end in zip(starts, ends, strict=True) for number in (int(flat[begin]), end - begin)
    ]
    return {"width": opacity.shape[1], "height": opacity.shape[0], "runs": runs}


if __name__ == "__main__":
    main()
