"""The beginning of a new recorded mistake, made of an answer that no card explains yet."""

import ast
import textwrap
from dataclasses import dataclass
from types import ModuleType

from cs231n.checks import TODOS, exercises
from cs231n.checks.todo import EDITION, Method

from .cards import readable

LINES = 80  # of an answer, as comments


@dataclass
class Skeleton:
    """Two pieces to paste, and the files where they go: the test's wrong answer, and the mistake beside its TODO."""

    answer_file: str
    answer: str
    mistake_file: str
    mistake: str


def skeleton(id, source, students=1):
    """The Skeleton for a TODO's unexplained answer; None for an id that the course does not have.

    source: text of the answer, which need not be Python. Both pieces are Python whatever it holds.
    """
    if id not in TODOS:
        return None
    source = textwrap.dedent(readable(source).replace("\ufffd", "?")).strip("\n")
    room = _room(id)
    return Skeleton(_answers(id, room), _wrong(id, source), f"cs231n/checks/exercises/{room}.py",
                    _mistake(id, source, students))  # fmt: skip


def _room(id):
    """The name of the module in which a TODO is described."""
    modules = (module for module in vars(exercises).values() if isinstance(module, ModuleType))
    return next(m.__name__.split(".")[-1] for m in modules if getattr(m, id, None) is TODOS[id])


def _answers(id, room):
    """The file that holds wrong answers to this TODO already; else a new one named as its exercises."""
    files = EDITION.glob("tests/wrong_answers/*.py")
    found = [file.name for file in files if f'"{id}"' in file.read_text(encoding="utf-8")]
    return f"tests/wrong_answers/{min(found, key=lambda name: (len(name), name), default=f'{room}.py')}"


def _wrong(id, source):
    return (
        f'wrong(\n    "{id}",\n    "...",  # what is truly wrong\n    {_quoted(source)},\n'
        '    says="...",  # words that the card must hold, in lower case\n)\n'
    )


def _quoted(source):
    """The source between quotes that it does not end itself."""
    body = f"\n{source}\n"
    raw = "r" * ("\\" in body)
    fitting = (f"{raw}{quote}{body}{quote}" for quote in ('"""', "'''") if quote not in body)
    return next(fitting, repr(body))


def _mistake(id, source, students):
    who = "a student" if students == 1 else f"{students} students"
    lines = source.splitlines()
    shown = [f"    # {line}".rstrip() for line in lines[:LINES]]
    left = [f"    # ... and {len(lines) - LINES} lines more"] if len(lines) > LINES else []
    return "\n".join([
        f'@{id}.mistake("...")  # completes "this is what you get when ..."',
        f"def _({_arguments(id)}):",
        f"    # What {who} wrote; leave what is wrong, in as few lines as you can.{_returns(id)}",
        *shown, *left,
        '    raise NotImplementedError("a short wrong implementation")',
        "",
    ])  # fmt: skip


def _arguments(id):
    """As the checks call a mistake: with the oracle's arguments, or, under Method, just as the student's function."""
    todo = TODOS[id]
    return _signature(todo) if isinstance(todo, Method) else ", ".join(todo.argument_names())


def _signature(todo):
    """Read from the file: to import it may take as long as the whole page."""
    module = node = ast.parse((EDITION / todo.file).read_text(encoding="utf-8"))
    for name in todo.attribute.split("."):
        node = next(inner for inner in node.body if getattr(inner, "name", None) == name)
    arguments = node.args
    arguments.defaults = [_value(default, module) for default in arguments.defaults]
    return ast.unparse(arguments)


def _value(default, module):
    """The value of a default that has a name in its own module, which the exercises do not know."""
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.dump(default) in (_as_read(target) for target in node.targets):
            return node.value
    return default


def _as_read(target):
    return ast.dump(ast.Name(target.id, ast.Load())) if isinstance(target, ast.Name) else ""


def _returns(id):
    outputs = TODOS[id].outputs
    return "" if isinstance(TODOS[id], Method) or not outputs else f" It returns {', '.join(outputs)}, and no cache."
