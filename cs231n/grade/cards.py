"""What one TODO of a student's record says: its card, its state in words, and the texts made fit to be shown."""

import re
import unicodedata

from cs231n.checks.result import Result
from cs231n.checks.show import LOOK, ResultCard

SIGNS = {  # kind -> sign, words
    "passed": (LOOK["passed"][0], "passed"),
    "remark": (LOOK["passed"][0], "passed, with a remark"),
    "wrong": (LOOK["wrong"][0], "wrong"),
    "waiting": (LOOK["waiting"][0], "waiting"),
    "todo": (LOOK["todo"][0], "not started"),
    "alarm": ("!", "alarm"),
    "missing": ("–", "not graded"),
}
# Control characters and halves of characters break files; the marks that turn text around make code seem another.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def readable(text):
    """A text of a student's program without characters that cannot be written or that hide what stands there."""
    return UNFIT.sub("\ufffd", str(text))


def in_order(records):
    """The records by their students' names, whichever was graded first."""
    return sorted(records, key=lambda record: (*_name_key(record["student"]), record["student"]))


def _name_key(name):
    """Umlauts stand beside their vowels."""
    return unicodedata.normalize("NFKD", name).casefold(), name.casefold()


def kind_of(todo):
    """Which of SIGNS a TODO's entry has; todo: None where the record has none."""
    if todo is None:
        return "missing"
    if todo["alarm"]:
        return "alarm"
    return "remark" if todo["state"] == "passed" and todo["remarks"] else todo["state"]


def in_words(todo):
    """Its state in words: "wrong, 3 of 5"."""
    kind = kind_of(todo)
    return f"{SIGNS[kind][1]}, {todo['right']} of {todo['of']}" if kind == "wrong" else SIGNS[kind][1]


def is_right(todo):
    return todo["state"] == "passed" and not todo["alarm"]


def card_of(todo):
    """The card that the student's own check shows, made of a record's entry."""
    label = next((label for label, right in todo["cases"].items() if right is False), None)
    same = {name: todo[name] for name in ("id", "state", "reason", "mistake", "below", "line", "loosely", "explained")}
    # Found by way of a change: then the mistake named is only part of what is wrong.
    changes = [todo["line"]] if todo["line"] and todo["mistake"] and not todo["loosely"] else []
    return ResultCard(
        Result(
            **same, label=label, changes=changes, details=list(todo["details"]), remarks=list(todo["remarks"]),
            outputs=todo["outputs"],
        )
    )  # fmt: skip


def cases_in_words(todo):
    """Which kinds of input are right, which are wrong, and which were not reached: (sign and words, labels) of each."""
    words = {True: "✓ right", False: "✗ wrong", None: "… not asked yet"}
    for value, word in words.items():
        labels = [label for label, right in todo["cases"].items() if right is value]
        if labels:
            yield word, ", ".join(labels)
