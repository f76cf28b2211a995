"""Numerical gradients by central differences, to hold a hand-written backward pass against.

Use float64: with h = 1e-5 the error is about 1e-10 there, while float32 keeps only two or three digits.
"""

from random import randrange

import numpy as np


def _central_differences(evaluate, x, h, indices=None):
    """Change x by +h and -h at each index (None: at all); yield (index, evaluate() above, evaluate() below)."""
    for index in np.ndindex(x.shape) if indices is None else indices:
        kept = x[index]
        try:
            x[index] = kept + h
            above = evaluate()
            x[index] = kept - h
            below = evaluate()
        finally:
            x[index] = kept
        yield index, above, below


def eval_numerical_gradient(f, x, verbose=True, h=1e-5):
    """Gradient of a scalar function f(x) at the array x, shaped like x; verbose prints every element."""
    grad = np.zeros_like(x)
    for index, above, below in _central_differences(lambda: f(x), x, h):
        grad[index] = (above - below) / (2 * h)
        if verbose:
            print(index, grad[index])
    return grad


def eval_numerical_gradient_array(f, x, df, h=1e-5):
    """Gradient of sum(f(x) * df) at x, for an array-valued f: what a backward pass makes of dout = df."""
    grad = np.zeros_like(x)
    for index, above, below in _central_differences(lambda: np.array(f(x)), x, h):
        grad[index] = np.sum((above - below) * df) / (2 * h)
    return grad


def eval_numerical_gradient_blobs(f, inputs, output, h=1e-5):
    """Numerical gradients for blobs: objects with arrays `vals` and `diffs`, as in Caffe.

    f(*inputs, output) writes output.vals; output.diffs is the upstream gradient. One array a blob of `inputs`.
    """

    def evaluate():
        f(*inputs, output)
        return np.copy(output.vals)

    grads = []
    for blob in inputs:
        grad = np.zeros_like(blob.diffs)
        for index, above, below in _central_differences(evaluate, blob.vals, h):
            grad[index] = np.sum((above - below) * output.diffs) / (2 * h)
        grads.append(grad)
    return grads


def eval_numerical_gradient_net(net, inputs, output, h=1e-5):
    """eval_numerical_gradient_blobs of a network whose net.forward() fills `output`."""
    return eval_numerical_gradient_blobs(lambda *blobs: net.forward(), inputs, output, h=h)


def grad_check_sparse(f, x, analytic_grad, num_checks=10, h=1e-5):
    """Compare analytic_grad with numerical derivatives of scalar f at num_checks random places; print each."""
    places = [tuple(randrange(n) for n in x.shape) for _ in range(num_checks)]
    for index, above, below in _central_differences(lambda: f(x), x, h, places):
        numerical, analytic = (above - below) / (2 * h), analytic_grad[index]
        error = abs(numerical - analytic) / max(abs(numerical) + abs(analytic), 1e-300)
        print(f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}")
