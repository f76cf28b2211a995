"""What a check knows of a TODO: the function a student writes, small inputs for it, an oracle, known mistakes.

A known mistake is a short wrong implementation. It serves three times: it names a student's error, it proves
that the check can fail, and it documents the pitfall.
"""

import difflib
import importlib
import inspect
from pathlib import Path

EDITION = Path(__file__).resolve().parents[2]
TODOS = {}  # id -> Todo, in the order of the course


def find(id):
    """The Todo of this id; a ValueError that suggests the nearest one if there is none."""
    if id not in TODOS:
        near = difflib.get_close_matches(str(id), TODOS, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(TODOS)}"
        raise ValueError(f"there is no TODO {id!r}; {advice}")
    return TODOS[id]


def all_needs(todo):
    """The ids this TODO rests on, directly or not, lowest first."""
    found = []
    for id in todo.needs:
        for lower in (*all_needs(TODOS[id]), id):
            if lower not in found:
                found.append(lower)
    return found


def rests_on(todo, cases=None):
    """all_needs, and what cases of a later notebook rest on besides: all such cases, or those that are named."""
    later = [ids for label, ids in todo.later.items() if cases is None or label in cases]
    return [*all_needs(todo), *(id for ids in later for id in ids)]


class Wrong(Exception):
    """Raised while an answer is run, when its form (not its value) is wrong; the message is the reason."""


class Waiting(Exception):
    """Raised while an answer is run, when the TODO named in args[0] is too broken to go on."""


class Todo:
    """One exercise: `id` names its marker, its error, its hints and its check.

    target: 'module:function' or 'module:Class.method'. cases(): dict label -> tuple of arguments, new at each
    call, the simplest first. beyond: {label: remark} of the cases that ask for more than the contract: an answer that
    fails one of them passes all the same, with this remark. later: {label: ids} of the cases that belong to a later
    stage of the course; they wait until one of these TODOs is begun. needs: ids of the TODOs whose answers this one
    calls. spare: names of arguments that nobody needs any more, so that an answer may write into them.
    float32_suffices: whether the course calls it with float32 only, so that an answer may be right there alone.
    outputs: names of what is returned. hints: from a nudge to nearly the answer.
    The oracle and the mistakes are added as decorators:

        @rnn_step_forward.mistake("the bias b is left out")
        def _(x, prev_h, Wx, Wh, b): ...

    A mistake's title completes the sentence "this is what you get when ...".
    """

    def __init__(
        self, id, target, *, notebook, minutes, cases, outputs, hints, needs=(), beyond=None, later=None, spare=(),
        float32_suffices=False,
    ):  # fmt: skip
        self.id, self.notebook, self.minutes = id, notebook, minutes
        self.module, self.attribute = target.split(":")
        self.cases, self.outputs, self.hints, self.needs = cases, outputs, hints, needs
        self.beyond, self.later = beyond or {}, later or {}
        self.spare, self.float32_suffices = spare, float32_suffices
        self.mistakes = {}
        TODOS[id] = self

    def oracle(self, function):
        """Decorates the function that knows what is right."""
        self.expected_of = function
        return function

    def mistake(self, title):
        """Decorates a wrong answer, to be known by its title."""

        def add(function):
            self.mistakes[title] = function
            return function

        return add

    @property
    def file(self):
        """The file within an edition."""
        return self.module.replace(".", "/") + ".py"

    @property
    def place(self):
        """The file as a student finds it beside the solved one of the same name: student/cs231n/..."""
        return self.file if (EDITION / "tools").is_dir() else f"{EDITION.name}/{self.file}"

    def live(self):
        """The student's function as it is now, also after an autoreload."""
        found = importlib.import_module(self.module)
        for name in self.attribute.split("."):
            found = getattr(found, name)
        return found

    def argument_names(self):
        """What the arguments of a case are called."""
        return list(inspect.signature(self.expected_of).parameters)

    def call(self, function, *args):
        """Run the answer on one case; a dict of named outputs."""
        raise NotImplementedError

    def call_mistake(self, function, *args):
        """Run a known mistake on one case; a dict of named outputs."""
        return self.call(function, *args)

    def expected(self, *args):
        """The right outputs by name."""
        raise NotImplementedError


