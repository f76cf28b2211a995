"""A GAN's losses: cross-entropy of logits, and the discriminator's and the generator's made of it."""

import numpy as np

from ..authoring.answers import loss_and_gradients, tensors
from ..authoring.inputs import random_arrays
from ..authoring.layers import sigmoid, softplus
from ..authoring.scores import pair_loss, single_loss
from ..authoring.variants import mistakes
from ..todo import Method

MODULE = "cs231n.gan_pytorch"


def _bce_cases():
    def case(seed, dtype, shape, target_shape):
        logits, draw = random_arrays(seed, dtype, shape, target_shape)
        return 3 * logits, (draw > 0).astype(dtype)

    soft = case(134, np.float64, (5, 1), (5, 1))[0], np.array([[0.9], [0.1], [0.5], [1.0], [0.25]])
    large = np.array([1e4, -1e4, 1e4, -1e4, 800.0, -90.0]), np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    return {
        "a row of logits": case(131, np.float64, (6,), (6,)),
        "a column (N, 1)": case(135, np.float64, (5, 1), (5, 1)),
        "one logit": case(136, np.float64, (1, 1), (1, 1)),
        "targets between 0 and 1": soft,
        "large logits": large,
        "large logits in float32": tuple(a.astype(np.float32) for a in large),
        "a column (N, 1) with targets in a row": case(132, np.float32, (5, 1), (5,)),
    }


def _run_bce(function, input, target):
    logits, targets = tensors(input, target)
    return loss_and_gradients("bce_loss", function(logits.requires_grad_().clone(), targets), {"gradient": logits})


APART = (
    "It needs targets of the logits' own shape, since (N, 1) with (N,) makes (N, N); target.reshape(input.shape) helps"
)


bce_loss = Method(
    "bce_loss",
    f"{MODULE}:bce_loss",
    run=_run_bce,
    notebook="GANs",
    minutes=10,
    cases=_bce_cases,
    beyond={"a column (N, 1) with targets in a row": APART},
    spare=("target",),
    float32_suffices=True,
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
    return {"loss": loss.mean(), "gradient": (sigmoid(x) - t) / x.size}


def _bce(x, t):
    """The loss of every element."""
    return softplus(x) - x * t.reshape(x.shape)


def _log_of_sigmoid(x, t, log=lambda p: p.log()):
    p, t = x.sigmoid(), t.reshape(x.shape)
    return -(t * log(p) + (1 - t) * log(1 - p)).mean()


def _capped(x, t):
    from torch.nn.functional import binary_cross_entropy

    return binary_cross_entropy(x.sigmoid(), t.reshape(x.shape))


mistakes(
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
            lambda x, t: (softplus(x) - x * t).mean()
        ),
    },
)  # fmt: skip


discriminator_loss = pair_loss(
    "discriminator_loss",
    MODULE,
    seed=141,
    needs=("bce_loss",),
    notebook="GANs",
    minutes=5,
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
        "loss": softplus(-logits_real).mean() + softplus(logits_fake).mean(),
        "gradient_real": (sigmoid(logits_real) - 1) / logits_real.size,
        "gradient_fake": sigmoid(logits_fake) / logits_fake.size,
    }


mistakes(
    discriminator_loss,
    {
        "the labels are exchanged: real images called 0, fakes 1": (
            lambda real, fake: softplus(real).mean() + softplus(-fake).mean()
        ),
        "fakes are called 1, too: that is what the generator wants": (
            lambda real, fake: softplus(-real).mean() + softplus(-fake).mean()
        ),
        "real images are called 0, too": lambda real, fake: softplus(real).mean() + softplus(fake).mean(),
        "the two halves are averaged instead of added": (
            lambda real, fake: (softplus(-real).mean() + softplus(fake).mean()) / 2
        ),
        "all images, real and fake, are averaged in one mean": (
            lambda real, fake: (softplus(-real).sum() + softplus(fake).sum()) / (real.numel() + fake.numel())
        ),
        "the losses are added up instead of averaged": (
            lambda real, fake: softplus(-real).sum() + softplus(fake).sum()
        ),
        "the fakes are left out": lambda real, fake: softplus(-real).mean(),
        "the real images are left out": lambda real, fake: softplus(fake).mean(),
        "the loss of the fakes is subtracted": lambda real, fake: softplus(-real).mean() - softplus(fake).mean(),
        "the sign is wrong: log D(real) + log(1 - D(fake)) is what grows as the discriminator gets better": (
            lambda real, fake: -softplus(-real).mean() - softplus(fake).mean()
        ),
        "the logarithms are taken of sigmoids, which are exactly 0 or 1 for large logits: inf and nan": (
            lambda real, fake: -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
        ),
    },
)  # fmt: skip


generator_loss = single_loss(
    "generator_loss",
    MODULE,
    seed=151,
    needs=("bce_loss",),
    notebook="GANs",
    minutes=3,
    hints=(
        "The generator is happy when its images are taken for real. So what should the discriminator have answered?",
        "bce_loss(logits_fake, torch.ones_like(logits_fake)). Minus the discriminator's loss would pull the same way, "
        "but with hardly a gradient as long as the fakes are bad.",
    ),
)


@generator_loss.oracle
def _(logits_fake):
    return {"loss": softplus(-logits_fake).mean(), "gradient": (sigmoid(logits_fake) - 1) / logits_fake.size}


mistakes(
    generator_loss,
    {
        "log(1 - D) is minimised: minus the discriminator's loss, nearly flat as long as the fakes are bad": (
            lambda fake: -softplus(fake).mean()
        ),
        "the fakes are called 0: the generator helps the discriminator": lambda fake: softplus(fake).mean(),
        "the sign is wrong: log D is what should grow": lambda fake: -softplus(-fake).mean(),
        "the losses are added up instead of averaged": lambda fake: softplus(-fake).sum(),
        "the loss is halved": lambda fake: softplus(-fake).mean() / 2,
        "the logits themselves are averaged: a loss without a logarithm": lambda fake: -fake.mean(),
        "the logarithm is taken of a sigmoid, which is exactly 0 for very negative logits: inf and nan": (
            lambda fake: -fake.sigmoid().log().mean()
        ),
    },
)  # fmt: skip
