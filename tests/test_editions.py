"""The splitter behind `make student`: marks, round trips, notebooks, and the tree it writes."""

import compileall
import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import editions
from tools.editions import (
    ROOT,
    EditionError,
    build,
    fill,
    fill_tree,
    main,
    solutions,
    strip,
    strip_notebook,
    todo_ids,
)

SOLVED = '''\
"""A small solved source."""


def double(x):
    """Twice x."""
    # TODO(double): return twice x;
    # one line will do.
    ### BEGIN SOLUTION double
    return _times(x, 2)
    ### END SOLUTION


### BEGIN SOLUTION double helpers
def _times(x, n):
    return x * n
### END SOLUTION


def halve(x):
    # TODO(halve): return half of x.
    ### BEGIN SOLUTION halve
    half = x / 2
    ### END SOLUTION
    return half
'''
UNSOLVED = '''\
"""A small solved source."""


def double(x):
    """Twice x."""
    # TODO(double): return twice x;
    # one line will do.
    raise NotImplementedError("TODO double: replace this line with your code")


# Helper functions for double may stand here.


def halve(x):
    # TODO(halve): return half of x.
    raise NotImplementedError("TODO halve: replace this line with your code")
    return half
'''


# ---- one source ----------------------------------------------------------------------------------------------


def test_strip_leaves_the_todo_and_one_line_that_raises_it():
    assert strip(SOLVED, "small.py") == UNSOLVED
    namespace = {}
    exec(strip(SOLVED, "small.py"), namespace)
    with pytest.raises(NotImplementedError, match="^TODO halve: replace this line with your code$"):
        namespace["halve"](4)
    assert "_times" not in namespace


def test_filling_one_todo_leaves_the_others_unfilled():
    namespace = {}
    exec(fill(UNSOLVED, solutions(SOLVED, "small.py"), ["double"]), namespace)
    assert namespace["double"](4) == 8, "its helpers come with it"
    with pytest.raises(NotImplementedError, match="TODO halve"):
        namespace["halve"](4)


PLAIN = ["", "x = 1", "    return 'ä → 漢'", "  # an ordinary comment", "        pass  # the end", "\x0c",
         "s = 'one\x1c\x85\u2028line'", "    # TODO: tidy", "raise NotImplementedError('later')", "   "]


def random_source(rng):
    """A source and its student's version, put together side by side: (solved, unsolved, {id: answer})."""
    solved, unsolved, answers = [], [], {}
    endings = rng.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]])

    def line(body):
        return body + rng.choice(endings)

    def plain(most):
        return [line(rng.choice(PLAIN)) for _ in range(rng.randrange(most))]

    for n in range(rng.randrange(5)):
        id_, indent = rng.choice(["step", "a", "net_2"]) + f"_{n}", " " * rng.randrange(9)
        before = [*plain(4), line(f"{indent}# TODO({id_}): do it,"), *plain(3)]
        answer = "".join([line(f"{indent}### BEGIN SOLUTION {id_}"), *plain(6)])
        answer += " " * rng.randrange(9) + "### END SOLUTION"
        ending = rng.choice(endings)
        solved += [*before, answer, ending]
        stub = f'raise NotImplementedError("TODO {id_}: replace this line with your code")'
        unsolved += [*before, indent + stub, ending]
        answers[id_] = answer
    after = plain(4)
    solved, unsolved = "".join(solved + after), "".join(unsolved + after)
    if rng.random() < 0.5:
        solved, unsolved = solved.rstrip("\r\n"), unsolved.rstrip("\r\n")
    return solved, unsolved, answers


def test_strip_and_fill_are_inverse_to_the_byte_on_random_sources():
    for seed in range(400):
        rng = random.Random(seed)
        solved, unsolved, answers = random_source(rng)
        assert strip(solved, "random.py") == unsolved, seed
        assert list(solutions(solved, "random.py").items()) == list(answers.items()), seed
        assert fill(unsolved, answers) == solved, seed
        one_by_one = unsolved
        for id_ in rng.sample(list(answers), len(answers)):
            one_by_one = fill(one_by_one, answers, [id_])
        assert one_by_one == solved, seed


