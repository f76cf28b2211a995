"""What other programs read: grades.csv for spreadsheets and learning platforms, results.json for Gradescope."""

import csv
import json
import math
from pathlib import Path

from cs231n.checks import TODOS

from .cards import card_of, cases_in_words, in_order, is_right, readable

FORMULA = "=+-@"  # what a spreadsheet takes for the beginning of one
# What pandas takes for no value at all, be it a student's own name.
NOTHING = {"", "#n/a", "n/a", "na", "<na>", "nan", "null", "none"}


def columns(records):
    """The ids of all TODOs in some records, in the order of the course; those that it does not know come last."""
    found = {todo["id"]: None for record in records for todo in record["todos"]}
    return [id for id in TODOS if id in found] + [id for id in found if id not in TODOS]


def points(value):
    """Points as they are written: two decimals at most; a number that is none counts as 0."""
    return round(float(value), 2) if math.isfinite(value) else 0.0


def write_csv(records, path):
    """Write grades.csv: student, points, of, a column of points for each TODO, notes; a row a student, by name.

    Read by pandas as it is (no cell is empty) and by spreadsheets (UTF-8 with the mark that Excel needs for umlauts; no
    text is a formula, nor part of one where cells end at semicolons).
    """
    records = in_order(records)
    ids = columns(records)
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["student", "points", "of", *map(_text, ids), "notes"])
        for record in records:
            earned = {todo["id"]: points(todo["points"]) for todo in record["todos"]}
            numbers = [points(record["points"]), points(record["of"]), *(earned.get(id, 0.0) for id in ids)]
            writer.writerow(
                [_text(record["student"]), *numbers, _text("; ".join(record["notes"]) or "nothing to note")]
            )


def _text(text):
    """On one line; with an apostrophe in front where a program would take it for a formula, or for nothing."""
    text = " ".join(readable(text).split())
    return f"'{text}" if text.startswith(tuple(FORMULA)) or text.lower() in NOTHING else text


def gradescope(record):
    """The results.json of one submission, with the documented fields only; the score is the sum of its tests'."""
    tests = [_test(todo, number) for number, todo in enumerate(record["todos"], 1)]
    passed = sum(map(is_right, record["todos"]))
    lines = [f"{passed} of {len(tests)} TODOs are right.", *map(readable, record["notes"])]
    mistakes = {todo["id"]: readable(todo["mistake"]) for todo in record["todos"] if todo["mistake"]}
    return {
        "execution_time": round(record["seconds"]),
        "output": "\n".join(lines),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"version": record["version"], "mistakes": mistakes},
    }


def _test(todo, number):
    return {
        "score": points(todo["points"]),
        "max_score": points(todo["max_points"]),
        "status": "passed" if is_right(todo) else "failed",
        "name": todo["id"],
        "number": str(number),
        "output": readable("\n".join(_told(todo))),
        "output_format": "text",
        "tags": [todo["notebook"]],
        "visibility": "visible",
    }


def _told(todo):
    """What a student reads of a TODO: the card, and how many kinds of input are right."""
    if todo["alarm"]:
        yield f"No points: {todo['alarm']}."
    yield repr(card_of(todo))
    if todo["state"] == "wrong":
        yield f"{todo['right']} of {todo['of']} kinds of input count as right."
        yield from (f"  {word}: {labels}" for word, labels in cases_in_words(todo))


def write_results(record, path):
    """Write Gradescope's results.json for one submission."""
    Path(path).write_text(json.dumps(gradescope(record), indent=1), encoding="utf-8")
