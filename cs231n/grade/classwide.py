"""What the records of a class say together: its numbers, what it stumbles over, and what no check explains yet."""

import re
import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from .cards import is_right, kind_of
from .tables import columns

BINS = 10  # of the figure that shows how points are distributed
OF_A_LINE = re.compile(r" in line \d+\b|\bline \d+: ")


@dataclass
class Mistake:
    """What several students got wrong in the same way: named by a recorded mistake, or as a check found it."""

    id: str
    text: str
    named: bool
    students: list = field(default_factory=list)  # positions in the records


@dataclass
class Unexplained:
    """Wrong answers to one TODO that gave equal outputs in every case, and for which no reason is known."""

    entry: dict  # of the first student
    students: list = field(default_factory=list)


def entries(records):
    """(position of the record, a TODO's entry) of all that was graded."""
    return ((n, todo) for n, record in enumerate(records) for todo in record["todos"])


def notebooks(records):
    """{notebook: ids of its TODOs}, in the order of the course."""
    where = {todo["id"]: todo["notebook"] for _, todo in entries(records)}
    found = defaultdict(list)
    for id in columns(records):
        found[where[id]].append(id)
    return dict(found)


def finished(records):
    """{notebook: how many students have all its TODOs right}."""
    right = [{todo["id"] for todo in record["todos"] if is_right(todo)} for record in records]
    return {name: sum(done >= set(ids) for done in right) for name, ids in notebooks(records).items()}


def numbers(records):
    """The points that there are to have, and the class's mean and median (0 without students)."""
    earned = [record["points"] for record in records] or [0]
    of = max((record["of"] for record in records), default=0)
    return {"of": of, "mean": statistics.fmean(earned), "median": statistics.median(earned)}


def distribution(records):
    """How many students have how many points: BINS counts, from none to all; full marks count in the last."""
    of, counts = numbers(records)["of"], [0] * BINS
    for record in records:
        counts[min(int(BINS * record["points"] / of), BINS - 1) if of else 0] += 1
    return counts


def by_todo(records):
    """{id: {kind of cards.SIGNS: how many students}}."""
    counts = {id: defaultdict(int) for id in columns(records)}
    for _, todo in entries(records):
        counts[todo["id"]][kind_of(todo)] += 1
    return counts


def mistakes(records):
    """The Mistakes of a class, the most frequent first."""
    found = {}
    for n, todo in entries(records):
        text, named = _why(todo)
        if text and kind_of(todo) == "wrong":
            found.setdefault((todo["id"], text), Mistake(todo["id"], text, named)).students.append(n)
    return sorted(found.values(), key=lambda m: -len(m.students))


def _why(todo):
    """(reason of a wrong answer, whether it is a recorded mistake); "" if there is none beyond its wrong values."""
    if todo["mistake"]:
        return todo["mistake"], True
    if not todo["explained"]:
        return "", False
    found = todo["details"][0] if todo["line"] and todo["details"] else todo["reason"]
    return OF_A_LINE.sub("", found), False  # the same slip stands in another line of another file


def unexplained(records):
    """The groups of Unexplained answers, the largest first; an answer without a digest is equal to no other."""
    found = {}
    for n, todo in entries(records):
        if kind_of(todo) == "wrong" and not todo["explained"]:
            key = todo["id"], todo["digest"] or n
            found.setdefault(key, Unexplained(todo)).students.append(n)
    return sorted(found.values(), key=lambda group: -len(group.students))


def alarms(records):
    """(position of the record, entry) of each answer that did what none may."""
    return [(n, todo) for n, todo in entries(records) if todo["alarm"]]
