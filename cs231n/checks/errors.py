"""What an exception tells: its text, the student's own line that it went through, the TODO that is not written yet."""

import inspect
import re
import sys
import traceback
import types
from pathlib import Path

from .todo import EDITION, TODOS

PACKAGE = EDITION / "cs231n"  # where students write
UNFILLED = re.compile(r"TODO (\w+): replace this line")


def describe(error):
    """The kind and the message of an exception, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def unwritten(error):
    """The id in the NotImplementedError of an unwritten TODO, else None."""
    named = UNFILLED.search(str(error)) if isinstance(error, NotImplementedError) else None
    return named and named[1]


def own_line(error, todo):
    """The line of the student's own code that the error went through: of the TODO's function, else of another TODO's.

    If it went on through a helper in the same file, that one's line as well. An error raised in another process says
    it itself, as `own_line`.
    """
    told = getattr(error, "own_line", None)
    if told is not None:
        return told
    trace = traceback.extract_tb(error.__traceback__)
    for written in (todo, *TODOS.values()):
        lines = _lines_of(written)
        passed = [n for n, frame in enumerate(trace) if lines and _is_within(frame, *lines)]
        if passed:
            own, deeper = trace[passed[-1]], trace[passed[-1] + 1 :]
            helpers = [frame for frame in deeper if frame.filename == own.filename]
            return _line(own) + (f"; from there in {helpers[-1].name}, {_line(helpers[-1])}" if helpers else "")
    return f"No line of yours raised it: the check called {todo.attribute}, or used what it returned."


def line_of_loading(error):
    """The line of the package that a file of it could not be loaded with."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno} of {Path(error.filename or '').name}: {(error.text or '').strip()}"
    trace = traceback.extract_tb(error.__traceback__)
    places = [(Path(frame.filename).resolve().parents, frame) for frame in trace]
    passed = [frame for folders, frame in places if PACKAGE in folders and PACKAGE / "checks" not in folders]
    return _line(passed[-1]) if passed else ""


def _line(frame):
    return f"line {frame.lineno} of {Path(frame.filename).name}: {frame.line}"


def _lines_of(todo):
    """(file, first line, last line) of the function that is in a TODO's place; None if it cannot be had."""
    if todo.module not in sys.modules:
        return None
    try:
        code = inspect.unwrap(todo.live()).__code__
        return code.co_filename, code.co_firstlineno, _last_line(code)
    except Exception:  # an answer may be anything
        return None


def _last_line(code):
    inner = [_last_line(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return max([line or 0 for *_, line in code.co_lines()] + inner)


def _is_within(frame, file, first, last):
    return frame.filename == file and first <= frame.lineno <= last
