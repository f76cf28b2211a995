"""The vanilla RNN's layers and the word embedding."""

import numpy as np
from scipy import sparse

from cs231n.rnn_layers import rnn_step_backward, rnn_step_forward

from . import right

# One step ---------------------------------------------------------------------------------------------------


@right("rnn_step_forward", "np.dot, term by term, everything in the cache")
def _plain_step(x, prev_h, Wx, Wh, b):
    a = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    next_h = np.tanh(a)
    return next_h, (x, prev_h, Wx, Wh, b, a, next_h)


@right("rnn_step_forward", "the two products are one, of matrices set side by side")
def _(x, prev_h, Wx, Wh, b):
    inputs, weights = np.hstack((x, prev_h)), np.vstack((Wx, Wh))
    next_h = np.tanh(inputs.dot(weights) + b.reshape(1, -1))
    return next_h, (inputs, weights, next_h)


@right("rnn_step_forward", "einsum, added up in place in an array of its own")
def _(x, prev_h, Wx, Wh, b):
    next_h = np.einsum("nd,dh->nh", x, Wx)
    next_h += np.einsum("ng,gh->nh", prev_h, Wh)
    next_h += b[np.newaxis]
    np.tanh(next_h, out=next_h)
    return next_h, {"x": x, "prev_h": prev_h, "Wx": Wx, "Wh": Wh, "next_h": next_h}


@right("rnn_step_forward", "row by row, in a list")
def _(x, prev_h, Wx, Wh, b):
    rows = [np.tanh(Wx.T @ x_n + Wh.T @ h_n + b) for x_n, h_n in zip(x, prev_h)]
    return np.array(rows), [x, prev_h, Wx, Wh, rows]


@right("rnn_step_forward", "tanh as a logistic function of twice the sum, without overflow")
def _(x, prev_h, Wx, Wh, b):
    a = 2 * (x @ Wx + prev_h @ Wh + b)
    small = np.exp(-np.abs(a))
    logistic = np.where(a >= 0, 1 / (1 + small), small / (1 + small))
    return 2 * logistic - 1, (x, prev_h, Wx, Wh, 2 * logistic - 1)


@right("rnn_step_forward", "loops over rows and units, into np.zeros", remark="float64")
def _(x, prev_h, Wx, Wh, b):
    next_h = np.zeros(prev_h.shape)
    for n in range(x.shape[0]):
        for j in range(Wh.shape[1]):
            next_h[n, j] = np.tanh(np.sum(x[n] * Wx[:, j]) + np.sum(prev_h[n] * Wh[:, j]) + b[j])
    return next_h, (x, prev_h, Wx, Wh, next_h)


@right("rnn_step_backward", "the sum is kept and the tanh taken again", forward=_plain_step)
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, a, _ = cache
    da = dnext_h * (1 - np.tanh(a) ** 2)
    dx, dWx = np.dot(da, Wx.T), np.dot(x.T, da)
    dprev_h, dWh = np.dot(da, Wh.T), np.dot(prev_h.T, da)
    return dx, dprev_h, dWx, dWh, np.sum(da, axis=0)


@right("rnn_step_backward", "transposed throughout, and turned back at the end", forward=_plain_step)
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, _, next_h = cache
    da = ((1 - next_h * next_h) * dnext_h).T
    return Wx.dot(da).T, Wh.dot(da).T, da.dot(x).T, da.dot(prev_h).T, da.sum(1)


@right("rnn_step_backward", "einsum", forward=_plain_step)
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, _, next_h = cache
    da = np.einsum("nh,nh->nh", dnext_h, 1 - np.square(next_h))
    products = ("nh,dh->nd", Wx), ("nh,gh->ng", Wh), ("nh,nd->dh", x), ("nh,ng->gh", prev_h)
    return *(np.einsum(indices, da, factor) for indices, factor in products), np.einsum("nh->h", da)


@right("rnn_step_backward", "db as a product with ones, the slope by (1 + h) (1 - h)", forward=_plain_step)
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, _, next_h = cache
    da = (1 + next_h) * (1 - next_h) * dnext_h
    db = np.ones(len(x), dtype=x.dtype) @ da
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, db


