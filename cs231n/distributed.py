"""Several processes that train one model: each takes its share of every batch, and their gradients are averaged.

`torchrun --nproc-per-node 2 -m cs231n.train ...` starts them. What goes between them goes through torch.distributed:
NCCL between graphics cards, Gloo between processors. Li et al. 2020, PyTorch Distributed: Experiences on Accelerating
Data Parallel Training, https://arxiv.org/abs/2006.15704
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from .classifiers.squeezenet import default_device


def share_of_batch(batch, rank, num_processes):
    """The rows of a batch (N, ...), array or tensor, that are process `rank`'s: N / num_processes in a row.

    rank: 0 .. num_processes - 1; rank 0 has the first rows. Raises ValueError if the batch cannot be divided evenly:
    the mean of the processes' means would not be the mean of the batch.
    """
    if not 0 <= rank < num_processes:
        raise ValueError(f"rank is {rank}; of {num_processes} processes, they are 0 to {num_processes - 1}")
    if len(batch) % num_processes:
        raise ValueError(f"a batch of {len(batch)} cannot be divided evenly among {num_processes} processes")
    # TODO(share_of_batch): a slice of rows; views will do, nothing needs copying.
    ### BEGIN SOLUTION share_of_batch
    each = len(batch) // num_processes
    return batch[rank * each : (rank + 1) * each]
    ### END SOLUTION


def average_gradients(grads):
    """The mean of every gradient over all processes; each of them must call this.

    grads: dict name -> numpy array, with the same names and shapes in every process, though perhaps in another order.
    Returns a new dict of arrays with the same shapes and dtypes.
    """
    # TODO(average_gradients): dist.all_reduce(tensor) replaces a tensor by its sum over all processes, in place. Sum
    # one long vector rather than many arrays; sorted names make sure that all processes mean the same by it.
    ### BEGIN SOLUTION average_gradients
    names = sorted(grads)
    total = torch.from_numpy(np.concatenate([grads[name].ravel() for name in names]))
    dist.all_reduce(total)
    mean = total.numpy() / dist.get_world_size()
    parts = np.split(mean, np.cumsum([grads[name].size for name in names])[:-1])
    return {name: part.reshape(grads[name].shape) for name, part in zip(names, parts)}
    ### END SOLUTION


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
        return share_of_batch(batch, self.rank, self.size) if self.size > 1 else batch

    def parallel(self, objective):
        """A module whose forward is a loss, so that backward() averages the gradients over all processes.

        Parameters that do not require a gradient when this is called are left out.
        """
        return DistributedDataParallel(objective) if self.size > 1 else objective

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
        dist.destroy_process_group()


def _device(name):
    if name == "auto":
        return default_device()
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name, False):
        here = ", ".join(kind for kind, found in there.items() if found)
        raise ValueError(f"there is no device {name!r} here; choose of auto, {here}")
    return torch.device(name)
