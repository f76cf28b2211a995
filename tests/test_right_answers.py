"""No right answer is called wrong, however it is written; and what it is told besides is what it lacks."""

import importlib
import pkgutil

import pytest
import right_answers
from test_checks import replace

from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate

for module in pkgutil.iter_modules(right_answers.__path__):
    importlib.import_module(f"right_answers.{module.name}")


@pytest.mark.parametrize("answer", right_answers.ANSWERS, ids=lambda a: f"{a.id}-{a.title}")
def test_right_answer_passes(monkeypatch, answer):
    if answer.forward:
        replace(monkeypatch, TODOS[answer.id].forward, answer.forward)
    replace(monkeypatch, TODOS[answer.id], answer.function)
    result = evaluate(answer.id)
    assert result.state == "passed", (result.reason, *result.details)
    if answer.remark:
        assert any(answer.remark in remark for remark in result.remarks), result.remarks
    else:
        assert not result.remarks


@pytest.mark.parametrize("id", TODOS)
def test_every_todo_has_three_of_them(id):
    assert sum(answer.id == id for answer in right_answers.ANSWERS) >= 3
