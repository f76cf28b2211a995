"""Diffusion: noise is laid over images step by step, and a network learns to take it off again; images are in -1..1.

Step 0 is the image itself, step T nearly pure noise; alpha_bar[t] is the share of the image in the variance at step t.
Sources: Ho, Jain, Abbeel 2020, Denoising Diffusion Probabilistic Models, https://arxiv.org/abs/2006.11239; Nichol,
Dhariwal 2021, Improved Denoising Diffusion Probabilistic Models (the cosine schedule), https://arxiv.org/abs/2102.09672;
Salimans, Ho 2022, Progressive Distillation (what the network predicts inside), https://arxiv.org/abs/2202.00512
"""

import math
import operator

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 28
LARGEST_BETA = 0.999  # a step never takes away more of the variance than this (Nichol and Dhariwal)
SINES, TIME_DIM = 32, 128  # numbers that tell the network which step it is, as sines and as the layers see them
BATCH = 250  # images denoised together: their activations stay in the cache


def noise_schedule(T):
    """alpha_bar (T + 1,), float32: from 1 at step 0 down to nearly 0 at step T, along a squared cosine.

    Nichol and Dhariwal, eq. 17. Raises ValueError for a T under 1.
    """
    if operator.index(T) < 1:
        raise ValueError(f"T is {T}; there must be at least 1 step")
    angle = (torch.arange(T + 1, dtype=torch.float64) / T + 0.008) / 1.008 * math.pi / 2
    left = angle[1:].cos().square() / angle[:-1].cos().square()  # of the image's variance, after each step
    return torch.cat([torch.ones(1), left.clamp(min=1 - LARGEST_BETA).cumprod(0)]).float()


def add_noise(x0, t, noise, alpha_bar):
    """Images as they are at step t, made in one go: a shrunken image plus grown noise (Ho et al., eq. 4).

    x0 (N, ...): images in -1..1. t (N,) int64: a step in 0..T for each. noise: standard normal, of x0's shape.
    alpha_bar (T + 1,). The variances add up to 1: alpha_bar[t] of the image, the rest of the noise.
    Raises ValueError for shapes that do not fit and steps that are not in 0..T.
    """
    _check_steps(x0, t, noise, alpha_bar)
    # TODO(add_noise): sqrt(alpha_bar) of the image, sqrt(1 - alpha_bar) of the noise; each image has a step of its own.
    ### BEGIN SOLUTION add_noise
    left = alpha_bar[t].reshape(-1, *[1] * (x0.dim() - 1))
    return left.sqrt() * x0 + (1 - left).sqrt() * noise
    ### END SOLUTION


def noise_loss(model, x0, t, noise, alpha_bar):
    """How badly the model guesses the noise in noisy images: the mean squared error (Ho et al., eq. 14); a scalar.

    model(x_t, t) -> predicted noise, of x0's shape. The rest is as for add_noise.
    """
    # TODO(noise_loss): lay the noise over the images, let the model predict it, compare the prediction with the noise.
    ### BEGIN SOLUTION noise_loss
    return F.mse_loss(model(add_noise(x0, t, noise, alpha_bar), t), noise)
    ### END SOLUTION


def denoise_step(x, predicted, now, before, noise):
    """One step from noise to image, from where alpha_bar is `now` to where it is `before` (Ho et al., Algorithm 2).

    x (N, ...): the noisy images; predicted: the noise that the model sees in them; noise: new, standard normal.
    now < before <= 1: numbers. They may lie several steps apart: the step's beta is 1 - now / before.
    Raises ValueError if they are out of order.
    """
    if not 0 < now < before <= 1:
        raise ValueError(f"alpha_bar rises from now to before, 0 < now < before <= 1; got {now} and {before}")
    # TODO(denoise_step): the mean is (x - beta / sqrt(1 - now) predicted) / sqrt(1 - beta); the variance of the noise
    # to be added is beta (1 - before) / (1 - now), which comes to 0 in the last step.
    ### BEGIN SOLUTION denoise_step
    beta = 1 - now / before
    mean = (x - beta / math.sqrt(1 - now) * predicted) / math.sqrt(1 - beta)
    return mean + math.sqrt(beta * (1 - before) / (1 - now)) * noise
    ### END SOLUTION


@torch.no_grad()
def sample_digits(model, num, alpha_bar, steps=30, generator=None, keep=0, labels=None):
    """Images (num, 1, 28, 28) in -1..1, out of pure noise; with keep=k, also k stages on the way (k, num, 1, 28, 28).

    model(x, t) -> predicted noise; it lies where alpha_bar lies, and has its dtype. steps: how many of the T steps are
    taken, evenly spaced. generator: a CPU generator, from which all noise comes. The last stage is the result itself.
    labels (num,): what the images are to show; the model is then called with theirs, model(x, t, y).
    Raises ValueError for counts that do not fit.
    """
    T = len(alpha_bar) - 1
    if num < 1 or not 1 <= steps <= T or not 0 <= keep <= steps:
        raise ValueError(f"num is {num}, steps {steps}, keep {keep}; it must be 1 <= num, 1 <= steps <= T = {T} and "
                         "0 <= keep <= steps")  # fmt: skip
    if labels is not None and labels.shape != (num,):
        raise ValueError(f"labels have shape {tuple(labels.shape)}; {num} images need one each, ({num},)")

    def noise():
        drawn = torch.randn(num, 1, SIDE, SIDE, generator=generator, dtype=alpha_bar.dtype)
        return drawn.to(alpha_bar.device)

    times = torch.linspace(T, 0, steps + 1).round().long().tolist()
    kept = {round(k * steps / keep) for k in range(1, keep + 1)} if keep else set()
    x, stages = noise(), []
    for done, (now, before) in enumerate(zip(times, times[1:]), 1):
        told = [torch.full((num,), now, device=x.device), *([] if labels is None else [labels.to(x.device)])]
        predicted = torch.cat([model(*part) for part in zip(*(each.split(BATCH) for each in (x, *told)))])
        x = denoise_step(x, predicted, alpha_bar[now].item(), alpha_bar[before].item(), noise())
        if done == steps:
            x = x.clamp(-1, 1)
        if done in kept:
            stages.append(x)
    return (x, torch.stack(stages)) if keep else x


