"""Every notebook of the student edition runs to its end, stopped by nothing but its own unwritten TODOs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cs231n.checks.todo import TODOS
from tools import editions

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUIET = {"TQDM_DISABLE": "1", "CS231N_DATA": "mini", "CS231N_STRICT": "0", "PYTHONDONTWRITEBYTECODE": "1"}

# What needs no answer runs in full even here, and long. The test is of errors, not of results, so that a cell of its
# own, right after the notebook's imports, lets that do less: fewer steps, and fewer pictures.
DIGITS = """
import cs231n.datasets.digits

cs231n.datasets.digits.VARIANTS = 1
"""
LIGHTER = {
    "NetworkVisualization": """
from functools import partial

create_fourier_visualization = partial(create_fourier_visualization, num_iterations=2)
smooth_grad = partial(smooth_grad, samples=2)
integrated_gradients = partial(integrated_gradients, steps=2)
""",
    "GANs": DIGITS,
    "extras": DIGITS
    + """
of_all = with_spatial_features


def with_spatial_features(data):
    return of_all(data | {urls: data[urls][:60] for urls in ("train_urls", "val_urls")})
""",
}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return editions.build(tmp_path_factory.mktemp("course") / "student")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_student_notebook_runs_to_its_end(student, path, monkeypatch):
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(student / "notebooks" / path.name, as_version=4)
    if path.stem in LIGHTER:
        first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(LIGHTER[path.stem]))
    resources = {"metadata": {"path": student / "notebooks"}}
    NotebookClient(notebook, timeout=300, allow_errors=True, kernel_name="python3", resources=resources).execute()
    stops = 0
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        assert cell.execution_count, f"not run:\n{cell.source}"
        for error in (out for out in cell.outputs if out.output_type == "error"):
            assert error.ename == "NotImplementedError", f"{cell.source}\n{error.ename}: {error.evalue}"
            named = re.fullmatch(r"TODO (\w+): replace this line with your code", error.evalue)
            assert named and named[1] in TODOS
            stops += 1
    assert stops
