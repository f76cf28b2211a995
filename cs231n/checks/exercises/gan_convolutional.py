"""The two convolutional networks of a GAN."""

import numpy as np

from ..authoring.answers import tensors
from ..authoring.inputs import random_arrays
from ..authoring.networks import LEAKY, RELU, SIGMOID, TANH, named_layers, network_run, weights
from ..authoring.variants import variants
from ..todo import Method

MODULE = "cs231n.gan_pytorch"


def _judge_shapes(batch_size=None):
    return [(32, 1, 5, 5), (32,), (64, 32, 5, 5), (64,), (1024, 1024), (1024,), (1, 1024), (1,)]


def _judge_cases():
    flat, square = random_arrays(201, np.float64, (3, 784), (2, 1, 28, 28))
    return {
        "square images": (square, {}),
        "images in rows": (flat, {}),
        "one image": (square[:1], {}),
        "batch_size is given": (square, {"batch_size": 2}),
        "its weights": (None, {}),
    }


build_dc_classifier = Method(
    "build_dc_classifier",
    f"{MODULE}:build_dc_classifier",
    run=network_run("classifier", _judge_shapes, ("logits",)),
    float32_suffices=True,
    notebook="GANs",
    minutes=10,
    cases=_judge_cases,
    outputs=("logits",),
    hints=(
        "Write down the size after each layer. A 5x5 convolution without padding takes 4 pixels off each side length, "
        "a pooling of 2 halves it: 28, 24, 12, ...",
        "... 8, 4. So Flatten hands 64 * 4 * 4 numbers to the first Linear. There are three LeakyReLUs: one after each "
        "convolution, one after the first Linear, none at the end.",
        "Unflatten(batch, 1, 28, 28), nn.Conv2d(1, 32, 5), nn.LeakyReLU(0.01), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5), "
        "nn.LeakyReLU(0.01), nn.MaxPool2d(2), Flatten(), nn.Linear(1024, 1024), nn.LeakyReLU(0.01), nn.Linear(1024, 1)",
    ),
)


@build_dc_classifier.oracle
def _(images, settings):
    import torch.nn.functional as F

    if images is None:
        return {"parameters": 1102721}
    w1, b1, w2, b2, W3, b3, W4, b4 = tensors(*weights(_judge_shapes()))
    (x,) = tensors(images.reshape(-1, 1, 28, 28))
    x = F.max_pool2d(F.leaky_relu(F.conv2d(x, w1, b1), 0.01), 2)
    x = F.max_pool2d(F.leaky_relu(F.conv2d(x, w2, b2), 0.01), 2).reshape(len(x), 1024)
    return {"logits": F.linear(F.leaky_relu(F.linear(x, W3, b3), 0.01), W4, b4).numpy()}


