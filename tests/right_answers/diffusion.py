"""Diffusion: noise laid on, its loss, a step back."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from cs231n.diffusion import add_noise

from . import right


def extract(a, t, x_shape):
    """The numbers of a at steps t, with as many axes as images have; as in the authors' code."""
    out = a.gather(-1, t)
    return out.reshape(t.shape[0], *((1,) * (len(x_shape) - 1)))


@right("add_noise", "extract by gather and reshape")
def _(x0, t, noise, alpha_bar):
    sqrt_alphas_cumprod, sqrt_one_minus = torch.sqrt(alpha_bar), torch.sqrt(1.0 - alpha_bar)
    return extract(sqrt_alphas_cumprod, t, x0.shape) * x0 + extract(sqrt_one_minus, t, x0.shape) * noise


@right("add_noise", "four axes by view", remark="square images")
def _(x0, t, noise, alpha_bar):
    a = alpha_bar[t].view(-1, 1, 1, 1)
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


@right("add_noise", "four axes by None", remark="square images")
def _(x0, t, noise, alpha_bar):
    mean = torch.sqrt(alpha_bar[t])[:, None, None, None] * x0
    std = torch.sqrt(1 - alpha_bar[t])[:, None, None, None]
    return mean + std * noise


@right("add_noise", "image by image, in a loop")
def _(x0, t, noise, alpha_bar):
    x = torch.empty_like(x0)
    for n in range(len(x0)):
        left = float(alpha_bar[t[n]])
        x[n] = math.sqrt(left) * x0[n] + math.sqrt(1 - left) * noise[n]
    return x


@right("add_noise", "by einsum, in place on a copy")
def _(x0, t, noise, alpha_bar):
    x = torch.einsum("n,n...->n...", alpha_bar.index_select(0, t) ** 0.5, x0).clone()
    x += torch.einsum("n,n...->n...", (1 - alpha_bar.index_select(0, t)) ** 0.5, noise)
    return x


@right("noise_loss", "mse_loss")
def _(model, x0, t, noise, alpha_bar):
    x_noisy = add_noise(x0=x0, t=t, noise=noise, alpha_bar=alpha_bar)
    predicted_noise = model(x_noisy, t)
    return F.mse_loss(noise, predicted_noise)


@right("noise_loss", "the mean of squares, with noise laid on in the loss", remark="square images")
def _(model, x0, t, noise, alpha_bar):
    a = alpha_bar[t][:, None, None, None]
    eps = model(a**0.5 * x0 + (1 - a) ** 0.5 * noise, t)
    return (noise - eps).square().mean(dim=(1, 2, 3)).mean()


@right("noise_loss", "MSELoss")
def _(model, x0, t, noise, alpha_bar):
    return torch.nn.MSELoss(reduction="mean")(model(add_noise(x0, t, noise, alpha_bar), t), noise)


@right("noise_loss", "a squared norm divided by the number of pixels")
def _(model, x0, t, noise, alpha_bar):
    off = model.forward(add_noise(x0, t, noise, alpha_bar), t) - noise
    return torch.sum(off**2) / off.numel()


@right("noise_loss", "float32 throughout", remark="right for float32")
def _(model, x0, t, noise, alpha_bar):
    x = add_noise(x0.float(), t, noise.float(), alpha_bar.float())
    return F.mse_loss(model(x, t), noise.float())


@right("denoise_step", "by x0, clamped, as in the authors' code", remark="clamped to -1..1 first")
def _(x, predicted, now, before, noise):
    beta = 1 - now / before
    x0 = (math.sqrt(1 / now) * x - math.sqrt(1 / now - 1) * predicted).clamp(-1.0, 1.0)
    mean = beta * math.sqrt(before) / (1 - now) * x0 + (1 - before) * math.sqrt(1 - beta) / (1 - now) * x
    variance = beta * (1 - before) / (1 - now)
    return mean + math.sqrt(variance) * noise


@right("denoise_step", "by x0, as it is")
def _(x, predicted, now, before, noise):
    alpha = now / before
    x0 = (x - np.sqrt(1 - now) * predicted) / np.sqrt(now)
    mean = (np.sqrt(before) * (1 - alpha) * x0 + np.sqrt(alpha) * (1 - before) * x) / (1 - now)
    return mean + np.sqrt((1 - alpha) * (1 - before) / (1 - now)) * noise


@right("denoise_step", "the last step by itself, the variance through its logarithm")
def _(x, predicted, now, before, noise):
    alpha = now / before
    mean = 1 / alpha**0.5 * (x - (1 - alpha) / (1 - now) ** 0.5 * predicted)
    if before == 1:
        return mean
    log_variance = math.log((1 - alpha) * (1 - before) / (1 - now))
    return mean + noise * math.exp(0.5 * log_variance)


@right("denoise_step", "what is new is written into", remark="changed in place")
def _(x, predicted, now, before, noise):
    beta = 1 - now / before
    predicted *= beta / math.sqrt(1 - now)
    noise.mul_(math.sqrt(beta * (1 - before) / (1 - now)))
    return (x - predicted).div_(math.sqrt(1 - beta)).add_(noise)


@right("denoise_step", "numbers made tensors")
def _(x, predicted, now, before, noise):
    now, before = (torch.tensor(a, dtype=x.dtype) for a in (now, before))
    beta = 1 - now / before
    mean = torch.rsqrt(1 - beta) * (x - beta * torch.rsqrt(1 - now) * predicted)
    return mean + torch.sqrt(beta * (1 - before) / (1 - now)) * noise
