"""Wrong answers to the two TODOs of CaptioningRNN, written without a look at the checks."""

from . import wrong

wrong(
    "captioning_rnn_loss",
    "<END> is masked out of the loss like <NULL>, though it is a word to be said",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]

    mask = (captions_out != self._null) & (captions_out != self._end)

    h_init, c1 = affine_forward(features, p["W_proj"], p["b_proj"])
    vectors, c2 = word_embedding_forward(captions_in, p["W_embed"])
    hidden, c3 = forward(vectors, h_init, p["Wx"], p["Wh"], p["b"])
    out, c4 = temporal_affine_forward(hidden, p["W_vocab"], p["b_vocab"])
    loss, dout = temporal_softmax_loss(out, captions_out, mask)

    grads = {}
    dhidden, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dout, c4)
    dvectors, dh_init, grads["Wx"], grads["Wh"], grads["b"] = backward(dhidden, c3)
    grads["W_embed"] = word_embedding_backward(dvectors, c2)
    dfeatures, grads["W_proj"], grads["b_proj"] = affine_backward(dh_init, c1)
    return loss, grads
""",
    faults=1,
    says="line 11 makes this right: what stands behind the operator",
)

wrong(
    "captioning_rnn_loss",
    "the loss is divided by the number of words, not of captions; the gradient of W_embed is put at the words to be "
    "said (captions_out), not at those read",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]

    N, T = captions_in.shape
    h0 = features.dot(p["W_proj"]) + p["b_proj"]
    emb = p["W_embed"][captions_in]
    h, rnn_cache = forward(emb, h0, p["Wx"], p["Wh"], p["b"])
    scores = h.dot(p["W_vocab"]) + p["b_vocab"]

    # softmax by hand
    mask = (captions_out != self._null).astype(scores.dtype)
    exps = np.exp(scores - scores.max(axis=2, keepdims=True))
    probs = exps / exps.sum(axis=2, keepdims=True)
    n_idx, t_idx = np.arange(N)[:, None], np.arange(T)[None, :]
    norm = mask.sum()
    loss = -(mask * np.log(probs[n_idx, t_idx, captions_out])).sum() / norm
    dscores = probs.copy()
    dscores[n_idx, t_idx, captions_out] -= 1
    dscores *= mask[:, :, None] / norm

    grads = {}
    grads["W_vocab"] = np.einsum("nth,ntv->hv", h, dscores)
    grads["b_vocab"] = dscores.sum(axis=(0, 1))
    dh = dscores.dot(p["W_vocab"].T)
    demb, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, rnn_cache)
    grads["W_embed"] = np.zeros_like(p["W_embed"])
    np.add.at(grads["W_embed"], captions_out, demb)
    grads["W_proj"] = features.T.dot(dh0)
    grads["b_proj"] = dh0.sum(axis=0)
    return loss, grads
""",
    faults=2,
    says="look at line 26: the name norm",
)

wrong(
    "captioning_rnn_sample",
    "<START> is written as the first word of the caption, so every word stands one step late and the last is not said",
    """
def sample(self, features, max_length=30):
    features = self.checked_features(features)
    captions = np.full((len(features), max_length), self._null, dtype=np.int32)
    p = self.params

    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    c = np.zeros_like(h)
    captions[:, 0] = self._start
    for t in range(1, max_length):
        x, _ = word_embedding_forward(captions[:, t - 1], p["W_embed"])
        if self.cell_type == "lstm":
            h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
        else:
            h, _ = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])
        vocab_scores, _ = affine_forward(h, p["W_vocab"], p["b_vocab"])
        captions[:, t] = np.argmax(vocab_scores, axis=1)
    return captions
""",
    faults=1,
    says="<start> is written as the first word; captions begin with the",
)

wrong(
    "captioning_rnn_sample",
    "at t = 0 captions[:, t - 1] is the last column, <NULL>, so the first word is not <START>; the LSTM's cell state "
    "is set to zero anew at every step",
    """
def sample(self, features, max_length=30):
    features = self.checked_features(features)
    captions = np.full((len(features), max_length), self._null, dtype=np.int32)
    p = self.params

    W_embed, W_vocab, b_vocab = p["W_embed"], p["W_vocab"], p["b_vocab"]
    Wx, Wh, b = p["Wx"], p["Wh"], p["b"]
    prev_h = np.dot(features, p["W_proj"]) + p["b_proj"]
    for t in range(max_length):
        prev_word = captions[:, t - 1]
        word_vec = W_embed[prev_word]
        if self.cell_type == "rnn":
            next_h, _ = rnn_step_forward(word_vec, prev_h, Wx, Wh, b)
        else:
            prev_c = np.zeros(prev_h.shape, dtype=prev_h.dtype)
            next_h, prev_c, _ = lstm_step_forward(word_vec, prev_h, prev_c, Wx, Wh, b)
        scores = np.dot(next_h, W_vocab) + b_vocab
        captions[:, t] = scores.argmax(axis=1)
        prev_h = next_h
    return captions
""",
    faults=2,
    says="the first word read is <null> instead of <start>",
)
