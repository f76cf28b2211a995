"""The TODOs of GANs.ipynb: networks with weights put in from outside, losses in closed form, one round of the game."""

import functools
import itertools

import numpy as np

from ..todo import Method, Wrong
from .net_visualization import _array
from .rnn import random_arrays
from .style_transfer import _loss_and_gradients, _tensors

MODULE = "cs231n.gan_pytorch"


def _mistakes(todo, functions):
    for title, function in functions.items():
        todo.mistake(title)(function)


def _variants(todo, build, switches):
    """Mistakes that are one right way to build the answer with a switch turned."""
    _mistakes(todo, {title: functools.partial(build, **switch) for title, switch in switches.items()})


# Noise ------------------------------------------------------------------------------------------------------


def _noise_cases():
    return {
        "many numbers from a seed": (100, 100, 231),
        "many numbers without a seed": (100, 100, None),
        "a few numbers": (3, 5, 7),
    }


def _run_noise(function, batch_size, dim, seed):
    """Nothing here depends on which numbers come: with 10,000 of them, chance moves no statistic by half a tenth."""
    import torch

    noise = function(batch_size, dim, seed)
    values = _array("the noise", noise)
    if values.shape != (batch_size, dim):
        raise Wrong(f"the noise has shape {values.shape}, expected {(batch_size, dim)}, that is (batch_size, dim)")
    if noise.dtype != torch.float32:
        raise Wrong(f"the noise is {noise.dtype}, expected torch.float32")
    outputs = _statistics(values) if values.size >= 10_000 else {}
    outputs["same numbers in a second call"] = int(torch.equal(noise, function(batch_size, dim, seed)))
    if seed is not None:
        outputs["same numbers with another seed"] = int(torch.equal(noise, function(batch_size, dim, seed + 1)))
    return outputs


def _statistics(values):
    """To quarters, and extremes no larger than 2, so that every sample of one distribution has the same.

    To tenths, 0..2 had not: its root of the mean square, 1.155, lies too near to 1.15.
    """
    found = values.min(), values.max(), values.mean(), np.sqrt(np.square(values).mean())
    names = "smallest number", "largest number", "mean", "root of the mean square, to a quarter,"
    return {name: round(4 * float(np.clip(x, -2, 2))) / 4 + 0.0 for name, x in zip(names, found)}


sample_noise = Method(
    "sample_noise",
    f"{MODULE}:sample_noise",
    run=_run_noise,
    notebook="GANs",
    minutes=3,
    cases=_noise_cases,
    outputs=("noise",),
    hints=(
        "torch.rand is uniform in 0..1, torch.randn is normal. What takes an interval of length 1 that begins at 0 to "
        "one of length 2 that begins at -1?",
        "torch.rand(batch_size, dim, generator=generator) draws from the generator made in the line above. Double "
        "it, then subtract 1.",
    ),
)


@sample_noise.oracle
def _(batch_size, dim, seed):
    again = {"same numbers in a second call": 0.0 if seed is None else 1.0}
    if seed is not None:
        again["same numbers with another seed"] = 0.0
    if batch_size * dim < 10_000:
        return again
    found = {"smallest number": -1, "largest number": 1, "mean": 0.0, "root of the mean square, to a quarter,": 0.5}
    return found | again


def _uniform(batch_size, dim, seed=None, low=-1, high=1, draw="rand"):
    import torch

    source = None if seed is None else torch.Generator().manual_seed(seed)
    return low + (high - low) * getattr(torch, draw)(batch_size, dim, generator=source)


_variants(
    sample_noise,
    _uniform,
    {
        "the noise is normal instead of uniform: torch.randn, where torch.rand is wanted": {
            "low": 0, "high": 1, "draw": "randn",
        },
        "the noise is normal, doubled and shifted: torch.randn, where torch.rand is wanted": {"draw": "randn"},
        "the noise is in 0..1 as torch.rand gives it": {"low": 0},
        "1 is subtracted, but the numbers are not doubled before: -1..0": {"high": 0},
        "the noise is in -0.5..0.5: centred, but not doubled": {"low": -0.5, "high": 0.5},
        "the numbers are doubled, but 1 is not subtracted: 0..2": {"low": 0, "high": 2},
    },
)  # fmt: skip
_mistakes(
    sample_noise,
    {
        "the seed is ignored: torch.rand is not given the generator": lambda n, dim, seed=None: _uniform(n, dim),
        "the noise without a seed is always the same, too": lambda n, dim, seed=None: _uniform(n, dim, seed or 0),
        "the noise is the same for every seed": lambda n, dim, seed=None: _uniform(n, dim, None if seed is None else 0),
        "the two sizes are exchanged: (dim, batch_size)": lambda n, dim, seed=None: _uniform(dim, n, seed),
    },
)


# Networks ---------------------------------------------------------------------------------------------------
#
# The weights a network was born with are random, so others take their place, the same ones that the oracle uses.
# A network whose parameters have other shapes cannot take them; the case "its weights" still tells such mistakes apart.


def _weights(shapes):
    """Arrays of these shapes, of a size that keeps signals alive through the layers."""
    (block,) = random_arrays(41, np.float64, (4099,))  # a prime: no row of a matrix is like another
    scales = [1.5 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.5 for shape in shapes]
    return [np.resize(np.roll(block, 97 * k) * scale, shape) for k, (shape, scale) in enumerate(zip(shapes, scales))]


