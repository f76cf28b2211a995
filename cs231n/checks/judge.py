"""Judge what was seen against the oracle: what was raised, the outputs' form, changed arguments, values."""

import numpy as np

from .compare import close, differs, largest
from .errors import describe, own_line
from .result import Result
from .run import TimeOut
from .todo import Wrong


def judge(todo, label, seen, args):
    """The first thing that is wrong with what was seen, as a Result; None if all is right."""
    on = f"on the input '{label}'"
    if isinstance(seen.error, (Wrong, TimeOut)):
        return Result(todo.id, "wrong", str(seen.error))
    if seen.error is not None:
        return Result(todo.id, "wrong", f"{describe(seen.error)} ({on})", [own_line(seen.error, todo)])
    expected = todo.expected(*args)
    dtype = np.result_type(*[a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype.kind == "f"] or [float])
    for name, want in expected.items():
        reason = _form(name, seen.outputs, np.asarray(want), dtype)
        if reason:
            return Result(todo.id, "wrong", f"{reason} ({on})")
    if seen.changed:
        details = ["Whoever called the function still needs it: work on a copy, or write into a new array."]
        return Result(todo.id, "wrong", f"the argument {seen.changed[0]} was changed in place ({on})", details)
    for name, want in expected.items():
        got, want = np.asarray(seen.outputs[name]), np.asarray(want)
        if not close(got, want):
            return _value_result(todo, name, got, want, on)
    return None


def _form(name, outputs, want, dtype):
    """What is wrong with an output besides its values: kind, shape, dtype, finiteness."""
    if name not in outputs:
        return f"{name} is missing"
    got = outputs[name]
    if got is None:
        return f"{name} is None"
    if want.ndim and not isinstance(got, np.ndarray):
        return f"{name} is a {type(got).__name__}, not a numpy array"
    try:
        got = np.asarray(got)
    except Exception as error:
        return f"{name} cannot be read as numbers: {describe(error)}"
    if got.dtype.kind not in "fiub":
        return f"{name} holds {got.dtype}, not real numbers"
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}, expected {want.shape}"
    if want.ndim and want.dtype.kind == "f" and got.dtype != dtype:
        return f"{name} is {got.dtype} although the inputs are {dtype}; np.zeros and the like need dtype=..."
    if not np.isfinite(got).all():
        return f"{name} holds {int((~np.isfinite(got)).sum())} values that are inf or nan"
    return None


def _value_result(todo, name, got, want, on):
    off = differs(got, want)
    first = tuple(int(i) for i in np.argwhere(off)[0]) if want.ndim else ()
    place = f"{name}[{', '.join(map(str, first))}]" if want.ndim else name
    error = np.abs(got - want).max() / largest(want)
    details = [f"{place} is {got[first]:.6g}, expected {want[first]:.6g} {on}."]
    if want.ndim:
        details.append(f"{int(off.sum())} of {off.size} elements differ, by up to {error:.1%} of the largest value.")
    return Result(todo.id, "wrong", f"{name} has wrong values", details, pictures=_slices(name, got, want, first))


def _slices(name, got, want, first):
    """The two-dimensional slice around the first wrong element, small enough to look at."""
    if want.ndim < 1:
        return ()
    index = first[:-2] if want.ndim > 2 else ()
    title = f"{name}[{', '.join(map(str, index))}]" if index else name
    row, column = (0, *first)[-2:]
    window = slice(max(row - 5, 0), max(row + 1, 6)), slice(max(column - 7, 0), max(column + 1, 8))
    return (title, *(np.atleast_2d(a[index])[window] for a in (got, want)))
