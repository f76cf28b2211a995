"""`python -m cs231n.submission`: what is packed, what is said, and what must not stop it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from test_json import answer, run

from cs231n import submission
from cs231n.checks.todo import TODOS
from tools import editions
from tools.clones import environment

FILES = {todo.file for todo in TODOS.values()}
NOTEBOOKS = {f"notebooks/{todo.notebook}.ipynb" for todo in TODOS.values()}
JOURNAL = '{"time": "2026-09-14T10:31:07+02:00", "id": "rnn_forward", "state": "wrong", "mistake": null, "hints": 2}\n'


def hand_in(folder, *words, module="cs231n.submission"):
    command = [sys.executable, "-m", module, *words]
    lenient = environment() | {"COLUMNS": "160"}
    return subprocess.run(command, cwd=folder, env=lenient, capture_output=True, encoding="utf-8", timeout=300)


def contents(file):
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


# ---- a desk where everything goes wrong ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """(a student's folder, what the command did in it): files broken, missing, hostile, odd, and an earlier zip."""
    folder = editions.build(tmp_path_factory.mktemp("desk") / "Zoës Küchentisch")
    editions.fill_tree(folder, ["rnn_step_forward", "content_loss", "gram_matrix", "style_loss", "tv_loss"])
    answer(folder, "rnn_step_backward", "import os\n    os._exit(0)")
    answer(folder, "gradient_penalty", 'raise ValueError("[/] and [bold] are no markup of ours")')
    with (folder / "cs231n/diffusion.py").open("a", encoding="utf-8") as source:
        source.write("\ndef (:\n")
    (folder / "cs231n/decoding.py").unlink()
    (folder / "notebooks/LSTM.ipynb").unlink()
    (folder / "notebooks/GANs.ipynb").write_bytes(b'{"cells": \xff')
    (folder / "notebooks/mine").mkdir()
    (folder / "notebooks/mine/Übung 1.ipynb").write_text("{}", encoding="utf-8")
    (folder / "notebooks/.ipynb_checkpoints").mkdir()
    (folder / "notebooks/.ipynb_checkpoints/RNN-checkpoint.ipynb").write_text("{}", encoding="utf-8")
    os.utime(folder / "cs231n/wgan.py", (0, 0))  # before what a zip can say
    (folder / "journal.jsonl").write_text(JOURNAL, encoding="utf-8")
    (folder / "submission.zip").write_bytes(b"an earlier one")
    os.utime(folder / "submission.zip", (1790000000, 1790000000))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    done = hand_in(folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, before


def test_what_is_there_is_packed_as_it_is(desk):
    folder, said, before = desk
    found = contents(folder / "submission.zip")
    there = (FILES | NOTEBOOKS) - {"cs231n/decoding.py", "notebooks/LSTM.ipynb"}
    assert found.keys() == there | {"notebooks/mine/Übung 1.ipynb", "journal.jsonl", "summary.json"}
    assert all(found[name] == before[folder / name] for name in found.keys() - {"summary.json"})
    assert "not in it: cs231n/decoding.py (not there)\nnot in it: notebooks/LSTM.ipynb (not there)" in said
    assert f"{folder / 'submission.zip'}, " in said and " kB, holds\n  cs231n/rnn_layers.py, " in said


def test_the_summary_is_the_form_of_the_checks(desk):
    folder, said, _ = desk
    summary = json.loads(contents(folder / "submission.zip")["summary.json"])
    states = {entry["id"]: entry["state"] for entry in summary["todos"]}
    assert list(states) == list(TODOS) and f"5 of {len(TODOS)} TODOs pass." in said
    assert {id for id, state in states.items() if state == "wrong"} == {
        "rnn_step_backward", "beam_search", "add_noise", "noise_loss", "denoise_step", "gradient_penalty"}  # fmt: skip
    alone = json.loads(run(folder, "--json", "content_loss", "rnn_forward").stdout)
    ours = [entry for entry in summary["todos"] if entry["id"] in ("content_loss", "rnn_forward")]
    for entry in (*ours, *alone["todos"]):
        del entry["seconds"]
    assert ours == alone["todos"]
    assert summary.keys() == alone.keys()


def test_what_is_open_is_said_in_a_short_table(desk):
    _, said, _ = desk
    table, _, _ = said.partition("TODOs pass.")
    for words in ("rnn_step_backward", "your code ended the program that checks it (exit status 0)",
                  "SyntaxError", "add_noise, noise_loss, denoise_step", "[/] and [bold] are no markup",
                  "not started", "more"):  # fmt: skip
        assert words in table
    assert "content_loss" not in table and table.count("\n") < 24


def test_nothing_of_the_students_is_changed_and_the_earlier_zip_is_kept(desk):
    folder, said, before = desk
    for path, data in before.items():
        assert path.name == "submission.zip" or path.read_bytes() == data
    (kept,) = folder.glob("submission-*.zip")
    assert kept.read_bytes() == b"an earlier one" and kept.name.startswith("submission-2026-09-")
    assert f"The earlier one is kept as {kept.name}." in said
    assert not list(folder.glob(".*.part"))


def test_broken_checks_do_not_prevent_it(tmp_path):
    folder = editions.build(tmp_path / "student")
    (folder / "cs231n/checks/todo.py").write_text("def (", encoding="utf-8")
    done = hand_in(folder)
    assert done.returncode == 0 and "the checks cannot be loaded (SyntaxError" in done.stdout
    found = contents(folder / "submission.zip")
    assert FILES | NOTEBOOKS | {"cs231n/checks/todo.py", "summary.json"} <= found.keys()
    assert json.loads(found["summary.json"])["todos"] == []


def test_a_python_without_the_packages_is_told_which_has_them(tmp_path):
    folder = editions.build(tmp_path / "student")
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    command = [sys.executable, "-S", "-m", "cs231n.submission"]  # -S: no site-packages
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
    assert f"run {Path('.venv/bin/python')} -m cs231n.submission" in done.stderr
    assert not list(folder.glob("*.zip")) and not list(folder.glob(".*.part"))


# ---- writing it ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A student's folder with two files, checked at once."""
    (tmp_path / "cs231n").mkdir()
    (tmp_path / "cs231n/rnn_layers.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(submission, "EDITION", tmp_path)
    summary = {"version": 1, "edition": "student", "passed": 0, "of": 0, "todos": []}
    monkeypatch.setattr(submission, "look", lambda todos: summary)
    return tmp_path


def test_every_earlier_zip_is_kept(folder, capsys):
    for n in range(4):
        (folder / "cs231n/rnn_layers.py").write_text(f"x = {n}\n", encoding="utf-8")
        assert submission.main([]) == 0
    zips = sorted(folder.glob("submission*.zip"))
    assert len(zips) == 4
    assert {contents(file)["cs231n/rnn_layers.py"] for file in zips} == {b"x = %d\n" % n for n in range(4)}
    assert contents(folder / "submission.zip")["cs231n/rnn_layers.py"] == b"x = 3\n"


@pytest.mark.parametrize("out, made", [("a/ü b/mine.zip", "a/ü b/mine.zip"), (".", "submission.zip"), ("odd", "odd")])
def test_it_goes_where_it_is_wanted(folder, capsys, monkeypatch, out, made):
    monkeypatch.chdir(folder)
    assert submission.main(["--out", out]) == 0
    assert "summary.json" in contents(folder / made) and str(folder / made) in capsys.readouterr().out


def test_where_it_cannot_be_written_that_is_said_before_the_checks(folder, capsys, monkeypatch):
    monkeypatch.setattr(submission, "look", lambda todos: pytest.fail("checked in vain"))
    assert submission.main(["--out", str(folder / "cs231n/rnn_layers.py/x.zip")]) == 1
    said = capsys.readouterr().err
    assert "cannot be written" in said and "--out FILE" in said


def test_a_full_disk_leaves_the_earlier_zip(folder, capsys, monkeypatch):
    assert submission.main([]) == 0
    before = (folder / "submission.zip").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(submission.zipfile.ZipFile, "writestr", full)
    assert submission.main([]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert (folder / "submission.zip").read_bytes() == before and len(list(folder.iterdir())) == 2


def test_a_file_that_cannot_be_read_is_named(folder, capsys, monkeypatch):
    read = Path.read_bytes

    def denied(path):
        if path.name == "rnn_layers.py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert submission.main([]) == 0
    assert "not in it: cs231n/rnn_layers.py (cannot be read: [Errno 13] Permission denied)" in capsys.readouterr().out
    monkeypatch.undo()
    assert contents(folder / "submission.zip").keys() == {"summary.json"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no name is like that")
def test_a_name_that_is_no_unicode_is_named(folder, capsys):
    (folder / "notebooks").mkdir()
    (folder / os.fsdecode(b"notebooks/\xff.ipynb")).touch()
    assert submission.main([]) == 0
    assert "cannot be read" in capsys.readouterr().out


def test_ctrl_c_packs_what_is_known(folder, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(submission, "EDITION", folder)

    def survey(ids, printed):
        yield {"id": "rnn_step_forward", "notebook": "RNN", "state": "passed", "reason": "right"}
        raise KeyboardInterrupt

    monkeypatch.setattr("cs231n.checks.survey.survey", survey)
    assert submission.main([]) == 0
    assert f"1 of {len(TODOS)} TODOs pass." in capsys.readouterr().out
    _, *others = json.loads(contents(folder / "submission.zip")["summary.json"])["todos"]
    assert len(others) == len(TODOS) - 1 and {(e["state"], e["reason"]) for e in others} == {
        ("waiting", "not checked: you broke it off")
    }


# ---- where it is called --------------------------------------------------------------------------------------


def test_in_the_solved_edition_it_says_what_to_do():
    before = sorted(editions.ROOT.iterdir())
    done = hand_in(editions.ROOT)
    assert done.returncode == 2 and "-m cs231n.submission --edition student" in done.stderr
    assert sorted(editions.ROOT.iterdir()) == before


def test_from_the_courses_folder_it_is_told_whose(tmp_path, monkeypatch, capfd):
    assert submission.main(["--edition", str(tmp_path)]) == 2
    assert "there is no edition" in capfd.readouterr().err
    (tmp_path / "cs231n/checks").mkdir(parents=True)
    assert submission.main(["--edition", str(tmp_path)]) == 2
    assert "older than this command; build a fresh one" in capfd.readouterr().err
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cs231n/submission.py").write_text("import sys; print(sys.argv[1:])", encoding="utf-8")
    assert submission.main(["--edition", ".", "--out", "mine.zip"]) == 0
    assert capfd.readouterr().out == f"{['--out', str(tmp_path / 'mine.zip')]}\n"


@pytest.mark.parametrize("place", [".venv", "../.venv"])
def test_make_submission_finds_the_environment(tmp_path, place):
    student = editions.build(tmp_path / "my course" / "student")
    python = student / place / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$0 $@"\n')
    python.chmod(0o755)
    said = subprocess.run(
        ["make", "submission", "OUT=a b.zip"], cwd=student, capture_output=True, text=True, check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},  # make runs this, too
    )
    assert said.stdout == f"{place}/bin/python -m cs231n.submission --out a b.zip\n"
