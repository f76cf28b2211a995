"""Name the mistake behind a wrong answer: the known one, or two at once, that behave just like it."""

import functools
import itertools
import time

import numpy as np

from .compare import close, numbers_of
from .errors import unwritten
from .run import dtype_of, see_mistake

SECONDS = 0.5  # of the processor's time, for pairs of mistakes


def name_mistake(todo, seen, form=False):
    """The title of the known mistake, or of two, that does just what the answer did, or None.

    Best is one that agrees in all cases and in form: dtypes, and arguments written into. Else, for an answer with wrong
    values, one that gives the same values in every required case; form: no such one will do.
    """
    cases = {label: args for label, args in todo.cases().items() if label in seen and not unwritten(seen[label].error)}
    try:
        return None if all(seen[label].error for label in cases) else _named(todo, cases, seen, form)
    except Exception:  # a mistake that cannot run on some odd case names nothing
        return None


def likely_mistake(todo, seen, right):
    """The title of the known mistake, or of two, that does what the answer did in most of its wrong cases.

    seen: these cases. The first, which is shown, must be among those that agree, and the shapes must agree in all.
    right: labels of cases that it got right. Whole numbers may agree by chance: there, the mistake must be right, too.
    """
    cases = {label: args for label, args in todo.cases().items() if label in seen}
    others = {label: args for label, args in todo.cases().items() if label in right}
    first = next(iter(cases), None)
    if first is None or seen[first].error or not _is_finite(seen[first]):
        return None
    here = {first: cases[first]}
    expected = todo.expected(*cases[first])
    for title, mistake in itertools.chain(todo.mistakes.items(), _pairs(todo)):
        theirs = _alike(todo, mistake, here, seen)
        if theirs is None or _values_agree(theirs[first].outputs, expected, dtype_of(cases[first])):
            continue
        done = {label: see_mistake(todo, mistake, label, args) for label, args in cases.items()}
        agree = sum(_same_values(seen[k], done[k], dtype_of(cases[k])) for k in cases)
        by_chance = _is_whole(seen[first]) and _shown_in(todo, mistake, others)
        if 2 * agree > len(cases) and not by_chance and all(_same_shapes(seen[k], done[k]) for k in cases):
            return title
    return _between_them(todo, cases, seen)


def _between_them(todo, cases, seen):
    """Two known mistakes of which each wrong case shows one or the other: each spoils another kind of input."""
    shown = {title: _shown_in(todo, mistake, cases, seen) for title, mistake in todo.mistakes.items()}
    first = next(iter(cases))
    for (one, here), (other, there) in itertools.permutations(shown.items(), 2):
        if first in here and here < set(cases) and here | there == set(cases):
            return f"{one}; and on the input '{next(k for k in cases if k not in here)}', when {other}"
    return None


def _shown_in(todo, mistake, cases, seen=None):
    """The labels of the cases in which a mistake is wrong, and (seen) in just the same way."""
    found = set()
    for label, args in cases.items():
        theirs, dtype = see_mistake(todo, mistake, label, args), dtype_of(args)
        wrong = theirs.error or not _values_agree(theirs.outputs, todo.expected(*args), dtype)
        if wrong and (seen is None or _same_values(seen[label], theirs, dtype)):
            found.add(label)
    return found


def _is_finite(seen):
    arrays = [numbers_of(out) for out in seen.outputs.values()]
    return all(array is not None and np.isfinite(array).all() for array in arrays)


def _is_whole(seen):
    return all(numbers_of(out).dtype.kind in "iub" for out in seen.outputs.values())


def _same_shapes(ours, theirs):
    shapes = [{name: np.shape(numbers_of(out)) for name, out in seen.outputs.items()} for seen in (ours, theirs)]
    return bool(ours.error) == bool(theirs.error) and shapes[0] == shapes[1]


def _named(todo, cases, seen, form):
    required = {label: args for label, args in cases.items() if label not in todo.beyond}
    beyond = {label: args for label, args in cases.items() if label in todo.beyond}
    by_values = None
    for title, mistake in todo.mistakes.items():
        theirs = _alike(todo, mistake, required, seen)
        rest = None if theirs is None else _alike(todo, mistake, beyond, seen)
        if rest is not None and all(_same_form(seen[k], done) for k, done in (theirs | rest).items()):
            return title
        if theirs is not None and by_values is None and _explains_values(todo, required, theirs):
            by_values = title
    if by_values or form:
        return None if form else by_values
    for title, mistake in _pairs(todo):
        theirs = _alike(todo, mistake, required, seen)
        if theirs is not None and _explains_values(todo, required, theirs):
            return title
    return None


def _explains_values(todo, cases, theirs):
    """Whether a mistake gives wrong values: one of form, such as a dtype, explains none."""
    right = ((label, todo.expected(*args), dtype_of(args)) for label, args in cases.items())
    return not all(_values_agree(theirs[label].outputs, expected, dtype) for label, expected, dtype in right)


def _pairs(todo):
    """("one; and besides, another", both) of the mistakes that are different switches of one builder."""
    switched = [(t, m) for t, m in todo.mistakes.items() if isinstance(m, functools.partial) and not m.args]
    deadline = time.process_time() + SECONDS
    for (one, first), (other, second) in itertools.combinations(switched, 2):
        if time.process_time() > deadline:
            return
        if first.func is second.func and not first.keywords.keys() & second.keywords.keys():
            both = functools.partial(first.func, **first.keywords, **second.keywords)
            yield f"{one}; and besides, {other}", both


def _alike(todo, function, cases, seen):
    """What a mistake did with each case, if it gave the answer's values; None at the first case where it did not."""
    theirs = {}
    for label, args in cases.items():
        theirs[label] = see_mistake(todo, function, label, args)
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
