"""Which outputs are right and which are not, and where: in which cases, from which step on."""

import numpy as np

from ..compare import close, numbers_of

LONGEST = 32  # places along an axis of which it is said where they are right; pixels in rows are too many


def verdicts(bench, right):
    """{name of an output: whether it is right in every case}."""
    names = dict.fromkeys(name for outputs in bench.expected.values() for name in outputs)
    return {name: all((label, name) in right for label in _labels(bench, name)) for name in names}


def _labels(bench, name):
    return [label for label, outputs in bench.expected.items() if name in outputs]


def sentences(bench, right, seen):
    """What is to be said of the outputs: which are right, and where the others are not."""
    found = verdicts(bench, right)
    good, bad = ([name for name, fine in found.items() if fine is want] for want in (True, False))
    if any(s.error for label, s in seen.items() if label in bench.cases) or not bad:
        good = []
    if good:
        yield f"{_list(good)} {_are(good)} right; {_list(bad)} {_are(bad)} not."
    wrong = {name: [label for label in _labels(bench, name) if (label, name) not in right] for name in bad}
    few = {tuple(labels) for name, labels in wrong.items() if len(labels) <= len(_labels(bench, name)) / 2}
    if len(few) == 1 and len(wrong) == len([1 for labels in wrong.values() if tuple(labels) in few]):
        (labels,) = few
        yield f"It is wrong only on {_list([repr(label) for label in labels])}."
    for name in bad:
        place = _place(name, wrong[name], bench, seen)
        if place:
            yield place
            break


def _place(name, labels, bench, seen):
    """A sentence on where along an axis an output is right and where it is not, if that is so in every wrong case."""
    told = None
    for label in labels:
        got, want = numbers_of(seen[label].outputs.get(name)), np.asarray(bench.expected[label][name])
        if got is None or got.shape != want.shape or not want.ndim:
            return None
        here = list(_along_axes(got, want))
        told = here if told is None else [sentence for sentence in told if sentence in here]
    return f"{name} is {told[0]}." if told else None


def _along_axes(got, want):
    for axis, size in enumerate(want.shape):
        if not 3 <= size <= LONGEST:
            continue
        fine = [close(np.take(got, k, axis), np.take(want, k, axis)) for k in range(size)]
        if fine[0] and not any(fine[1:]):
            yield f"right at the first place of axis {axis} only"
        elif fine[-1] and not any(fine[:-1]):
            yield f"right at the last place of axis {axis} only"
        elif not fine[0] and all(fine[1:]):
            yield f"wrong at the first place of axis {axis} only"
        elif not fine[-1] and all(fine[:-1]):
            yield f"wrong at the last place of axis {axis} only"


def _list(names):
    names = list(names)
    names = names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _are(names):
    return "is" if len(names) == 1 else "are"
