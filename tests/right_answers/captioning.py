"""The captioner's loss and its captions."""

import numpy as np

from cs231n.layers import affine_backward, affine_forward, softmax_loss
from cs231n.rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)

from . import right

PARAMS = "W_embed", "W_proj", "b_proj", "Wx", "Wh", "b", "W_vocab", "b_vocab"


@right("captioning_rnn_loss", "layer by layer with temporal layers and a mask, if and elif for the cell")
def _(self, features, captions):
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    mask = captions_out != self._null
    W_proj, b_proj = self.params["W_proj"], self.params["b_proj"]
    W_embed = self.params["W_embed"]
    Wx, Wh, b = self.params["Wx"], self.params["Wh"], self.params["b"]
    W_vocab, b_vocab = self.params["W_vocab"], self.params["b_vocab"]
    loss, grads = 0.0, {}

    h0, cache_h0 = affine_forward(features, W_proj, b_proj)
    words, cache_words = word_embedding_forward(captions_in, W_embed)
    if self.cell_type == "rnn":
        h, cache_h = rnn_forward(words, h0, Wx, Wh, b)
    elif self.cell_type == "lstm":
        h, cache_h = lstm_forward(words, h0, Wx, Wh, b)
    scores, cache_scores = temporal_affine_forward(h, W_vocab, b_vocab)
    loss, dscores = temporal_softmax_loss(scores, captions_out, mask, verbose=False)

    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, cache_scores)
    if self.cell_type == "rnn":
        dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = rnn_backward(dh, cache_h)
    elif self.cell_type == "lstm":
        dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = lstm_backward(dh, cache_h)
    grads["W_embed"] = word_embedding_backward(dwords, cache_words)
    dfeatures, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, cache_h0)
    return loss, grads


def _numpy_softmax_loss(scores, words, mask):
    """Loss and dscores of flattened scores, by hand: the mask as numbers."""
    N, T, V = scores.shape
    flat, words, mask = scores.reshape(N * T, V), words.reshape(N * T), mask.reshape(N * T)
    probs = np.exp(flat - flat.max(axis=1, keepdims=True))
    sums = probs.sum(axis=1, keepdims=True)
    log_probs = flat - flat.max(axis=1, keepdims=True) - np.log(sums)
    loss = -np.sum(mask * log_probs[np.arange(N * T), words]) / N
    d = probs / sums
    d[np.arange(N * T), words] -= 1
    return loss, (d * (mask[:, None] / N)).reshape(N, T, V)


@right("captioning_rnn_loss", "products written out, softmax by hand with a mask of numbers", remark="float64")
def _(self, features, captions):
    p, grads = self.params, {}
    read, said = captions[:, :-1], captions[:, 1:]
    forward, backward = (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    h0 = features.dot(p["W_proj"]) + p["b_proj"]
    h, cache = forward(p["W_embed"][read], h0, p["Wx"], p["Wh"], p["b"])
    scores = h.dot(p["W_vocab"]) + p["b_vocab"]
    loss, dscores = _numpy_softmax_loss(scores, said, (said != self._null).astype(float))
    grads["W_vocab"] = np.einsum("nth,ntv->hv", h, dscores)
    grads["b_vocab"] = dscores.sum(axis=(0, 1))
    dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dscores.dot(p["W_vocab"].T), cache)
    grads["W_embed"] = np.zeros(p["W_embed"].shape)
    np.add.at(grads["W_embed"], read, dwords)
    grads["W_proj"], grads["b_proj"] = features.T.dot(dh0), dh0.sum(axis=0)
    return loss, grads


