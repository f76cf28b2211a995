"""Every single change of a student's source, one after the other, the likeliest first."""

import ast
import collections
import itertools
from dataclasses import dataclass

from . import slips

FAR = 6  # places by which a statement is moved at most
NEAR = 1  # lines around that of an error, which are looked at first


@dataclass
class Change:
    """One change of the source: in which line, what it changes in words, and the code before and after."""

    line: int
    what: str
    before: str
    after: str


class Edit:
    """A node of a tree put in another one's place for as long as a with block lasts, or for good."""

    def __init__(self, owner, field, index, new, what, line, kind=None):
        self.owner, self.field, self.index, self.new = owner, field, index, new
        self.what, self.line, self.kind = what, line, kind
        self.old = getattr(owner, field) if index is None else getattr(owner, field)[index]

    def put(self, node):
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node

    def __enter__(self):
        self.put(self.new)

    def __exit__(self, *_):
        self.put(self.old)

    def place(self):
        return id(self.owner), self.field, self.index

    def leaves_out_an_action(self):
        """Whether a call that is a statement by itself, for what it does, is called no more."""
        return self.kind is slips.dropped and isinstance(self.owner, ast.Expr)

    def change(self):
        old, new = ([x] if isinstance(x, ast.AST) else x for x in (self.old, self.new))
        while len(old) > 1 and len(new) > 1 and old[0] is new[0]:  # statements that stay
            old, new = old[1:], new[1:]
        while len(old) > 1 and len(new) > 1 and old[-1] is new[-1]:
            old, new = old[:-1], new[:-1]
        return Change(self.line, self.what, _text(old), _text(new))


def _text(nodes):
    return "\n".join(ast.unparse(ast.fix_missing_locations(n)) for n in nodes)


def edits(functions, scope, lines=None, near=None):
    """All single changes of the functions, the likeliest first.

    lines: where alone to look, those that ran (None: everywhere). near: a line, whose surroundings come first.
    """
    places = [place for f in functions for place in _places(f) if lines is None or place[3] in lines]
    close = [place for place in places if near is not None and abs(place[3] - near) <= NEAR]
    others = [place for place in places if place not in close]
    moved = (e for f in functions for e in _moved_statements(f) if lines is None or e.line in lines)
    few, many = _changed(others, scope, slips.FEW), _changed(others, scope, slips.MANY)
    return itertools.chain(
        _changed(close, scope, slips.COMMON), few, moved, many, _changed(close + others, scope, slips.RARE)
    )


def _changed(places, scope, kinds):
    for kind in kinds:
        for owner, field, index, line, node in places:
            for new, what in kind(node, scope):
                what = f"the argument {owner.arg}" if isinstance(owner, ast.keyword) and owner.arg else what
                yield Edit(owner, field, index, _located(new, node), what, line, kind)


def _located(new, node):
    return ast.fix_missing_locations(ast.copy_location(new, node))


def _places(function):
    """(owner, field, index, line, node) of every expression, statement and slice in a function's body."""
    waiting = [(function, "body", k, node) for k, node in enumerate(function.body)]
    while waiting:
        owner, field, index, node = waiting.pop(0)
        line = getattr(node, "lineno", None) or getattr(owner, "lineno", function.lineno)
        yield owner, field, index, line, node
        for name, value in ast.iter_fields(node):
            for k, child in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(child, (ast.expr, ast.stmt, ast.keyword)) and not _is_written_to(child, node, name):
                    child.lineno = getattr(child, "lineno", line)
                    waiting.append((node, name, k, child))


def _is_written_to(child, parent, field):
    """Whether this names the variable that an assignment writes to; another one there would undo the line."""
    stored = isinstance(getattr(parent, "ctx", None), ast.Store)
    return stored and field == "value" and isinstance(child, (ast.Name, ast.Attribute))


def _moved_statements(function):
    """Statements left out, moved up or down in their block, into the loop before them, or out of the one they end."""
    for owner in ast.walk(function):
        for field in ("body", "orelse"):
            body = getattr(owner, field, None)
            if not isinstance(body, list) or not all(isinstance(s, ast.stmt) for s in body):
                continue
            for k, statement in enumerate(body):
                rest = body[:k] + body[k + 1 :] or [ast.copy_location(ast.Pass(), statement)]
                yield Edit(owner, field, None, rest, "this statement is too much", statement.lineno)
                others = body[:k] + body[k + 1 :]
                for place in range(max(k - FAR, 0), min(k + FAR + 1, len(body))):
                    if place not in (k, k - 1):  # one up is the line above it one down
                        moved = others[:place] + [statement] + others[place:]
                        yield Edit(owner, field, None, moved, "the place of this line", statement.lineno)
                inner = getattr(statement, "body", None)
                if isinstance(statement, (ast.For, ast.While, ast.If)) and len(inner) > 1:
                    shorter = _with_body(statement, inner[:-1])
                    out = body[:k] + [shorter, inner[-1]] + body[k + 1 :]
                    yield Edit(owner, field, None, out, "it stands inside the block above", inner[-1].lineno)
                if isinstance(statement, (ast.For, ast.While, ast.If)) and k + 1 < len(body):
                    longer = _with_body(statement, [*inner, body[k + 1]])
                    into, line = body[:k] + [longer] + body[k + 2 :], body[k + 1].lineno
                    yield Edit(owner, field, None, into, "it belongs into the block above", line)


def _with_body(statement, body):
    fields = {**dict(ast.iter_fields(statement)), "body": body}
    return ast.copy_location(type(statement)(**fields), statement)


def everywhere(edits):
    """Groups of edits that make the same change of the same code, or the same kind of call, in several places."""
    groups = collections.defaultdict(list)
    for edit in edits:
        if edit.kind in slips.COMMON and isinstance(edit.old, ast.AST):
            groups[(edit.kind, *_before_and_after(edit))].append(edit)
            if edit.kind in (slips.dropped, slips.regrouped, slips.functions):
                groups[edit.kind, edit.what, getattr(edit.new, "attr", type(edit.new))].append(edit)
    return [group for group in groups.values() if len({edit.place() for edit in group}) == len(group) > 1]


def _before_and_after(edit):
    """What is the same in each place: the code and what it becomes, or the operand left out behind an operator."""
    old, new = edit.old, edit.new
    if isinstance(old, ast.BinOp) and new is old.left:
        return type(old.op), ast.dump(old.right)
    return ast.dump(old), ast.dump(new)
