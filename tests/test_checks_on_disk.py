"""The check speaks of the code on the disk, of the student's own lines, and of the notebook's own edition."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from test_checks import replace

from cs231n.checks import __main__ as command
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate
from tools import editions

NOTEBOOKS = ("RNN", "LSTM", "NetworkVisualization", "StyleTransfer", "GANs", "extras")
ID = "rnn_step_forward"
STUB = f'raise NotImplementedError("TODO {ID}: replace this line with your code")'
RIGHT = "next_h = np.tanh(x @ Wx + prev_h @ Wh + b); cache = x, prev_h, Wx, Wh, b, next_h"


def first_cell(notebook):
    return next("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def not_strict():
    """A student's checks do not raise; a run of all tests sets that they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS231N_STRICT", "0")
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course's folder, solved, with a student's edition in it."""
    folder = tmp_path_factory.mktemp("desk") / "my course"
    folder.mkdir()
    for name in ("cs231n", "tools", "datasets", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    editions.build(folder / "student")
    return folder


# What was saved

SESSION = """
import json, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
file, steps, first = Path("../cs231n/rnn_layers.py"), json.loads(sys.argv[1]), sys.argv[2]
shell.run_cell(first).raise_error()
shell.run_cell("from cs231n.checks.verdict import evaluate").raise_error()
for name, text in steps.items():
    if name.startswith("the first cell once more"):
        shell.run_cell(first).raise_error()
    if name.startswith("what it lacked"):
        with open("../cs231n/layers.py", "a") as other:
            other.write("\\n\\nADDED = 1\\n")
    if text is not None:
        file.write_text(text, encoding="utf-8")
    shell.run_cell(f"check('rnn_step_forward'); result = vars(evaluate('rnn_step_forward'))").raise_error()
    seen = shell.user_ns["result"]
    print("SEEN", json.dumps([name, seen["state"], seen["reason"], seen["details"]]))