def _network(name, shapes, outputs):
    """How to run an answer that builds a network; shapes(**settings): its parameters' shapes, in order.

    A case is (input of the network, or None to look at its weights; settings: keyword arguments of the answer).
    outputs: what to call what comes out, first while training and then, if there is a second name, in eval mode.
    """

    def run(function, x, settings):
        import torch

        model = _built(name, function, settings)
        if x is None:
            return _about_weights(model, lambda: _built(name, function, settings), settings)
        _put_in(name, model, shapes(**settings))
        seen = {}
        with torch.no_grad():
            for output in outputs:
                model.train(output == outputs[0])
                seen[output] = _array(output, model(torch.from_numpy(x)))
        return seen

    return run


def _built(name, function, settings):
    import torch

    model = function(**settings)
    if not isinstance(model, torch.nn.Module):
        what = "None" if model is None else f"a {type(model).__name__}"
        raise Wrong(f"{name} must return a network (a torch.nn.Module such as nn.Sequential); it returned {what}")
    return model


def _about_weights(model, build_again, settings):
    sizes = [n for p in model.parameters() for n in p.shape]
    outputs = {"parameters": sum(p.numel() for p in model.parameters()), "shapes": np.array(sizes)}
    if "seed" in settings:
        pairs = zip(model.parameters(), build_again().parameters())
        outputs["same weights for the same seed"] = int(all(p.equal(q) for p, q in pairs))
    return outputs


def _put_in(name, model, shapes):
    """Put our weights in the place of the model's, in float64."""
    found = [tuple(p.shape) for p in model.parameters()]
    total = f"it has {sum(p.numel() for p in model.parameters()):,} parameters, expected {_count(shapes):,}"
    for k, (got, want) in enumerate(itertools.zip_longest(found, shapes), 1):
        if got is None:
            raise Wrong(f"{name} has {k - 1} weights and biases, expected {len(shapes)}; the next is {want}; {total}")
        if want is None:
            raise Wrong(f"{name} has {len(found)} weights and biases, expected {k - 1}; {got} is too many; {total}")
        if got != want:
            raise Wrong(f"weight or bias number {k} of the {name} has shape {got}, expected {want}; {total}")
    for p, w in zip(model.parameters(), _weights(shapes)):
        p.data, p.grad = _tensors(w)[0], None
    model.double()


def _count(shapes):
    return sum(int(np.prod(shape)) for shape in shapes)


def _affine(x, W, b):
    return x @ W.T + b


def _leaky(x):
    return np.maximum(x, 0.01 * x)


def _mlp(widths, between, *, seed=None, start=(), end=()):
    """A network of Linear layers; between: for each gap, the names of torch layers and their arguments."""
    import torch

    if seed is not None:
        torch.manual_seed(seed)
    layers = [_layer(*name) for name in start]
    for k, (before, after) in enumerate(zip(widths, widths[1:])):
        layers += [_layer(*name) for name in between[k - 1]] if k else []
        layers.append(torch.nn.Linear(before, after))
    return torch.nn.Sequential(*layers, *(_layer(*name) for name in end))


def _layer(name, *args):
    import torch

    return getattr(torch.nn, name)(*args)


LEAKY, RELU, TANH, SIGMOID = ("LeakyReLU", 0.01), ("ReLU",), ("Tanh",), ("Sigmoid",)


# The two fully connected ones -------------------------------------------------------------------------------


def _judge_shapes(seed=None):
    return [(256, 784), (256,), (256, 256), (256,), (1, 256), (1,)]


def _judge_cases():
    flat, square = random_arrays(121, np.float64, (3, 784), (2, 1, 28, 28))
    return {"images in rows": (flat, {}), "square images": (square, {}), "its weights": (None, {"seed": 11})}


