"""Wrong answers to the LSTM's TODOs, written without a look at the checks."""

from . import wrong

wrong(
    "lstm_step_forward",
    "1 is added to the forget gate's sum, as some libraries do with its bias",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    z = np.dot(x, Wx)
    z = z + np.dot(prev_h, Wh)
    z = z + b
    zi = z[:, 0 * H : 1 * H]
    zf = z[:, 1 * H : 2 * H]
    zo = z[:, 2 * H : 3 * H]
    zg = z[:, 3 * H : 4 * H]
    in_gate = sigmoid(zi)
    forget_gate = sigmoid(zf + 1.0)
    out_gate = sigmoid(zo)
    candidate = np.tanh(zg)
    next_c = forget_gate * prev_c + in_gate * candidate
    next_h = out_gate * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, in_gate, forget_gate, out_gate, candidate, next_c)
    return next_h, next_c, cache
""",
    faults=1,
    says="line 12 makes this right: the operator",
)

wrong(
    "lstm_step_forward",
    "the sums are reshaped to (N, H, 4) as if the gates were interleaved; next_h is o * next_c without the tanh",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    N, H = prev_h.shape
    gates = (x @ Wx + prev_h @ Wh + b).reshape(N, H, 4).transpose(2, 0, 1)
    i, f, o = [sigmoid(gates[k]) for k in range(3)]
    g = np.tanh(gates[3])
    next_c = f * prev_c + i * g
    next_h = o * next_c
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
""",
    faults=2,
    says="the gates are taken from every fourth column: the sums are (n,",
)

wrong(
    "lstm_step_backward",
    "dprev_c is taken from dnext_c before the part that comes through next_h is added to it",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    next_c = f * prev_c + i * g
    tc = np.tanh(next_c)
    return o * tc, next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tc)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tc = cache
    dprev_c = dnext_c * f
    do = dnext_h * tc
    dtc = dnext_h * o
    dnext_c = dnext_c + dtc * (1 - tc**2)
    di = dnext_c * g
    df = dnext_c * prev_c
    dg = dnext_c * i
    dai = di * i * (1 - i)
    daf = df * f * (1 - f)
    dao = do * o * (1 - o)
    dag = dg * (1 - g**2)
    da = np.hstack([dai, daf, dao, dag])
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh.T)
    dWx = x.T.dot(da)
    dWh = prev_h.T.dot(da)
    db = da.sum(axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db
""",
    faults=1,
    says="line 13 makes this right: the place of this line",
)

wrong(
    "lstm_step_backward",
    "the forget gate's gradient has next_c for prev_c; the candidate gets the sigmoid's slope, not tanh's; the "
    "gradients of o and g are joined in the opposite order",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_c.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    gate = {"i": sigmoid(a[:, :H]), "f": sigmoid(a[:, H : 2 * H]), "o": sigmoid(a[:, 2 * H : 3 * H])}
    gate["g"] = np.tanh(a[:, 3 * H :])
    next_c = gate["f"] * prev_c + gate["i"] * gate["g"]
    next_h = gate["o"] * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, Wx, Wh, gate, next_c)


def slope(name, value):
    return value * (1 - value)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, gate, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * gate["o"] * (1 - tanh_c * tanh_c)
    dgate = {
        "i": dc * gate["g"],
        "f": dc * next_c,
        "o": dnext_h * tanh_c,
        "g": dc * gate["i"],
    }
    order = ["i", "f", "g", "o"]
    da = np.concatenate([dgate[name] * slope(name, gate[name]) for name in order], axis=1)
    dprev_c = dc * gate["f"]
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, np.sum(da, axis=0)
""",
    faults=3,
    says="look at line 26: the name 'g'",
)

wrong(
    "lstm_forward",
    "the step's results are unpacked in the wrong order: the cell state serves as hidden state and vice versa",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    N, H = h0.shape
    h = np.zeros((N, T, H), dtype=x.dtype)
    caches = []
    hidden = h0
    cell = np.zeros((N, H), dtype=x.dtype)
    for t in range(T):
        cell, hidden, step_cache = lstm_step_forward(x[:, t, :], hidden, cell, Wx, Wh, b)
        h[:, t, :] = hidden
        caches.append(step_cache)
    return h, caches
""",
    faults=1,
    says="line 10 makes this right: the order of the elements",
)

wrong(
    "lstm_forward",
    "the cell state starts as h0 where it starts at zero; states are stored before their step, one step late",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    outputs, memory = [], []
    h, c = h0, h0
    for xt in x.transpose(1, 0, 2):
        outputs.append(h)
        h, c, m = lstm_step_forward(xt, h, c, Wx, Wh, b)
        memory.append(m)
    return np.stack(outputs, axis=1), memory
""",
    faults=2,
    says="the first cell state is h0 instead of zeros; and besides, the",
)

wrong(
    "lstm_backward",
    "the cell state's gradient gets a new name in the loop, so each step is given the zeros from before the loop",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    hs, caches = [], []
    h, c = h0, np.zeros_like(h0)
    for t in range(x.shape[1]):
        h, c, cache_t = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        hs.append(h)
        caches.append(cache_t)
    return np.stack(hs, axis=1), (x.shape, Wx.shape, caches)


def lstm_backward(dh, cache):
    (N, T, D), Wx_shape, caches = cache
    H = dh.shape[2]
    dx = np.zeros((N, T, D), dtype=dh.dtype)
    dWx = np.zeros(Wx_shape, dtype=dh.dtype)
    dWh = np.zeros((H, 4 * H), dtype=dh.dtype)
    db = np.zeros(4 * H, dtype=dh.dtype)
    dh_prev = np.zeros((N, H), dtype=dh.dtype)
    dc = np.zeros((N, H), dtype=dh.dtype)
    for t in reversed(range(T)):
        dh_total = dh[:, t, :] + dh_prev
        dx_t, dh_prev, dc_prev, dWx_t, dWh_t, db_t = lstm_step_backward(dh_total, dc, caches[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    dh0 = dh_prev
    return dx, dh0, dWx, dWh, db
""",
    faults=1,
    says="the gradient of the cell state, dprev_c, is not carried back",
)

wrong(
    "lstm_backward",
    "only the last state's gradient from above comes in, dh at the steps before is left out; the gradients of the "
    "weights are divided by T, a mean where the sum over time is right",
    """
def lstm_forward(x, h0, Wx, Wh, b):
    h, c = h0, np.zeros_like(h0)
    steps, caches = [], []
    for t in range(x.shape[1]):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        steps += [h]
        caches += [cache]
    return np.array(steps).swapaxes(0, 1), caches


def lstm_backward(dh, cache):
    T = dh.shape[1]
    grad_h = dh[:, T - 1]
    grad_c = np.zeros_like(grad_h)
    dxs, dWxs, dWhs, dbs = [], [], [], []
    for t in range(T)[::-1]:
        dx, grad_h, grad_c, dWx, dWh, db = lstm_step_backward(grad_h, grad_c, cache[t])
        dxs.insert(0, dx)
        dWxs.append(dWx)
        dWhs.append(dWh)
        dbs.append(db)
    # Wx, Wh and b are shared by all time steps
    dWx, dWh, db = sum(dWxs) / T, sum(dWhs) / T, sum(dbs) / T
    return np.stack(dxs, axis=1), grad_h, dWx, dWh, db
""",
    faults=2,
    says=None,
)