def test_fill_refuses_an_unknown_id_and_one_already_filled():
    answers = solutions(SOLVED, "small.py")
    with pytest.raises(EditionError, match="'triple'.*double, .*halve"):
        fill(UNSOLVED, answers, ["triple"])
    with pytest.raises(EditionError, match="TODO halve: filled already"):
        fill(fill(UNSOLVED, answers, ["halve"]), answers)


TODO_A, BEGIN_A, END = "# TODO(a): do it.", "### BEGIN SOLUTION a", "### END SOLUTION"
GOOD = [TODO_A, BEGIN_A, "x = 1", END]
FAULTS = {
    "nested": ([TODO_A, "# TODO(b): too.", BEGIN_A, "### BEGIN SOLUTION b", END, END], 4, "BEGIN of b inside"),
    "todo in a region": ([TODO_A, BEGIN_A, "# TODO(b): too.", END], 3, "TODO of b inside the region of a"),
    "unclosed": (["x = 0", TODO_A, BEGIN_A, "x = 1"], 3, "region of a is never closed"),
    "end alone": (["x = 1", END], 2, "END SOLUTION without BEGIN"),
    "second end": ([*GOOD, END], 5, "END SOLUTION without BEGIN"),
    "second region": ([*GOOD, BEGIN_A, END], 5, "a second BEGIN of a"),
    "second todo": ([TODO_A, *GOOD], 2, "a second TODO of a"),
    "no todo": ([BEGIN_A, "x = 1", END], 1, r"no TODO comment above; write `# TODO\(a\)"),
    "helpers of nothing": ([BEGIN_A + " helpers", "x = 1", END], 1, r"no TODO comment above; write `# TODO\(a\)"),
    "helpers alone": ([TODO_A, BEGIN_A + " helpers", "x = 1", END], 1, r"TODO\(a\) has no region"),
    "helpers twice": ([*GOOD, *[BEGIN_A + " helpers", END] * 2], 7, "a second BEGIN of a helpers"),
    "helpers' stub": ([*GOOD, "# Helper functions for a may stand here."], 5, "stub in the solved source"),
    "todo below": ([BEGIN_A, "x = 1", END, TODO_A], 1, "no TODO comment above"),
    "no region": (["", TODO_A, "x = 1"], 2, r"TODO\(a\) has no region"),
    "no id": ([TODO_A, "### BEGIN SOLUTION", END], 2, "malformed mark; write"),
    "id in capitals": ([TODO_A, "### BEGIN SOLUTION A", END], 2, "malformed mark"),
    "id with a hyphen": ([TODO_A, "### BEGIN SOLUTION a-b", END], 2, "malformed mark"),
    "two ids": ([TODO_A, "### BEGIN SOLUTION a b", END], 2, "malformed mark"),
    "end with words": ([TODO_A, BEGIN_A, "### END SOLUTION here"], 3, "malformed mark"),
    "lower case": ([TODO_A, BEGIN_A, "# end solution", END], 3, "malformed mark"),
    "underscore": ([TODO_A, BEGIN_A, "### END_SOLUTION"], 3, "malformed mark"),
    "beside code": ([TODO_A, "x = 1  ### BEGIN SOLUTION a", END], 2, "malformed mark"),
    "in a string": (['s = "BEGIN SOLUTION"'], 1, "malformed mark"),
    "in a name": (["END_SOLUTION = 1"], 1, "malformed mark"),
    "in a todo": (["# TODO(a): stop at END SOLUTION", BEGIN_A, END], 1, "malformed mark"),
    "todo without colon": (["# TODO(a) do it", BEGIN_A, END], 1, "malformed mark"),
    "todo with a space": (["# TODO (a): do it", BEGIN_A, END], 1, "malformed mark"),
    "todo in lower case": (["# todo(a): do it", BEGIN_A, END], 1, "malformed mark"),
    "todo with a bad id": (["# TODO(1a): do it"], 1, "malformed mark"),
    "mark after a tab": ([TODO_A, "\t" + BEGIN_A, END], 2, "malformed mark.* spaces"),
    "tab in an answer": ([TODO_A, BEGIN_A, "  \tx = 1", END], 3, "tab in the indentation; indent with spaces"),
    "tab elsewhere": (["if 1:", "\tx = 1", *GOOD], 2, "tab in the indentation"),
    "stripped already": (["x = 1", *UNSOLVED.splitlines()[7:8]], 2, "stub in the solved source"),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("lines, line, words", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_its_place_and_its_mend(lines, line, words, ending):
    for function in (strip, solutions):
        with pytest.raises(EditionError, match=rf"^some/file\.py:{line}: .*{words}") as caught:
            function(ending.join(lines) + ending, "some/file.py")
        assert isinstance(caught.value, ValueError)
        assert ";" in str(caught.value), "what is wrong; what to do"


def test_tabs_are_fine_where_nothing_is_marked_and_inside_a_line():
    for text in ("if 1:\n\tx = 1\n", "\n".join([*GOOD, "y = 'a\tb'"])):
        assert fill(strip(text, "f.py"), solutions(text, "f.py")) == text


# ---- notebooks -----------------------------------------------------------------------------------------------


def notebook(*cells, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def cell(kind, source, tags=(), **more):
    run = {"outputs": [{"output_type": "stream", "name": "stdout", "text": ["0.25\n"]}], "execution_count": 3}
    more |= {"metadata": {"tags": list(tags)} if tags else {}} | (run if kind == "code" else {})
    return {"cell_type": kind, "id": "c0", "source": source, **more}


def test_strip_notebook_clears_runs_and_answers_and_keeps_the_rest():
    prose, code = ["Why is it *so*?\n", "Think."], "print(0.25)"
    nb = notebook(
        cell("markdown", prose),
        cell("markdown", ["Because of the tanh."], ["solution", "keep"], attachments={"a.png": {}}),
        cell("code", code, ["hide-input"]),
        cell("code", ["plot(answer)\n", "more"], ["solution"]),
        kernelspec={"name": "python3"}, widgets={"state": "0.25"},
    )
    nb["cells"][2]["metadata"]["execution"] = {"iopub.execute_input": "2020-01-01"}
    before = copy.deepcopy(nb)
    got = strip_notebook(nb)
    assert nb == before, "the argument was changed"
    assert [c["cell_type"] for c in got["cells"]] == ["markdown", "markdown", "code", "code"]
    assert got["cells"][0] == before["cells"][0]
    assert "Your answer" in "".join(got["cells"][1]["source"])
    assert got["cells"][1]["metadata"]["tags"] == ["keep", "answer"]
    assert got["cells"][2]["source"] == code and got["cells"][2]["metadata"] == {"tags": ["hide-input"]}
    compile("".join(got["cells"][3]["source"]), "cell", "exec")
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in got["cells"][2:])
    assert got["metadata"] == {"kernelspec": {"name": "python3"}}
    text = json.dumps(got)
    assert not [word for word in ("Because", "plot(answer)", "a.png", "0.25\\n", "2020") if word in text]


@pytest.mark.parametrize("as_list", [True, False])
def test_marks_in_a_code_cell_are_stripped_as_in_a_module(as_list):
    source = SOLVED.splitlines(keepends=True) if as_list else SOLVED
    got = strip_notebook(notebook(cell("code", source)))["cells"][0]["source"]
    assert got == (UNSOLVED.splitlines(keepends=True) if as_list else UNSOLVED)


BAD_CELLS = {
    "marks in prose": ([cell("markdown", "## END SOLUTION")], r"RNN\.ipynb.*END SOLUTION' would reach the student"),
    "fault in a cell": ([cell("code", "x"), cell("code", ["x\n", END])], r"RNN\.ipynb cell 2:2: END SOLUTION"),
    "two cells, one id": ([cell("code", "\n".join(GOOD)) for _ in "ab"], r"RNN\.ipynb.*a second TODO of a"),
    "misspelt tag": ([cell("markdown", "x", ["Solutions"])], r"RNN\.ipynb cell 1: the tag 'Solutions'"),
}


@pytest.mark.parametrize("cells, words", BAD_CELLS.values(), ids=BAD_CELLS)
def test_a_notebook_that_would_leak_is_refused(cells, words):
    with pytest.raises(EditionError, match=words):
        strip_notebook(notebook(*cells), "RNN.ipynb")


# ---- a small tree --------------------------------------------------------------------------------------------

SHIPPED = {
    "notebooks/A.ipynb": json.dumps(notebook(cell("code", "1 + 1"), cell("raw", "secret", ["solution"]))),
    "notebooks/picture.png": "\x89PNG",
    "cs231n/__init__.py": "",
    "cs231n/small.py": SOLVED,
    "cs231n/a_folder/deep.py": "# TODO(deep): set x.\r\n### BEGIN SOLUTION deep\r\nx = 1\r\n### END SOLUTION",
    "datasets/mini/vocab.json": '{"a": 1}\r\n',
    "datasets/mini/deep/er.h5": "\x00\r\n\x1a",
    "requirements.txt": "numpy\n",
    "LICENSE": "MIT\n",
    "get_datasets.sh": "#!/bin/sh\n",
}
DROPPED = ["README.md", "Makefile", "tests/test_a.py", "tools/editions.py", "benchmarks/b.py", ".ci/run",
           "datasets/mnist/images.gz", "datasets/coco.zip", "cs231n/__pycache__/small.cpython-311.pyc",
           "cs231n/small.py~", "cs231n/.small.py.swp", "notebooks/.ipynb_checkpoints/A-checkpoint.ipynb",
           "notebooks/checkpoints/best.npz", "notebooks/model.pt", "datasets/mini/.DS_Store",
           "datasets/mini/x.part", "journal.jsonl", "notebooks/journal.jsonl",
           "notebooks/submission-2026-09-14-1031.zip"]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "course"
    for rel, text in {**SHIPPED, **dict.fromkeys(DROPPED, "junk"), "tools/student_README.md": "Yours.\n",
                      "tools/student_AGENTS.md": "Ask back.\n", "tools/student_Makefile": "submission:\n"}.items():
        path = root / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    (root / "get_datasets.sh").chmod(0o755)
    return root


def contents(folder):
    """{relative path: (bytes, executable?)} of every file under `folder`."""
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), os.access(p, os.X_OK))
            for p in folder.rglob("*") if p.is_file()}


