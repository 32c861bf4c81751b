"""Networks run by OpenVINO on a CPU: 1.5 to 4 times as fast as torch there, and without torch in memory."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from model.headers import Header
from model.runtimes.base import Kept
from model.runtimes.conversion import (
    ADAPT,
    CORRECT,
    PREPARE,
    SELECT,
    ConversionFailed,
    converted_head,
    converted_selection,
)
from model.runtimes.library import ov

__all__ = ["ConversionFailed", "OpenVinoRuntime"]

FLOAT32 = "f32"
_PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class OpenVinoRuntime:
    """See `Runtime`; what it keeps are numpy arrays.

    The selection network computes in float32: in bfloat16 it would be faster still, but where two objects are nearly as
    likely it chose the wrong one more often (docs/speed.md). The head corrects what is there already, and computes in
    bfloat16 where the processor can.

    Args:
        header: of the checkpoint.
        engine: that compiles for this machine.
        selection: the compiled selection network.
        head: the folder with the converted head.
    """

    name = "openvino"
    at_once = 1

    def __init__(self, header: Header, engine: "Engine", selection: "ov.CompiledModel", head: Path) -> None:
        self._header, self._engine, self._selection = header, engine, selection
        self.config = header.config
        self._select = selection.create_infer_request()
        self._prepare = engine.compile(head / PREPARE).create_infer_request()
        self._adapt = _request(engine, head / ADAPT)
        correct = engine.compile(head / CORRECT)
        self._correct = correct.create_infer_request()
        self._head_precision = _PRECISIONS[correct.get_property("INFERENCE_PRECISION_HINT").to_string()]

    @staticmethod
    def load(header: Header, threads: int) -> "OpenVinoRuntime":
        """The networks of a checkpoint; converted first if that has not been done on this machine.

        Args:
            threads: 0 leaves the library's choice.

        Raises:
            WeightsError: damaged or of another network.
            ConversionFailed: for another reason.
        """
        folder, engine = converted_selection(header.path), Engine(threads)
        return OpenVinoRuntime(header, engine, engine.compile(folder / SELECT, FLOAT32), folder)

    def select(
        self, image: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Kept]:
        """See `Runtime`."""
        logits, features = _infer(self._select, image, guidance)
        if self._adapt is not None:
            (logits,) = _infer(self._adapt, features, logits)
        return logits[0, 0], features

    def prepare(self, features: Kept, image: NDArray[np.float32]) -> Kept:
        """See `Runtime`."""
        return _infer(self._prepare, cast(NDArray[np.float32], features), image)[0]

    def correct(self, prepared: Kept, guidance: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        (correction,) = _infer(self._correct, cast(NDArray[np.float32], prepared), guidance[None])
        return np.asarray(correction[0, 0])

    def with_head(self, data: bytes, name: str) -> "OpenVinoRuntime":
        """See `Runtime`."""
        folder = converted_head(self._header.path, data, name)
        return OpenVinoRuntime(self._header, self._engine, self._selection, folder)

    def wait(self) -> None:
        """See `Runtime`; every pass is over when it returns."""

    def describe(self) -> dict[str, Any]:
        """See `Runtime`."""
        return {
            "runtime": f"openvino {ov.__version__.split('-')[0]}",
            "threads": self._selection.get_property("INFERENCE_NUM_THREADS"),
            "precision": f"float32, head {self._head_precision}",
        }


class Engine:
    """Compiles networks for this machine's CPU, each pass as fast as can be rather than many at once.

    Args:
        threads: 0 leaves the library's choice.
    """

    def __init__(self, threads: int) -> None:
        self._core = ov.Core()
        # Every process would be pinned to the same cores: two of them would share one, and leave the next one idle.
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
        if threads > 0:
            self._options["INFERENCE_NUM_THREADS"] = threads

    def compile(self, path: Path, precision: str | None = None) -> "ov.CompiledModel":
        """A network in a file, ready to run.

        Args:
            precision: that it is run in, `f32` or `bf16`; None: the library's choice, as fast as it can.

        Raises:
            ConversionFailed: the file cannot be used.
        """
        options = (
            self._options if precision is None else {**self._options, "INFERENCE_PRECISION_HINT": precision}
        )
        try:
            return self._core.compile_model(path, "CPU", options)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-200:]
            raise ConversionFailed(
                f"networks: expected {path} as it was converted, got something else ({reason}); remove its folder"
            ) from error


def _request(engine: Engine, path: Path) -> "ov.InferRequest | None":
    """Of what a head may have, in float32 like the selection that it works on; None if it has not."""
    return engine.compile(path, FLOAT32).create_infer_request() if path.is_file() else None


def _infer(request: "ov.InferRequest", *arrays: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The outputs of one pass, copied: the request writes into the same memory the next time."""
    answers = request.infer(list(arrays), share_inputs=True)
    return [np.array(answer, np.float32) for answer in answers.values()]
