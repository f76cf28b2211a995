"""Beam search: against all captions there are, against greedy decoding, and never below it."""

import itertools

import numpy as np
import pytest

from cs231n.checks.exercises.beam_search import END, START, language
from cs231n.classifiers.rnn import CaptioningRNN
from cs231n.decoding import beam_captions, beam_search, captioner_step


@pytest.fixture(params=["rnn", "lstm"])
def captioner(request):
    words = ["<NULL>", "<START>", "<END>", "<UNK>", *"abcdef"]
    np.random.seed(5)
    model = CaptioningRNN(
        {w: i for i, w in enumerate(words)},
        input_dim=7,
        wordvec_dim=6,
        hidden_dim=9,
        cell_type=request.param,
        dtype=np.float64,
    )
    for name in ("W_embed", "W_vocab"):
        model.params[name] = model.params[name] * 40  # strong opinions, so that captions differ
    return model, np.random.standard_normal((40, 7))


def log_probability(step, state, ids, start):
    score, word = 0.0, start
    for i in ids:
        log_probs, state = step(np.array([word]), state)
        score, word = score + log_probs[0, i], i
    return score


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_of_all_captions(seed):
    table, step, state = language(seed, 4)
    best = max(
        log_probability(step, state, ids, START)
        for n in range(1, 6)
        for ids in itertools.product(range(4), repeat=n)
        if END not in ids[:-1] and (ids[-1] == END or n == 5)
    )
    ids, score = beam_search(step, state, START, END, 4**5, 5)
    assert score == pytest.approx(best, abs=1e-12)
    assert log_probability(step, state, ids, START) == pytest.approx(score, abs=1e-12)


def test_width_one_is_greedy(captioner):
    model, features = captioner
    greedy = model.sample(features, max_length=12)
    beam, _ = beam_captions(model, features, width=1, max_length=12)
    np.testing.assert_array_equal(beam, greedy)


@pytest.mark.parametrize("width", [2, 3, 8])
def test_never_below_greedy_and_scores_are_the_models_own(captioner, width):
    model, features = captioner
    _, greedy = beam_captions(model, features, 1, 10)
    captions, scores = beam_captions(model, features, width, 10)
    assert (scores >= greedy).all() and (scores > greedy + 1e-6).any()
    for row, ids, score in zip(features, captions, scores):
        step, state = captioner_step(model, row)
        ids = ids[: list(ids).index(model._end) + 1] if model._end in ids else ids
        assert log_probability(step, state, ids, model._start) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(("width", "max_length"), [(0, 5), (3, 0), (-1, 5)])
def test_bad_sizes_are_refused(width, max_length):
    _, step, state = language(0, 4)
    with pytest.raises(ValueError, match="at least 1"):
        beam_search(step, state, START, END, width, max_length)
