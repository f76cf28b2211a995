"""The tests that CONTRIBUTING.md names do fail until the step beside them is done.

All steps are left undone in one copy of the course, and one run of pytest there has to be told so by each of them.
"""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools.clones import clone, environment
from tools.editions import ROOT

# Steps begun, and not gone on with: what is added to which file.
BEGUN = {
    "cs231n/optim.py": '''

def clip_value(dw, most):
    """dw (any shape) with every element between -most and most."""
    # TODO(clip_value): one call of numpy.
    ### BEGIN SOLUTION clip_value
    return np.clip(dw, -most, most)
    ### END SOLUTION
''',
    "cs231n/checks/exercises/indexing.py": '''

clip_norm = Method(
    "clip_norm", "cs231n.optim:clip_norm", notebook="extras", minutes=10, cases=dict, outputs=("dw",),
    hints=("Only one.",), run=lambda function, *args: {"dw": function(*args)},
)
''',
    "cs231n/checks/exercises/rnn.py": '''

@rnn_step_forward.mistake("nothing is wrong")
def _(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wx + prev_h @ Wh + b)
''',
    "tests/wrong_answers/rnn.py": '''

wrong(
    "rnn_step_forward", "not recorded yet", """
def rnn_step_forward(x, prev_h, Wx, Wh, b):
    return np.tanh(x @ Wx + prev_h @ Wh), None
""", says="words that no card has",
)
''',
}  # fmt: skip
# Each test that is named, with what makes it one of its kind, and words that tell that it fails for this step.
TOLD = {
    "tests/test_course.py::test_every_id_has_one_marker_and_one_check": ("", "clip_value"),
    "tests/test_checks.py::test_at_least_four_mistakes_and_two_hints": ("[clip_norm]", "mistakes) >= 4"),
    "tests/test_course.py::test_notebook_checks_every_todo_of_its_own": ("[extras]", "no check cell for clip_norm"),
    "tests/test_right_answers.py::test_every_todo_has_three_of_them": ("[clip_norm]", "assert 0 >= 3"),
    "tests/test_documents.py::test_the_contents_say_how_long_it_takes": ("[README.md]", "extras"),
    "tests/test_wrong_answers.py::test_wrong_answer_is_told_why": (
        "[rnn_step_forward-not recorded yet]", "words that no card has"),
    "tests/test_checks.py::test_known_mistake_is_caught_and_named": (
        "[rnn_step_forward-nothing is wrong]", "nothing is wrong"),
    "tests/test_course.py::test_committed_notebook_is_executed_in_order": ("[New]", "range(1, len(counts) + 1)"),
    "tests/test_documents.py::test_the_contents_name_every_notebook": ("[README.md]", "New"),
}  # fmt: skip


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """{test: what it says} of those of TOLD that fail where every step is begun and none is done."""
    course = clone(tmp_path_factory.mktemp("contributing") / "course")
    for file, addition in BEGUN.items():
        with (course / file).open("a", encoding="utf-8") as source:
            source.write(addition)
    notebook = json.loads((course / "notebooks/RNN.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell.update({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})
    (course / "notebooks/New.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return run_pytest(course, [test + which for test, (which, _) in TOLD.items()])


def run_pytest(course, tests):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml", *tests]
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CS231N_ALL": "1"}  # or two of three wrong answers are left out
    done = subprocess.run(command, cwd=course, env=environment() | quick, capture_output=True, text=True, timeout=600)
    assert (course / "report.xml").exists(), done.stdout + done.stderr
    cases = ElementTree.parse(course / "report.xml").iter("testcase")
    failed = {case: case.find("failure") for case in cases}
    return {
        f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}": failure.text
        for case, failure in failed.items()
        if failure is not None
    }


@pytest.mark.parametrize("test", TOLD)
def test_it_fails_until_the_step_is_done(test, failures):
    which, words = TOLD[test]
    assert test + which in failures, "it passes although the step is not done"
    assert words in failures[test + which]


def test_those_are_the_tests_that_are_named():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"tests/\w+\.py::\w+", page)) == set(TOLD)
    for test in TOLD:
        file, _, name = test.partition("::")
        assert f"def {name}(" in Path(ROOT, file).read_text(encoding="utf-8")
