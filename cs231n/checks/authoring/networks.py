"""Answers that build a network: known weights take the place of random ones, the same that the oracle uses.

A network whose parameters have other shapes cannot take them; a case that looks at its weights still tells such
mistakes apart.
"""

import contextlib
import functools
import itertools
import math
from unittest import mock

import numpy as np

from ..todo import Wrong
from .answers import array_of, kind_of, tensors
from .inputs import random_arrays

# Names of torch layers, and their arguments.
LEAKY, RELU, TANH, SIGMOID = ("LeakyReLU", 0.01), ("ReLU",), ("Tanh",), ("Sigmoid",)


def weights(shapes):
    """Arrays of these shapes, of a size that keeps signals alive through the layers; not to be written into."""
    return _weights(tuple(shapes))


@functools.lru_cache(maxsize=4)  # filling millions of numbers takes longer than what is done with them
def _weights(shapes):
    (block,) = random_arrays(41, np.float64, (4099,))  # a prime: no row of a matrix is like another
    scales = [1.5 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.5 for shape in shapes]
    return [np.resize(np.roll(block, 97 * k) * scale, shape) for k, (shape, scale) in enumerate(zip(shapes, scales))]


def network_run(name, shapes, outputs):
    """How to run an answer that builds a network; shapes(**settings): its parameters' shapes, in order.

    A case is (input of the network, or None to look at its weights; settings: keyword arguments of the answer).
    outputs: what to call what comes out: while training; then, if there are more names, in eval mode; and there, of
    the first image alone.
    """

    def run(function, x, settings):
        import torch

        if x is None:
            return _about_weights(lambda: _built(name, function, settings), settings)
        with _nothing_drawn():
            model = _built(name, function, settings)
        put_in(name, model, shapes(**settings), x)
        seen = {}
        with torch.no_grad():
            for output, training, images in zip(outputs, (True, False, False), (x, x, x[:1])):
                seen[output] = array_of(output, model.train(training)(torch.from_numpy(images)))
        return seen

    return run


def _built(name, function, settings):
    import torch

    model = function(**settings)
    if not isinstance(model, torch.nn.Module):
        kind = kind_of(model)
        raise Wrong(f"{name} must return a network (a torch.nn.Module such as nn.Sequential); it returned {kind}")
    return model


@contextlib.contextmanager
def _nothing_drawn():
    """Leave new layers' weights as they are: drawing millions takes longer than all else, and ours replace them."""
    from torch.nn import init

    with mock.patch.multiple(init, kaiming_uniform_=lambda w, **_: w, uniform_=lambda w, *_, **__: w):
        yield


def _about_weights(build, settings):
    with contextlib.nullcontext() if "seed" in settings else _nothing_drawn():
        model = build()
    sizes = [n for p in model.parameters() for n in p.shape]
    outputs = {"parameters": sum(p.numel() for p in model.parameters()), "shapes": np.array(sizes)}
    if "seed" in settings:
        pairs = zip(model.parameters(), build().parameters())
        outputs["same weights for the same seed"] = int(all(p.equal(q) for p, q in pairs))
    return outputs


def put_in(name, model, shapes, x):
    """Put our weights in the place of the model's, in x's dtype, in the order in which the network uses them on x.

    A network may have registered its layers in another order, and its matrices may all be transposed.
    """
    import torch

    model.to(getattr(torch, str(x.dtype)))
    found = _in_order_of_use(model, x)
    total = f"it has {sum(p.numel() for p in found):,} parameters, expected {count(shapes):,}"
    for k, (p, want) in enumerate(itertools.zip_longest(found, shapes), 1):
        if p is None:
            raise Wrong(f"{name} has {k - 1} weights and biases, expected {len(shapes)}; the next is {want}; {total}")
        got = tuple(p.shape)
        if want is None:
            raise Wrong(f"{name} has {len(found)} weights and biases, expected {k - 1}; {got} is too many; {total}")
        if got != want and got != want[::-1]:
            raise Wrong(f"weight or bias number {k} of the {name} has shape {got}, expected {want}; {total}")
    transposed = any(tuple(p.shape) != shape for p, shape in zip(found, shapes))
    for p, w in zip(found, weights(shapes)):
        (w,) = tensors(w.astype(x.dtype))  # a copy, for an answer may write into it
        p.data, p.grad = w.T.contiguous() if transposed and w.ndim == 2 else w, None


def _in_order_of_use(model, x):
    """The model's parameters, those first that a forward pass on x meets first, and then any that it never meets."""
    import torch
    from torch.overrides import TorchFunctionMode

    ours, met = {id(p): p for p in model.parameters()}, {}

    class Met(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            used = [p for p in (*args, *(kwargs or {}).values()) if id(p) in ours]
            for p in sorted(used, key=lambda p: -p.ndim):  # a bias may stand in front of its weight, as in addmm
                met.setdefault(id(p), p)
            return function(*args, **(kwargs or {}))

    with torch.no_grad(), Met(), contextlib.suppress(Exception):  # what goes wrong here does so again, and is told
        model.eval()(torch.from_numpy(x))
    return [*met.values(), *(p for key, p in ours.items() if key not in met)]


def count(shapes):
    """How many numbers arrays of these shapes hold."""
    return sum(int(np.prod(shape)) for shape in shapes)


def named_layers(*names):
    """Layers of torch.nn, each by its name and arguments, such as LEAKY; an empty () is left out."""
    import torch

    return [getattr(torch.nn, name)(*args) for name, *args in filter(None, names)]


def filled(module, seed, dtype=np.float64):
    """The module in dtype, with weights that keep signals alive, and biases and norms that show when left out."""
    import torch

    for p, draw in zip(module.parameters(), random_arrays(seed, np.float64, *(p.shape for p in module.parameters()))):
        scale = 1.5 / math.sqrt(p.shape[1]) if p.ndim > 1 else 0.5
        p.data = torch.tensor(draw * scale)
    return module.to(getattr(torch, np.dtype(dtype).name))


def pattern_dropout(phase=0):
    """Stands in for a dropout: in training it multiplies each number by a wave of its own size, the same every time.

    So nothing is left to chance, nor to the layout of the numbers: heads may come before the batch or after it.
    The share that it seems to drop tells functional_patterns() its phase 0, 1, ..
    """
    import torch

    class Pattern(torch.nn.Dropout):
        def forward(self, x):
            return _waves(x, phase) if self.training else x

    return Pattern(_share(phase))


def functional_patterns():
    """A context in which torch's functions with dropout, handed a stand-in's share, do what the stand-in does."""
    import torch
    import torch.nn.functional as F

    attend = F.scaled_dot_product_attention

    def dropout(x, p=0.5, training=True, inplace=False):
        return _waves(x, math.log2(_share(0) / p)) if training and p else x

    def attend_with_dropout(query, key, value, attn_mask=None, dropout_p=0.0, **settings):
        one_hot = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], -1)  # as values they show weights
        return dropout(attend(query, key, one_hot, attn_mask, **settings), dropout_p) @ value

    return mock.patch.multiple(F, dropout=dropout, scaled_dot_product_attention=attend_with_dropout)


def _share(phase):
    return 0.5 / 2**phase


def _waves(x, phase):
    return x * (phase + 20 * x).cos()