@right("rnn_step_backward", "dnext_h is multiplied in place", forward=_plain_step, remark="dnext_h is changed in place")
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, _, next_h = cache
    dnext_h *= 1 - next_h**2
    return dnext_h @ Wx.T, dnext_h @ Wh.T, x.T @ dnext_h, prev_h.T @ dnext_h, dnext_h.sum(0)


@right("rnn_step_backward", "db row by row into np.zeros", forward=_plain_step, remark="float64")
def _(dnext_h, cache):
    x, prev_h, Wx, Wh, b, _, next_h = cache
    da, db = dnext_h * (1 - next_h**2), np.zeros(b.shape)
    for row in da:
        db += row
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, db


# Whole sequences --------------------------------------------------------------------------------------------


@right("rnn_forward", "np.zeros, a cache for each step in a list", remark="float64")
def _(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h, caches, prev_h = np.zeros((N, T, h0.shape[1])), [], h0
    for t in range(T):
        h[:, t, :], cache_t = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        prev_h = h[:, t, :]
        caches.append(cache_t)
    return h, caches


@right("rnn_forward", "a list of states, np.array and a transpose")
def _sequence(x, h0, Wx, Wh, b):
    states, cache = [h0], []
    for x_t in np.transpose(x, (1, 0, 2)):
        state, step_cache = rnn_step_forward(x_t, states[-1], Wx, Wh, b)
        states.append(state)
        cache += [step_cache]
    return np.array(states[1:]).transpose(1, 0, 2), cache


@right("rnn_forward", "the steps are concatenated along a new axis")
def _(x, h0, Wx, Wh, b):
    h, cache, state = None, {}, h0.copy()
    for t in range(x.shape[1]):
        state, cache[t] = rnn_step_forward(x[:, t], state, Wx, Wh, b)
        h = state[:, None] if h is None else np.concatenate((h, state[:, None]), axis=1)
    return h, cache


@right("rnn_forward", "h0 lies in the first place of a longer array, and the step is written out")
def _(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.empty((N, T + 1, h0.shape[1]), h0.dtype)
    h[:, 0] = h0
    for t in range(T):
        h[:, t + 1] = np.tanh(x[:, t] @ Wx + h[:, t] @ Wh + b)
    return h[:, 1:], (x, h, Wx, Wh)


@right("rnn_forward", "a function within, which keeps the state")
def _(x, h0, Wx, Wh, b):
    state, caches = h0, []

    def advance(x_t):
        nonlocal state
        state, cache = rnn_step_forward(x_t, state, Wx, Wh, b)
        caches.append(cache)
        return state

    return np.stack([advance(x[:, t]) for t in range(x.shape[1])], axis=1), caches


@right("rnn_backward", "zeros_like and += at every step", forward=_sequence, remark="float64")
def _(dh, cache):
    N, T, H = dh.shape
    x, prev_h, Wx = cache[0][:3]
    dx, dprev_h = np.zeros((N, T, x.shape[1])), np.zeros((N, H))
    dWx, dWh, db = np.zeros(Wx.shape), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(T)):
        dx[:, t, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t, :] + dprev_h, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


@right("rnn_backward", "the first step back makes the arrays, whose dtype is then right", forward=_sequence)
def _(dh, cache):
    T = dh.shape[1]
    dx_t, dprev_h, dWx, dWh, db = rnn_step_backward(dh[:, T - 1], cache.pop())
    dx = [dx_t]
    while cache:
        dx_t, dprev_h, *more = rnn_step_backward(dh[:, len(cache) - 1] + dprev_h, cache.pop())
        dx.insert(0, dx_t)
        dWx, dWh, db = (total + part for total, part in zip((dWx, dWh, db), more))
    return np.stack(dx, axis=1), dprev_h, dWx, dWh, db


@right("rnn_backward", "every gradient in a list of its own, summed at the end", forward=_sequence)
def _(dh, cache):
    gradients, dprev_h = [], 0
    for t in range(dh.shape[1])[::-1]:
        gradients.append(rnn_step_backward(dh[:, t] + dprev_h, cache[t]))
        dprev_h = gradients[-1][1]
    dx, dprev, dWx, dWh, db = map(list, zip(*gradients))
    return np.array(dx[::-1]).swapaxes(0, 1), dprev[-1], sum(dWx), sum(dWh), np.sum(db, axis=0)


@right("rnn_backward", "on a copy of dh, in place", forward=_sequence)
def _(dh, cache):
    dh, T = dh.copy(), dh.shape[1]
    x, _, Wx, Wh = cache[0][:4]
    dx, dWx, dWh = np.empty((*dh.shape[:2], x.shape[1]), dh.dtype), np.zeros_like(Wx), np.zeros_like(Wh)
    db, dh0 = np.zeros_like(Wh[0]), None
    for t in range(T - 1, -1, -1):
        dx[:, t], dprev_h, a, b, c = rnn_step_backward(dh[:, t], cache[t])
        if t:
            dh[:, t - 1] += dprev_h
        else:
            dh0 = dprev_h
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return dx, dh0, dWx, dWh, db


@right("rnn_backward", "dh is added to in place", forward=_sequence, remark="dh is changed in place")
def _(dh, cache):
    T, totals, dx, dprev_h = dh.shape[1], None, [], np.zeros_like(dh[:, 0])
    for t in reversed(range(T)):
        dh[:, t] += dprev_h
        dx_t, dprev_h, *parts = rnn_step_backward(dh[:, t], cache[t])
        totals = parts if totals is None else [a + b for a, b in zip(totals, parts)]
        dx.append(dx_t)
    return np.stack(dx[::-1], 1), dprev_h, *totals


# Words ------------------------------------------------------------------------------------------------------


@right("word_embedding_forward", "plain indexing, the shape in the cache")
def _look_up(x, W):
    return W[x, :], (x, W.shape)


@right("word_embedding_forward", "np.take")
def _(x, W):
    return np.take(W, x, axis=0), [x, W]


@right("word_embedding_forward", "a loop over sentences, stacked")
def _(x, W):
    out = np.stack([W[sentence] for sentence in x])
    return out, {"x": x, "W": W}


@right("word_embedding_forward", "flattened, looked up and reshaped")
def _(x, W):
    N, T = x.shape
    return W[x.reshape(N * T)].reshape(N, T, -1), (x, W)


@right("word_embedding_forward", "a product with one-hot rows, of W's dtype")
def _(x, W):
    one_hot = np.eye(W.shape[0], dtype=W.dtype)[x]
    return one_hot @ W, (one_hot, W)


@right("word_embedding_forward", "loops over places, into np.zeros", remark="float64")
def _(x, W):
    N, T = x.shape
    out = np.zeros((N, T, W.shape[1]))
    for n in range(N):
        for t in range(T):
            out[n, t] = W[x[n, t]]
    return out, (x, W)


@right("word_embedding_backward", "np.add.at into np.zeros", forward=_look_up, remark="float64")
def _(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


@right("word_embedding_backward", "np.add.at on flattened words", forward=_look_up)
def _(dout, cache):
    x, (V, D) = cache
    dW = np.zeros((V, D), dtype=dout.dtype)
    np.add.at(dW, x.flatten(), dout.reshape(-1, D))
    return dW


@right("word_embedding_backward", "loops over places", forward=_look_up)
def _(dout, cache):
    x, shape = cache
    dW = np.zeros(shape).astype(dout.dtype)
    for n in range(x.shape[0]):
        for t in range(x.shape[1]):
            dW[x[n, t]] += dout[n, t]
    return dW


@right("word_embedding_backward", "a mask for every word of the vocabulary", forward=_look_up)
def _(dout, cache):
    x, (V, _) = cache
    return np.array([dout[x == v].sum(axis=0) for v in range(V)])


@right("word_embedding_backward", "einsum with one-hot rows", forward=_look_up)
def _(dout, cache):
    x, (V, _) = cache
    return np.einsum("ntv,ntd->vd", (x[..., None] == np.arange(V)).astype(dout.dtype), dout)


@right("word_embedding_backward", "a sparse matrix in coordinates", forward=_look_up)
def _(dout, cache):
    x, (V, D) = cache
    one_hot = sparse.coo_matrix((np.ones(x.size, dout.dtype), (x.ravel(), np.arange(x.size))), shape=(V, x.size))
    return one_hot.dot(dout.reshape(-1, D))


@right("word_embedding_backward", "np.bincount, a column at a time", forward=_look_up, remark="float64")
def _(dout, cache):
    x, (V, D) = cache
    flat = dout.reshape(-1, D)
    return np.stack([np.bincount(x.ravel(), weights=flat[:, d], minlength=V) for d in range(D)], axis=1)
