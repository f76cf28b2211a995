"""Recurrent layers in numpy: vanilla RNN, LSTM, word embedding, and the layers over time around them.

Shapes: N sequences of T steps, D inputs, H hidden units, V words. Forward passes return (out, cache), backward
passes the gradients in the order of the forward pass's arguments. All keep the dtype of their inputs.
"""

import numpy as np
from scipy import sparse

from .layers import affine_backward, affine_forward, log_softmax

__all__ = [
    "rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward",
    "word_embedding_forward", "word_embedding_backward", "sigmoid",
    "lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward",
    "temporal_affine_forward", "temporal_affine_backward", "temporal_softmax_loss",
    "affine_forward", "affine_backward",
]  # fmt: skip


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """One step of a vanilla RNN (Elman 1990): next_h = tanh(x Wx + prev_h Wh + b).

    x (N, D), prev_h (N, H), Wx (D, H), Wh (H, H), b (H,) -> next_h (N, H), cache.
    """
    # TODO(rnn_step_forward): one line of arithmetic; keep in cache whatever your backward pass will need.
    ### BEGIN SOLUTION rnn_step_forward
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    ### END SOLUTION
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    """Backward pass of rnn_step_forward.

    dnext_h (N, H), cache -> dx (N, D), dprev_h (N, H), dWx (D, H), dWh (H, H), db (H,).
    """
    # TODO(rnn_step_backward): back through the tanh first: its slope is 1 - tanh(a)**2, and tanh(a) is next_h.
    ### BEGIN SOLUTION rnn_step_backward
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)  # (N, H), gradient of the pre-activation
    dx, dprev_h = da @ Wx.T, da @ Wh.T
    dWx, dWh, db = x.T @ da, prev_h.T @ da, da.sum(axis=0)
    ### END SOLUTION
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    """A vanilla RNN over whole sequences.

    x (N, T, D), h0 (N, H), Wx (D, H), Wh (H, H), b (H,) -> h (N, T, H), every hidden state; cache.
    """
    # TODO(rnn_forward): run the step over t = 0 .. T-1, each starting from the state before it. A loop over
    # rnn_step_forward is right; faster is to multiply all inputs by Wx at once, before the loop. np.zeros needs
    # dtype=x.dtype, or float32 becomes float64 here, and training takes about twice as long.
    ### BEGIN SOLUTION rnn_forward
    (N, T, D), H = x.shape, h0.shape[1]
    x_steps = x.swapaxes(0, 1).reshape(T * N, D)  # time first, so that every step is one contiguous block
    a = (x_steps @ Wx + b).reshape(T, N, H)
    hs = np.empty((T + 1, N, H), dtype=a.dtype)  # h0 and the T states after it
    hs[0] = h0
    for t in range(T):
        np.tanh(a[t] + hs[t] @ Wh, out=hs[t + 1])
    h = hs[1:].swapaxes(0, 1)  # (N, T, H), a view: no copy, and
    h.flags.writeable = False  # no change from outside to what the backward pass relies on
    cache = (x_steps, hs, Wx, Wh)
    ### END SOLUTION
    return h, cache


def rnn_backward(dh, cache):
    """Backward pass of rnn_forward.

    dh (N, T, H) holds the gradient that reaches each state from above, not yet what flows back through time.
    Returns dx (N, T, D), dh0 (N, H), dWx (D, H), dWh (H, H), db (H,).
    """
    # TODO(rnn_backward): walk back from the last step. A state's gradient is dh[:, t] plus what came back from
    # step t + 1; the weights serve every step, so their gradients are sums over time. Leave dh as it is, and make
    # new arrays with dh.dtype (np.zeros_like keeps it).
    ### BEGIN SOLUTION rnn_backward
    x_steps, hs, Wx, Wh = cache
    T, N, H = len(hs) - 1, *hs.shape[1:]
    da = np.empty((T, N, H), dtype=hs.dtype)
    dprev_h = np.zeros_like(hs[0])
    for t in reversed(range(T)):
        da[t] = (dh[:, t] + dprev_h) * (1 - hs[t + 1] ** 2)
        dprev_h = da[t] @ Wh.T
    dh0 = dprev_h
    da = da.reshape(T * N, H)
    dx = (da @ Wx.T).reshape(T, N, -1).swapaxes(0, 1)
    dWx, dWh, db = x_steps.T @ da, hs[:-1].reshape(T * N, H).T @ da, da.sum(axis=0)
    ### END SOLUTION
    return dx, dh0, dWx, dWh, db


