"""Execute the notebooks in place: `python -m tools.notebooks [NAME ...]`.

`make run` calls this under the very settings that `make test` compares the recorded outputs with.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
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


def _tidy(notebook):
    """Leave out run times, which change with every run, and name the kernel as JupyterLab does.

    JupyterLab would write the same names, so that a notebook that is only looked at stays as it is.
    """
    notebook.metadata = {"kernelspec": KERNEL, "language_info": notebook.metadata["language_info"]}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


def main(arguments):
    """Execute the named notebooks, or all; 1 if a cell failed."""
    there = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description="Execute the notebooks in place.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(there)}; none means all")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(there):
        parser.error(f"there is no notebook {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    failed = 0
    for path in [there[name] for name in there if name in names or not names]:
        began = time.monotonic()
        try:
            execute(path)
        except CellExecutionError as error:
            print(f"{path.name}: a cell failed, the notebook is left as it was\n{error}", file=sys.stderr)
            failed = 1
            continue
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {time.monotonic() - began:.0f} s, {size:.1f} MB")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
