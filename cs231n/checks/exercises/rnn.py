"""The TODOs of RNN.ipynb: the vanilla RNN, word embedding, and the captioner around them."""

import numpy as np

from ..todo import Backward, Forward, Method, Wrong

LAYERS = "cs231n.rnn_layers"


def random_arrays(seed, dtype, *shapes):
    """Normal numbers of the given shapes. No check depends on which numbers they are."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


# One step ---------------------------------------------------------------------------------------------------


def _step_shapes(N, D, H):
    return (N, D), (N, H), (D, H), (H, H), (H,)


def _step_cases():
    return {
        "float64": random_arrays(1, np.float64, *_step_shapes(3, 4, 5)),
        "D equal to H": random_arrays(2, np.float64, *_step_shapes(2, 3, 3)),
        "one row": random_arrays(3, np.float64, *_step_shapes(1, 2, 4)),
        "float32": random_arrays(4, np.float32, *_step_shapes(3, 4, 5)),
    }


rnn_step_forward = Forward(
    "rnn_step_forward",
    f"{LAYERS}:rnn_step_forward",
    notebook="RNN",
    minutes=5,
    cases=_step_cases,
    outputs=("next_h",),
    hints=(
        "There are two matrix products: one brings in the new input, one the previous state.",
        "Add the two products and the bias, then squash the sum with tanh. The bias has shape (H,) and spreads "
        "over the N rows by itself.",
        "next_h = np.tanh(x @ Wx + prev_h @ Wh + b). For the backward pass keep x, prev_h, Wx, Wh and next_h.",
    ),
)


@rnn_step_forward.oracle
def _step(x, prev_h, Wx, Wh, b):
    return (x @ Wx + prev_h @ Wh + b).tanh()


@rnn_step_forward.mistake("the bias b is left out")
def _(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wx + prev_h @ Wh)


@rnn_step_forward.mistake("the tanh is missing")
def _(x, prev_h, Wx, Wh, b):
    return x @ Wx + prev_h @ Wh + b


@rnn_step_forward.mistake("the logistic sigmoid stands in place of the tanh")
def _(x, prev_h, Wx, Wh, b):
    return (1 / (1 + np.exp(-(x @ Wx + prev_h @ Wh + b)))).astype(x.dtype)


@rnn_step_forward.mistake("Wx and Wh are exchanged")
def _(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wh + prev_h @ Wx + b)


@rnn_step_forward.mistake("the previous state is left out")
def _(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wx + b)


@rnn_step_forward.mistake("the bias is added after the tanh")
def _(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wx + prev_h @ Wh) + b


def _step_back_cases():
    upstream = {label: random_arrays(11, args[0].dtype, args[1].shape) for label, args in _step_cases().items()}
    return {label: (*upstream[label], *args) for label, args in _step_cases().items()}


rnn_step_backward = Backward(
    "rnn_step_backward",
    f"{LAYERS}:rnn_step_backward",
    forward=rnn_step_forward,
    notebook="RNN",
    minutes=10,
    cases=_step_back_cases,
    hints=(
        "Name the sum inside the tanh a. Find da, the gradient of a; after that it is an affine layer twice.",
        "The slope of tanh at a is 1 - tanh(a)**2, and tanh(a) is next_h itself: da = dnext_h * (1 - next_h**2).",
        "dx = da @ Wx.T and dWx = x.T @ da; dprev_h and dWh likewise; db is the sum of da over the batch.",
    ),
)


def _affine_back(da, x, prev_h, Wx, Wh):
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@rnn_step_backward.mistake("the slope of the tanh is left out")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    return _affine_back(dnext_h, x, prev_h, Wx, Wh)


@rnn_step_backward.mistake("the slope is taken as 1 - next_h, without the square")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return _affine_back(dnext_h * (1 - next_h), x, prev_h, Wx, Wh)


@rnn_step_backward.mistake("the slope is taken at next_h: 1 - tanh(next_h)**2, a tanh too many")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return _affine_back(dnext_h * (1 - np.tanh(next_h) ** 2), x, prev_h, Wx, Wh)


@rnn_step_backward.mistake("the slope is taken of the previous state: 1 - prev_h**2")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    return _affine_back(dnext_h * (1 - prev_h**2), x, prev_h, Wx, Wh)


@rnn_step_backward.mistake("db is averaged over the batch instead of summed")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    da = dnext_h * (1 - next_h**2)
    return (*_affine_back(da, x, prev_h, Wx, Wh)[:4], da.mean(axis=0))


@rnn_step_backward.mistake("dnext_h is multiplied by the slope in place, in the caller's own array")
def _(dnext_h, x, prev_h, Wx, Wh, b):
    dnext_h *= 1 - np.tanh(x @ Wx + prev_h @ Wh + b) ** 2
    return _affine_back(dnext_h, x, prev_h, Wx, Wh)


# Whole sequences --------------------------------------------------------------------------------------------


def sequence_cases(gates):
    """Inputs of rnn_forward (gates=1) and lstm_forward (gates=4)."""

    def shapes(N, T, D, H):
        return (N, T, D), (N, H), (D, gates * H), (H, gates * H), (gates * H,)

    return {
        "float64": random_arrays(21, np.float64, *shapes(2, 4, 3, 5)),
        "one step": random_arrays(22, np.float64, *shapes(2, 1, 3, 4)),
        "one row": random_arrays(23, np.float64, *shapes(1, 3, 2, 2)),
        "float32": random_arrays(24, np.float32, *shapes(3, 4, 3, 5)),
    }


def with_upstream(cases):
    """Add the gradient dh of every hidden state in front of a sequence layer's inputs."""
    dh = {k: random_arrays(25, a[0].dtype, (*a[0].shape[:2], a[1].shape[1])) for k, a in cases.items()}
    return {label: (*dh[label], *args) for label, args in cases.items()}


