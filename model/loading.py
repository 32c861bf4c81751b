"""From weights to a predictor, on the runtime that suits the machine."""

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Literal, get_args

import cv2

from model.errors import WeightsError
from model.headers import Header, read_header
from model.networks import PaperConfig
from model.predictor import Predictor
from model.runtimes.base import Runtime
from model.runtimes.conversion import ConversionFailed

log = logging.getLogger(__name__)

RuntimeName = Literal["auto", "torch", "openvino"]


def load_predictor(
    weights: str | Path = "default",
    device: str = "cpu",
    runtime: RuntimeName = "torch",
    threads: int = 0,
    at_once: int = 1,
) -> Predictor:
    """Load weights by the name of shipped ones or by path.

    Args:
        device: a torch device, "cpu" or "cuda" for example.
        runtime: what runs the networks. `auto` takes OpenVINO on a CPU where it is installed, else torch. OpenVINO
            runs the head in bfloat16 where the processor can, so after boundary clicks a few pixels may differ.
        threads: on the CPU; 0 leaves the libraries' choice, every core.
        at_once: so many threads may use the predictor at a time, and their selections share passes of torch's. Of no
            use on a CPU; only one thread may where OpenVINO runs the networks, or where these are the paper's.

    Raises:
        WeightsError: weights missing, damaged or of another network; device or runtime not available.
    """
    header = read_header(weights)
    if runtime not in (known := get_args(RuntimeName)):
        raise WeightsError(f"runtime: expected one of {', '.join(known)}, got {runtime!r}")
    running = _runtime(header, device, runtime, threads, at_once)
    return Predictor(running, header.version, header.training)


def _runtime(header: Header, device: str, name: RuntimeName, threads: int, at_once: int) -> Runtime:
    if name == "openvino" or (name == "auto" and _suits_openvino(header, device)):
        _refuse_what_openvino_cannot(header, device)
        use_threads(threads)
        try:
            return _openvino(header, threads)
        except ConversionFailed as error:
            if name == "openvino":
                raise
            log.warning("torch runs the networks, more slowly: %s", error)
    from model.checkpoints import load_checkpoint  # noqa: PLC0415 - loads torch
    from model.runtimes.batching import BatchingRuntime  # noqa: PLC0415
    from model.runtimes.pytorch import TorchRuntime, usable_device  # noqa: PLC0415

    use_threads(threads)
    target = usable_device(device)
    running = TorchRuntime(load_checkpoint(header.path, device), target)
    batches = at_once > 1 and not isinstance(header.config, PaperConfig)
    return BatchingRuntime(running, at_once) if batches else running


def _openvino(header: Header, threads: int) -> Runtime:
    try:
        from model.runtimes.openvino import OpenVinoRuntime  # noqa: PLC0415 - loaded only where it runs
    except ImportError as error:
        raise ConversionFailed(
            f"runtime openvino: expected the library to load, got: {error}; install it again, or use torch"
        ) from error
    return OpenVinoRuntime.load(header, threads)


def use_threads(count: int) -> None:
    """Set the number of CPU threads of the libraries that are loaded; 0 leaves their choice, every core."""
    if count > 0:
        cv2.setNumThreads(count)
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(count)


def _suits_openvino(header: Header, device: str) -> bool:
    return device == "cpu" and not isinstance(header.config, PaperConfig) and _has_openvino()


def _refuse_what_openvino_cannot(header: Header, device: str) -> None:
    if not _has_openvino():
        raise WeightsError(
            "runtime openvino: expected the library, it is not installed; pip install openvino, or use torch"
        )
    if device != "cpu":
        raise WeightsError(f"runtime openvino: expected device cpu, got {device}; use torch on other devices")
    if isinstance(header.config, PaperConfig):
        raise WeightsError(
            f"runtime openvino: expected networks of the default kind, got {header.config.name}; use torch"
        )


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None
