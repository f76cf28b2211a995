"""Diffusion: noise laid on image by image, a loss of a tiny model, and a step back by Bayes' rule."""

import numpy as np

from ..authoring.answers import array_of, loss_and_gradients, tensors
from ..authoring.inputs import random_arrays
from ..authoring.layers import mean_square, per_image
from ..authoring.variants import mistakes, variants
from ..todo import Method

MODULE = "cs231n.diffusion"
BEYOND = {"images in rows": "It takes square images (N, C, H, W) only, which are all that the course has"}


def _schedule(T, dtype):
    """alpha_bar (T + 1,): falling, from 1, by uneven steps."""
    left = 0.9 - 0.07 * (np.arange(T) * 5 % 7)
    return np.concatenate([[1.0], left.cumprod()]).astype(dtype)


# Laying the noise on ----------------------------------------------------------------------------------------


def _noisy_case(seed, dtype, shape, *steps):
    x0, noise = random_arrays(seed, dtype, shape, shape)
    return np.tanh(x0), np.array(steps), noise, _schedule(6, dtype)


def _noise_cases():
    return {
        "three images at three steps": _noisy_case(331, np.float64, (3, 1, 2, 5), 5, 1, 3),
        "as many images as columns": _noisy_case(332, np.float64, (4, 1, 3, 4), 2, 5, 2, 4),
        "the image itself, and the last step": _noisy_case(334, np.float64, (2, 1, 3, 3), 0, 6),
        "one image": _noisy_case(336, np.float64, (1, 1, 2, 3), 4),
        "float32": _noisy_case(335, np.float32, (2, 1, 4, 3), 3, 2),
        "images in rows": _noisy_case(333, np.float32, (3, 6), 1, 4, 5),
    }


def _run_noise(function, x0, t, noise, alpha_bar):
    import torch

    torch.manual_seed(0)  # so that an answer that draws noise of its own is seen to
    return {"noisy images": array_of("the noisy images", function(*tensors(x0, t, noise, alpha_bar)))}


add_noise = Method(
    "add_noise",
    f"{MODULE}:add_noise",
    run=_run_noise,
    notebook="extras",
    minutes=8,
    cases=_noise_cases,
    beyond=BEYOND,
    float32_suffices=True,
    outputs=("noisy images",),
    hints=(
        "alpha_bar[t] takes a number for each image, (N,). To multiply images (N, 1, 28, 28) it needs as many axes as "
        "they have: (N, 1, 1, 1).",
        "Variances add up, not deviations: alpha_bar of the one and 1 - alpha_bar of the other make 1. So it is the "
        "roots of these that the images and the noise are multiplied with.",
        "left = alpha_bar[t].reshape(-1, *[1] * (x0.dim() - 1)); left.sqrt() * x0 + (1 - left).sqrt() * noise",
    ),
)


@add_noise.oracle
def _laid_on(x0, t, noise, alpha_bar):
    pairs = [(image * alpha_bar[k] ** 0.5, drawn * (1 - alpha_bar[k]) ** 0.5) for image, k, drawn in zip(x0, t, noise)]
    return {"noisy images": np.stack([shrunken + grown for shrunken, grown in pairs])}


def _noisy(
    x0, t, noise, alpha_bar, *,
    at=lambda alpha_bar, t: alpha_bar[t], spread=per_image, keep=lambda left: left.sqrt(),
    add=lambda left: (1 - left).sqrt(),
):  # fmt: skip
    """add_noise with switches for mistakes."""
    left = spread(at(alpha_bar, t), x0)
    return keep(left) * x0 + add(left) * noise


