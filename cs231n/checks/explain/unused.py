"""What an answer is given or makes, and never uses."""

import ast

from .slips import names_read

SIZES = {"shape", "size", "len", "cache"}  # what is unpacked from these is often more than is needed


def unused(source):
    """Sentences on the arguments that are never read, and on the variables that are made and never read.

    Of several results of a layer, taken at once, some may rightly be left; of the parts of an array none is.
    """
    read = names_read([source.function])
    for argument in source.function.args.args:
        if argument.arg not in {*read, "self", "cls"} and not argument.arg.startswith("_"):
            yield f"The argument `{argument.arg}` is never used."
    for statement in (n for n in ast.walk(source.function) if isinstance(n, ast.Assign)):
        if statement.lineno in source.answer and not _is_of_sizes(statement.value):
            names = _stored(statement.targets)
            for name in names if len(_parts(statement.targets[0])) == 1 or _is_of_an_array(statement.value) else ():
                if name not in read and not name.startswith("_"):
                    yield f"`{name}`, made in line {statement.lineno}, is never used."


def _parts(target):
    return target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]


def _stored(targets):
    nodes = (n for target in targets for n in ast.walk(target))
    return [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _is_of_an_array(value):
    """Whether several names get a value each, or parts of one array: (a[:, k * H : (k + 1) * H] for k in range(4))."""
    root = value
    if isinstance(value, ast.Tuple) or isinstance(getattr(value, "elt", None), ast.Subscript):
        return True
    while isinstance(root, (ast.Call, ast.Attribute, ast.GeneratorExp, ast.ListComp)):
        root = getattr(root, "func", getattr(root, "value", getattr(root, "elt", None)))
    return getattr(root, "id", "") in ("np", "torch", "F")


def _is_of_sizes(value):
    names = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(value)}
    return bool(names & SIZES)
