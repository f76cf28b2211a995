"""The LSTM: one step, and whole sequences, forward and backward."""

import numpy as np

from ..authoring.inputs import random_arrays, sequence_back_cases, sequence_cases, with_large_sums, with_upstream
from ..authoring.layers import affine_back, sigmoid
from ..authoring.variants import variants
from ..todo import Backward, Forward

LAYERS = "cs231n.rnn_layers"


def _gates(x, h, Wx, Wh, b, order="ifog", candidate=np.tanh, gate=sigmoid, interleaved=False):
    """The four gates i, f, o, g in numpy; `order` says which quarter of the columns each is read from."""
    a = x @ Wx + h @ Wh + b
    quarters = dict(zip(order, [a[:, k::4] for k in range(4)] if interleaved else np.split(a, 4, axis=1)))
    return [gate(quarters[name]) for name in "ifo"] + [candidate(quarters["g"])]


def _step_cases():
    def shapes(N, D, H):
        return (N, D), (N, H), (N, H), (D, 4 * H), (H, 4 * H), (4 * H,)

    wide = [3 * a for a in random_arrays(3, np.float64, *shapes(2, 3, 3))]
    return {
        "float64": random_arrays(1, np.float64, *shapes(3, 4, 5)),
        "one row, one input, one unit": random_arrays(2, np.float64, *shapes(1, 1, 1)),
        "D equal to H with gates nearly shut or open": tuple(wide),
        "float32": random_arrays(4, np.float32, *shapes(3, 4, 5)),
        "large numbers": with_large_sums(*random_arrays(5, np.float32, *shapes(3, 1, 3))),
    }


lstm_step_forward = Forward(
    "lstm_step_forward",
    f"{LAYERS}:lstm_step_forward",
    notebook="LSTM",
    minutes=10,
    cases=_step_cases,
    outputs=("next_h", "next_c"),
    hints=(
        "One affine product as in the RNN, only four times as wide. Cut its columns into four quarters of H.",
        "i, f, o = sigmoid(...), g = tanh(...), in this order. The old cell state is scaled by f, the candidate g "
        "by i; what leaves the cell is scaled by o.",
        "a = x @ Wx + prev_h @ Wh + b; i, f, o = sigmoid of a[:, :H], a[:, H:2*H], a[:, 2*H:3*H]; g = "
        "np.tanh(a[:, 3*H:]); next_c = f * prev_c + i * g; next_h = o * np.tanh(next_c).",
    ),
)


@lstm_step_forward.oracle
def _step(x, prev_h, prev_c, Wx, Wh, b):
    i, f, o, g = (x @ Wx + prev_h @ Wh + b).chunk(4, dim=1)
    next_c = f.sigmoid() * prev_c + i.sigmoid() * g.tanh()
    return o.sigmoid() * next_c.tanh(), next_c


def _cell(
    x, prev_h, prev_c, Wx, Wh, b, *,
    order="ifog", candidate=np.tanh, gate=sigmoid, interleaved=False, state=lambda o, _, next_c: o * np.tanh(next_c),
):  # fmt: skip
    """A textbook step in numpy; the switches make its known mistakes."""
    i, f, o, g = _gates(x, prev_h, Wx, Wh, b, order, candidate, gate, interleaved)
    next_c = f * prev_c + i * g
    return state(o, prev_c, next_c), next_c


def _quotient(a):
    with np.errstate(all="ignore"):
        return np.exp(a) / (1 + np.exp(a))


variants(
    lstm_step_forward,
    _cell,
    {
        "the gates are read in the order i, f, g, o, as torch has them, instead of i, f, o, g": {"order": "ifgo"},
        "the input gate and the forget gate are exchanged": {"order": "fiog"},
        "the gates are taken from every fourth column: the sums are (N, 4, H) side by side, not (N, H, 4)": {
            "interleaved": True
        },
        "the bias b is left out": lambda x, prev_h, prev_c, Wx, Wh, b: _cell(x, prev_h, prev_c, Wx, Wh, 0 * b),
        "the tanh of next_c is missing in next_h = o * tanh(next_c)": {"state": lambda o, prev_c, next_c: o * next_c},
        "the sigmoid is the quotient e^a / (1 + e^a), nan for large a; the given sigmoid is not": {"gate": _quotient},
        "the candidate g goes through the sigmoid instead of the tanh": {"candidate": sigmoid},
        "next_h is made from the old cell state: o * tanh(prev_c)": {
            "state": lambda o, prev_c, next_c: o * np.tanh(prev_c),
        },
    },
)


