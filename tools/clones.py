"""Copies of the course in which things are tried as by somebody who has just got it."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.editions import ROOT

SETTINGS = {"CS231N_DATA": "mini", "CS231N_STRICT": "0", "TQDM_DISABLE": "1"}
LEFT_OUT = (".git", ".venv", "student", "build", "runs", "__pycache__", ".*_cache", ".ipynb_checkpoints", "*.pyc")


def clone(folder):
    """Copy to the new `folder` what a clone of the course would hold, uncommitted work included; returns it."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-zco", "--exclude-standard"]
    if not shutil.which("git") or not (ROOT / ".git").exists():  # an unpacked archive
        return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT)))
    names = subprocess.run(listing, capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
    for source in (ROOT / name for name in names if (ROOT / name).is_file()):
        copy = Path(folder, source.relative_to(ROOT))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)  # of the same age: a linked .venv is not to be filled again for it
    return Path(folder)


def environment():
    """For what is started in a copy: nothing that a make behind it hands down, and the settings of the tests."""
    ours = ("MAKE", "MFLAGS", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | SETTINGS
