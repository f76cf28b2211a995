"""Execute the notebooks in place and write them as pages: `python -m tools.notebooks [NAME ...]`.

`make run` calls this under the very settings that `make test` compares the recorded outputs with.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "html"
# nbconvert's own pages say of every figure that no description was provided, even if its metadata holds one.
TEMPLATE = """
{%- extends "lab/index.html.j2" -%}
{%- macro figure(output, kind) -%}
<div class="jp-RenderedImage jp-OutputArea-output">
<img src="data:{{ kind }};base64,{{ output.data[kind] | escape_html }}"
{%- for name in ("alt", "width", "height") if output | get_metadata(name, kind) %}
{{ name }}="{{ output | get_metadata(name, kind) | escape_html }}"
{%- endfor %}></div>
{%- endmacro -%}
{%- block data_png -%}{{ figure(output, "image/png") }}{%- endblock -%}
{%- block data_jpg -%}{{ figure(output, "image/jpeg") }}{%- endblock -%}
"""
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(path):
    """Run a notebook top to bottom and save it with its outputs; a failing cell leaves the file as it was."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    _tidy(notebook)
    temporary = path.with_suffix(".tmp")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    return notebook


def _tidy(notebook):
    """Leave out run times, which change with every run, and name the kernel as JupyterLab does.

    JupyterLab would write the same names, so that a notebook that is only looked at stays as it is.
    """
    notebook.metadata = {"kernelspec": KERNEL, "language_info": notebook.metadata["language_info"]}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


def write_page(path, notebook):
    PAGES.mkdir(parents=True, exist_ok=True)
    templates = DictLoader({"described.html.j2": TEMPLATE})
    exporter = HTMLExporter(template_file="described.html.j2", extra_loaders=[templates])
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    page = PAGES / f"{path.stem}.html"
    page.write_text(body, encoding="utf-8")
    return page


def main(names):
    """Execute the named notebooks, or all; 1 if a cell failed."""
    failed = 0
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        began = time.monotonic()
        try:
            page = write_page(path, execute(path))
        except CellExecutionError as error:
            print(f"{path.name}: a cell failed, the notebook is left as it was\n{error}", file=sys.stderr)
            failed = 1
            continue
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {time.monotonic() - began:.0f} s, {size:.1f} MB; {page.relative_to(ROOT)}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
