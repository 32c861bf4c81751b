"""The head of a report: what was evaluated, how, and on what."""

import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import model
from model import Predictor
from model.evaluation.loop import Procedure

_DECISIVE = ("*.py", "networks/**/*.py", "evaluation/clickers.py", "evaluation/loop.py")
"""Sources on which masks and clicks hang."""


def describe(predictor: Predictor, dataset: str, procedure: Procedure, device: str) -> dict[str, Any]:
    """The header as JSON values."""
    config = predictor.config
    return {
        "model": predictor.version,
        "code": f"{model.__version__}-{source_digest()}",
        "dataset": dataset,
        "clicker": procedure.clicker,
        "noise": procedure.noise,
        "seed": procedure.seed,
        "clicks": procedure.clicks,
        "threshold": 0.5,
        "flip": "none",
        "zoom": f"image at {config.select_size} px, crop at {config.crop_size} px "
        f"(threshold {config.crop_threshold:g}, padding {config.crop_padding:g})",
        "device": device,
        **predictor.runtime.describe(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def source_digest() -> str:
    """Eight hexadecimal digits of the sources on which masks and clicks hang: the same weights may answer otherwise."""
    root = Path(model.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _DECISIVE for path in root.glob(pattern)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]
