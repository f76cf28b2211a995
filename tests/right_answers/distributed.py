"""Training in several processes: shares of a batch, and means of gradients."""

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed import all_reduce, get_world_size

from . import right


@right("share_of_batch", "a slice from start to end")
def _(batch, rank, num_processes):
    per_process = batch.shape[0] // num_processes
    start = rank * per_process
    return batch[start : start + per_process]


@right("share_of_batch", "an axis for the processes")
def _(batch, rank, num_processes):
    return batch.reshape((num_processes, -1, *batch.shape[1:]))[rank]


@right("share_of_batch", "numbers of rows, picked: a copy")
def _(batch, rank, num_processes):
    n = len(batch)
    return batch[np.arange(rank * n // num_processes, (rank + 1) * n // num_processes)]


@right("share_of_batch", "np.split for arrays, chunk for tensors")
def _(batch, rank, num_processes):
    if isinstance(batch, torch.Tensor):
        return batch.chunk(num_processes)[rank]
    return np.split(batch, num_processes)[rank]


@right("average_gradients", "sorted names, one at a time")
def _(grads):
    result = {}
    for name in sorted(grads.keys()):
        tensor = torch.from_numpy(grads[name].copy())
        dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
        result[name] = (tensor / dist.get_world_size()).numpy()
    return result


@right("average_gradients", "all at once and without waiting, then waited for")
def _(grads):
    tensors = {name: torch.tensor(grads[name]) for name in sorted(grads)}
    handles = [dist.all_reduce(tensor, async_op=True) for tensor in tensors.values()]
    for handle in handles:
        handle.wait()
    return {name: tensors[name].div_(dist.get_world_size()).numpy() for name in grads}


@right("average_gradients", "one flat vector by torch, taken apart by counting")
def _(grads):
    if not dist.is_initialized():
        return dict(grads)
    names = sorted(grads)
    flat = torch.cat([torch.from_numpy(grads[name]).flatten() for name in names])
    flat /= dist.get_world_size()
    dist.all_reduce(flat)
    averaged, at = {}, 0
    for name in names:
        n = grads[name].size
        averaged[name] = flat[at : at + n].numpy().reshape(grads[name].shape)
        at += n
    return averaged


@right("average_gradients", "functions that the module has taken by name")
def _(grads):
    result = {name: torch.from_numpy(np.array(grads[name])) for name in sorted(grads)}
    for tensor in result.values():
        all_reduce(tensor)
        tensor /= get_world_size()
    return {name: tensor.numpy() for name, tensor in result.items()}


@right("average_gradients", "all gradients gathered, then their mean")
def _(grads):
    result = {}
    for name in sorted(grads):
        mine = torch.tensor(grads[name])
        everyones = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        dist.all_gather(everyones, mine)
        result[name] = torch.stack(everyones).mean(dim=0).numpy()
    return result


@right("average_gradients", "the gradients' own memory, in place")
def _(grads):
    for name in sorted(grads):
        dist.all_reduce(torch.from_numpy(grads[name]))
        grads[name] /= dist.get_world_size()
    return grads


@right("average_gradients", "summed in float64", remark="although the inputs are float32")
def _(grads):
    result = {}
    for name in sorted(grads):
        total = torch.as_tensor(grads[name], dtype=torch.float64).clone()
        dist.all_reduce(total)
        result[name] = total.numpy() / dist.get_world_size()
    return result
