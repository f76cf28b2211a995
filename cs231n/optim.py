"""First-order update rules: each takes (w, dw, config) and returns (next_w, config).

`config` holds the rule's settings and its running state; what is missing is filled in. The state is updated
in place, w and dw are left as they were.
"""

import numpy as np


def sgd(w, dw, config=None):
    """w - learning_rate * dw. config: learning_rate (1e-2)."""
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    return w - float(config["learning_rate"]) * dw, config  # a numpy float64 would turn w into float64


def sgd_momentum(w, dw, config=None):
    """Gradient descent with momentum (Polyak 1964): v <- momentum * v - learning_rate * dw; w + v.

    config: learning_rate (1e-2), momentum (0.9), velocity v.
    """
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.setdefault("velocity", np.zeros_like(w))
    v *= config["momentum"]
    v -= config["learning_rate"] * dw
    return w + v, config


def rmsprop(w, dw, config=None):
    """Steps divided by a running root mean square of the gradient (Tieleman & Hinton, 2012).

    config: learning_rate (1e-2), decay_rate (0.99), epsilon (1e-8), cache (running mean of dw**2).
    """
    config = {} if config is None else config
    for name, value in {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}.items():
        config.setdefault(name, value)
    cache = config.setdefault("cache", np.zeros_like(w))
    cache *= config["decay_rate"]
    cache += (1 - config["decay_rate"]) * dw**2
    return w - float(config["learning_rate"]) * dw / (np.sqrt(cache) + config["epsilon"]), config


def adam(w, dw, config=None):
    """Adam (Kingma & Ba 2015, algorithm 1), with the bias corrections folded into step size and epsilon.

    config: learning_rate (1e-3), beta1 (0.9), beta2 (0.999), epsilon (1e-8), first moment m, second moment v,
    step count t.
    """
    config = {} if config is None else config
    for name, value in {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}.items():
        config.setdefault(name, value)
    m = config.setdefault("m", np.zeros_like(w))
    v = config.setdefault("v", np.zeros_like(w))
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    m *= beta1
    m += (1 - beta1) * dw
    v *= beta2
    v += (1 - beta2) * dw**2
    # m_hat / (sqrt(v_hat) + eps) multiplied out: two array operations fewer than correcting m and v.
    root = float(np.sqrt(1 - beta2 ** config["t"]))
    step = config["learning_rate"] * root / (1 - beta1 ** config["t"])
    denominator = np.sqrt(v)
    denominator += config["epsilon"] * root
    np.divide(m, denominator, out=denominator)
    denominator *= step
    return w - denominator, config
