"""The captioner: its loss, and the captions that it samples."""

import numpy as np

from ..authoring.inputs import WORDS, random_arrays, three_captions
from ..authoring.variants import variants
from ..todo import TODOS, Method, Wrong

LSTM = ("lstm_step_forward", "lstm_forward", "lstm_step_backward", "lstm_backward")  # whose notebook comes later


def _model(cell, dtype, seed=0):
    """A small captioner with seeded parameters, the biases not zero so that a forgotten one shows."""
    from ...classifiers.rnn import CaptioningRNN

    model = CaptioningRNN(WORDS, input_dim=5, wordvec_dim=4, hidden_dim=3, cell_type=cell, dtype=dtype)
    rng = np.random.default_rng(seed)
    model.params = {name: rng.normal(size=p.shape).astype(dtype) for name, p in model.params.items()}
    return model


def _loss_cases():
    (features,) = random_arrays(41, np.float64, (3, 5))
    return {
        "rnn": ("rnn", 1.0, features, three_captions()),
        "rnn in float32": ("rnn", 1.0, features.astype(np.float32), three_captions()),
        "rnn with one caption of one word": ("rnn", 1.0, features[:1], three_captions()[1:2, :2]),
        "rnn with scores a thousand apart": ("rnn", 1000.0, features, three_captions()),
        "lstm": ("lstm", 1.0, features, three_captions()),
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


def _caption_loss(
    model, features, captions, *, inputs=slice(None, -1), outputs=slice(1, None), asked=None, divide=None,
    project=lambda f, p: f @ p["W_proj"] + p["b_proj"], log_softmax=lambda scores: scores.log_softmax(-1),
):  # fmt: skip
    """The captioning loss and its gradients by torch's autograd in float64; the switches make known mistakes."""
    import torch

    p = {name: torch.tensor(a, dtype=torch.float64, requires_grad=True) for name, a in model.params.items()}
    captions = torch.tensor(captions, dtype=torch.int64)
    words_in, words_out = captions[:, inputs], captions[:, outputs]
    cell = TODOS[f"{model.cell_type}_forward"].expected_of
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
    later={"lstm": LSTM},
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
    loss, grads = _caption_loss(_loss_model(cell, spread, features.dtype), features, captions)
    return {"loss": loss, **{f"grads['{name}']": g for name, g in grads.items()}}


variants(
    captioning_rnn_loss,
    _caption_loss,
    {
        "<NULL> is counted: the mask is missing": {"asked": lambda read, said: said >= 0},
        "the mask is taken from captions_in instead of captions_out": {"asked": lambda read, said: read != 0},
        "the network shall say the word it reads: captions_out is not shifted by one": {"outputs": slice(None, -1)},
        "the captions are shifted the wrong way: the network reads a word and shall say the one before": {
            "inputs": slice(1, None),
            "outputs": slice(None, -1),
        },
        "the loss is divided by N * T instead of N": {"divide": lambda mask: mask.numel()},
        "the loss is averaged over the words instead of divided by N": {"divide": lambda mask: mask.sum()},
        "the features are not projected: the first state is zero": {
            "project": lambda f, p: 0 * (f @ p["W_proj"] + p["b_proj"])
        },
        "the bias b_proj is left out of the projection": {"project": lambda f, p: f @ p["W_proj"] + 0 * p["b_proj"]},
        "the logarithm is taken of a probability that has become 0; use log-sum-exp": {
            "log_softmax": lambda scores: scores.softmax(-1).log()
        },
    },
)


@captioning_rnn_loss.mistake("the gradient of the first state is not sent back into the projection")
def _(model, features, captions):
    loss, grads = _caption_loss(model, features, captions)
    return loss, {**grads, "W_proj": 0 * grads["W_proj"], "b_proj": 0 * grads["b_proj"]}


# Sampling ---------------------------------------------------------------------------------------------------


def _sample_cases():
    (features,) = random_arrays(51, np.float64, (6, 5))
    return {
        "rnn": ("rnn", 9, features, False),
        "rnn with one image": ("rnn", 4, features[:1], False),
        "rnn with <END>": ("rnn", 9, features, True),
        "lstm": ("lstm", 9, features, False),
    }


def _sample_model(cell, dtype):
    """Larger weights than training starts from, and seeds with which words vary and some rows, not all, reach <END>."""
    model = _model(cell, dtype, seed={"rnn": 544, "lstm": 232}[cell])
    model.params = {name: 2 * p for name, p in model.params.items()}
    return model


def _run_sample(function, cell, max_length, features, with_end):
    got = function(_sample_model(cell, features.dtype), features, max_length=max_length)
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "iuf":
        raise Wrong("CaptioningRNN.sample must return captions, an integer array of shape (N, max_length)")
    return {"captions": _until_end(got, with_end)}


def _until_end(captions, with_end):
    """What follows <END> does not matter: decode_captions stops there. with_end: whether <END> itself does."""
    if captions.ndim != 2:
        return captions
    ends = captions == WORDS["<END>"]
    return np.where(np.cumsum(ends, axis=1) - (ends & with_end) > 0, WORDS["<NULL>"], captions)


def _greedy(
    model, features, max_length=30, *,
    first="<START>", project=True, carry=True, carry_cell=True, feed=True, pick="argmax",
):  # fmt: skip
    """Greedy decoding with torch in float64; the switches make known mistakes."""
    import torch

    step = TODOS[f"{model.cell_type}_step_forward"].expected_of
    p = {name: torch.tensor(a, dtype=torch.float64) for name, a in model.params.items()}
    h0 = torch.tensor(features, dtype=torch.float64) @ p["W_proj"] + p["b_proj"]
    h = h0 = h0 if project else 0 * h0
    c = torch.zeros_like(h)
    word = start = torch.full((len(features),), WORDS[first])
    captions = []
    for _ in range(max_length):
        x = p["W_embed"][word]
        if model.cell_type == "rnn":
            h = step(x, h, p["Wx"], p["Wh"], p["b"])
        else:
            h, c = step(x, h, c, p["Wx"], p["Wh"], p["b"])
        word = getattr(h @ p["W_vocab"] + p["b_vocab"], pick)(1)
        captions.append(word)
        word, h, c = word if feed else start, h if carry else h0, c if carry and carry_cell else 0 * c
    return torch.stack(captions, dim=1).numpy().astype(np.int32)


captioning_rnn_sample = Method(
    "captioning_rnn_sample",
    "cs231n.classifiers.rnn:CaptioningRNN.sample",
    run=_run_sample,
    needs=("rnn_step_forward",),
    beyond={
        "rnn with <END>": "Captions stop without <END>: decode_captions shows them without it, unlike the true ones, "
        "which have it.",
    },
    later={"lstm": LSTM[:1]},
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
def _(cell, max_length, features, with_end):
    return {"captions": _until_end(_greedy(_sample_model(cell, features.dtype), features, max_length), with_end)}


variants(
    captioning_rnn_sample,
    _greedy,
    {
        "<START> is read at every step: the word said is not fed back": {"feed": False},
        "the state is not carried on: every step starts from the image again": {"carry": False},
        "the LSTM's cell state is not carried on: every step starts from c = 0": {"carry_cell": False},
        "the first word read is <NULL> instead of <START>": {"first": "<NULL>"},
        "the features are not used: the first state is zero": {"project": False},
        "the least likely word is taken instead of the likeliest": {"pick": "argmin"},
    },
)


@captioning_rnn_sample.mistake("<START> is written as the first word; captions begin with the first word said")
def _(model, features, max_length=30):
    captions = _greedy(model, features, max_length)
    return np.concatenate((np.full_like(captions[:, :1], model._start), captions[:, :-1]), axis=1)
