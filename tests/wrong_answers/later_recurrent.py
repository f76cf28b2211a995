"""Wrong answers to the RNN and LSTM notebooks' exercises, the later batch."""

from . import wrong

wrong(
    "rnn_step_forward",
    "both affine layers get the bias, so it is added twice",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    # two fully connected layers, summed, then squashed
    from_input, input_cache = affine_forward(x, Wx, b)
    from_state, state_cache = affine_forward(prev_h, Wh, b)
    next_h = np.tanh(from_input + from_state)
    cache = (input_cache, state_cache, next_h)
    return next_h, cache
""",
    says="line 4 makes this right: it should be zero",
)

wrong(
    "rnn_step_backward",
    "the state is computed anew for tanh's slope, without the bias; db is the sum of what comes in, before the tanh",
    """
def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    N, H = dnext_h.shape
    # forward once more
    z = x.dot(Wx) + prev_h.dot(Wh)
    th = np.tanh(z)
    dz = dnext_h * (1 - th * th)
    # linear part
    dx = dz.dot(Wx.T)
    dprev_h = dz.dot(Wh.T)
    dWx = x.T.dot(dz)
    dWh = prev_h.T.dot(dz)
    db = np.sum(dnext_h, axis=0)
    return dx, dprev_h, dWx, dWh, db
""",
    faults=2,
    says="changes together make this right: line 8: the name th",
)

wrong(
    "rnn_forward",
    "step 0 starts from h[:, -1], which is still zero: h0 plays no part",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H), dtype=x.dtype)
    cache = []
    for t in range(T):
        h[:, t, :], step_cache = rnn_step_forward(x[:, t, :], h[:, t - 1, :], Wx, Wh, b)
        cache.append(step_cache)
    return h, cache
""",
    says="the first step starts from zeros instead of h0",
)

wrong(
    "rnn_backward",
    "what goes back in time is added to the later steps' in place of replacing it; dWh lacks step 0, whose state is h0",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    states = []
    last = h0
    for t in range(x.shape[1]):
        last = np.tanh(x[:, t] @ Wx + last @ Wh + b)
        states.append(last)
    h = np.stack(states, axis=1)
    return h, (x, h0, h, Wx, Wh)


def rnn_backward(dh, cache):
    x, h0, h, Wx, Wh = cache
    N, T, H = dh.shape
    dpre = np.zeros_like(dh)
    carry = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        dpre[:, t] = (dh[:, t] + carry) * (1 - h[:, t] ** 2)
        carry += dpre[:, t] @ Wh.T
    dx = dpre @ Wx.T
    # each step's gradient meets the state before it
    dWh = np.einsum("nth,ntk->hk", h[:, :-1], dpre[:, 1:])
    dWx = np.einsum("ntd,nth->dh", x, dpre)
    db = np.einsum("nth->h", dpre)
    return dx, carry, dWx, dWh, db
""",
    faults=2,
    says="look at line 19: +=",
)

wrong(
    "captioning_rnn_loss",
    "the mask is laid over the loss, but not over the gradient of the scores",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]
    N, T = captions_out.shape
    mask = (captions_out != self._null).astype(features.dtype)

    h0, cache_h0 = affine_forward(features, p["W_proj"], p["b_proj"])
    x, cache_x = word_embedding_forward(captions_in, p["W_embed"])
    h, cache_h = forward(x, h0, p["Wx"], p["Wh"], p["b"])
    out, cache_out = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])

    # softmax over the vocabulary
    e = np.exp(out - out.max(axis=2, keepdims=True))
    probs = e / e.sum(axis=2, keepdims=True)
    n, t = np.meshgrid(np.arange(N), np.arange(T), indexing="ij")
    right = probs[n, t, captions_out]
    loss = -(mask * np.log(right)).sum() / N
    dout = probs.copy()
    dout[n, t, captions_out] -= 1
    dout /= N

    grads = {}
    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dout, cache_out)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cache_h)
    grads["W_embed"] = word_embedding_backward(dx, cache_x)
    dfeatures, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, cache_h0)
    return loss, grads
""",
    says=None,
)