def word_embedding_forward(x, W):
    """Look up each word's vector (Bengio et al. 2003): out[n, t] = W[x[n, t]].

    x (N, T) integers in 0..V-1, W (V, D) -> out (N, T, D), cache.
    """
    # TODO(word_embedding_forward): one line with numpy's integer indexing.
    ### BEGIN SOLUTION word_embedding_forward
    out = W[x]
    cache = (x, W.shape[0])
    ### END SOLUTION
    return out, cache


def word_embedding_backward(dout, cache):
    """Backward pass of word_embedding_forward: dout (N, T, D), cache -> dW (V, D)."""
    # TODO(word_embedding_backward): a word that occurs several times collects the gradients of its places.
    # `dW[x] += dout` keeps only one of them; np.add.at adds them all (slowly). dW has dout's dtype.
    ### BEGIN SOLUTION word_embedding_backward
    x, V = cache
    # The lookup is the product onehot(x) W, so dW = onehot(x)^T dout; sparse, it costs one number a word.
    ones, columns = np.ones(x.size, dtype=dout.dtype), np.arange(x.size + 1)
    rows = np.arange(V)[x.ravel()]  # as the lookup reads ids: -1 is the last word, and scipy checks no bounds
    one_hot_T = sparse.csc_array((ones, rows, columns), shape=(V, x.size))
    dW = one_hot_T @ dout.reshape(x.size, -1)  # (V, N*T) @ (N*T, D)
    ### END SOLUTION
    return dW


