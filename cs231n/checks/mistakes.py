"""Name the mistake behind a wrong answer: the known one that behaves just like it."""

import numpy as np

from .compare import close
from .errors import unwritten
from .run import see


def name_mistake(todo, seen):
    """The title of the known mistake that does on every case just what the answer did; None if none does."""
    try:
        return _twin(todo, seen)
    except Exception:  # a mistake that cannot run on some odd case names nothing
        return None


def _twin(todo, seen):
    tried = [label for label in seen if not unwritten(seen[label].error)]
    cases = {label: args for label, args in todo.cases().items() if label in tried}
    if all(seen[label].error for label in cases):
        return None
    behaves = {title: _alike(todo, function, cases, seen) for title, function in todo.mistakes.items()}
    twins = {title: theirs for title, theirs in behaves.items() if theirs}
    for title, theirs in twins.items():
        if all(_same_in_all(seen[label], theirs[label]) for label in cases):
            return title
    right = {label: todo.expected(*args) for label, args in cases.items()} if twins else {}
    for title, theirs in twins.items():
        # A mistake of form, such as a dtype, explains no wrong value.
        if not all(_values_agree(theirs[label].outputs, right[label]) for label in cases):
            return title
    return None


def _alike(todo, function, cases, seen):
    """What a mistake did with each case, if it gave the answer's values; None at the first case where it did not."""
    theirs = {}
    for label, args in cases.items():
        theirs[label] = see(todo, todo.call_mistake, function, args)
        if not _same_values(seen[label], theirs[label]):
            return None
    return theirs


def _values_agree(ours, theirs):
    return ours.keys() >= theirs.keys() and all(close(ours[name], theirs[name]) for name in theirs)


def _same_values(ours, theirs):
    if ours.error or theirs.error:
        return type(ours.error) is type(theirs.error)
    return _values_agree(ours.outputs, theirs.outputs)


def _same_in_all(ours, theirs):
    """Same values, same dtypes, same arguments changed."""
    return (
        _same_values(ours, theirs)
        and ours.changed == theirs.changed
        and all(np.asarray(ours.outputs[n]).dtype == np.asarray(theirs.outputs[n]).dtype for n in ours.outputs)
    )
