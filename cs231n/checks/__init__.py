"""check("id"), hint("id"), case("id"), progress(): what is right, what is wrong and why, what comes next."""

import os
from collections import Counter
from pathlib import Path

from . import edition, exercises, journal  # noqa: F401  exercises registers the TODOs
from .case import case
from .console import in_ipython
from .disk import keep_line_numbers
from .result import Result
from .show import HintCard, ProgressTable, ResultCard, display
from .todo import EDITION, TODOS, find
from .verdict import evaluate
from .way import Way

__all__ = ["check", "hint", "case", "progress", "CheckFailed", "TODOS"]

_hints_shown = Counter()  # in this session; the journal knows of earlier ones
_mends = {}  # id -> what the last check found that would make the answer right


class CheckFailed(AssertionError):
    """With CS231N_STRICT=1, raised by check() and progress() for anything but passed without a remark."""


def check(*ids):
    """Check one or several TODOs and show, for each: passed, not started, waiting, or wrong and why.

    Raises ValueError for an id that there is not, and with CS231N_STRICT=1 CheckFailed.
    """
    results = [_evaluate_unless_stopped(find(id).id) for id in ids]
    for result in results:
        _mends[result.id] = tuple(f"Line {c.line}: `{c.before}` should be `{c.after}`." for c in result.changes)
        display(ResultCard(result))
        journal.note(result.id, result.state, result.mistake)
    _be_strict(results)


class Stopped(KeyboardInterrupt):
    """Raised when a check is interrupted: a card has said so, and a notebook shows no traceback besides."""

    def _render_traceback_(self):
        return []


def _evaluate_unless_stopped(id, explained=True):
    try:
        return evaluate(id, explained)
    except KeyboardInterrupt:
        details = ["You stopped it. Run the cell again to have it judged; if it hung, look for an endless loop."]
        display(ResultCard(Result(id, "waiting", "stopped before it was judged", details)))
        raise Stopped(f"the check of {id} was stopped") from None


def hint(id):
    """Show the next hint for a TODO; each is more explicit than the one before.

    Where the last check found the change that makes the answer right, that change is the last hint.
    """
    hints = (*find(id).hints, *_mends.get(id, ()))
    taken = max(_hints_shown[id], journal.hints_taken()[id])
    number = min(taken + 1, len(hints))
    _hints_shown[id] = max(number, taken)  # more than there are now, if one was a change that the last check found
    display(HintCard(id, number, hints))
    journal.note(id, journal.HINT, hints=_hints_shown[id])


def progress(notebook=None):
    """Check every TODO (of one notebook, say "RNN") and show a table of their states, with a bar and the way so far."""
    ids = [id for id, todo in TODOS.items() if notebook in (None, todo.notebook)]
    if not ids:
        notebooks = dict.fromkeys(todo.notebook for todo in TODOS.values())
        raise ValueError(f"no notebook is called {notebook!r}; there are {', '.join(notebooks)}")
    results = [_evaluate_unless_stopped(id, explained=False) for id in ids]
    journal.note_news(results)
    display(ProgressTable(results, Way.so_far(results)))
    _be_strict(results)


def _be_strict(results):
    failed = [
        f"{r.id}: {r.state}, {'; '.join(r.remarks or [r.reason])}" for r in results if r.state != "passed" or r.remarks
    ]
    if failed and os.environ.get("CS231N_STRICT") == "1":
        raise CheckFailed("; ".join(failed))


keep_line_numbers()
if in_ipython() and Path.cwd() != EDITION / "notebooks":  # elsewhere one may wonder which it is
    print(f"cs231n of {edition.described()}")
