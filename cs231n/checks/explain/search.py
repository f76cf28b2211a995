"""The change that would make it right: changes of the student's source, tried by the clock until all cases pass.

A change that makes more (case, output) pairs right, or more elements of an output, and none wrong is progress: the
search goes on from there, so that independent slips are found one after the other. What it finds is certain in this
sense: the answer then passes. Where it does not get so far, a change may lead to a known mistake: then both are named.
"""

import contextlib
import io
import time
import warnings
from dataclasses import dataclass

import numpy as np

from ..run import random_state_kept
from . import slips
from .bench import KEPT, digest_of, same_digest
from .edits import edits, everywhere

MOST = 4  # changes in a row
BY_THE_CLOCK = 2  # times the processor's seconds at most, on a machine that has other things to do
SECONDS = 0.5  # for one case of one try, which may have become an endless loop


@dataclass
class Found:
    """Changes of the source, and what the answer is after them: right, or a known mistake, or nearer to right."""

    changes: list
    mistake: str | None = None
    mended: tuple = ()  # names of the outputs that are right then in every case and were not before
    cases: tuple = ()  # labels of the cases that are right then and were not before


@dataclass
class State:
    """What an answer does: the pairs that are right, which elements of each case, and a digest of the first case."""

    right: set
    elements: dict
    digest: np.ndarray | None

    def rank(self):
        shares = sum(e.mean() for e in self.elements.values() if e.size)
        return len({pair for pair in self.right if pair[1] != KEPT}), shares

    def betters(self, other):
        """Whether nothing that was right in the other state is lost, and more is right, and not in one case only."""
        pairs = {pair for pair in self.right - other.right if pair[1] != KEPT}
        lost = any((other.elements[k] & ~e).any() for k, e in self.elements.items())
        gained = sum((e & ~other.elements[k]).any() for k, e in self.elements.items())
        open_cases = sum(not e.all() for e in other.elements.values())
        return self.right >= other.right and not lost and (len(pairs) > 1 or gained > 1 or gained == open_cases > 0)


def mend(source, bench, seen, seconds, lines=None, near=None):
    """What was Found in so many seconds, or None.

    seen: what the answer did, {label: Seen}. lines, near: as for edits.
    """
    search = _Search(source, bench, seconds, lines, near)
    right = set().union(*(bench.right_in(label, s) for label, s in seen.items() if label in bench.cases))
    with _undisturbed():
        return search.run(right)


