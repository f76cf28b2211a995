"""A failing case in hand: what the check gave to an answer, what came back, and what was expected."""

from dataclasses import dataclass, field

import numpy as np

from .errors import describe
from .run import random_state_kept, see
from .todo import find
from .verdict import evaluate


@dataclass
class Case:
    """One case of a TODO: `arguments`, `yours` and `expected` by name, and the `error` that was raised, if any.

    rerun() calls the answer once more on the same arguments, so that a debugger can stop in it.
    """

    id: str
    label: str
    arguments: dict
    expected: dict
    yours: dict = field(default_factory=dict)
    error: BaseException | None = None

    def rerun(self):
        """Call the answer as it is now; what it raises goes out to the caller. Returns its outputs by name."""
        todo = find(self.id)
        return todo.call(
            todo.live(), *(np.copy(a) if isinstance(a, np.ndarray) else a for a in self.arguments.values())
        )

    def __repr__(self):
        lines = [f"{self.id} on the input '{self.label}'"]
        for title, values in (("arguments", self.arguments), ("yours", self.yours), ("expected", self.expected)):
            lines += [f"  .{title}[{name!r}]: {_brief(value)}" for name, value in values.items()]
        if self.error is not None:
            lines.append(f"  .error: {describe(self.error)}")
        return "\n".join([*lines, "  .rerun() calls your function on it once more"])


def _brief(value):
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{value.dtype} {value.shape}"
    return repr(value)[:60]


def case(id, label=None):
    """The Case of this label, or else the first one that the answer to a TODO gets wrong (the first if none)."""
    todo = find(id)
    cases = todo.cases()
    label = label or evaluate(id, explained=False).label or next(iter(cases))
    if label not in cases:
        raise ValueError(f"{id} has no case {label!r}; there are {', '.join(map(repr, cases))}")
    with random_state_kept():
        seen = see(todo, todo.call, todo.live(), cases[label])
        arguments = dict(zip(todo.argument_names(), cases[label]))
        return Case(id, label, arguments, todo.expected(*cases[label]), seen.outputs, seen.error)
