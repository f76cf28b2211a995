"""The parts of extras.ipynb stand alone: none uses what another's cells define, nor, guidance apart, its answers.

Whether the names are there is looked up in every run; CS231N_ALL=1 runs each part in a student's edition in which the
other parts are unwritten, which takes as long as the notebook itself.
"""

import ast
import builtins
import importlib
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cs231n.checks.todo import TODOS, all_needs
from tools import editions

ROOT = Path(__file__).resolve().parent.parent
STRICT = {"TQDM_DISABLE": "1", "CS231N_DATA": "mini", "CS231N_STRICT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
ALSO = {"drop_labels": ("add_noise", "noise_loss", "denoise_step")}  # what a part's training rests on, as its text says


@dataclass
class Part:
    title: str
    cells: list = field(default_factory=list)  # of code

    @property
    def ids(self):
        """The TODOs that it checks."""
        called = re.findall(r"\bcheck\(([^)]*)\)", "\n".join(cell.source for cell in self.cells))
        return [id for names in called for id in re.findall(r'"(\w+)"', names)]


def parts_of(notebook):
    """The code cells before the first heading of the second level, and a Part for each such heading."""
    parts = [Part("first cells")]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts[-1].cells.append(cell)
        elif titles := re.findall(r"^## (.+)$", cell.source, re.MULTILINE):
            parts.append(Part(titles[-1]))
    return parts


def tree(cell):
    """A cell as it was parsed, without the lines that are IPython's own."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE))


def defined(cells):
    """All names that the cells give a meaning to, wherever in them."""
    names = set()
    for node in (node for cell in cells for node in ast.walk(tree(cell))):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            names |= {name for name in vars(importlib.import_module(node.module)) if not name.startswith("_")}
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def used(cells):
    loads = (node for cell in cells for node in ast.walk(tree(cell)) if isinstance(node, ast.Name))
    return {node.id for node in loads if isinstance(node.ctx, ast.Load)}


def missing(parts):
    """{title: names} of what each part uses and neither it nor the first cells define."""
    first, *others = parts
    known = defined(first.cells) | set(dir(builtins))
    found = {part.title: used(part.cells) - defined(part.cells) - known for part in others}
    return {title: names for title, names in found.items() if names}


NOTEBOOK = nbformat.read(ROOT / "notebooks/extras.ipynb", as_version=4)
FIRST, *PARTS = parts_of(NOTEBOOK)
WITH_TODOS = [part for part in PARTS if part.ids]


def test_every_part_is_found():
    assert len(FIRST.cells) == 1
    ids = Counter(id for part in PARTS for id in part.ids)
    assert ids == Counter(id for id, todo in TODOS.items() if todo.notebook == "extras")


def test_each_part_has_all_that_it_uses():
    assert not missing([FIRST, *PARTS])


def test_what_is_missing_is_seen():
    cells = [("markdown", "# Extras"), ("code", "%load_ext x\nimport os"), ("markdown", "## One"),
             ("code", "a, b = 1, os\ndef f(x): return a"), ("markdown", "text\n## Two\ntext"),
             ("code", "print(f(b), [a for a in 'xy'], nowhere)")]  # fmt: skip
    new = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    parts = parts_of(nbformat.v4.new_notebook(cells=[new[kind](source) for kind, source in cells]))
    assert [part.title for part in parts] == ["first cells", "One", "Two"]
    assert missing(parts) == {"Two": {"b", "f", "nowhere"}}


def filled_for(part):
    """The ids that are written where only this part is: its own, what they need, and all other notebooks'."""
    needed = {*part.ids, *(also for id in part.ids for also in ALSO.get(id, ()))}
    needed |= {lower for id in needed for lower in all_needs(TODOS[id])}
    return [id for id, todo in TODOS.items() if todo.notebook != "extras" or id in needed]


@pytest.mark.skipif(not os.environ.get("CS231N_ALL"), reason="minutes: CS231N_ALL=1 runs every part by itself")
@pytest.mark.parametrize("part", WITH_TODOS, ids=lambda part: part.title)
def test_a_part_runs_with_the_others_unwritten(part, tmp_path, monkeypatch):
    for name, value in STRICT.items():
        monkeypatch.setenv(name, value)
    student = editions.build(tmp_path / "student")
    editions.fill_tree(student, filled_for(part))
    notebook = nbformat.read(student / "notebooks/extras.ipynb", as_version=4)
    first, *parts = parts_of(notebook)
    (mine,) = [p for p in parts if p.title == part.title]
    notebook.cells = [cell for cell in (*first.cells, *mine.cells) if not cell.source.startswith("progress(")]
    resources = {"metadata": {"path": student / "notebooks"}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
