"""The vanilla RNN: one step, and whole sequences, forward and backward."""

import numpy as np

from ..authoring.inputs import random_arrays, sequence_back_cases, sequence_cases, with_large_sums, with_upstream
from ..authoring.layers import affine_back, sigmoid
from ..authoring.variants import variants
from ..todo import Backward, Forward

LAYERS = "cs231n.rnn_layers"


# One step ---------------------------------------------------------------------------------------------------


def _step_shapes(N, D, H):
    return (N, D), (N, H), (D, H), (H, H), (H,)


def _step_cases():
    return {
        "float64": random_arrays(1, np.float64, *_step_shapes(3, 4, 5)),
        "D equal to H": random_arrays(2, np.float64, *_step_shapes(2, 3, 3)),
        "one row, one input, one unit": random_arrays(3, np.float64, *_step_shapes(1, 1, 1)),
        "float32": random_arrays(4, np.float32, *_step_shapes(3, 4, 5)),
        "large numbers": with_large_sums(*random_arrays(5, np.float32, *_step_shapes(3, 1, 3))),
    }


rnn_step_forward = Forward(
    "rnn_step_forward",
    f"{LAYERS}:rnn_step_forward",
    notebook="RNN",
    minutes=5,
    cases=_step_cases,
    outputs=("next_h",),
    hints=(
        "There are two matrix products: one brings in the new input, one the previous state.",
        "Add the two products and the bias, then squash the sum with tanh. The bias has shape (H,) and spreads "
        "over the N rows by itself.",
        "next_h = np.tanh(x @ Wx + prev_h @ Wh + b). For the backward pass keep x, prev_h, Wx, Wh and next_h.",
    ),
)


@rnn_step_forward.oracle
def _step(x, prev_h, Wx, Wh, b):
    return (x @ Wx + prev_h @ Wh + b).tanh()


def _run_step(x, prev_h, Wx, Wh, b, *, squash=np.tanh, bias=1, after=0, state=1):
    """A textbook step in numpy; the switches make its known mistakes."""
    return squash(x @ Wx + state * (prev_h @ Wh) + bias * b) + after * b


def _quotient(a):
    with np.errstate(all="ignore"):
        up, down = np.exp(a), np.exp(-a)
        return (up - down) / (up + down)


variants(
    rnn_step_forward,
    _run_step,
    {
        "the bias b is left out": {"bias": 0},
        "the tanh is missing": {"squash": lambda a: a},
        "the logistic sigmoid stands in place of the tanh": {"squash": sigmoid},
        "Wx and Wh are exchanged": lambda x, prev_h, Wx, Wh, b: _run_step(x, prev_h, Wh, Wx, b),
        "the previous state is left out": {"state": 0},
        "the bias is added after the tanh": {"bias": 0, "after": 1},
        "the tanh is the quotient (e^a - e^-a) / (e^a + e^-a), nan for large a; np.tanh is not": {"squash": _quotient},
    },
)


rnn_step_backward = Backward(
    "rnn_step_backward",
    f"{LAYERS}:rnn_step_backward",
    forward=rnn_step_forward,
    notebook="RNN",
    minutes=10,
    cases=lambda: with_upstream(11, _step_cases(), lambda x, prev_h, *weights: [prev_h.shape]),
    hints=(
        "Name the sum inside the tanh a. Find da, the gradient of a; after that it is an affine layer twice.",
        "The slope of tanh at a is 1 - tanh(a)**2, and tanh(a) is next_h itself: da = dnext_h * (1 - next_h**2).",
        "dx = da @ Wx.T and dWx = x.T @ da; dprev_h and dWh likewise; db is the sum of da over the batch.",
    ),
)


def _step_back(dnext_h, x, prev_h, Wx, Wh, b, *, slope=lambda next_h, prev_h: 1 - next_h**2):
    """A textbook backward step in numpy, with a switch for mistakes."""
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return affine_back(dnext_h * slope(next_h, prev_h), x, prev_h, Wx, Wh)


variants(
    rnn_step_backward,
    _step_back,
    {
        "the slope of the tanh is left out": {"slope": lambda next_h, prev_h: 1},
        "the slope is taken as 1 - next_h, without the square": {"slope": lambda next_h, prev_h: 1 - next_h},
        "the slope is taken at next_h: 1 - tanh(next_h)**2, a tanh too many": {
            "slope": lambda next_h, prev_h: 1 - np.tanh(next_h) ** 2,
        },
        "the slope is taken of the previous state: 1 - prev_h**2": {"slope": lambda next_h, prev_h: 1 - prev_h**2},
    },
)


@rnn_step_backward.mistake("db is averaged over the batch instead of summed")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    da = dnext_h * (1 - next_h**2)
    return (*affine_back(da, x, prev_h, Wx, Wh)[:4], da.mean(axis=0))


@rnn_step_backward.mistake("dnext_h is multiplied by the slope in place, in the caller's own array")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    dnext_h *= 1 - np.tanh(x @ Wx + prev_h @ Wh + b) ** 2
    return affine_back(dnext_h, x, prev_h, Wx, Wh)


# Whole sequences --------------------------------------------------------------------------------------------


