"""Wrong answers to the two TODOs of CaptioningRNN."""

from . import wrong

wrong(
    "captioning_rnn_loss",
    "the mask is that of the words read, not of those to be said",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]

    mask = captions_in != self._null
    # forward
    h0, cache_proj = affine_forward(features, p["W_proj"], p["b_proj"])
    emb, cache_emb = word_embedding_forward(captions_in, p["W_embed"])
    h, cache_rnn = forward(emb, h0, p["Wx"], p["Wh"], p["b"])
    scores, cache_vocab = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, captions_out, mask)
    # backward
    grads = {}
    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, cache_vocab)
    demb, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cache_rnn)
    grads["W_embed"] = word_embedding_backward(demb, cache_emb)
    _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, cache_proj)
    return loss, grads
""",
    says="the mask is taken from captions_in",
)

wrong(
    "captioning_rnn_loss",
    "the padding counts, and the first state's gradient from above is taken for dh0",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]

    W_proj, b_proj = self.params["W_proj"], self.params["b_proj"]
    W_embed = self.params["W_embed"]
    W_vocab, b_vocab = self.params["W_vocab"], self.params["b_vocab"]
    N, T = captions_out.shape

    h_init = features.dot(W_proj) + b_proj
    x, embed_cache = word_embedding_forward(captions_in, W_embed)
    h, rnn_cache = forward(x, h_init, p["Wx"], p["Wh"], p["b"])
    out, vocab_cache = temporal_affine_forward(h, W_vocab, b_vocab)
    loss, dout = temporal_softmax_loss(out, captions_out, np.ones((N, T), dtype=bool))

    dh, dW_vocab, db_vocab = temporal_affine_backward(dout, vocab_cache)
    dx, dh0, dWx, dWh, db = backward(dh, rnn_cache)
    dW_embed = word_embedding_backward(dx, embed_cache)
    dh_init = dh[:, 0, :]
    dW_proj = features.T.dot(dh_init)
    db_proj = np.sum(dh_init, axis=0)
    grads = {"W_proj": dW_proj, "b_proj": db_proj, "W_embed": dW_embed, "Wx": dWx, "Wh": dWh, "b": db,
             "W_vocab": dW_vocab, "b_vocab": db_vocab}
    return loss, grads
""",
    faults=2,
    says=None,
)

wrong(
    "captioning_rnn_loss",
    "h0 passes a tanh whose slope is forgotten, and dWx and dWh are exchanged",
    """
def loss(self, features, captions):
    features, captions = self._checked_batch(features, captions)
    p = self.params
    captions_in, captions_out = captions[:, :-1], captions[:, 1:]
    forward, backward = {
        "rnn": (rnn_forward, rnn_backward),
        "lstm": (lstm_forward, lstm_backward),
    }[self.cell_type]

    grads = {}
    mask = captions_out != self._null
    a0, proj_cache = affine_forward(features, p["W_proj"], p["b_proj"])
    h0 = np.tanh(a0)          # so that it looks like any other hidden state
    words, word_cache = word_embedding_forward(captions_in, p["W_embed"])
    h, h_cache = forward(words, h0, p["Wx"], p["Wh"], p["b"])
    scores, vocab_cache = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
    loss, dscores = temporal_softmax_loss(scores, captions_out, mask)

    dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab_cache)
    dwords, dh0, grads["Wh"], grads["Wx"], grads["b"] = backward(dh, h_cache)
    grads["W_embed"] = word_embedding_backward(dwords, word_cache)
    _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj_cache)
    return loss, grads
""",
    faults=2,
    says="line 14: the call of tanh",
)

SAMPLE = """
def sample(self, features, max_length=30):
    features = self.checked_features(features)
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}; it must be at least 1")
    if self._start is None or self._end is None:
        raise ValueError("the vocabulary has no <START> or no <END>: without them a caption cannot begin or end")
    captions = np.full((len(features), max_length), self._null, dtype=np.int32)
    p = self.params
"""

wrong(
    "captioning_rnn_sample",
    "every step reads <START>, never the word just said",
    SAMPLE
    + """
    N = features.shape[0]
    h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
    c = np.zeros_like(h)
    start = self._start * np.ones(N, dtype=np.int32)
    for t in range(max_length):
        emb, _ = word_embedding_forward(start, p["W_embed"])
        if self.cell_type == "rnn":
            h, _ = rnn_step_forward(emb, h, p["Wx"], p["Wh"], p["b"])
        elif self.cell_type == "lstm":
            h, c, _ = lstm_step_forward(emb, h, c, p["Wx"], p["Wh"], p["b"])
        scores, _ = affine_forward(h, p["W_vocab"], p["b_vocab"])
        idx = np.argmax(scores, axis=1)
        captions[:, t] = idx
    return captions
""",
    says="<start> is read at every step",
)

wrong(
    "captioning_rnn_sample",
    "the LSTM's cell state is zero at every step, and <START> is written first",
    SAMPLE
    + """
    h = np.dot(features, p["W_proj"]) + p["b_proj"]
    N, H = h.shape
    captions[:, 0] = self._start
    for t in range(1, max_length):
        prev_word = captions[:, t - 1]
        x = p["W_embed"][prev_word]
        if self.cell_type == "rnn":
            h, _ = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])
        else:
            c = np.zeros((N, H), dtype=h.dtype)
            h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
        scores = np.dot(h, p["W_vocab"]) + p["b_vocab"]
        captions[:, t] = np.argmax(scores, axis=1)
    return captions
""",
    faults=2,
    says="<start> is written as the first word",
)
