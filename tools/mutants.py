"""How many slips are explained: `python -m tools.mutants [--each 8] [--seed 0] [TODO ...]`.

Single slips are made in every solution, mechanically, and each is checked as if a student had written it. Of those
that are caught, it is counted which were named (a known mistake), located (in the changed line, or elsewhere) or
related to the right numbers; what none of these explains is listed, and so is what no check catches.
"""

import argparse
import ast
import collections
import difflib
import importlib
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cs231n.checks.explain import slips
from cs231n.checks.explain.search import edits
from cs231n.checks.explain.source import Source
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate

KINDS = ("named", "located", "related", "told an error's line", "elsewhere", "unexplained", "alive")


@dataclass
class Outcome:
    """What the check made of one slip."""

    id: str
    before: str
    after: str
    kind: str
    seconds: float
    said: str


def mutants(todo, function):
    """(source text, changed lines, before, after) of every single slip in a function that compiles."""
    source = Source(todo, function)
    right = _text(source.functions)
    scope = slips.Scope(source.functions, source.attributes())
    for edit in edits(source.functions, scope):
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


def _text(functions):
    return "\n\n\n".join(ast.unparse(ast.fix_missing_locations(f)) for f in reversed(functions)) + "\n"


def _changed_lines(right, wrong):
    """The lines of the wrong text that differ, with their neighbours where lines are missing."""
    matcher = difflib.SequenceMatcher(None, right.splitlines(), wrong.splitlines(), autojunk=False)
    blocks = [op[3:5] for op in matcher.get_opcodes() if op[0] != "equal"]
    return {line + 1 for first, last in blocks for line in range(first - (first == last), last + (first == last))}


def try_out(todo, text, folder):
    """(Result, seconds) of an answer given as source text; its forward pass may be beside its backward pass."""
    owner = importlib.import_module(todo.module)
    path = Path(folder) / f"answer_{abs(hash(text))}.py"
    path.write_text(text, encoding="utf-8")
    namespace = dict(vars(owner))
    exec(compile(text, str(path), "exec"), namespace)
    *classes, name = todo.attribute.split(".")
    for part in classes:
        owner = getattr(owner, part)
    names = {name, getattr(todo, "forward", todo).attribute} & namespace.keys()
    began = time.perf_counter()
    with mock.patch.multiple(owner, **{name: namespace[name] for name in names}):
        result = evaluate(todo.id)
    return result, time.perf_counter() - began


def outcome(todo, mutant, folder):
    text, changed, before, after = mutant
    result, seconds = try_out(todo, text, folder)
    if result.state == "passed":
        kind = "alive"
    elif result.line is not None:
        kind = "located" if {change.line for change in result.changes} & changed else "elsewhere"
    elif result.mistake:
        kind = "named"
    elif result.explained:
        kind = "related"
    else:
        lines = {int(w) for d in result.details if d.startswith("line ") for w in d.split()[1:2] if w.isdigit()}
        kind = "told an error's line" if lines & changed else "unexplained"
    said = " | ".join([result.mistake or result.reason, *result.details])
    return Outcome(todo.id, before, after, kind, seconds, said)


def main(args=None):
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=8, help="slips tried in each TODO's solution")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true", help="print the counts alone")
    parser.add_argument("ids", nargs="*", metavar="TODO")
    options = parser.parse_args(args)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for id in options.ids or TODOS:
            found = list(mutants(TODOS[id], TODOS[id].live()))
            chosen = random.Random(options.seed).sample(found, min(options.each, len(found)))
            outcomes = [outcome(TODOS[id], mutant, folder) for mutant in chosen]
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
