"""The captioner as the lecture writes it: correct, one step at a time, with no thought for speed.

Names, arguments and results are those of cs231n, so that one can stand in for the other. Left as it comes to mind:
np.zeros without a dtype (which takes float32 models to float64), a cache for each step in a list, a masked sigmoid for
each gate, weight gradients added up step by step, a softmax over all places and its logarithm afterwards.
"""

import numpy as np


def sigmoid(x):
    out, low = np.zeros_like(x), x < 0
    out[~low] = 1 / (1 + np.exp(-x[~low]))
    small = np.exp(x[low])
    out[low] = small / (1 + small)
    return out


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    da = dnext_h * (1 - next_h**2)
    return np.dot(da, Wx.T), np.dot(da, Wh.T), np.dot(x.T, da), np.dot(prev_h.T, da), np.sum(da, axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    prev_h, caches = h0, []
    for t in range(T):
        prev_h, cache = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = prev_h
        caches.append(cache)
    return h, caches


def rnn_backward(dh, caches):
    N, T, H = dh.shape
    D = caches[0][0].shape[1]
    dx, dprev_h = np.zeros((N, T, D)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    for t in reversed(range(T)):
        dx[:, t, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t, :] + dprev_h, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = dnext_h * np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di, df, dg, dprev_c = dc * g, dc * prev_c, dc * i, dc * f
    da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)))
    dx, dprev_h = np.dot(da, Wx.T), np.dot(da, Wh.T)
    return dx, dprev_h, dprev_c, np.dot(x.T, da), np.dot(prev_h.T, da), np.sum(da, axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    prev_h, prev_c, caches = h0, np.zeros((N, H)), []
    for t in range(T):
        prev_h, prev_c, cache = lstm_step_forward(x[:, t, :], prev_h, prev_c, Wx, Wh, b)
        h[:, t, :] = prev_h
        caches.append(cache)
    return h, caches


def lstm_backward(dh, caches):
    N, T, H = dh.shape
    D = caches[0][0].shape[1]
    dx, dprev_h, dprev_c = np.zeros((N, T, D)), np.zeros((N, H)), np.zeros((N, H))
    dWx, dWh, db = np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    for t in reversed(range(T)):
        step = lstm_step_backward(dh[:, t, :] + dprev_h, dprev_c, caches[t])
        dx[:, t, :], dprev_h, dprev_c, dWx_t, dWh_t, db_t = step
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


def temporal_softmax_loss(x, y, mask):
    N, T, V = x.shape
    rows, words, counts = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    probs = np.exp(rows - np.max(rows, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(counts * np.log(probs[np.arange(N * T), words])) / N
    dx = probs.copy()
    dx[np.arange(N * T), words] -= 1
    dx /= N
    dx *= counts[:, None]
    return loss, dx.reshape(N, T, V)


def captioning_loss(params, features, captions, null):
    """CaptioningRNN.loss of an LSTM captioner with these params: loss, grads."""
    p = params
    words, mask = captions[:, 1:], captions[:, 1:] != null
    h0 = np.dot(features, p["W_proj"]) + p["b_proj"]
    embed_cache = captions[:, :-1], p["W_embed"]
    x = p["W_embed"][captions[:, :-1]]
    h, caches = lstm_forward(x, h0, p["Wx"], p["Wh"], p["b"])
    N, T, H = h.shape
    rows = h.reshape(N * T, H)
    scores = np.dot(rows, p["W_vocab"]) + p["b_vocab"]
    loss, dscores = temporal_softmax_loss(scores.reshape(N, T, -1), words, mask)

    dscores = dscores.reshape(N * T, -1)
    grads = {"W_vocab": np.dot(rows.T, dscores), "b_vocab": np.sum(dscores, axis=0)}
    dh = np.dot(dscores, p["W_vocab"].T).reshape(N, T, H)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = lstm_backward(dh, caches)
    grads["W_embed"] = word_embedding_backward(dx, embed_cache)
    grads["W_proj"], grads["b_proj"] = np.dot(features.T, dh0), np.sum(dh0, axis=0)
    return loss, grads


def sample(params, features, null, start, max_length=30):
    """CaptioningRNN.sample of an LSTM captioner with these params; every row goes on to the last step."""
    p = params
    captions = null * np.ones((len(features), max_length), dtype=np.int32)
    h = np.dot(features, p["W_proj"]) + p["b_proj"]
    c, word = np.zeros_like(h), start * np.ones(len(features), dtype=np.int32)
    for t in range(max_length):
        h, c, _ = lstm_step_forward(p["W_embed"][word], h, c, p["Wx"], p["Wh"], p["b"])
        word = np.argmax(np.dot(h, p["W_vocab"]) + p["b_vocab"], axis=1)
        captions[:, t] = word
    return captions


def adam(w, dw, config):
    """optim.adam as the paper's algorithm stands, each line a new array."""
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config["m"] + (1 - beta1) * dw
    config["v"] = beta2 * config["v"] + (1 - beta2) * dw**2
    m_hat = config["m"] / (1 - beta1 ** config["t"])
    v_hat = config["v"] / (1 - beta2 ** config["t"])
    return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config
