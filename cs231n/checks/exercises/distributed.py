"""Training in several processes; the others are played, one after the other, in this one."""

import contextlib
from unittest import mock

import numpy as np

from ..authoring.answers import array_of, tensors
from ..authoring.inputs import random_arrays
from ..authoring.variants import mistakes, variants
from ..todo import Method, Wrong

MODULE = "cs231n.distributed"


# A share of the batch ---------------------------------------------------------------------------------------


def _share_cases():
    rows = np.arange(24.0).reshape(12, 2)
    return {
        "first of two": (rows, 0, 2, "array"),
        "last of three": (rows, 2, 3, "array"),
        "second of four, three axes": (np.arange(48.0).reshape(8, 3, 2), 1, 4, "array"),
        "a single process": (rows, 0, 1, "array"),
        "one row each": (np.arange(4), 3, 4, "array"),
        "a tensor": (rows, 1, 3, "tensor"),
    }


def _run_share(function, batch, rank, num_processes, kind):
    if kind == "array":
        return {"share": function(batch, rank, num_processes)}
    return {"share": array_of("the share of a tensor", function(*tensors(batch), rank, num_processes))}


share_of_batch = Method(
    "share_of_batch",
    f"{MODULE}:share_of_batch",
    run=_run_share,
    notebook="extras",
    minutes=3,
    cases=_share_cases,
    outputs=("share",),
    hints=(
        "How many rows does each process get? Rank 0 begins at row 0; where does rank 1 begin?",
        "each = len(batch) // num_processes; rank r has the rows from r * each up to, and without, (r + 1) * each.",
    ),
)


@share_of_batch.oracle
def _(batch, rank, num_processes, kind):
    return {"share": np.array_split(batch, num_processes)[rank]}


