"""The LSTM's layers."""

import numpy as np

from cs231n.rnn_layers import lstm_step_backward, lstm_step_forward, sigmoid

from . import right


def masked_sigmoid(x):
    """The sigmoid the assignment used to give: each half of the numbers by the quotient that cannot overflow."""
    positive, z = x >= 0, np.zeros_like(x)
    z[positive], z[~positive] = np.exp(-x[positive]), np.exp(x[~positive])
    top = np.ones_like(x)
    top[~positive] = z[~positive]
    return top / (1 + z)


# One step ---------------------------------------------------------------------------------------------------


@right("lstm_step_forward", "quarters by slices, everything in the cache")
def _step(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, next_h)


@right("lstm_step_forward", "np.split and the assignment's old masked sigmoid")
def _(x, prev_h, prev_c, Wx, Wh, b):
    ai, af, ao, ag = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = masked_sigmoid(ai), masked_sigmoid(af), masked_sigmoid(ao), np.tanh(ag)
    next_c = prev_c * f + g * i
    return np.tanh(next_c) * o, next_c, (i, f, o, g)


@right("lstm_step_forward", "the plain sigmoid, which overflows to the right value")
def _(x, prev_h, prev_c, Wx, Wh, b):
    with np.errstate(over="ignore"):  # a student sees numpy's warning, and the right values
        ai, af, ao, ag = np.hsplit(x.dot(Wx) + prev_h.dot(Wh) + b, 4)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (ai, af, ao))
    next_c = f * prev_c + i * np.tanh(ag)
    return o * np.tanh(next_c), next_c, None


@right("lstm_step_forward", "reshaped to (N, 4, H), the gates activated in place")
def _(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_c.shape
    a = (x @ Wx + prev_h @ Wh + b).reshape(N, 4, H)
    a[:, :3] = sigmoid(a[:, :3])
    a[:, 3] = np.tanh(a[:, 3])
    next_c = a[:, 1] * prev_c
    next_c += a[:, 0] * a[:, 3]
    return a[:, 2] * np.tanh(next_c), next_c, (a, x, prev_h, prev_c, Wx, Wh)


@right("lstm_step_forward", "a product for every gate, with the columns it needs")
def _(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]

    def gate(k, activation):
        columns = slice(k * H, (k + 1) * H)
        return activation(x @ Wx[:, columns] + prev_h @ Wh[:, columns] + b[columns])

    i, f, o, g = gate(0, sigmoid), gate(1, sigmoid), gate(2, sigmoid), gate(3, np.tanh)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, locals()


@right("lstm_step_forward", "einsum, and gates in an array of np.zeros", remark="float64")
def _(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    gates = np.zeros((4, N, H))
    for k in range(4):
        part = slice(k * H, k * H + H)
        gates[k] = np.einsum("nd,dh->nh", x, Wx[:, part]) + np.einsum("ng,gh->nh", prev_h, Wh[:, part]) + b[part]
    i, f, o = sigmoid(gates[:3])
    next_c = f * prev_c + i * np.tanh(gates[3])
    return o * np.tanh(next_c), next_c, gates


def _affine(da, x, prev_h, Wx, Wh):
    return da.dot(Wx.T), da.dot(Wh.T), x.T.dot(da), prev_h.T.dot(da), np.sum(da, axis=0)


@right("lstm_step_backward", "name by name, hstack at the end", forward=_step)
def _(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, _ = cache
    do = dnext_h * np.tanh(next_c)
    dc = dnext_h * o * (1 - np.tanh(next_c) ** 2) + dnext_c
    di, df, dg, dprev_c = dc * g, dc * prev_c, dc * i, dc * f
    da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)))
    dx, dprev_h, dWx, dWh, db = _affine(da, x, prev_h, Wx, Wh)
    return dx, dprev_h, dprev_c, dWx, dWh, db


