"""What checks found, as JSON for other programs: what `python -m cs231n.checks --json` prints, version 1.

    {"version": 1, "edition": "student" or "solved", "passed": 31, "of": 50, "todos": [entry, ...]}

An entry has a TODO's
    id, notebook  by which the course knows it
    state         "passed", "todo" (not started), "waiting" (for another TODO) or "wrong"
    cases         {label: true, false, or null where the case belongs to a later stage of the course}
    right, of     how many of the cases that count are right; neither those that are null count, nor those that ask for
                  more than the contract and so cost a remark only
    reason        why, in a sentence; details: more of them
    mistake       the title of the recorded mistake that the answer is, or null; loosely: it was seen in one case only
    below         the id of the TODO that it builds on and that is wrong as well, or null
    line          of the student's file, where the mistake was found, or null
    remarks       what a passed answer lacks beyond the contract
    outputs       {name: whether it is right in every case}, where that was looked into
    explained     whether the reason goes beyond "wrong values"
    seconds       that the check took, or null

A field that is added leaves the version as it is; one that goes, or comes to mean something else, makes it the next.
"""

from .edition import kind
from .todo import find

VERSION = 1


def todo_as_json(result, seconds=None):
    """The entry of a Result, as a dict that json.dumps takes."""
    todo = find(result.id)
    counted = [right for label, right in result.cases.items() if right is not None and label not in todo.beyond]
    return {
        "id": result.id,
        "notebook": todo.notebook,
        "state": result.state,
        "cases": {label: None if right is None else bool(right) for label, right in result.cases.items()},
        "right": sum(map(bool, counted)),
        "of": len(counted),
        "reason": result.reason,
        "details": [line for line in result.details if line],
        "mistake": result.mistake,
        "loosely": bool(result.loosely),
        "below": result.below,
        "line": result.line,
        "remarks": list(result.remarks),
        "outputs": {name: bool(right) for name, right in result.outputs.items()},
        "explained": bool(result.explained),
        "seconds": seconds,
    }


def as_json(entries):
    """Some entries as the whole that is printed, a dict."""
    passed = sum(entry["state"] == "passed" for entry in entries)
    return {"version": VERSION, "edition": kind(), "passed": passed, "of": len(entries), "todos": list(entries)}
