"""How a wrong output relates to the right one: a factor, exchanged axes or blocks, a shift, another output there.

Each relation yields the sentences that hold in one case; what is said holds in every case and for every element.
"""

import itertools

import numpy as np

from ..compare import close

LETTERS = {  # the axes of arguments, by their names and numbers of axes, in the letters of the docstrings
    "x": {2: "ND", 3: "NTD", 4: "NCHW"}, "prev_h": {2: "NH"}, "h0": {2: "NH"}, "prev_c": {2: "NH"}, "W": {2: "VD"},
    "features": {2: "ND", 4: "NCHW"}, "captions": {2: "NT"}, "X": {4: "NCHW"}, "content_current": {4: "NCHW"},
    "img": {4: "NCHW"}, "input": {1: "N", 2: "N1"}, "logits_real": {1: "N", 2: "N1"}, "scores_real": {1: "N", 2: "N1"},
    "logits_fake": {1: "N", 2: "N1"}, "scores_fake": {1: "N", 2: "N1"}, "s": {2: "NC"}, "rows": {2: "MD"},
    "query": {3: "NTE"}, "tgt": {3: "NTE"}, "x0": {2: "ND", 4: "NCHW"}, "real": {2: "ND", 4: "NCHW"},
}  # fmt: skip
NUMBERS = {
    -1: "minus the right one",
    2: "twice the right one",
    0.5: "half the right one",
    -2: "minus twice the right one",
}
SHAPE = "the right one in another shape"
RESHAPED = "made of the right numbers, reshaped where axes must be exchanged (transpose, swapaxes, permute)"
FUNCTIONS = {
    "the absolute value of": np.abs, "the square of": np.square, "the tanh of": np.tanh, "the exponential of": np.exp,
    "the sigmoid of": lambda a: 1 / (1 + np.exp(-a)), "1 minus": lambda a: 1 - a, "the inverse of": lambda a: 1 / a,
    "the root of": lambda a: np.sqrt(np.where(a >= 0, a, np.nan)), "the sign of": np.sign,
    "the softmax over the last axis of": lambda a: np.exp(a - a.max()) / np.exp(a - a.max()).sum(-1, keepdims=True),
    "the positive part of": lambda a: np.maximum(a, 0),
}  # fmt: skip


def relation(name, cases):
    """A sentence on how the output called name relates to the right one, or None.

    cases: for each case (outputs, expected outputs, arguments by name), dicts of arrays.
    """
    try:
        return _relation(name, cases)
    except Exception:  # numbers of a strange form relate to nothing
        return None


def _relation(name, cases):
    told, off = None, False
    for outputs, expected, inputs in cases:
        got, want = (np.asarray(found[name]) for found in (outputs, expected))
        if not np.isfinite(got).all() or got.dtype.kind not in "fiub":
            return None
        if want.dtype.kind != "f" and not want.ndim:
            return None  # a count
        if np.abs(want).max(initial=0) == 0 or (want.size == 1 and want.ndim):
            continue  # everything is a multiple of one number, and nothing one of zero
        with np.errstate(all="ignore"):
            here = list(_sentences(name, got.astype(float), want.astype(float), expected, inputs))
        told = here if told is None else [sentence for sentence in told if sentence in here]
        off = off or not close(got, want)
    return f"{name} is {told[0]}." if told and off else None  # right in all of these cases, it relates to nothing


def _sentences(name, got, want, expected, inputs):
    if got.shape == want.shape:
        if not close(got, want):
            yield from _axes(got, want)
            yield from _values(name, got, want, expected, inputs)
            yield from _laid_out(got, want)
        else:
            yield from _harmless(want, inputs)
    else:
        yield from _axes(got, want)
        if got.size == want.size > 1:
            flat = got.reshape(want.shape)
            if close(flat, want):
                yield SHAPE
            yield from (f"{words}, in another shape" for words in _factors(flat, want, inputs))
    for other, array in expected.items():
        if other != name and np.shape(array) == got.shape and close(got, array):
            yield f"what {other} should be"


def _laid_out(got, want):
    """The right numbers, but reshaped where axes had to be exchanged."""
    for order in itertools.permutations(range(want.ndim)) if 2 <= want.ndim <= 4 else ():
        if order != tuple(range(want.ndim)) and close(got, want.transpose(order).reshape(want.shape)):
            yield RESHAPED


