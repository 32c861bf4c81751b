"""Networks run by torch, on any of its devices."""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoints import Checkpoint
from model.errors import WeightsError
from model.heads import unpack_head
from model.predictor import Predictor
from model.runtimes.base import Kept


class TorchRuntime:
    """See `Runtime`; what it keeps are tensors on the device.

    Attributes:
        checkpoint: whose networks it runs.
        device: where they run.
    """

    name = "torch"
    at_once = 1

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.checkpoint, self.device = checkpoint, device
        self.network, self.config = checkpoint.network, checkpoint.network.config

    def select(
        self, image: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Kept]:
        """See `Runtime`."""
        ((logits, features),) = self.select_batch(image, guidance)
        return self.adapted(logits, features), features

    @torch.inference_mode()
    def select_batch(
        self, images: NDArray[np.float32], guidance: NDArray[np.float32]
    ) -> list[tuple[NDArray[np.float32], Kept]]:
        """What `select` gives for each of B images, but for the adapter.

        Args:
            images: (B, 3, H, W); guidance: (B, 1, H, W).
        """
        output = self.network.selection(self.tensor(images), self.tensor(guidance))
        if len(images) == 1:
            return [(output.logits[0, 0].cpu().numpy(), output.features)]
        logits = output.logits[:, 0].cpu().numpy()
        # Copies: a part of the batch's features would keep all of them.
        return [(logits[i].copy(), output.features[i : i + 1].clone()) for i in range(len(images))]

    @torch.inference_mode()
    def adapted(self, logits: NDArray[np.float32], features: Kept) -> NDArray[np.float32]:
        """(h, w) logits of a selection as the head's adapter corrects them; as they are if it has none."""
        if self.network.adapter is None:
            return logits
        selected = torch.from_numpy(logits)[None, None].to(self.device)
        return np.asarray(self.network.adapter(features, selected)[0, 0].cpu().numpy(), np.float32)

    @torch.inference_mode()
    def prepare(self, features: Kept, image: NDArray[np.float32]) -> Kept:
        """See `Runtime`."""
        return self.network.refinement.prepare(cast(torch.Tensor, features), self.tensor(image))

    @torch.inference_mode()
    def correct(self, prepared: Kept, guidance: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        correction = self.network.refinement(prepared, torch.from_numpy(guidance)[None].to(self.device))
        return np.asarray(correction[0, 0].cpu().numpy(), np.float32)

    def with_head(self, data: bytes, name: str) -> "TorchRuntime":
        """See `Runtime`."""
        return TorchRuntime(unpack_head(data, self.checkpoint, name), self.device)

    def wait(self) -> None:
        """See `Runtime`."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def describe(self) -> dict[str, Any]:
        """See `Runtime`."""
        return {
            "runtime": f"torch {torch.__version__}",
            "threads": torch.get_num_threads(),
            "precision": "float32",
        }

    def tensor(self, array: NDArray[np.float32]) -> torch.Tensor:
        """(B, C, H, W) on the device, in the memory layout that convolutions run fastest with."""
        return torch.from_numpy(array).to(self.device, memory_format=torch.channels_last)


def predictor_of(checkpoint: Checkpoint, device: torch.device) -> Predictor:
    """A predictor of networks that are in memory."""
    return Predictor(TorchRuntime(checkpoint, device), checkpoint.version, checkpoint.training)


def checkpoint_of(predictor: Predictor) -> Checkpoint:
    """The networks that a predictor which torch runs answers with; TypeError for one that something else runs."""
    runtime = predictor.runtime
    if not isinstance(runtime, TorchRuntime):
        raise TypeError(f"predictor: expected one that torch runs, got one of {runtime.name}")
    return runtime.checkpoint


def usable_device(name: str) -> torch.device:
    """The torch device of that name; WeightsError if it is not available here."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"device: expected one that torch can use here, got {name!r} ({reason}); try cpu"
        ) from error
    return device
