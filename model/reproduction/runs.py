"""What the tables are made of: trained networks and their evaluations, made once and kept in one folder."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from model.checkpoints import load_checkpoint, save_checkpoint
from model.datasets.objects import EvaluationObject
from model.errors import DatasetError, SettingsError, WeightsError
from model.evaluation.folder import EvaluationFolder
from model.evaluation.header import describe
from model.evaluation.loop import Procedure
from model.evaluation.rows import Row, Table
from model.evaluation.run import EvenSample, run_evaluation
from model.loading import load_predictor
from model.networks import configuration
from model.networks.building import build_network
from model.predictor import Predictor
from model.reproduction.data import Column, missing_folders
from model.reproduction.scales import REFINED, TRAINED, Scale
from model.training.settings import TrainingSettings, read_settings
from model.training.stages import is_checkpoint, train

CLICKERS = {"bcr": "paper", "pnr": "centre"}


@dataclass(frozen=True)
class Evaluation:
    """One finished evaluation: its report and its rows, objects by name."""

    report: Mapping[str, Any]
    table: Table


@dataclass
class Reproduction:
    """One reproduction in a folder; what is there is not made again, what was stopped goes on.

    Attributes:
        root: of the data sets; out: folder of runs and results.
        start: what the selection networks start from, as `Scale.start`; None: what the scale says.
        device: of torch.
        restart: forget evaluations of other weights or of older code; trained networks stay.
    """

    scale: Scale
    root: Path
    out: Path
    start: str | None = None
    device: str = "cpu"
    restart: bool = False
    _opened: dict[str, Sequence[EvaluationObject]] = field(default_factory=dict)
    _predictors: dict[str, Predictor] = field(default_factory=dict)

    @property
    def budget(self) -> str:
        """How long is trained and on how much is measured, in words."""
        selection, refinement = (
            f"{stage['steps']} steps of {stage['batch']}"
            for stage in (self.scale.selection, self.scale.refinement)
        )
        limit = f"at most {self.scale.limit} objects of a data set" if self.scale.limit else "all objects"
        return (
            f"selection {selection} from {self.start or self.scale.start}, refinement {refinement}, {limit}, "
            f"{self.scale.clicks} clicks"
        )

    def require_training_data(self, runs: Sequence[str]) -> None:
        """Raise DatasetError at once if one of these networks has to be trained and its data are missing."""
        if all(self._done(run) for run in runs):
            return
        missing = missing_folders(self.root, self.scale.training_folders.items())
        if missing:
            raise DatasetError(
                f"training data below {self.root}: missing: {'; '.join(missing)}; put them there "
                "(docs/reproduction.md says where they come from)"
            )

    def weights(self, run: str) -> Path:
        """The checkpoint of a network, trained if it is not yet; `run`: a selection network, `bcr` or `pnr`."""
        path = self.out / run / "weights.safetensors"
        if not self._done(run):
            settings = self._refinement(run) if run in REFINED else self._selection(run)
            tqdm.write(f"{run}: {settings.steps} steps of {settings.batch}, into {path.parent}")
            train(settings, path.parent)
        return path

    def evaluation(self, run: str, column: Column, clicker: str, clicks: int) -> Evaluation:
        """A network on one data set, clicked by that clicker."""
        objects = self.objects(column)
        return self.evaluated(run, column, Procedure(clicker, clicks=clicks), objects, f"{clicker}-{clicks}")

    def evaluated(
        self, run: str, column: Column, procedure: Procedure, objects: Sequence[EvaluationObject], name: str
    ) -> Evaluation:
        """The same on other objects of it, into a folder with `name` in its own."""
        predictor = self.predictor(run)
        header = describe(predictor, f"{column.name}:{column.folder}", procedure, self.device)
        header |= {"limit": self.scale.limit}
        out = self.out / "evaluations" / f"{run}-{column.name}-{name}"
        # The paper's profile: an object that its crop has lost counts all the clicks (section 4.2).
        with tqdm(total=len(objects), desc=out.name, unit="object", disable=None) as bar:

            def progress(_rows: Sequence[Row]) -> None:
                bar.update()

            report = run_evaluation(
                predictor,
                objects,
                procedure,
                header,
                out,
                profile="paper",
                restart=self.restart and not self._fresh(out, header),
                plots=False,
                progress=progress,
            )
        return Evaluation(report, EvaluationFolder(out).read()[1].by_name())

    def objects(self, column: Column) -> Sequence[EvaluationObject]:
        """The objects of a column, opened once."""
        if column.name not in self._opened:
            objects = column.open(self.root / column.folder)
            limit = self.scale.limit
            self._opened[column.name] = EvenSample(objects, limit) if limit else objects
        return self._opened[column.name]

    def predictor(self, run: str) -> Predictor:
        """The trained network, ready to be clicked."""
        if run not in self._predictors:
            self._predictors[run] = load_predictor(self.weights(run), self.device)
        return self._predictors[run]

    def _fresh(self, out: Path, header: Mapping[str, Any]) -> bool:
        """Whether what a folder holds is of these weights and this code."""
        try:
            EvaluationFolder(out).require_same(header)
        except SettingsError:
            return False
        return True

    def _done(self, run: str) -> bool:
        path = self.out / run / "weights.safetensors"
        stage = self.scale.refinement if run in REFINED else self.scale.selection
        try:
            return path.is_file() and load_checkpoint(path).training.get("step", 0) >= stage["steps"]
        except WeightsError:
            return False

    def _selection(self, run: str) -> TrainingSettings:
        name, start = self.scale.configuration, self.start or self.scale.start
        if is_checkpoint(start):
            weights, start = start, self._start(run)
            take_backbone(weights, name, Path(start))
        values = {"configuration": name, "start": start, "loss": TRAINED[run]}
        return self._settings("selection", {**self.scale.selection, **values})

    def _refinement(self, run: str) -> TrainingSettings:
        selection, start = self.weights("selection-ba-ce"), self._start(run)
        exchange_head(selection, self.scale.configuration + REFINED[run], Path(start))
        return self._settings("refinement", {**self.scale.refinement, "start": start, "loss": "ba-ce"})

    def _start(self, run: str) -> str:
        """Where a network is written before it is trained."""
        (self.out / run).mkdir(parents=True, exist_ok=True)
        return str(self.out / run / "start.safetensors")

    def _settings(self, stage: str, values: Mapping[str, Any]) -> TrainingSettings:
        folder = self.scale.training_data(self.root)
        common = {"stage": stage, "device": self.device, "data": [{"folder": str(folder)}]}
        return read_settings(None, deepcopy({**common, **self.scale.shared, **values}))


def take_backbone(weights: str, name: str, out: Path) -> None:
    """Write a checkpoint of the configuration `name`, untrained but for the backbone of other weights.

    Raises:
        SettingsError: the weights have another backbone.
    """
    source = load_checkpoint(weights)
    torch.manual_seed(0)
    network = build_network(configuration(name))
    if source.network.config.backbone != network.config.backbone:
        raise SettingsError(
            f"--start {weights}: expected weights with the backbone {network.config.backbone} of {name}, got "
            f"{source.network.config.backbone}; start from `imagenet` or `scratch`"
        )
    theirs, ours = source.network.selection.backbone, network.selection.backbone
    # The source may have stages that this configuration leaves out.
    state = theirs.state_dict()
    ours.load_state_dict({key: state[key] for key in ours.state_dict()})
    save_checkpoint(out, network, {"stage": "selection", "start": Path(weights).name})


def exchange_head(selection: Path, name: str, out: Path) -> None:
    """Write a checkpoint of the configuration `name` with the selection network of another and an untrained head."""
    source = load_checkpoint(selection)
    torch.manual_seed(0)
    network = build_network(configuration(name))
    network.selection.load_state_dict(source.network.selection.state_dict())
    save_checkpoint(out, network, {"stage": "selection", "start": selection.parent.name})
