"""Name the mistake behind a wrong answer: the known one, or two at once, that behave just like it."""

import functools
import itertools
import time

import numpy as np

from .compare import close
from .errors import unwritten
from .run import dtype_of, see

SECONDS = 0.5  # for pairs of mistakes


def name_mistake(todo, seen, form=False):
    """The title of the known mistake, or of two, that does on every required case just what the answer did, or None.

    form: ask for the cases beyond the contract too, and for the same dtypes and changed arguments, not only values.
    """
    tried = [label for label in seen if not unwritten(seen[label].error) and (form or label not in todo.beyond)]
    cases = {label: args for label, args in todo.cases().items() if label in tried}
    try:
        return None if all(seen[label].error for label in cases) else _named(todo, cases, seen, form)
    except Exception:  # a mistake that cannot run on some odd case names nothing
        return None


def likely_mistake(todo, label, seen):
    """The title of the known mistake, or of two, that does in the one case shown just what the answer did, or None."""
    cases = {label: todo.cases()[label]}
    if seen.error or not all(np.isfinite(np.asarray(out, dtype=float)).all() for out in seen.outputs.values()):
        return None
    return _named(todo, cases, {label: seen}, form=False)


def _named(todo, cases, seen, form):
    right = {label: todo.expected(*args) for label, args in cases.items()}
    candidates = itertools.chain(todo.mistakes.items(), () if form else _pairs(todo))
    for title, mistake in candidates:
        theirs = _alike(todo, mistake, cases, seen)
        if theirs is None:
            continue
        if form and all(_same_form(seen[label], theirs[label]) for label in cases):
            return title
        # A mistake of form, such as a dtype, explains no wrong value.
        if not form and not all(_values_agree(theirs[k].outputs, right[k], dtype_of(cases[k])) for k in cases):
            return title
    return None


def _pairs(todo):
    """("one; and besides, another", both) of the mistakes that are different switches of one builder."""
    switched = [(t, m) for t, m in todo.mistakes.items() if isinstance(m, functools.partial) and not m.args]
    deadline = time.monotonic() + SECONDS
    for (one, first), (other, second) in itertools.combinations(switched, 2):
        if time.monotonic() > deadline:
            return
        if first.func is second.func and not first.keywords.keys() & second.keywords.keys():
            both = functools.partial(first.func, **first.keywords, **second.keywords)
            yield f"{one}; and besides, {other}", both


def _alike(todo, function, cases, seen):
    """What a mistake did with each case, if it gave the answer's values; None at the first case where it did not."""
    theirs = {}
    for label, args in cases.items():
        theirs[label] = see(todo, todo.call_mistake, function, args)
        if not _same_values(seen[label], theirs[label], dtype_of(args)):
            return None
    return theirs


def _values_agree(ours, theirs, dtype):
    return ours.keys() >= theirs.keys() and all(close(ours[name], theirs[name], dtype) for name in theirs)


def _same_values(ours, theirs, dtype):
    if ours.error or theirs.error:
        return type(ours.error) is type(theirs.error)
    return _values_agree(ours.outputs, theirs.outputs, dtype)


def _same_form(ours, theirs):
    """Same dtypes, same arguments changed."""
    return ours.changed == theirs.changed and all(
        np.asarray(ours.outputs[n]).dtype == np.asarray(theirs.outputs[n]).dtype for n in ours.outputs
    )