rnn_forward = Forward(
    "rnn_forward",
    f"{LAYERS}:rnn_forward",
    notebook="RNN",
    minutes=10,
    cases=lambda: sequence_cases(1),
    outputs=("h",),
    hints=(
        "Start from h0. At each t the step takes x[:, t] and the state that the step before returned.",
        "Keep every state in h[:, t]. Make h with dtype=x.dtype: np.zeros alone makes float64, and then the whole "
        "model runs at half its speed.",
        "prev = h0; for t in range(T): prev, cache_t = rnn_step_forward(x[:, t], prev, Wx, Wh, b); h[:, t] = prev; "
        "append cache_t to a list. That list is your cache.",
    ),
)


@rnn_forward.oracle
def rnn_oracle(x, h0, Wx, Wh, b):
    import torch

    states = [h0]
    for x_t in x.unbind(1):
        states.append(_step(x_t, states[-1], Wx, Wh, b))
    return torch.stack(states[1:], dim=1)


def _run_rnn(x, h0, Wx, Wh, b, cell=lambda x_t, h, Wx, Wh, b: np.tanh(x_t @ Wx + h @ Wh + b), times=iter):
    """A textbook RNN in numpy; times gives the order in which the steps are taken."""
    h = np.zeros((*x.shape[:2], Wh.shape[0]), dtype=x.dtype)
    prev = h0
    for t in times(range(x.shape[1])):
        prev = h[:, t] = cell(x[:, t], prev, Wx, Wh, b)
    return h


@rnn_forward.mistake("every step starts from h0 again: the state is not carried on")
def _(x, h0, Wx, Wh, b):
    return np.tanh(x @ Wx + (h0 @ Wh)[:, None] + b)


@rnn_forward.mistake("the first step starts from zeros instead of h0")
def _(x, h0, Wx, Wh, b):
    return _run_rnn(x, 0 * h0, Wx, Wh, b)


@rnn_forward.mistake("time runs backwards, from the last input to the first")
def _(x, h0, Wx, Wh, b):
    return _run_rnn(x, h0, Wx, Wh, b, times=reversed)


