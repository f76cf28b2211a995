"""The two fully connected networks of a GAN."""

import numpy as np

from ..authoring.inputs import random_arrays
from ..authoring.networks import LEAKY, RELU, SIGMOID, TANH, named_layers, network_run, weights
from ..authoring.variants import variants
from ..todo import Method

MODULE = "cs231n.gan_pytorch"


def _affine(x, W, b):
    return x @ W.T + b


def _leaky(x):
    return np.maximum(x, 0.01 * x)


def _mlp(widths, between, *, seed=None, start=(), end=()):
    """A network of Linear layers; between: for each gap, the layers by name."""
    import torch

    if seed is not None:
        torch.manual_seed(seed)
    layers = named_layers(*start)
    for k, (before, after) in enumerate(zip(widths, widths[1:])):
        layers += named_layers(*between[k - 1]) if k else []
        layers.append(torch.nn.Linear(before, after))
    return torch.nn.Sequential(*layers, *named_layers(*end))


def _judge_shapes(seed=None):
    return [(256, 784), (256,), (256, 256), (256,), (1, 256), (1,)]


def _judge_cases():
    flat, square = random_arrays(121, np.float64, (3, 784), (2, 1, 28, 28))
    return {
        "images in rows": (flat, {}),
        "square images": (square, {}),
        "one image": (square[:1], {}),
        "its weights": (None, {"seed": 11}),
    }


discriminator = Method(
    "discriminator",
    f"{MODULE}:discriminator",
    run=network_run("discriminator", _judge_shapes, ("logits",)),
    float32_suffices=True,
    notebook="GANs",
    minutes=5,
    cases=_judge_cases,
    outputs=("logits",),
    hints=(
        "nn.Sequential takes layers in their order. Two Linear layers without anything in between are no more than one "
        "Linear layer.",
        "There are two hidden layers, so there are two LeakyReLUs. Nothing follows the last Linear: the loss wants "
        "logits, from minus to plus infinity.",
        "nn.Sequential(Flatten(), nn.Linear(784, 256), nn.LeakyReLU(0.01), nn.Linear(256, 256), nn.LeakyReLU(0.01), "
        "nn.Linear(256, 1))",
    ),
)


@discriminator.oracle
def _(images, settings):
    if images is None:
        return {"parameters": 267009, "same weights for the same seed": 1}
    W1, b1, W2, b2, W3, b3 = weights(_judge_shapes())
    hidden = _leaky(_affine(images.reshape(len(images), 784), W1, b1))
    return {"logits": _affine(_leaky(_affine(hidden, W2, b2)), W3, b3)}


def _judge(seed=None, widths=(784, 256, 256, 1), between=((LEAKY,), (LEAKY,)), start=(("Flatten",),), end=()):
    return _mlp(widths, between, seed=seed, start=start, end=end)


variants(
    discriminator,
    _judge,
    {
        "the activations are missing: three Linear layers in a row are one, though the parameter count is right": {
            "between": ((), ()),
        },
        "the second LeakyReLU is missing": {"between": ((LEAKY,), ())},
        "the slope is 0.2 instead of 0.01": {"between": ((("LeakyReLU", 0.2),),) * 2},
        "plain ReLUs stand in for the LeakyReLUs: what is negative gives no gradient": {"between": ((RELU,),) * 2},
        "a sigmoid follows the last layer: the loss wants logits, and sees to the sigmoid itself": {"end": (SIGMOID,)},
        "a LeakyReLU follows the last layer: logits may be negative": {"end": (LEAKY,)},
        "the hidden layers have 128 units instead of 256": {"widths": (784, 128, 128, 1)},
        "one hidden layer is missing": {"widths": (784, 256, 1), "between": ((LEAKY,),)},
        "there are two logits, one for each class; one is enough": {"widths": (784, 256, 256, 2)},
        "Flatten is missing: square images do not fit a Linear layer": {"start": ()},
        "the logits have shape (N,) instead of (N, 1)": {"end": (("Flatten", 0),)},
    },
)  # fmt: skip


def _painter_shapes(noise_dim=96, seed=None):
    return [(1024, noise_dim), (1024,), (1024, 1024), (1024,), (784, 1024), (784,)]


def _painter_cases():
    few, many = random_arrays(122, np.float64, (3, 4), (2, 96))
    return {
        "noise of 4 numbers": (few, {"noise_dim": 4}),
        "noise of the default size": (many, {}),
        "noise for one image": (few[:1], {"noise_dim": 4}),
        "its weights": (None, {"noise_dim": 4, "seed": 12}),
    }


generator = Method(
    "generator",
    f"{MODULE}:generator",
    run=network_run("generator", _painter_shapes, ("images",)),
    float32_suffices=True,
    notebook="GANs",
    minutes=5,
    cases=_painter_cases,
    outputs=("images",),
    hints=(
        "It is built like the discriminator, the other way round: from little to much. The first layer takes "
        "noise_dim numbers, whatever that is.",
        "Pixels are in -1..1. Which squashing function has that range? It follows the last Linear, and no ReLU does.",
        "nn.Sequential(nn.Linear(noise_dim, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 784), "
        "nn.Tanh())",
    ),
)


@generator.oracle
def _(noise, settings):
    if noise is None:
        return {"parameters": 1858320, "same weights for the same seed": 1}
    W1, b1, W2, b2, W3, b3 = weights(_painter_shapes(**settings))
    hidden = np.maximum(_affine(np.maximum(_affine(noise, W1, b1), 0), W2, b2), 0)
    return {"images": np.tanh(_affine(hidden, W3, b3))}


def _painter(noise_dim=96, seed=None, widths=(1024, 1024, 784), between=((RELU,), (RELU,)), end=(TANH,)):
    return _mlp((noise_dim, *widths), between, seed=seed, end=end)


variants(
    generator,
    _painter,
    {
        "Tanh is missing: pixels of any size": {"end": ()},
        "a sigmoid stands in for Tanh: pixels in 0..1 instead of -1..1": {"end": (SIGMOID,)},
        "the ReLUs are missing: three Linear layers in a row are one, though the parameter count is right": {
            "between": ((), ()),
        },
        "the second ReLU is missing": {"between": ((RELU,), ())},
        "LeakyReLUs stand in for the ReLUs": {"between": ((LEAKY,),) * 2},
        "Tanh also stands between the layers, where ReLU is wanted": {"between": ((TANH,),) * 2},
        "a ReLU comes before Tanh: no pixel is darker than grey": {"end": (RELU, TANH)},
        "the hidden layers have 256 units instead of 1024": {"widths": (256, 256, 784)},
        "one hidden layer is missing": {"widths": (1024, 784), "between": ((RELU,),)},
    },
)  # fmt: skip


@generator.mistake("noise_dim is ignored: the first layer always takes 96 numbers")
def _(noise_dim=96, seed=None):
    return _painter(96, seed)
