"""Wrong answers of the LSTM notebook: the cell and its loop, forward and back."""

from . import wrong

STEP_FORWARD = """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2*H]), sigmoid(a[:, 2*H:3*H])
    g = np.tanh(a[:, 3*H:])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
"""

FORWARD = """
def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H), dtype=x.dtype)
    ht, ct = h0, np.zeros((N, H), dtype=x.dtype)
    caches = []
    for t in range(T):
        ht, ct, cache_t = lstm_step_forward(x[:, t], ht, ct, Wx, Wh, b)
        h[:, t] = ht
        caches.append(cache_t)
    return h, caches
"""

wrong(
    "lstm_step_forward",
    "the columns are read in the order i, f, g, o",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    A = np.dot(x, Wx) + np.dot(prev_h, Wh) + b.reshape(1, -1)
    in_gate = sigmoid(A[:, 0:H])
    forget_gate = sigmoid(A[:, H:2 * H])
    block = np.tanh(A[:, 2 * H:3 * H])
    out_gate = sigmoid(A[:, 3 * H:4 * H])

    next_c = forget_gate * prev_c + in_gate * block
    tanh_c = np.tanh(next_c)
    next_h = out_gate * tanh_c
    cache = (x, prev_h, prev_c, Wx, Wh, in_gate, forget_gate, out_gate, block, tanh_c)
    return next_h, next_c, cache
""",
    says="in the order i, f, g, o",
)

wrong(
    "lstm_step_forward",
    "the candidate is squashed by a sigmoid, and the new cell state by no tanh",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    a = sigmoid(a)
    i, f, o, g = np.hsplit(a, 4)
    # new memory
    next_c = f * prev_c + i * g
    # what the cell shows of it
    next_h = o * next_c
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache
""",
    faults=2,
    says="the candidate g goes through the sigmoid",
)

wrong(
    "lstm_step_forward",
    "the sigmoid's sign, forget gate 1 - i as in a GRU, and the old cell state shown",
    """
def my_sigmoid(z):
    return 1.0 / (1.0 + np.exp(z))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_c.shape
    act = x.dot(Wx) + prev_h.dot(Wh) + b
    ai, af, ao, ag = act[:, :H], act[:, H:2*H], act[:, 2*H:3*H], act[:, 3*H:]
    i = my_sigmoid(ai)
    o = my_sigmoid(ao)
    g = np.tanh(ag)
    f = 1 - i
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(prev_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache
""",
    faults=3,
    says="`af`, made in line 9, is never used",
)

wrong(
    "lstm_step_backward",
    "the cell state's gradient through next_h is forgotten",
    STEP_FORWARD
    + """

def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    # next_h = o * tanh(next_c)
    do = dnext_h * np.tanh(next_c)
    # next_c = f * prev_c + i * g
    df = dnext_c * prev_c
    dprev_c = dnext_c * f
    di = dnext_c * g
    dg = dnext_c * i
    # nonlinearities
    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g ** 2)
    da = np.hstack((dai, daf, dao, dag))

    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db
""",
    says="the path from next_h into next_c is left out",
)

wrong(
    "lstm_step_backward",
    "dprev_c from dnext_c alone, the candidate's slope that of a sigmoid",
    STEP_FORWARD
    + """

def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc_total = dnext_c + dnext_h * o * (1 - tanh_c * tanh_c)
    dprev_c = dnext_c * f

    d_gates = []
    for upstream, gate in ((dc_total * g, i), (dc_total * prev_c, f), (dnext_h * tanh_c, o), (dc_total * i, g)):
        d_gates.append(upstream * gate * (1 - gate))
    d_a = np.concatenate(d_gates, axis=1)

    db = np.sum(d_a, axis=0)
    dWx = np.dot(x.T, d_a)
    dWh = np.dot(prev_h.T, d_a)
    dx = np.dot(d_a, Wx.T)
    dprev_h = np.dot(d_a, Wh.T)
    return dx, dprev_h, dprev_c, dWx, dWh, db
""",
    faults=2,
    says="line 16: the name dnext_c",
)

