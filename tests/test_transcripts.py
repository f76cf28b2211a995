"""What the documents show is what comes out: the README's card, and a student's first hour."""

import os
import shutil
import sys

import pytest

from tools import transcripts
from tools.editions import ROOT
from tools.transcripts import Session, TranscriptError, blocks, play, replay, same

POSIX = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="make and links")


@POSIX
@pytest.mark.parametrize("page", [page for page in transcripts.DOCUMENTS if page != "README.zh-CN.md"])
def test_what_is_shown_is_what_comes_out(page, tmp_path):
    """README.zh-CN.md shows the README's card, as test_documents.py says."""
    text = (ROOT / page).read_text(encoding="utf-8")
    today = play(ROOT / page, tmp_path / "a course")
    assert text.splitlines() == today.splitlines(), f"python -m tools.transcripts {page}"


def test_the_first_hour_has_every_kind_of_card():
    shown = "".join(b.body for b in blocks((ROOT / "tests/first_hour.md").read_text(encoding="utf-8")))
    cards = ("○ rnn_step_forward: not started", "✗ rnn_step_forward: not right yet", "✓ rnn_step_forward: passed",
             "… rnn_backward: waiting for", "Right; but:", "One change in line", "Hint 1 of", ".rerun()")  # fmt: skip
    for word in cards:
        assert word in shown


class Played(Session):
    """Without a kernel: a cell shows its own code in capitals, and a command what comes after its first word."""

    def cell(self, code):
        return code.upper()

    def command(self, line):
        return line.partition(" ")[2] + "\n"


PLAYED = """Text.
```python
a = 1
```
```text
A = 1
```
  ```console
$ echo b
b
$ echo took 3 s
took 2.5 s
  ```
"""


@pytest.fixture
def session(tmp_path):
    (tmp_path / "a.py").write_text("one\ntwo\ntwo\n")
    return Played(tmp_path)


def test_what_agrees_stays_as_it_is_and_times_may_differ(session):
    assert replay(PLAYED, session) == PLAYED


def test_what_differs_is_written_anew_and_nothing_else(session):
    stale = PLAYED.replace("A = 1\n", "A = 2\nmore\n").replace("\nb\n", "\n")
    assert replay(stale, session) == PLAYED.replace("2.5 s", "3 s")


def test_an_edit_changes_the_one_place_that_it_quotes(session):
    session.edit("--- a.py\n one\n-two\n+three\n")
    assert (session.course / "a.py").read_text() == "one\nthree\ntwo\n"
    for body, times in (("-four\n+five\n", 0), ("-t\n+T\n", 2)):
        (session.course / "a.py").write_text("t\nt\n")
        with pytest.raises(TranscriptError, match=rf"a\.py holds this {times} times instead of once"):
            session.edit(f"--- a.py\n{body}")


def test_an_output_without_a_cell_is_refused(session):
    with pytest.raises(TranscriptError, match="no cell stands above"):
        replay("```text\nA\n```\n", session)


@pytest.mark.parametrize(("one", "other", "agree"), [
    ("in 3 s  \n", "in 0.25 ms\n", True), ("3 s", "3 steps", False), ("1.5", "1.6", False), ("  a", "a", False)])
def test_what_is_the_same(one, other, agree):
    assert same(one, other) is agree


def test_a_command_is_run_in_the_course_and_its_folder_is_not_told(tmp_path):
    said = Session(tmp_path).command(f'"{sys.executable}" -c "import os; print(os.getcwd())"')
    assert said == f"{transcripts.HOME}\n"


def test_the_command_writes_what_comes_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(transcripts, "ROOT", tmp_path)
    monkeypatch.setattr(transcripts, "play", lambda path, folder: "B\n")
    (tmp_path / "a.md").write_text("A\n")
    assert transcripts.main(["a.md"]) == 0 and (tmp_path / "a.md").read_text() == "B\n"
    assert transcripts.main(["a.md"]) == 0
    assert capsys.readouterr().out == "a.md: written anew\na.md: as it was\n"
