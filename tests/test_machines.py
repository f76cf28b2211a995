"""Machines that these tests do not run on, as far as they can be had here.

Windows' names, line ends, consoles and missing signals, disks blind to upper case, a folder that nobody may write to.
"""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cs231n.checks import console
from cs231n.datasets.sources import SOURCES
from cs231n.grade import __main__ as grade
from tools import editions, lab, setup_env

ROOT = Path(__file__).resolve().parent.parent
SOURCE = [path for folder in ("cs231n", "tools", "benchmarks") for path in sorted(ROOT.joinpath(folder).rglob("*.py"))]


# ---- Windows: names -------------------------------------------------------------------------------------------

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
LONGEST = 110  # of the 259 that Windows allows, so that student/ and a folder deep in a home have room


def tracked():
    """Every file of the repository, and those that it may fetch."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("this is no clone, so there is no list of its files")
    fetched = [f"datasets/{path}" for some in SOURCES.values() for source in some for path, _ in source.results]
    return [*filter(None, listed.stdout.split("\0")), *fetched]


def bad_for_windows(path):
    """Why Windows cannot have this path; None if it can."""
    for part in path.split("/"):
        if re.search(r'[<>:"|?*\\\x00-\x1f]', part) or part.endswith((" ", ".")):
            return f"{part!r} has a character that Windows forbids"
        if part.split(".")[0].lower() in RESERVED:
            return f"{part!r} is a device there"
    return f"longer than {LONGEST}" if len(path) > LONGEST else None


def collisions(paths):
    """Names that a disk blind to upper case takes for one, folders included."""
    names = {"/".join(path.split("/")[:n]) for path in paths for n in range(1, path.count("/") + 2)}
    counted = Counter(name.lower() for name in names)
    return sorted(name for name in names if counted[name.lower()] > 1)


def test_names_that_windows_and_blind_disks_can_have():
    paths = tracked()
    assert len(paths) > 200
    assert {path: why for path in paths if (why := bad_for_windows(path))} == {}
    assert collisions(paths) == []


@pytest.mark.parametrize("path", ["a/b?.py", "aux.py", "x/NUL", "end.", "a" * 111, "tab\t", "a\\b", "com1/x.py"])
def test_bad_names_would_be_found(path):
    assert bad_for_windows(path)


def test_collisions_would_be_found():
    assert collisions(["README.md", "readme.md", "Tools/x.py", "tools/y.py"]) == [
        "README.md", "Tools", "readme.md", "tools"]  # fmt: skip


# ---- Windows: line ends ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("git"), reason="git")
def test_a_checkout_on_windows_has_line_feeds(tmp_path):
    """git there turns line feeds into CRLF, unless .gitattributes says otherwise."""
    names = [".gitattributes", "Makefile", "get_datasets.sh", ".ci/run", "requirements.txt", "cs231n/optim.py",
             "datasets/mini/coco_captioning/val2014_urls.txt", "datasets/mini/styles/fjord.jpg"]  # fmt: skip
    for name in names:
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "one" / name)

    def git(*words):
        me = ("-c", "user.name=me", "-c", "user.email=me", "-c", "core.autocrlf=true", "-c", "core.eol=crlf")
        subprocess.run(["git", *me, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "one")
    git("-C", "one", "add", ".")
    git("-C", "one", "commit", "-m", "all")
    git("clone", "one", "two")
    for name in names:
        assert (tmp_path / "two" / name).read_bytes() == (ROOT / name).read_bytes(), name


def with_crlf(source, target):
    """A copy of the course as an editor on Windows may leave it: CRLF in every text."""
    for folder in (*editions.FOLDERS, "tools"):
        shutil.copytree(source / folder, target / folder, ignore=shutil.ignore_patterns(*editions.IGNORED))
    for name in (*editions.FILES.values(), *editions.OPTIONAL.values()):
        if "/" not in name:
            shutil.copy(source / name, target / name)
    texts = [path for path in target.rglob("*") if path.suffix in (".py", ".md", ".ipynb", ".txt", ".json")]
    assert len(texts) > 80
    for path in texts:
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return target


# ---- checks on other machines ---------------------------------------------------------------------------------

# A right answer, and one with a slip that has to be looked for; the rest is not begun.
ANSWERS = {
    "rnn_step_forward": "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)\n    cache = x, prev_h, Wx, Wh, next_h",
    "rnn_step_backward": (
        "x, prev_h, Wx, Wh, next_h = cache\n    da = dnext_h * (1 - next_h**2)\n"
        "    dx, dprev_h, dWx, dWh = da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da\n    db = da.sum(axis=1)"
    ),
}
WINDOWS = """
import multiprocessing, os, signal, sys
for name in ("SIGALRM", "setitimer", "ITIMER_REAL", "SIGKILL"):
    delattr(signal, name)
