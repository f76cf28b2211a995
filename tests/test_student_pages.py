"""What the student edition has besides code: its README, a page for coding agents, a place for the help used."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from test_notebooks import NOTEBOOKS

from tools import editions
from tools.editions import ROOT, build


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return build(tmp_path_factory.mktemp("course") / "student")


def page(student, name):
    return (student / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_students_notebook_ends_with_a_place_for_the_help_used(student, name):
    text = page(student, f"notebooks/{name}.ipynb")
    nbformat.validate(nbformat.reads(text, as_version=nbformat.NO_CONVERT))
    *others, last = json.loads(text)["cells"]
    assert last == editions.HELP_USED and "Help used" in last["source"][0]
    assert "help-used" not in json.dumps(others) and "Help used" not in json.dumps(others)
    assert len({cell["id"] for cell in [*others, last]}) == len(others) + 1


def test_the_solved_edition_has_no_such_cell():
    for name in NOTEBOOKS:
        assert "help-used" not in (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")


def test_the_readme_speaks_of_agents_help_and_run_all(student):
    readme = page(student, "README.md")
    assert "[AGENTS.md](AGENTS.md)" in readme and "*Help used*" in readme and "*Run All*" in readme
    (stop,) = re.findall(r"`NotImplementedError: ([^`]+)`", readme)
    assert f'raise NotImplementedError("{stop}")' in page(student, "cs231n/rnn_layers.py")


def test_agents_are_told_what_the_course_has(student):
    agents = page(student, "AGENTS.md")
    places = re.findall(r"`(cs231n/[\w/.]*)`", agents)
    assert "cs231n/checks/exercises/" in places and all((student / place).exists() for place in places)
    for words in ('check("some_id")', 'hint("some_id")', 'case("some_id")', "`.rerun()`", "*Your answer*",
                  "*Help used*", editions.STUB.format("some_id").partition(":")[0]):  # fmt: skip
        assert words in agents
    assert len(agents) < 3500, "agents read it before every question"


def test_what_the_readme_shows_of_the_checks_runs(student):
    """On an edition in which nothing is written, in a process of its own; of the progress, one notebook's."""
    blocks = re.findall(r"^```python\n(.*?)^```$", page(student, "README.md"), re.M | re.S)
    (code,) = [block for block in blocks if block.startswith("from cs231n.checks import")]
    assert "\nprogress() " in code
    code = code.replace("\nprogress() ", '\nprogress("RNN") ')
    lenient = os.environ | {"CS231N_STRICT": "0"}
    done = subprocess.run([sys.executable, "-c", code], cwd=student, env=lenient, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "not started" in done.stdout and "Hint 1 of" in done.stdout and "0 of 8 done" in done.stdout