@rnn_forward.mistake("only the last state is written, the others stay zero")
def _(x, h0, Wx, Wh, b):
    h = _run_rnn(x, h0, Wx, Wh, b)
    h[:, :-1] = 0
    return h


@rnn_forward.mistake("every step reads the first input, x[:, 0]")
def _(x, h0, Wx, Wh, b):
    return _run_rnn(np.repeat(x[:, :1], x.shape[1], axis=1), h0, Wx, Wh, b)


@rnn_forward.mistake("the states are kept in an array without dtype, so that float32 silently becomes float64")
def _(x, h0, Wx, Wh, b):
    return _run_rnn(x, h0, Wx, Wh, b).astype(np.float64)


rnn_backward = Backward(
    "rnn_backward",
    f"{LAYERS}:rnn_backward",
    forward=rnn_forward,
    needs=("rnn_step_forward", "rnn_step_backward"),
    notebook="RNN",
    minutes=15,
    cases=lambda: with_upstream(sequence_cases(1)),
    hints=(
        "Go from t = T-1 down to 0. Each state feeds two things: the layer above (dh[:, t]) and the next step.",
        "Add the two before each step back: dnext_h = dh[:, t] + dprev_h, with dprev_h = 0 to begin with. Make a "
        "new array for the sum: dh belongs to the caller.",
        "dx_t, dprev_h, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + dprev_h, cache[t]); dWx += dWx_t, and so "
        "on. The last dprev_h is dh0.",
    ),
)


def rnn_back(dh, x, h0, Wx, Wh, b, *, carry=1.0, last_only=False, upstream=lambda dh, t: dh[:, t], times=reversed):
    """A textbook backward pass through time in numpy; the switches make its known mistakes."""
    h = _run_rnn(x, h0, Wx, Wh, b)
    before = np.concatenate((h0[:, None], h[:, :-1]), axis=1)
    dx, weights, dprev = np.zeros_like(x), [np.zeros_like(w) for w in (Wx, Wh, b)], np.zeros_like(h0)
    for t in times(range(x.shape[1])):
        da = (upstream(dh, t) + carry * dprev) * (1 - h[:, t] ** 2)
        dx[:, t], dprev, *grads = _affine_back(da, x[:, t], before[:, t], Wx, Wh)
        weights = grads if last_only else [w + g for w, g in zip(weights, grads)]
    return dx, dprev, *weights


@rnn_backward.mistake("nothing flows back through time: dprev_h is not added to dh[:, t]")
def _(dh, *inputs):
    return rnn_back(dh, *inputs, carry=0.0)


@rnn_backward.mistake("the weight gradients of the time steps are not summed: each step overwrites the one before")
def _(dh, *inputs):
    return rnn_back(dh, *inputs, last_only=True)


@rnn_backward.mistake("only the gradient of the last step, dh[:, -1], is sent back")
def _(dh, *inputs):
    return rnn_back(dh, *inputs, upstream=lambda dh, t: dh[:, t] * (t == dh.shape[1] - 1))


@rnn_backward.mistake("the loop runs forward in time instead of backward")
def _(dh, *inputs):
    return rnn_back(dh, *inputs, times=iter)


@rnn_backward.mistake("dh0 stays zero instead of the last dprev_h")
def _(dh, *inputs):
    dx, dh0, *weights = rnn_back(dh, *inputs)
    return dx, np.zeros_like(dh0), *weights


@rnn_backward.mistake("dprev_h is added into dh itself, an array that belongs to the caller")
def _(dh, x, h0, Wx, Wh, b):
    h = _run_rnn(x, h0, Wx, Wh, b)
    gradients = rnn_back(dh, x, h0, Wx, Wh, b)
    for t in range(x.shape[1] - 1, 0, -1):
        dh[:, t - 1] += (dh[:, t] * (1 - h[:, t] ** 2)) @ Wh.T
    return gradients


