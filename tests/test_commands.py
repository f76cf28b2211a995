"""The two commands: JupyterLab is served wherever `make lab` is called, and set-up copes or says what to do.

Nothing is installed: set-up runs with installers that are made up here, `make lab` in the environment of the tests.
"""

import ast
import importlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import lab, setup_env
from tools.clones import clone

ROOT = Path(__file__).resolve().parent.parent
POSIX = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="make and signals")


# ---- make lab ------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """A copy of the course under an awkward name, with the environment the tests run in."""
    course = clone(tmp_path / "my çourse")
    (course / ".venv").symlink_to(sys.prefix)
    return course


@pytest.fixture
def taken():
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def environment(**settings):
    """Without a display, and without what the make that runs the tests hands down."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "JUPYTER"))}
    return kept | {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""} | settings


def address(log, process):
    """The address that is printed, as soon as it is."""
    for _ in range(6000):
        if found := re.findall(r"^ +(http://127\.0\.0\.1:\d+)(/\S+)\?(token=\w+)$", log.read_text(), re.M):
            return found[-1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as reply:
        return reply.read().decode()


def ignore_ctrl_c():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@POSIX
def test_make_lab_serves_the_students_notebook(course, taken, tmp_path):
    """From an awkward folder, with its port taken, without a display, in the background, as whoever runs the tests."""
    home, log = tmp_path / "home", tmp_path / "log"
    home.mkdir()
    command = ["make", "-o", "setup", "lab", "PYTHON=false", f"LAB=--port {taken}"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=course, env=environment(HOME=str(home)), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True, preexec_fn=ignore_ctrl_c)  # fmt: skip
    try:
        server, path, token = address(log, process)
        assert server != f"http://127.0.0.1:{taken}"
        assert path == "/lab/tree/student/notebooks/RNN.ipynb"
        assert "<title>JupyterLab</title>" in get(f"{server}{path}?{token}")
        notebook = json.loads(get(f"{server}/api/contents/student/notebooks/RNN.ipynb?{token}"))["content"]
        assert all(cell.get("outputs", []) == [] for cell in notebook["cells"])
        assert "answer" in {tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])}
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(300)
    said = log.read_text()
    assert "Your own copy of the course is student/" in said and "No browser can be opened from here" in said
    assert ("You are root" in said) == (os.geteuid() == 0)
    assert all_gone(process.pid), "something is still running"


def all_gone(group):
    for _ in range(6000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a display")
@pytest.mark.parametrize(("display", "there", "opens"), [("", "w3m", 0), ("", "nothing", 0), (":0", "firefox", 1)])
def test_a_text_browser_does_not_take_over_the_terminal(display, there, opens, tmp_path, monkeypatch):
    (tmp_path / there).write_text("#!/bin/sh\n")
    (tmp_path / there).chmod(0o755)
    with monkeypatch.context() as patch:
        for name in ("WAYLAND_DISPLAY", "BROWSER"):
            patch.delenv(name, raising=False)
        for name, value in {"PATH": str(tmp_path), "TERM": "xterm", "DISPLAY": display}.items():
            patch.setenv(name, value)
        importlib.reload(webbrowser)  # it looks around once
        assert lab.opens_a_window() is bool(opens)
    importlib.reload(webbrowser)


def test_a_student_folder_that_is_there_stays_as_it_is(tmp_path, monkeypatch, capsys):
    (tmp_path / "student").mkdir()
    monkeypatch.setattr(lab, "STUDENT", tmp_path / "student")
    monkeypatch.setattr(lab, "jupyterlab", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["lab"])
    assert lab.main(["--port", "9000"]) == 0
    assert not any((tmp_path / "student").iterdir())
    assert "--LabApp.default_url=/lab" in sys.argv and sys.argv[-2:] == ["--port", "9000"]


# ---- set-up --------------------------------------------------------------------------------------------------


class Machine:
    """Stands in for what set-up calls; `fails` holds words of the commands that fail."""

    def __init__(self, folder):
        self.folder, self.fails, self.ran, self.by_hand = folder, [], [], False

    def run(self, *command, **_):
        line = " ".join(map(str, command))
        self.ran.append(line)
        if "-m venv" in line:
            python = Path(setup_env.python_in(self.folder))
            python.parent.mkdir()
            python.touch()
        if "killed" in self.fails and "install" in line:
            raise KeyboardInterrupt
        fails = any(re.search(words, line) for words in self.fails)
        fails |= setup_env.BY_HAND in command and not self.by_hand
        return subprocess.CompletedProcess(command, int(fails), "", "broken")

    def installs(self):
        return [line.partition("-m ")[2] for line in self.ran if re.search(r"install .*-r ", line)]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    machine = Machine(tmp_path / "new env")
    monkeypatch.setattr(setup_env, "run", machine.run)
    return machine


def set_up(machine):
    machine.ran.clear()
    return setup_env.main([str(machine.folder)])


def test_set_up_once(machine):
    assert set_up(machine) == 0
    (installed,) = machine.installs()
    assert installed.startswith("uv pip install") and installed.endswith(f"-c {setup_env.TESTED}")
    assert set_up(machine) == 0 and not machine.installs()
    (machine.folder / ".ready").write_text("other versions")
    (machine.folder / "mine").touch()
    assert set_up(machine) == 0 and machine.installs() and (machine.folder / "mine").exists()


def test_other_versions_broken_off_then_mended(machine):
    assert set_up(machine) == 0
    (machine.folder / ".ready").write_text("other versions")
    (machine.folder / "half a package").mkdir()
    machine.fails = ["install"]
    assert set_up(machine) == 1 and (machine.folder / "half a package").exists()
    machine.fails = []
    assert set_up(machine) == 0 and not (machine.folder / "half a package").exists()


@pytest.mark.parametrize("moment", ["-m venv", "-m uv|-m pip", "import torch", "killed"])
def test_broken_off_then_mended(machine, moment):
    machine.fails = [moment]
    assert set_up(machine) != 0
    assert (machine.folder / ".begun").exists() and not (machine.folder / ".ready").exists()
    (machine.folder / "half a package").mkdir()
    machine.fails = []
    assert set_up(machine) == 0 and machine.installs()
    assert not (machine.folder / "half a package").exists()


@pytest.mark.parametrize(
    ("fails", "installed", "words"),
    [
        (["install uv"], ["pip tested"], "pip takes its place"),
        (["-m uv .* -c"], ["uv tested", "uv"], "taking what requirements.txt allows"),
        (["-m uv"], ["uv tested", "uv", "pip tested"], "pip takes its place"),
        (["install uv", "-m pip .* -c"], ["pip tested", "pip"], "taking what requirements.txt allows"),
    ],
)
def test_the_next_best_way_is_taken_and_said(machine, fails, installed, words, capfd):
    machine.fails = fails
    assert set_up(machine) == 0
    ways = [line.split()[0] + " tested" * line.endswith(setup_env.TESTED) for line in machine.installs()]
    assert ways == installed
    assert words in capfd.readouterr().out


def test_no_way_through_ends_with_what_to_do(machine, capfd):
    machine.fails = ["install"]
    assert set_up(machine) == 1
    assert "See to the network" in capfd.readouterr().err.splitlines()[-1]
    assert not (machine.folder / ".ready").exists()


def test_an_old_python_is_refused_in_one_line(machine, monkeypatch, capfd):
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    assert set_up(machine) == 1 and not machine.ran
    (line,) = capfd.readouterr().err.splitlines()
    assert "too old: 3.10 or newer is needed" in line and "python3.12" in line and sys.executable in line


def test_an_old_python_can_read_the_script():
    tree = ast.parse(Path(setup_env.__file__).read_text(encoding="ascii"), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.YieldFrom)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions and not [f for f in functions if f.returns or f.args.kwonlyargs or f.args.posonlyargs]


def test_a_python_without_ensurepip_is_told_the_package(machine, capfd):
    machine.fails = ["import ensurepip"]
    assert set_up(machine) == 1 and not machine.folder.exists()
    (line,) = capfd.readouterr().err.splitlines()
    assert "apt install python{}.{}-venv".format(*sys.version_info) in line


def test_an_environment_of_others_is_kept_with_its_torch(machine):
    python = Path(setup_env.python_in(machine.folder))
    python.parent.mkdir(parents=True)
    python.touch()
    machine.by_hand, machine.fails = True, ["-m uv|-m pip"]
    assert set_up(machine) == 1 and python.exists()
    machine.fails = []
    assert set_up(machine) == 0 and not any("-m venv" in line for line in machine.ran)
    tested = Path(machine.installs()[0].partition(" -c ")[2]).read_text()
    assert "numpy==" in tested and not re.search("^torch", tested, re.M)


def test_a_folder_that_is_no_environment_is_left_alone(machine, capfd):
    machine.folder.mkdir()
    (machine.folder / "mine").touch()
    assert set_up(machine) == 1 and (machine.folder / "mine").exists()
    assert "delete it and call again" in capfd.readouterr().err


def test_what_cannot_be_imported_is_not_ready(machine, capfd):
    machine.fails = ["import torch"]
    assert set_up(machine) == 1 and not (machine.folder / ".ready").exists()
    assert "cannot be used: broken" in capfd.readouterr().err


@POSIX
def test_a_second_call_waits_for_the_first():
    first = setup_env.lock()
    command = [sys.executable, "-c", "from tools import setup_env; held = setup_env.lock(); print('its turn')"]
    second = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert "waiting" in second.stdout.readline()
    first.close()
    assert second.communicate(timeout=60)[0] == "its turn\n"


@POSIX
def test_make_without_a_python_says_so(tmp_path):
    for name in ("Makefile", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "lab", "PYTHON=no-such-python"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode and done.stderr.startswith("There is no no-such-python here: install Python 3.10 or newer")


def test_the_tested_versions_are_within_the_ranges():
    def lines(path):
        return [line for line in (ROOT / path).read_text(encoding="ascii").splitlines() if line and line[0] != "#"]

    tested = {canonicalize_name(pin.name): pin for pin in map(Requirement, lines("constraints.txt"))}
    for line in lines("constraints.txt"):
        assert re.fullmatch(r'[\w.-]+==[\w.]+( ; python_(full_)?version >= "[\d.]+")?', line), line
    for wanted in map(Requirement, lines("requirements.txt")):
        (version,) = (part.version for part in tested[canonicalize_name(wanted.name)].specifier)
        assert version in wanted.specifier
