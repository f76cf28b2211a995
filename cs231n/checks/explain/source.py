"""A student's own source: the function of a TODO with the helpers it calls, as a tree that can be changed and run."""

import ast
import copy
import functools
import inspect
import re
import sys
from pathlib import Path

from ..errors import PACKAGE
from ..todo import TODOS

MARK = "SOLUTION"  # apart, so that this file does not look marked itself


class Source:
    """The function of a TODO, its own helpers in the same file, and how to run them changed.

    functions: the ast.FunctionDef of each, the TODO's own first; answer: the lines that are the student's among them;
    returns: those of its return statements.
    Raises LookupError where there is no source.
    """

    def __init__(self, todo, function):
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is None or code.co_freevars:
            raise LookupError("no source, or one that is bound to values of another function")
        self.path, self.globals = code.co_filename, function.__globals__
        tree = _parsed(self.path)
        self.function = _at(tree, code)
        self.owner = _class_of(tree, self.function)
        helpers = _helpers(todo, tree, self.function)
        self.answer = _answer_lines(self.path, todo.id, self.function, helpers)
        returns = [n for n in ast.walk(self.function) if isinstance(n, ast.Return)]
        self.returns = {line for n in returns for line in range(n.lineno, n.end_lineno + 1)}
        self.functions = [self.function, *(f for f in helpers if f.lineno in self.answer)]

    def run_with(self, functions):
        """The TODO's function as it would be with these in the place of self.functions."""
        namespace = dict(self.globals)
        body = [_undecorated(f) for f in reversed(functions)]
        exec(compile(ast.Module(body, type_ignores=[]), self.path, "exec"), namespace)
        return namespace[self.function.name]

    def lines_run(self, run):
        """The lines of the answer that run() goes through, each with all lines of its statement."""
        met, before = set(), sys.gettrace()

        def trace(frame, event, arg):
            if frame.f_code.co_filename != self.path:
                return None
            met.add(frame.f_lineno)
            return trace

        sys.settrace(trace)
        try:
            run()
        finally:
            sys.settrace(before)
        statements = [n for f in self.functions for n in ast.walk(f) if isinstance(n, ast.stmt)]
        ranges = [range(n.lineno, _last_line(n) + 1) for n in statements]
        return met.union(*(lines for lines in ranges if met.intersection(lines))) & self.answer

    def has_while(self):
        return any(isinstance(n, ast.While) for f in self.functions for n in ast.walk(f))

    def attributes(self):
        """Names of what the function's class sets on self, such as layers."""
        nodes = ast.walk(self.owner) if self.owner else ()
        found = (n for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
        return list(dict.fromkeys(n.attr for n in found if getattr(n.value, "id", "") == "self"))


def _last_line(statement):
    """Of a statement without the block that it may head."""
    body = getattr(statement, "body", None)
    return body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno


def _parsed(path):
    stat = Path(path).stat()
    return copy.deepcopy(_parse(path, stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=16)
def _parse(path, mtime, size):
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _answer_lines(path, id, function, helpers):
    """The lines of an answer: within its marks, in the solved edition; else behind the TODO's comment, and helpers'."""
    lines, found = Path(path).read_text(encoding="utf-8").splitlines(), set()
    begins = [n for n, line in enumerate(lines, 1) if re.fullmatch(rf"\s*### BEGIN {MARK} {id}( helpers)?\s*", line)]
    for first in begins:
        last = next(n for n, line in enumerate(lines[first:], first + 1) if f"### END {MARK}" in line)
        found.update(range(first, last + 1))
    if begins:
        return found
    own = range(function.lineno, function.end_lineno + 1)
    first = next((n for n in own if f"# TODO({id})" in lines[n - 1]), function.lineno)
    return {
        *range(first, function.end_lineno + 1),
        *(n for f in helpers if not is_given(f, path) for n in range(f.lineno, f.end_lineno + 1)),
    }


def is_given(function, path):
    """Whether a function ships with the course: ours are private or documented, students' helpers seldom are either."""
    ours = function.name.startswith("_") or ast.get_docstring(function) is not None
    return ours and PACKAGE in Path(path).parents


def _at(tree, code):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                return node
    raise LookupError(f"no function {code.co_name} in line {code.co_firstlineno}")


def _class_of(tree, function):
    return next((n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and function in n.body), None)


def _helpers(todo, tree, function):
    """Module-level functions that the function calls, directly or not, and that are no TODO of their own."""
    todos = {t.attribute for t in TODOS.values() if t.module == todo.module}
    there = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name not in todos}
    found, waiting = [], [function]
    while waiting:
        for node in ast.walk(waiting.pop()):
            helper = there.get(node.id) if isinstance(node, ast.Name) else None
            if helper is not None and helper is not function and helper not in found:
                found.append(helper)
                waiting.append(helper)
    return found


def _undecorated(function):
    """The function without decorators, which may register it somewhere once more."""
    bare = copy.copy(function)
    bare.decorator_list = []
    return bare
