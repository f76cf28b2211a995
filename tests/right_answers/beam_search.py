"""Beam search: lists of captions, heaps, the best of a row by numpy."""

import heapq

import numpy as np

from . import right


@right("beam_search", "a list of tuples, one caption at a time")
def _(step, state, start, end, width, max_length):
    beams = [(0.0, [start], state)]
    done = []
    for _ in range(max_length):
        candidates = []
        for score, ids, s in beams:
            log_probs, new_state = step(np.array([ids[-1]]), s)
            for w in range(log_probs.shape[1]):
                candidates.append((score + log_probs[0, w], ids + [w], new_state))
        candidates.sort(key=lambda c: c[0], reverse=True)
        beams = []
        for candidate in candidates[:width]:
            (done if candidate[1][-1] == end else beams).append(candidate)
        if not beams:
            break
    score, ids, _ = max(done + beams, key=lambda c: c[0])
    return np.array(ids[1:]), float(score)


@right("beam_search", "heapq.nlargest, the words of each caption by argpartition, a list of ids")
def _(step, state, start, end, width, max_length):
    alive, best = [(0.0, (), state)], (-np.inf, ())
    for _ in range(max_length):
        grown = []
        for score, ids, s in alive:
            log_probs, s = step(np.array([ids[-1] if ids else start]), s)
            log_probs = log_probs[0]
            k = min(width, len(log_probs))
            for w in np.argpartition(-log_probs, k - 1)[:k]:
                grown.append((score + log_probs[w], (*ids, int(w)), s))
        alive = heapq.nlargest(width, grown, key=lambda g: g[0])
        best = max([best, *((g[0], g[1]) for g in alive if g[1][-1] == end)], key=lambda b: b[0])
        alive = [g for g in alive if g[1][-1] != end]
    best = max([best, *((g[0], g[1]) for g in alive)], key=lambda b: b[0])
    return list(best[1]), best[0]


@right("beam_search", "all captions side by side, ended ones kept as minus infinity")
def _(step, state, start, end, width, max_length):
    words, scores, ids = np.array([start]), np.zeros(1), [[]]
    best_score, best_ids = -np.inf, []
    for t in range(max_length):
        log_probs, state = step(words, state)
        V = log_probs.shape[1]
        total = (scores[:, None] + log_probs).reshape(-1)
        top = np.argsort(total)[::-1][:width]
        rows, words, scores = top // V, top % V, total[top]
        ids = [[*ids[r], w] for r, w in zip(rows, words)]
        state = tuple(part[rows] for part in state)
        for k in range(len(top)):
            if (words[k] == end or t == max_length - 1) and scores[k] > best_score:
                best_score, best_ids = scores[k], ids[k]
        keep = [k for k in range(len(top)) if words[k] != end]
        words, scores, ids = words[keep], scores[keep], [ids[k] for k in keep]
        state = tuple(part[keep] for part in state)
        if not keep:
            break
    return np.array(best_ids, dtype=np.int32), best_score
