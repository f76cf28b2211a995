"""Wasserstein GANs: two means, and a penalty tried on critics of known slope."""

import warnings

import numpy as np

from ..authoring.answers import tensors
from ..authoring.inputs import random_arrays
from ..authoring.layers import mean_square, per_image, softplus
from ..authoring.scores import pair_loss, single_loss
from ..authoring.variants import mistakes, variants
from ..todo import Method, Wrong

MODULE = "cs231n.wgan"


# The two losses ---------------------------------------------------------------------------------------------

wgan_discriminator_loss = pair_loss(
    "wgan_discriminator_loss",
    MODULE,
    seed=301,
    notebook="extras",
    minutes=3,
    hints=(
        "A critic's score is not a probability: there is no target, no logarithm and no sigmoid. It wants the mean "
        "score of real images far above that of fakes. What must become small, then?",
        "scores_fake.mean() - scores_real.mean()",
    ),
)


@wgan_discriminator_loss.oracle
def _(scores_real, scores_fake):
    real, fake = scores_real.ravel(), scores_fake.ravel()
    return {
        "loss": sum(map(float, fake)) / len(fake) - sum(map(float, real)) / len(real),
        "gradient_real": np.full_like(scores_real, -1 / len(real)),
        "gradient_fake": np.full_like(scores_fake, 1 / len(fake)),
    }


mistakes(
    wgan_discriminator_loss,
    {
        "the sign is swapped: the critic would learn to give fakes the higher scores": (
            lambda real, fake: real.mean() - fake.mean()
        ),
        "the two means are added: both batches would be pushed down": lambda real, fake: real.mean() + fake.mean(),
        "a sigmoid is made of the scores first": lambda real, fake: fake.sigmoid().mean() - real.sigmoid().mean(),
        "it is the cross-entropy of a plain GAN, with the logarithm of a sigmoid": (
            lambda real, fake: softplus(-real).mean() + softplus(fake).mean()
        ),
        "it is the least squares loss, with targets 1 and 0": (
            lambda real, fake: (mean_square(real - 1) + mean_square(fake)) / 2
        ),
        "the absolute value of the difference is taken": lambda real, fake: (fake.mean() - real.mean()).abs(),
        "the difference is squared": lambda real, fake: (fake.mean() - real.mean()).square(),
        "the scores are added up instead of averaged": lambda real, fake: fake.sum() - real.sum(),
        "the difference is halved": lambda real, fake: (fake.mean() - real.mean()) / 2,
        "the fakes are left out": lambda real, fake: -real.mean(),
        "the scores are subtracted one by one, for which both batches must be equally long": (
            lambda real, fake: (fake - real).mean()
        ),
    },
)  # fmt: skip


wgan_generator_loss = single_loss(
    "wgan_generator_loss",
    MODULE,
    seed=311,
    notebook="extras",
    minutes=2,
    hints=(
        "The critic gives high scores to images that look real. The generator wants a high mean score, and an "
        "optimizer makes losses small.",
        "-scores_fake.mean()",
    ),
)


@wgan_generator_loss.oracle
def _(scores_fake):
    fake = scores_fake.ravel()
    return {"loss": -sum(map(float, fake)) / len(fake), "gradient": np.full_like(scores_fake, -1 / len(fake))}


mistakes(
    wgan_generator_loss,
    {
        "the minus sign is missing: the generator would help the critic": lambda fake: fake.mean(),
        "the scores are added up instead of averaged": lambda fake: -fake.sum(),
        "a sigmoid is made of the scores first": lambda fake: -fake.sigmoid().mean(),
        "it is the cross-entropy of a plain GAN, with the logarithm of a sigmoid": lambda fake: softplus(-fake).mean(),
        "it is the least squares loss, with the target 1": lambda fake: mean_square(fake - 1) / 2,
        "the absolute values are taken: low scores would do as well as high ones": lambda fake: -fake.abs().mean(),
        "the scores are squared": lambda fake: -fake.square().mean(),
        "the highest score stands for all of them": lambda fake: -fake.max(),
    },
)  # fmt: skip


# The penalty ------------------------------------------------------------------------------------------------


