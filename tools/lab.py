"""Open JupyterLab where a student begins: `python -m tools.lab [FLAGS]`; the flags go to JupyterLab.

Builds student/ first if it is not there. What is there is never written to.
"""

import os
import sys
import webbrowser
from pathlib import Path

from jupyterlab.labapp import main as jupyterlab

from tools.editions import ROOT, EditionError, build

STUDENT = ROOT / "student"
FIRST = "notebooks/RNN.ipynb"
# For the kernels. torch's threads spin while they wait for each other, and where anything else wants a processor they
# spin in the way of those they wait for: training took 2 to 9 times as long. Asleep they lose little when alone.
SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE"}

ELSEWHERE = ". Copy the course to a folder of your own with room on its disk, and call again in that"


def opens_a_window():
    """Whether a browser opens beside the terminal; without a display there are at most those that take it over."""
    try:
        return type(webbrowser.get()) is not webbrowser.GenericBrowser
    except webbrowser.Error:
        return False


def flags():
    """What JupyterLab needs to be told here."""
    start = f"/lab/tree/student/{FIRST}" if (STUDENT / FIRST).exists() else "/lab"
    yield from (f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url={start}")
    yield f"--LabServerApp.extra_labextensions_path={Path(__file__).with_name('labextensions')}"
    if not opens_a_window():
        print("No browser can be opened from here: copy the address below into one.")
        yield "--no-browser"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("You are root, and JupyterLab is told to allow it: in a container or a codespace root is the usual user.")
        yield "--allow-root"


def main(more):
    try:
        if not os.path.lexists(STUDENT):
            build(STUDENT)
    except (EditionError, OSError) as error:
        if not STUDENT.exists():  # else a second call has built it meanwhile
            elsewhere = isinstance(error, OSError)
            print(f"{STUDENT} cannot be built: {error}{ELSEWHERE * elsewhere}", file=sys.stderr)
            return 1
    print("Your own copy of the course is student/: work there. notebooks/ beside it is the solved edition.")
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    sys.argv[1:] = [*flags(), *more]
    sys.stdout.flush()  # or it comes after what JupyterLab says
    return jupyterlab()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