rnn_forward = Forward(
    "rnn_forward",
    f"{LAYERS}:rnn_forward",
    notebook="RNN",
    minutes=10,
    cases=lambda: sequence_cases(1),
    outputs=("h",),
    hints=(
        "Start from h0. At each t the step takes x[:, t] and the state that the step before returned.",
        "Keep every state in h[:, t]. Make h with dtype=x.dtype: np.zeros alone makes float64, and then the whole "
        "model runs at half its speed.",
        "prev = h0; for t in range(T): prev, cache_t = rnn_step_forward(x[:, t], prev, Wx, Wh, b); h[:, t] = prev; "
        "append cache_t to a list. That list is your cache.",
    ),
)


@rnn_forward.oracle
def _rnn(x, h0, Wx, Wh, b):
    import torch

    states = [h0]
    for x_t in x.unbind(1):
        states.append(_step(x_t, states[-1], Wx, Wh, b))
    return torch.stack(states[1:], dim=1)


def _run_rnn(
    x, h0, Wx, Wh, b, *, times=iter, keep=True, from_zero=False, bias=1, late=False, last_only=False, first_input=False
):
    """A textbook RNN in numpy; times gives the order in which the steps are taken, the switches make known mistakes."""
    h, h0 = np.zeros((*x.shape[:2], Wh.shape[0]), dtype=x.dtype), h0 * (not from_zero)
    prev = h0
    for t in times(range(x.shape[1])):
        new = np.tanh(x[:, 0 if first_input else t] @ Wx + (prev if keep else h0) @ Wh + bias * b)
        h[:, t] = prev if late else new
        prev = new
    if last_only:
        h[:, :-1] = 0
    return h


variants(
    rnn_forward,
    _run_rnn,
    {
        "every step starts from h0 again: the state is not carried on": {"keep": False},
        "the first step starts from zeros instead of h0": {"from_zero": True},
        "time runs backwards, from the last input to the first": {"times": reversed},
        "only the last state is written, the others stay zero": {"last_only": True},
        "every step reads the first input, x[:, 0]": {"first_input": True},
        "the states stand a step late: h0 is the first of them": {"late": True},
        "the bias b is left out": {"bias": 0},
        "the states are kept in an array without dtype, so that float32 silently becomes float64": (
            lambda *inputs: _run_rnn(*inputs).astype(np.float64)
        ),
    },
)


rnn_backward = Backward(
    "rnn_backward",
    f"{LAYERS}:rnn_backward",
    forward=rnn_forward,
    needs=("rnn_step_forward", "rnn_step_backward"),
    notebook="RNN",
    minutes=15,
    cases=lambda: sequence_back_cases(1),
    hints=(
        "Go from t = T-1 down to 0. Each state feeds two things: the layer above (dh[:, t]) and the next step.",
        "Add the two before each step back: dnext_h = dh[:, t] + dprev_h, with dprev_h = 0 to begin with. Make a "
        "new array for the sum: dh belongs to the caller.",
        "dx_t, dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dprev_h, cache[t]); dWx += dWx_t, and so "
        "on. The last dprev_h is dh0.",
    ),
)


def _rnn_back(dh, x, h0, Wx, Wh, b, *, carry=1.0, last_only=False, upstream=lambda dh, t: dh[:, t], times=reversed):
    """A textbook backward pass through time in numpy; the switches make its known mistakes."""
    h = _run_rnn(x, h0, Wx, Wh, b)
    before = np.concatenate((h0[:, None], h[:, :-1]), axis=1)
    dx, weights, dprev = np.zeros_like(x), [np.zeros_like(w) for w in (Wx, Wh, b)], np.zeros_like(h0)
    for t in times(range(x.shape[1])):
        da = (upstream(dh, t) + carry * dprev) * (1 - h[:, t] ** 2)
        dx[:, t], dprev, *grads = affine_back(da, x[:, t], before[:, t], Wx, Wh)
        weights = grads if last_only else [w + g for w, g in zip(weights, grads)]
    return dx, dprev, *weights


variants(
    rnn_backward,
    _rnn_back,
    {
        "nothing flows back through time: dprev_h is not added to dh[:, t]": {"carry": 0.0},
        "the weight gradients of the time steps are not summed: each step overwrites the one before": {
            "last_only": True
        },
        "only the gradient of the last step, dh[:, -1], is sent back": {
            "upstream": lambda dh, t: dh[:, t] * (t == dh.shape[1] - 1)
        },
        "the loop runs forward in time instead of backward": {"times": iter},
    },
)


@rnn_backward.mistake("dh0 stays zero instead of the last dprev_h")
def _(dh, *inputs):
    dx, dh0, *weights = _rnn_back(dh, *inputs)
    return dx, np.zeros_like(dh0), *weights


@rnn_backward.mistake("dprev_h is added into dh itself, an array that belongs to the caller")
def _(dh, x, h0, Wx, Wh, b):
    h = _run_rnn(x, h0, Wx, Wh, b)
    gradients = _rnn_back(dh, x, h0, Wx, Wh, b)
    for t in range(x.shape[1] - 1, 0, -1):
        dh[:, t - 1] += (dh[:, t] * (1 - h[:, t] ** 2)) @ Wh.T
    return gradients
