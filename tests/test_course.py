"""The course as students get it: what is unwritten is 'todo', what is filled in passes, every notebook runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cs231n.checks.todo import TODOS, all_needs
from tools import editions

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUIET = {"TQDM_DISABLE": "1", "CS231N_DATA": "mini", "CS231N_STRICT": "0", "PYTHONDONTWRITEBYTECODE": "1"}

# Runs in a process of its own, inside the student's folder: evaluates every TODO, fills one, evaluates again ...
FILL_ONE_BY_ONE = """
import importlib, json, sys
root, order = sys.argv[1], sys.argv[2:]
sys.path[:0] = ["."]
sys.path.append(root)
from tools.editions import fill_tree

def states():
    for name in [m for m in sys.modules if m.split(".")[0] == "cs231n"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    from cs231n.checks.verdict import evaluate
    import cs231n.checks
    return {id: evaluate(id).state for id in cs231n.checks.TODOS}

history = [states()]
for id in order:
    fill_tree(".", [id], root)
    history.append(states())
print(json.dumps(history))
"""


def in_dependency_order():
    order = []
    for id in TODOS:
        order += [lower for lower in (*all_needs(TODOS[id]), id) if lower not in order]
    return order


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return editions.build(tmp_path_factory.mktemp("course") / "student")


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
    for n, states in enumerate(history):
        passed = {id for id, state in states.items() if state == "passed"}
        assert passed == set(order[:n]), f"after filling {order[:n]}"
        assert "wrong" not in states.values()


def test_filled_edition_is_the_source(student, tmp_path):
    copy = editions.build(tmp_path / "copy")
    editions.fill_tree(copy, in_dependency_order())
    for path in (copy / "cs231n").rglob("*.py"):
        assert path.read_bytes() == (ROOT / path.relative_to(copy)).read_bytes()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_student_notebook_runs_to_its_end(student, path, monkeypatch):
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(student / "notebooks" / path.name, as_version=4)
    resources = {"metadata": {"path": student / "notebooks"}}
    NotebookClient(notebook, timeout=300, allow_errors=True, kernel_name="python3", resources=resources).execute()
    stops = 0
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        for error in (out for out in cell.outputs if out.output_type == "error"):
            assert error.ename == "NotImplementedError", f"{cell.source}\n{error.ename}: {error.evalue}"
            named = re.fullmatch(r"TODO (\w+): replace this line with your code", error.evalue)
            assert named and named[1] in TODOS
            stops += 1
    assert stops


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
