"""Right pieces in numpy and torch, of which textbook answers and their mistakes are made."""

import numpy as np


def sigmoid(x):
    """1 / (1 + exp(-x)) of a numpy array, without overflow."""
    return (1 + np.tanh(x / 2)) / 2


def softplus(x):
    """log(1 + exp(x)), of a numpy array or a torch tensor, without overflow."""
    if isinstance(x, np.ndarray):
        return np.logaddexp(0, x)
    return x.clamp(min=0) + x.abs().neg().exp().log1p()


def mean_square(x):
    """The mean of a tensor's squares."""
    return x.square().mean()


def affine_back(da, x, prev_h, Wx, Wh):
    """Gradients of x @ Wx + prev_h @ Wh + b for x (N, D), prev_h (N, H), Wx, Wh and b, from da (N, H)."""
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def added_rows(rows, index, num_rows, dtype=None):
    """(num_rows, D): every row (..., D) added to that of its index (...)."""
    sums = np.zeros((num_rows, rows.shape[-1]), dtype=dtype or rows.dtype)
    np.add.at(sums, index, rows)
    return sums


def per_image(values, images):
    """A tensor of one number an image, (N,), with as many axes as images (N, ...) have."""
    return values.reshape(-1, *[1] * (images.dim() - 1))


def uniform_noise(batch_size, dim, seed=None, *, low=-1, high=1, draw="rand"):
    """A tensor (batch_size, dim) of numbers in -1..1; draw: the torch function that they come from."""
    import torch

    source = None if seed is None else torch.Generator().manual_seed(seed)
    return low + (high - low) * getattr(torch, draw)(batch_size, dim, generator=source)