@lstm_step_forward.mistake("prev_c is overwritten with the new cell state, in the caller's own array")
def _(x, prev_h, prev_c, Wx, Wh, b):
    next_h, next_c = _cell(x, prev_h, prev_c, Wx, Wh, b)
    prev_c[:] = next_c
    return next_h, next_c


lstm_step_backward = Backward(
    "lstm_step_backward",
    f"{LAYERS}:lstm_step_backward",
    forward=lstm_step_forward,
    notebook="LSTM",
    minutes=20,
    cases=lambda: with_upstream(11, _step_cases(), lambda x, h, c, *weights: [h.shape, c.shape]),
    hints=(
        "next_c is used twice: it is returned, and next_h = o * tanh(next_c) is made from it. Its whole gradient is "
        "dc = dnext_c + dnext_h * o * (1 - tanh(next_c)**2).",
        "From dc: di = dc * g, df = dc * prev_c, dg = dc * i, dprev_c = dc * f. From dnext_h: do = dnext_h * "
        "tanh(next_c).",
        "Times the slopes: i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2. Put the four side by side into da "
        "(N, 4H); the rest is the affine part of rnn_step_backward.",
    ),
)


def _step_back(
    dnext_h, dnext_c, x, prev_h, prev_c, Wx, Wh, b, *,
    from_h=True, from_c=True, gate_slope=lambda s: s * (1 - s), g_slope=lambda g: 1 - g**2, forget=True,
):  # fmt: skip
    """A textbook backward step in numpy; the switches make its known mistakes."""
    i, f, o, g = _gates(x, prev_h, Wx, Wh, b)
    tanh_c = np.tanh(f * prev_c + i * g)
    dc = from_c * dnext_c + from_h * dnext_h * o * (1 - tanh_c**2)
    slopes = gate_slope(i), gate_slope(f), gate_slope(o), g_slope(g)
    da = np.concatenate([d * s for d, s in zip((dc * g, dc * prev_c, dnext_h * tanh_c, dc * i), slopes)], axis=1)
    dx, dprev_h, *weights = affine_back(da, x, prev_h, Wx, Wh)
    return dx, dprev_h, dc * f if forget else dc, *weights


variants(
    lstm_step_backward,
    _step_back,
    {
        "dnext_c is left out: the gradient of the cell state is not carried back": {"from_c": False},
        "the path from next_h into next_c is left out: dc is dnext_c alone": {"from_h": False},
        "dprev_c is not scaled by the forget gate": {"forget": False},
        "the slope of the tanh is used for the three sigmoid gates too": {"gate_slope": lambda s: 1 - s**2},
        "the slope of the sigmoid is used for the candidate g too": {"g_slope": lambda g: g * (1 - g)},
        "the slopes of the four gates are left out": {"gate_slope": np.ones_like, "g_slope": np.ones_like},
    },
)


@lstm_step_backward.mistake("the part from next_h is added into dnext_c itself, an array that belongs to the caller")
def _(dnext_h, dnext_c, x, prev_h, prev_c, Wx, Wh, b):
    gradients = _step_back(dnext_h, dnext_c, x, prev_h, prev_c, Wx, Wh, b)
    i, f, o, g = _gates(x, prev_h, Wx, Wh, b)
    dnext_c += dnext_h * o * (1 - np.tanh(f * prev_c + i * g) ** 2)
    return gradients


lstm_forward = Forward(
    "lstm_forward",
    f"{LAYERS}:lstm_forward",
    needs=("lstm_step_forward",),
    notebook="LSTM",
    minutes=10,
    cases=lambda: sequence_cases(4),
    outputs=("h",),
    hints=(
        "As rnn_forward, with two things carried from step to step: the state h and the cell state c.",
        "h starts at h0, c at zeros of the same shape and dtype. Only the states h are returned.",
        "h, c = h0, np.zeros_like(h0); for t in range(T): h, c, cache_t = lstm_step_forward(x[:, t], h, c, Wx, Wh, "
        "b); keep h in an (N, T, H) array and cache_t in a list.",
    ),
)