@right("captioning_rnn_loss", "functions in a dict, gradients named all at once, and more in grads than asked for")
def _(self, features, captions):
    layer = {"rnn": (rnn_forward, rnn_backward), "lstm": (lstm_forward, lstm_backward)}
    p, words_out = self.params, captions[:, 1:]
    h0, first = affine_forward(features, p["W_proj"], p["b_proj"])
    x, second = word_embedding_forward(captions[:, :-1], p["W_embed"])
    h, third = layer[self.cell_type][0](x, h0, *(p[name] for name in ("Wx", "Wh", "b")))
    scores, fourth = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, words_out, words_out != self._null)
    dh, dW_vocab, db_vocab = temporal_affine_backward(dscores, fourth)
    dx, dh0, dWx, dWh, db = layer[self.cell_type][1](dh, third)
    dW_embed = word_embedding_backward(dx, second)
    dfeatures, dW_proj, db_proj = affine_backward(dh0, first)
    grads = dict(zip(PARAMS, (dW_embed, dW_proj, db_proj, dWx, dWh, db, dW_vocab, db_vocab)))
    return float(loss), {**grads, "h0": dh0, "features": dfeatures}


@right("captioning_rnn_loss", "only the places that count are scored; the loss a 0-dim array")
def _(self, features, captions):
    said = captions[:, 1:]
    n, t = np.nonzero(said != self._null)

    class Layers:
        proj = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
        words = word_embedding_forward(captions[:, :-1], self.params["W_embed"])

    forward, backward = (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    h, cache = forward(Layers.words[0], Layers.proj[0], self.params["Wx"], self.params["Wh"], self.params["b"])
    scores, vocab = affine_forward(h[n, t], self.params["W_vocab"], self.params["b_vocab"])
    loss, dscores = softmax_loss(scores, said[n, t])
    share, dh, grads = len(n) / len(features), np.zeros_like(h), {}
    dh[n, t], grads["W_vocab"], grads["b_vocab"] = affine_backward(share * dscores, vocab)
    dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cache)
    grads["W_embed"] = word_embedding_backward(dx, Layers.words[1])
    grads["W_proj"], grads["b_proj"] = affine_backward(dh0, Layers.proj[1])[1:]
    return np.array(share * loss), grads


@right("captioning_rnn_loss", "a caption at a time, loss and gradients added up")
def _(self, features, captions):
    p, loss, grads = self.params, 0, {name: np.zeros_like(array) for name, array in self.params.items()}
    forward, backward = (rnn_forward, rnn_backward) if self.cell_type == "rnn" else (lstm_forward, lstm_backward)
    N = features.shape[0]
    for n in range(N):
        read, said = captions[n : n + 1, :-1], captions[n : n + 1, 1:]
        h0, proj = affine_forward(features[n : n + 1], p["W_proj"], p["b_proj"])
        words, embed = word_embedding_forward(read, p["W_embed"])
        h, cell = forward(words, h0, p["Wx"], p["Wh"], p["b"])
        scores, vocab = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
        loss_n, dscores = temporal_softmax_loss(scores, said, said != self._null)
        dh, dW_vocab, db_vocab = temporal_affine_backward(dscores / N, vocab)
        dwords, dh0, dWx, dWh, db = backward(dh, cell)
        _, dW_proj, db_proj = affine_backward(dh0, proj)
        parts = word_embedding_backward(dwords, embed), dW_proj, db_proj, dWx, dWh, db, dW_vocab, db_vocab
        loss += loss_n / N
        for name, part in zip(PARAMS, parts):
            grads[name] += part
    return loss, grads


# Sampling ---------------------------------------------------------------------------------------------------


@right("captioning_rnn_sample", "words as a column (N, 1), affine_forward, if and elif for the cell")
def _(self, features, max_length=30):
    N = features.shape[0]
    captions = self._null * np.ones((N, max_length), dtype=np.int32)
    W_embed, Wx, Wh, b = (self.params[name] for name in ("W_embed", "Wx", "Wh", "b"))
    prev_h, _ = affine_forward(features, self.params["W_proj"], self.params["b_proj"])
    prev_c = np.zeros(prev_h.shape)
    word = self._start * np.ones((N, 1), dtype=np.int32)
    for t in range(max_length):
        embedded, _ = word_embedding_forward(word, W_embed)
        x = np.squeeze(embedded, axis=1)
        if self.cell_type == "rnn":
            next_h, _ = rnn_step_forward(x, prev_h, Wx, Wh, b)
        elif self.cell_type == "lstm":
            next_h, next_c, _ = lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
            prev_c = next_c
        scores, _ = affine_forward(next_h, self.params["W_vocab"], self.params["b_vocab"])
        captions[:, t] = np.argmax(scores, axis=1)
        word, prev_h = captions[:, t].reshape(N, 1), next_h
    return captions