def sigmoid(x):
    """1 / (1 + exp(-x)), written with tanh, which overflows nowhere."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """One step of an LSTM (Hochreiter & Schmidhuber 1997; with forget gate, Gers et al. 2000).

    x (N, D), prev_h (N, H), prev_c (N, H) or 0, Wx (D, 4H), Wh (H, 4H), b (4H,) -> next_h, next_c (N, H), cache.
    The 4H columns are the input, forget and output gates and the candidate, in the order i, f, o, g.
    """
    # TODO(lstm_step_forward): a = x Wx + prev_h Wh + b; i, f, o = sigmoid and g = tanh of its four quarters;
    # next_c = f * prev_c + i * g; next_h = o * tanh(next_c). Gates kept in an array of np.zeros need dtype=x.dtype.
    ### BEGIN SOLUTION lstm_step_forward
    next_h, next_c, cell = _lstm_cell_forward(x @ Wx + prev_h @ Wh + b, prev_c)
    cache = (x, prev_h, Wx, Wh, cell)
    ### END SOLUTION
    return next_h, next_c, cache


### BEGIN SOLUTION lstm_step_forward helpers
def _lstm_cell_forward(a, prev_c):
    """The cell alone: pre-activations a (N, 4H), prev_c (N, H) or 0 -> next_h, next_c, and what backward needs."""
    H, prev_c = a.shape[1] // 4, np.asarray(prev_c, dtype=a.dtype)  # numpy's own 0 is float64, and would widen float32
    gates = np.concatenate((sigmoid(a[:, : 3 * H]), np.tanh(a[:, 3 * H :])), axis=1)
    i, f, o, g = np.split(gates, 4, axis=1)
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    return o * tanh_c, next_c, (gates, prev_c, tanh_c)
### END SOLUTION


def lstm_step_backward(dnext_h, dnext_c, cache):
    """Backward pass of lstm_step_forward.

    dnext_h, dnext_c (N, H), cache -> dx (N, D), dprev_h, dprev_c (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    # TODO(lstm_step_backward): next_c is reached twice, from dnext_c and through next_h: add the two first.
    # Then the four gates, then the affine part. An array of np.zeros for the gates needs dtype=dnext_h.dtype.
    ### BEGIN SOLUTION lstm_step_backward
    x, prev_h, Wx, Wh, cell = cache
    da, dprev_c = _lstm_cell_backward(dnext_h, dnext_c, cell)
    dx, dprev_h = da @ Wx.T, da @ Wh.T
    dWx, dWh, db = x.T @ da, prev_h.T @ da, da.sum(axis=0)
    ### END SOLUTION
    return dx, dprev_h, dprev_c, dWx, dWh, db


### BEGIN SOLUTION lstm_step_backward helpers
def _lstm_cell_backward(dnext_h, dnext_c, cell):
    """The cell alone: gradients da (N, 4H) of the pre-activations and dprev_c (N, H)."""
    gates, prev_c, tanh_c = cell
    i, f, o, g = np.split(gates, 4, axis=1)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    da = np.concatenate((dc * g, dc * prev_c, dnext_h * tanh_c, dc * i), axis=1)
    H = dc.shape[1]
    da[:, : 3 * H] *= gates[:, : 3 * H] * (1 - gates[:, : 3 * H])
    da[:, 3 * H :] *= 1 - g**2
    return da, dc * f
### END SOLUTION


def lstm_forward(x, h0, Wx, Wh, b):
    """An LSTM over whole sequences, its cell state starting at zero.

    x (N, T, D), h0 (N, H), Wx (D, 4H), Wh (H, 4H), b (4H,) -> h (N, T, H), every hidden state; cache.
    """
    # TODO(lstm_forward): as rnn_forward, with a cell state beside the hidden state; it starts at zero, of x's dtype.
    ### BEGIN SOLUTION lstm_forward
    (N, T, D), H = x.shape, h0.shape[1]
    x_steps = x.swapaxes(0, 1).reshape(T * N, D)  # time first
    a = (x_steps @ Wx + b).reshape(T, N, 4 * H)
    hs = np.empty((T + 1, N, H), dtype=a.dtype)
    hs[0], c = h0, np.zeros((N, H), dtype=a.dtype)
    cells = []
    for t in range(T):
        hs[t + 1], c, cell = _lstm_cell_forward(a[t] + hs[t] @ Wh, c)
        cells.append(cell)
    h = hs[1:].swapaxes(0, 1)  # (N, T, H), a view: no copy, and
    h.flags.writeable = False  # no change from outside to what the backward pass relies on
    cache = (x_steps, hs, cells, Wx, Wh)
    ### END SOLUTION
    return h, cache


def lstm_backward(dh, cache):
    """Backward pass of lstm_forward.

    dh (N, T, H), cache -> dx (N, T, D), dh0 (N, H), dWx (D, 4H), dWh (H, 4H), db (4H,).
    """
    # TODO(lstm_backward): as rnn_backward, with two gradients flowing back through time, dprev_h and dprev_c. New
    # arrays have dh.dtype.
    ### BEGIN SOLUTION lstm_backward
    x_steps, hs, cells, Wx, Wh = cache
    T, N, H = len(cells), *hs.shape[1:]
    da = np.empty((T, N, 4 * H), dtype=hs.dtype)
    dprev_h = dprev_c = np.zeros_like(hs[0])
    for t in reversed(range(T)):
        da[t], dprev_c = _lstm_cell_backward(dh[:, t] + dprev_h, dprev_c, cells[t])
        dprev_h = da[t] @ Wh.T
    dh0 = dprev_h
    da = da.reshape(T * N, 4 * H)
    dx = (da @ Wx.T).reshape(T, N, -1).swapaxes(0, 1)
    dWx, dWh, db = x_steps.T @ da, hs[:-1].reshape(T * N, H).T @ da, da.sum(axis=0)
    ### END SOLUTION
    return dx, dh0, dWx, dWh, db


def temporal_affine_forward(x, w, b):
    """The same affine layer at every time step: x (N, T, D), w (D, M), b (M,) -> out (N, T, M), cache."""
    out = x @ w + b
    return out, (x, w)


def temporal_affine_backward(dout, cache):
    """Gradients dx (N, T, D), dw (D, M), db (M,) of temporal_affine_forward for dout (N, T, M)."""
    x, w = cache
    N, T, D = x.shape
    rows = dout.reshape(N * T, -1)
    return dout @ w.T, x.reshape(N * T, D).T @ rows, rows.sum(axis=0)


def temporal_softmax_loss(x, y, mask, verbose=False):
    """Cross-entropy of a word at every place where mask is True, summed over the places, divided by N.

    x (N, T, V) scores, y (N, T) words, mask (N, T) bool -> loss, dx (N, T, V), zero where the mask is False.
    Dividing by N, not by the number of words, is the assignment's convention: a caption's loss counts whole.
    """
    N, mask = x.shape[0], np.asarray(mask, dtype=bool)  # as numbers, 0 and 1 would be taken for indices
    log_probs = log_softmax(x[mask])  # (M, V): only the M places that count
    rows, words = np.arange(len(log_probs)), y[mask]
    loss = -log_probs[rows, words].sum() / N
    dscores = np.exp(log_probs)
    dscores[rows, words] -= 1
    dx = np.zeros_like(x)
    dx[mask] = dscores / N
    if verbose:
        print(f"dx: {dx.shape}")
    return loss, dx