@right("lstm_step_backward", "dnext_c += ...", forward=_step, remark="dnext_c is changed in place")
def _(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, _ = cache
    dnext_c += dnext_h * o * (1 - np.square(np.tanh(next_c)))
    da = np.concatenate(
        [
            dnext_c * g * i * (1 - i),
            dnext_c * prev_c * f * (1 - f),
            dnext_h * np.tanh(next_c) * o * (1 - o),
            dnext_c * i * (1 - g * g),
        ],
        axis=1,
    )
    dx, dprev_h, *weights = _affine(da, x, prev_h, Wx, Wh)
    return dx, dprev_h, dnext_c * f, *weights


@right("lstm_step_backward", "quarters written into np.zeros", forward=_step, remark="float64")
def _(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, next_h = cache
    N, H = dnext_h.shape
    tanh_c = np.tanh(next_c)
    dc, da = dnext_c + o * (1 - tanh_c**2) * dnext_h, np.zeros((N, 4 * H))
    da[:, :H] = i * (1 - i) * g * dc
    da[:, H : 2 * H] = f * (1 - f) * prev_c * dc
    da[:, 2 * H : 3 * H] = (1 - o) * next_h * dnext_h
    da[:, 3 * H :] = (1 - g**2) * i * dc
    dx, dprev_h, *weights = _affine(da, x, prev_h, Wx, Wh)
    return dx, dprev_h, f * dc, *weights


@right("lstm_step_backward", "a small affine layer for every gate, summed", forward=_step)
def _(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, _ = cache
    dc = dnext_c + dnext_h * o / np.cosh(next_c) ** 2
    parts = (
        dc * g * i * (1 - i),
        dc * prev_c * f * (1 - f),
        dnext_h * np.tanh(next_c) * o * (1 - o),
        dc * i * (1 - g**2),
    )
    Wx4, Wh4 = np.split(Wx, 4, axis=1), np.split(Wh, 4, axis=1)
    dx, dprev_h = sum(d @ W.T for d, W in zip(parts, Wx4)), sum(d @ W.T for d, W in zip(parts, Wh4))
    dWx, dWh = np.concatenate([x.T @ d for d in parts], 1), np.concatenate([prev_h.T @ d for d in parts], 1)
    return dx, dprev_h, dc * f, dWx, dWh, np.concatenate([d.sum(0) for d in parts])


@right("lstm_step_backward", "stacked to (4, N, H) and transposed back", forward=_step)
def _(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c, _ = cache
    N, H = dnext_h.shape
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    slopes = np.array([i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2])
    da = (np.array([dc * g, dc * prev_c, dnext_h * tanh_c, dc * i]) * slopes).transpose(1, 0, 2).reshape(N, 4 * H)
    dx, dprev_h, *weights = _affine(da, x, prev_h, Wx, Wh)
    return dx, dprev_h, dc * f, *weights


# Whole sequences --------------------------------------------------------------------------------------------


@right("lstm_forward", "np.zeros for states and cells", remark="float64")
def _(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h, cache = np.zeros((N, T, H)), []
    prev_h, prev_c = h0, np.zeros((N, H))
    for t in range(T):
        prev_h, prev_c, step_cache = lstm_step_forward(x[:, t, :], prev_h, prev_c, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(step_cache)
    return h, cache


@right("lstm_forward", "lists, np.array and a transpose; the cell a zeros_like")
def _sequence(x, h0, Wx, Wh, b):
    states, caches, h, c = [], [], h0, np.zeros_like(h0)
    for x_t in x.transpose(1, 0, 2):
        h, c, cache = lstm_step_forward(x_t, h, c, Wx, Wh, b)
        states += [h]
        caches += [cache]
    return np.array(states).transpose(1, 0, 2), caches


@right("lstm_forward", "a cell that starts as the number 0, with a step of its own")
def _(x, h0, Wx, Wh, b):
    h, c, states = h0, 0, []
    for t in range(x.shape[1]):
        h, c, _ = _step(x[:, t], h, c, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1), None


@right("lstm_forward", "h0 times 0 for the cell, np.copy of every state, h like an array of the inputs")
def _(x, h0, Wx, Wh, b):
    h = np.empty(x.shape[:2] + h0.shape[1:], dtype=h0.dtype)
    state, cell, caches = np.copy(h0), h0 * 0, {}
    for t, x_t in enumerate(np.swapaxes(x, 0, 1)):
        state, cell, caches[t] = lstm_step_forward(x_t, state, cell, Wx, Wh, b)
        h[:, t] = np.copy(state)
    return h, caches


@right("lstm_forward", "an object that keeps both states")
def _(x, h0, Wx, Wh, b):
    class Cell:
        def __init__(self):
            self.h, self.c, self.caches = h0, np.zeros(h0.shape, h0.dtype), []

        def __call__(self, x_t):
            self.h, self.c, cache = lstm_step_forward(x_t, self.h, self.c, Wx, Wh, b)
            self.caches.append(cache)
            return self.h

    cell = Cell()
    return np.concatenate([cell(x[:, t])[:, None] for t in range(x.shape[1])], axis=1), cell.caches


@right("lstm_backward", "np.zeros for all of it", forward=_sequence, remark="float64")
def _(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx, dprev_h, dprev_c = np.zeros((N, T, D)), np.zeros((N, H)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    for t in range(T - 1, -1, -1):
        step = lstm_step_backward(dh[:, t, :] + dprev_h, dprev_c, cache[t])
        dx[:, t, :], dprev_h, dprev_c = step[:3]
        dWx, dWh, db = dWx + step[3], dWh + step[4], db + step[5]
    return dx, dprev_h, dWx, dWh, db


@right("lstm_backward", "the number 0 for what comes from after the end", forward=_sequence)
def _(dh, cache):
    dprev_h, dprev_c, dx, totals = 0, np.zeros_like(dh[:, 0]), [], [0, 0, 0]
    for t in reversed(range(dh.shape[1])):
        dx_t, dprev_h, dprev_c, *parts = lstm_step_backward(dh[:, t] + dprev_h, dprev_c, cache[t])
        dx.insert(0, dx_t)
        totals = [total + part for total, part in zip(totals, parts)]
    return np.stack(dx, axis=1), dprev_h, *totals


@right("lstm_backward", "recursion from the first step", forward=_sequence)
def _(dh, cache):
    def back(t):
        """Gradients of all from step t on: of every input, of the states before t, and of the weights."""
        if t == len(cache):
            zero = np.zeros_like(dh[:, 0])
            return [], zero, zero, None
        dx, dh_t, dc_t, totals = back(t + 1)
        dx_t, dh_t, dc_t, *parts = lstm_step_backward(dh[:, t] + dh_t, dc_t, cache[t])
        return [dx_t, *dx], dh_t, dc_t, parts if totals is None else [a + b for a, b in zip(totals, parts)]

    dx, dh0, _, weights = back(0)
    return np.array(dx).transpose(1, 0, 2), dh0, *weights


@right("lstm_backward", "on a float copy of dh, += into zeros_like", forward=_sequence)
def _(dh, cache):
    dh = np.array(dh)
    T, dc = dh.shape[1], np.zeros_like(dh[:, 0])
    for t in range(T)[::-1]:
        dx_t, dh_before, dc, *parts = lstm_step_backward(dh[:, t], dc, cache[t])
        if t == T - 1:
            dx, sums = np.zeros((*dh.shape[:2], dx_t.shape[1]), dh.dtype), [np.zeros_like(p) for p in parts]
        dx[:, t] = dx_t
        for total, part in zip(sums, parts):
            total += part
        if t > 0:
            dh[:, t - 1] += dh_before
    return dx, dh_before, *sums


@right("lstm_backward", "dh is added to in place", forward=_sequence, remark="dh is changed in place")
def _(dh, cache):
    T, dc, dx, sums = dh.shape[1], np.zeros_like(dh[:, 0]), [], 0
    for t in reversed(range(T)):
        dx_t, dprev_h, dc, *parts = lstm_step_backward(dh[:, t], dc, cache[t])
        if t:
            dh[:, t - 1] += dprev_h
        dx.append(dx_t)
        sums = parts if t == T - 1 else [a + b for a, b in zip(sums, parts)]
    return np.stack(dx[::-1], axis=1), dprev_h, *sums
