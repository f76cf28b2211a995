"""Wrong answers to the vanilla RNN's TODOs, written without a look at the checks."""

from . import wrong

wrong(
    "rnn_step_forward",
    "row by row, the previous state is multiplied by Wh where it needs Wh transposed",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    N = x.shape[0]
    H = prev_h.shape[1]
    next_h = np.zeros((N, H), dtype=x.dtype)
    for n in range(N):
        from_input = Wx.T.dot(x[n])
        from_state = Wh.dot(prev_h[n])
        next_h[n] = np.tanh(from_input + from_state + b)
    cache = (x, prev_h, Wx, Wh, b, next_h)
    return next_h, cache
""",
    faults=1,
    says="line 8 makes this right: the order of the operands",
)

wrong(
    "rnn_step_forward",
    "state and input lie side by side in the opposite order to the stacked weights; b is added after the tanh",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    # [h x] times the stacked weights, as on the slide
    hx = np.concatenate([prev_h, x], axis=1)
    W = np.concatenate([Wx, Wh], axis=0)
    z = hx @ W
    next_h = np.tanh(z) + b
    cache = x, prev_h, Wx, Wh, next_h
    return next_h, cache
""",
    faults=2,
    says="the bias is added after the tanh",
)

wrong(
    "rnn_step_backward",
    "the slope of the tanh is 1 - a**2 with a the sum before the tanh, where it must be the tanh of it",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    a = np.einsum("nd,dh->nh", x, Wx) + np.einsum("nk,kh->nh", prev_h, Wh) + b
    return np.tanh(a), (x, prev_h, Wx, Wh, a)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, a = cache
    delta = np.einsum("nh,nh->nh", 1 - a**2, dnext_h)
    dx = np.einsum("nh,dh->nd", delta, Wx)
    dprev_h = np.einsum("nh,kh->nk", delta, Wh)
    dWx = np.einsum("nd,nh->dh", x, delta)
    dWh = np.einsum("nk,nh->kh", prev_h, delta)
    db = np.einsum("nh->h", delta)
    return dx, dprev_h, dWx, dWh, db
""",
    faults=1,
    says="line 9 makes this right: the call of np",
)

wrong(
    "rnn_step_backward",
    "dWh is taken with the new state in place of the one before; dprev_h goes through Wh transposed once too often",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    cache = (x, prev_h, next_h, Wx, Wh, b)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, h, Wx, Wh, b = cache
    dx = np.zeros_like(x)
    dprev_h = np.zeros_like(prev_h)
    dWx = np.zeros_like(Wx)
    dWh = np.zeros_like(Wh)
    db = np.zeros_like(b)
    dz = dnext_h - dnext_h * h * h
    # go through the minibatch, example by example
    for n in range(len(x)):
        dWx += np.outer(x[n], dz[n])
        dWh += np.outer(h[n], dz[n])
        db += dz[n]
        dx[n] = Wx.dot(dz[n])
        dprev_h[n] = Wh.T.dot(dz[n])
    return dx, dprev_h, dWx, dWh, db
""",
    faults=2,
    says="changes together make this right: line 22: the order of the operands",
)

wrong(
    "rnn_forward",
    "the stacked states (T, N, H) are reshaped to (N, T, H), which mixes sentences and steps; swap the axes",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    all_states, all_caches = [], []
    state = h0
    for t in range(T):
        state, step_cache = rnn_step_forward(x[:, t, :], state, Wx, Wh, b)
        all_states.append(state)
        all_caches.append(step_cache)
    h = np.array(all_states).reshape(N, T, H)
    cache = all_caches
    return h, cache
""",
    faults=1,
    says="h is made of the right numbers",
)

wrong(
    "rnn_forward",
    "h0 itself is stored as the first state, so the first word is never read; the bias is left out",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    xw = np.einsum("ntd,dh->nth", x, Wx)
    h = np.zeros((N, T, H), dtype=x.dtype)
    h[:, 0] = h0
    for t in range(1, T):
        hw = h[:, t - 1] @ Wh
        h[:, t] = np.tanh(xw[:, t] + hw)
    cache = (x, h0, h, Wx, Wh, b)
    return h, cache
""",
    faults=2,
    says=None,
)

