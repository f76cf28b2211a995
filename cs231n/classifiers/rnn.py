"""CaptioningRNN: an image's features start a recurrent network that writes its caption word by word."""

import numpy as np

from ..layers import affine_backward, affine_forward, softmax_loss
from ..rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_affine_backward,  # noqa: F401  for answers that score every place and mask afterwards
    temporal_affine_forward,  # noqa: F401
    temporal_softmax_loss,  # noqa: F401
    word_embedding_backward,
    word_embedding_forward,
)


class CaptioningRNN:
    """A captioner of image features, with a vanilla RNN or an LSTM inside (Vinyals et al. 2015).

    word_to_idx: dict word -> id with <NULL> (and <START> and <END>, to sample); input_dim D of the features,
    wordvec_dim W, hidden_dim H, cell_type 'rnn' or 'lstm', dtype float32 (training) or float64 (gradient checks).
    `params` maps each name to its array; `idx_to_word` is the dict back from ids to words.
    It raises ValueError or TypeError, which say what fits, for a vocabulary or a batch that does not.
    """

    def __init__(
        self, word_to_idx, input_dim=512, wordvec_dim=128, hidden_dim=128, cell_type="rnn", dtype=np.float32
    ):
        if cell_type not in {"rnn", "lstm"}:
            raise ValueError(f"cell_type is {cell_type!r}; it must be 'rnn' or 'lstm'")
        if "<NULL>" not in word_to_idx:
            raise ValueError("the vocabulary has no <NULL>: captions are padded with it, and it earns no loss")
        self.cell_type, self.dtype = cell_type, dtype
        self.word_to_idx = word_to_idx
        self.idx_to_word = {i: word for word, i in word_to_idx.items()}
        self._null = word_to_idx["<NULL>"]
        self._start, self._end = word_to_idx.get("<START>"), word_to_idx.get("<END>")

        V, D, W, H = len(word_to_idx), input_dim, wordvec_dim, hidden_dim
        gates = {"rnn": 1, "lstm": 4}[cell_type]
        self.params = {
            "W_embed": np.random.randn(V, W) / 100,
            "W_proj": np.random.randn(D, H) / np.sqrt(D),
            "b_proj": np.zeros(H),
            "Wx": np.random.randn(W, gates * H) / np.sqrt(W),
            "Wh": np.random.randn(H, gates * H) / np.sqrt(H),
            "b": np.zeros(gates * H),
            "W_vocab": np.random.randn(H, V) / np.sqrt(H),
            "b_vocab": np.zeros(V),
        }
        self.params = {name: array.astype(dtype) for name, array in self.params.items()}

    def loss(self, features, captions):
        """Training loss of a batch and its gradients.

        features (N, D), captions (N, T + 1) word ids `<START> w .. <END> <NULL> ..` -> loss, the cross-entropy
        of every word but <NULL>, summed over time and divided by N; grads, a dict with the keys of self.params.
        """
        features, captions = self._checked_batch(features, captions)
        p = self.params
        # The network reads captions_in and shall say captions_out: the same words, one step later.
        captions_in, captions_out = captions[:, :-1], captions[:, 1:]
        forward, backward = {
            "rnn": (rnn_forward, rnn_backward),
            "lstm": (lstm_forward, lstm_backward),
        }[self.cell_type]
        # TODO(captioning_rnn_loss): forward: features -> h0 (affine), words -> vectors, `forward` over time,
        # states -> scores of the vocabulary, softmax loss where captions_out is not <NULL>. Then back through
        # each of them in the opposite order. Set loss, and grads with one entry for each parameter.
        ### BEGIN SOLUTION captioning_rnn_loss
        h0, proj_cache = affine_forward(features, p["W_proj"], p["b_proj"])  # (N, H)
        words, embed_cache = word_embedding_forward(captions_in, p["W_embed"])  # (N, T, W)
        h, cell_cache = forward(words, h0, p["Wx"], p["Wh"], p["b"])  # (N, T, H)
        asked = captions_out != self._null  # (N, T): the M places where a word is asked for
        scores, vocab_cache = affine_forward(h[asked], p["W_vocab"], p["b_vocab"])  # (M, V)
        loss, dscores = softmax_loss(scores, captions_out[asked])
        words_per_image = len(scores) / len(captions)  # softmax_loss is a mean over the M words
        loss, dscores = loss * words_per_image, dscores * words_per_image

        grads, dh = {}, np.zeros_like(h)
        dh[asked], grads["W_vocab"], grads["b_vocab"] = affine_backward(dscores, vocab_cache)
        dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cell_cache)
        grads["W_embed"] = word_embedding_backward(dwords, embed_cache)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, proj_cache)
        ### END SOLUTION
        return loss, grads

    def sample(self, features, max_length=30):
        """Greedy captions: at each step the likeliest word, fed back as the next input.

        features (N, D) -> int32 ids (N, max_length) without <START>; what follows <END> has no meaning.
        """
        features = self.checked_features(features)
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; it must be at least 1")
        if self._start is None or self._end is None:
            raise ValueError("the vocabulary has no <START> or no <END>: without them a caption cannot begin or end")
        captions = np.full((len(features), max_length), self._null, dtype=np.int32)
        p = self.params
        # TODO(captioning_rnn_sample): h from the features (and, for an LSTM, c = 0); the first word is <START>.
        # Then max_length times: embed the word, one step of the cell, score the vocabulary, take the argmax,
        # write it into captions[:, t]. You may go on after <END>: decode_captions stops there.
        ### BEGIN SOLUTION captioning_rnn_sample
        h = features @ p["W_proj"] + p["b_proj"]  # (N, H)
        c = np.zeros_like(h)
        word = np.full(len(features), self._start)
        going = np.arange(len(features))  # rows still without <END>; the others leave the batch
        for t in range(max_length):
            x = p["W_embed"][word]
            if self.cell_type == "rnn":
                h, _ = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])
            else:
                h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
            word = (h @ p["W_vocab"] + p["b_vocab"]).argmax(axis=1)
            captions[going, t] = word
            on = word != self._end
            going, word, h, c = going[on], word[on], h[on], c[on]
            if not len(going):
                break
        ### END SOLUTION
        return captions

    def checked_features(self, features):
        """Features (N, D) in the model's dtype; ValueError for another shape or none."""
        features = np.asarray(features)
        D = self.params["W_proj"].shape[0]
        if features.ndim != 2 or features.shape[1] != D:
            raise ValueError(f"features have shape {features.shape}; this model takes (N, {D})")
        if not len(features):
            raise ValueError("the batch is empty: features has no rows")
        return features.astype(self.dtype, copy=False)  # one float64 array would drag all others along

    def _checked_batch(self, features, captions):
        features, captions = self.checked_features(features), np.asarray(captions)
        V = self.params["W_embed"].shape[0]
        if captions.ndim != 2 or len(captions) != len(features) or captions.shape[1] < 2:
            raise ValueError(f"captions have shape {captions.shape}; these features need ({len(features)}, T + 1)")
        if not np.issubdtype(captions.dtype, np.integer):
            raise TypeError(f"captions are {captions.dtype}; word ids are integers")
        if captions.min() < 0 or captions.max() >= V:
            wrong = captions.min() if captions.min() < 0 else captions.max()
            raise ValueError(f"caption id {wrong} is not in 0..{V - 1}: captions and vocabulary do not match")
        if (captions[:, 1:] == self._null).all():
            raise ValueError("every caption is empty: there is no word to learn from")
        return features, captions