mistakes(
    share_of_batch,
    {
        "every process takes the whole batch: then they all do the same work": lambda x, r, n: x,
        "every process takes the first share: the other rows are never seen": lambda x, r, n: x[: len(x) // n],
        "ranks are counted from 1": lambda x, r, n: x[(r - 1) * (len(x) // n) : r * (len(x) // n)],
        "each takes every n-th row; that divides as well, but asked for are rows that follow one another": (
            lambda x, r, n: x[r::n]
        ),
        "the share begins at row `rank`, so that the shares overlap": lambda x, r, n: x[r : r + len(x) // n],
        "the share runs from its first row to the end of the batch": lambda x, r, n: x[r * (len(x) // n) :],
        "the last row of each share is left out: a slice ends before its second number": (
            lambda x, r, n: x[r * (len(x) // n) : (r + 1) * (len(x) // n) - 1]
        ),
        "the shares are counted from the end": lambda x, r, n: x[len(x) - (r + 1) * (len(x) // n) :][: len(x) // n],
        "one row for each process": lambda x, r, n: x[r : r + 1],
    },
)


# The mean of the gradients ----------------------------------------------------------------------------------


SHAPES = {"Wx": (3, 4), "Wh": (4, 4), "b": (4,), "W_vocab": (4, 5)}


def _gradient_cases():
    """(names, arrays ...): the names in the order of each process's dict, and all gradients, process by process."""

    def case(seed, dtype, *orders):
        names = [order.split() for order in orders]
        return names, *random_arrays(seed, dtype, *(SHAPES[name] for order in names for name in order))

    return {
        "two processes": case(311, np.float64, "Wx b", "Wx b"),
        "three processes": case(312, np.float64, *["Wx b W_vocab"] * 3),
        "names in another order": case(313, np.float64, "Wh Wx b", "b Wx Wh"),
        "float32": case(314, np.float32, "b Wh", "b Wh"),
        "one parameter": case(315, np.float64, "Wx", "Wx"),
        "one process": case(316, np.float64, "Wx b"),
    }


def _processes(names, arrays):
    """The dict of gradients of each process."""
    arrays = iter(arrays)
    return [{name: next(arrays) for name in order} for order in names]


class _Processes:
    """torch.distributed as the process of rank 0 sees it, once the others have been heard."""

    def __init__(self, size):
        self.size, self.rank, self.heard = size, 0, {}

    def get_world_size(self, group=None):
        return self.size

    def get_rank(self, group=None):
        return self.rank

    def is_initialized(self):
        return True

    def all_reduce(self, tensor, op=None, group=None, async_op=False):
        import torch
        import torch.distributed as dist

        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"all_reduce takes a torch tensor, not {type(tensor).__name__}; see torch.from_numpy")
        if op not in (None, dist.ReduceOp.SUM, dist.ReduceOp.MAX, dist.ReduceOp.MIN):
            raise ValueError("Gloo knows no ReduceOp.AVG: take the sum, and divide by the number of processes")
        together = {dist.ReduceOp.MAX: torch.maximum, dist.ReduceOp.MIN: torch.minimum}.get(op, torch.add)
        for other in self._others("all_reduce", tensor):
            tensor.copy_(together(tensor, other))
        return mock.Mock() if async_op else None  # has a wait(), as torch's handle

    def all_gather(self, tensor_list, tensor, group=None, async_op=False):
        for place, said in zip(tensor_list, [tensor, *self._others("all_gather", tensor)]):
            place.copy_(said)
        return mock.Mock() if async_op else None

    def _others(self, name, tensor):
        """What the other processes handed over in the same call; nothing while it is one of them that speaks."""
        said = self.heard.setdefault(self.rank, [])
        said.append(tensor.detach().clone())
        n, others = len(said) - 1, [] if self.rank else range(1, self.size)
        if any(n >= len(self.heard[rank]) or self.heard[rank][n].shape != tensor.shape for rank in others):
            raise Wrong(
                f"in {name} number {n + 1}, the processes hand over tensors of different shapes, and would wait for "
                "each other in vain: do they take the gradients in one order?"
            )
        return [self.heard[rank][n].to(tensor.dtype) for rank in others]


def _run_average(function, names, *arrays):
    import torch.distributed as dist

    processes = _processes(names, arrays)
    world = _Processes(len(processes))
    calls = "all_reduce", "all_gather", "get_world_size", "get_rank", "is_initialized"
    played = {name: getattr(world, name) for name in calls}
    known = getattr(function, "__globals__", {})  # a module may also have taken functions from torch.distributed
    taken = {key: played[name] for key, value in known.items() for name in calls if value is getattr(dist, name)}
    with mock.patch.multiple(dist, **played), mock.patch.dict(known, taken) if taken else contextlib.nullcontext():
        for world.rank in reversed(range(len(processes))):
            mine = {name: grad.copy() for name, grad in processes[world.rank].items()}
            got = function(mine)
    if not isinstance(got, dict):
        raise Wrong(f"average_gradients must return a dict of arrays by name, not {type(got).__name__}")
    if got.keys() != processes[0].keys():
        raise Wrong(f"average_gradients must return the names {', '.join(sorted(processes[0]))}; it returned "
                    f"{', '.join(sorted(map(str, got))) or 'none'}")  # fmt: skip
    return {name: got[name].copy() if isinstance(got[name], np.ndarray) else got[name] for name in sorted(got)}


average_gradients = Method(
    "average_gradients",
    f"{MODULE}:average_gradients",
    run=_run_average,
    notebook="extras",
    minutes=15,
    cases=_gradient_cases,
    outputs=(),
    hints=(
        "all_reduce works in place on a tensor. torch.from_numpy(array) shares the array's memory, so that afterwards "
        "the array holds the sum; torch.tensor(array) is a copy. A sum over W processes is W times the mean.",
        "Every process must hand over the same things in the same order. np.concatenate([grads[name].ravel() for name "
        "in sorted(grads)]) makes one vector of all; np.split and reshape take it apart again.",
        "total = torch.from_numpy(the vector); dist.all_reduce(total); mean = total.numpy() / dist.get_world_size(); "
        "np.split(mean, np.cumsum(the sizes)[:-1]) gives the parts in the order of the names.",
    ),
)


@average_gradients.oracle
def _(names, *arrays):
    processes = _processes(names, arrays)
    return {name: np.mean([grads[name] for grads in processes], axis=0) for name in sorted(processes[0])}


def _average(grads, slip=""):
    """average_gradients, one parameter at a time, with one thing wrong."""
    import torch
    import torch.distributed as dist

    result = {}
    for name in grads if slip == "own order" else sorted(grads):
        grad = grads[name].copy()
        if slip == "all but the biases" and grad.ndim == 1:
            result[name] = grad
            continue
        if slip == "divided twice":
            grad /= dist.get_world_size()
        tensor = torch.tensor(grad) if slip == "copy" else torch.from_numpy(grad)
        if slip != "as it was":
            dist.all_reduce(tensor, dist.ReduceOp.MAX if slip == "largest" else dist.ReduceOp.SUM)
        if slip not in ("sum", "as it was"):
            grad /= 2 if slip == "two" else dist.get_world_size()
        if slip == "other processes":
            grad = (grad * dist.get_world_size() - grads[name]) / max(dist.get_world_size() - 1, 1)
        result[name] = grad
    return result


variants(
    average_gradients,
    _average,
    {
        "the gradients are added up, not averaged: the learning rate is then as many times higher": {"slip": "sum"},
        "it is divided by the number of processes twice, before the sum and after it": {"slip": "divided twice"},
        "a copy is summed: torch.tensor copies, and the array keeps this process's own gradient": {"slip": "copy"},
        "nothing is exchanged: each process keeps its own gradients": {"slip": "as it was"},
        "the largest of the gradients is taken, not their sum": {"slip": "largest"},
        "it is always divided by 2, however many processes there are": {"slip": "two"},
        "each process takes the gradients in its own dict's order, so that unlike ones may be added up": {
            "slip": "own order"
        },
        "the mean is over the other processes only": {"slip": "other processes"},
        "vectors are left out: the biases of the processes will drift apart": {"slip": "all but the biases"},
    },
)