def test_build_ships_these_files_and_no_others(root):
    before = contents(root)
    made = contents(build(root / "student", root))
    assert made.keys() == SHIPPED.keys() | {"README.md", "AGENTS.md", "Makefile"}
    assert made.pop("README.md") == (b"Yours.\n", False)
    assert made.pop("AGENTS.md") == (b"Ask back.\n", False)
    assert made.pop("Makefile") == (b"submission:\n", False)
    assert made.pop("cs231n/small.py")[0].decode() == UNSOLVED
    assert made.pop("cs231n/a_folder/deep.py")[0] == (
        b'# TODO(deep): set x.\r\nraise NotImplementedError("TODO deep: replace this line with your code")')
    assert b"secret" not in made.pop("notebooks/A.ipynb")[0]
    assert made == {rel: before[rel] for rel in made}
    assert {rel: data for rel, data in contents(root).items() if not rel.startswith("student/")} == before


def test_an_absent_get_datasets_is_no_fault(root):
    (root / "get_datasets.sh").unlink()
    assert not (build(root / "student", root) / "get_datasets.sh").exists()


def test_build_leaves_an_existing_folder_as_it_is(root, tmp_path):
    student = build(root / "student", root)
    (student / "cs231n/small.py").write_text("mine")
    (tmp_path / "student2").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for dest in (student, tmp_path / "student2", tmp_path / "link", tmp_path / "file"):
        with pytest.raises(EditionError, match="nothing was changed; .*elsewhere: make student DEST=") as caught:
            build(dest, root)
        assert not os.path.lexists(str(caught.value).rpartition("DEST=")[2]), "the place proposed is taken"
    assert contents(tmp_path) == before and not any((tmp_path / "student2").iterdir())


