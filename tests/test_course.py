"""The course as students get it: what is unwritten is 'todo', what is filled in passes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cs231n.checks.todo import TODOS, all_needs
from tools import editions

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUIET = {"TQDM_DISABLE": "1", "CS231N_DATA": "mini", "CS231N_STRICT": "0", "PYTHONDONTWRITEBYTECODE": "1"}

# Runs in a process of its own, inside the student's folder: evaluates every TODO, fills one, evaluates again ...
# A filling can change the states of what is unfilled, of what stands in its file, and of what rests on it. Only these
# are evaluated after it, and all once more at the end; a solution's check takes much longer than a raise's.
FILL_ONE_BY_ONE = """
import functools, json, sys
root, order = sys.argv[1], sys.argv[2:]
sys.path[:0] = ["."]
sys.path.append(root)
from tools import editions
from cs231n.checks.todo import TODOS, rests_on
from cs231n.checks.verdict import evaluate
import cs231n.checks

editions.todo_ids = functools.cache(editions.todo_ids)  # the solved source stays as it is

def forget_what_students_write():
    for name in [m for m in sys.modules if m.startswith("cs231n.") and not m.startswith("cs231n.checks")]:
        del sys.modules[name]
        vars(cs231n).pop(name.split(".")[1], None)  # `from . import optim` would find the old one there

def can_change(id, filled):
    for other, todo in TODOS.items():
        if other not in filled or todo.file == TODOS[id].file or id in rests_on(todo):
            yield other

def states(ids):
    return {id: evaluate(id).state for id in ids}

history = [states(TODOS)]
for n, id in enumerate(order):
    editions.fill_tree(".", [id], root)
    forget_what_students_write()
    history.append(history[-1] | states(can_change(id, order[:n])))
history.append(states(TODOS))
print(json.dumps(history))
"""


def in_dependency_order():
    order = []
    for id in TODOS:
        order += [lower for lower in (*all_needs(TODOS[id]), id) if lower not in order]
    return order


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = editions.build(tmp_path_factory.mktemp("filled") / "student")
    command = [sys.executable, "-c", FILL_ONE_BY_ONE, str(ROOT), *in_dependency_order()]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_id_has_one_marker_and_one_check():
    assert list(editions.todo_ids()) and set(editions.todo_ids()) == set(TODOS)


def test_every_check_names_the_file_of_its_marker():
    for id, (path, _) in editions.todo_ids().items():
        assert TODOS[id].file == Path(path).as_posix()


def test_unfilled_is_todo(history):
    assert history[0] == dict.fromkeys(TODOS, "todo")


def test_what_passes_is_what_is_filled(history):
    order = in_dependency_order()
    assert len(history) == len(order) + 2  # the last one: all of them once more, when all are filled
    for n, states in enumerate(history):
        passed = {id for id, state in states.items() if state == "passed"}
        assert passed == set(order[:n]), f"after filling {order[:n]}"
        assert "wrong" not in states.values()


def test_a_card_names_the_students_own_file(tmp_path):
    copy = editions.build(tmp_path / "my copy")
    command = [sys.executable, "-m", "cs231n.checks", "rnn_step_forward"]
    done = subprocess.run(command, cwd=copy, env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=300)
    assert "Look for TODO(rnn_step_forward) in my copy/cs231n/rnn_layers.py" in done.stdout
    assert TODOS["rnn_step_forward"].place == "cs231n/rnn_layers.py"


def test_filled_edition_is_the_source(tmp_path):
    copy = editions.build(tmp_path / "copy")
    editions.fill_tree(copy, in_dependency_order())
    for path in (copy / "cs231n").rglob("*.py"):
        assert path.read_bytes() == (ROOT / path.relative_to(copy)).read_bytes()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_notebook_is_executed_in_order(path):
    """Strict nbval passes over cells without an execution count, so that a stale cell would go unseen."""
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert path.stat().st_size < 3e6
    assert not any(out.output_type == "error" for cell in notebook.cells for out in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_checks_every_todo_of_its_own(path):
    text = path.read_text(encoding="utf-8")
    for id, todo in TODOS.items():
        if todo.notebook == path.stem:
            assert re.search(rf"check\([^)]*\\\"{id}\\\"", text), f"{path.name} has no check cell for {id}"