class Forward(Todo):
    """A layer's forward pass: (outputs..., cache). Its oracle takes and returns float64 torch tensors."""

    def call(self, function, *args):
        got = function(*args)
        names = [*self.outputs, "cache"]
        if got is None:
            raise Wrong(f"{self.attribute} returned None: it must return {', '.join(names)}")
        if not isinstance(got, tuple) or len(got) != len(names):
            raise Wrong(f"{self.attribute} must return {', '.join(names)}; it returned {_what(got)}")
        return dict(zip(self.outputs, got[:-1]))

    def call_mistake(self, function, *args):
        return dict(zip(self.outputs, _as_tuple(function(*args))))

    def expected(self, *args):
        outputs = _as_tuple(self.expected_of(*map(_tensor, args)))
        return dict(zip(self.outputs, (out.detach().numpy() for out in outputs)))


class Backward(Todo):
    """A layer's backward pass, fed the cache of the student's own forward pass; the oracle is torch's autograd.

    A case is (upstream gradients..., inputs of the forward pass...), and so are a mistake's arguments. The upstream
    gradients are spare: whoever sends them has no more use for them.
    """

    def __init__(self, id, target, *, forward, needs=(), **kwargs):
        self.forward = forward
        super().__init__(id, target, needs=(forward.id, *needs), outputs=(), **kwargs)
        self.spare = self._upstream_names()

    def _upstream_names(self):
        return [f"d{out}" for out in self.forward.outputs]

    def argument_names(self):
        return self._upstream_names() + self.forward.argument_names()

    def _names(self, inputs):
        return [f"d{n}" for n, a in zip(self.forward.argument_names(), inputs) if a.dtype.kind == "f"]

    def _split(self, args):
        return args[: len(self.forward.outputs)], args[len(self.forward.outputs) :]

    def call(self, function, *args):
        upstream, inputs = self._split(args)
        made = self.forward.live()(*inputs)
        if not isinstance(made, tuple) or len(made) != len(upstream) + 1:
            raise Waiting(self.forward.id)
        names, got = self._names(inputs), function(*upstream, made[-1])
        if got is None:
            raise Wrong(f"{self.attribute} returned None: it must return {', '.join(names)}")
        if len(names) > 1 and (not isinstance(got, tuple) or len(got) != len(names)):
            raise Wrong(f"{self.attribute} must return {', '.join(names)}; it returned {_what(got)}")
        return dict(zip(names, got if len(names) > 1 else (got,)))

    def call_mistake(self, function, *args):
        return dict(zip(self._names(self._split(args)[1]), _as_tuple(function(*args))))

    def expected(self, *args):
        import torch

        upstream, inputs = self._split(args)
        inputs_t = [_tensor(a).requires_grad_(a.dtype.kind == "f") for a in inputs]
        outputs = _as_tuple(self.forward.expected_of(*inputs_t))
        grads = torch.autograd.grad(outputs, [t for t in inputs_t if t.requires_grad], list(map(_tensor, upstream)))
        return dict(zip(self._names(inputs), (g.numpy() for g in grads)))


class Method(Todo):
    """Anything else: the author gives `run(function, *args)`, a dict of outputs, and a numpy oracle of args."""

    def __init__(self, id, target, *, run, **kwargs):
        self.run = run
        super().__init__(id, target, **kwargs)

    def call(self, function, *args):
        return self.run(function, *args)

    def expected(self, *args):
        return self.expected_of(*args)


def _tensor(array):
    import torch

    return torch.tensor(array, dtype=torch.float64 if array.dtype.kind == "f" else torch.int64)


def _as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def _what(value):
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"one {type(value).__name__}"
