"""The journal of a student's own edition: a line for each check and each hint, in journal.jsonl at its root.

    {"time": "2026-09-14T10:31:07+02:00", "id": "rnn_step_forward", "state": "wrong",
     "mistake": "the bias b is left out", "hints": 1}

`state` is a check's ('passed', 'todo', 'waiting', 'wrong') or 'hint'; `hints` counts those taken for this TODO so far.
A table of many TODOs leaves lines for those that it finds changed. The file goes nowhere by itself. The solved edition
has none, CS231N_JOURNAL=off leaves it off, and where it cannot be written there is none: no check fails for its sake.
"""

import contextlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

from .edition import BUILDER
from .todo import EDITION, TODOS

NAME = "journal.jsonl"
HINT = "hint"
STATES = ("passed", "todo", "waiting", "wrong", HINT)
OFF = ("off", "0", "no", "false")


@dataclass
class Entry:
    """A line of the journal; `time` knows its zone."""

    time: datetime
    id: str
    state: str
    mistake: str | None = None
    hints: int = 0


def place():
    """The file, whether it is there yet or not; None where no journal is kept."""
    off = os.environ.get("CS231N_JOURNAL", "").strip().lower() in OFF
    return None if off or (EDITION / BUILDER).exists() else EDITION / NAME


def entries():
    """Every Entry, in the order of their times; lines that are broken, or not ours, are passed over."""
    file = place()
    try:
        lines = file.read_bytes().splitlines() if file and file.is_file() else []
    except OSError:
        lines = []
    return sorted(filter(None, map(_entry, lines)), key=lambda entry: entry.time)


def hints_taken():
    """{id: hints taken so far}, as a Counter."""
    taken = Counter()
    for entry in entries():
        taken[entry.id] = max(taken[entry.id], entry.hints)
    return taken


def note(id, state, mistake=None, hints=None):
    """Append a line, in one piece, or do nothing where that cannot be done; hints: those of the journal, if None."""
    file, time = place(), datetime.now().astimezone().isoformat(timespec="seconds")
    if file is not None:
        hints = hints_taken()[id] if hints is None else hints
        line = {"time": time, "id": id, "state": state, "mistake": mistake, "hints": hints}
        with contextlib.suppress(OSError):
            _append(file, json.dumps(line).encode() + b"\n")


def note_news(results):
    """Append a line for each of some Results whose state is another than the journal's last."""
    last = {entry.id: entry.state for entry in entries() if entry.state != HINT}
    for result in results:
        if result.state != last.get(result.id, "todo"):
            note(result.id, result.state, result.mistake)


def _entry(line):
    """What a line (bytes) says; None if it is no line of a journal."""
    try:
        said = json.loads(line)
        entry = Entry(
            datetime.fromisoformat(said["time"]), *(said[name] for name in ("id", "state", "mistake", "hints"))
        )
        entry.time.astimezone(timezone.utc)  # at the calendar's ends that is an error, and so is another's comparison
        ours = entry.time.tzinfo and entry.id in TODOS and entry.state in STATES
        well_formed = isinstance(entry.mistake, (str, type(None))) and type(entry.hints) is int and entry.hints >= 0
        return entry if ours and well_formed else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _append(file, line):
    """With O_APPEND and one write, the lines of two kernels do not mix; what was cut off keeps to its own line."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    handle = os.open(file, flags, 0o666)
    try:
        end = os.lseek(handle, 0, os.SEEK_END)
        if end:
            os.lseek(handle, end - 1, os.SEEK_SET)
            line = line if os.read(handle, 1) == b"\n" else b"\n" + line
        os.write(handle, line)
    finally:
        os.close(handle)
