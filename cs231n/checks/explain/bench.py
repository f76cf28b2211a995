"""A TODO's required cases with what is expected of each, worked out once, to try many answers on."""

import numpy as np

from ..compare import close, largest, numbers_of
from ..run import TimeOut, dtype_of, in_float32, see, see_mistake

KEPT = "arguments"  # stands among the outputs for: no argument was written into that somebody still needs


class Bench:
    """cases: {label: arguments} of a TODO. What is right of an answer is a set of pairs (label, name of an output)."""

    def __init__(self, todo, cases):
        self.todo = todo
        self.cases = {label: args for label, args in cases.items() if label not in todo.beyond}
        self.expected = {label: todo.expected(*args) for label, args in self.cases.items()}
        self.pairs = {(label, name) for label, outputs in self.expected.items() for name in (*outputs, KEPT)}
        self.names = dict.fromkeys(name for outputs in self.expected.values() for name in outputs)

    def see(self, function, label, seconds=None):
        """What a function does in a case."""
        seen = see(self.todo, self.todo.call, function, self.cases[label], seconds)
        return self.in_float32_too(label, function, seen, seconds)

    def in_float32_too(self, label, function, seen, seconds=None):
        """What was seen of a case; or, where float64 ends in an error and float32 suffices, what is seen in float32."""
        args = self.cases.get(label, ())
        worth_it = seen.error is not None and not isinstance(seen.error, TimeOut) and self.todo.float32_suffices
        if not worth_it or dtype_of(args) != np.float64:
            return seen
        again = see(self.todo, self.todo.call, function, in_float32(args), seconds)
        again.dtype = np.dtype(np.float32)
        return seen if again.error else again

    def right_in(self, label, seen):
        """The pairs that are right in what was seen of a case."""
        if seen.error is not None:
            return set()
        dtype = seen.dtype or dtype_of(self.cases[label])
        names = {name for name, want in self.expected[label].items() if fits(seen.outputs.get(name), want, dtype)}
        if all(name in self.todo.spare for name in seen.changed):
            names.add(KEPT)
        return {(label, name) for name in names}

    def elements_in(self, label, seen):
        """Which elements are right in what was seen of a case, in a row of all its outputs, whatever their shape."""
        rows = []
        for name, want in self.expected[label].items():
            want, got = np.asarray(want), None if seen.error else numbers_of(seen.outputs.get(name))
            if got is None or got.size != want.size:
                rows.append(np.zeros(want.size, dtype=bool))
                continue
            tolerance = 1e-4 if (seen.dtype or dtype_of(self.cases[label])) == np.float32 else 1e-7
            got = got.reshape(want.shape)
            rows.append(np.isclose(got, want, rtol=tolerance, atol=tolerance * largest(want)).ravel())
        return np.concatenate(rows) if rows else np.zeros(0, dtype=bool)

    def all_right(self, label, right):
        return all((label, name) in right for name in (*self.expected[label], KEPT))

    def fine(self, name, right, before=()):
        """Whether an output is right in every case, and was not before."""
        pairs = {(label, name) for label, outputs in self.expected.items() if name in outputs}
        return pairs <= right and not pairs <= set(before)

    def mistakes_in(self, label):
        """[(title, mistake, digest of its outputs)] of the known mistakes that are wrong in this case and finite."""
        found = []
        for title, mistake in self.todo.mistakes.items():
            seen = self._see_mistake(mistake, label)
            digest = digest_of(seen)
            if digest is not None and not self.all_right(label, self.right_in(label, seen)):
                found.append((title, mistake, digest))
        return found

    def twin(self, function, digest, mistakes, before):
        """The title of the mistake that a function does in all cases; digest: of what it did in that of mistakes_in.

        before: the pairs that were right before the function was changed. Where the mistake does no harm, the change
        must do some good: otherwise it is no fault that was mended, but a right line spoilt.
        """
        for title, mistake, other in mistakes if digest is not None else ():
            if same_digest(digest, other) and all(self._alike(function, mistake, label) for label in self.cases):
                harmless = [label for label in self.cases if self._is_right(mistake, label)]
                if not harmless or not all(self.all_right(label, before) for label in harmless):
                    return title
        return None

    def _is_right(self, mistake, label):
        return self.all_right(label, self.right_in(label, self._see_mistake(mistake, label)))

    def _see_mistake(self, mistake, label):
        return see_mistake(self.todo, mistake, label, self.cases[label])

    def _alike(self, function, mistake, label):
        ours, theirs = self.see(function, label), self._see_mistake(mistake, label)
        if ours.error or theirs.error:
            return type(ours.error) is type(theirs.error)
        dtype = dtype_of(self.cases[label])
        return ours.outputs.keys() == theirs.outputs.keys() and all(
            close(ours.outputs[name], theirs.outputs[name], dtype) for name in ours.outputs
        )


def digest_of(seen):
    """Two sums of each output, by which different ones are told apart; None where they are no finite numbers."""
    if seen.error is not None:
        return None
    try:
        arrays = [np.asarray(a, dtype=float).ravel() for a in seen.outputs.values()]
        sums = np.array([x for a in arrays for x in (a.size, a.sum(), a @ np.cos(np.arange(a.size)))])
    except (TypeError, ValueError):
        return None
    return sums if np.isfinite(sums).all() else None


def same_digest(a, b):
    """Whether two digests are of equal outputs, as far as they tell."""
    return a is not None and b is not None and a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-9)


def fits(got, want, dtype):
    """Whether an output has the form and the values that are expected."""
    if got is None or (np.ndim(want) and not isinstance(got, np.ndarray)):
        return False
    return close(got, want, dtype) and bool(np.isfinite(numbers_of(got)).all())  # close to nan is nan
