"""A TODO's required cases with what is expected of each, worked out once, to try many answers on."""

import numpy as np

from ..compare import close
from ..run import dtype_of, see

KEPT = "arguments"  # stands among the outputs for: no argument was written into that somebody still needs


class Bench:
    """cases: {label: arguments}; right(function): the pairs (label, name of an output) that an answer gets right."""

    def __init__(self, todo, cases):
        self.todo = todo
        self.cases = {label: args for label, args in cases.items() if label not in todo.beyond}
        self.expected = {label: todo.expected(*args) for label, args in self.cases.items()}
        self.pairs = {(label, name) for label, outputs in self.expected.items() for name in (*outputs, KEPT)}

        self.names = dict.fromkeys(name for outputs in self.expected.values() for name in outputs)

    def see(self, function, label, seconds=None):
        return see(self.todo, self.todo.call, function, self.cases[label], seconds)

    def right_in(self, label, seen):
        """The pairs that are right in what was seen of a case."""
        if seen.error is not None:
            return set()
        dtype = dtype_of(self.cases[label])
        names = {name for name, want in self.expected[label].items() if fits(seen.outputs.get(name), want, dtype)}
        if all(name in self.todo.spare for name in seen.changed):
            names.add(KEPT)
        return {(label, name) for name in names}

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
            seen = see(self.todo, self.todo.call_mistake, mistake, self.cases[label])
            digest = None if seen.error else digest_of(seen.outputs)
            if digest is not None and not self.all_right(label, self.right_in(label, seen)):
                found.append((title, mistake, digest))
        return found

    def twin(self, function, seen, mistakes):
        """The title of the mistake that a function does in all cases; seen: what it did in that of the digests."""
        digest = None if seen.error else digest_of(seen.outputs)
        for title, mistake, other in mistakes if digest is not None else ():
            near = digest.shape == other.shape and np.allclose(digest, other, rtol=1e-6, atol=1e-9)
            if near and all(self._alike(function, mistake, label) for label in self.cases):
                return title
        return None

    def _alike(self, function, mistake, label):
        ours, theirs = self.see(function, label), see(self.todo, self.todo.call_mistake, mistake, self.cases[label])
        if ours.error or theirs.error:
            return type(ours.error) is type(theirs.error)
        dtype = dtype_of(self.cases[label])
        return ours.outputs.keys() == theirs.outputs.keys() and all(
            close(ours.outputs[name], theirs.outputs[name], dtype) for name in ours.outputs
        )


def digest_of(outputs):
    """Two sums of each output, by which different ones are told apart; None where they are no finite numbers."""
    try:
        arrays = [np.asarray(a, dtype=float).ravel() for a in outputs.values()]
        sums = np.array([x for a in arrays for x in (a.size, a.sum(), a @ np.cos(np.arange(a.size)))])
    except (TypeError, ValueError):
        return None
    return sums if np.isfinite(sums).all() else None


def fits(got, want, dtype):
    """Whether an output has the form and the values that are expected."""
    if got is None or (np.ndim(want) and not isinstance(got, np.ndarray)):
        return False
    return close(got, want, dtype) and bool(np.isfinite(np.asarray(got, dtype=float)).all())  # close to nan is nan
