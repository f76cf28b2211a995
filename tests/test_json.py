"""`python -m cs231n.checks --json`: its form, what is on standard output, and answers that end the program."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from cs231n.checks import record
from cs231n.checks.result import Result
from cs231n.checks.todo import TODOS
from tools import editions
from tools.clones import environment

STUB = 'raise NotImplementedError("TODO {}: replace this line with your code")'
NOISY = """import os, subprocess, sys
    print("printed in a function")
    os.write(1, b"written to the console itself")
    subprocess.run([sys.executable, "-c", "print('printed by a child')"])
    return np.tanh(x @ Wx + prev_h @ Wh), None"""
NEVER = """while True:
        try:
            while True:
                pass
        except BaseException:
            pass"""


def run(folder, *words, code=None):
    start = ["-c", code] if code else ["-m", "cs231n.checks"]
    command = [sys.executable, *start, *words]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, encoding="utf-8", timeout=300)


def answer(folder, id, code):
    """Write code in the place of a TODO's line."""
    file = folder / TODOS[id].file
    text = file.read_text(encoding="utf-8")
    assert STUB.format(id) in text
    file.write_text(text.replace(STUB.format(id), code), encoding="utf-8")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """An edition with answers right, wrong, waiting, noisy, and such as end the program."""
    folder = editions.build(tmp_path_factory.mktemp("json") / "mein Küchentisch")
    answer(folder, "rnn_step_forward", NOISY)
    answer(folder, "rnn_forward", "os._exit(0)")
    answer(folder, "rnn_backward", STUB.format("rnn_step_backward"))
    editions.fill_tree(folder, ["word_embedding_forward", "content_loss", "gram_matrix", "style_loss", "tv_loss"])
    for file in ("rnn_layers.py", "style_transfer_pytorch.py"):
        with (folder / "cs231n" / file).open("a", encoding="utf-8") as source:
            source.write('\nimport os\n\nprint("printed by a module")\n')
    with (folder / "cs231n/gan_pytorch.py").open("a", encoding="utf-8") as source:
        source.write("\nimport os\n\nos._exit(0)\n")
    return folder


@pytest.fixture(scope="module")
def whole(student):
    done = run(student, "--json", "RNN", "sample_noise", "RNN", "bce_loss")
    assert done.returncode == 1 and "printed by a module" in done.stderr
    assert all(words in done.stderr for words in ("in a function", "written to the console", "by a child"))
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def entries(whole):
    return {entry["id"]: entry for entry in whole["todos"]}


def test_nothing_but_the_form_is_printed_in_the_courses_order(whole):
    rest = {name: whole[name] for name in ("version", "edition", "passed", "of")}
    assert rest == {"version": 1, "edition": "student", "passed": 1, "of": 10} and len(whole) == 5
    ids = [id for id, todo in TODOS.items() if todo.notebook == "RNN"]
    assert [entry["id"] for entry in whole["todos"]] == [*ids, "sample_noise", "bce_loss"]
    documented = set(re.findall(r"\b[a-z]+\b", record.__doc__))
    for entry in whole["todos"]:
        assert entry.keys() == whole["todos"][0].keys() <= documented
        assert entry["notebook"] == TODOS[entry["id"]].notebook


def test_every_state_is_told_with_its_cases(entries):
    assert {id: entry["state"] for id, entry in entries.items()} == {
        "rnn_step_forward": "wrong", "rnn_step_backward": "todo", "rnn_forward": "wrong", "rnn_backward": "wrong",
        "word_embedding_forward": "passed", "word_embedding_backward": "todo", "captioning_rnn_loss": "todo",
        "captioning_rnn_sample": "todo", "sample_noise": "wrong", "bce_loss": "wrong",
    }  # fmt: skip
    for id, entry in entries.items():
        assert list(entry["cases"]) == list(TODOS[id].cases())
        assert entry["state"] == "passed" or entry["right"] < entry["of"]
    right = entries["word_embedding_forward"]
    assert right["right"] == right["of"] > 1 and set(right["cases"].values()) == {True}


def test_a_wrong_answer_is_told_why(entries):
    wrong = entries["rnn_step_forward"]
    assert wrong["mistake"] == "the bias b is left out" and wrong["explained"] and not wrong["loosely"]
    assert wrong["outputs"] == {"next_h": False} and wrong["reason"] == "next_h has wrong values"
    assert wrong["seconds"] > 0 and wrong["details"] and wrong["below"] is None and wrong["remarks"] == []


