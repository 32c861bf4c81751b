"""What else could run the networks here, timed in turn: `python -m model.runtimes.comparison`.

ONNX Runtime is among them where `pip install onnx onnxscript onnxruntime` has been done; the project does not need it.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from model.checkpoints import load_checkpoint
from model.networks.maps import FEATURE_STRIDE, GUIDANCE
from model.networks.two_stage import TwoStageNetwork
from model.runtimes.library import ov
from model.runtimes.program import Select

Pass = Callable[[], Any]
Tensors = tuple[torch.Tensor, ...]


class Contest:
    """One network, its input, and the ways to run it.

    Args:
        network: takes the example.
        example: on which all are timed.
    """

    def __init__(self, network: nn.Module, example: Tensors, threads: int, folder: Path) -> None:
        self._network, self._example, self._threads, self._folder = network.eval(), example, threads, folder
        self._arrays = [each.contiguous().numpy() for each in example]

    def ways(self) -> dict[str, Pass]:
        """By name; what is not installed is left out."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(self._network, self._example, check_trace=False)  # type: ignore[no-untyped-call]
            frozen = torch.jit.freeze(traced)
            model: Any = ov.convert_model(traced, example_input=self._example)
        ways: dict[str, Pass] = {
            "torch float32": lambda: self._network(*self._example),
            "torch bfloat16 (autocast)": self._autocast,
            "torch float32, traced and frozen": lambda: frozen(*self._example),
            "openvino float32": self._openvino(model, "f32"),
            "openvino bfloat16": self._openvino(model, "bf16"),
        }
        if onnx := self._onnx_runtime():
            ways["onnxruntime float32"] = onnx
        return ways

    def _autocast(self) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            self._network(*self._example)

    def _openvino(self, model: Any, precision: str) -> Pass:
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
        }
        compiled = ov.Core().compile_model(model, "CPU", {**options, "INFERENCE_NUM_THREADS": self._threads})
        request = compiled.create_infer_request()
        return lambda: request.infer(self._arrays, share_inputs=True)

    def _onnx_runtime(self) -> Pass | None:
        try:
            import onnxruntime  # noqa: PLC0415 - not needed by the project
            import onnxscript  # noqa: F401, PLC0415
        except ImportError:
            return None
        path = self._folder / "network.onnx"
        torch.onnx.export(self._network, self._example, path, dynamo=True, external_data=False, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        session = onnxruntime.InferenceSession(path, options)
        inputs = {each.name: array for each, array in zip(session.get_inputs(), self._arrays, strict=True)}
        return lambda: session.run(None, inputs)


@torch.inference_mode()
def milliseconds(ways: dict[str, Pass], rounds: int) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of each, all taking turns, so that whatever else the machine does meets all."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 3):
        for name, run in ways.items():
            run()  # whoever came before has left the caches in another state
            began = time.perf_counter()
            run()
            if number >= 3:
                taken[name].append((time.perf_counter() - began) * 1000)
    return {name: (float(np.median(each)), float(np.percentile(each, 95))) for name, each in taken.items()}


def contests(network: TwoStageNetwork, threads: int, folder: Path) -> dict[str, Contest]:
    """The selection network and the head, on random input of their sizes."""
    size = network.config.crop_size
    grid, noise = size // FEATURE_STRIDE, torch.Generator().manual_seed(0)
    image = (torch.rand(1, 3, size, size, generator=noise) * 2 - 1).to(memory_format=torch.channels_last)
    click = torch.rand(1, 1, size, size, generator=noise)
    with torch.inference_mode(False), torch.no_grad():
        features = network.selection(image, click).features
        prepared = network.refinement.prepare(features, image)
    guidance = torch.rand(1, len(GUIDANCE), grid, grid, generator=noise)
    return {
        f"selection network, {size} x {size}": Contest(Select(network), (image, click), threads, folder),
        "refinement head, for one click": Contest(network.refinement, (prepared, guidance), threads, folder),
    }


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m model.runtimes.comparison", description=__doc__)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, openvino {ov.__version__}, {args.threads} threads, p50 / p95 in ms")
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        for what, contest in contests(
            load_checkpoint(args.weights).network, args.threads, Path(folder)
        ).items():
            for name, (median, high) in milliseconds(contest.ways(), args.rounds).items():
                print(f"{what:34} {name:34} {median:7.1f} / {high:7.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
