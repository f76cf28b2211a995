"""A TODO's file as it stands on the disk: whether that is what was loaded, and what stands at the TODO's place.

Autoreload keeps the old functions where a saved file cannot be loaded; nothing that is not on the disk is judged.
"""

import ast
import contextlib
import importlib
import importlib.util
import inspect
import io
import os
import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path

from .console import in_ipython
from .errors import describe, line_of_loading
from .todo import TODOS, all_needs

_sources = {}  # file -> (time and size, Source)


@dataclass
class Source:
    """A file on the disk: parsed, and loaded apart from the module in use; error: why it cannot be."""

    lines: list
    tree: ast.Module | None = None
    module: types.ModuleType | None = None
    error: BaseException | None = None


def disagreement(todo):
    """(reason, details) where a file that the answer rests on cannot be loaded, or not what was loaded; else None."""
    places = {other.module: other.place for other in TODOS.values()}
    for name in _modules_behind(todo):
        module, place = sys.modules[name], places[name]
        source = _source_of(module)
        if source.error is not None:
            reason = f"{place} cannot be loaded as it stands on the disk: {describe(source.error)}"
            return reason, [line_of_loading(source.error), *advice(source.error)]
        if _is_stale(module, source.module):
            _load_again(module)
        if _is_stale(module, source.module):
            again = "Save it once more and run this cell again; if that does not help, restart the kernel."
            return f"{place} was changed, and the change is not loaded", [again]
    return None


def keep_line_numbers():
    """Let autoreload load a changed file as a whole.

    Since IPython 9 it compiles changed functions one by one, and forgets where in the file they stand.
    """
    by_function = getattr(_autoreload(), "deduper_reloader", None)
    if by_function is not None:
        by_function.maybe_reload_module = lambda module: False  # `enabled` is set again by each %autoreload


def advice(error):
    """What to do about an error that a file is loaded with, as a list of sentences."""
    if isinstance(error, IndentationError) and "expected an indented block" in str(error):
        return ["There is no code yet where the TODO's line was; a comment alone does not do."]
    return []


def code_at(todo):
    """(number of the line that raises the TODO, or None; whether code of the student's stands at the TODO's place).

    None where the function in use does not come from the file, or the file holds neither that line nor the TODO.
    """
    module = sys.modules[todo.module]
    if _file_of(todo.live()) != module.__file__:
        return None
    source = _source_of(module)
    function = source.tree and definition(source.tree, todo.attribute)
    if not function:
        return None
    stub, siblings = _stub(function, todo.id)
    marks = (n for n, line in enumerate(source.lines, 1) if re.match(rf"\s*#\s*TODO\({todo.id}\)", line))
    mark = next((n for n in marks if n > function.lineno), None)
    if not stub and not mark:
        return None
    first, last = mark or function.lineno, stub.lineno if stub else function.end_lineno + 1
    above = [s for s in ast.walk(function) if isinstance(s, ast.stmt) and first < s.lineno < last]
    return stub and stub.lineno, any(map(_does_something, above + siblings))


def _autoreload():
    """IPython's reloader of changed modules, None where there is none."""
    magics = sys.modules["IPython"].get_ipython().magics_manager.registry if in_ipython() else {}
    return getattr(magics.get("AutoreloadMagics"), "_reloader", None)


def _load_again(module):
    """Load a module as autoreload does, if that is on: it does not try again what has failed once."""
    reloader = _autoreload()
    if reloader is not None and reloader.enabled:
        with contextlib.suppress(Exception):
            sys.modules["IPython.extensions.autoreload"].superreload(module, importlib.reload, reloader.old_objects)


def _stub(function, id):
    """The statement that raises the TODO, and those that follow it in its block; (None, []) if it is gone."""
    for node in ast.walk(function):
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            for n, statement in enumerate(block if isinstance(block, list) else []):
                if isinstance(statement, ast.Raise) and f"TODO {id}: replace this line" in ast.unparse(statement):
                    return statement, block[n + 1 :]
    return None, []


def _does_something(statement):
    """Not so `pass`, a text in the place of a comment, and the `return dx, dw` that ships below a TODO."""
    if isinstance(statement, ast.Return):
        names = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
        return not all(isinstance(name, ast.Name) for name in names)
    return not (isinstance(statement, ast.Pass) or isinstance(getattr(statement, "value", None), ast.Constant) and
                isinstance(statement, ast.Expr))  # fmt: skip


def definition(tree, attribute):
    """The function or class at a dotted name in a parsed file, None if there is none."""
    for name in attribute.split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        tree = next((node for node in reversed(tree.body) if isinstance(node, kinds) and node.name == name), None)
        if tree is None:
            return None
    return tree


def _modules_behind(todo):
    """Names of the loaded modules with TODOs that an answer rests on, its own first."""
    written = {other.module for other in TODOS.values()} & sys.modules.keys()
    found = []
    left = [todo.module, *(TODOS[id].module for id in all_needs(todo))]
    while left:
        name = left.pop(0)
        if name in written and name not in found:
            found.append(name)
            left += [_origin(value) for value in list(vars(sys.modules[name]).values())]
    return found


def _origin(value):
    """The name of a module, or of the one that a function or class comes from."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    return value.__module__ if isinstance(value, (types.FunctionType, type)) else None


def _source_of(module):
    file = module.__file__
    try:
        status = os.stat(file)
        stamp = status.st_mtime_ns, status.st_size
        known = _sources.get(file)
        # What failed is tried again: it may have lacked something of another file, which is there by now.
        if not known or known[0] != stamp or known[1].error is not None:
            _sources[file] = stamp, _load(module.__spec__, file)
        return _sources[file][1]
    except OSError as error:
        return Source([], error=error)


def _load(spec, file):
    data = Path(file).read_bytes()
    source = Source(data.decode(errors="replace").splitlines())
    try:
        tree = ast.parse(data, file)
        code = compile(tree, file, "exec", dont_inherit=True)
        module = importlib.util.module_from_spec(spec)
        with contextlib.redirect_stdout(io.StringIO()):  # whatever it prints, it has printed
            exec(code, vars(module))
        source.tree, source.module = tree, module
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        source.error = error
    return source


def _is_stale(loaded, on_disk):
    """Whether a module lacks a name of its file, or holds a function of it that is another there, or is no more."""
    if vars(on_disk).keys() - vars(loaded).keys():
        return True
    old, new = (dict(_functions(module)) for module in (loaded, on_disk))
    return any(
        _file_of(function) == loaded.__file__
        and (name not in new or _plain(_code(function)) != _plain(_code(new[name])))
        for name, function in old.items()
    )


def _functions(owner, path=""):
    """(dotted name, function) of all functions and methods that a module defines."""
    for name, value in list(vars(owner).items()):
        if isinstance(value, type) and not path:
            if value.__module__ == owner.__name__:
                yield from _functions(value, f"{name}.")
        elif _code(value):
            yield path + name, value


def _code(function):
    """The code of a function, also of a method or within a decorator; None for anything else."""
    if isinstance(function, property):
        function = function.fget
    elif isinstance(function, (staticmethod, classmethod)):
        function = function.__func__
    return inspect.unwrap(function).__code__ if isinstance(function, types.FunctionType) else None


def _file_of(function):
    code = _code(function)
    return code and code.co_filename


def _plain(code):
    """The code without its place in the file, so that only a change of what it does makes a difference."""
    constants = tuple(_plain(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=constants, co_firstlineno=1, co_linetable=b"")