for name in ("fork", "forkpty", "sched_getaffinity", "getloadavg", "geteuid"):
    delattr(os, name)
multiprocessing.set_start_method("spawn")
"""
ASK = """
import json, sys
from pathlib import Path
cell = "".join(json.loads(Path("RNN.ipynb").read_text(encoding="utf-8"))["cells"][1]["source"])
exec(cell.replace("%load_ext autoreload", "").replace("%autoreload 2", ""))
hint("rnn_forward")
progress()
for id in sys.argv[1:]:
    check(id)
"""


def write_answers(student):
    """Into the student's file, with the line ends that it has."""
    path = student / "cs231n" / "rnn_layers.py"
    text = path.read_bytes().decode()
    end = "\r\n" if "\r\n" in text else "\n"
    for id, answer in ANSWERS.items():
        assert editions.STUB.format(id) in text
        text = text.replace(editions.STUB.format(id), answer.replace("\n", end))
    path.write_bytes(text.encode())
    return student


def ask(student, *more, before="", encoding="utf-8", **options):
    """What a hint, the progress and the checks say after the first notebook's first cell; more: ids to check too."""
    flags = ["-X", "utf8=0", "-X", "warn_default_encoding"]
    settings = {"PYTHONIOENCODING": encoding, "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg", "CS231N_STRICT": "0",
                "CS231N_JOURNAL": "off"}  # which would count hints from one session to the next
    command = [sys.executable, *flags, "-c", before + ASK, "rnn_step_forward", "rnn_forward", *more]
    done = subprocess.run(
        command, cwd=student / "notebooks", env=os.environ | settings, capture_output=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    ours = [line for line in done.stderr.decode(errors="replace").splitlines() if "EncodingWarning" in line]
    assert [line for line in ours if str(student) in line] == []
    return done.stdout.decode(encoding).replace("\r", "")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_answers(editions.build(tmp_path_factory.mktemp("plain") / "student"))


@pytest.fixture(scope="module")
def plainly(student):
    said = ask(student, "rnn_step_backward")
    assert "✓ rnn_step_forward: passed" in said and "○ rnn_forward: not started" in said
    assert "✗ rnn_step_backward: not right yet" in said and " done, next: rnn_step_backward" in said
    return said


def test_checks_say_the_same_as_on_windows(plainly, tmp_path):
    """Files with CRLF, no signal that ends a loop, no fork, a console without our signs."""
    root = with_crlf(ROOT, tmp_path)
    student = write_answers(editions.build(tmp_path / "student", root))
    assert b"\r\n" in (student / "cs231n" / "rnn_layers.py").read_bytes()
    said = ask(student, "rnn_step_backward", before=WINDOWS, encoding="cp1252")
    assert said == plainly.encode("cp1252", console.HANDLER).decode("cp1252") and "+ rnn_step_forward: passed" in said
    editions.fill_tree(student, ["rnn_forward"], root)
    assert b"raise NotImplementedError" not in (student / "cs231n/rnn_layers.py").read_bytes().split(b"def rnn_back")[0]


# ---- a folder that nobody may write to ------------------------------------------------------------------------


def without_roots_rights():
    """In a child: even root may write only where the permissions say so."""
    if os.geteuid() == 0:
        import ctypes

        drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        for right in (override, search):
            if ctypes.CDLL(None).prctl(drop, right, 0, 0, 0):
                os._exit(99)


LOCKABLE = pytest.mark.skipif(
    sys.platform != "linux" and not (hasattr(os, "geteuid") and os.geteuid()), reason="permissions do not bind here"
)


@pytest.fixture
def locked(student):
    """The student's edition, closed to writing."""
    paths = [student, *student.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    yield student
    for path in paths:
        path.chmod(modes[path])


@LOCKABLE
def test_checks_say_the_same_in_a_folder_that_is_closed(locked, plainly):
    before = "import pathlib\ntry:\n    pathlib.Path('x').touch(); print('OPEN')\nexcept PermissionError:\n    pass\n"
    said = ask(locked, before=before, preexec_fn=without_roots_rights)
    assert plainly.startswith(said) and "✓ rnn_step_forward: passed" in said


@LOCKABLE
def test_nothing_can_be_fetched_into_a_closed_folder_and_one_line_says_so(locked, tmp_path):
    (tmp_path / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"weights")
    mirror = os.environ | {"CS231N_MIRROR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "cs231n.datasets", "squeezenet"], cwd=locked, timeout=120, capture_output=True,
        encoding="utf-8", env=mirror, preexec_fn=without_roots_rights)  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and "ermission denied" in line and str(locked / "datasets") in line
    assert "choose another place with --dir" in line


def closed(*_, **__):
    raise PermissionError(13, "Permission denied", "/course/somewhere")


def test_make_lab_in_a_closed_folder_says_in_one_line_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lab, "STUDENT", tmp_path / "student")
    monkeypatch.setattr(lab, "build", closed)
    monkeypatch.setattr(lab, "jupyterlab", lambda: pytest.fail("there is nothing to open"))
    assert lab.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Permission denied" in line and "Copy the course to a folder of your own" in line


def test_set_up_in_a_closed_folder_says_in_one_line_what_to_do(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(setup_env, "run", lambda *command, **_: subprocess.CompletedProcess(command, 0, "", ""))
    monkeypatch.setattr(setup_env.os, "makedirs", closed)
    assert setup_env.main([str(tmp_path / "new")]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "Permission denied" in line and "copy the course to a folder of your own" in line


# ---- consoles and encodings -----------------------------------------------------------------------------------


def on_a_narrow_console(*words):
    """A command of the course as a Windows console in Western Europe would have it; the doctor's is in its own test."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-X", "warn_default_encoding", "-m", *words], cwd=ROOT, timeout=300,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True, encoding="cp1252")  # fmt: skip
    warned = [line for line in done.stderr.splitlines() if "EncodingWarning" in line and str(ROOT / "cs231n") in line]
    assert done.returncode == 0 and not warned, done.stderr
    return done.stdout


@pytest.mark.parametrize("words", ["cs231n.datasets --list", "cs231n.train --help"])
def test_commands_on_a_console_that_lacks_our_signs(words):
    assert len(on_a_narrow_console(*words.split())) > 100


def test_the_checks_command_on_a_console_that_lacks_our_signs():
    said = on_a_narrow_console("cs231n.checks", "beam_search")
    assert "+ beam_search: passed" in said


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "✓ ✗ … ━ é 猫"), ("cp1252", "+ x … = é ?"), ("ascii", "+ x . = ? ?")]
)
def test_signs_become_what_the_console_has(encoding, shown, monkeypatch):
    for fit in (lambda text: print(console.fit(text)), lambda text: (console.fit_output(), print(text))):
        screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", screen)
        fit("✓ ✗ … ━ é 猫")
        screen.flush()
        assert screen.buffer.getvalue().decode(encoding).split("\n")[0].rstrip("\r") == shown


def opened_without_encoding(tree):
    """Lines that read or write text in whatever encoding the machine prefers."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, words = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        given = " ".join(map(ast.unparse, node.args)) + words.get("mode", "")
        text = {
            "open": name == "open" and not re.search(r"'[rwax]?\+?b\+?'", given),
            "Path": name.endswith((".read_text", ".write_text")),
            "temporary": name.endswith("TemporaryFile") and "'w" in given and "b'" not in given,
            "process": words.get("text") == "True" or words.get("universal_newlines") == "True",
        }
        if any(text.values()) and "encoding" not in words and None not in words:
            yield node.lineno


def test_no_file_is_read_in_the_machines_own_encoding():
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCE
        for line in opened_without_encoding(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()
    bad = "open(x)\nopen(x, 'w')\nopen(x, 'rb')\np.read_text()\nrun(c, text=True)\nopen(x, encoding='utf-8')\n"
    assert list(opened_without_encoding(ast.parse(bad))) == [1, 2, 4, 5]


def test_nothing_but_grading_forks():
    """It confines what it forks, and says so where it cannot."""
    for path in (path for path in SOURCE if "grade" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                assert not [name for name in names if name.split(".")[0] == "multiprocessing"], path
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "os.fork"), path


def test_grading_says_where_it_runs_if_it_cannot_fork(monkeypatch, tmp_path, capsys):
    monkeypatch.delattr(os, "fork")
    assert grade.main([str(tmp_path)]) == 2
    assert "Windows lacks: run it under Linux" in capsys.readouterr().err


# ---- the data's script without an environment -----------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="a shell")
@pytest.mark.parametrize("arguments", [[], ["--list"], ["mnist"]])
@pytest.mark.parametrize("python", [f'exec "{sys.executable}" -S "$@"', None])
def test_get_datasets_without_the_environment_says_what_to_do(python, arguments, tmp_path):
    """-S: a Python without any package; None: no Python at all."""
    course, bin = tmp_path / "course", tmp_path / "bin"
    shutil.copytree(ROOT / "cs231n", course / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "get_datasets.sh", course)
    bin.mkdir()
    for tool in ("dirname",):
        (bin / tool).symlink_to(shutil.which(tool))
    if python:
        (bin / "python3").write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
        (bin / "python3").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(course / "get_datasets.sh"), *arguments], env={"PATH": str(bin)}, capture_output=True,
        encoding="utf-8", timeout=60)  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == "" and "make setup" in line
    assert ("has no rich" if python else "There is no Python here") in line
