"""Beam search, in a made-up language whose every caption can be scored by plain Python."""

import numpy as np

from ..authoring.inputs import random_arrays
from ..authoring.variants import variants
from ..todo import Method, Wrong

START, END = 1, 2


def language(seed, V):
    """step and state of a made-up language: the next word's log-probabilities follow from the last two words."""
    (table,) = random_arrays(seed, np.float64, (V, V, V))
    table = 1.5 * table
    table -= np.log(np.exp(table).sum(axis=-1, keepdims=True))

    def step(words, state):
        return table[state[0], words], (np.array(words),)

    return table, step, (np.zeros(1, dtype=int),)


def _beam_cases():
    return {
        "width 1, greedy": (121, 6, 1, 8),
        "width 3": (398, 6, 3, 8),
        "wide enough for every caption": (123, 4, 300, 4),
        "cut off before any caption ends": (124, 7, 2, 1),
        "width 2, longer": (390, 8, 2, 12),
        "width 3, early ends": (454, 6, 3, 10),
    }


def _run_beam(function, seed, V, width, max_length):
    _, step, state = language(seed, V)
    got = function(step, state, START, END, width, max_length)
    several = isinstance(got, (tuple, list))
    if not several or len(got) != 2:
        kind = "None" if got is None else f"{len(got)}" if several else f"one {type(got).__name__}"
        raise Wrong(f"beam_search must return two things, the ids and their log-probability; it returned {kind}")
    ids = np.asarray(got[0])
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise Wrong(f"the ids must be one row of whole numbers; they are {ids.dtype} of shape {ids.shape}")
    if np.ndim(got[1]) or np.asarray(got[1]).dtype.kind not in "fi":
        raise Wrong(f"the log-probability must be one number, not a {type(got[1]).__name__}")
    padded = np.full(max_length + 1, -1.0)
    padded[: len(ids)] = ids[: max_length + 1]
    return {"ids": padded, "log-probability": float(got[1])}


beam_search = Method(
    "beam_search",
    "cs231n.decoding:beam_search",
    run=_run_beam,
    notebook="extras",
    minutes=25,
    cases=_beam_cases,
    outputs=("ids", "log-probability"),
    hints=(
        "Keep four things side by side, a row for each unfinished caption: its last word, its score so far, its ids, "
        "and its rows of the state. After each step, choose rows of all four with the same indices.",
        "scores[:, None] + log_probs holds the score of every caption grown by every word. The flat index of an entry "
        "divided by V is the caption it came from, the rest is the word: np.divmod.",
        "Take np.argsort(-grown, axis=None)[:width]; captions whose new word is end go to a list of finished ones, the "
        "others stay. At the end the best of finished and unfinished ones wins. No division by the length here.",
    ),
)


@beam_search.oracle
def _(seed, V, width, max_length):
    """Plain Python, one caption at a time, without the early stop."""
    table, *_ = language(seed, V)
    beam, finished = [((), 0.0)], []
    for _ in range(max_length):
        grown = [((*ids, w), score + table[(0, START, *ids)[-2:]][w]) for ids, score in beam for w in range(V)]
        grown = sorted(grown, key=lambda item: -item[1])[:width]
        finished += [item for item in grown if item[0][-1] == END]
        beam = [item for item in grown if item[0][-1] != END]
    ids, score = max([*finished, *beam], key=lambda item: item[1])
    return {"ids": np.array([*ids, *[-1] * (max_length + 1 - len(ids))], dtype=float), "log-probability": score}


def _beam(step, state, start, end, width, max_length, slip=""):
    """beam_search with one thing wrong."""
    beam, finished, rest = [((), 0.0, tuple(a[0] for a in state))], [], width
    for _ in range(max_length):
        grown = []
        for ids, score, rows in beam:
            log_probs, new = step(np.array([ids[-1] if ids else start]), tuple(a[None] for a in rows))
            kept = rows if slip == "old state" else tuple(a[0] for a in new)
            grown += [
                ((*ids, w), (0 if slip == "last word" else score) + (np.exp(p) if slip == "probabilities" else p), kept)
                for w, p in enumerate(log_probs[0])
            ]
        grown.sort(key=lambda item: item[1] if slip == "worst" else -item[1])
        grown = grown[:rest]
        if slip == "state rows":  # row i of the new state belongs to row i of the old beam
            after = [
                step(np.array([ids[-1] if ids else start]), tuple(a[None] for a in rows))[1] for ids, _, rows in beam
            ]
            grown = [
                (ids, score, tuple(a[0] for a in after[i % len(after)])) for i, (ids, score, _) in enumerate(grown)
            ]
        ended = [item for item in grown if item[0][-1] == end and slip != "goes on"]
        finished += ended
        beam = grown if slip == "goes on" else [item for item in grown if item[0][-1] != end]
        rest -= len(ended) if slip == "narrower" else 0
        if not beam or (slip == "first end" and ended):
            break
    pool = (beam or finished) if slip == "unfinished" else finished + beam
    ids, score, _ = max(pool, key=lambda item: item[1] / (len(item[0]) if slip == "length" else 1))
    return np.array([start, *ids] if slip == "start" else ids), float(score)


variants(
    beam_search,
    _beam,
    {
        "probabilities are added up: it is their logarithms that add": {"slip": "probabilities"},
        "each step looks at the last word's log-probability alone, not at the whole caption's": {"slip": "last word"},
        "the least likely captions are kept: argsort puts the smallest first": {"slip": "worst"},
        "the state is not handed on: every step begins from the first one": {"slip": "old state"},
        "the state's rows are not chosen along with the captions: each caption goes on from another's state": {
            "slip": "state rows",
        },
        "it stops at the first caption that ends, though another may still win": {"slip": "first end"},
        "captions that have ended stay in the beam and grow on behind <END>": {"slip": "goes on"},
        "the finished captions are forgotten, and an unfinished one wins": {"slip": "unfinished"},
        "the score is divided by the length: that compares something else than log-probabilities": {"slip": "length"},
        "<START> is part of the caption": {"slip": "start"},
        "the beam gets narrower with each caption that ends: `width` unfinished ones are to be kept": {
            "slip": "narrower",
        },
        "it is greedy: the beam never holds more than one caption": (
            lambda step, state, start, end, width, max_length: _beam(step, state, start, end, 1, max_length)
        ),
    },
)
