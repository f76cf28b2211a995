"""Judge a submission: its answers come from other processes, and what is right from the course's own checks."""

import functools
import hashlib
import time

from cs231n.checks.compare import numbers_of
from cs231n.checks.record import VERSION, todo_as_json
from cs231n.checks.result import Result
from cs231n.checks.todo import TODOS, rests_on
from cs231n.checks.verdict import verdict

from .sandbox import LOADING, Gone, RemoteAnswer, Sandbox, Unusable
from .watch import lines_of

EXPLAINING = 60  # seconds by the wall's clock for one explanation


class Judge:
    """Judges one submission after the other. Used in a `with`.

    folder: that of build_trees, where everything temporary goes too. explained: also look for the reason of what is
    wrong, with the student's code, in another process that holds what is right.
    """

    def __init__(self, folder, explained=True):
        _remember()
        self.folder, self.explained = folder, explained
        self.answering, self.explaining = Sandbox(folder / "answering", folder), None  # until it is needed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sandbox in filter(None, (self.answering, self.explaining)):
            sandbox.close()

    def judge(self, submission, points):
        """The record of a Submission, a dict that json.dumps takes; points: {id: points} of the TODOs that count."""
        began, missing = time.monotonic(), set()
        self.answering.lay(submission.files)
        entries = [_entry(TODOS[id], submission, self.answering, most, missing) for id, most in points.items()]
        _say_what_rests_on_what(entries)
        if self.explained:
            self._explain([entry for entry in entries if _is_unclear(entry)], submission)
        return {
            "version": VERSION,
            "student": submission.name,
            "points": round(sum(entry["points"] for entry in entries), 6),
            "of": round(sum(points.values()), 6),
            "seconds": round(time.monotonic() - began, 2),
            "files": submission.places,
            "notes": submission.notes,
            "missing": sorted(missing),
            "todos": entries,
        }

    def _explain(self, entries, submission):
        if entries:
            self.explaining = self.explaining or Sandbox(self.folder / "explaining", self.folder)
            self.explaining.lay(submission.files)
        for entry in entries:
            entry.update(_explanation(entry, self.explaining))


def _entry(todo, submission, sandbox, most, missing):
    """The entry of one TODO in a record; missing: gets the sentences on what could not be kept from an answer."""
    began, alarms, digest = time.monotonic(), [], None
    if todo.file in submission.files:
        result, alarms, digest = _verdict(todo, sandbox, missing)
    else:
        result = Result(todo.id, "todo", f"{todo.file} was not handed in", cases=dict.fromkeys(todo.cases(), False))
    entry = todo_as_json(result, round(time.monotonic() - began, 3))
    share = 1.0 if result.state == "passed" else entry["right"] / max(entry["of"], 1) * (result.state == "wrong")
    return {
        **entry,
        "explained": entry["explained"] or entry["mistake"] is not None,
        "points": 0.0 if alarms else round(most * share, 6),
        "max_points": most,
        "alarm": "; ".join(dict.fromkeys(alarms)) or None,
        "digest": digest if result.state == "wrong" and not alarms else None,
        "answer": source_of(todo, submission.files.get(todo.file, b"")),
    }


def _verdict(todo, sandbox, missing):
    """(Result, alarms, digest of the outputs) of the answer to a TODO."""
    with sandbox.order(id=todo.id) as line:
        try:
            missing.update(line.missing())
            result, _, seen = verdict(RemoteAnswer(todo, line))
            digest = _digest(seen)
        except Unusable as error:
            reason, where = error.args
            reason, digest = f"{todo.file} cannot be used: {reason}", _hashed(reason)
            result = Result(todo.id, "wrong", reason, [where] if where else [], explained=True)
        except Gone as gone:
            digest = _hashed(str(gone))
            result = Result(todo.id, "wrong", f"{todo.file} cannot be loaded: {gone}", explained=True)
    result.cases = result.cases or dict.fromkeys(todo.cases(), False)
    own = [text for text, file, id in line.alarms if file in ("", todo.file) and id in ("", todo.id)]
    return result, own, digest


def _is_unclear(entry):
    """Whether it is worth a search: what rests on a wrong answer is to be looked at when that one is mended."""
    return entry["state"] == "wrong" and not (entry["explained"] or entry["alarm"])


def _explanation(entry, sandbox):
    """What the student's own check would add to an entry, found in a process that cannot change the verdict."""
    try:
        with sandbox.order(explain=entry["id"]) as line:
            line.missing()
            return line.ask(None, LOADING + EXPLAINING, _of_its_kind)
    except Gone:
        return {}


def _of_its_kind(found):
    """What an explanation adds, each of its own type: it comes from where a student's code has run."""
    if found["state"] != "wrong":
        return {}
    return {
        "details": [str(detail) for detail in found["details"] if detail],
        "mistake": None if found["mistake"] is None else str(found["mistake"]),
        "line": None if found["line"] is None else int(found["line"]),
        "loosely": bool(found["loosely"]),
        "explained": bool(found["explained"]),
        "outputs": {str(name): bool(right) for name, right in found["outputs"].items()},
    }


def _say_what_rests_on_what(entries):
    """Name the lowest TODO that a wrong one rests on and that is wrong as well."""
    wrong = {entry["id"] for entry in entries if entry["state"] == "wrong"}
    for entry in entries:
        if entry["id"] in wrong:
            cases = {label for label, right in entry["cases"].items() if right is False}
            entry["below"] = next((id for id in rests_on(TODOS[entry["id"]], cases) if id in wrong), None)
            entry["explained"] = entry["explained"] or entry["below"] is not None


def _digest(seen):
    """Equal for answers with equal outputs, up to rounding."""
    return _hashed("\n".join(f"{label}: {_summary(s)}" for label, s in seen.items()))


def _summary(seen):
    if seen.error is not None:
        return f"{type(seen.error).__name__}: {seen.error}"
    return "; ".join(f"{name} {_written(value)}" for name, value in sorted(seen.outputs.items()))


def _written(value):
    """The numbers of an output to five digits, or what else it is."""
    array = numbers_of(value)
    if array is None:
        return type(value).__name__
    if array.size > 10**5:
        return f"{array.dtype} {array.shape}"
    return f"{array.dtype} {array.shape} " + _hashed(" ".join(f"{x + 0.0:.4e}" for x in array.ravel().astype(float)))


def _hashed(text):
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def source_of(todo, data):
    """The source text of the TODO's function in the bytes of its file; "" if that cannot be parsed."""
    lines = lines_of(todo, data)
    return "\n".join(data.decode(errors="replace").splitlines()[lines.start - 1 : lines.stop - 1]) if lines else ""


@functools.cache
def _remember():
    """From now on work out the cases and what is right of them once: they are the same for every submission."""
    for todo in TODOS.values():
        _remember_one(todo)


def _remember_one(todo):
    cases, expected, work_out = todo.cases(), {}, todo.expected
    known = {tuple(map(id, args)): label for label, args in cases.items()}

    def remembered(*args):
        label = known.get(tuple(map(id, args)))
        if label is None:
            return work_out(*args)
        if label not in expected:
            expected[label] = work_out(*args)
        return expected[label]

    todo.cases, todo.expected = (lambda: dict(cases)), remembered