def test_build_leaves_a_folder_made_meanwhile_as_it_is(root, tmp_path, monkeypatch):
    real = editions._student_bytes

    def slow(path, rel, edition):
        (tmp_path / "student").mkdir(exist_ok=True)
        return real(path, rel, edition)

    monkeypatch.setattr(editions, "_student_bytes", slow)
    with pytest.raises(EditionError, match="there already"):
        build(tmp_path / "student", root)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["course", "student"]
    assert not any((tmp_path / "student").iterdir())


PLACES = [".", "notebooks/x", "cs231n/x/y", "datasets/mini/x", "tests/x", "alias/x", "into/x", "a/../cs231n/x"]


@pytest.mark.parametrize("place", PLACES)
def test_build_refuses_a_place_among_the_sources(root, place):
    (root / "alias").symlink_to(root / "notebooks")
    (root / "into").symlink_to(root / "cs231n/a_folder")
    before = sorted(root.rglob("*"))
    with pytest.raises(EditionError, match="make student DEST=student$"):
        build(root / place, root)
    assert sorted(root.rglob("*")) == before


BAD_FILES = {
    "a faulty module": ("cs231n/bad.py", END, r"^cs231n/bad\.py:1: END SOLUTION without"),
    "one id in two modules": ("cs231n/bad.py", SOLVED, r"^cs231n/small\.py:6: cs231n/bad\.py has a TODO of double"),
    "half a statement": ("cs231n/bad.py", "\n".join(["if 1:", TODO_A, BEGIN_A, "    x = 1", END]),
                         r"^cs231n/bad\.py: the student's version fails in line 3"),
    "not UTF-8": ("cs231n/bad.py", "x = '\xff'", r"^cs231n/bad\.py is not UTF-8"),
    "not JSON": ("notebooks/bad.ipynb", "{", r"^notebooks/bad\.ipynb is not a notebook"),
    "no cells": ("notebooks/bad.ipynb", "[]", r"^notebooks/bad\.ipynb is not a notebook"),
    "a mark in data": ("datasets/mini/bad.txt", f"one\n{BEGIN_A}", r"^datasets/mini/bad\.txt:2: .*SOLUTION' would"),
}


