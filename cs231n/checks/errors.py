"""What an exception tells: its text, the student's own line that it went through, the TODO that is not written yet."""

import re
import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent  # cs231n, where students write
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
    """The last line of the student's own code that the error went through; "" if it went through none."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno} of {Path(error.filename or todo.file).name}: {(error.text or '').strip()}"
    trace = traceback.extract_tb(error.__traceback__)
    frames = [f for f in trace if PACKAGE / "checks" not in Path(f.filename).parents]
    own = [f for f in frames if PACKAGE in Path(f.filename).parents] or frames
    if not own:
        return ""
    return f"line {own[-1].lineno} of {Path(own[-1].filename).name}: {own[-1].line}"