# Word embedding ---------------------------------------------------------------------------------------------


def _embedding_cases():
    words = np.array([[0, 3, 1, 2], [2, 1, 0, 3], [4, 4, 1, 3]])
    return {
        "float64": (words, *random_arrays(31, np.float64, (5, 3))),
        "one word again and again": (np.full((2, 3), 2), *random_arrays(32, np.float64, (4, 2))),
        "int32 words with float32 vectors": (words[:, :2].astype(np.int32), *random_arrays(33, np.float32, (6, 4))),
    }


word_embedding_forward = Forward(
    "word_embedding_forward",
    f"{LAYERS}:word_embedding_forward",
    notebook="RNN",
    minutes=3,
    cases=_embedding_cases,
    outputs=("out",),
    hints=(
        "Row v of W is the vector of word v. No loop is needed.",
        "An integer array as an index picks rows: W[x] has the shape of x with one more axis at its end.",
        "out = W[x]; the backward pass needs x and the shape of W.",
    ),
)


@word_embedding_forward.oracle
def _embed(x, W):
    return W[x]


@word_embedding_forward.mistake("the words are counted from 1: W[x - 1]")
def _(x, W):
    return W[x - 1]


@word_embedding_forward.mistake("word 0 gets a vector of zeros")
def _(x, W):
    return W[x] * (x > 0)[..., None].astype(W.dtype)


@word_embedding_forward.mistake("the vectors are taken in float64 whatever W is")
def _(x, W):
    return W.astype(np.float64)[x]


@word_embedding_forward.mistake("every vector is scaled to length 1")
def _(x, W):
    return (W / np.linalg.norm(W, axis=1, keepdims=True))[x]


@word_embedding_forward.mistake("the words of each sentence are looked up in reverse order")
def _(x, W):
    return W[x[:, ::-1]]


def _embedding_back_cases():
    cases = _embedding_cases()
    dout = {k: random_arrays(34, W.dtype, (*x.shape, W.shape[1])) for k, (x, W) in cases.items()}
    return {label: (*dout[label], *args) for label, args in cases.items()}


word_embedding_backward = Backward(
    "word_embedding_backward",
    f"{LAYERS}:word_embedding_backward",
    forward=word_embedding_forward,
    notebook="RNN",
    minutes=5,
    cases=_embedding_back_cases,
    hints=(
        "W[x] copies row v of W to each place where x is v; the gradient of row v is the sum over these places.",
        "dW[x] += dout reads dW once and writes it once, so of equal words only the last one counts. "
        "np.add.at(dW, x, dout) adds them all.",
        "dW = np.zeros((V, D), dtype=dout.dtype); np.add.at(dW, x, dout). Faster: lookup is the product "
        "onehot(x) @ W, so dW = onehot(x).T @ dout, with onehot(x) a sparse matrix.",
    ),
)


@word_embedding_backward.mistake("`dW[x] += dout` keeps only one of several places of a word; use np.add.at")
def _(dout, x, W):
    dW = np.zeros_like(W)
    dW[x] += dout
    return dW


@word_embedding_backward.mistake("the gradients of a word's places are averaged instead of summed")
def _(dout, x, W):
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW / np.maximum(np.bincount(x.ravel(), minlength=len(W)), 1)[:, None].astype(W.dtype)


@word_embedding_backward.mistake("word 0 gets no gradient")
def _(dout, x, W):
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    dW[0] = 0
    return dW


@word_embedding_backward.mistake("dW is made by np.zeros without a dtype and so is float64")
def _(dout, x, W):
    dW = np.zeros(W.shape)
    np.add.at(dW, x, dout)
    return dW


@word_embedding_backward.mistake("the gradient is divided by the batch size")
def _(dout, x, W):
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW / W.dtype.type(len(x))


# The captioner ----------------------------------------------------------------------------------------------

WORDS = {word: i for i, word in enumerate(["<NULL>", "<START>", "<END>", "a", "red", "blue", "cat", "boat"])}


