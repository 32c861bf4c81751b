"""The last stage of training a head: on the crops that sessions have of objects, not on crops cut at random.

A session zooms in on what its first pass has found, and a far click has the object selected again at another scale: a
head that is trained on such crops meets the errors that it will be asked to repair. Objects are encoded once, before
the training, as for a fine-tuning, and stay in the folder of the run, under 2 MB each; so nothing of them is augmented.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import torch
from tqdm import tqdm

from model.checkpoints import load_checkpoint
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError, SettingsError
from model.fine_tuning.material import Looks, encode_all
from model.fine_tuning.tuning import chances, drawn, train_step
from model.loading import load_predictor
from model.networks import NetworkConfig
from model.training.data import remove_own_cache
from model.training.distributed import Ranks
from model.training.objects import SMALLEST, ObjectPool
from model.training.refinement import numbered, validate_refinement
from model.training.run import TrainingRun
from model.training.settings import TrainingSettings
from model.training.stages import starting_network

FEATURES = "features"


class PooledObjects(Sequence[EvaluationObject]):
    """Different objects of a pool, drawn by their weights.

    Args:
        count: how many, at most.
        seed: decides which.
    """

    def __init__(self, pool: ObjectPool, count: int, seed: int) -> None:
        self._pool = pool
        self._numbers = pool.draw_different(count, np.random.default_rng(seed))

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> EvaluationObject: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EvaluationObject]: ...
    def __getitem__(self, index: int | slice) -> EvaluationObject | Sequence[EvaluationObject]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = self._numbers[index]
        try:
            image, mask = self._pool.load(number)
        except OSError as error:
            raise DatasetError(
                f"{self._pool.file_name(number)}: expected an image, got none ({error})"
            ) from error
        if np.count_nonzero(mask) < SMALLEST:
            raise DatasetError(
                f"{self._pool.file_name(number)}: an object too small for the size it is read at"
            )
        return EvaluationObject(f"{self._pool.file_name(number)}-{number}", image, mask, np.zeros_like(mask))


def train_on_sessions(settings: TrainingSettings, out: Path) -> None:
    """Train the head of a checkpoint, its selection network frozen; continues a run that the folder `out` holds.

    Raises:
        SettingsError: no checkpoint to start from, one of the paper's network, or several processes.
        WeightsError: what the run starts from is missing or damaged, or the folder holds another run.
        DatasetError: there is nothing to train on.
    """
    if Ranks.of_environment().world > 1:
        raise SettingsError("train sessions: expected one process, got several; run it without torchrun")
    torch.manual_seed(settings.seed)
    network = starting_network(settings)
    if type(network.config) is not NetworkConfig:
        raise SettingsError(
            f"train sessions: expected a network of this project's own, got {network.config.name}; "
            "train the paper's in the stages selection and refinement"
        )
    run = TrainingRun(settings, network, [network.refinement], out)
    files = _encoded(run)
    often, held_out = chances(files), run.data.validation()
    network.eval()
    for step in run.steps():
        generator = run.generator()
        run.log.add(step, **train_step(run, drawn(files, often, settings.batch, generator), generator))
        if held_out and run.due(settings.validate_every):
            run.log.note(step, **numbered("held_out_iou", validate_refinement(run, held_out), first=0))
    remove_own_cache(out)


def _encoded(run: TrainingRun) -> list[Path]:
    """Files of the objects as sessions of the network that the run starts from see them.

    Raises:
        DatasetError: there are none.
    """
    settings = run.settings
    shipped = load_predictor(settings.start, settings.device, "auto")
    objects = PooledObjects(run.data.training, settings.objects, settings.seed)
    with tqdm(total=len(objects), disable=None, unit="object") as progress:

        def report(done: int) -> None:
            progress.update(done - progress.n)

        folder = run.out / FEATURES / _key(settings)
        encoded = encode_all(shipped, settings.size, Looks(objects), folder, report)
    if encoded.damaged:
        print(f"{encoded.damaged} of {len(objects)} objects are left out: not readable, or too small")
    if not encoded.clicked:
        raise DatasetError(
            f"train sessions: expected objects that can be used, found none among {len(objects)}"
        )
    return encoded.clicked


def _key(settings: TrainingSettings) -> str:
    """Names what encoded objects hang on: those of another network, size or data set are not taken for these."""
    start = load_checkpoint(settings.start).digest
    values = settings.model_dump_json(include={"data", "held_out", "size"})
    return hashlib.sha256(f"{start} {values} {settings.pipeline.largest_side}".encode()).hexdigest()[:8]