def _penalty_cases():
    def case(seed, dtype, shape, hidden, slope, straight=False):
        shapes = shape, shape, shape[:1], (int(np.prod(shape[1:])), hidden), (hidden, 1)
        real, fake, mix, W, v = random_arrays(seed, dtype, *shapes)
        mix = (1 + np.tanh(mix)) / 2
        return np.tanh(real), np.tanh(fake), mix, slope * W / np.linalg.norm(W), v / np.linalg.norm(v), straight

    return {
        "a linear critic, whose slope is the same everywhere": case(321, np.float64, (3, 1, 2, 5), 1, 3.0, True),
        "a steep linear critic": case(328, np.float64, (3, 1, 2, 3), 1, 30.0, True),
        "a curved critic": case(322, np.float64, (4, 1, 3, 2), 5, 6.0),
        "a curved critic with slopes below 1": case(323, np.float64, (3, 1, 4, 2), 4, 1.0),
        "as many images as columns, and two channels": case(325, np.float64, (4, 2, 3, 4), 5, 4.0),
        "one image": case(327, np.float64, (1, 1, 2, 3), 3, 4.0),
        "float32": case(326, np.float32, (2, 1, 3, 3), 4, 4.0),
        "images in rows": case(324, np.float32, (5, 6), 3, 5.0),
    }