@right("captioning_rnn_sample", "whole layers on sequences of one word, temporal_affine_forward; the cell by rows")
def _(self, features, max_length=30):
    p = self.params
    h = features @ p["W_proj"] + p["b_proj"]
    c, said = np.zeros_like(h), []
    word = np.full((len(features), 1), self._start)
    while len(said) < max_length:
        x, _ = word_embedding_forward(word, p["W_embed"])
        if self.cell_type == "rnn":
            states, _ = rnn_forward(x, h, p["Wx"], p["Wh"], p["b"])
            h = states[:, 0]
        else:
            h, c, _ = lstm_step_forward(x[:, 0], h, c, p["Wx"], p["Wh"], p["b"])
        scores, _ = temporal_affine_forward(h[:, None, :], p["W_vocab"], p["b_vocab"])
        word = scores.argmax(axis=2)
        said.append(word)
    return np.hstack(said)


@right("captioning_rnn_sample", "an image at a time, which stops when it has said <END>")
def _(self, features, max_length=30):
    p = self.params
    captions = np.full((features.shape[0], max_length), self._null, dtype=np.int32)
    for n, feature in enumerate(features):
        h = feature[None] @ p["W_proj"] + p["b_proj"]
        c, word = np.zeros_like(h), self._start
        for t in range(max_length):
            x = p["W_embed"][[word]]
            if self.cell_type == "lstm":
                h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
            else:
                h = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])[0]
            word = int((h @ p["W_vocab"] + p["b_vocab"]).argmax())
            captions[n, t] = word
            if word == self._end:
                break
    return captions


@right("captioning_rnn_sample", "a mask of rows that go on, and <END> is not written", remark="without it")
def _(self, features, max_length=30):
    p = self.params
    captions = np.full((len(features), max_length), self._null)
    h = affine_forward(features, p["W_proj"], p["b_proj"])[0]
    c, word, ended = 0 * h, [self._start] * len(features), np.zeros(len(features), dtype=bool)
    for t in range(max_length):
        if self.cell_type == "rnn":
            h, _ = rnn_step_forward(p["W_embed"][word], h, p["Wx"], p["Wh"], p["b"])
        else:
            h, c, _ = lstm_step_forward(p["W_embed"][word], h, c, p["Wx"], p["Wh"], p["b"])
        word = np.argmax(h.dot(p["W_vocab"]) + p["b_vocab"], axis=1)
        ended |= word == self._end
        captions[:, t] = np.where(ended, self._null, word)
        if ended.all():
            break
    return captions


@right("captioning_rnn_sample", "a step within as a function, probabilities, captions as float numbers of words")
def _(self, features, max_length=30):
    p, state = self.params, {}
    state["h"] = features @ p["W_proj"] + p["b_proj"]
    state["c"] = np.zeros_like(state["h"])

    def say(words):
        x = p["W_embed"][words.astype(int)]
        if self.cell_type == "rnn":
            state["h"], _ = rnn_step_forward(x, state["h"], p["Wx"], p["Wh"], p["b"])
        else:
            state["h"], state["c"], _ = lstm_step_forward(x, state["h"], state["c"], p["Wx"], p["Wh"], p["b"])
        scores = np.exp(state["h"] @ p["W_vocab"] + p["b_vocab"])
        return np.argmax(scores / scores.sum(axis=1, keepdims=True), axis=1)

    captions = np.zeros((len(features), max_length))
    captions[:, 0] = say(np.full(len(features), self._start))
    for t in range(1, max_length):
        captions[:, t] = say(captions[:, t - 1])
    return captions
