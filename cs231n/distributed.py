"""Several processes that train one model: each takes its share of every batch, and their gradients are averaged.

`torchrun --nproc-per-node 2 -m cs231n.train ...` starts them. What goes between them goes through torch.distributed:
NCCL between graphics cards, Gloo between processors. Li et al. 2020, PyTorch Distributed: Experiences on Accelerating
Data Parallel Training, https://arxiv.org/abs/2006.15704
"""

import numpy as np
import torch
import torch.distributed as dist


def share_of_batch(batch, rank, num_processes):
    """The rows of a batch (N, ...), array or tensor, that are process `rank`'s: N / num_processes in a row.

    rank: 0 .. num_processes - 1; rank 0 has the first rows. Raises ValueError if the batch cannot be divided evenly:
    the mean of the processes' means would not be the mean of the batch.
    """
    if not 0 <= rank < num_processes:
        raise ValueError(f"rank is {rank}; of {num_processes} processes, they are 0 to {num_processes - 1}")
    if len(batch) % num_processes:
        raise ValueError(
            f"a batch of {len(batch)} cannot be divided evenly among {num_processes} processes; take a multiple"
        )
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