variants(
    add_noise,
    _noisy,
    {
        "the roots are missing: both the image and the noise are multiplied with variances": {
            "keep": lambda left: left, "add": lambda left: 1 - left,
        },
        "the image is multiplied with alpha_bar itself, not with its root": {"keep": lambda left: left},
        "the noise is multiplied with 1 - alpha_bar itself, not with its root": {"add": lambda left: 1 - left},
        "1 - sqrt(alpha_bar) stands where sqrt(1 - alpha_bar) belongs": {"add": lambda left: 1 - left.sqrt()},
        "image and noise are exchanged: step 0 is pure noise": {
            "keep": lambda left: (1 - left).sqrt(), "add": lambda left: left.sqrt(),
        },
        "the image is not shrunken: the variance grows with every step": {"keep": lambda left: 1},
        "the noise is laid on in full at every step": {"add": lambda left: 1},
        "alpha_bar[t] keeps its shape (N,) and is spread over the last axis, the columns of the images": {
            "spread": lambda left, x0: left,
        },
        "the first image's step serves all images": {"at": lambda alpha_bar, t: alpha_bar[t[:1]]},
        "the steps are counted from 0 where they count from 1: alpha_bar[t - 1]": {
            "at": lambda alpha_bar, t: alpha_bar[t - 1],
        },
        "it is the share that one step leaves, alpha_bar[t] / alpha_bar[t - 1], and not that of all steps so far": {
            "at": lambda alpha_bar, t: alpha_bar[t] / alpha_bar[(t - 1).clamp(min=0)],
        },
    },
)  # fmt: skip


@add_noise.mistake("noise of its own is drawn; the noise that was given is what the model is asked for")
def _(x0, t, noise, alpha_bar):
    import torch

    return _noisy(x0, t, torch.randn_like(x0), alpha_bar)


@add_noise.mistake("the images are changed in place")
def _(x0, t, noise, alpha_bar):
    left = per_image(alpha_bar[t], x0)
    return x0.mul_(left.sqrt()).add_((1 - left).sqrt() * noise)


# The loss ---------------------------------------------------------------------------------------------------


def _loss_cases():
    return {label: (*case, 0.7, -0.2) for label, case in _noise_cases().items()}


