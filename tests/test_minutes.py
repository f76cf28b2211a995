"""The minutes that the notebooks say a TODO takes are those that its check says."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from cs231n.checks import TODOS

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted({todo.notebook for todo in TODOS.values()})
ID = re.compile(r"`(\w+)`")


def prose(name):
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def in_the_table(text):
    """(ids, minutes) of each row whose last cell is a number or a sum of numbers."""
    for row in re.findall(r"^\|(.+)\|$", text, re.MULTILINE):
        *others, last = row.split("|")
        if re.fullmatch(r"[\d +]+", last):
            yield ID.findall("|".join(others)), last.strip()


def in_the_text(text):
    """(ids, minutes) of each `**TODO ...**`; minutes is "" where none are said before the next."""
    for part in text.split("**TODO ")[1:]:
        said = re.search(r"(\d[\d +]*) minutes( each)?", part)
        head = part[: said.start()] if said else part
        ids = [id for id in ID.findall(head) if id in TODOS]
        yield ids, " + ".join([said[1]] * len(ids)) if said and said[2] else said[1] if said else ""


def truth(ids):
    return " + ".join(str(TODOS[id].minutes) for id in ids)


@pytest.mark.parametrize("statements", [in_the_table, in_the_text])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_minutes_agree(name, statements):
    """One number for each TODO, in their order: a sum of them would be false with each that changes."""
    said = list(statements(prose(name)))
    assert Counter(id for ids, _ in said for id in ids) == Counter(id for id in TODOS if TODOS[id].notebook == name)
    wrong = {tuple(ids): f"says {minutes!r}, is {truth(ids)!r}" for ids, minutes in said if minutes != truth(ids)}
    assert not wrong


def test_what_is_read():
    table = "| a part | `tanh`, `relu` | [f](f) | 3 + 5 |\n| `x` | y |"
    assert list(in_the_table(table)) == [(["tanh", "relu"], "3 + 5")]
    text = "**TODO `rnn_forward`** and **`rnn_backward`** in `f`, 3 + 5 minutes. **TODO `tv_loss`**, soon."
    assert list(in_the_text(text)) == [(["rnn_forward", "rnn_backward"], "3 + 5"), (["tv_loss"], "")]
    assert list(in_the_text("**TODO `gan_step`, `tv_loss`**, 10 minutes each.")) == [
        (["gan_step", "tv_loss"], "10 + 10")
    ]