def _harmless(want, inputs):
    """Factors that are 1 in this case, where the output is right because of it."""
    yield SHAPE
    if 1 in want.shape:
        yield RESHAPED
    for letters, size in _sizes(want, inputs).items():
        if size == 1:
            yield from (f"{letters} times the right one", f"the right one divided by {letters}")
    for axis, size in enumerate(want.shape):
        if size == 1:
            yield from (f"the right one reversed along axis {axis}", f"the right one shifted by one along axis {axis}")


def _values(name, got, want, expected, inputs):
    if want.size > 1 or want.ndim == 0:
        yield from _factors(got, want, inputs)
    if want.size > 1:
        yield from _blocks(got, want)
        for words, function in FUNCTIONS.items():
            if close(got, function(want)):
                yield f"{words} the right one"
            elif close(function(got), want):
                yield f"not the right one: that is {words} it"
        yield from _inputs(got, want, inputs)
        if not got.any():
            yield "zero everywhere"
        difference = got - want
        if np.ptp(difference) < 1e-6 * np.abs(want).max():
            yield f"larger than the right one by {difference.flat[0]:.4g} everywhere"


def _factors(got, want, inputs):
    factor = (got * want).sum() / (want * want).sum()
    if not close(got, factor * want) or factor == 0:
        return
    for number, words in NUMBERS.items():
        if np.isclose(factor, number, rtol=1e-5):
            yield words
    for letters, size in _sizes(want, inputs).items():
        if np.isclose(factor, size, rtol=1e-5):
            yield f"{letters} times the right one"
        if np.isclose(factor, 1 / size, rtol=1e-5):
            yield f"the right one divided by {letters}"
    yield f"{factor:.4g} times the right one"


def _sizes(want, inputs):
    """{"N": its size, "N*T": ...} of the case's axes and of their products."""
    sizes = {}
    for name, array in inputs.items():
        letters = LETTERS.get(name, {}).get(np.ndim(array), "")
        sizes |= {letter: n for letter, n in zip(letters, np.shape(array)) if letter != "1"}
    products = {
        "*".join(some): int(np.prod([sizes[s] for s in some]))
        for k in (1, 2, 3, 4)
        for some in itertools.combinations(sizes, k)
    }
    if want.ndim:
        products["its number of elements"] = want.size
    return products


def _axes(got, want):
    """Axes exchanged, reversed or shifted."""
    if want.ndim < 2 and got.ndim < 2 and want.shape != got.shape:
        return
    for order in itertools.permutations(range(want.ndim)) if 2 <= want.ndim <= 4 else ():
        if order != tuple(range(want.ndim)) and close(got, want.transpose(order)):
            yield "the right one transposed" if want.ndim == 2 else f"the right one with its axes in the order {order}"
    if got.shape != want.shape or close(got, want):
        return
    for axis, size in enumerate(want.shape):
        if size > 1 and close(got, np.flip(want, axis)):
            yield f"the right one reversed along axis {axis}"
        first, rest = (np.take(want, range(*ends), axis) for ends in ((size - 1,), (1, size)))
        for mine, other in ((range(1, size), first), (range(size - 1), rest)) if size > 2 else ():
            if close(np.take(got, mine, axis), other):
                yield f"the right one shifted by one along axis {axis}"


def _blocks(got, want):
    """Equal blocks along the first or the last axis in another order, such as the gates of an LSTM."""
    for axis in dict.fromkeys((want.ndim - 1, 0)) if want.ndim else ():
        for parts in (2, 3, 4):
            if want.shape[axis] % parts or want.shape[axis] == 0:
                continue
            mine, right = np.split(got, parts, axis), np.split(want, parts, axis)
            order = [next((k for k, block in enumerate(right) if close(part, block)), None) for part in mine]
            if None not in order and sorted(order) == list(range(parts)):
                places = ", ".join(str(k + 1) for k in order)
                yield f"the right one with its {parts} blocks along axis {axis} in the order {places}"


def _inputs(got, want, inputs):
    """An argument in its place, or one that is missing or too much."""
    for name, array in inputs.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            continue
        try:
            spread = np.broadcast_to(array, want.shape)
        except ValueError:
            continue
        if close(got, spread):
            yield f"{name} as it came"
        if not spread.any():
            continue
        for words, other in (("plus", want + spread), ("minus", want - spread), ("times", want * spread)):
            if close(got, other):
                yield f"the right one {words} {name}"
        if close(got * spread, want):
            yield f"the right one divided by {name}"
