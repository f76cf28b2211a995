"""Run an answer and say what is wrong with it.

An answer is *seen* on every case of its TODO (what it returned, which arguments it changed, what it raised) and
judged against the oracle. If it is wrong and a known mistake is seen to behave just like it, the mistake is named.
"""

import contextlib
import difflib
import random
import re
import signal
import sys
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .todo import TODOS, Waiting, Wrong

UNFILLED = re.compile(r"TODO (\w+): replace this line")
SECONDS = 20  # for one check; every case is tiny, so more than this is an endless loop


@dataclass
class Result:
    """The outcome of one check: state 'passed', 'todo', 'waiting' or 'wrong', and why."""

    id: str
    state: str
    reason: str
    details: list = field(default_factory=list)
    mistake: str | None = None
    pictures: tuple = ()  # (title, array, array) of what came and what was expected


@dataclass
class Seen:
    """What an answer did with one case."""

    outputs: dict = field(default_factory=dict)
    changed: list = field(default_factory=list)  # names of arguments changed in place
    error: BaseException | None = None


class TimeOut(Exception):
    """An answer ran longer than SECONDS."""


def evaluate(id):
    """Check one TODO of the live modules and return its Result; whatever the answer does, this does not raise."""
    todo = find(id)
    try:
        function = todo.live()
    except Exception as error:
        return Result(id, "wrong", f"{todo.file} cannot be used: {_describe(error)}", [_own_line(error, todo)])
    with _random_state_kept():
        cases = todo.cases()
        seen = _see_all(todo, function, cases)
        result = _unfinished(todo, function, seen)
        if result:
            return result
        later = {label: s for label, s in seen.items() if _named_todo(s.error)}  # these wait for a later TODO
        checked = [label for label in seen if label not in later]
        for label in checked:
            result = judge(todo, label, seen[label], cases[label])
            if result:
                _name_mistake(todo, result, seen)
                _blame_needs(todo, result)
                return result
    waits = [f"'{label}' will be checked once {_named_todo(s.error)} is written." for label, s in later.items()]
    return Result(id, "passed", f"right on {len(checked)} kinds of input: {', '.join(checked)}", waits)


def _see_all(todo, function, cases):
    seen = {}
    for label, args in cases.items():
        with _time_limit(SECONDS):
            seen[label] = see(todo, todo.call, function, args)
        if isinstance(seen[label].error, TimeOut):
            break
    return seen


def see(todo, call, function, args):
    """Call the function on a copy of args, noting outputs, changed arguments and errors."""
    before = args
    args = tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in before)
    seen = Seen()
    try:
        seen.outputs = call(function, *args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit: an answer may do anything
        seen.error = error
    for name, old, new in zip(todo.argument_names(), before, args):
        if isinstance(old, np.ndarray) and not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            seen.changed.append(name)
    return seen


def _named_todo(error):
    """The id in the NotImplementedError of an unwritten TODO, else None."""
    named = UNFILLED.search(str(error)) if isinstance(error, NotImplementedError) else None
    return named and named[1]


def _unfinished(todo, function, seen):
    """The Result if this TODO, or one that it needs, is not written yet."""
    broken = [s.error.args[0] for s in seen.values() if isinstance(s.error, Waiting)]
    named = [id for s in seen.values() if (id := _named_todo(s.error))]
    own_line_stands = f"TODO {todo.id}: replace this line" in _constants(function)
    if todo.id in named or (own_line_stands and named):
        where = f"Look for TODO({todo.id}) in {todo.file}; it takes about {todo.minutes} minutes."
        return Result(todo.id, "todo", "not started", [where, f'Stuck? hint("{todo.id}")'])
    needed = [id for id in named if id not in todo.later or len(named) == len(seen)]
    if needed:
        details = [f"{todo.id} calls {needed[0]}, which is not written yet: {needed[0]} comes first."]
        return Result(todo.id, "waiting", f"waiting for {needed[0]}", details)
    if broken:
        details = [f"{broken[0]} does not return what it must yet."]
        return Result(todo.id, "waiting", f"waiting for {broken[0]}", details)
    return None


def _constants(function):
    """All string constants in a function's code: its own raise line stands there, even if never reached."""
    code = getattr(function, "__code__", None)
    return " ".join(c for c in code.co_consts if isinstance(c, str)) if code else ""


@contextlib.contextmanager
def _random_state_kept():
    """Leave numpy's, Python's and (if loaded) torch's random generators as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    torch = sys.modules.get("torch")
    torch_state = torch.random.get_rng_state() if torch else None
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        if torch:
            torch.random.set_rng_state(torch_state)


@contextlib.contextmanager
def _time_limit(seconds):
    """Interrupt an endless loop where the system can: in the main thread, and not on Windows."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise TimeOut(f"stopped after {seconds} s on a tiny input: is there an endless loop?")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def judge(todo, label, seen, args):
    """The first thing that is wrong with what was seen, as a Result; None if all is right."""
    on = f"on the input '{label}'"
    if isinstance(seen.error, (Wrong, TimeOut)):
        return Result(todo.id, "wrong", str(seen.error))
    if seen.error is not None:
        return Result(todo.id, "wrong", f"{_describe(seen.error)} ({on})", [_own_line(seen.error, todo)])
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
        return f"{name} cannot be read as numbers: {_describe(error)}"
    if got.dtype.kind not in "fiub":
        return f"{name} holds {got.dtype}, not real numbers"
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}, expected {want.shape}"
    if want.ndim and want.dtype.kind == "f" and got.dtype != dtype:
        return f"{name} is {got.dtype} although the inputs are {dtype}; np.zeros and the like need dtype=..."
    if not np.isfinite(got).all():
        return f"{name} holds {int((~np.isfinite(got)).sum())} values that are inf or nan"
    return None


