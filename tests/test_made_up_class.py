"""The made-up class is what its truth says, with all wrong and all hostile answers in it."""

import ast
import json
import os
import subprocess
import sys

import hostile_answers
import made_up_class
import placing
import pytest
import wrong_answers
from conftest import ROOT
from packing import WANTED

from cs231n.checks.todo import TODOS
from cs231n.grade.submissions import SOLVED, find_submissions
from tools import editions

EVALUATE = """
import json
from cs231n.checks import TODOS
from cs231n.checks.verdict import evaluate
print("STATES", json.dumps({id: evaluate(id, explained=False).state for id in TODOS}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("made up") / "class of Zoë"


@pytest.fixture(scope="module")
def truths(folder):
    return made_up_class.make_class(folder)


@pytest.fixture(scope="module")
def found(folder, truths):
    return {submission.name: submission for submission in find_submissions(folder / "submissions", WANTED)}


def of_kind(truths, kind):
    return {name: truth for name, truth in truths.items() if truth["kind"] == kind}


def test_everybody_is_found(folder, truths, found):
    assert set(found) == set(truths) and len(truths) == 60
    assert json.loads((folder / "truth.json").read_text(encoding="utf-8")) == truths
    assert {truth["layout"] for truth in truths.values()} == set(made_up_class.LAYOUTS)


def test_all_that_was_handed_in_is_found(truths, found):
    for name, truth in truths.items():
        assert set(found[name].files) == {*WANTED} - {*truth["missing"]}, name
        assert not any(SOLVED.search(data) for data in found[name].files.values()), name
        for file, data in found[name].files.items():
            if file == truth["broken"]:
                with pytest.raises(SyntaxError):
                    ast.parse(data)
            else:
                ast.parse(data)


def test_every_wrong_answer_is_given_and_some_by_several(truths):
    given = [(id, wrong) for truth in truths.values() for id, wrong in truth["wrong"].items()]
    assert {(answer.id, answer.truth) for answer in wrong_answers.ANSWERS} == {*given}
    several = [pair for pair in {*given} if given.count(pair) >= 5]
    assert len(several) >= 4
    assert all(len(truth["wrong"]) == 2 for truth in of_kind(truths, "two at once").values())


def test_what_they_wrote_is_in_their_files(truths, found):
    """A line of each wrong answer, and one of each hostile one."""
    for name, truth in truths.items():
        for answer in wrong_answers.ANSWERS:
            if truth["wrong"].get(answer.id) == answer.truth:
                lines = [line.strip() for line in answer.source.splitlines() if line.strip()]
                text = found[name].files[TODOS[answer.id].file].decode()
                assert all(line in text for line in lines if not line.startswith("#")), (name, answer.id)


def test_every_hostile_answer_is_there_and_nowhere_else(truths, found):
    hostile = [truth["hostile"] for truth in of_kind(truths, "hostile").values()]
    assert sorted(h["title"] for h in hostile) == sorted(answer.title for answer in hostile_answers.ANSWERS)
    assert all(h["id"] in h["spoils"] for h in hostile)
    for name, truth in truths.items():
        everything = b"".join(found[name].files.values()).decode()
        attacks = [answer for answer in hostile_answers.ANSWERS if longest_line(answer) in everything]
        known = truth["hostile"] and truth["hostile"]["title"]
        assert known in [a.title for a in attacks] if known else not attacks, name
        assert not known or truth["hostile"]["id"] not in truth["passes"]


def longest_line(answer):
    return max((answer.answer or answer.before or answer.head).splitlines(), key=len).strip()


def test_hostile_answers_rest_on_a_right_submission(truths, found):
    """Without the attack, a file is ours, and its numbers are right where the truth says so."""
    for name, truth in of_kind(truths, "hostile").items():
        file = TODOS[truth["hostile"]["id"]].file
        region = placing.ANSWERS[file][truth["hostile"]["id"]]
        assert (region in found[name].files[file].decode()) == (truth["hostile"]["numbers"] == "right"), name


def test_the_same_seed_gives_the_same_class(folder, truths, tmp_path):
    def contents(place):
        return {path.relative_to(place): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}

    assert made_up_class.make_class(tmp_path / "again") == truths
    assert contents(tmp_path / "again") == contents(folder)
    assert made_up_class.make_class(tmp_path / "other", seed=8) != truths


@pytest.mark.parametrize("kind", ["right otherwise", "two at once"])
def test_the_checks_agree(truths, found, tmp_path, kind):
    """One of each kind in a student's edition: what is to pass passes, and what is wrong is called so."""
    name, truth = next(iter(of_kind(truths, kind).items()))
    student = editions.build(tmp_path / "student")
    for file, data in found[name].files.items():
        (student / file).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", EVALUATE], cwd=student, env=os.environ | {"CS231N_STRICT": "0"},
        capture_output=True, encoding="utf-8", timeout=600,
    )  # fmt: skip
    states = json.loads(done.stdout.split("STATES ")[-1])
    assert all(states[id] == "passed" for id in truth["passes"]), states
    assert all(states[id] == "wrong" for id in truth["wrong"]), states
    assert len(truth["passes"]) >= {"right otherwise": 50, "two at once": 35}[kind]


def test_a_smaller_class(tmp_path):
    truths = made_up_class.make_class(tmp_path / "small", size=20)
    assert len(truths) == 20 and {truth["kind"] for truth in truths.values()} == {*made_up_class.MAKERS}
    assert len(find_submissions(tmp_path / "small/submissions", WANTED)) == 20


def test_the_command(tmp_path, capsys):
    command = [sys.executable, "-m", "tests.made_up_class", str(tmp_path / "new"), "--size", "20", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0 and done.stdout.startswith("20 submissions in "), done.stderr
    assert made_up_class.main([str(tmp_path / "new")]) == 1 and "is not empty" in capsys.readouterr().err
    assert made_up_class.main([str(tmp_path / "tiny"), "--size", "3"]) == 1 and not (tmp_path / "tiny").exists()
