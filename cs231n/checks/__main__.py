"""Every TODO with its state, in the terminal: python -m cs231n.checks --help."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import edition, journal
from .console import fit_output
from .record import as_json
from .show import ProgressTable, ResultCard
from .survey import survey
from .todo import TODOS, find
from .verdict import evaluate
from .way import Way

STYLES = {"passed": "green", "todo": "dim", "waiting": "dim", "wrong": "red"}  # as the terminal's own theme has them


def parser():
    """The command's options."""
    p = argparse.ArgumentParser(
        prog="python -m cs231n.checks", description="Check the TODOs of the edition in this folder."
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="a notebook (RNN) or a TODO (rnn_forward); all if none is given"
    )
    p.add_argument(
        "--edition", metavar="FOLDER", type=Path, help="check the edition in this folder instead, say student"
    )
    p.add_argument("--json", action="store_true", help="print JSON for other programs; checks/record.py describes it")
    return p


def main(argv=None):
    """Run the command; the exit status: 0 if all passed, 1 if not, 2 if it was called wrongly."""
    args = parser().parse_args(argv)
    fit_output()
    if args.edition is None:
        return show_json(args.names) if args.json else show(args.names)
    if not (args.edition / "cs231n" / "checks").is_dir():
        print(f"there is no edition of the course in {args.edition}; name the folder above its cs231n", file=sys.stderr)
        return 2
    more = [*args.names, *["--json"] * args.json]
    return subprocess.call([sys.executable, "-m", "cs231n.checks", *more], cwd=args.edition)


def chosen(names):
    """(ids that are named, ids of the notebooks that are named); those of all notebooks if there are no names."""
    notebooks = {todo.notebook for todo in TODOS.values()}
    ids = [find(name).id for name in names if name not in notebooks]
    return ids, [id for id, todo in TODOS.items() if not names or todo.notebook in names]


def show_json(names):
    """Print one JSON object, whatever students' code prints; 0 if all passed, 1 if not, 2 if a name is unknown."""
    try:
        ids = set().union(*chosen(names))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    entries = {entry["id"]: entry for entry in survey([id for id in TODOS if id in ids])}
    whole = as_json([entries[id] for id in TODOS if id in ids])
    print(json.dumps(whole, indent=1))
    return int(whole["passed"] < whole["of"])


def show(names):
    """Print a table of all TODOs, or of some notebooks', or a card for each id; 0 if all passed, else 1."""
    try:
        named, listed = chosen(names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    cards = [evaluate(id) for id in named]
    yours = "".join(f"; yours: python -m cs231n.checks --edition {name}" for name in edition.beside())
    print(f"This is {edition.described()}{yours}")
    for result in cards:
        print(ResultCard(result))
        journal.note(result.id, result.state, result.mistake)
    results = [evaluate(id, explained=False) for id in listed]
    if results:
        journal.note_news(results)
        print_table(results)
    return int(any(r.state != "passed" for r in cards + results))


def print_table(results):
    console, table = Console(), Table("notebook", "TODO", "", "state", box=None)
    for result, (notebook, id, sign, why, _) in zip(results, ProgressTable(results).rows()):
        style = STYLES[result.state]
        table.add_row(notebook, id, Text(sign, style), Text(why, style))  # brackets in a reason are no markup
    console.print(table)
    done = sum(r.state == "passed" for r in results)
    full = round(30 * done / len(results))
    console.print(f"[{STYLES['passed']}]{'━' * full}[/][dim]{'━' * (30 - full)}[/] {done} of {len(results)} done")
    if way := Way.so_far(results):
        print(way)


if __name__ == "__main__":
    sys.exit(main())
