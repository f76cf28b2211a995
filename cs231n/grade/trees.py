"""The two trees that a submission's files are laid over: the student edition without its notebooks and data.

The one that answers does not hold what is right: the oracles and known mistakes are cut out of its checks. The one that
explains holds them, and is used when everything has been judged.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from cs231n.checks.todo import EDITION

SERVANTS = (
    "__init__.py",
    "answering.py",
    "confine.py",
    "watch.py",
    "wire.py",
)  # of this package, which a student edition lacks
RIGHT = {"oracle"}  # decorators of what knows what is right
WRONG = {"mistake"}
RECORDING = {"mistakes", "variants"}  # functions that record mistakes
REFUSAL = "from cs231n.grade.watch import refuse; refuse()"


def build_trees(folder):
    """Make folder/answering and folder/explaining from the course's own sources; RuntimeError if they have faults."""
    edition = Path(folder, "edition")
    command = [sys.executable, "-m", "tools.editions", str(edition)]
    made = subprocess.run(command, cwd=EDITION, capture_output=True, encoding="utf-8")
    if made.returncode:
        raise RuntimeError(f"the student edition cannot be built: {made.stderr.strip()}")
    explaining, answering = Path(folder, "explaining"), Path(folder, "answering")
    shutil.copytree(edition / "cs231n", explaining / "cs231n")
    shutil.rmtree(edition)
    (explaining / "cs231n/grade").mkdir()
    for name in SERVANTS:
        shutil.copy(Path(__file__).with_name(name), explaining / "cs231n/grade")
    shutil.copytree(explaining, answering)
    for file in (answering / "cs231n/checks/exercises").glob("*.py"):
        file.write_text(without_what_is_right(file.read_text(encoding="utf-8")), encoding="utf-8")


def without_what_is_right(source):
    """The source of a module of exercises without oracles and mistakes, and without what only they used."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _records_mistakes(node)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _decorators(node) & RIGHT:
            node.body = ast.parse(REFUSAL).body
    while unused := [node for node in tree.body if _is_helper(node) and node.name not in _read(tree, but=node)]:
        tree.body = [node for node in tree.body if node not in unused]
    return ast.unparse(tree) + "\n"


def _records_mistakes(node):
    if isinstance(node, ast.FunctionDef):
        return bool(_decorators(node) & WRONG)
    call = getattr(node, "value", None)
    return isinstance(call, ast.Call) and getattr(call.func, "id", "") in RECORDING


def _decorators(function):
    """Names of the attributes that decorate a function: oracle, of @rnn_forward.oracle."""
    calls = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return {getattr(attribute, "attr", "") for attribute in calls}


def _is_helper(node):
    return isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.decorator_list and node.name.startswith("_")


def _read(tree, but):
    """The names that are read in a module, outside of one definition."""
    nodes = (n for statement in tree.body if statement is not but for n in ast.walk(statement))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