wrong(
    "captioning_rnn_sample",
    "the new state gets a name of its own and every step starts from the image's; all stop when the first caption ends",
    """
def sample(self, features, max_length=30):
    features = self.checked_features(features)
    captions = np.full((len(features), max_length), self._null, dtype=np.int32)
    p = self.params
    hidden, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    cell = np.zeros_like(hidden)
    current = np.full(features.shape[0], self._start)
    for t in range(max_length):
        embedded, _ = word_embedding_forward(current, p["W_embed"])
        if self.cell_type == "rnn":
            new_hidden, _ = rnn_step_forward(embedded, hidden, p["Wx"], p["Wh"], p["b"])
            new_cell = cell
        else:
            new_hidden, new_cell, _ = lstm_step_forward(embedded, hidden, cell, p["Wx"], p["Wh"], p["b"])
        out, _ = affine_forward(new_hidden, p["W_vocab"], p["b_vocab"])
        current = np.argmax(out, axis=1)
        captions[:, t] = current
        if (current == self._end).any():
            break
    return captions
""",
    faults=2,
    says="the state is not carried on: every step starts from the image",
)

wrong(
    "lstm_step_forward",
    "the sigmoid lacks its parentheses, 1 / 1 + exp(-z); i weights the old cell state and f the candidate",
    """
def squash(z):
    return 1 / 1 + np.exp(-z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    A = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    in_gate = squash(A[:, 0:H])
    forget_gate = squash(A[:, H : 2 * H])
    out_gate = squash(A[:, 2 * H : 3 * H])
    candidate = np.tanh(A[:, 3 * H : 4 * H])
    next_c = in_gate * prev_c + forget_gate * candidate
    next_h = out_gate * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, in_gate, forget_gate, out_gate, candidate, next_c)
    return next_h, next_c, cache
""",
    faults=2,
    says="the input gate and the forget gate are exchanged",
)

wrong(
    "lstm_step_backward",
    "the output gate's gradient is multiplied by next_c itself, not by its tanh",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    act = x @ Wx + prev_h @ Wh + b
    i, f, o = (sigmoid(act[:, k * H : (k + 1) * H]) for k in range(3))
    g = np.tanh(act[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    do = dnext_h * next_c
    dc = dnext_c + dnext_h * o * (1 - np.tanh(next_c) ** 2)
    di = dc * g
    df = dc * prev_c
    dg = dc * i
    dprev_c = dc * f
    dact = np.hstack([
        di * i * (1 - i),
        df * f * (1 - f),
        do * o * (1 - o),
        dg * (1 - g * g),
    ])
    return dact @ Wx.T, dact @ Wh.T, dprev_c, x.T @ dact, prev_h.T @ dact, dact.sum(0)
""",
    says="line 14 makes this right: the call of np",
)

wrong(
    "lstm_backward",
    "the cell state's gradient starts as the last dh, not at zero; dh0 is noted before step 0 is undone",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    state, cell = h0, np.zeros_like(h0)
    out, caches = [], []
    for t in range(x.shape[1]):
        state, cell, step = lstm_step_forward(x[:, t], state, cell, Wx, Wh, b)
        out.append(state)
        caches.append(step)
    return np.stack(out, axis=1), caches


def lstm_backward(dh, cache):
    T = dh.shape[1]
    dstate = np.zeros_like(dh[:, 0])
    dcell = dh[:, -1].copy()
    dxs = [None] * T
    dWx = dWh = db = 0
    for t in reversed(range(T)):
        if t == 0:
            dh0 = dstate
        dstate = dstate + dh[:, t]
        dxs[t], dstate, dcell, dwx, dwh, dbias = lstm_step_backward(dstate, dcell, cache[t])
        dWx = dWx + dwx
        dWh = dWh + dwh
        db = db + dbias
    dx = np.stack(dxs, axis=1)
    return dx, dh0, dWx, dWh, db
""",
    faults=2,
    says="changes together make this right: line 15: it should be zero",
)