@pytest.mark.parametrize("rel, text, words", BAD_FILES.values(), ids=BAD_FILES)
def test_build_writes_nothing_when_a_source_is_at_fault(root, tmp_path, rel, text, words):
    (root / rel).write_bytes(text.encode("latin-1"))
    with pytest.raises(EditionError, match=words):
        build(tmp_path / "new/student", root)
    assert [p.name for p in tmp_path.iterdir()] == ["course"]


@pytest.mark.parametrize("gone", ["LICENSE", "tools/student_README.md", "datasets/mini"])
def test_build_says_which_source_is_missing(root, tmp_path, gone):
    (root / gone).rename(tmp_path / "away")
    with pytest.raises(EditionError, match=f"{gone} is missing; restore it"):
        build(tmp_path / "student", root)


def test_todo_ids_come_in_source_order_with_their_places(root):
    assert list(todo_ids(root).items()) == [
        ("double", ("cs231n/small.py", 6)), ("halve", ("cs231n/small.py", 20)),
        ("deep", ("cs231n/a_folder/deep.py", 1))]


def test_fill_tree_fills_what_it_is_told_and_all_of_it_restores_the_source(root, tmp_path):
    student = build(tmp_path / "student", root)
    before = contents(student)
    fill_tree(student, ["halve"], root)
    assert (student / "cs231n/small.py").read_text() == fill(UNSOLVED, solutions(SOLVED, "small.py"), ["halve"])
    fill_tree(student, ["deep", "double"], root)
    modules = {rel: data for rel, data in contents(root).items() if rel in SHIPPED and rel.endswith(".py")}
    assert contents(student) == before | modules


@pytest.mark.parametrize("ids, words", [
    (["halve", "triple"], "no TODO 'triple'"), (["deep", "double"], "TODO double: filled")])
def test_fill_tree_writes_all_or_nothing(root, tmp_path, ids, words):
    student = build(tmp_path / "student", root)
    fill_tree(student, ["double"], root)
    before = contents(student)
    with pytest.raises(EditionError, match=words):
        fill_tree(student, ids, root)
    assert contents(student) == before


# ---- the course itself ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return build(tmp_path_factory.mktemp("edition") / "student")


def test_strip_then_fill_gives_back_every_source_of_the_course():
    sources = sorted((ROOT / "cs231n").rglob("*.py"))
    ids = []
    for path in sources:
        text, answers = path.read_bytes().decode(), solutions(path.read_bytes().decode(), path.name)
        assert fill(strip(text, path.name), answers).encode() == path.read_bytes(), path
        ids += [id_ for id_ in answers if not id_.endswith(" helpers")]
    assert ids and sorted(ids) == sorted(todo_ids())