"""


def saved(shipped):
    """{what a student saved: the text of rnn_layers.py}, in the order of saving; None: not saved again."""

    def with_answer(*lines):
        return shipped.replace(STUB, "\n    ".join(lines))

    wrong = "next_h = np.linalg.solve(x, prev_h)"
    return {
        "a right answer": with_answer(RIGHT),
        "a syntax error": with_answer("next_h = np.tanh((x @ Wx", "# five", "# more"),
        "a syntax error, once more": None,
        "mended": with_answer(RIGHT, ""),
        "an import misspelt": with_answer(RIGHT, "").replace("import numpy as np", "import numpy as np\nimport nmpy"),
        "an import misspelt, once more": None,
        "a name that another file lacks": with_answer("# needs it", RIGHT) + "\nfrom .layers import ADDED\n",
        "what it lacked is there": None,
        "the first cell once more, and a right answer": with_answer("# once more", "# and once", RIGHT),
        "an error in a line below": with_answer("# one", "# two", wrong),
        "an error in a line further below": "# one\n# two\n# three\n" + with_answer("# one", "# two", wrong),
        "code above the line": with_answer(RIGHT, STUB),
        "code below the line": with_answer(STUB, RIGHT),
        "a comment above the line": with_answer("# what now?", STUB),
        "a comment in the line's place": with_answer("# later"),
        "pass in the line's place": with_answer("pass"),
        "the function by another name": with_answer(RIGHT).replace(f"def {ID}(", "def step("),
        "as it came": shipped,
    }


@pytest.fixture(scope="module", params=[2, 3], ids=lambda mode: f"autoreload {mode}")
def verdicts(request, tmp_path_factory):
    """{what a student saved: (text of the file, state, reason, details)} in an IPython session of the notebook."""
    folder = editions.build(tmp_path_factory.mktemp("session") / "student")
    steps = saved((folder / "cs231n" / "rnn_layers.py").read_text(encoding="utf-8"))
    first = first_cell(read(folder / "notebooks" / "RNN.ipynb"))
    first = first.replace("%autoreload 2", f"%autoreload {request.param}")
    line = [sys.executable, "-c", SESSION, json.dumps(steps), first]
    done = subprocess.run(line, cwd=folder / "notebooks", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "own edition" not in done.stdout  # which is said only where it could be doubted
    seen = [json.loads(line.removeprefix("SEEN ")) for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    return {name: (steps[name], *rest) for name, *rest in seen}


SAVED = {
    "a right answer": ("passed", "right on"),
    "a syntax error": ("wrong", "cannot be loaded as it stands on the disk: SyntaxError: '(' was never closed"),
    "a syntax error, once more": ("wrong", "cannot be loaded as it stands on the disk: SyntaxError"),
    "mended": ("passed", "right on"),
    "an import misspelt": ("wrong", "ModuleNotFoundError: No module named 'nmpy'"),
    "an import misspelt, once more": ("wrong", "ModuleNotFoundError: No module named 'nmpy'"),
    "a name that another file lacks": ("wrong", "ImportError: cannot import name 'ADDED'"),
    "what it lacked is there": ("passed", "right on"),
    "the first cell once more, and a right answer": ("passed", "right on"),
    "an error in a line below": ("wrong", "LinAlgError"),
    "an error in a line further below": ("wrong", "LinAlgError"),
    "code above the line": ("wrong", "your code is there, but line "),
    "code below the line": ("wrong", "your code is there, but line "),
    "a comment above the line": ("todo", "not started"),
    "a comment in the line's place": ("wrong", "the TODO's line is deleted, and there is no code in its place yet"),
    "pass in the line's place": ("wrong", "the TODO's line is deleted, and there is no code in its place yet"),
    "the function by another name": ("wrong", f"module 'cs231n.rnn_layers' has no attribute '{ID}'"),
    "as it came": ("todo", "not started"),
}


@pytest.mark.parametrize("name", SAVED)
def test_what_is_judged_is_what_was_saved(verdicts, name):
    _, state, reason, _ = verdicts[name]
    assert (state, SAVED[name][1] in reason) == (SAVED[name][0], True), reason


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a syntax error", "next_h = np.tanh((x @ Wx"),
        ("an import misspelt", "import nmpy"),
        ("an error in a line below", "next_h = np.linalg.solve(x, prev_h)"),
        ("an error in a line further below", "next_h = np.linalg.solve(x, prev_h)"),
    ],
)
def test_the_line_shown_is_the_line_of_the_file(verdicts, name, code):
    text, _, _, details = verdicts[name]
    number = next(n for n, line in enumerate(text.splitlines(), 1) if line.strip() == code)
    assert details[0] == f"line {number} of rnn_layers.py: {code}"


def test_the_line_that_still_raises_is_named(verdicts):
    for name in ("code above the line", "code below the line"):
        text, _, reason, _ = verdicts[name]
        number = next(n for n, line in enumerate(text.splitlines(), 1) if line.strip() == STUB)
        assert f"line {number} still raises: delete that line" in reason


# Whose line


def evaluate_source(id, source, tmp_path, monkeypatch):
    """The verdict on an answer that stands in a file of its own; its last function is the answer."""
    path = tmp_path / "answer.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("answer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    replace(monkeypatch, TODOS[id], vars(module)[TODOS[id].attribute])
    return evaluate(id)


def test_a_helper_of_ours_or_of_numpy_is_not_the_students_line(tmp_path, monkeypatch):
    source = (
        "from cs231n.layers import affine_forward\n\n\n"
        f"def {ID}(x, prev_h, Wx, Wh, b):\n"
        "    out, cache = affine_forward(x, Wx, b[:2])\n"
        "    return out, cache\n"
    )
    result = evaluate_source(ID, source, tmp_path, monkeypatch)
    assert result.state == "wrong" and "on the input 'float64'" in result.reason
    assert result.details[0] == "line 5 of answer.py: out, cache = affine_forward(x, Wx, b[:2])"


def test_a_helper_of_the_students_is_shown_behind_the_line_that_calls_it(tmp_path, monkeypatch):
    source = f"def helper(x):\n    return x.nothing\n\n\ndef {ID}(x, prev_h, Wx, Wh, b):\n    return helper(x), None\n"
    result = evaluate_source(ID, source, tmp_path, monkeypatch)
    first, then = result.details[0].split("; from there in helper, ")
    assert first == "line 6 of answer.py: return helper(x), None" and then == "line 2 of answer.py: return x.nothing"


def test_no_line_is_shown_where_the_error_went_through_none_of_theirs(tmp_path, monkeypatch):
    result = evaluate_source(ID, f"def {ID}():\n    pass\n", tmp_path, monkeypatch)
    assert result.reason.startswith("TypeError") and result.details[0].startswith("No line of yours raised it")


def test_a_time_out_names_its_line_and_input_even_if_the_answer_catches_errors(tmp_path, monkeypatch):
    monkeypatch.setattr("cs231n.checks.run.SECONDS", 1)
    monkeypatch.setattr("cs231n.checks.explain.search.BY_THE_CLOCK", 2)  # sleep takes no time of the processor's
    source = (
        f"import time\n\n\ndef {ID}(x, prev_h, Wx, Wh, b):\n    while True:\n        try:\n"
        "            time.sleep(0.1)\n        except Exception:\n            pass\n"
    )
    result = evaluate_source(ID, source, tmp_path, monkeypatch)
    assert "stopped after 1 s" in result.reason and "(on the input 'float64')" in result.reason
    assert result.details[0] == "line 7 of answer.py: time.sleep(0.1)"


def test_a_wrong_form_names_its_input(monkeypatch):
    replace(monkeypatch, TODOS[ID], lambda *args: None)
    assert "returned None" in evaluate(ID).reason and evaluate(ID).reason.endswith("(on the input 'float64')")


def test_a_change_that_is_not_loaded_is_told(tmp_path):
    """Outside IPython, or with autoreload off, nothing loads it."""
    copy = editions.build(tmp_path / "student")
    script = (
        "from pathlib import Path; from cs231n.checks.verdict import evaluate; from cs231n import rnn_layers;"
        "file = Path(rnn_layers.__file__); text = file.read_text(encoding='utf-8');"
        f"file.write_text(text.replace({STUB!r}, {RIGHT!r}), encoding='utf-8'); result = evaluate({ID!r});"
        "print(result.state, result.reason)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True, timeout=120)
    assert done.stdout == "wrong student/cs231n/rnn_layers.py was changed, and the change is not loaded\n", done.stderr


def test_a_check_is_not_slowed_down():
    from cs231n.checks import disk

    for todo in TODOS.values():
        todo.live()
        assert disk.disagreement(todo) is None
        began = time.process_time()
        disk.disagreement(todo), disk.code_at(todo)
        assert time.process_time() - began < 0.02


# Which edition


def search(cell):
    """The lines of a first cell that look for the edition."""
    lines = cell.splitlines()
    return "\n".join(lines[lines.index("import sys") : lines.index(next(x for x in lines if "sys.path" in x)) + 1])


def found_from(cell, monkeypatch, folder, **known):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [])
    exec(search(cell), {**known})
    return Path(sys.path[0])


SOLVED_FIRST = first_cell(read(ROOT / "notebooks" / "RNN.ipynb"))
STUDENTS_FIRST = first_cell(editions.strip_notebook(read(ROOT / "notebooks" / "RNN.ipynb")))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_all_notebooks_look_for_their_edition_in_the_same_way(name):
    solved = read(ROOT / "notebooks" / f"{name}.ipynb")
    assert search(first_cell(solved)) == search(SOLVED_FIRST)
    assert search(first_cell(editions.strip_notebook(solved))) == search(STUDENTS_FIRST)


@pytest.mark.parametrize("place", ["student/notebooks", "student", "."])
def test_a_students_notebook_finds_the_students_edition(course, place, monkeypatch):
    assert found_from(STUDENTS_FIRST, monkeypatch, course / place) == course / "student"


@pytest.mark.parametrize("place", ["notebooks", ".", "student"])
def test_a_solved_notebook_finds_the_solved_edition(course, place, monkeypatch):
    folder = course.resolve() / place
    expected = ROOT if place == "notebooks" else course  # a link's parent is its target's
    assert found_from(SOLVED_FIRST, monkeypatch, folder) == expected


@pytest.mark.parametrize("folder", ["/", ".", "student", "student/notebooks"])
def test_in_vs_code_a_notebook_is_at_home_anywhere(course, folder, monkeypatch):
    solved, students = (str(root / "notebooks" / "RNN.ipynb") for root in (ROOT, course / "student"))
    assert found_from(SOLVED_FIRST, monkeypatch, course / folder, __vsc_ipynb_file__=solved) == ROOT
    found = found_from(STUDENTS_FIRST, monkeypatch, course / folder, __vsc_ipynb_file__=students)
    assert found == course / "student"


@pytest.mark.parametrize("first", [SOLVED_FIRST, STUDENTS_FIRST], ids=["solved", "student"])
def test_elsewhere_a_notebook_says_what_to_do(first, tmp_path, monkeypatch):
    (tmp_path / "cs231n").mkdir()  # of another assignment
    with pytest.raises(AssertionError, match="no cs231n near .*: %cd to the folder of this notebook"):
        found_from(first, monkeypatch, tmp_path)


def test_a_students_notebook_never_takes_the_solved_edition(course, monkeypatch):
    renamed = first_cell(editions.strip_notebook(read(ROOT / "notebooks" / "RNN.ipynb"), edition="renamed since"))
    with pytest.raises(AssertionError, match="no cs231n near"):
        found_from(renamed, monkeypatch, course)


def test_a_kernel_in_the_courses_root_judges_the_students_edition_and_says_so(course):
    cells = [STUDENTS_FIRST, 'progress("RNN")']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": course}}).execute()
    said, table = (str(cell.outputs) for cell in notebook.cells)
    assert f"cs231n of your own edition, {course / 'student'}" in said
    assert "0 of 8 done" in table and "not started" in table


# The command


def checks(*args, cwd, python=(sys.executable,)):
    line = [*python, "-m", "cs231n.checks", *args]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_the_command_says_how_it_is_used(capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["--help"])
    said = capsys.readouterr().out
    assert caught.value.code == 0 and said.startswith("usage: python -m cs231n.checks") and len(said.splitlines()) < 15


def test_the_command_names_the_edition_and_can_be_sent_to_the_students(course, tmp_path, monkeypatch, capsys):
    copy = editions.build(tmp_path / "mine")
    monkeypatch.setattr("cs231n.checks.edition.EDITION", course)
    assert command.main(["rnn_step_forward"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"This is the solved edition, {course}; yours: python -m cs231n.checks --edition student"
    assert command.main(["--edition", str(tmp_path)]) == 2
    assert "no edition of the course" in capsys.readouterr().err
    done = checks("--edition", str(copy), "rnn_step_forward", cwd=ROOT)
    assert done.returncode == 1 and done.stdout.startswith(f"This is your own edition, {copy}\n○ rnn_step_forward")


def test_a_python_without_the_packages_is_told_what_to_run():
    done = checks(cwd=ROOT, python=(sys.executable, "-S"))
    (said,) = done.stderr.splitlines()
    assert done.returncode == 1 and said.startswith("This Python (") and "has no numpy, which the course needs" in said