class _Search:
    def __init__(self, source, bench, seconds, lines, near):
        self.source, self.bench, self.lines, self.near = source, bench, lines, near
        self.cpu, self.wall = time.process_time() + seconds, time.monotonic() + BY_THE_CLOCK * seconds
        self.scope = slips.Scope(source.functions, source.attributes())

    def run(self, right):
        self.before, state, done = right, self._state(right), []
        while len(done) < MOST:
            some, state, twin = self._best(state)
            if some is None:
                break
            done += some
            for edit in some:
                edit.put(edit.new)
            if state.right == self.bench.pairs:
                return Found([e.change() for e in done])
            state = self._state(state.right)  # another case may come first now
            if title := self._twin_as_it_stands(state):
                twin = None, title
                break
        return self._more_than_one(state, done) if not done and not twin else self._short_of_right(state, done, twin)

    def _short_of_right(self, state, done, twin):
        """What the changes lead to, where that is not right but tells something."""
        changes = [edit.change() for edit in done]
        if twin and all(map(slips.is_harmless, done)):
            change, title = twin
            return Found(changes + [change] * (change is not None), mistake=title)
        kinds = slips.dropped, slips.statements
        if not done or not all(slips.is_harmless(edit) or edit.kind in kinds for edit in done):
            return None  # what only seemed to be progress, such as a line left out
        mended = tuple(name for name in self.bench.names if self.bench.fine(name, state.right, self.before))
        cases = tuple(
            k for k in self.bench.cases if self.bench.all_right(k, state.right) > self.bench.all_right(k, self.before)
        )
        return Found(changes, mended=mended, cases=cases) if mended or cases else None

    def _state(self, right):
        """The state of the source as it stands; the first case is from here on the first that is wrong."""
        self.labels = sorted(self.bench.cases, key=lambda label: self.bench.all_right(label, right))
        self.mistakes = self.bench.mistakes_in(self.labels[0])
        function = self.source.run_with(self.source.functions)
        seen = {label: self.bench.see(function, label, SECONDS) for label in self.labels}
        elements = {label: self.bench.elements_in(label, s) for label, s in seen.items()}
        self.reads = slips.names_read(self.source.functions)
        return State(right, elements, digest_of(seen[self.labels[0]]))

    def _is_late(self):
        """By the processor's time, so that a busy machine changes nothing; within limits."""
        return time.process_time() > self.cpu or time.monotonic() > self.wall

    def _edits(self):
        return edits(self.source.functions, self.scope, self.lines, self.near)

    def _best(self, state):
        """The first edits that make an output right in every case, or else those that make most elements right.

        One edit, or the same in several places. With the State then, and a (Change, mistake) met on the way.
        """
        best, most, twin = None, state, None
        edits = list(self._edits())
        rare, common = ([(e,) for e in edits if (e.kind in slips.RARE) == odd] for odd in (True, False))
        for some in (*common, *everywhere(edits), *rare):
            if self._is_late():
                break
            now, title = self._tried(some, state, not twin and not any(map(self._may_hide_a_fault, some)))
            if now is not None and now.rank() > most.rank():
                best, most = some, now
                if any(self.bench.fine(name, now.right, state.right) for name in self.bench.names):
                    break
            if title:
                twin = some[0].change(), title
        return best, most, twin

    def _may_hide_a_fault(self, edit):
        """Whether it leaves something out, or returns another variable than the one that was wrong in some way."""
        return not slips.is_harmless(edit) or (edit.kind is slips.names and edit.line in self.source.returns)

    def _more_than_one(self, state, done):
        """Two of the likeliest changes, none of which is progress by itself."""
        likely = [edit for edit in self._edits() if edit.kind in slips.LIKELY]
        for some in ((second, first) for k, first in enumerate(likely) for second in likely[:k]):
            if self._is_late():
                return None
            if len({edit.place() for edit in some}) < len(some):
                continue
            now, _ = self._tried(some, state, False)
            if now is not None and now.right == self.bench.pairs:
                return Found([edit.change() for edit in some])
        return None

    def _tried(self, some, state, for_twin):
        """The State after these edits, None as soon as that is no progress; and the known mistake that it is then."""
        function = self._edited(some)
        if function is None:
            return None, None
        first = self.labels[0]
        seen = self.bench.see(function, first, SECONDS)
        now, before = self.bench.right_in(first, seen), {pair for pair in state.right if pair[0] == first}
        elements = {first: self.bench.elements_in(first, seen)}
        gained = now - before or (elements[first] & ~state.elements[first]).any()
        lost = not now >= before or (state.elements[first] & ~elements[first]).any()
        if lost or not gained:
            digest = digest_of(seen) if for_twin and not lost else None
            changed = digest is not None and not same_digest(digest, state.digest) and self._reads_all(some)
            return None, self.bench.twin(function, digest, self.mistakes, self.before) if changed else None
        for label in self.labels[1:]:
            other = self.bench.see(function, label, SECONDS)
            elements[label], pairs = self.bench.elements_in(label, other), self.bench.right_in(label, other)
            if not pairs >= {pair for pair in state.right if pair[0] == label}:
                return None, None
            now = now | pairs
        after = State(now, elements, digest_of(seen))
        idle = any(edit.leaves_out_an_action() for edit in some)
        if after.right == self.bench.pairs or (after.betters(state) and not idle and self._reads_all(some)):
            return after, None
        return None, None

    def _reads_all(self, some):
        """Whether the changed source still reads every argument that it read before."""
        with contextlib.ExitStack() as stack:
            for edit in some:
                stack.enter_context(edit)
            return slips.names_read(self.source.functions) >= self.reads & set(self.scope.arguments)

    def _edited(self, some):
        with contextlib.ExitStack() as stack:
            for edit in some:
                stack.enter_context(edit)
            try:
                return self.source.run_with(self.source.functions)
            except Exception:  # it does not compile
                return None

    def _twin_as_it_stands(self, state):
        function = self.source.run_with(self.source.functions)
        return self.bench.twin(function, state.digest, self.mistakes, self.before)


@contextlib.contextmanager
def _undisturbed():
    """Nothing that a try prints, warns of or draws at random is noticed."""
    silent = io.StringIO()
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"), random_state_kept():
            yield