def test_the_course_is_stripped_as_one_regular_expression_would(student):
    region = re.compile(r"^( *)### BEGIN SOLUTION (\w+)$.*?### END SOLUTION$", re.M | re.S)
    stub = r'\1raise NotImplementedError("TODO \2: replace this line with your code")'
    helpers = re.compile(r"^### BEGIN SOLUTION (\w+) helpers$.*?### END SOLUTION$", re.M | re.S)
    replaced = 0
    for path in (student / "cs231n").rglob("*.py"):
        text = (ROOT / path.relative_to(student)).read_text(encoding="utf-8")
        text, n = region.subn(stub, helpers.sub(r"# Helper functions for \1 may stand here.", text))
        assert path.read_text(encoding="utf-8") == text, path
        replaced += n
    assert replaced == len(todo_ids())


def test_the_student_tree_compiles_and_holds_no_mark_and_nothing_of_ours(student):
    tops = {"notebooks", "cs231n", "datasets", *editions.FILES, *editions.OPTIONAL}
    assert {p.name for p in student.iterdir()} == tops
    assert [p.name for p in (student / "datasets").iterdir()] == ["mini"]
    for path in (p for p in student.rglob("*") if p.is_file()):
        assert not re.search(rb"(BEGIN|END) SOLUTION", path.read_bytes()), path
    assert compileall.compile_dir(student / "cs231n", quiet=1)
    assert (ROOT / editions.TEACHERS).is_dir() and not (student / editions.TEACHERS).exists()
    for path in (student / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(c.get("outputs") or "solution" in c["metadata"].get("tags", []) for c in cells), path


def test_a_notebook_looks_for_the_folder_it_was_built_into(tmp_path):
    built = build(tmp_path / "a \"second\" copy")
    for path in (built / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert 'Path("."), Path("a \\"second\\" copy")]' in first, path


def test_two_builds_are_the_same(student, tmp_path):
    again = contents(build(tmp_path / "student"))
    assert again == {rel: data for rel, data in contents(student).items() if "__pycache__" not in rel}


def test_the_student_tree_holds_what_git_would_ship(student):
    listing = ["git", "-C", str(ROOT), "ls-files", "-zco", "--exclude-standard", *editions.FOLDERS]
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git here, or not a clone")
    run = subprocess.run(listing, capture_output=True, text=True, check=True)
    known = {rel for rel in run.stdout.split("\0") if (ROOT / rel).is_file()}
    shipped = {rel for rel in known if not rel.startswith(editions.TEACHERS)}
    assert shipped < known
    assert {rel for rel in contents(student) if "/" in rel and "__pycache__" not in rel} == shipped


def test_the_readme_quotes_the_line_a_student_will_meet(student):
    readme = (student / "README.md").read_text(encoding="utf-8")
    stub, = re.findall(r"^    raise NotImplementedError.*$", readme, re.M)
    id_ = re.search(r"TODO (\w+):", stub)[1]
    assert stub in (student / todo_ids()[id_][0]).read_text(encoding="utf-8").splitlines()


# ---- the command line ----------------------------------------------------------------------------------------


def command(*arguments):
    line = [sys.executable, "-m", "tools.editions", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_the_command_builds_once_and_then_refuses_without_a_traceback(tmp_path):
    dest = tmp_path / "a student"
    assert command(str(dest)).returncode == 0
    assert (dest / "README.md").read_bytes() == (ROOT / "tools/student_README.md").read_bytes()
    again = command(str(dest))
    assert again.returncode == 1 and "may hold your work" in again.stderr and "Traceback" not in again.stderr


def test_the_command_lists_every_todo_at_its_comment(capsys):
    assert main(["--list"]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [id_ for id_, _ in listed] == list(todo_ids())
    for id_, place in listed:
        rel, _, line = place.partition(":")
        assert f"# TODO({id_}):" in Path(ROOT, rel).read_text(encoding="utf-8").splitlines()[int(line) - 1]


@pytest.mark.parametrize("arguments", [[], ["--list", "student"], [""]])
def test_the_command_asks_for_one_thing_at_a_time(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage" in capsys.readouterr().err
