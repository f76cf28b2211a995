"""The change that would make it right: single changes of the student's source, tried by the clock until all cases pass.

A change that makes more (case, output) pairs right and none wrong is progress: the search goes on from there, so that
two independent slips are found one after the other. What it finds is certain in this sense: the answer then passes.
"""

import ast
import contextlib
import io
import itertools
import time
import warnings
from dataclasses import dataclass

import numpy as np

from ..run import random_state_kept
from . import slips

MOST = 3  # changes in a row
SECONDS = 0.5  # for one case of one try, which may have become an endless loop
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

    def change(self):
        return Change(self.line, self.what, _text(self.old), _text(self.new))


def _text(node):
    nodes = node if isinstance(node, list) else [node]
    return "\n".join(ast.unparse(ast.fix_missing_locations(n)) for n in nodes)


def edits(functions, scope, lines=None, near=None):
    """All single changes of the functions, the likeliest first.

    lines: where alone to look, those that ran (None: everywhere). near: a line, whose surroundings come first.
    """
    places = [place for f in functions for place in _places(f) if lines is None or place[3] in lines]
    close = [place for place in places if near is not None and abs(place[3] - near) <= NEAR]
    others = [place for place in places if place not in close]
    moved = (e for f in functions for e in _moved_statements(f) if lines is None or e.line in lines)
    common = (_changed(some, scope, slips.COMMON) for some in (close, others))
    return itertools.chain(*common, moved, _changed(close + others, scope, slips.RARE))


def _changed(places, scope, kinds):
    for kind in kinds:
        for owner, field, index, line, node in places:
            for new, what in kind(node, scope):
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
                if isinstance(child, (ast.expr, ast.stmt, ast.keyword)):
                    child.lineno = getattr(child, "lineno", line)
                    waiting.append((node, name, k, child))


def _moved_statements(function):
    """Statements left out, exchanged with the next, or moved out of the loop that they end."""
    for owner in ast.walk(function):
        for field in ("body", "orelse"):
            body = getattr(owner, field, None)
            if not isinstance(body, list) or not all(isinstance(s, ast.stmt) for s in body):
                continue
            for k, statement in enumerate(body):
                rest = body[:k] + body[k + 1 :] or [ast.copy_location(ast.Pass(), statement)]
                yield Edit(owner, field, None, rest, "this statement is too much", statement.lineno)
                if k + 1 < len(body):
                    swapped = body[:k] + [body[k + 1], statement] + body[k + 2 :]
                    yield Edit(owner, field, None, swapped, "the order of this line and the next", statement.lineno)
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


@dataclass
class Found:
    """Changes of the source, and what the answer is after them: right, or a known mistake, or nearer to right."""

    changes: list
    mistake: str | None = None
    mended: tuple = ()  # names of the outputs that are right then and were not before; () where all are


def mend(source, bench, seen, seconds, lines=None, near=None):
    """What was Found in so many seconds, or None.

    seen: what the answer did, {label: Seen}. lines, near: as for edits.
    """
    search = _Search(source, bench, time.monotonic() + seconds, lines, near)
    right = set().union(*(bench.right_in(label, s) for label, s in seen.items() if label in bench.cases))
    with _undisturbed():
        return search.run(right)


class _Search:
    def __init__(self, source, bench, deadline, lines, near):
        self.source, self.bench, self.deadline, self.lines, self.near = source, bench, deadline, lines, near
        self.scope = slips.Scope(source.functions, source.attributes())
        self.twin = None  # (change, title): after this one the answer is a known mistake

    def run(self, right):
        before, changes, safe = right, [], True
        while len(changes) < MOST:
            self.labels = sorted(self.bench.cases, key=lambda label: self.bench.all_right(label, right))
            edit, right = self._best(right)
            if edit is None:
                break
            changes.append(edit.change())
            safe = safe and edit.kind in slips.HARMLESS
            edit.put(edit.new)
            if right == self.bench.pairs:
                return Found(changes)
        if not safe:  # what only seemed to be progress, such as a line left out
            return None
        if self.twin and len(changes) < MOST:
            change, title = self.twin
            return Found([*changes, change], mistake=title)
        if not changes:
            return self._pair(right)
        mended = tuple(name for name in self.bench.names if self.bench.fine(name, right, before))
        return Found(changes, mended=mended) if mended else None

    def _edits(self):
        return edits(self.source.functions, self.scope, self.lines, self.near)

    def _best(self, right):
        """The first edit that makes all right, else the one with the most progress; and what is right then."""
        best, most, self.twin = None, right, None
        mistakes = self.bench.mistakes_in(self.labels[0])
        for edit in self._edits():
            if time.monotonic() > self.deadline:
                break
            now, title = self._tried((edit,), right, mistakes if edit.kind in slips.HARMLESS else ())
            if now is not None and len(now) > len(most):
                best, most = edit, now
                if now == self.bench.pairs:
                    break
            if title and not self.twin:
                self.twin = edit.change(), title
        return best, most

    def _pair(self, right):
        """Two changes of the likeliest kinds, neither of which is progress by itself."""
        likely = [e for e in self._edits() if e.kind in slips.LIKELY]
        for k, first in enumerate(likely):
            for second in likely[:k]:
                if time.monotonic() > self.deadline:
                    return None
                if second.place() == first.place():
                    continue
                now, _ = self._tried((first, second), right, ())
                if now == self.bench.pairs:
                    return Found([second.change(), first.change()])
        return None

    def _tried(self, edits, right, mistakes):
        """The pairs that are right with these edits, None as soon as it is no progress; and the mistake it is then."""
        with contextlib.ExitStack() as stack:
            for edit in edits:
                stack.enter_context(edit)
            try:
                function = self.source.run_with(self.source.functions)
            except Exception:  # it does not compile
                return None, None
        now = set()
        for n, label in enumerate(self.labels):
            seen = self.bench.see(function, label, SECONDS)
            pairs, before = self.bench.right_in(label, seen), {pair for pair in right if pair[0] == label}
            if n == 0 and pairs == before and mistakes:
                return None, self.bench.twin(function, seen, mistakes)
            if not pairs >= before or (n == 0 and pairs == before):
                return None, None
            now |= pairs
        return now, None


@contextlib.contextmanager
def _undisturbed():
    """Nothing that a try prints, warns of or draws at random is noticed."""
    silent = io.StringIO()
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"), random_state_kept():
            yield
