"""Records of a class that never was, as `python -m cs231n.grade` writes them: the same ones for the same seed."""

import random

from cs231n.checks import TODOS

GIVEN = [
    "Ada",
    "Ben",
    "Chloé",
    "Dmitri",
    "Émile",
    "Fatima",
    "Günther",
    "Hana",
    "Ines",
    "Jörg",
    "Lena",
    "Núria",
    "Øyvind",
]
FAMILY = [
    "Özil",
    "Lovelace",
    "Noether",
    "Nguyễn",
    "Åberg",
    "Da-Silva",
    "Müller-Lüdenscheidt",
    "O'Neill",
    "Straße",
    "Wu",
    "Sá",
]
# kind -> how often; a student's own ability shifts it
KINDS = {"passed": 60, "remark": 4, "named": 12, "found": 5, "loosely": 2, "unexplained": 7, "alarm": 0.5}
ALARMS = ("it tried to end the judge's process", "it wrote outside its own folder", "it ran for more than 20 s")
WORDS = ("the tanh comes from its output", "first the sum, then the slope", "shapes: N, D and H", "as in the lecture")


def class_of(students, seed=0, ids=None):
    """Records of this many students; ids: of the TODOs, all of the course unless given."""
    rng = random.Random(seed)
    return [record(f"{GIVEN[n % len(GIVEN)]} {FAMILY[n % len(FAMILY)]}", rng, ids) for n in range(students)]


def record(student, rng, ids=None):
    """One student, who gets as far as ability goes: some TODOs at the end are not begun."""
    ids = list(TODOS if ids is None else ids)
    begun = round(len(ids) * min(1, rng.betavariate(4, 1.2) + 0.1))
    ability = rng.uniform(0.2, 2.5)
    weights = [share * (ability if kind == "passed" else 1) for kind, share in KINDS.items()]
    kinds = rng.choices(list(KINDS), weights, k=begun) + ["waiting"] * (begun < len(ids))
    kinds += ["todo"] * (len(ids) - len(kinds))
    return with_sums(student, [entry(id, kind, rng) for id, kind in zip(ids, kinds)], rng)


def with_sums(student, todos, rng=None):
    """The record around a student's entries."""
    missing = rng is not None and rng.random() < 0.15
    return {
        "version": 1, "student": student, "seconds": 6.1, "todos": todos,
        "points": sum(todo["points"] for todo in todos), "of": float(len(todos)),
        "files": {"cs231n/rnn_layers.py": f"{student}/rnn_layers.py"},
        "notes": ["cs231n/gan_pytorch.py was not handed in"] * missing,
    }  # fmt: skip


def entry(id, kind="passed", rng=None, **changed):
    """A TODO's entry of a kind of KINDS, or "todo" or "waiting"; changed: fields that differ from those made up."""
    rng = rng or random.Random(0)
    todo = TODOS[id]
    state = {"todo": "todo", "waiting": "waiting", "passed": "passed", "remark": "passed"}.get(kind, "wrong")
    labels = list(todo.cases()) if id == "rnn_step_forward" else [f"input {n}" for n in range(1, 6)]
    right = {"passed": len(labels), "wrong": rng.randrange(len(labels))}.get(state, 0)
    began = state in ("passed", "wrong")
    made = {
        "id": id, "notebook": todo.notebook, "state": state, "right": right, "of": len(labels),
        "cases": {label: (n < right) if began else None for n, label in enumerate(labels)},
        "reason": "", "details": [], "mistake": None, "loosely": False, "below": None, "line": None, "remarks": [],
        "outputs": {}, "explained": state != "wrong", "seconds": 0.02, "alarm": None, "digest": None,
        "points": right / len(labels), "max_points": 1.0, "answer": answer(id, rng),
    }  # fmt: skip
    return made | REASONS[kind](todo, rng, labels) | changed


def answer(id, rng):
    """A source of about the length that the course's answers have, comments of a student included."""
    name = TODOS[id].attribute.split(".")[-1]
    head = f"def {name}({', '.join(TODOS[id].argument_names())}):"
    lines = [f"    step_{n} = np.dot(a, b) + {rng.randrange(100)}  # {rng.choice(WORDS)}" for n in range(12)]
    return "\n".join([head, *lines, f"    return step_{rng.randrange(12)}, None", ""])


def _named(todo, rng, labels):
    title = rng.choice(list(todo.mistakes)[:3])
    return {"reason": "the output has wrong values", "mistake": title, "explained": True,
            "digest": f"{todo.id} {title}",
            "details": [f"It is -0.834118, expected -0.964889 on the input '{labels[0]}'."]}  # fmt: skip


def _found(todo, rng, labels):
    line = rng.randrange(40, 60)
    told = f"One change in line {line} makes this right: `+ b` is missing."
    return {"reason": "the output has wrong values", "details": [told], "line": line, "explained": True}


def _unexplained(todo, rng, labels):
    digest = rng.choice("abbccccc")
    number = {"a": 0.25, "b": -1.5, "c": 3.75}[digest]
    return {"reason": "the output has wrong values", "digest": digest,
            "details": [f"output[0, 0] is {number}, expected 0.5 on the input '{labels[0]}'."]}  # fmt: skip


REASONS = {
    "passed": lambda todo, rng, labels: {"reason": f"right on 5 kinds of input: {', '.join(labels)}"},
    "remark": lambda todo, rng, labels: {
        "reason": f"right on 5 kinds of input: {', '.join(labels)}", "remarks": ["`out` is float64."]},
    "named": _named,
    "found": _found,
    "loosely": lambda todo, rng, labels: _named(todo, rng, labels) | {"loosely": True},
    "unexplained": _unexplained,
    "alarm": lambda todo, rng, labels: {
        "reason": "it was stopped", "alarm": rng.choice(ALARMS), "points": 0.0, "explained": True},
    "waiting": lambda todo, rng, labels: {"reason": "waiting for rnn_forward"},
    "todo": lambda todo, rng, labels: {
        "reason": "not started", "details": [f"Look for TODO({todo.id}) in {todo.file}."]},
}  # fmt: skip
ABOUT = {
    "date": "26 November 2026, 14:05",
    "counts": {"submissions": 60, "minutes": 7},
    "confinement": [
        "A process had 20 s, 2 GB of memory and 16 processes, an empty HOME and a folder of its own.",
        "This system does not let an ordinary user take the network away: the answers could have used it.",
    ],
    "points": dict.fromkeys(TODOS, 1.0),
}
