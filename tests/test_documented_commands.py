"""Every command that the documents name works: read from the files, run in a copy of the course in an awkward folder.

What is long, opens a server, asks the network or changes the environment has a shorter form here; WAYS says which, and
why. A command that no way fits fails, so that none is written down untried.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.clones import clone, environment
from tools.editions import ROOT
from tools.transcripts import BLOCK, blocks

pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="make and a shell")
BIN = Path(sys.prefix, "bin")
DOCUMENTS = {  # and the folder that its commands are for
    "README.md": ".",
    "README.zh-CN.md": ".",
    "CONTRIBUTING.md": ".",
    "TEACHING.md": ".",
    "tests/first_hour.md": ".",
    "tools/student_README.md": "student",
    "tools/student_AGENTS.md": "student",
}
# In a block without a language every line is a command; those of "console" are replayed by test_transcripts.py.
# What of "bash" and "json" there is in TEACHING.md is run and read by test_grade.py.
LANGUAGES = {"", "bash", "console", "diff", "json", "python", "text"}
FIRST_WORDS = {"make", "python", "python3", "py", "pip", "uv", "torchrun", "source", "git", "curl", "bash", "sh", "cd"}


# ---- reading them --------------------------------------------------------------------------------------------


def commands(text):
    """The commands of a Markdown text: those of its blocks, and those between backticks in its prose."""
    found = []
    for block in blocks(text):
        assert block.language in LANGUAGES, f"what is a block of {block.language!r}?"
        if not block.language:
            found += block.body.splitlines()
    found += [" ".join(m[1].split()) for m in re.finditer(r"`([^`]+)`", BLOCK.sub("", text)) if is_command(m[1])]
    return [re.sub(r"\s+#.*", "", line).strip() for line in found if line.strip()]


def is_command(span):
    """Whether what stands between backticks is a command: a program's name with something after it, or ./name."""
    first, *rest = re.sub(r"^(\w+=\S+ )+", "", span.replace("\n", " ")).split() or [""]
    if not rest:
        return first.startswith("./")
    program = first in FIRST_WORDS or (BIN / first).is_file()
    return program or first.startswith(("./", "../", ".venv/", ".venv\\", "%", "!"))


FOUND = sorted({
    (command, folder)
    for document, folder in DOCUMENTS.items()
    for command in commands((ROOT / document).read_text(encoding="utf-8"))
})  # fmt: skip


def test_commands_are_found():
    """So that a reader gone blind does not pass for documents in order."""
    here = [command for command, folder in FOUND if folder == "."]
    assert {"make lab", "make test", './get_datasets.sh --verify', 'make test TESTS="tests/test_layers.py -k relu"',
            "source .venv/bin/activate", "python -m tools.pictures"} <= set(here)  # fmt: skip
    assert ("python3 -m venv .venv", "student") in FOUND and ("python -m cs231n.train gan", "student") in FOUND
    text = "Run `make x`,\n`OMP=1 python a\nb` or `%cd c`, not `make` or `a.b(c)`.\n```\n./d e   # why\n```\n"
    assert commands(text) == ["./d e", "make x", "OMP=1 python a b", "%cd c"]
    with pytest.raises(AssertionError, match="'cmd'"):
        commands("```cmd\ndir\n```\n")


# ---- running them --------------------------------------------------------------------------------------------


