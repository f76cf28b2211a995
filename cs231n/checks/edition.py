"""Which edition of the course is checked, and whether this Python has what it needs.

Imports nothing but the standard library and comes first, so that a Python without numpy is told what to run.
"""

import importlib.util
import os
import sys
from pathlib import Path

from .todo import EDITION

NEEDED = ("numpy", "torch", "rich")
BUILDER = Path("tools", "editions.py")  # which only the solved edition has


def kind():
    """Which it is: "solved" or "student"."""
    return "solved" if (EDITION / BUILDER).exists() else "student"


def described():
    """The edition in a few words."""
    return f"the solved edition, {EDITION}" if kind() == "solved" else f"your own edition, {EDITION}"


def beside():
    """Names of the students' editions that lie in the solved one's folder."""
    folders = (found.parents[1] for found in sorted(EDITION.glob("*/cs231n/checks")))
    return [folder.name for folder in folders if not (folder / BUILDER).exists()]


def advice_on_python():
    """What to run where this Python lacks a package of the course; None if it has them all."""
    lacks = next((name for name in NEEDED if not importlib.util.find_spec(name)), None)
    if lacks is None:
        return None
    places = [folder / ".venv" / python for folder in (EDITION, EDITION.parent)
              for python in (Path("bin", "python"), Path("Scripts", "python.exe"))]  # fmt: skip
    better = next((p for p in places if p.exists() and p.parents[1] != Path(sys.prefix)), None)
    *_, module = ["cs231n.checks", *(word for word in sys.orig_argv if word.startswith("cs231n."))]
    todo = f"run {os.path.relpath(better)} -m {module}" if better else "`make lab` in its folder installs it"
    return f"This Python ({sys.executable}) has no {lacks}, which the course needs: {todo}"


def _require_packages():
    advice = advice_on_python()
    if advice and sys.argv[0] == "-m":  # the command is on its way
        sys.exit(advice)
    if advice:
        raise ModuleNotFoundError(advice)


_require_packages()