wrong(
    "rnn_backward",
    "the dx are collected from the last step to the first and never turned round",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    h, caches = [], []
    prev = h0
    for t in range(x.shape[1]):
        prev, c = rnn_step_forward(x[:, t], prev, Wx, Wh, b)
        h.append(prev)
        caches.append(c)
    return np.stack(h, axis=1), caches


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    dxs = []
    dprev = np.zeros_like(dh[:, 0])
    totals = None
    for t in range(T - 1, -1, -1):
        dx_t, dprev, *dparams = rnn_step_backward(dh[:, t] + dprev, cache[t])
        dxs.append(dx_t)
        if totals is None:
            totals = dparams
        else:
            totals = [total + new for total, new in zip(totals, dparams)]
    dx = np.stack(dxs, axis=1)
    dWx, dWh, db = totals
    return dx, dprev, dWx, dWh, db
""",
    faults=1,
    says="dx is the right one reversed along axis 1",
)

wrong(
    "rnn_backward",
    "the loop ends before step 0, whose part is missing everywhere; db is overwritten at every step, not added up",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    T = x.shape[1]
    h = np.zeros((x.shape[0], T + 1, h0.shape[1]), dtype=x.dtype)
    h[:, 0] = h0
    for t in range(T):
        h[:, t + 1] = np.tanh(x[:, t].dot(Wx) + h[:, t].dot(Wh) + b)
    return h[:, 1:], (x, h, Wx, Wh, b)


def rnn_backward(dh, cache):
    x, h, Wx, Wh, b = cache
    N, T, H = dh.shape
    dx = np.zeros_like(x)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dnext = np.zeros((N, H), dtype=dh.dtype)
    t = T - 1
    while t > 0:
        dtotal = dh[:, t] + dnext
        draw = (1 - h[:, t + 1] ** 2) * dtotal
        dx[:, t] = draw.dot(Wx.T)
        dWx += x[:, t].T.dot(draw)
        dWh += h[:, t].T.dot(draw)
        db = draw.sum(axis=0)
        dnext = draw.dot(Wh.T)
        t -= 1
    dh0 = dnext
    return dx, dh0, dWx, dWh, db
""",
    faults=2,
    says="changes together make this right: line 18: the comparison",
)

wrong(
    "word_embedding_forward",
    "the words are laid out step by step (x.T), and put back as if they stood sentence by sentence",
    """
def word_embedding_forward(x, W):
    N, T = x.shape
    V, D = W.shape
    words = x.T.reshape(-1)
    onehot = np.zeros((N * T, V), dtype=W.dtype)
    onehot[np.arange(N * T), words] = 1
    out = onehot.dot(W).reshape(N, T, D)
    cache = (x, V)
    return out, cache
""",
    faults=1,
    says="line 5 makes this right: ",
)

wrong(
    "word_embedding_backward",
    "a word's gradient is the mean over its places where it must be the sum",
    """
def word_embedding_forward(x, W):
    return W[x], (x, W.shape)


def word_embedding_backward(dout, cache):
    x, (V, D) = cache
    dW = np.zeros((V, D), dtype=dout.dtype)
    for word in range(V):
        places = x == word
        if places.any():
            dW[word] = np.mean(dout[places], axis=0)
    return dW
""",
    faults=1,
    says="the gradients of a word's places are averaged instead of summed",
)

wrong(
    "word_embedding_backward",
    "word 0 is skipped as if it were padding; a word that occurs again overwrites what it had (= where += is needed)",
    """
def word_embedding_forward(x, W):
    out = W[x, :]
    cache = (x, W)
    return out, cache


def word_embedding_backward(dout, cache):
    x, W = cache
    N, T = x.shape
    dW = np.zeros_like(W)
    for t in range(T):
        for n in range(N):
            word = x[n, t]
            if word == 0:
                continue  # <NULL>
            dW[word] = dout[n, t]
    return dW
""",
    faults=2,
    says="word 0 gets no gradient",
)
