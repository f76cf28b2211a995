"""`python -m cs231n.checks [NOTEBOOK or TODO id ...]`: every TODO with its state, in the terminal."""

import sys

from rich.console import Console
from rich.table import Table

from .show import LOOK, ProgressTable, ResultCard
from .todo import TODOS, find
from .verdict import evaluate


def main(names):
    """Print a table of all TODOs, or of some notebooks', or a card for each id; 0 if all passed, else 1."""
    notebooks = {todo.notebook for todo in TODOS.values()}
    chosen = [n for n in names if n in notebooks] if names else notebooks
    try:
        cards = [evaluate(find(n).id) for n in names if n not in notebooks]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for result in cards:
        print(ResultCard(result))
    results = [evaluate(id, explained=False) for id, todo in TODOS.items() if todo.notebook in chosen]
    if results:
        print_table(results)
    return int(any(r.state != "passed" for r in cards + results))


def print_table(results):
    console, table = Console(), Table("notebook", "TODO", "", "state", box=None)
    for notebook, id, sign, why, colour in ProgressTable(results).rows():
        table.add_row(notebook, id, f"[{colour}]{sign}[/]", f"[{colour}]{why}[/]")
    console.print(table)
    done = sum(r.state == "passed" for r in results)
    full = round(30 * done / len(results))
    console.print(f"[{LOOK['passed'][1]}]{'━' * full}[/][dim]{'━' * (30 - full)}[/] {done} of {len(results)} done")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