def _critic(W, v, straight):
    """A critic with scores tanh(x W) v (N, 1); straight: x W v. Its slope at x is W ((1 - tanh(x W)^2) v)."""
    import torch

    class Critic(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.W, self.v = (torch.nn.Parameter(torch.tensor(a)) for a in (W, v))

        def forward(self, x):
            hidden = x.flatten(1) @ self.W
            return (hidden if straight else hidden.tanh()) @ self.v

    return Critic()


def _run_penalty(function, real, fake, mix, W, v, straight):
    import torch

    D = _critic(W, v, straight)
    penalty = function(D, *tensors(real, fake, mix))
    if not isinstance(penalty, torch.Tensor):
        raise Wrong(f"gradient_penalty must return a torch tensor with one number, not {type(penalty).__name__}")
    if penalty.numel() != 1:
        raise Wrong(f"gradient_penalty must return one number; it returned a tensor of shape {tuple(penalty.shape)}")
    outputs = {
        "penalty": penalty.detach().reshape(()).numpy(),
        "gradients left in D's parameters": sum(p.grad is not None for p in D.parameters()),
    }
    parameters = {"gradient of the penalty for W": D.W, "gradient of the penalty for v": D.v}
    gradients = [None] * len(parameters)
    if penalty.requires_grad:
        gradients = torch.autograd.grad(penalty.reshape(()), list(parameters.values()), allow_unused=True)
    outputs["a gradient reaches D's parameters"] = int(any(g is not None for g in gradients))
    for (label, p), g in zip(parameters.items(), gradients):
        outputs[label] = (torch.zeros_like(p) if g is None else g).detach().numpy()
    return outputs


gradient_penalty = Method(
    "gradient_penalty",
    f"{MODULE}:gradient_penalty",
    run=_run_penalty,
    notebook="extras",
    minutes=15,
    cases=_penalty_cases,
    beyond={"images in rows": "It takes square images (N, C, H, W) only, which are all that the course has"},
    float32_suffices=True,
    outputs=("penalty",),
    hints=(
        "Four lines: mix the images; ask the mixture for gradients; take the gradient of D's scores for it; compare "
        "each image's norm with 1. mix has shape (N,), so it needs an axis of length 1 for each further axis of real.",
        "D judges each image on its own, so the gradient of the sum of all scores holds, image by image, the gradient "
        "of that image's score. create_graph=True makes this gradient itself something to differentiate: without it "
        "the penalty is a mere number and teaches D nothing.",
        "(gradient,) = torch.autograd.grad(D(mixture).sum(), mixture, create_graph=True), with mixture = (mix * real + "
        "(1 - mix) * fake).requires_grad_(). Then (gradient.flatten(1).norm(dim=1) - 1).square().mean().",
    ),
)


@gradient_penalty.oracle
def _(real, fake, mix, W, v, straight):
    """The slope in closed form, in float64, so that one differentiation is enough."""
    import torch

    mixture = np.stack([m * r + (1 - m) * f for r, f, m in zip(real, fake, mix)]).reshape(len(real), -1)
    x, W, v = (torch.tensor(a, dtype=torch.float64) for a in (mixture, W, v))
    W.requires_grad_(), v.requires_grad_()
    bend = 1 - torch.tanh(x @ W) ** 2 if not straight else torch.ones(len(x), W.shape[1], dtype=x.dtype)
    slopes = (bend * v[:, 0]) @ W.T
    penalty = ((slopes.pow(2).sum(dim=1).sqrt() - 1) ** 2).sum() / len(x)
    for_W, for_v = torch.autograd.grad(penalty, [W, v])
    return {
        "penalty": penalty.item(),
        "gradients left in D's parameters": 0.0,
        "a gradient reaches D's parameters": 1.0,
        "gradient of the penalty for W": for_W.numpy(),
        "gradient of the penalty for v": for_v.numpy(),
    }


def _apart(norms):
    return mean_square(norms - 1)


def _each_norm(gradient):
    return gradient.flatten(1).norm(dim=1)


def _penalty(
    D, real, fake, mix, *, spread=per_image, create_graph=True, pooled="sum", norms=_each_norm, apart=_apart
):  # fmt: skip
    """The penalty with switches for mistakes."""
    import torch

    mix = spread(mix, real)
    mixture = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(getattr(D(mixture), pooled)(), mixture, create_graph=create_graph)
    return apart(norms(gradient))


variants(
    gradient_penalty,
    _penalty,
    {
        "create_graph=True is missing, or the gradient detached: the penalty is a mere number and teaches nothing": {
            "create_graph": False,
        },
        "mix is the share of fake, where it should be real's": {"spread": lambda mix, real: 1 - per_image(mix, real)},
        "the first number of mix serves all images": {"spread": lambda mix, real: mix[0]},
        "mix keeps its shape (N,) and is spread over the last axis, the columns of the images": {
            "spread": lambda mix, real: mix,
        },
        "the slope is measured at the real images, and not between": {"spread": lambda mix, real: 0 * mix[0] + 1},
        "the slope is measured at the fakes, and not between": {"spread": lambda mix, real: 0 * mix[0]},
        "the slope is measured half-way, whatever mix says": {"spread": lambda mix, real: 0 * mix[0] + 0.5},
        "it is the gradient of the mean score: each image's slope comes out N times too small": {"pooled": "mean"},
        "one norm is taken over the whole batch, instead of one for each image": {"norms": lambda g: g.norm()},
        "the norm runs along axis 1 only, the channels: flatten(1) is missing": {"norms": lambda g: g.norm(dim=1)},
        "the norm runs along the last axis only, a row of pixels": {"norms": lambda g: g.norm(dim=-1)},
        "the norm is the sum of absolute values": {"norms": lambda g: g.flatten(1).abs().sum(dim=1)},
        "the square root is missing: it is the squared norm that is compared with 1": {
            "norms": lambda g: _each_norm(g).square(),
        },
        "only slopes above 1 cost: the penalty has two sides": {"apart": lambda n: _apart(n.clamp(min=1))},
        "1 is not subtracted: the slope is drawn to 0": {"apart": mean_square},
        "the distance from 1 is not squared": {"apart": lambda n: (n - 1).abs().mean()},
        "the norms are averaged first, and their mean is compared with 1": {"apart": lambda n: _apart(n.mean())},
        "the root of the mean square is taken": {"apart": lambda n: _apart(n).sqrt()},
        "the penalties of the images are added up instead of averaged": {"apart": lambda n: (n - 1).square().sum()},
        "it is weighted with PENALTY already: that is the caller's part": {"apart": lambda n: 10 * _apart(n)},
    },
)  # fmt: skip


@gradient_penalty.mistake("the gradient is taken for the real images, and not for the mixture: mix scales it down")
def _(D, real, fake, mix):
    import torch

    mix, real = per_image(mix, real), real.requires_grad_()
    (gradient,) = torch.autograd.grad(D(mix * real + (1 - mix) * fake).sum(), real, create_graph=True)
    return _apart(_each_norm(gradient))


@gradient_penalty.mistake("backward() is called instead of torch.autograd.grad: it leaves gradients in D's parameters")
def _(D, real, fake, mix):
    mix = per_image(mix, real)
    mixture = (mix * real + (1 - mix) * fake).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own advice against it
        D(mixture).sum().backward(create_graph=True)
    return _apart(_each_norm(mixture.grad))