def _judge(
    batch_size=None, *,
    kernel=5, stride=1, padding=0, pools=(("MaxPool2d", 2),) * 2, between=(LEAKY,) * 3, unflatten=True, hidden=1024,
    end=(),
):  # fmt: skip
    import torch

    side, layers = 28, [torch.nn.Flatten(), torch.nn.Unflatten(1, (1, 28, 28))] if unflatten else []
    for channels, pool, activation in zip(((1, 32), (32, 64)), pools, between):
        layers.append(torch.nn.Conv2d(*channels, kernel, stride, padding))
        layers += named_layers(activation, pool)
        side = ((side + 2 * padding - kernel) // stride + 1) // (2 if pool else 1)
    layers += [torch.nn.Flatten(), torch.nn.Linear(64 * side * side, hidden)]
    layers += named_layers(*between[2:])
    return torch.nn.Sequential(*layers, torch.nn.Linear(hidden, 1), *named_layers(*end))


variants(
    build_dc_classifier,
    _judge,
    {
        "the activations are missing, though the parameter count is right": {"between": ((),) * 3},
        "the LeakyReLU before the last Linear is missing": {"between": (LEAKY, LEAKY, ())},
        "the LeakyReLUs after the convolutions are missing": {"between": ((), (), LEAKY)},
        "the slope is 0.2 instead of 0.01": {"between": (("LeakyReLU", 0.2),) * 3},
        "plain ReLUs stand in for the LeakyReLUs": {"between": (RELU,) * 3},
        "average pooling stands in for MaxPool": {"pools": (("AvgPool2d", 2),) * 2},
        "the convolutions have stride 2 and the MaxPools are missing, though the parameter count is right": {
            "stride": 2, "pools": ((), ()),
        },
        "the second MaxPool is missing": {"pools": (("MaxPool2d", 2), ())},
        "the first MaxPool is missing": {"pools": ((), ("MaxPool2d", 2))},
        "the convolutions are padded by 2, which keeps the size: 28, 14, 7 instead of 28, 12, 4": {"padding": 2},
        "the convolutions are 3x3 instead of 5x5": {"kernel": 3},
        "the hidden Linear layer has 256 units instead of 1024": {"hidden": 256},
        "Unflatten is missing: images in rows do not fit a convolution": {"unflatten": False},
        "a sigmoid follows the last layer: the loss wants logits, and sees to the sigmoid itself": {"end": (SIGMOID,)},
    },
)  # fmt: skip


def _painter_shapes(noise_dim=96):
    dense = [(1024, noise_dim), (1024,), (1024,), (1024,), (6272, 1024), (6272,), (6272,), (6272,)]
    return dense + [(128, 64, 4, 4), (64,), (64,), (64,), (64, 1, 4, 4), (1,)]


def _painter_cases():
    few, many = random_arrays(202, np.float64, (3, 4), (2, 96))
    return {
        "noise of 4 numbers": (few, {"noise_dim": 4}),
        "noise of the default size": (many, {}),
        "its weights": (None, {"noise_dim": 4}),
    }


build_dc_generator = Method(
    "build_dc_generator",
    f"{MODULE}:build_dc_generator",
    run=network_run("generator", _painter_shapes, ("images", "images in eval mode", "a single image in eval mode")),
    float32_suffices=True,
    notebook="GANs",
    minutes=10,
    cases=_painter_cases,
    outputs=("images",),
    hints=(
        "BatchNorm1d after a Linear layer's ReLU, BatchNorm2d after a convolution's. Each takes the number of features "
        "or channels that come in.",
        "ConvTranspose2d(128, 64, 4, stride=2, padding=1) makes 14 x 14 out of 7 x 7: (7 - 1) * 2 - 2 * 1 + 4. The "
        "second one, from 64 channels to 1, is followed by Tanh alone, and Flatten makes rows of 784.",
        "nn.Linear(noise_dim, 1024), nn.ReLU(), nn.BatchNorm1d(1024), nn.Linear(1024, 6272), nn.ReLU(), "
        "nn.BatchNorm1d(6272), Unflatten(-1, 128, 7, 7), nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), "
        "nn.ReLU(), nn.BatchNorm2d(64), nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(), Flatten()",
    ),
)


@build_dc_generator.oracle
def _(noise, settings):
    import torch
    import torch.nn.functional as F

    if noise is None:
        return {"parameters": 6580801}
    given = tensors(*weights(_painter_shapes(**settings)))
    (W1, b1, *norm1), (W2, b2, *norm2), (w3, b3, *norm3), (w4, b4) = given[:4], given[4:8], given[8:12], given[12:]
    running = {n: (torch.zeros(n, dtype=torch.float64), torch.ones(n, dtype=torch.float64)) for n in (1024, 6272, 64)}

    def paint(training):
        def normed(x, norm):
            return F.batch_norm(x, *running[x.shape[1]], *norm, training)

        (x,) = tensors(noise)
        x = normed(F.relu(F.linear(x, W1, b1)), norm1)
        x = normed(F.relu(F.linear(x, W2, b2)), norm2).reshape(-1, 128, 7, 7)
        x = normed(F.relu(F.conv_transpose2d(x, w3, b3, stride=2, padding=1)), norm3)
        return torch.tanh(F.conv_transpose2d(x, w4, b4, stride=2, padding=1)).reshape(-1, 784).numpy()

    trained, evaluated = paint(True), paint(False)
    return {"images": trained, "images in eval mode": evaluated, "a single image in eval mode": evaluated[:1]}


def _painter(
    noise_dim=96, *,
    activation=RELU, norms=("BatchNorm1d", "BatchNorm1d", "BatchNorm2d"), norm_first=False, padding=1, channels=64,
    end=(TANH, ("Flatten",)),
):  # fmt: skip
    import torch

    def block(layer, norm, features):
        after = activation, (norm, features) if norm else ()
        return [layer, *named_layers(*(after[::-1] if norm_first else after))]

    return torch.nn.Sequential(
        *block(torch.nn.Linear(noise_dim, 1024), norms[0], 1024),
        *block(torch.nn.Linear(1024, 6272), norms[1], 6272),
        torch.nn.Unflatten(1, (128, 7, 7)),
        *block(torch.nn.ConvTranspose2d(128, channels, 4, 2, padding), norms[2], channels),
        torch.nn.ConvTranspose2d(channels, 1, 4, 2, padding),
        *named_layers(*end),
    )


variants(
    build_dc_generator,
    _painter,
    {
        "Tanh is missing: pixels of any size": {"end": (("Flatten",),)},
        "a sigmoid stands in for Tanh: pixels in 0..1 instead of -1..1": {"end": (SIGMOID, ("Flatten",))},
        "Flatten is missing at the end: images (N, 1, 28, 28) instead of rows of 784": {"end": (TANH,)},
        "the order of ReLU and BatchNorm is exchanged": {"norm_first": True},
        "the BatchNorms are missing": {"norms": ("", "", "")},
        "the BatchNorm after the transposed convolution is missing": {"norms": ("BatchNorm1d", "BatchNorm1d", "")},
        "the BatchNorms after the Linear layers are missing": {"norms": ("", "", "BatchNorm2d")},
        "the ReLUs are missing, though the parameter count is right": {"activation": ()},
        "LeakyReLUs stand in for the ReLUs": {"activation": LEAKY},
        "the transposed convolutions have no padding: 7 - 16 - 34 pixels instead of 7 - 14 - 28": {"padding": 0},
        "there are 32 channels between the transposed convolutions instead of 64": {"channels": 32},
        "one BatchNorm too many stands before Tanh": {"end": (("BatchNorm2d", 1), TANH, ("Flatten",))},
    },
)  # fmt: skip


@build_dc_generator.mistake("noise_dim is ignored: the first layer always takes 96 numbers")
def _(noise_dim=96):
    return _painter(96)
