"""Judge what was seen against the oracle: what was raised, the outputs' form and values, arguments written into."""

import numpy as np

from .compare import close, differs, largest
from .errors import describe, own_line
from .result import Result
from .run import TimeOut, dtype_of
from .todo import Wrong


def judge(todo, label, seen, args, dtype=None):
    """(Result of the first thing that is wrong, or None; remarks) on what was seen in one case.

    dtype: what the answer's numbers were made from, if not from the arguments as they are.
    """
    on, dtype = f"on the input '{label}'", dtype or dtype_of(args)
    expected = {name: np.asarray(want) for name, want in todo.expected(*args).items()}
    wrong = _raised(todo, seen, on) or _misfit(todo, seen, expected, on) or _misvalued(todo, seen, expected, dtype, on)
    wrong = wrong or _spoilt(todo, seen, on)
    if wrong and label in todo.beyond:
        return None, [f"{todo.beyond[label]} ({on[3:]}: {wrong.reason.removesuffix(f' ({on})')})"]
    return wrong, [] if wrong else list(_remarks(todo, seen, expected, dtype))


def _raised(todo, seen, on):
    if seen.error is None:
        return None
    if isinstance(seen.error, Wrong):
        return Result(todo.id, "wrong", f"{seen.error} ({on})")
    what = str(seen.error) if isinstance(seen.error, TimeOut) else describe(seen.error)
    return Result(todo.id, "wrong", f"{what} ({on})", [own_line(seen.error, todo)])


def _misfit(todo, seen, expected, on):
    reasons = (_form(name, seen.outputs, want) for name, want in expected.items())
    reason = next(filter(None, reasons), None)
    return reason and Result(todo.id, "wrong", f"{reason} ({on})")


def _form(name, outputs, want):
    """What is wrong with an output besides its values: kind, shape, finiteness."""
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
    if not np.isfinite(got).all():
        return f"{name} holds {int((~np.isfinite(got)).sum())} values that are inf or nan"
    return None


def _misvalued(todo, seen, expected, dtype, on):
    for name, want in expected.items():
        got = np.asarray(seen.outputs[name])
        if not close(got, want, dtype):
            return _value_result(todo, name, got, want, on)
        if _is_real(want) and got.dtype.kind == "f" and got.dtype.itemsize < dtype.itemsize:
            return Result(todo.id, "wrong", f"{name} is {got.dtype} although the inputs are {dtype} ({on})")
    return None


def _is_real(want):
    return want.ndim > 0 and want.dtype.kind == "f"


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


def _spoilt(todo, seen, on):
    """An argument was written into that somebody still needs."""
    needed = [name for name in seen.changed if name not in todo.spare]
    if not needed:
        return None
    details = ["Whoever called the function still needs it: work on a copy, or write into a new array."]
    return Result(todo.id, "wrong", f"the argument {needed[0]} was changed in place ({on})", details)


def _remarks(todo, seen, expected, dtype):
    """What a right answer could do better."""
    where = f", here or in {todo.forward.id}" if hasattr(todo, "forward") else ""
    for name, want in expected.items():
        got = np.asarray(seen.outputs[name]).dtype
        if _is_real(want) and got.kind == "f" and got.itemsize > dtype.itemsize:
            yield (
                f"{name} is {got} although the inputs are {dtype}: training takes about twice as long. np.zeros and "
                f"the like need dtype=...{where}"
            )
            break  # one array of float64 drags the others along
    for name in seen.changed:
        yield f"{name} is changed in place. Nobody needs it any more here; to write into a new array is safer."