def _guesser(a, b, dtype):
    """A model that sees the noise a x + b t."""
    import torch

    class Guesser(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = (torch.nn.Parameter(torch.tensor(value, dtype=dtype)) for value in (a, b))

        def forward(self, x, t=None):
            return self.a * x if t is None else self.a * x + per_image(self.b * t.to(x.dtype), x)

    return Guesser()


def _run_loss(function, x0, t, noise, alpha_bar, a, b):
    import torch

    torch.manual_seed(0)
    x0, *others = tensors(x0, t, noise, alpha_bar)
    model = _guesser(a, b, x0.dtype)
    return loss_and_gradients("noise_loss", function(model, x0, *others), {"gradient of a": model.a, "of b": model.b})


noise_loss = Method(
    "noise_loss",
    f"{MODULE}:noise_loss",
    run=_run_loss,
    needs=("add_noise",),
    notebook="extras",
    minutes=5,
    cases=_loss_cases,
    beyond=BEYOND,
    float32_suffices=True,
    outputs=("loss",),
    hints=(
        "Three calls: add_noise makes x_t, the model looks at x_t and at t, and the mean squared error compares what "
        "it says with the noise.",
        "F.mse_loss(model(add_noise(x0, t, noise, alpha_bar), t), noise)",
    ),
)


@noise_loss.oracle
def _(x0, t, noise, alpha_bar, a, b):
    """The model's prediction written out, and with it the two derivatives."""
    x = _laid_on(x0, t, noise, alpha_bar)["noisy images"].astype(np.float64)
    steps = np.stack([np.full(x.shape[1:], float(k)) for k in t])
    off = a * x + b * steps - noise
    return {"loss": np.mean(off**2), "gradient of a": np.mean(2 * off * x), "of b": np.mean(2 * off * steps)}


def _guess_loss(
    model, x0, t, noise, alpha_bar, *,
    shown=lambda x, x0, noise: x, told=lambda t, alpha_bar: t, wanted=lambda noise, x, x0: noise, size=mean_square,
):  # fmt: skip
    """noise_loss with switches for mistakes."""
    x = _noisy(x0, t, noise, alpha_bar)
    return size(model(shown(x, x0, noise), told(t, alpha_bar)) - wanted(noise, x, x0))


variants(
    noise_loss,
    _guess_loss,
    {
        "the prediction is compared with the image x0, and not with the noise": {"wanted": lambda noise, x, x0: x0},
        "the prediction is compared with the noisy image x_t": {"wanted": lambda noise, x, x0: x},
        "the prediction is compared with all that was added, image and all: x_t - x0": {
            "wanted": lambda noise, x, x0: x - x0,
        },
        "the model is shown the image x0, which has no noise in it": {"shown": lambda x, x0, noise: x0},
        "the model is shown the noise itself": {"shown": lambda x, x0, noise: noise},
        "the model is not told the step t": {"told": lambda t, alpha_bar: None},
        "the model is told alpha_bar[t] instead of t": {"told": lambda t, alpha_bar: alpha_bar[t]},
        "the model is told t - 1": {"told": lambda t, alpha_bar: t - 1},
        "the squares are added up instead of averaged": {"size": lambda off: off.square().sum()},
        "the squares are added up over an image and averaged only over the images": {
            "size": lambda off: off.square().flatten(1).sum(dim=1).mean(),
        },
        "the mean squared error is halved": {"size": lambda off: mean_square(off) / 2},
        "the root of the mean squared error is taken": {"size": lambda off: mean_square(off).sqrt()},
        "the differences are not squared: it is their absolute values": {"size": lambda off: off.abs().mean()},
    },
)  # fmt: skip


@noise_loss.mistake("the prediction is compared with new noise, which the model has never seen")
def _(model, x0, t, noise, alpha_bar):
    import torch

    return _guess_loss(model, x0, t, noise, alpha_bar, wanted=lambda noise, x, x0: torch.randn_like(noise))


# Taking the noise off ---------------------------------------------------------------------------------------


def _step_cases():
    def case(seed, dtype, shape, now, before, size=1):
        x0, guess, noise = random_arrays(seed, dtype, shape, shape, shape)
        x = np.sqrt(now) * size * np.tanh(x0) + np.sqrt(1 - now) * guess
        return x.astype(dtype), guess, now, before, noise

    return {
        "one step": case(341, np.float64, (3, 1, 2, 4), 0.4, 0.45),
        "many steps at once": case(342, np.float64, (2, 1, 3, 3), 0.1, 0.7),
        "the last step, to the image itself": case(343, np.float64, (2, 1, 3, 2), 0.9, 1.0),
        "one image": case(345, np.float64, (1, 1, 2, 3), 0.3, 0.6),
        "float32": case(344, np.float32, (2, 1, 3, 4), 0.5, 0.8),
        "a guess that means pixels beyond -1..1": case(346, np.float32, (2, 1, 3, 3), 0.2, 0.5, size=3),
    }


def _run_step(function, x, predicted, now, before, noise):
    import torch

    torch.manual_seed(0)
    x, predicted, noise = tensors(x, predicted, noise)
    return {"cleaner images": array_of("the cleaner images", function(x, predicted, now, before, noise))}


denoise_step = Method(
    "denoise_step",
    f"{MODULE}:denoise_step",
    run=_run_step,
    notebook="extras",
    minutes=10,
    cases=_step_cases,
    beyond={
        "a guess that means pixels beyond -1..1": (
            "The image that the model sees behind the noise is clamped to -1..1 first, as the authors' own code does "
            "it; the formula above the TODO does not, and samples differ a little"
        ),
    },
    spare=("predicted", "noise"),
    float32_suffices=True,
    outputs=("cleaner images",),
    hints=(
        "First beta, from now and before. Then two things are left: where the cleaner image lies in the mean, and how "
        "far chance may carry it from there. now and before are plain numbers: math.sqrt takes their roots.",
        "What is given is the variance: the noise is multiplied with its root. The last step, where before is 1, needs "
        "no case of its own: its variance is 0.",
        "beta = 1 - now / before; mean = (x - beta / math.sqrt(1 - now) * predicted) / math.sqrt(1 - beta); return "
        "mean + math.sqrt(beta * (1 - before) / (1 - now)) * noise",
    ),
)


@denoise_step.oracle
def _(x, predicted, now, before, noise):
    """Bayes' rule as a product of two normal densities of the cleaner image: precisions add up, and weigh the means.

    One comes from x0, which was noised down to it; the other from x, which one more step made of it.
    """
    x, predicted, noise = (a.astype(np.float64) for a in (x, predicted, noise))
    x0 = (x - (1 - now) ** 0.5 * predicted) / now**0.5
    if before == 1:
        return {"cleaner images": x0}
    shrink = (now / before) ** 0.5
    from_x0, from_x = 1 / (1 - before), shrink**2 / (1 - now / before)
    mean = (from_x0 * before**0.5 * x0 + from_x * x / shrink) / (from_x0 + from_x)
    return {"cleaner images": mean + noise / (from_x0 + from_x) ** 0.5}


def _posterior(beta, now, before):
    return (beta * (1 - before) / (1 - now)) ** 0.5


def _step(
    x, predicted, now, before, noise, *,
    kept=lambda now, before: now / before, part=lambda beta, now: beta / (1 - now) ** 0.5,
    grow=lambda alpha: alpha**-0.5, spread=_posterior,
):  # fmt: skip
    """denoise_step with switches for mistakes."""
    alpha = kept(now, before)
    mean = (x - part(1 - alpha, now) * predicted) * grow(alpha)
    return mean + spread(1 - alpha, now, before) * noise


variants(
    denoise_step,
    _step,
    {
        "the predicted noise is not scaled, but all of it taken off at once": {"part": lambda beta, now: 1},
        "the predicted noise is scaled by beta alone: / sqrt(1 - now) is missing": {"part": lambda beta, now: beta},
        "the predicted noise is scaled by beta / (1 - now): the root is missing": {
            "part": lambda beta, now: beta / (1 - now),
        },
        "the predicted noise is scaled by the root of beta": {"part": lambda beta, now: (beta / (1 - now)) ** 0.5},
        "the predicted noise is added instead of subtracted": {"part": lambda beta, now: -beta / (1 - now) ** 0.5},
        "the mean is not divided by sqrt(1 - beta): the image stays as small as the step made it": {
            "grow": lambda alpha: 1,
        },
        "the mean is divided by 1 - beta, not by its root": {"grow": lambda alpha: 1 / alpha},
        "the mean is multiplied with sqrt(1 - beta) instead of divided": {"grow": lambda alpha: alpha**0.5},
        "the noise is multiplied with the variance, where its root is wanted": {
            "spread": lambda *step: _posterior(*step) ** 2,
        },
        "no noise is added": {"spread": lambda *step: 0},
        "beta is taken for the variance: noise is added in the last step, too": {
            "spread": lambda beta, now, before: beta**0.5,
        },
        "beta is taken for the variance (the paper's other choice), though not in the last step": {
            "spread": lambda beta, now, before: beta**0.5 if before < 1 else 0,
        },
        "1 - before is taken for the variance": {"spread": lambda beta, now, before: (1 - before) ** 0.5},
        "noise is added at full strength": {"spread": lambda *step: 1},
        "alpha_bar is taken for alpha: beta is 1 - now instead of 1 - now / before": {
            "kept": lambda now, before: now,
        },
        "beta is 1 - before instead of 1 - now / before": {"kept": lambda now, before: before},
    },
)  # fmt: skip


def _clean(x, predicted, now):
    return (x - (1 - now) ** 0.5 * predicted) / now**0.5


mistakes(
    denoise_step,
    {
        "it jumps to x0 at once": lambda x, predicted, now, before, noise: _clean(x, predicted, now),
        "x0 is noised anew, and x forgotten": lambda x, predicted, now, before, noise: (
            before**0.5 * _clean(x, predicted, now) + (1 - before) ** 0.5 * noise
        ),
        "the predicted noise is laid on again instead of new noise: a step of DDIM, a sampler without chance": (
            lambda x, predicted, now, before, noise: (
                before**0.5 * _clean(x, predicted, now) + (1 - before) ** 0.5 * predicted
            )
        ),
        "the result is clamped to -1..1, which noisy images leave rightly": lambda *args: _step(*args).clamp(-1, 1),
    },
)  # fmt: skip


@denoise_step.mistake("noise of its own is drawn instead of the noise that was given")
def _(x, predicted, now, before, noise):
    import torch

    return _step(x, predicted, now, before, torch.randn_like(x))
