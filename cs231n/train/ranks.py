"""Which of how many processes this one is, and what it does with the others: torchrun starts them.

What goes between them goes through torch.distributed: NCCL between graphics cards, Gloo between processors.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from .. import distributed
from ..classifiers.squeezenet import default_device


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this one is, and the device it computes on."""

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def first(self):
        """Whether this process is the one that talks and writes files."""
        return self.rank == 0

    def share(self, batch):
        """This process's rows of a batch, an array or a tensor."""
        return distributed.share_of_batch(batch, self.rank, self.size) if self.size > 1 else batch

    def parallel(self, network):
        """The network, wrapped so that backward() averages its gradients over all processes."""
        return DistributedDataParallel(network) if self.size > 1 else network

    def gathered(self, rows):
        """The rows (N, ...) of all processes, in the order of a batch; a gradient flows to this process's own only."""
        if self.size == 1:
            return rows
        parts = [torch.empty_like(rows) for _ in range(self.size)]
        dist.all_gather(parts, rows.detach().contiguous())
        parts[self.rank] = rows
        return torch.cat(parts)

    def mean(self, loss):
        """A loss averaged over all processes, as a float."""
        total = torch.as_tensor(loss).detach().clone().to(self.device)
        if self.size > 1:
            dist.all_reduce(total)
        return total.item() / self.size


@contextlib.contextmanager
def joined(device="auto", timeout=120):
    """Join the other processes of a torchrun: yields this one's Ranks; alone where there is no torchrun.

    device: auto, cpu, mps or cuda. timeout: seconds after which a process that does not answer is given up.
    Raises ValueError for a device that is not there, or too few graphics cards.
    """
    size = int(os.environ.get("WORLD_SIZE", "1")) if dist.is_torchelastic_launched() else 1
    if size == 1:
        yield Ranks(device=_device(device))
        return
    kind = _device(device).type
    if kind == "mps":
        raise ValueError("several processes cannot share Apple's GPU; add --device cpu")
    place = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        cards, wanted = torch.cuda.device_count(), int(os.environ["LOCAL_WORLD_SIZE"])
        if cards < wanted:
            raise ValueError(f"{wanted} processes need {wanted} graphics cards, and there are {cards}: start fewer "
                             "with --nproc-per-node, or add --device cpu")  # fmt: skip
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=timedelta(seconds=timeout))
    try:
        yield Ranks(dist.get_rank(), size, place)
        dist.barrier()  # a process that leaves early would cut off one that is still sending
    finally:
        with contextlib.suppress(RuntimeError):  # where another has ended there is nobody left to take leave of
            dist.destroy_process_group()


def _device(name):
    if name == "auto":
        return default_device()
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name, False):
        here = ", ".join(kind for kind, found in there.items() if found)
        raise ValueError(f"there is no device {name!r} here; choose of auto, {here}")
    return torch.device(name)
