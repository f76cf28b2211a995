"""A class is graded: hostile answers get nothing and leave nothing, the others what they deserve."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import made_up_class
import pytest
from conftest import ROOT
from hostile_answers import DECOY, TRACE
from packing import WANTED

from cs231n.checks.todo import TODOS
from cs231n.grade import __main__ as command
from cs231n.grade import points, sandbox, trees
from cs231n.grade.judging import Judge
from cs231n.grade.submissions import Submission, find_submissions
from tools.transcripts import blocks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="grading needs a system that forks")
NEIGHBOURS = "positional_encoding", "bce_loss"  # in files that no hostile answer stands in
# What an answer may do by mistake as well: it is told as one, and no alarm is raised.
MISTAKES = ("never ends", "takes ever more memory", "returns an array of 4 GB", "returns an object that lies",
            "returns an array of objects", "returns an array of a class of its own", "changes the environment",
            "returns a dict that shows", "looks for the right numbers in its callers")  # fmt: skip


@pytest.fixture(scope="module")
def course_class(tmp_path_factory):
    """(folder, truths) of a class in which every hostile answer occurs."""
    folder = tmp_path_factory.mktemp("a clåss") / "made up"
    return folder, made_up_class.make_class(folder)


def traces():
    """Files and processes that hostile answers left behind."""
    places = [Path.home(), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), ROOT, ROOT.parent, ROOT / "cs231n"]
    files = [path for place in places if place.is_dir() for path in place.glob(f"*{TRACE}*")]
    processes = [p for p in Path("/proc").glob("[0-9]*/cmdline") if TRACE.encode() in _read(p)]
    return files + processes


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The folder of build_trees."""
    work = tmp_path_factory.mktemp("trees")
    trees.build_trees(work)
    return work


@pytest.fixture(scope="module")
def hostile(course_class, work):
    """{name: (truth, record)} of the hostile submissions, each graded for its TODO and two neighbours."""
    folder, truths = course_class
    decoys = [work / f"{DECOY}file", work.parent / f"{DECOY}file"]
    for decoy in decoys:
        decoy.write_text("kept")
    before = traces()
    found = {}
    with Judge(work, explained=False) as judge, mock.patch.multiple(sandbox, SECONDS=8, GRACE=3):
        for submission in find_submissions(folder / "submissions", WANTED):
            truth = truths[submission.name]
            if truth["kind"] == "hostile":
                ids = dict.fromkeys((truth["hostile"]["id"], *NEIGHBOURS), 1.0)
                found[submission.name] = truth, judge.judge(submission, ids)
    assert traces() == before
    assert all(decoy.read_text() == "kept" for decoy in decoys)
    return found


def test_every_hostile_answer_is_graded_0(hostile):
    assert len(hostile) > 20
    points_of = {truth["hostile"]["title"]: record["todos"][0]["points"] for truth, record in hostile.values()}
    assert points_of == dict.fromkeys(points_of, 0.0)


def test_every_hostile_answer_is_named(hostile):
    unnamed = [
        truth["hostile"]["title"]
        for truth, record in hostile.values()
        if not record["todos"][0]["alarm"] and not truth["hostile"]["title"].startswith(MISTAKES)
    ]
    assert unnamed == []
    silent = [
        t["hostile"]["title"]
        for t, r in hostile.values()
        if r["todos"][0]["state"] == "passed" and not r["todos"][0]["alarm"]
    ]
    assert silent == []


def test_no_other_todo_is_harmed(hostile):
    for truth, record in hostile.values():
        for entry in record["todos"][1:]:
            if entry["id"] in truth["passes"]:
                assert (entry["state"], entry["points"], entry["alarm"]) == ("passed", 1.0, None), (truth, entry)


def test_it_goes_on_when_what_answers_is_killed_from_outside(work):
    files = {"cs231n/rnn_layers.py": (ROOT / "cs231n/rnn_layers.py").read_bytes()}
    with Judge(work) as judge:
        judge.answering.process.kill()
        judge.answering.process.wait()
        record = judge.judge(Submission("Ada", files), {"rnn_step_forward": 1.0, "rnn_forward": 1.0})
    assert record["points"] == 2 and not list(work.glob("sandbox-*"))


def grade(folder, out, wait=True):
    """Run the command on a class, for two TODOs; the finished or running process."""
    few = out.parent / "points.json"
    few.write_text(json.dumps({**dict.fromkeys(points.NOTEBOOKS, 0), "rnn_step_backward": 1, "gram_matrix": 3}))
    words = [sys.executable, "-m", "cs231n.grade", str(folder / "submissions"), "--out", str(out)]
    words += ["--points", str(few), "--plain", "--jobs", "2"]
    running = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (running, *running.communicate()) if wait else running