class Place:
    """A folder of the copied course, with its environment in front of PATH, as the documents have it activated."""

    def __init__(self, course, folder):
        self.course, self.folder = course, course / folder

    def run(self, line, status=0):
        """Run `line` and return what it says; fails unless it exits with `status`, or one of them."""
        line = re.sub(r"\bmake ", "make -o setup ", line)
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment() | {"PATH": path, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=300,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode in (status if isinstance(status, tuple) else (status,)), f"{line}\n{said}"
        return said

    def finds(self, module):
        """Whether `python -m module` would find something here."""
        path = self.folder.joinpath(*module.split("."))
        here = path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
        return here or module in ("pip", "uv", "pytest")


def as_it_stands(place, command):
    place.run(command)


def with_todos_left(place, command):
    """It ends with 1, since none of them has passed."""
    assert "not started" in place.run(command, 1)


def of_one_notebook(place, command):
    with_todos_left(place, f"{command} RNN")


def for_a_program(place, command):
    """It ends with 0 in the solved edition, and with 1 in a student's."""
    said = json.loads(place.run(f"{command} rnn_step_forward", (0, 1)))
    assert said["of"] == 1 and said["edition"] == ("student" if place.folder.name == "student" else "solved")


def a_diagnosis(place, command):
    """It ends with 1 where this machine has a trouble."""
    assert "Traceback" not in place.run(command, (0, 1))


def what_make_would_do(place, command):
    """Every module that would be started is there."""
    said = Place(place.course, ".").run(re.sub(r"\bmake ", "make -n ", command))
    modules = re.findall(r"python -m ([\w.]+)", said)
    assert modules and all(map(Place(place.course, ".").finds, modules)), said


def set_up(place, command):
    """Whether or not there is anything to be done just now."""
    place.run(command.replace("make ", "make -n "))


def a_selection(place, command):
    """The file that it names is there, and in it tests of that name, or with that word in it."""
    what_make_would_do(place, command)
    file, name, word = re.fullmatch(r'make test TESTS="?([\w./]+)(?:::(\w+))?(?: -k (\w+))?"?', command).groups()
    tests = re.findall(r"^def (test_\w+)", (place.folder / file).read_text(encoding="utf-8"), re.M)
    assert name in tests if name else any((word or "") in test for test in tests)


def build_elsewhere(place, command):
    place = Place(place.course, ".")
    said = place.run(command)
    made = place.folder / re.search(r"^(\S.*) is ready", said, re.M)[1]
    assert (made / "notebooks/RNN.ipynb").is_file()
    shutil.rmtree(made)


def refuse(place, command):
    """The fixture has run it once, as `make student`."""
    assert "may hold your work" in place.run(command, (1, 2))


def its_help(place, command):
    """The command exits before it begins; its options stand in its help, and so does what it is to train."""
    said = place.run(f"{command.removesuffix(' ...')} --help")
    what = re.findall(r"-m cs231n\.train (\w+)", command)
    assert all(word in said for word in [*what, *re.findall(r"--[\w-]+", command)])


def with_torchrun(place, command):
    ours = command.partition(" -m ")[2]
    its_help(place, f"python -m {ours}")
    said = place.run("torchrun --help")
    assert all(option in said for option in re.findall(r"--[\w-]+", command.partition(" -m ")[0]))


def listed(place, command):
    program, names = re.fullmatch(r"(.*?(?:\.sh|\.datasets))(.*)", command).groups()
    place.run(f"{program} --list {names.replace('NAME', '')}")


def packages_of_ours(place, command):
    """What is to be installed is what the course requires; where it is a file, that is there and pip finds it met."""
    wanted = (place.folder / "requirements.txt").read_text(encoding="utf-8")
    for name in (word for word in command.partition(" install ")[2].split() if word[0] != "-" and ".txt" not in word):
        assert re.search(rf"^{name}\b", wanted, re.M), name
    if " -r " in command:
        place.run("python -m pip install --dry-run --no-index --no-deps -q -r requirements.txt")


def a_new_environment(place, command):
    program = command.removesuffix(" .venv")
    place.run(f"{program} --without-pip made && test -x made/bin/python && rm -r made")


def activated(place, command):
    assert place.run(f"{command} && command -v python").strip().endswith(".venv/bin/python")


def jupyter(place, command):
    """JupyterLab is there, and so is the notebook that it would open."""
    for file in re.findall(r"\S+\.ipynb", command):
        assert (place.folder / file).is_file()
    place.run(re.sub(r"-m jupyterlab.*|(-m jupyter \w+ \w+).*", lambda m: f"{m[1] or '-m jupyterlab'} --help", command))


def in_a_notebook(place, command):
    """%cd leads to a folder; behind ! stands a command; %env sets what the course knows of."""
    if command.startswith("!"):
        return way_of(command[1:])(place, command[1:])
    if command.startswith("%env "):
        name, _, value = command[5:].partition("=")
        sources = (path.read_text(encoding="utf-8") for path in place.course.glob("cs231n/*/*.py"))
        assert value and any(f'"{name}"' in source for source in sources)
        return None
    assert command.startswith("%cd ") and (command[4:] in ("into",) or (place.course / command[4:]).is_dir())


def on_windows(place, command):
    """The script is there, or else the same command runs with this environment's Python."""
    if command.startswith("py "):
        assert (place.course / re.sub(r"py (-\S+ )?", "", command).replace("\\", "/")).is_file()
        return None
    command = command.replace(".venv\\Scripts\\", ".venv/bin/").replace("\\", "/")
    return way_of(command)(place, command)


def restored(place, command):
    """Its path is there, to be restored; the copy is no clone."""
    assert (place.course / command.split()[-1]).exists()


def packed(place, command):
    """The zip is where it says, and is taken away again, so that it is the first the next time as well."""
    said = place.run(command)
    file = Path(re.search(r"^(/.*\.zip), .* holds$", said, re.M)[1])
    assert file == place.course / "student/submission.zip"
    file.unlink()


def a_class(place, command):
    """A class of one, who has done nothing."""
    handed_in, report = place.folder / "SUBMISSIONS/Zoë Strauß/student", place.folder / "report"
    shutil.copytree(place.course / "student/cs231n/classifiers", handed_in / "cs231n/classifiers")
    points = {"LSTM": 0, "NetworkVisualization": 0, "StyleTransfer": 0, "GANs": 0, "extras": 0, "RNN": 2}
    (place.folder / "points.json").write_text(json.dumps(points))
    said = place.run(command)
    assert "1 graded: report/index.html, report/grades.csv, report/results.json" in said
    assert '"Zoë Strauß",0.0,16.0,0.0,0.0,' in (report / "grades.csv").read_text(encoding="utf-8-sig")
    for left in (report, place.folder / "SUBMISSIONS"):
        shutil.rmtree(left)


def in_a_container(place, command):
    """Where it says, there is a course like this one."""
    place.run(f"make -n {command.split()[-1]}")


def replayed(place, command):
    """tests/test_transcripts.py does what it does."""
    assert place.finds(command.split()[-1])


PYTHON = r"(?:\.venv/bin/)?python"
SETTINGS = r"(?:[A-Z_]+=\S+ )*"
WAYS = [  # the form of the command, how it is run here, why not as it stands
    (r"make student", refuse, "student/ is built first, as by make lab"),
    (r"make student DEST=\S+", build_elsewhere, ""),
    (r"make help", as_it_stands, ""),
    (rf"make doctor|{PYTHON} -m cs231n\.doctor", a_diagnosis, ""),
    (r"make test TESTS=.+", a_selection, "make test runs those tests anyway"),
    (rf"{SETTINGS}make lab( PYTHON=\S+| LAB=.*)?", what_make_would_do, "test_commands.py serves the course with it"),
    (r"make setup", set_up, "test_commands.py sets up, with installers made up"),
    (r"make (test|run|bench|datasets|mutants|site|test-browser)", what_make_would_do, "takes minutes"),
    (rf"make submission|{PYTHON} -m cs231n\.submission( --edition student)?", packed, ""),
    (rf"{PYTHON} -m cs231n\.checks( --edition student)?", of_one_notebook, "takes long; test_course.py checks all"),
    (rf"{PYTHON} -m cs231n\.checks --json", for_a_program, "takes long"),
    (rf"{SETTINGS}{PYTHON} -m cs231n\.train\b.*", its_help, "trains for minutes"),
    (r"(\.venv/bin/)?torchrun .* -m cs231n\.train .*", with_torchrun, "trains for minutes"),
    (rf"(\./get_datasets\.sh|{PYTHON} -m cs231n\.datasets)( --list| --verify)?", as_it_stands, ""),
    (rf"(\./get_datasets\.sh|{PYTHON} -m cs231n\.datasets)( \w+)+", listed, "asks the network"),
    (rf"{PYTHON} -m cs231n\.grade SUBMISSIONS .*", a_class, ""),
    (r"make -C /autograder/\S+ setup", in_a_container, "sets up another course"),
    (rf"{PYTHON} -m tools\.pictures", as_it_stands, ""),
    (rf"{PYTHON} -m tools\.transcripts", replayed, "takes half a minute"),
    (rf"{PYTHON} -m tools\.editions student", refuse, "student/ is built first"),
    (rf"{PYTHON} -m tools\.lab", replayed, "opens a server; test_commands.py runs it"),
    (rf"{PYTHON} -m pip freeze", as_it_stands, ""),
    (rf"(%pip|{PYTHON} -m pip) install .*", packages_of_ours, "changes the environment"),
    (r"python3 -m venv \.venv", a_new_environment, "beside the .venv that is there, and without pip"),
    (r"source (\.\./)?\.venv/bin/activate", activated, ""),
    (rf"{PYTHON} -m jupyter(lab)? .*", jupyter, "opens a server, or changes the environment"),
    (r"(%cd|%env|!python) .*", in_a_notebook, "there is no notebook"),
    (r"(py |\.venv\\Scripts\\python ).*", on_windows, "this is not Windows"),
    (r"git checkout \S+", restored, "the copy is no clone"),
]


def way_of(command):
    for form, way, _ in WAYS:
        if re.fullmatch(form, command):
            return way
    raise AssertionError(
        f"nothing here can run {command!r}: give it a form in WAYS, and a reason if it is a shorter one"
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = clone(tmp_path_factory.mktemp("documents") / "my çourse in a folder")
    (course / ".venv").symlink_to(sys.prefix)
    Place(course, ".").run("make student")
    (course / "student/.venv").symlink_to(sys.prefix)  # as the student's README makes one, to move the folder
    return course


@pytest.mark.parametrize(("command", "folder"), FOUND)
def test_the_command_works(command, folder, course):
    way_of(command)(Place(course, folder), command)


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "make student DEST=cs231n/mine",
        'make test TESTS="tests/test_layers.py -k nowhere"',
        "python -m cs231n.train gun",
        "python -m cs231n.train gan --fast",
        "python -m pip install nonesuch",
        "./get_datasets.sh minst",
        ".venv/bin/python -m tools.labs",
        "%cd far/off",
        "%env CS231N_JOURNALS=off",
        "python -m cs231n.submissions",
    ],
)
def test_a_command_that_has_gone_stale_is_seen(command, course):
    with pytest.raises(AssertionError):
        way_of(command)(Place(course, "."), command)
