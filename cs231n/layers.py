"""Feed-forward layers in numpy, each a forward and a hand-written backward pass.

Every `*_forward` returns `(out, cache)`, every `*_backward(dout, cache)` the gradients in the order of the
forward pass's arguments. All keep the dtype of their input.
"""

import numpy as np


def affine_forward(x, w, b):
    """out = x w + b for x (N, d1, ..., dk) read as N rows of D numbers, w (D, M), b (M,); out (N, M)."""
    out = x.reshape(x.shape[0], -1) @ w + b
    return out, (x, w)


def affine_backward(dout, cache):
    """Gradients dx (shaped like x), dw (D, M), db (M,) of affine_forward for dout (N, M)."""
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T @ dout
    return dx, dw, dout.sum(axis=0)


def relu_forward(x):
    """out = max(0, x) of x of any shape, elementwise (Nair & Hinton 2010)."""
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    """Gradient dx of relu_forward; the slope at exactly 0 counts as 0."""
    return dout * (cache > 0)


def batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise each column of x (N, D) over the batch, then scale by gamma (D,) and shift by beta (D,).

    bn_param: mode 'train' or 'test', eps (1e-5), momentum (0.9), running_mean and running_var (D,), which
    training updates in place of the dictionary. Ioffe & Szegedy 2015, algorithm 1; variance divided by N.
    """
    mode, eps, momentum = bn_param["mode"], bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros_like(gamma))
    running_var = bn_param.get("running_var", np.zeros_like(gamma))
    if mode == "test":
        return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta, None
    if mode != "train":
        raise ValueError(f"bn_param['mode'] is {mode!r}; it must be 'train' or 'test'")
    mean, var = x.mean(axis=0), x.var(axis=0)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inv_std
    bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    return gamma * x_hat + beta, (x_hat, gamma, inv_std)


def batchnorm_backward(dout, cache):
    """Gradients dx (N, D), dgamma (D,), dbeta (D,) of batchnorm_forward in training mode.

    Mean and variance depend on x too, so dx is dout less its projections on 1 and on x_hat.
    """
    x_hat, gamma, inv_std = cache
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx = gamma * inv_std * (dout - (dbeta + x_hat * dgamma) / len(dout))
    return dx, dgamma, dbeta


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """batchnorm_forward of images x (N, C, H, W): statistics per channel, over batch and places."""
    N, C, H, W = x.shape
    rows, cache = batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, C), gamma, beta, bn_param)
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    """Gradients dx (N, C, H, W), dgamma (C,), dbeta (C,) of spatial_batchnorm_forward."""
    N, C, H, W = dout.shape
    dx, dgamma, dbeta = batchnorm_backward(dout.transpose(0, 2, 3, 1).reshape(-1, C), cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


def svm_loss(x, y):
    """Multiclass hinge loss of scores x (N, C) for labels y (N,), margin 1, mean over N; and its gradient dx (N, C).

    Each class that comes nearer to the right one than the margin counts (Weston & Watkins 1999).
    """
    N = len(x)
    rows = np.arange(N)
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)  # (N, C)
    margins[rows, y] = 0
    dx = (margins > 0).astype(x.dtype)
    dx[rows, y] = -dx.sum(axis=1)
    return margins.sum() / N, dx / N


def log_softmax(x):
    """log(softmax(x)) along the last axis, by log-sum-exp: exact also for scores hundreds apart."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax_loss(x, y):
    """Cross-entropy of scores x (N, C) for labels y (N,), mean over N; and its gradient dx (N, C)."""
    N = len(x)
    rows = np.arange(N)
    log_probs = log_softmax(x)
    dx = np.exp(log_probs)
    dx[rows, y] -= 1
    return -log_probs[rows, y].sum() / N, dx / N