def test_broken_off_it_goes_on_with_the_same_numbers(tmp_path):
    folder = tmp_path / "a clåss" / "made up"
    truths = made_up_class.make_class(folder, size=24)
    out = tmp_path / "a repört" / "out"
    out.parent.mkdir()
    running = grade(folder, out, wait=False)
    until = time.monotonic() + 300
    while len(list(out.glob("students/*.json"))) < 3 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate()
    assert running.returncode == 130 and "broken off: " in said, said
    kept = {path: path.stat().st_mtime_ns for path in out.glob("students/*.json")}
    assert 3 <= len(kept) < 24
    running, said, _ = grade(folder, out)
    assert running.returncode == 0 and "24 graded" in said, said
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    once = (out / "grades.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "again").mkdir()
    grade(folder, tmp_path / "again" / "out")
    assert once == (tmp_path / "again/out/grades.csv").read_text(encoding="utf-8-sig")
    right_is_right(truths, out)


def right_is_right(truths, out):
    """What passes for certain has its points; what is wrong, or not there, has not all of them."""
    for name, truth in truths.items():
        record = json.loads((out / f"students/{name}.json").read_text(encoding="utf-8"))
        for entry in record["todos"]:
            if entry["id"] in truth["passes"]:
                assert entry["points"] == entry["max_points"], (name, entry)
            elif entry["id"] in {*truth["wrong"], *truth["unfinished"]}:
                assert entry["points"] < entry["max_points"], (name, entry)


@pytest.mark.skipif(os.environ.get("CS231N_ALL") != "1", reason="some minutes; CS231N_ALL=1 grades all of it")
def test_a_class_of_sixty(course_class, tmp_path):
    words = [sys.executable, "-m", "cs231n.grade", str(course_class[0] / "submissions"), "--out", str(tmp_path / "all")]
    assert subprocess.run(words, cwd=ROOT).returncode == 0
    right_is_right(course_class[1], tmp_path / "all")


@pytest.mark.parametrize("text, words", [
    ("{", "cannot be read as JSON"), ("[1]", "must hold points by name"), ('{"rnn_fordward": 1}', "did you mean"),
    ('{"RNN": -1}', "a number of points"), ('{"RNN": true}', "a number of points"),
    (json.dumps(dict.fromkeys(points.NOTEBOOKS, 0)), "nothing is left"),
])  # fmt: skip
def test_points_that_are_none_are_told(tmp_path, text, words):
    (tmp_path / "points.json").write_text(text)
    with pytest.raises(ValueError, match=words):
        points.points_of(tmp_path / "points.json")


def test_points_go_by_todo_then_by_notebook(tmp_path):
    (tmp_path / "points.json").write_text('{"RNN": 2, "rnn_backward": 5, "extras": 0, "beam_search": 3}')
    found = points.points_of(tmp_path / "points.json")
    assert (found["rnn_forward"], found["rnn_backward"], found["lstm_forward"], found["beam_search"]) == (2, 5, 1, 3)
    assert "add_noise" not in found and points.points_of() == dict.fromkeys(TODOS, 1.0)


def test_wrong_calls_say_what_to_do(tmp_path, capsys):
    assert command.main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 2
    assert "nowhere" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert command.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "lies among the submissions" in capsys.readouterr().err


def test_gradescope_runs_it(tmp_path):
    """The script of TEACHING.md, in a folder laid out as Gradescope's container is."""
    (script,) = (b.body for b in blocks((ROOT / "TEACHING.md").read_text(encoding="utf-8")) if b.language == "bash")
    there = tmp_path / "autograder"
    for folder in ("source", "submission/student/cs231n/classifiers", "results"):
        (there / folder).mkdir(parents=True)
    (there / "source/course").symlink_to(ROOT)
    (there / "submission/student/cs231n/rnn_layers.py").write_bytes((ROOT / "cs231n/rnn_layers.py").read_bytes())
    few = " --points points.json --plain"
    (tmp_path / "points.json").write_text(json.dumps({**dict.fromkeys(points.NOTEBOOKS, 0), "rnn_forward": 4}))
    script = script.replace("/autograder", str(there)).replace("/tmp/report", f"{tmp_path}/report")
    script = script.replace(".venv/bin/python", shlex.quote(sys.executable))
    script = script.replace(" --out", few.replace("points.json", f"{tmp_path}/points.json") + " --out")
    done = subprocess.run(["bash", "-e", "-c", script], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    (test,) = json.loads((there / "results/results.json").read_text(encoding="utf-8"))["tests"]
    assert (test["score"], test["max_score"], test["status"]) == (4, 4, "passed")


def test_the_points_of_the_page_for_teachers_can_be_read(tmp_path):
    (example,) = (b.body for b in blocks((ROOT / "TEACHING.md").read_text(encoding="utf-8")) if b.language == "json")
    (tmp_path / "points.json").write_text(example)
    assert points.points_of(tmp_path / "points.json")["rnn_backward"] == 5


def test_an_environment_behind_a_link_raises_no_alarm(tmp_path):
    """Torch reads files of its own on the way, by the names under which Python was started."""
    (tmp_path / "a link").symlink_to(sys.prefix)
    files = "cs231n/gan_pytorch.py", "cs231n/diffusion.py"
    for file in files:
        there = tmp_path / "submissions/Ada" / file
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes((ROOT / file).read_bytes())
    asked = {"discriminator": 1, "add_noise": 1}
    (tmp_path / "points.json").write_text(json.dumps({**dict.fromkeys(points.NOTEBOOKS, 0), **asked}))
    words = ["--out", str(tmp_path / "out"), "--points", str(tmp_path / "points.json"), "--plain"]
    python = [str(tmp_path / "a link/bin/python"), "-m", "cs231n.grade", str(tmp_path / "submissions")]
    done = subprocess.run([*python, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out/students/Ada.json").read_text(encoding="utf-8"))
    assert [(entry["points"], entry["alarm"]) for entry in record["todos"]] == [(1.0, None)] * 2
