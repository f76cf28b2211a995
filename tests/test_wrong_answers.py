"""Wrong answers are wrong and are told why: at least 85 of 100 of those written for it, none for a false reason."""

import importlib
import pkgutil
import re
import textwrap

import pytest
import wrong_answers

from cs231n.checks.show import ResultCard
from cs231n.checks.todo import TODOS
from tools.mutants import try_out

for module in pkgutil.iter_modules(wrong_answers.__path__):
    importlib.import_module(f"wrong_answers.{module.name}")


@pytest.mark.parametrize("answer", wrong_answers.ANSWERS, ids=lambda a: f"{a.id}-{a.truth}")
def test_wrong_answer_is_told_why(tmp_path, monkeypatch, answer):
    """With time enough for the search on a slow machine; where it finds nothing, with little: all would be used up."""
    without = re.search("never used|right one|as it came|must return|in one order", answer.says or "never used")
    monkeypatch.setattr("cs231n.checks.explain.SECONDS", 0.5 if without else 6)
    result, _ = try_out(TODOS[answer.id], textwrap.dedent(answer.source), tmp_path)
    card = repr(ResultCard(result)).lower()
    assert result.state == "wrong", card
    assert answer.says is None or (result.explained and answer.says in card), card


def test_enough_are_explained():
    explained = sum(answer.says is not None for answer in wrong_answers.ANSWERS)
    assert explained >= 0.85 * len(wrong_answers.ANSWERS) and len(wrong_answers.ANSWERS) >= 60
    assert sum(answer.faults > 1 for answer in wrong_answers.ANSWERS) >= len(wrong_answers.ANSWERS) // 2