def _model(cell, dtype, seed=0):
    """A small captioner with seeded parameters, the biases not zero so that a forgotten one shows."""
    from ...classifiers.rnn import CaptioningRNN

    model = CaptioningRNN(WORDS, input_dim=5, wordvec_dim=4, hidden_dim=3, cell_type=cell, dtype=dtype)
    rng = np.random.default_rng(seed)
    model.params = {name: rng.normal(size=p.shape).astype(dtype) for name, p in model.params.items()}
    return model


def _captions():
    rows = ["a red cat <END>", "boat <END>", "cat cat a red <END>"]
    rows = [["<START>", *row.split()] for row in rows]
    return np.array([[WORDS[word] for word in row + ["<NULL>"] * (6 - len(row))] for row in rows], dtype=np.int32)


def _loss_cases():
    (features,) = random_arrays(41, np.float64, (3, 5))
    return {
        "rnn": ("rnn", 1.0, features, _captions()),
        "rnn in float32": ("rnn", 1.0, features.astype(np.float32), _captions()),
        "rnn with scores a thousand apart": ("rnn", 1000.0, features, _captions()),
        "lstm": ("lstm", 1.0, features, _captions()),
    }


def _loss_model(cell, spread, dtype):
    model = _model(cell, dtype)
    model.params["b_vocab"] = model.params["b_vocab"] * dtype.type(spread)
    return model


def _run_loss(function, cell, spread, features, captions):
    model = _loss_model(cell, spread, features.dtype)
    before = {name: p.copy() for name, p in model.params.items()}
    got = function(model, features, captions)
    if not isinstance(got, tuple) or len(got) != 2 or not isinstance(got[1], dict):
        raise Wrong("CaptioningRNN.loss must return (loss, grads), grads a dict with one array for each parameter")
    loss, grads = got
    missing = [name for name in before if name not in grads]
    if missing:
        raise Wrong(f"grads has no entry for {', '.join(missing)}")
    for name, p in before.items():
        if not np.array_equal(p, model.params[name]):
            raise Wrong(f"the parameter {name} was changed; the solver does that, with your gradients")
    return {"loss": loss, **{f"grads['{name}']": grads[name] for name in before}}


def caption_loss(
    model, features, captions, *, inputs=slice(None, -1), outputs=slice(1, None), asked=None, divide=None,
    project=lambda f, p: f @ p["W_proj"] + p["b_proj"], log_softmax=lambda scores: scores.log_softmax(-1),
):  # fmt: skip
    """The captioning loss and its gradients by torch's autograd in float64; the switches make known mistakes."""
    import torch

    from .lstm import lstm_oracle

    p = {name: torch.tensor(a, dtype=torch.float64, requires_grad=True) for name, a in model.params.items()}
    captions = torch.tensor(captions, dtype=torch.int64)
    words_in, words_out = captions[:, inputs], captions[:, outputs]
    cell = rnn_oracle if model.cell_type == "rnn" else lstm_oracle
    h0 = project(torch.tensor(features, dtype=torch.float64), p)
    h = cell(p["W_embed"][words_in], h0, p["Wx"], p["Wh"], p["b"])
    log_probs = log_softmax(h @ p["W_vocab"] + p["b_vocab"])
    said = log_probs.gather(2, words_out[..., None])[..., 0]  # (N, T)
    mask = asked(words_in, words_out) if asked else words_out != model._null
    loss = -said[mask].sum() / (divide(mask) if divide else len(captions))
    grads = torch.autograd.grad(loss, list(p.values()), allow_unused=True, materialize_grads=True)
    dtype = model.params["b"].dtype
    return dtype.type(loss.item()), {name: g.numpy().astype(dtype) for name, g in zip(p, grads)}


