"""The adapter's training: what corrections teach of first masks, and a gate that keeps it to pictures of their kind.

A head that only answers clicks forgets little; whatever changes first masks does so to all pictures. So the first
question is whether the team's pictures can be told from others by what their features are like, asked of pictures that
the gate was not fitted on. If they cannot, as with photos of everything, there is no adapter.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from model.fine_tuning.encoded import Encoded
from model.fine_tuning.photos import LOOKS
from model.logits import LIMIT
from model.losses import soft_overlap_loss
from model.networks.adapter import LEAST_SPREAD, Adapter, Gate

STEPS, BATCH = 200, 8
RATE = 3e-3
"""Highest of one cycle; as the steps measured on simulated tissue (docs/experiments.md)."""

FOLDS = 5
TOLD_APART = 0.95
"""Least share of the crops of either kind on their side of a gate that was fitted on other pictures."""

DECAY = 1e-3
"""Of the gate's weights."""

FEWEST_OTHERS = 50
"""Other pictures: with fewer, a gate is open for whatever they do not look like."""


@dataclass(frozen=True)
class Others:
    """Pictures that an adapter shall leave alone.

    Attributes:
        replay: files of encoded objects.
        photos: (N, 2 C) from `photos_of`; None for weights without.
    """

    replay: Sequence[Path]
    photos: torch.Tensor | None = None


def train_adapter(
    corrections: Sequence[Path],
    others: Others,
    kept: Path,
    device: torch.device,
    report: Callable[[float], None],
) -> Adapter | None:
    """An adapter that knows the pictures of the corrections; None if nothing tells them from others.

    Args:
        corrections: files of encoded objects, in the crops that first masks are made in.
        kept: where the trained one is written, and read again after an interruption.
        report: told the share that is done; may raise to end the work.

    Returns:
        on the CPU.
    """
    gate = _gate(corrections, others)
    if gate is None:
        return None
    made_of = hashlib.sha256(
        "\n".join([str(STEPS), *(path.name for path in corrections)]).encode()
    ).hexdigest()
    channels = gate.decide.in_features // 2
    adapter = _read(kept, channels, made_of)
    if adapter is None:
        adapter = _new(channels, device)
        adapter.gate = gate
        _train(adapter.to(device), corrections, device, report)
        _write(adapter.cpu(), kept, made_of)
    return adapter.eval().requires_grad_(False)