class Denoiser(nn.Module):
    """A small U-Net that sees the noise in noisy digits: x (N, 1, 28, 28) and steps t (N,) to noise of x's shape.

    Its maps are 14 x 14, with 2 x 2 pixels folded into channels, and 7 x 7; there the deepest part connects everything
    with everything, which at this size costs no more than convolutions do, and sees the whole digit at once.
    What its layers give is v = sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x0, from which the noise follows by x: where
    nearly all is noise, x itself is nearly the answer (Salimans and Ho). T: as in noise_schedule(T). 1.4 million
    parameters. No image has a part in another's result.
    num_labels: it may also be told what an image shows, 0..num_labels - 1; `null` = num_labels says: I do not tell.
    """

    def __init__(self, T=1000, channels=16, hidden=256, blocks=3, num_labels=0):
        super().__init__()
        wide = 2 * channels
        self.T, self.null = T, num_labels
        self.register_buffer("alpha_bar", noise_schedule(T))
        self.register_buffer("rates", torch.logspace(0, 3, SINES // 2))
        self.time = nn.Sequential(nn.Linear(SINES, TIME_DIM), nn.SiLU(), nn.Linear(TIME_DIM, TIME_DIM), nn.SiLU())
        self.fine = nn.Conv2d(4, channels, 3, padding=1)
        self.down = nn.Conv2d(channels, wide, 4, stride=2, padding=1)
        self.gather = nn.Linear(wide * 7 * 7, hidden)
        self.blocks = nn.ModuleList(_Block(hidden) for _ in range(blocks))
        self.spread = nn.Linear(hidden, wide * 7 * 7)
        self.up = nn.ConvTranspose2d(wide, channels, 4, stride=2, padding=1)
        self.join = nn.Sequential(nn.Conv2d(2 * channels, wide, 3, padding=1), nn.GroupNorm(4, wide))
        self.last = nn.Conv2d(wide, 4, 3, padding=1)
        self.time_for = nn.ModuleList(nn.Linear(TIME_DIM, width) for width in (channels, hidden, wide))
        for p in self.last.parameters():
            nn.init.zeros_(p)  # v = 0 is the best guess of one who knows nothing
        self.labels = nn.Embedding(num_labels + 1, TIME_DIM) if num_labels else None

    def forward(self, x, t, y=None):
        """x (N, 1, 28, 28), t (N,) int64 in 0..T -> the noise that is seen, (N, 1, 28, 28).

        y (N,) int64 in 0..num_labels: what the images show; None: it is told of none.
        """
        left = self.alpha_bar[t].reshape(-1, 1, 1, 1)
        return (1 - left).sqrt() * x + left.sqrt() * self._v(x, self._embedded(t, y))

    def _embedded(self, t, y=None):
        """(N, TIME_DIM): the steps as sines of all speeds, and what two layers make of them; beside them the labels."""
        angles = (t / self.T)[:, None].to(self.rates.dtype) * self.rates
        time = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        if self.labels is None:
            return time
        return time + self.labels(torch.full_like(t, self.null) if y is None else y)

    def _v(self, x, time):
        for_fine, for_middle, for_join = (layer(time) for layer in self.time_for)
        folded = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)  # (N, 4, 14, 14)
        fine = F.silu(self.fine(folded) + for_fine[:, :, None, None])
        coarse = F.silu(self.down(fine))  # (N, 2 C, 7, 7)
        middle = self.gather(coarse.flatten(1)) + for_middle
        for block in self.blocks:
            middle = block(middle, time)
        coarse = F.silu(coarse + self.spread(F.silu(middle)).view_as(coarse))
        both = torch.cat([F.silu(self.up(coarse)), fine], dim=1)  # (N, 2 C, 14, 14)
        return F.pixel_shuffle(self.last(F.silu(self.join(both) + for_join[:, :, None, None])), 2)


class _Block(nn.Module):
    """Two layers with a way round them; the step's embedding comes in between."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.time = nn.LayerNorm(width), nn.Linear(TIME_DIM, width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x, time):
        return x + self.second(F.silu(self.first(self.norm(x)) + self.time(time)))


def _check_steps(x0, t, noise, alpha_bar):
    if noise.shape != x0.shape:
        raise ValueError(f"noise has shape {tuple(noise.shape)}; images {tuple(x0.shape)} need noise of their shape")
    if t.shape != x0.shape[:1]:
        raise ValueError(f"t has shape {tuple(t.shape)}; {len(x0)} images need one step each, ({len(x0)},)")
    if t.dtype != torch.int64:
        raise TypeError(f"t is {t.dtype}; steps are counted in torch.int64")
    if len(t) and not 0 <= t.min() <= t.max() < len(alpha_bar):
        raise ValueError(f"t runs from {t.min()} to {t.max()}; steps are in 0..{len(alpha_bar) - 1}")
