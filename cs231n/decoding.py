"""Decoding: from a network that says how likely each next word is, to a whole caption."""

import numpy as np

from .rnn_layers import lstm_step_forward, rnn_step_forward


def beam_search(step, state, start, end, width, max_length):
    """The likeliest caption that a beam of `width` unfinished captions finds: its ids (T,), and its log-probability.

    step(words (B,), state) -> log_probs (B, V) of the next word, and the next state; a state is a tuple of arrays with
    a row for each caption, (1, ...) at first. start, end: ids of <START> and <END>.
    The ids are without <START>, and end with <END> unless they were cut off at max_length. Width 1 is greedy decoding.
    Raises ValueError for a width or a max_length under 1. Source: Sutskever, Vinyals, Le 2014, Sequence to Sequence
    Learning with Neural Networks, https://arxiv.org/abs/1409.3215, section 3.2.
    """
    if width < 1 or max_length < 1:
        raise ValueError(f"width is {width} and max_length {max_length}; both must be at least 1")
    # TODO(beam_search): grow B captions by all V words; of these B*V keep the `width` likeliest. Those that end are
    # finished and leave the beam, with their rows of the state. Stop once no caption in it can still win.
    ### BEGIN SOLUTION beam_search
    words, scores, captions, finished = np.array([start]), np.zeros(1), np.empty((1, 0), dtype=int), []
    for _ in range(max_length):
        log_probs, state = step(words, state)
        grown = scores[:, None] + log_probs  # (B, V)
        best = np.argsort(-grown, axis=None, kind="stable")[:width]
        rows, words = np.divmod(best, grown.shape[1])
        scores, captions = grown.ravel()[best], np.column_stack([captions[rows], words])
        finished += [(scores[i], captions[i]) for i in np.flatnonzero(words == end)]
        on = words != end
        words, scores, captions = words[on], scores[on], captions[on]
        state = tuple(array[rows[on]] for array in state)
        # A caption only gets less likely as it grows.
        if not on.any() or (finished and max(finished, key=lambda f: f[0])[0] >= scores[0]):
            break
    score, caption = max([*finished, *zip(scores, captions)], key=lambda f: f[0])
    return caption, float(score)
    ### END SOLUTION


def captioner_step(model, features):
    """A trained CaptioningRNN as beam_search wants it: step, and the state of one image's features (D,)."""
    p = model.params
    h0 = model.checked_features(np.atleast_2d(features)) @ p["W_proj"] + p["b_proj"]  # (1, H)

    def step(words, state):
        x = p["W_embed"][words]
        if model.cell_type == "rnn":
            state = rnn_step_forward(x, *state, p["Wx"], p["Wh"], p["b"])[:1]
        else:
            state = lstm_step_forward(x, *state, p["Wx"], p["Wh"], p["b"])[:2]
        scores = (state[0] @ p["W_vocab"] + p["b_vocab"]).astype(np.float64)  # (B, V)
        scores -= scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), state

    return step, (h0,) if model.cell_type == "rnn" else (h0, np.zeros_like(h0))


def beam_captions(model, features, width=3, max_length=16):
    """Captions of images (N, D) by beam search: int32 ids (N, max_length), as model.sample gives them, and scores (N,).

    A narrow beam may lose the greedy caption early on and end below it; then the greedy one is taken. So no score is
    ever below that of width 1.
    """
    captions = np.full((len(features), max_length), model._null, dtype=np.int32)
    scores = np.empty(len(features))
    for i, row in enumerate(features):
        step, state = captioner_step(model, row)
        found = [beam_search(step, state, model._start, model._end, w, max_length) for w in {1, width}]
        ids, scores[i] = max(found, key=lambda f: f[1])
        captions[i, : len(ids)] = ids
    return captions, scores
