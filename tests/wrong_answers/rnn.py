"""Wrong answers of the RNN notebook: steps, loops over time and word vectors."""

from . import wrong

wrong(
    "rnn_step_forward",
    "the stacked weights are in another order than the stacked inputs",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    # one big matrix multiply instead of two
    inp = np.concatenate((x, prev_h), axis=1)     # N x (D+H)
    W = np.concatenate((Wh, Wx), axis=0)          # (D+H) x H
    score = np.dot(inp, W) + b
    next_h = np.tanh(score)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache
""",
    says="line 4 makes this right: the order of the elements",
)

wrong(
    "rnn_step_forward",
    "Wh is transposed, and the bias is added after the tanh",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    N, D = x.shape
    H = prev_h.shape[1]
    next_h = np.zeros((N, H), dtype=x.dtype)
    for n in range(N):
        from_input = x[n].dot(Wx)
        from_state = Wh.dot(prev_h[n])
        next_h[n] = np.tanh(from_input + from_state) + b
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache
""",
    faults=2,
    says="the bias is added after the tanh",
)

wrong(
    "rnn_step_backward",
    "the tanh is applied again to a state that has passed it",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    cache = x, prev_h, Wx, Wh, b, next_h
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, b, next_h = cache
    # d tanh(z)/dz = 1 - tanh(z)^2
    dtanh = 1 - np.tanh(next_h) ** 2
    dz = dnext_h * dtanh
    dx = dz.dot(Wx.T)
    dWx = x.T.dot(dz)
    dprev_h = dz.dot(Wh.T)
    dWh = prev_h.T.dot(dz)
    db = np.sum(dz, axis=0)
    return dx, dprev_h, dWx, dWh, db
""",
    says="1 - tanh(next_h)**2, a tanh too many",
)

wrong(
    "rnn_step_backward",
    "db is a mean over the batch, and Wh is not transposed for dprev_h",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    z = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    next_h = np.tanh(z)
    return next_h, (x, prev_h, Wx, Wh, z)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, z = cache
    N, H = dnext_h.shape
    dz = (1.0 - np.tanh(z) * np.tanh(z)) * dnext_h   # (N, H)
    # bias
    db = dz.mean(axis=0)
    # weights
    dWx = np.dot(x.T, dz)
    dWh = np.dot(prev_h.T, dz)
    # inputs
    dx = np.dot(dz, Wx.T)
    dprev_h = np.dot(dz, Wh)
    return dx, dprev_h, dWx, dWh, db
""",
    faults=2,
    says="line 13: the function mean",
)

wrong(
    "rnn_step_backward",
    "tanh's slope without the square, dWh from the next state, dx divided by N",
    """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, {"x": x, "prev_h": prev_h, "Wx": Wx, "Wh": Wh, "next_h": next_h}


def rnn_step_backward(dnext_h, cache):
    x, prev_h, next_h = cache["x"], cache["prev_h"], cache["next_h"]
    N = x.shape[0]
    local_grad = 1 - next_h
    dscore = local_grad * dnext_h

    dx = dscore @ cache["Wx"].T / N
    dprev_h = dscore @ cache["Wh"].T
    dWx = x.T @ dscore
    dWh = next_h.T @ dscore
    db = dscore.sum(0)
    return dx, dprev_h, dWx, dWh, db
""",
    faults=3,
    says="line 8: the square",
)

wrong(
    "rnn_forward",
    "every step starts from h0",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H), dtype=x.dtype)
    cache = []
    prev_h = h0
    for t in range(T):
        next_h, step_cache = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = next_h
        cache.append(step_cache)
    return h, cache
""",
    says="every step starts from h0 again",
)

wrong(
    "rnn_forward",
    "h0 is given back as the first state, and tanh(z) = 2 sigmoid(2z) - 1 lost a 2",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    _, H = h0.shape
    h = np.zeros((N, T + 1, H), dtype=x.dtype)
    h[:, 0, :] = h0
    for t in range(1, T + 1):
        z = x[:, t - 1, :].dot(Wx) + h[:, t - 1, :].dot(Wh) + b
        h[:, t, :] = 2 * sigmoid(z) - 1
    cache = (x, h, Wx, Wh)
    return h[:, :T, :], cache
""",
    faults=2,
    says=None,
)

