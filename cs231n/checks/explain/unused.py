"""What an answer is given or makes, and never uses."""

import ast

from .slips import names_read

SIZES = {"shape", "size", "len", "cache"}  # what is unpacked from these is often more than is needed


def unused(source):
    """Sentences on the arguments that are never read, and on the variables that are made and never read.

    Of several results that are taken at once some may rightly be left, so those are not told.
    """
    read = names_read([source.function])
    for argument in source.function.args.args:
        if argument.arg not in {*read, "self", "cls"} and not argument.arg.startswith("_"):
            yield f"The argument `{argument.arg}` is never used."
    for statement in (n for n in ast.walk(source.function) if isinstance(n, ast.Assign)):
        if statement.lineno in source.answer and not _is_of_sizes(statement.value):
            several = any(isinstance(n, ast.Attribute | ast.Subscript) for t in statement.targets for n in _parts(t))
            names = _stored(statement.targets)
            for name in () if several or {*names} & read else names:
                if not name.startswith("_"):
                    yield f"`{name}`, made in line {statement.lineno}, is never used."


def _parts(target):
    return target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]


def _stored(targets):
    nodes = (n for target in targets for n in ast.walk(target))
    return [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _is_of_sizes(value):
    names = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(value)}
    return bool(names & SIZES)
