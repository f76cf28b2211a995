"""How many points a TODO is worth: one each, or what a teacher's small JSON file says."""

import json
from pathlib import Path

from cs231n.checks.todo import TODOS, find

NOTEBOOKS = tuple(dict.fromkeys(todo.notebook for todo in TODOS.values()))


def points_of(file=None):
    """{id: points} of the TODOs that count, in the order of the course.

    file: JSON such as {"RNN": 2, "rnn_backward": 5, "extras": 0}: points for each TODO of a notebook, or for one TODO,
    which goes before its notebook's; whatever is not named has one point, what has 0 is not graded. ValueError
    where the file is not so.
    """
    said = _read(file) if file else {}
    for name, value in said.items():
        if name not in NOTEBOOKS:
            try:
                find(name)
            except ValueError as error:
                raise ValueError(f"{file}: {error}, or the notebooks {', '.join(NOTEBOOKS)}") from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6:
            raise ValueError(f"{file}: {name!r} must have a number of points, 0 or more, not {value!r}")
    points = {id: float(said.get(id, said.get(todo.notebook, 1))) for id, todo in TODOS.items()}
    points = {id: value for id, value in points.items() if value}
    if not points:
        raise ValueError(f"{file}: nothing is left that has points")
    return points


def _read(file):
    try:
        said = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(said, dict):
        raise ValueError(f'{file} must hold points by name, such as {{"RNN": 2, "rnn_backward": 5}}')
    return said