def close(got, want):
    """Equal up to rounding of got's dtype, measured against the largest number expected."""
    try:
        got, want = np.asarray(got), np.asarray(want)
        if got.shape != want.shape or got.dtype.kind not in "fiub":
            return False
        tolerance = 1e-4 if got.dtype == np.float32 else 1e-7
        return bool(np.allclose(got, want, rtol=tolerance, atol=tolerance * _scale(want), equal_nan=True))
    except Exception:
        return False


def _scale(array):
    """The largest finite size in an array, at least 1e-3."""
    return np.abs(array[np.isfinite(array)].astype(float)).max(initial=1e-3)


def differs(got, want):
    """Which elements are visibly off; if none is, the one that is off most."""
    off = ~np.isclose(got, want, rtol=1e-4, atol=1e-4 * _scale(want))
    return off if off.any() else np.abs(got - want) == np.abs(got - want).max()


def _value_result(todo, name, got, want, on):
    off = differs(got, want)
    first = tuple(int(i) for i in np.argwhere(off)[0]) if want.ndim else ()
    place = f"{name}[{', '.join(map(str, first))}]" if want.ndim else name
    error = np.abs(got - want).max() / _scale(want)
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


def _name_mistake(todo, result, seen):
    """If a known mistake does on every case just what the answer did, say so."""
    with contextlib.suppress(Exception):  # a mistake that cannot run on some odd case names nothing
        tried = [label for label in seen if not _named_todo(seen[label].error)]
        cases = {label: args for label, args in todo.cases().items() if label in tried}
        if all(seen[label].error for label in cases):
            return
        behaves = {
            title: {label: see(todo, todo.call_mistake, function, cases[label]) for label in cases}
            for title, function in todo.mistakes.items()
        }
        right = {label: todo.expected(*args) for label, args in cases.items()}
        for same in (_same_in_all, _same_values):
            for title, theirs in behaves.items():
                if all(same(seen[label], theirs[label]) for label in cases):
                    if same is _same_values and all(_values_agree(theirs[k].outputs, right[k]) for k in cases):
                        continue  # a mistake of form, such as a dtype, explains no wrong value
                    result.mistake = title
                    return


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


def _blame_needs(todo, result):
    """A wrong answer below explains a wrong answer here: point to the lowest one."""
    for id in [*all_needs(todo), *todo.later]:
        if evaluate(id).state == "wrong":
            result.details.append(f"It builds on {id}, which is wrong as well: mend that one first.")
            return


def all_needs(todo):
    """The ids this TODO rests on, directly or not, lowest first."""
    found = []
    for id in todo.needs:
        for lower in (*all_needs(TODOS[id]), id):
            if lower not in found:
                found.append(lower)
    return found


def _describe(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _own_line(error, todo):
    """The last line of the student's own code that the error went through."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno} of {Path(error.filename or todo.file).name}: {(error.text or '').strip()}"
    package = Path(__file__).resolve().parent.parent
    frames = [
        f for f in traceback.extract_tb(error.__traceback__)
        if package not in (p := Path(f.filename)).parents or package / "checks" not in p.parents
    ]  # fmt: skip
    own = [f for f in frames if package in Path(f.filename).parents] or frames
    if not own:
        return ""
    return f"line {own[-1].lineno} of {Path(own[-1].filename).name}: {own[-1].line}"


def find(id):
    """The Todo of this id; a ValueError that suggests the nearest one if there is none."""
    if id not in TODOS:
        near = difflib.get_close_matches(str(id), TODOS, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(TODOS)}"
        raise ValueError(f"there is no TODO {id!r}; {advice}")
    return TODOS[id]