@lstm_forward.oracle
def _lstm(x, h0, Wx, Wh, b):
    import torch

    h, c, states = h0, torch.zeros_like(h0), []
    for x_t in x.unbind(1):
        h, c = _step(x_t, h, c, Wx, Wh, b)
        states.append(h)
    return torch.stack(states, dim=1)


def _run_lstm(x, h0, Wx, Wh, b, *, cell_from_h0=False, state_from_zero=False, keep_h=True, keep_c=True, late=False):
    """A textbook LSTM in numpy: all states and all cell states, (N, T, H) each; the switches make known mistakes."""
    zero = np.zeros_like(h0)
    h0 = zero if state_from_zero else h0
    h, c, states = h0, h0 if cell_from_h0 else zero, []
    for t in range(x.shape[1]):
        before = h, c
        h, c = _cell(x[:, t], h if keep_h else h0, c if keep_c else zero, Wx, Wh, b)
        states.append(before if late else (h, c))
    return tuple(np.stack(s, axis=1) for s in zip(*states))


def _states(*inputs, **switches):
    return _run_lstm(*inputs, **switches)[0]


variants(
    lstm_forward,
    _states,
    {
        "the cell state is reset to zero at every step": {"keep_c": False},
        "every step starts from h0 again: the state is not carried on": {"keep_h": False},
        "the first cell state is h0 instead of zeros": {"cell_from_h0": True},
        "the first state is zeros instead of h0": {"state_from_zero": True},
        "the states stand a step late: h0 is the first of them": {"late": True},
        "the cell states are returned in place of the states h": lambda *inputs: _run_lstm(*inputs)[1],
        "the states are kept in an array without dtype, so that float32 silently becomes float64": (
            lambda *inputs: _states(*inputs).astype(np.float64)
        ),
    },
)


lstm_backward = Backward(
    "lstm_backward",
    f"{LAYERS}:lstm_backward",
    forward=lstm_forward,
    needs=("lstm_step_forward", "lstm_step_backward"),
    notebook="LSTM",
    minutes=10,
    cases=lambda: sequence_back_cases(4),
    hints=(
        "As rnn_backward, with two gradients flowing back from step to step: dprev_h and dprev_c.",
        "dprev_h is added to dh[:, t]; dprev_c goes into the step as it is. Both start at zero.",
        "dx_t, dprev_h, dprev_c, dWx_t, dWh_t, db_t = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t]); sum "
        "the weights' gradients; the last dprev_h is dh0.",
    ),
)


def _lstm_back(dh, x, h0, Wx, Wh, b, *, carry_h=1.0, carry_c=1.0, last_only=False, upstream=lambda dh, t: dh[:, t]):
    """A textbook backward pass through time in numpy; the switches make its known mistakes."""
    states, cells = _run_lstm(x, h0, Wx, Wh, b)
    before = np.concatenate((h0[:, None], states[:, :-1]), axis=1)
    cells_before = np.concatenate((0 * h0[:, None], cells[:, :-1]), axis=1)
    dx, weights = np.zeros_like(x), [np.zeros_like(w) for w in (Wx, Wh, b)]
    dh_back = dc_back = np.zeros_like(h0)
    for t in reversed(range(x.shape[1])):
        dx[:, t], dh_back, dc_back, *grads = _step_back(
            upstream(dh, t) + carry_h * dh_back, carry_c * dc_back, x[:, t], before[:, t], cells_before[:, t], Wx, Wh, b
        )
        weights = grads if last_only else [w + g for w, g in zip(weights, grads)]
    return dx, dh_back, *weights


variants(
    lstm_backward,
    _lstm_back,
    {
        "the gradient of the cell state, dprev_c, is not carried back through time": {"carry_c": 0.0},
        "dprev_h is not added to dh[:, t]: only the cell state carries gradient back": {"carry_h": 0.0},
        "the weight gradients of the time steps are not summed: each step overwrites the one before": {
            "last_only": True
        },
        "only the gradient of the last step, dh[:, -1], is sent back": {
            "upstream": lambda dh, t: dh[:, t] * (t == dh.shape[1] - 1)
        },
    },
)


@lstm_backward.mistake("dh0 stays zero instead of the last dprev_h")
def _(*args):
    dx, dh0, *weights = _lstm_back(*args)
    return dx, np.zeros_like(dh0), *weights


@lstm_backward.mistake("the gradients are collected in arrays without dtype, so that float32 silently becomes float64")
def _(*args):
    return tuple(g.astype(np.float64) for g in _lstm_back(*args))
