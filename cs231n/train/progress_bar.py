"""The progress bar of everything that takes longer than a few seconds."""

import os
import sys

from tqdm import tqdm


def progress_bar(steps, what, unit="step", quiet=False):
    """A tqdm bar over so many steps; none if quiet, or with TQDM_DISABLE=1.

    It is text in notebooks, too, where it goes into a cell's output and is there again when the notebook is opened
    the next day. tqdm's widget is not: JupyterLab then says "model not found".
    """
    disable = quiet or os.environ.get("TQDM_DISABLE", "") not in ("", "0")
    # A notebook shows standard error as if something were wrong, and draws every line that is sent.
    look = {"file": sys.stdout, "ncols": 90, "mininterval": 0.5} if _in_notebook() else {}
    return tqdm(total=steps, desc=what, unit=unit, unit_scale=unit == "B", disable=disable, **look)


def _in_notebook():
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(ipython, "config", {})
