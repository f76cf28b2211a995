"""Puts answers into the files of the student edition as students do: without marks, in the place of what was there."""

import ast
import functools
import importlib
import inspect
import re
import textwrap

from cs231n.checks.todo import TODOS
from tools.editions import HELPERS, ROOT, fill, solutions, strip

FILES = sorted({todo.file for todo in TODOS.values()})
SOLVED = {file: (ROOT / file).read_text(encoding="utf-8") for file in FILES}
ANSWERS = {  # of each file, {id: our answer, without the marks around it}
    file: {id: "".join(region.splitlines(keepends=True)[1:-1]).removesuffix("\n") for id, region in regions.items()}
    for file, regions in ((file, solutions(text, file)) for file, text in SOLVED.items())
}
STUDENT = {file: strip(text, file) for file, text in SOLVED.items()}


def edition(ids):
    """{file: text} of a student edition in which we have answered the TODOs `ids`."""
    return {file: _answered(file, frozenset(ids) & {*ANSWERS[file]}) for file in FILES}


@functools.cache
def _answered(file, ids):
    return fill(STUDENT[file], ANSWERS[file], [id for id in ANSWERS[file] if id.removesuffix(HELPERS) in ids])


def attack(texts, answer):
    """Put a hostile answer into the {file: text} of an edition that is answered, all but its TODO."""
    file = TODOS[answer.id].file
    region = ANSWERS[file][answer.id]
    indent = re.match(r" *", region.splitlines()[0])[0] or "    "
    ours = [] if answer.answer else [region]
    lines = [textwrap.indent((answer.before or answer.answer).strip("\n"), indent), *ours]
    text = fill(texts[file], {answer.id: "\n".join(line for line in lines if line)}, [answer.id])
    texts[file] = at_the_head(text, answer.head) if answer.head else text


def at_the_head(text, more):
    """The text of a module with more between its docstring and its imports."""
    first = ast.parse(text).body[0].end_lineno
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:first], "\n", more.strip("\n"), "\n", *lines[first:]])


def put(texts, id, source):
    """Put the source of an answer into the {file: text} of an edition: its functions in the place of those there.

    What else it holds, helpers and imports, comes before the function or the class.
    """
    todo = TODOS[id]
    text, helpers = texts[todo.file], []
    for node, part in _parts(source):
        place = todo.attribute if node_name(node) == todo.attribute.split(".")[-1] else node_name(node)
        if _find(text, place):
            text = _exchange(text, place, part)
        else:
            helpers.append(part)
    if helpers:
        lines, top = text.splitlines(keepends=True), _find(text, todo.attribute.split(".")[0])
        start = _first_line(top) - 1
        text = "".join([*lines[:start], *(f"{part}\n\n\n" for part in helpers), *lines[start:]])
    texts[todo.file] = text


@functools.cache
def touched(id, source):
    """The ids of the TODOs whose functions an answer brings along: its own, and often that of a forward pass."""
    names = {node_name(node) for node, _ in _parts(source)}
    return {id} | {other.id for other in TODOS.values() if other.file == TODOS[id].file and other.attribute in names}


def node_name(node):
    """What a definition is called; "" for any other statement."""
    return getattr(node, "name", "")


def _parts(source):
    source = textwrap.dedent(source).strip("\n")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        yield node, "\n".join(lines[_first_line(node) - 1 : node.end_lineno])


def _first_line(node):
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def _find(text, attribute):
    """The definition of "function", "Class" or "Class.method" in a module's text, or None."""
    node = ast.parse(text)
    for name in attribute.split("."):
        node = next((n for n in node.body if name and node_name(n) == name), None)
        if node is None:
            return None
    return node


def _exchange(text, attribute, part):
    node, lines = _find(text, attribute), text.splitlines(keepends=True)
    part = textwrap.indent(part, " " * node.col_offset) + "\n"
    return "".join([*lines[: _first_line(node) - 1], part, *lines[node.end_lineno :]])


def written_out(answer):
    """The source of a right answer as a student's file would hold it; None where it needs more than itself."""
    module = importlib.import_module(TODOS[answer.id].module)
    pairs = [(answer.function, TODOS[answer.id])]
    if answer.forward:
        pairs.insert(0, (answer.forward, TODOS[answer.id].forward))
    if not all(inspect.isfunction(f) and _stands_alone(f, module) for f, _ in pairs):
        return None
    return "\n\n\n".join(_renamed(f, todo.attribute.split(".")[-1]) for f, todo in pairs)


def _stands_alone(function, module):
    """Whether the function finds in the module all names that it uses."""
    used = {name for name in _names(function.__code__) if name in function.__globals__}
    known = all(getattr(module, name, None) is function.__globals__[name] for name in used)
    return known and not function.__code__.co_freevars


def _names(code):
    inner = (c for c in code.co_consts if inspect.iscode(c))
    return {*code.co_names}.union(*map(_names, inner))


def _renamed(function, name):
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    return "\n".join([re.sub(r"def \w+", f"def {name}", lines[0], count=1), *lines[1:]])
