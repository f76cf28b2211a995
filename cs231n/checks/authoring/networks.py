"""Answers that build a network: known weights take the place of random ones, the same that the oracle uses.

A network whose parameters have other shapes cannot take them; a case that looks at its weights still tells such
mistakes apart.
"""

import itertools
import math

import numpy as np

from ..todo import Wrong
from .answers import array_of, kind_of, tensors
from .inputs import random_arrays

# Names of torch layers, and their arguments.
LEAKY, RELU, TANH, SIGMOID = ("LeakyReLU", 0.01), ("ReLU",), ("Tanh",), ("Sigmoid",)


def weights(shapes):
    """Arrays of these shapes, of a size that keeps signals alive through the layers."""
    (block,) = random_arrays(41, np.float64, (4099,))  # a prime: no row of a matrix is like another
    scales = [1.5 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.5 for shape in shapes]
    return [np.resize(np.roll(block, 97 * k) * scale, shape) for k, (shape, scale) in enumerate(zip(shapes, scales))]


def network_run(name, shapes, outputs):
    """How to run an answer that builds a network; shapes(**settings): its parameters' shapes, in order.

    A case is (input of the network, or None to look at its weights; settings: keyword arguments of the answer).
    outputs: what to call what comes out, first while training and then, if there is a second name, in eval mode.
    """

    def run(function, x, settings):
        import torch

        model = _built(name, function, settings)
        if x is None:
            return _about_weights(model, lambda: _built(name, function, settings), settings)
        put_in(name, model, shapes(**settings))
        seen = {}
        with torch.no_grad():
            for output in outputs:
                model.train(output == outputs[0])
                seen[output] = array_of(output, model(torch.from_numpy(x)))
        return seen

    return run


def _built(name, function, settings):
    import torch

    model = function(**settings)
    if not isinstance(model, torch.nn.Module):
        kind = kind_of(model)
        raise Wrong(f"{name} must return a network (a torch.nn.Module such as nn.Sequential); it returned {kind}")
    return model


def _about_weights(model, build_again, settings):
    sizes = [n for p in model.parameters() for n in p.shape]
    outputs = {"parameters": sum(p.numel() for p in model.parameters()), "shapes": np.array(sizes)}
    if "seed" in settings:
        pairs = zip(model.parameters(), build_again().parameters())
        outputs["same weights for the same seed"] = int(all(p.equal(q) for p, q in pairs))
    return outputs


def put_in(name, model, shapes):
    """Put our weights in the place of the model's, in float64."""
    found = [tuple(p.shape) for p in model.parameters()]
    total = f"it has {sum(p.numel() for p in model.parameters()):,} parameters, expected {count(shapes):,}"
    for k, (got, want) in enumerate(itertools.zip_longest(found, shapes), 1):
        if got is None:
            raise Wrong(f"{name} has {k - 1} weights and biases, expected {len(shapes)}; the next is {want}; {total}")
        if want is None:
            raise Wrong(f"{name} has {len(found)} weights and biases, expected {k - 1}; {got} is too many; {total}")
        if got != want:
            raise Wrong(f"weight or bias number {k} of the {name} has shape {got}, expected {want}; {total}")
    for p, w in zip(model.parameters(), weights(shapes)):
        p.data, p.grad = tensors(w)[0], None
    model.double()


def count(shapes):
    """How many numbers arrays of these shapes hold."""
    return sum(int(np.prod(shape)) for shape in shapes)


def named_layers(*names):
    """Layers of torch.nn, each by its name and arguments, such as LEAKY; an empty () is left out."""
    import torch

    return [getattr(torch.nn, name)(*args) for name, *args in filter(None, names)]


def filled(module, seed):
    """The module in float64, with weights that keep signals alive, and biases and norms that show when left out."""
    import torch

    for p, draw in zip(module.parameters(), random_arrays(seed, np.float64, *(p.shape for p in module.parameters()))):
        scale = 1.5 / math.sqrt(p.shape[1]) if p.ndim > 1 else 0.5
        p.data = torch.tensor(draw * scale)
    return module.double()


def pattern_dropout(phase=0.0):
    """Stands in for a dropout: in training it multiplies by a fixed pattern, so that nothing is left to chance."""
    import torch

    class Pattern(torch.nn.Dropout):
        def forward(self, x):
            if not self.training:
                return x
            return x * torch.cos(phase + torch.arange(x.numel(), dtype=x.dtype)).reshape(x.shape)

    return Pattern(0.5)