wrong(
    "lstm_step_backward",
    "dc passes o but no slope of tanh, the slope of i is missing",
    STEP_FORWARD
    + """

def lstm_step_backward(dnext_h, dnext_c, cache):
    (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c) = cache
    N, H = dnext_h.shape
    da = np.zeros((N, 4 * H), dtype=dnext_h.dtype)
    dc = dnext_c + dnext_h * o
    di = dc * g
    df = dc * prev_c
    do = dnext_h * np.tanh(next_c)
    dg = dc * i
    da[:, 0:H] = di * i
    da[:, H:2*H] = df * f * (1 - f)
    da[:, 2*H:3*H] = do * o * (1 - o)
    da[:, 3*H:4*H] = dg * (1 - g * g)
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)
""",
    faults=2,
    says=None,
)

wrong(
    "lstm_forward",
    "the cell state is zero again at every step",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    hs = []
    caches = []
    h = h0
    for t in range(T):
        c = np.zeros((N, H), dtype=x.dtype)
        h, c, cache = lstm_step_forward(x[:, t, :], h, c, Wx, Wh, b)
        hs.append(h)
        caches.append(cache)
    return np.stack(hs, axis=1), caches
""",
    says="the cell state is reset to zero",
)

wrong(
    "lstm_forward",
    "the cell state starts at h0, and the hidden state is never passed on",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    N, H = h0.shape
    h = np.zeros((N, T, H), dtype=x.dtype)
    cache = {}
    prev_h = h0
    prev_c = h0.copy()
    for t in range(T):
        xt = x[:, t, :]
        h[:, t, :], next_c, cache[t] = lstm_step_forward(xt, prev_h, prev_c, Wx, Wh, b)
        prev_c = next_c
    cache["T"] = T
    return h, cache
""",
    faults=2,
    says="every step starts from h0 again",
)

wrong(
    "lstm_backward",
    "the cell state's gradient is not carried back",
    FORWARD
    + """

def lstm_backward(dh, cache):
    N, T, H = dh.shape
    x0 = cache[0][0]
    D = x0.shape[1]
    dx = np.zeros((N, T, D), dtype=dh.dtype)
    dWx = np.zeros((D, 4 * H), dtype=dh.dtype)
    dWh = np.zeros((H, 4 * H), dtype=dh.dtype)
    db = np.zeros(4 * H, dtype=dh.dtype)
    dprev_h = np.zeros((N, H), dtype=dh.dtype)
    dnext_c = np.zeros((N, H), dtype=dh.dtype)
    for t in range(T - 1, -1, -1):
        dnext_h = dh[:, t, :] + dprev_h
        dx[:, t, :], dprev_h, dprev_c, dWx_t, dWh_t, db_t = lstm_step_backward(dnext_h, dnext_c, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db
""",
    says="dprev_c, is not carried back",
)

wrong(
    "lstm_backward",
    "the last state's gradient counts twice, and dWh is that of one step",
    FORWARD
    + """

def lstm_backward(dh, cache):
    N, T, H = dh.shape
    dx = []
    dWx, dWh, db = 0, 0, 0
    dh_next = dh[:, -1, :]
    dc_next = np.zeros_like(dh_next)
    for t in reversed(range(T)):
        dx_t, dh_next, dc_next, dWx_t, dWh_t, db_t = lstm_step_backward(dh[:, t, :] + dh_next, dc_next, cache[t])
        dx.insert(0, dx_t)
        dWx = dWx + dWx_t
        dWh = dWh_t
        db = db + db_t
    dx = np.array(dx).transpose(1, 0, 2)
    return dx, dh_next, dWx, dWh, db
""",
    faults=2,
    says="line 19: it should be zero; line 25",
)

wrong("captioning_rnn_sample", "the LSTM's new cell state is thrown away", '''
def sample(self, features, max_length=30):
    features = self.checked_features(features)
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}; it must be at least 1")
    if self._start is None or self._end is None:
        raise ValueError("the vocabulary has no <START> or no <END>: without them a caption cannot begin or end")
    captions = np.full((len(features), max_length), self._null, dtype=np.int32)
    p = self.params
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    c = np.zeros_like(h)
    current = np.full(len(features), self._start)
    for t in range(max_length):
        vec = p["W_embed"][current]
        if self.cell_type == "rnn":
            h, _ = rnn_step_forward(vec, h, p["Wx"], p["Wh"], p["b"])
        else:
            h, next_c, _ = lstm_step_forward(vec, h, c, p["Wx"], p["Wh"], p["b"])
        scores = h.dot(p["W_vocab"]) + p["b_vocab"]
        current = scores.argmax(axis=1)
        captions[:, t] = current
    return captions
''', says="cell state is not carried on")  # fmt: skip