def _new(channels: int, device: torch.device) -> Adapter:
    """Always the same."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        return Adapter(channels)


@dataclass(frozen=True)
class _Seen:
    """Crops of one kind of pictures: what each is like, (N, 2 C), and which picture it is of, (N,)."""

    like: torch.Tensor
    picture: torch.Tensor

    @property
    def folds(self) -> torch.Tensor:
        """(N,): all crops of a picture are in one fold."""
        return self.picture % FOLDS

    @property
    def pictures(self) -> int:
        return len(set(self.picture.tolist()))


def _gate(corrections: Sequence[Path], others: Others) -> Gate | None:
    """The gate between both kinds of pictures; None if others are taken for one of them."""
    known, unlike = _seen(corrections), _all_others(others)
    if known.pictures < FOLDS or unlike.pictures < FEWEST_OTHERS:
        return None
    right: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    for fold in range(FOLDS):
        gate = _fitted(*(kind.like[kind.folds != fold] for kind in (known, unlike)))
        for side, kind in enumerate((known, unlike)):
            right[side].append((gate.logit(kind.like[kind.folds == fold]) > 0) == (side == 0))
    if any(float(torch.cat(side).float().mean()) < TOLD_APART for side in right):
        return None
    return _fitted(known.like, unlike.like)


def _seen(paths: Sequence[Path]) -> _Seen:
    """Encoded objects, pictures by what they show: many objects of one image are hardly more than one of them."""
    number: dict[bytes, int] = {}
    like, picture = [], []
    for path in paths:
        encoded = Encoded.load(path)
        like.append(Gate.describe(torch.from_numpy(encoded.features).float()[None]))
        picture.append(number.setdefault(encoded.source, len(number)))
    return _Seen(torch.cat(like) if like else torch.zeros(0), torch.tensor(picture, dtype=torch.long))


def _all_others(others: Others) -> _Seen:
    replay = _seen(others.replay)
    if others.photos is None:
        return replay
    photos = torch.arange(len(others.photos)) // LOOKS + replay.pictures
    return _Seen(torch.cat([replay.like, others.photos]), torch.cat([replay.picture, photos]))


@torch.no_grad()
def _normalised(gate: Gate, descriptions: torch.Tensor) -> None:
    gate.mean.copy_(descriptions.mean(dim=0))
    gate.spread.copy_(descriptions.std(dim=0).clamp_min(LEAST_SPREAD))


def _fitted(known: torch.Tensor, others: torch.Tensor) -> Gate:
    """The logistic regression between (N, 2 C) and (M, 2 C) descriptions, both kinds of equal weight."""
    gate = Gate(known.shape[1] // 2)
    together = torch.cat([known, others])
    _normalised(gate, together)
    kind = torch.cat([torch.ones(len(known)), torch.zeros(len(others))])
    weight = torch.where(kind > 0, 0.5 / len(known), 0.5 / len(others))
    for value in gate.decide.parameters():
        torch.nn.init.zeros_(value)
    optimiser = torch.optim.LBFGS(gate.decide.parameters(), max_iter=200)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        wrong = F.binary_cross_entropy_with_logits(gate.logit(together), kind, reduction="none")
        value = (wrong * weight).sum() + DECAY * gate.decide.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return gate.requires_grad_(False)


def _train(
    adapter: Adapter, files: Sequence[Path], device: torch.device, report: Callable[[float], None]
) -> None:
    """All but the gate, which is taken for open."""
    parameters = [value for value in adapter.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(parameters, RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    generator = np.random.default_rng(0)
    for step in range(STEPS):
        picks = generator.choice(len(files), size=BATCH, replace=len(files) < BATCH)
        batch = _batch([files[int(pick)] for pick in picks])
        features, selected, target = (each.to(device) for each in batch)
        logits = adapter.corrected(features, selected)
        loss = F.binary_cross_entropy_with_logits(logits, target) + soft_overlap_loss(logits, target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        report((step + 1) / STEPS)


def _batch(files: Sequence[Path]) -> list[torch.Tensor]:
    """Features (B, C, h, w), selected logits and the share of the object in each cell, (B, 1, h, w).

    As large as the largest; the others end in cells without features that are surely of no object.
    """
    samples = [_sample(path) for path in files]
    height, width = (max(each[0].shape[axis] for each in samples) for axis in (1, 2))
    return [
        torch.stack([_padded(each, height, width, beyond) for each in part])
        for part, beyond in zip(zip(*samples, strict=True), (0.0, -LIMIT, 0.0), strict=True)
    ]


def _sample(path: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same of one file."""
    encoded = Encoded.load(path)
    height, width = encoded.selected.shape
    share = cv2.resize(encoded.target.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return (
        torch.from_numpy(encoded.features).float(),
        torch.from_numpy(encoded.selected).float()[None],
        torch.from_numpy(np.asarray(share, np.float32))[None],
    )


def _padded(maps: torch.Tensor, height: int, width: int, beyond: float) -> torch.Tensor:
    return F.pad(maps, (0, width - maps.shape[2], 0, height - maps.shape[1]), value=beyond)


def _read(kept: Path, channels: int, made_of: str) -> Adapter | None:
    """The one that was written, if it was made of the same."""
    adapter = Adapter(channels)
    try:
        with safe_open(kept, framework="pt") as file:
            if (file.metadata() or {}).get("made_of") != made_of:
                return None
        adapter.load_state_dict(load_file(kept))
    except (OSError, SafetensorError, RuntimeError):
        return None
    return adapter


def _write(adapter: Adapter, kept: Path, made_of: str) -> None:
    """Whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".part")
    save_file(adapter.state_dict(), partial, metadata={"made_of": made_of})
    partial.replace(kept)