discriminator = Method(
    "discriminator",
    f"{MODULE}:discriminator",
    run=_network("discriminator", _judge_shapes, ("logits",)),
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
    W1, b1, W2, b2, W3, b3 = _weights(_judge_shapes())
    hidden = _leaky(_affine(images.reshape(len(images), 784), W1, b1))
    return {"logits": _affine(_leaky(_affine(hidden, W2, b2)), W3, b3)}


def _judge(seed=None, widths=(784, 256, 256, 1), between=((LEAKY,), (LEAKY,)), start=(("Flatten",),), end=()):
    return _mlp(widths, between, seed=seed, start=start, end=end)


_variants(
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
        "its weights": (None, {"noise_dim": 4, "seed": 12}),
    }


generator = Method(
    "generator",
    f"{MODULE}:generator",
    run=_network("generator", _painter_shapes, ("images",)),
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
    W1, b1, W2, b2, W3, b3 = _weights(_painter_shapes(**settings))
    hidden = np.maximum(_affine(np.maximum(_affine(noise, W1, b1), 0), W2, b2), 0)
    return {"images": np.tanh(_affine(hidden, W3, b3))}


def _painter(noise_dim=96, seed=None, widths=(1024, 1024, 784), between=((RELU,), (RELU,)), end=(TANH,)):
    return _mlp((noise_dim, *widths), between, seed=seed, end=end)


_variants(
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


# Losses -----------------------------------------------------------------------------------------------------


def _softplus(x):
    """log(1 + exp(x)), of a numpy array or a torch tensor, without overflow."""
    if isinstance(x, np.ndarray):
        return np.logaddexp(0, x)
    return x.clamp(min=0) + x.abs().neg().exp().log1p()


def _sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


def _bce_cases():
    def case(seed, dtype, shape, target_shape):
        logits, draw = random_arrays(seed, dtype, shape, target_shape)
        return 3 * logits, (draw > 0).astype(dtype)

    soft = case(134, np.float64, (5, 1), (5, 1))[0], np.array([[0.9], [0.1], [0.5], [1.0], [0.25]])
    large = np.array([1e4, -1e4, 1e4, -1e4, 800.0, -90.0]), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    return {
        "a row of logits": case(131, np.float64, (6,), (6,)),
        "a column (N, 1) with targets in a row": case(132, np.float64, (5, 1), (5,)),
        "a row with targets in a column": case(133, np.float64, (4,), (4, 1)),
        "targets between 0 and 1": soft,
        "large logits": large,
        "large logits in float32": tuple(a.astype(np.float32) for a in large),
    }


def _run_bce(function, input, target):
    logits, targets = _tensors(input, target)
    return _loss_and_gradients("bce_loss", function(logits.requires_grad_(), targets), {"gradient": logits})


bce_loss = Method(
    "bce_loss",
    f"{MODULE}:bce_loss",
    run=_run_bce,
    notebook="GANs",
    minutes=10,
    cases=_bce_cases,
    outputs=("loss", "gradient"),
    hints=(
        "The formula is -t log s(x) - (1 - t) log(1 - s(x)), rewritten so that nothing overflows: exp is only taken of "
        "-|x|, which is never positive. Write it as it stands, element by element.",
        "Give the targets the shape of the logits first: target = target.reshape(input.shape).",
        "(input.clamp(min=0) - input * target + torch.log1p(torch.exp(-input.abs()))).mean()",
    ),
)


@bce_loss.oracle
def _(input, target):
    x, t = input.astype(np.float64), target.reshape(input.shape).astype(np.float64)
    loss = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    return {"loss": loss.mean(), "gradient": (_sigmoid(x) - t) / x.size}


def _bce(x, t):
    """The loss of every element."""
    return _softplus(x) - x * t.reshape(x.shape)


def _log_of_sigmoid(x, t, log=lambda p: p.log()):
    p, t = x.sigmoid(), t.reshape(x.shape)
    return -(t * log(p) + (1 - t) * log(1 - p)).mean()


def _capped(x, t):
    from torch.nn.functional import binary_cross_entropy

    return binary_cross_entropy(x.sigmoid(), t.reshape(x.shape))


_mistakes(
    bce_loss,
    {
        "the logarithm is taken of a sigmoid, which is exactly 0 or 1 for large logits: inf and nan": _log_of_sigmoid,
        "the logarithm is taken of a sigmoid plus 1e-8: large losses stop growing and give no gradient": (
            lambda x, t: _log_of_sigmoid(x, t, lambda p: (p + 1e-8).log())
        ),
        "the sigmoid is made first, for torch's binary_cross_entropy, which caps losses at 100": _capped,
        "exp is taken of x itself, log(1 + exp(x)) - x t: it overflows for large logits": (
            lambda x, t: ((1 + x.exp()).log() - x * t.reshape(x.shape)).mean()
        ),
        "the absolute value is missing: exp(-x) instead of exp(-|x|)": (
            lambda x, t: (x.clamp(min=0) - x * t.reshape(x.shape) + x.neg().exp().log1p()).mean()
        ),
        "max(x, 0) is missing": lambda x, t: (_bce(x, t) - x.clamp(min=0)).mean(),
        "|x| stands where max(x, 0) belongs": lambda x, t: (_bce(x, t) + x.neg().clamp(min=0)).mean(),
        "the losses are added up instead of averaged": lambda x, t: _bce(x, t).sum(),
        "the targets are flipped: 1 - t": lambda x, t: _bce(x, 1 - t).mean(),
        "the sign is wrong: the loss falls as the answers get worse": lambda x, t: -_bce(x, t).mean(),
        "x t is added instead of subtracted": lambda x, t: _bce(x, -t).mean(),
        "(N, 1) meets (N,): each logit is compared with all targets, N x N losses": (
            lambda x, t: (_softplus(x) - x * t).mean()
        ),
    },
)  # fmt: skip


def _pair_cases(seed):
    def case(seed, dtype, *shapes):
        return random_arrays(seed, dtype, *shapes)

    return {
        "columns (N, 1)": case(seed, np.float64, (4, 1), (4, 1)),
        "rows of two lengths": case(seed + 1, np.float64, (6,), (3,)),
        "large numbers": (np.array([[1e4], [-1e4], [300.0]]), np.array([[-1e4], [1e4], [2.0]])),
        "float32": case(seed + 2, np.float32, (5, 1), (5, 1)),
    }


def _run_pair(name, function, real, fake):
    """A loss of two batches of scores, and its gradients."""
    real, fake = (x.requires_grad_() for x in _tensors(real, fake))
    return _loss_and_gradients(name, function(real, fake), {"gradient_real": real, "gradient_fake": fake})


def _single_cases(seed):
    labels = "a column (N, 1)", "a row", "large numbers", "float32"
    return {label: (fake,) for label, (_, fake) in zip(labels, _pair_cases(seed).values())}


def _run_single(name, function, fake):
    (fake,) = _tensors(fake)
    return _loss_and_gradients(name, function(fake.requires_grad_()), {"gradient": fake})


discriminator_loss = Method(
    "discriminator_loss",
    f"{MODULE}:discriminator_loss",
    run=functools.partial(_run_pair, "discriminator_loss"),
    needs=("bce_loss",),
    notebook="GANs",
    minutes=5,
    cases=lambda: _pair_cases(141),
    outputs=("loss",),
    hints=(
        "The discriminator wants to answer 1 to real images and 0 to fakes. That is two cross-entropies; add them.",
        "torch.ones_like(logits_real) is a target of 1 for each real image, torch.zeros_like(logits_fake) one of 0 for "
        "each fake.",
        "bce_loss(logits_real, torch.ones_like(logits_real)) + bce_loss(logits_fake, torch.zeros_like(logits_fake))",
    ),
)


@discriminator_loss.oracle
def _(logits_real, logits_fake):
    return {
        "loss": _softplus(-logits_real).mean() + _softplus(logits_fake).mean(),
        "gradient_real": (_sigmoid(logits_real) - 1) / logits_real.size,
        "gradient_fake": _sigmoid(logits_fake) / logits_fake.size,
    }


_mistakes(
    discriminator_loss,
    {
        "the labels are exchanged: real images called 0, fakes 1": (
            lambda real, fake: _softplus(real).mean() + _softplus(-fake).mean()
        ),
        "fakes are called 1, too: that is what the generator wants": (
            lambda real, fake: _softplus(-real).mean() + _softplus(-fake).mean()
        ),
        "real images are called 0, too": lambda real, fake: _softplus(real).mean() + _softplus(fake).mean(),
        "the two halves are averaged instead of added": (
            lambda real, fake: (_softplus(-real).mean() + _softplus(fake).mean()) / 2
        ),
        "all images, real and fake, are averaged in one mean": (
            lambda real, fake: (_softplus(-real).sum() + _softplus(fake).sum()) / (real.numel() + fake.numel())
        ),
        "the losses are added up instead of averaged": (
            lambda real, fake: _softplus(-real).sum() + _softplus(fake).sum()
        ),
        "the fakes are left out": lambda real, fake: _softplus(-real).mean(),
        "the real images are left out": lambda real, fake: _softplus(fake).mean(),
        "the loss of the fakes is subtracted": lambda real, fake: _softplus(-real).mean() - _softplus(fake).mean(),
        "the sign is wrong: log D(real) + log(1 - D(fake)) is what grows as the discriminator gets better": (
            lambda real, fake: -_softplus(-real).mean() - _softplus(fake).mean()
        ),
        "the logarithms are taken of sigmoids, which are exactly 0 or 1 for large logits: inf and nan": (
            lambda real, fake: -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
        ),
    },
)  # fmt: skip


generator_loss = Method(
    "generator_loss",
    f"{MODULE}:generator_loss",
    run=functools.partial(_run_single, "generator_loss"),
    needs=("bce_loss",),
    notebook="GANs",
    minutes=3,
    cases=lambda: _single_cases(151),
    outputs=("loss",),
    hints=(
        "The generator is happy when its images are taken for real. So what should the discriminator have answered?",
        "bce_loss(logits_fake, torch.ones_like(logits_fake)). Minus the discriminator's loss would pull the same way, "
        "but with hardly a gradient as long as the fakes are bad.",
    ),
)


@generator_loss.oracle
def _(logits_fake):
    return {"loss": _softplus(-logits_fake).mean(), "gradient": (_sigmoid(logits_fake) - 1) / logits_fake.size}


_mistakes(
    generator_loss,
    {
        "log(1 - D) is minimised: minus the discriminator's loss, nearly flat as long as the fakes are bad": (
            lambda fake: -_softplus(fake).mean()
        ),
        "the fakes are called 0: the generator helps the discriminator": lambda fake: _softplus(fake).mean(),
        "the sign is wrong: log D is what should grow": lambda fake: -_softplus(-fake).mean(),
        "the losses are added up instead of averaged": lambda fake: _softplus(-fake).sum(),
        "the loss is halved": lambda fake: _softplus(-fake).mean() / 2,
        "the logits themselves are averaged: a loss without a logarithm": lambda fake: -fake.mean(),
        "the logarithm is taken of a sigmoid, which is exactly 0 for very negative logits: inf and nan": (
            lambda fake: -fake.sigmoid().log().mean()
        ),
    },
)  # fmt: skip


# Optimizer --------------------------------------------------------------------------------------------------

SMALL = [(4, 3), (4,), (2, 4), (2,)]  # a model of two Linear layers


def _optimizer_cases():
    return {"its settings": (None,), "the three steps it takes": random_arrays(161, np.float64, (3, _count(SMALL)))}


def _run_optimizer(function, gradients):
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    _put_in("model", model, SMALL)
    solver = function(model)
    if not isinstance(solver, torch.optim.Optimizer):
        what = "None" if solver is None else f"a {type(solver).__name__}"
        raise Wrong(f"get_optimizer must return an optimizer of torch.optim; it returned {what}")
    return _settings(solver) if gradients is None else {"change": _steps_taken(model, solver, gradients)}


def _settings(solver):
    import torch

    if not isinstance(solver, torch.optim.Adam):
        raise Wrong(f"get_optimizer must return torch.optim.Adam; it returned {type(solver).__name__}")
    group, learnt = solver.param_groups[0], [p for group in solver.param_groups for p in group["params"]]
    return {
        "parameters in its care": sum(p.numel() for p in learnt),
        "lr": float(group["lr"]), "first beta": float(group["betas"][0]), "second beta": float(group["betas"][1]),
    }  # fmt: skip


def _steps_taken(model, solver, gradients):
    """How far all parameters, in one row, have moved after a step for each of the gradients."""
    import torch

    parameters, before = list(model.parameters()), torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    for gradient in _tensors(*gradients):
        for p, part in zip(parameters, gradient.split([p.numel() for p in parameters])):
            p.grad = part.reshape(p.shape).clone()
        solver.step()
    return (torch.nn.utils.parameters_to_vector(parameters).detach() - before).numpy()


get_optimizer = Method(
    "get_optimizer",
    f"{MODULE}:get_optimizer",
    run=_run_optimizer,
    notebook="GANs",
    minutes=3,
    cases=_optimizer_cases,
    outputs=("optimizer",),
    hints=(
        "An optimizer of torch.optim is told what to change, model.parameters(), and how: keyword arguments.",
        "Adam's betas are one argument, a pair: that of the mean of the gradients comes first, that of their squares "
        "second.",
        "torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))",
    ),
)


@get_optimizer.oracle
def _(gradients):
    if gradients is None:
        return {"parameters in its care": _count(SMALL), "lr": 1e-3, "first beta": 0.5, "second beta": 0.999}
    m = v = change = 0
    for t, g in enumerate(gradients, 1):
        m, v = 0.5 * m + 0.5 * g, 0.999 * v + 0.001 * g**2
        change = change - 1e-3 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return {"change": change}


def _solver(model, kind="Adam", only=slice(None), **settings):
    import torch

    return getattr(torch.optim, kind)(list(model.parameters())[only], **settings)


_variants(
    get_optimizer,
    functools.partial(_solver, lr=1e-3, betas=(0.5, 0.999)),
    {
        "betas are left at their default, 0.9 and 0.999": {"betas": (0.9, 0.999)},
        "the betas are exchanged: 0.999 for the gradients, 0.5 for their squares": {"betas": (0.999, 0.5)},
        "both betas are 0.5": {"betas": (0.5, 0.5)},
        "the learning rate is 1e-4": {"lr": 1e-4},
        "the learning rate is 1e-2": {"lr": 1e-2},
        "only the last layer is learnt": {"only": slice(-2, None)},
        "only the weights are learnt, not the biases": {"only": slice(0, None, 2)},
        "AdamW is used: it also pulls the weights to zero": {"kind": "AdamW"},
    },
)
_variants(
    get_optimizer,
    functools.partial(_solver, lr=1e-3),
    {
        "plain SGD is used instead of Adam": {"kind": "SGD"},
        "SGD with a momentum of 0.5 is used instead of Adam": {"kind": "SGD", "momentum": 0.5},
        "RMSprop is used instead of Adam": {"kind": "RMSprop"},
    },
)


# One round of the game --------------------------------------------------------------------------------------
#
# The judge is w x + c. The painter paints one picture, whatever the noise, so that the outcome does not depend on
# random numbers; that the noise is as it must be is seen by what arrives at the painter.

RATE_D, RATE_G, BIAS = 1e-3, 0.2, 0.3


def _game_cases():
    def case(seed, N, rounds, noise_size):
        real, w, picture = random_arrays(seed, np.float64, (N, 1, 28, 28), (784,), (784,))
        return np.tanh(real), w / 28, np.tanh(picture), rounds, noise_size

    return {
        "one round": case(171, 5, 1, 200),
        "two rounds": case(172, 4, 2, 150),
        "three rounds with one image": case(173, 1, 3, 300),
    }


def _players(w, picture):
    import torch

    class Judge(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.c = (torch.nn.Parameter(torch.tensor(a)) for a in (w, BIAS))
            self.shapes = []

        def forward(self, x):
            self.shapes.append(tuple(x.shape[1:]))
            return x.flatten(1) @ self.w[:, None] + self.c

    class Painter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.picture, self.noises = torch.nn.Parameter(torch.tensor(picture)), []

        def forward(self, z):
            self.noises.append(z.detach().clone())
            return self.picture + 0 * z[:, :1]

    return Judge().double(), Painter().double()


def _watching_sgd(D, G):
    """The discriminator's solver; it counts the steps at which a gradient has come to G since `look` was called."""
    import torch

    class Watching(torch.optim.SGD):
        leaks = 0

        def look(self):
            self.before = [None if p.grad is None else p.grad.clone() for p in G.parameters()]

        def step(self, closure=None):
            grads = zip(G.parameters(), self.before)
            self.leaks += any(
                p.grad is not None and p.grad.any() and (old is None or not p.grad.equal(old)) for p, old in grads
            )
            return super().step(closure)

    return Watching(D.parameters(), lr=RATE_D)


def _real_near_1_fake_near_0(real, fake):
    return (real - 1).square().mean() + fake.square().mean() / 2


def _fake_near_2(fake):
    return (fake - 2).square().mean()


def _run_game(function, real, w, picture, rounds, noise_size):
    import torch

    D, G = _players(w, picture)
    D_solver, G_solver = _watching_sgd(D, G), torch.optim.SGD(G.parameters(), lr=RATE_G)
    for _ in range(rounds):
        D_solver.look()
        got = function(
            D, G, D_solver, G_solver, _real_near_1_fake_near_0, _fake_near_2, torch.from_numpy(real), noise_size
        )
        losses = _two_losses(got)
    noise = torch.cat(G.noises) if len({z.shape[1:] for z in G.noises}) == 1 else torch.zeros(0, 0)
    return {
        "losses that hang on their graph": sum(loss.requires_grad for loss in losses),
        "batches in another shape than real": sum(shape != real.shape[1:] for shape in D.shapes),
        "numbers in each noise": noise.shape[1],
        "noise outside -1..1": int((noise.abs() > 1).any()), "noise below 0": int((noise < 0).any()),
        "different batches of noise": len({z.numpy().tobytes() for z in G.noises}),
        "steps of D in which G got a gradient": D_solver.leaks,
        **{name: loss.detach().reshape(()).numpy() for name, loss in zip(("d_loss", "g_loss"), losses)},
        "weights of D": D.w.detach().numpy(), "picture of G": G.picture.detach().numpy(),
    }  # fmt: skip


def _two_losses(got):
    import torch

    what = "None" if got is None else f"a {type(got).__name__}"
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        size = f" of {len(got)}" if isinstance(got, (tuple, list)) else ""
        raise Wrong(f"gan_step must return two losses, first the discriminator's; it returned {what}{size}")
    for loss in got:
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise Wrong(f"gan_step must return two losses, each a tensor with one number; one of them is {what}")
    return got


gan_step = Method(
    "gan_step",
    f"{MODULE}:gan_step",
    run=_run_game,
    needs=("sample_noise",),
    notebook="GANs",
    minutes=20,
    cases=_game_cases,
    outputs=("d_loss", "g_loss"),
    hints=(
        "Two training steps as you know them, one after the other: logits, loss, zero_grad, backward, step. First D's, "
        "with discriminator_loss(D(real), D(fake)), then G's, with generator_loss(D(fake)) from a new fake.",
        "G returns (N, 784), and D has convolutions: fake.view_as(real). In D's step, fake is a mere input: make it "
        "within torch.no_grad(), or detach() it. In G's step it must stay attached.",
        "fake = G(sample_noise(N, noise_size)).view_as(real).detach(); d_loss = discriminator_loss(D(real), D(fake)); "
        "D_solver.zero_grad(); d_loss.backward(); D_solver.step(). Then new noise, a fake that is not detached, "
        "g_loss = generator_loss(D(fake)) and G_solver; return d_loss.detach(), g_loss.detach().",
    ),
)


@gan_step.oracle
def _(real, w, picture, rounds, noise_size):
    x, c = real.reshape(len(real), 784), BIAS
    for _ in range(rounds):
        off, fake = x @ w + c - 1, picture @ w + c
        d_loss = np.mean(off**2) + fake**2 / 2
        w, c = w - RATE_D * (2 * off @ x / len(x) + fake * picture), c - RATE_D * (2 * off.mean() + fake)
        off = picture @ w + c - 2
        g_loss, picture = off**2, picture - RATE_G * 2 * off * w
    return {
        "losses that hang on their graph": 0.0,
        "batches in another shape than real": 0.0,
        "numbers in each noise": noise_size,
        "noise outside -1..1": 0.0, "noise below 0": 1,
        "different batches of noise": 2 * rounds,
        "steps of D in which G got a gradient": 0.0,
        "d_loss": d_loss, "g_loss": g_loss, "weights of D": w, "picture of G": picture,
    }  # fmt: skip


def _round(
    D, G, D_solver, G_solver, d_loss_of, g_loss_of, real, noise_size, *,
    noise=_uniform, again=True, shaped=True, see=lambda real: real, detach=True, clear_D=True, clear_G=True,
    old_D=False, exchanged=False, after_D="D", after_G="G", returned=lambda d, g: (d.detach(), g.detach()),
):  # fmt: skip
    """gan_step with switches for mistakes; after_D, after_G: whose solvers take a step after which backward pass."""
    import torch

    def judged(noise):
        images = G(noise)
        return g_loss_of(D(images.view_as(real) if shaped else images))

    first, second = (noise(len(real), noise_size) for _ in range(2))
    solvers = {"D": D_solver, "G": G_solver}
    fake = G(first).view_as(real) if shaped else G(first)
    scores = D(see(real)), D(fake.detach() if detach else fake)
    d_loss = d_loss_of(*(scores[::-1] if exchanged else scores))
    early = judged(second) if old_D else None
    early_gradients = torch.autograd.grad(early, list(G.parameters())) if old_D else ()
    if clear_D:
        D_solver.zero_grad()
    d_loss.backward()
    for name in after_D:
        solvers[name].step()

    if clear_G:
        G_solver.zero_grad()
    if not old_D:
        g_loss = judged(second if again else first)
        g_loss.backward()
    for p, gradient in zip(G.parameters(), early_gradients):
        p.grad = gradient
    for name in after_G:
        solvers[name].step()
    return returned(d_loss, early if old_D else g_loss)


_variants(
    gan_step,
    _round,
    {
        "fake is not cut off in D's step: the backward pass goes on through all of G, for nothing": {"detach": False},
        "fake is not cut off in D's step, and G takes that gradient into its own step": {
            "detach": False, "clear_G": False,
        },
        "G's gradients are not set to zero: those of the last round pile up": {"clear_G": False},
        "D's gradients are not set to zero: those that the generator's loss left in D pile up": {"clear_D": False},
        "no gradients are set to zero, neither D's nor G's": {"clear_D": False, "clear_G": False},
        "the generator is judged by the old D, as it was before its step": {"old_D": True},
        "G takes a step in D's turn, too": {"detach": False, "after_D": "DG"},
        "D takes a step in G's turn, too, down the generator's loss": {"after_G": "GD"},
        "D never takes a step": {"after_D": ""},
        "G never takes a step": {"after_G": ""},
        "the same noise serves both steps": {"again": False},
        "one fake serves both steps, and is not cut off in D's": {"again": False, "detach": False},
        "the noise is normal instead of sample_noise's": {"noise": functools.partial(_uniform, low=0, draw="randn")},
        "the noise is in 0..1, not sample_noise's": {"noise": functools.partial(_uniform, low=0)},
        "noise_size is ignored: there are always 96 numbers": {"noise": lambda N, noise_size: _uniform(N, 96)},
        "real and fake are exchanged in the call of discriminator_loss": {"exchanged": True},
        "real is brought to -1..1 once more, where it is already": {"see": lambda real: 2 * real - 1},
        "real is brought to -1..1 once more, and in place": {"see": lambda real: real.mul_(2).sub_(1)},
        "fake keeps the shape (N, 784): view_as(real) is missing": {"shaped": False},
        "the losses are returned with their graphs: detach() lets go of the memory": {
            "returned": lambda d, g: (d, g),
        },
        "the two losses are returned in the wrong order": {"returned": lambda d, g: (g.detach(), d.detach())},
    },
)  # fmt: skip


# Least squares ----------------------------------------------------------------------------------------------

ls_discriminator_loss = Method(
    "ls_discriminator_loss",
    f"{MODULE}:ls_discriminator_loss",
    run=functools.partial(_run_pair, "ls_discriminator_loss"),
    notebook="GANs",
    minutes=3,
    cases=lambda: _pair_cases(181),
    outputs=("loss",),
    hints=(
        "The same game with squares: scores of real images should be 1, those of fakes 0. Each distance is squared and "
        "averaged over its own batch.",
        "0.5 * ((scores_real - 1) ** 2).mean() + 0.5 * (scores_fake ** 2).mean()",
    ),
)


@ls_discriminator_loss.oracle
def _(scores_real, scores_fake):
    return {
        "loss": np.mean((scores_real - 1) ** 2) / 2 + np.mean(scores_fake**2) / 2,
        "gradient_real": (scores_real - 1) / scores_real.size,
        "gradient_fake": scores_fake / scores_fake.size,
    }


def _mean_square(x):
    return x.square().mean()


_mistakes(
    ls_discriminator_loss,
    {
        "the factor 1/2 is missing": lambda real, fake: _mean_square(real - 1) + _mean_square(fake),
        "the factor is 1/4: each half is halved, and then the two are averaged": (
            lambda real, fake: (_mean_square(real - 1) + _mean_square(fake)) / 4
        ),
        "only the real images' half is halved": lambda real, fake: _mean_square(real - 1) / 2 + _mean_square(fake),
        "a sigmoid is made of the scores first": (
            lambda real, fake: (_mean_square(real.sigmoid() - 1) + _mean_square(fake.sigmoid())) / 2
        ),
        "the targets are exchanged: real images 0, fakes 1": (
            lambda real, fake: (_mean_square(real) + _mean_square(fake - 1)) / 2
        ),
        "fakes get the target 1, too: that is what the generator wants": (
            lambda real, fake: (_mean_square(real - 1) + _mean_square(fake - 1)) / 2
        ),
        "real images get the target 0, too": lambda real, fake: (_mean_square(real) + _mean_square(fake)) / 2,
        "the squares are added up instead of averaged": (
            lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / 2
        ),
        "all images, real and fake, are averaged in one mean": (
            lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / (real.numel() + fake.numel())
        ),
        "the distances are not squared: it is their absolute values": (
            lambda real, fake: ((real - 1).abs().mean() + fake.abs().mean()) / 2
        ),
        "the mean is squared, instead of the mean of squares taken": (
            lambda real, fake: ((real - 1).mean().square() + fake.mean().square()) / 2
        ),
        "the fakes are left out": lambda real, fake: _mean_square(real - 1) / 2,
    },
)  # fmt: skip


ls_generator_loss = Method(
    "ls_generator_loss",
    f"{MODULE}:ls_generator_loss",
    run=functools.partial(_run_single, "ls_generator_loss"),
    notebook="GANs",
    minutes=3,
    cases=lambda: _single_cases(191),
    outputs=("loss",),
    hints=(
        "Which score would the generator like its images to have? The loss is half the mean squared distance to it.",
        "0.5 * ((scores_fake - 1) ** 2).mean()",
    ),
)


@ls_generator_loss.oracle
def _(scores_fake):
    return {"loss": np.mean((scores_fake - 1) ** 2) / 2, "gradient": (scores_fake - 1) / scores_fake.size}


_mistakes(
    ls_generator_loss,
    {
        "the factor 1/2 is missing": lambda fake: _mean_square(fake - 1),
        "a sigmoid is made of the scores first": lambda fake: _mean_square(fake.sigmoid() - 1) / 2,
        "the target is 0: the generator helps the discriminator": lambda fake: _mean_square(fake) / 2,
        "the discriminator's loss is turned round: the scores shall be far from 0, on whichever side": (
            lambda fake: -_mean_square(fake) / 2
        ),
        "the target is -1: the sign in the bracket is wrong": lambda fake: _mean_square(fake + 1) / 2,
        "the squares are added up instead of averaged": lambda fake: (fake - 1).square().sum() / 2,
        "the distances are not squared: it is their absolute values": lambda fake: (fake - 1).abs().mean() / 2,
        "the mean is squared, instead of the mean of squares taken": lambda fake: (fake - 1).mean().square() / 2,
    },
)  # fmt: skip


# The two convolutional networks -----------------------------------------------------------------------------


def _dc_judge_shapes(batch_size=None):
    return [(32, 1, 5, 5), (32,), (64, 32, 5, 5), (64,), (1024, 1024), (1024,), (1, 1024), (1,)]


def _dc_judge_cases():
    flat, square = random_arrays(201, np.float64, (3, 784), (2, 1, 28, 28))
    return {
        "square images": (square, {}),
        "images in rows": (flat, {}),
        "batch_size is given": (flat[:2], {"batch_size": 2}),
        "its weights": (None, {}),
    }


build_dc_classifier = Method(
    "build_dc_classifier",
    f"{MODULE}:build_dc_classifier",
    run=_network("classifier", _dc_judge_shapes, ("logits",)),
    notebook="GANs",
    minutes=10,
    cases=_dc_judge_cases,
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
    w1, b1, w2, b2, W3, b3, W4, b4 = _tensors(*_weights(_dc_judge_shapes()))
    (x,) = _tensors(images.reshape(-1, 1, 28, 28))
    x = F.max_pool2d(F.leaky_relu(F.conv2d(x, w1, b1), 0.01), 2)
    x = F.max_pool2d(F.leaky_relu(F.conv2d(x, w2, b2), 0.01), 2).reshape(len(x), 1024)
    return {"logits": F.linear(F.leaky_relu(F.linear(x, W3, b3), 0.01), W4, b4).numpy()}


def _dc_judge(
    batch_size=None, *,
    kernel=5, stride=1, padding=0, pools=(("MaxPool2d", 2),) * 2, between=(LEAKY,) * 3, unflatten=True, hidden=1024,
    end=(),
):  # fmt: skip
    import torch

    side, layers = 28, [torch.nn.Flatten(), torch.nn.Unflatten(1, (1, 28, 28))] if unflatten else []
    for channels, pool, activation in zip(((1, 32), (32, 64)), pools, between):
        layers.append(torch.nn.Conv2d(*channels, kernel, stride, padding))
        layers += [_layer(*name) for name in (activation, pool) if name]
        side = ((side + 2 * padding - kernel) // stride + 1) // (2 if pool else 1)
    layers += [torch.nn.Flatten(), torch.nn.Linear(64 * side * side, hidden)]
    layers += [_layer(*name) for name in between[2:] if name]
    return torch.nn.Sequential(*layers, torch.nn.Linear(hidden, 1), *(_layer(*name) for name in end))


_variants(
    build_dc_classifier,
    _dc_judge,
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


def _dc_painter_shapes(noise_dim=96):
    dense = [(1024, noise_dim), (1024,), (1024,), (1024,), (6272, 1024), (6272,), (6272,), (6272,)]
    return dense + [(128, 64, 4, 4), (64,), (64,), (64,), (64, 1, 4, 4), (1,)]


def _dc_painter_cases():
    few, many = random_arrays(202, np.float64, (3, 4), (2, 96))
    return {
        "noise of 4 numbers": (few, {"noise_dim": 4}),
        "noise of the default size": (many, {}),
        "its weights": (None, {"noise_dim": 4}),
    }


build_dc_generator = Method(
    "build_dc_generator",
    f"{MODULE}:build_dc_generator",
    run=_network("generator", _dc_painter_shapes, ("images", "images in eval mode")),
    notebook="GANs",
    minutes=10,
    cases=_dc_painter_cases,
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
    W1, b1, *norm1, W2, b2 = (weights := _tensors(*_weights(_dc_painter_shapes(**settings))))[:6]
    norm2, (w3, b3, *norm3), (w4, b4) = weights[6:8], weights[8:12], weights[12:]
    running = {n: (torch.zeros(n, dtype=torch.float64), torch.ones(n, dtype=torch.float64)) for n in (1024, 6272, 64)}

    def paint(training):
        def normed(x, norm):
            return F.batch_norm(x, *running[x.shape[1]], *norm, training)

        (x,) = _tensors(noise)
        x = normed(F.relu(F.linear(x, W1, b1)), norm1)
        x = normed(F.relu(F.linear(x, W2, b2)), norm2).reshape(-1, 128, 7, 7)
        x = normed(F.relu(F.conv_transpose2d(x, w3, b3, stride=2, padding=1)), norm3)
        return torch.tanh(F.conv_transpose2d(x, w4, b4, stride=2, padding=1)).reshape(-1, 784).numpy()

    return {"images": paint(True), "images in eval mode": paint(False)}


def _dc_painter(
    noise_dim=96, *,
    activation=RELU, norms=("BatchNorm1d", "BatchNorm1d", "BatchNorm2d"), norm_first=False, padding=1, channels=64,
    end=(TANH, ("Flatten",)),
):  # fmt: skip
    import torch

    def block(layer, norm, features):
        after = [name for name in (activation, (norm, features)) if name and name[0]]
        return [layer, *(_layer(*name) for name in (after[::-1] if norm_first else after))]

    return torch.nn.Sequential(
        *block(torch.nn.Linear(noise_dim, 1024), norms[0], 1024),
        *block(torch.nn.Linear(1024, 6272), norms[1], 6272),
        torch.nn.Unflatten(1, (128, 7, 7)),
        *block(torch.nn.ConvTranspose2d(128, channels, 4, 2, padding), norms[2], channels),
        torch.nn.ConvTranspose2d(channels, 1, 4, 2, padding),
        *(_layer(*name) for name in end),
    )


_variants(
    build_dc_generator,
    _dc_painter,
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
    return _dc_painter(96)