captioning_rnn_loss = Method(
    "captioning_rnn_loss",
    "cs231n.classifiers.rnn:CaptioningRNN.loss",
    run=_run_loss,
    needs=("word_embedding_forward", "word_embedding_backward", "rnn_forward", "rnn_backward"),
    later=("lstm_forward", "lstm_backward"),
    notebook="RNN",
    minutes=25,
    cases=_loss_cases,
    outputs=("loss", "grads"),
    hints=(
        "Five layers in a row: affine_forward(features) gives h0, word_embedding_forward(captions_in) the vectors, "
        "`forward` the states, temporal_affine_forward the scores, temporal_softmax_loss the loss.",
        "The mask is captions_out != self._null: the padding after <END> earns no loss. Backward, take the layers "
        "in the opposite order; each one's gradient goes into the next.",
        "dscores -> temporal_affine_backward -> dh; backward(dh, cache) -> dwords, dh0, Wx, Wh, b; dwords -> "
        "word_embedding_backward; dh0 -> affine_backward. Store each under its parameter's name in grads.",
    ),
)


@captioning_rnn_loss.oracle
def _(cell, spread, features, captions):
    loss, grads = caption_loss(_loss_model(cell, spread, features.dtype), features, captions)
    return {"loss": loss, **{f"grads['{name}']": g for name, g in grads.items()}}


@captioning_rnn_loss.mistake("<NULL> is counted: the mask is missing")
def _(model, features, captions):
    return caption_loss(model, features, captions, asked=lambda read, said: said >= 0)


@captioning_rnn_loss.mistake("the mask is taken from captions_in instead of captions_out")
def _(model, features, captions):
    return caption_loss(model, features, captions, asked=lambda read, said: read != 0)


@captioning_rnn_loss.mistake("the network shall say the word it reads: captions_out is not shifted by one")
def _(model, features, captions):
    return caption_loss(model, features, captions, outputs=slice(None, -1))


@captioning_rnn_loss.mistake(
    "the captions are shifted the wrong way: the network reads a word and shall say the one before"
)
def _(model, features, captions):
    return caption_loss(model, features, captions, inputs=slice(1, None), outputs=slice(None, -1))


@captioning_rnn_loss.mistake("the loss is divided by N * T instead of N")
def _(model, features, captions):
    return caption_loss(model, features, captions, divide=lambda mask: mask.numel())


@captioning_rnn_loss.mistake("the loss is averaged over the words instead of divided by N")
def _(model, features, captions):
    return caption_loss(model, features, captions, divide=lambda mask: mask.sum())


@captioning_rnn_loss.mistake("the features are not projected: the first state is zero")
def _(model, features, captions):
    return caption_loss(model, features, captions, project=lambda f, p: 0 * (f @ p["W_proj"] + p["b_proj"]))


@captioning_rnn_loss.mistake("the bias b_proj is left out of the projection")
def _(model, features, captions):
    return caption_loss(model, features, captions, project=lambda f, p: f @ p["W_proj"] + 0 * p["b_proj"])


@captioning_rnn_loss.mistake("the logarithm is taken of a probability that has become 0; use log-sum-exp")
def _(model, features, captions):
    return caption_loss(model, features, captions, log_softmax=lambda scores: scores.softmax(-1).log())


@captioning_rnn_loss.mistake("the gradient of the first state is not sent back into the projection")
def _(model, features, captions):
    loss, grads = caption_loss(model, features, captions)
    return loss, {**grads, "W_proj": 0 * grads["W_proj"], "b_proj": 0 * grads["b_proj"]}


# Sampling ---------------------------------------------------------------------------------------------------


def _sample_cases():
    (features,) = random_arrays(51, np.float64, (6, 5))
    return {"rnn": ("rnn", 9, features), "rnn with one image": ("rnn", 4, features[:1]), "lstm": ("lstm", 9, features)}


def _sample_model(cell, dtype):
    """Larger weights than training starts from, so that the greedy words vary and some rows reach <END>."""
    model = _model(cell, dtype, seed=3)
    model.params = {name: 2 * p for name, p in model.params.items()}
    return model