wrong(
    "rnn_backward",
    "nothing flows back through time",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h, caches, prev_h = [], [], h0
    for t in range(T):
        prev_h, step_cache = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        h.append(prev_h)
        caches.append(step_cache)
    return np.stack(h, axis=1), caches


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D), dtype=dh.dtype)
    dWx = np.zeros((D, H), dtype=dh.dtype)
    dWh = np.zeros((H, H), dtype=dh.dtype)
    db = np.zeros(H, dtype=dh.dtype)
    for t in reversed(range(T)):
        dx[:, t, :], dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t, :], cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db
""",
    says="nothing flows back through time",
)

wrong(
    "rnn_backward",
    "dx is stacked from the last step to the first, and db is that of one step",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h, cache, prev_h = np.zeros((N, T, h0.shape[1]), dtype=x.dtype), [], h0
    for t in range(T):
        h[:, t], c = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        prev_h = h[:, t]
        cache.append(c)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    dxs = []
    dWx, dWh, db = 0, 0, 0
    dprev = np.zeros((N, H), dtype=dh.dtype)
    for t in range(T - 1, -1, -1):
        dcur = dh[:, t, :] + dprev
        dxt, dprev, dwx, dwh, db = rnn_step_backward(dcur, cache[t])
        dxs.append(dxt)
        dWx = dWx + dwx
        dWh = dWh + dwh
    dx = np.stack(dxs, axis=1)
    return dx, dprev, dWx, dWh, db
""",
    faults=2,
    says="reversed along axis 1",
)

wrong(
    "rnn_backward",
    "only the last state's gradient is taken from above; those of the other steps are not added",
    """
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    h, cache, prev_h = np.zeros((N, T, h0.shape[1]), dtype=x.dtype), [], h0
    for t in range(T):
        h[:, t], c = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)
        prev_h = h[:, t]
        cache.append(c)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D), dtype=dh.dtype)
    dWx = np.zeros((D, H), dtype=dh.dtype)
    dWh = np.zeros((H, H), dtype=dh.dtype)
    db = np.zeros((H,), dtype=dh.dtype)
    # backprop through time: start at the end and go back
    grad = dh[:, T - 1, :]
    for t in reversed(range(T)):
        dx_t, grad, dWx_t, dWh_t, db_t = rnn_step_backward(grad, cache[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = grad
    return dx, dh0, dWx, dWh, db
""",
    says="only the gradient of the last step",
)

wrong(
    "word_embedding_forward",
    "the ids are taken to begin at 1",
    """
def word_embedding_forward(x, W):
    N, T = x.shape
    V, D = W.shape
    out = np.zeros((N, T, D), dtype=W.dtype)
    for n in range(N):
        for t in range(T):
            word = x[n, t]
            out[n, t, :] = W[word - 1, :]
    cache = (x, V)
    return out, cache
""",
    says="counted from 1",
)

wrong(
    "word_embedding_forward",
    "time comes first, and the vectors are multiplied by the root of D",
    """
def word_embedding_forward(x, W):
    N, T = x.shape
    V, D = W.shape
    one_hot = np.eye(V, dtype=W.dtype)[x.T]      # T x N x V
    out = one_hot.dot(W)
    out *= np.sqrt(D).astype(W.dtype)   # as in "Attention is all you need"
    cache = x, V
    return out, cache
""",
    faults=2,
    says=None,
)

wrong(
    "word_embedding_backward",
    "of a word that occurs several times one gradient stays",
    """
def word_embedding_forward(x, W):
    return W[x], (x, W)


def word_embedding_backward(dout, cache):
    x, W = cache
    N, T, D = dout.shape
    dW = np.zeros_like(W)
    for t in range(T):
        dW[x[:, t]] += dout[:, t]
    return dW
""",
    says="line 11 makes this right",
)

wrong(
    "word_embedding_backward",
    "a word's gradients are averaged, and word 0 is left out as if it were padding",
    """
def word_embedding_forward(x, W):
    return W[x, :], (x, W.shape)


def word_embedding_backward(dout, cache):
    x, (V, D) = cache
    dW = np.zeros((V, D), dtype=dout.dtype)
    for v in range(1, V):
        mask = x == v
        count = mask.sum()
        if count > 0:
            dW[v] = dout[mask].sum(axis=0) / count
    return dW
""",
    faults=2,
    says="line 13: what stands behind the /",
)
