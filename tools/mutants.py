"""How many slips are explained: `python -m tools.mutants [--each 8] [--seed 0] [TODO ...]`.

Single slips are made, mechanically, in every solution and in a right answer that is written otherwise; each is checked
as if a student had written it. Of those that are caught, it is counted which were named (a known mistake), located (in
the changed line, or elsewhere) or related to the right numbers; what none of these explains is listed, and so is what
no check catches.
"""

import argparse
import ast
import collections
import contextlib
import difflib
import functools
import importlib
import itertools
import pkgutil
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cs231n.checks.explain import slips
from cs231n.checks.explain.edits import edits
from cs231n.checks.explain.source import Source
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate

KINDS = ("named", "located", "related", "elsewhere", "unexplained", "alive")


@dataclass
class Outcome:
    """What the check made of one slip."""

    id: str
    before: str
    after: str
    kind: str
    seconds: float
    said: str


def mutants(todo, function, shuffle):
    """(source text, changed lines, before, after) of the single slips in a function that compile, in shuffled order."""
    source = Source(todo, function)
    right = _text(source.functions)
    found = list(edits(source.functions, slips.Scope(source.functions, source.attributes()), source.answer))
    shuffle(found)
    for edit in found:
        try:
            with edit:
                text = _text(source.functions)
                compile(text, "mutant", "exec")
        except Exception:
            continue
        changed = _changed_lines(right, text)
        if changed:
            change = edit.change()
            yield text, changed, change.before, change.after


def right_answers(todo):
    """(function, forward pass or None) of the solution, and of a right answer that is written otherwise."""
    yield todo.live(), None
    for answer in written_otherwise():
        if answer.id == todo.id and not answer.remark and not answer.function.__code__.co_freevars:
            yield answer.function, answer.forward
            return


@functools.cache
def written_otherwise():
    """The right answers of the tests, written as other people would."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    import right_answers as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"right_answers.{module.name}")
    return package.ANSWERS


def _text(functions):
    return "\n\n\n".join(ast.unparse(ast.fix_missing_locations(f)) for f in reversed(functions)) + "\n"


def _changed_lines(right, wrong):
    """The lines of the wrong text that differ, with their neighbours where lines are missing."""
    matcher = difflib.SequenceMatcher(None, right.splitlines(), wrong.splitlines(), autojunk=False)
    blocks = [op[3:5] for op in matcher.get_opcodes() if op[0] != "equal"]
    return {line + 1 for first, last in blocks for line in range(first - (first == last), last + (first == last))}


def try_out(todo, text, folder, like=None, forward=None):
    """(Result, seconds) of an answer given as source text.

    like: the function whose name and surroundings the answer's have (the solution's). forward: the forward pass whose
    cache a backward pass reads (the solution's, or one that stands in the text).
    """
    path = Path(folder) / f"answer_{abs(hash(text))}.py"
    path.write_text(text, encoding="utf-8")
    like = like or todo.live()
    namespace = dict(like.__globals__)
    exec(compile(text, str(path), "exec"), namespace)
    below = getattr(todo, "forward", None)
    if below and namespace.get(below.attribute) is not like.__globals__.get(below.attribute):
        forward = namespace[below.attribute]
    began = time.perf_counter()
    with _in_place_of(todo, namespace[like.__name__]), _in_place_of(below, forward):
        result = evaluate(todo.id)
    return result, time.perf_counter() - began


def _in_place_of(todo, function):
    """A context in which a function stands in the place of the answer to a TODO, if there is one."""
    if function is None:
        return contextlib.nullcontext()
    owner = importlib.import_module(todo.module)
    *classes, name = todo.attribute.split(".")
    for part in classes:
        owner = getattr(owner, part)
    return mock.patch.object(owner, name, function)


def outcome(todo, mutant, folder, like, forward):
    text, changed, before, after = mutant
    result, seconds = try_out(todo, text, folder, like, forward)
    if result.state == "passed":
        kind = "alive"
    elif result.line is not None:
        kind = "located" if {result.line, *(change.line for change in result.changes)} & changed else "elsewhere"
    elif result.mistake:
        kind = "named"
    else:
        kind = "related" if result.explained else "unexplained"
    said = " | ".join([result.mistake or result.reason, *result.details])
    return Outcome(todo.id, before, after, kind, seconds, said)


def main(args=None):
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=8, help="slips tried in each TODO's solution")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true", help="print the counts alone")
    parser.add_argument("ids", nargs="*", metavar="TODO")
    options = parser.parse_args(args)
    if unknown := set(options.ids) - set(TODOS):
        parser.error(f"there is no TODO {', '.join(sorted(unknown))}; python -m tools.editions --list names them all")
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for id in options.ids or TODOS:
            outcomes = []
            for like, forward in right_answers(TODOS[id]):
                found = mutants(TODOS[id], like, random.Random(options.seed).shuffle)
                chosen = itertools.islice(found, options.each)
                outcomes += [outcome(TODOS[id], mutant, folder, like, forward) for mutant in chosen]
            counts.update(o.kind for o in outcomes)
            _report(id, outcomes, options.quiet)
    caught = counts.total() - counts["alive"]
    print(f"{counts.total()} slips, {caught} caught; of these " + ", ".join(f"{k} {counts[k]}" for k in KINDS[:-1]))
    return counts


def _report(id, outcomes, quiet):
    seconds = sorted(o.seconds for o in outcomes) or [0]
    tally = collections.Counter(o.kind for o in outcomes)
    print(f"{id:32} {dict(tally)}  median {seconds[len(seconds) // 2]:.1f} s, worst {seconds[-1]:.1f} s", flush=True)
    for o in outcomes:
        if not quiet and o.kind in ("elsewhere", "unexplained", "alive"):
            print(f"    {o.kind}: {o.before!r} -> {o.after!r}\n        {o.said[:200]}")


if __name__ == "__main__":
    main(sys.argv[1:])
