"""Wrong answers are wrong and are told why: at least 85 of 100 of those written for it, none for a false reason.

Each takes seconds, so the ordinary run tries every third; CS231N_ALL=1, as in the nightly one, tries them all.
"""

import importlib
import os
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


TRIED = wrong_answers.ANSWERS[:: 1 if os.environ.get("CS231N_ALL") else 3]


@pytest.mark.parametrize("answer", TRIED, ids=lambda a: f"{a.id}-{a.truth}")
def test_wrong_answer_is_told_why(tmp_path, monkeypatch, answer):
    """With time enough for the search on a slow machine; where it does not end by itself, no more than it needs."""
    says = answer.says or "never used"
    without = re.search("never used|right one|as it came|must return|in one order|has shape", says)
    seconds = 0.5 if without else 10 if re.search("makes? this right|^line ", says) else 4
    monkeypatch.setattr("cs231n.checks.explain.SECONDS", seconds)
    if "and besides" in says:
        monkeypatch.setattr("cs231n.checks.mistakes.SECONDS", 4)
    result, _ = try_out(TODOS[answer.id], textwrap.dedent(answer.source), tmp_path)
    card = repr(ResultCard(result)).lower()
    assert result.state == "wrong", card
    assert answer.says is None or (result.explained and answer.says in card), card


def test_enough_are_explained():
    explained = sum(answer.says is not None for answer in wrong_answers.ANSWERS)
    assert explained >= 0.85 * len(wrong_answers.ANSWERS) and len(wrong_answers.ANSWERS) >= 60
    assert sum(answer.faults > 1 for answer in wrong_answers.ANSWERS) >= len(wrong_answers.ANSWERS) // 2