def _run_sample(function, cell, max_length, features):
    got = function(_sample_model(cell, features.dtype), features, max_length=max_length)
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "iu":
        raise Wrong("CaptioningRNN.sample must return captions, an integer array of shape (N, max_length)")
    return {"captions": _until_end(got)}


def _until_end(captions):
    """What follows <END> does not matter: decode_captions stops there."""
    if captions.ndim != 2:
        return captions
    ended = np.cumsum(captions == WORDS["<END>"], axis=1) - (captions == WORDS["<END>"]) > 0
    return np.where(ended, 0, captions)


def greedy(model, features, max_length=30, *, first="<START>", project=True, carry=True, feed=True, pick="argmax"):
    """Greedy decoding with torch in float64; the switches make known mistakes."""
    import torch

    from .lstm import lstm_step_oracle

    p = {name: torch.tensor(a, dtype=torch.float64) for name, a in model.params.items()}
    h0 = torch.tensor(features, dtype=torch.float64) @ p["W_proj"] + p["b_proj"]
    h = h0 = h0 if project else 0 * h0
    c = torch.zeros_like(h)
    word = start = torch.full((len(features),), WORDS[first])
    captions = []
    for _ in range(max_length):
        x = p["W_embed"][word]
        if model.cell_type == "rnn":
            h = _step(x, h, p["Wx"], p["Wh"], p["b"])
        else:
            h, c = lstm_step_oracle(x, h, c, p["Wx"], p["Wh"], p["b"])
        word = getattr(h @ p["W_vocab"] + p["b_vocab"], pick)(1)
        captions.append(word)
        word, h, c = word if feed else start, h if carry else h0, c if carry else 0 * c
    return torch.stack(captions, dim=1).numpy().astype(np.int32)


captioning_rnn_sample = Method(
    "captioning_rnn_sample",
    "cs231n.classifiers.rnn:CaptioningRNN.sample",
    run=_run_sample,
    needs=("rnn_step_forward",),
    later=("lstm_step_forward",),
    notebook="RNN",
    minutes=15,
    cases=_sample_cases,
    outputs=("captions",),
    hints=(
        "Before the loop: the first state from the features, as in loss, and <START> as the first word of each row.",
        "In the loop: vector of the word, one step of the cell, scores, argmax over the vocabulary. The winner is "
        "written into captions[:, t] and is the next word read.",
        "word = np.full(N, self._start); then for t in range(max_length): h, _ = rnn_step_forward(W_embed[word], h, "
        "Wx, Wh, b); word = (h @ W_vocab + b_vocab).argmax(axis=1); captions[:, t] = word.",
    ),
)


@captioning_rnn_sample.oracle
def _(cell, max_length, features):
    return {"captions": _until_end(greedy(_sample_model(cell, features.dtype), features, max_length))}


@captioning_rnn_sample.mistake("<START> is read at every step: the word said is not fed back")
def _(model, features, max_length=30):
    return greedy(model, features, max_length, feed=False)


@captioning_rnn_sample.mistake("the state is not carried on: every step starts from the image again")
def _(model, features, max_length=30):
    return greedy(model, features, max_length, carry=False)


@captioning_rnn_sample.mistake("the first word read is <NULL> instead of <START>")
def _(model, features, max_length=30):
    return greedy(model, features, max_length, first="<NULL>")


@captioning_rnn_sample.mistake("the features are not used: the first state is zero")
def _(model, features, max_length=30):
    return greedy(model, features, max_length, project=False)


@captioning_rnn_sample.mistake("the least likely word is taken instead of the likeliest")
def _(model, features, max_length=30):
    return greedy(model, features, max_length, pick="argmin")


@captioning_rnn_sample.mistake("<START> is written as the first word; captions begin with the first word said")
def _(model, features, max_length=30):
    captions = greedy(model, features, max_length)
    return np.concatenate((np.full_like(captions[:, :1], model._start), captions[:, :-1]), axis=1)
