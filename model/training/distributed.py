"""Several processes, one per device, started by torchrun: who am I, and the mean of the gradients.

Gradients are averaged here, after the backward pass, rather than by DistributedDataParallel: its wrapper counts on one
forward call of the wrapped module and one backward pass a step, while the refinement calls parts of the network, many
times a step, and runs `backward` on each click. The price is that sending does not overlap with the backward pass; of
6 million parameters that is 25 MB a step.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Ranks:
    """`rank` of this process among `world`; `local` is its number on this machine."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @staticmethod
    def of_environment() -> "Ranks":
        """As torchrun tells it; one process alone without."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        if any(name not in os.environ for name in names):
            return Ranks()
        return Ranks(*(int(os.environ[name]) for name in names))

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """The device of that name for this process: `cuda` becomes a GPU of its own."""
        device = torch.device(name)
        if device.type == "cuda" and device.index is None and self.world > 1:
            device = torch.device("cuda", self.local)
            torch.cuda.set_device(device)
        return device

    def join(self, device: torch.device) -> None:
        """Wait for the others and connect."""
        if self.world > 1:
            torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")

    def leave(self) -> None:
        """Wait for the others and disconnect."""
        if self.world > 1:
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes; a missing one counts as zero."""
        if self.world == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        torch.distributed.all_reduce(flat)
        flat /= self.world
        start = 0
        for parameter, gradient in zip(parameters, gradients, strict=True):
            gradient.copy_(flat[start : start + gradient.numel()].view(gradient.shape))
            parameter.grad = gradient
            start += gradient.numel()