def test_an_answer_that_ends_the_program_is_wrong_and_the_others_are_judged(entries):
    """Whether it runs when it is called, or as its file is loaded: then no other of that file is tried."""
    for id in ("rnn_forward", "sample_noise", "bce_loss"):
        assert entries[id]["reason"] == "your code ended the program that checks it (exit status 0)"
        assert entries[id]["right"] == 0 and entries[id]["of"] > 1 and set(entries[id]["cases"].values()) == {False}


def test_the_status_is_0_only_if_all_pass(student):
    done = run(student, "--json", "StyleTransfer")
    assert done.returncode == 0
    assert json.loads(done.stdout)["passed"] == 4
    alone = run(student, "--json", "rnn_forward")  # which ends with 0 what it can
    assert alone.returncode == 1 and json.loads(alone.stdout)["passed"] == 0


def test_an_unknown_name_is_an_error_and_no_json(student):
    done = run(student, "--json", "RNN", "rnn_forwrd")
    assert done.returncode == 2 and done.stdout == "" and "did you mean 'rnn_forward'" in done.stderr


def test_another_editions_form_is_had_by_its_folder(student):
    done = run(editions.ROOT, "--json", "--edition", str(student), "content_loss")
    assert done.returncode == 0 and json.loads(done.stdout)["edition"] == "student"


def test_the_solved_edition_says_so_and_passes():
    done = run(editions.ROOT, "--json", "rnn_step_forward", "noise_loss")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and (said["edition"], said["passed"], said["of"]) == ("solved", 2, 2)


def test_an_answer_that_never_ends_is_given_up(tmp_path):
    """Also one that lets no interruption through; the limit is shortened."""
    folder = editions.build(tmp_path / "student")
    editions.fill_tree(folder, ["rnn_step_forward"])
    answer(folder, "rnn_forward", NEVER)
    with (folder / "cs231n/idioms.py").open("a", encoding="utf-8") as source:
        source.write("\nwhile True:\n    pass\n")
    code = (
        "from cs231n.checks import survey, __main__ as command; survey.SECONDS = 12; command.main("
        "['--json', 'rnn_step_forward', 'rnn_forward', 'word_embedding_forward', 'select_scores'])"
    )
    said = json.loads(run(folder, code=code).stdout)
    assert [entry["state"] for entry in said["todos"]] == ["passed", "wrong", "todo", "wrong"]
    for entry in (said["todos"][1], said["todos"][3]):
        assert entry["reason"] == "your code was stopped after 12 s: is there an endless loop?"


def test_checks_that_do_not_begin_are_not_called_the_students_fault(monkeypatch):
    """As where torch is broken."""
    from cs231n.checks import survey

    monkeypatch.setattr(survey.sys, "executable", "/bin/false" if sys.platform != "darwin" else "/usr/bin/false")
    (found,) = survey.survey(["rnn_forward"])
    assert found["reason"] == "the check ended before it began (exit status 1)"


def test_what_costs_a_remark_only_and_what_waits_do_not_count():
    id, todo = next((id, todo) for id, todo in TODOS.items() if todo.beyond and len(todo.cases()) > 3)
    cases = dict.fromkeys(todo.cases(), np.bool_(True)) | dict.fromkeys(todo.beyond, False)
    counted = [label for label in cases if label not in todo.beyond]
    cases |= {counted[0]: None, counted[1]: False}
    found = record.todo_as_json(Result(id, "wrong", "", cases=cases, outputs={"x": np.bool_(False)}))
    assert (found["right"], found["of"]) == (len(counted) - 2, len(counted) - 1)
    assert json.loads(json.dumps(found)) == found and found["cases"][counted[0]] is None


def test_cases_do_not_load_what_students_write():
    """A process that only waits for the one in which it runs may ask for them."""
    code = (
        "import sys; from cs231n.checks import TODOS; [todo.cases() for todo in TODOS.values()];"
        "assert not {todo.module for todo in TODOS.values()} & sys.modules.keys()"
    )
    assert run(editions.ROOT, code=code).returncode == 0
