"""What is started where these tests do not run: workflows, dev container, Colab; and set-up with other versions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # comes with JupyterLab

from tools import setup_env
from tools.clones import clone

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOWS = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob(".github/workflows/*")}


# ---- workflows ------------------------------------------------------------------------------------------------


def jobs():
    return [(f"{file}: {name}", job) for file, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()]


def steps():
    return [step for _, job in jobs() for step in job.get("steps", ())]


def triggers(name):
    return WORKFLOWS[name][True]  # YAML reads the word `on` as true


def targets():
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))


def combinations(job):
    """What a job's matrix makes: one dict a run."""
    matrix = job.get("strategy", {}).get("matrix", {})
    runs = [{}]
    for axis in matrix.keys() - {"include"}:
        runs = [run | {axis: value} for run in runs for value in matrix[axis]]
    return runs + matrix.get("include", [])


def called():
    """{inputs of course.yml} of every run of the jobs that call it."""
    for name, job in jobs():
        for run in combinations(job) if "uses" in job else ():
            yield name, {key: filled_in(value, run) for key, value in job["with"].items()}


def filled_in(value, run):
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: run[match[1]], value)


def commands(text):
    """(program, its first words) of a shell command that the course has to have: targets, modules, files."""
    yield from (("make", word) for word in re.findall(r"\bmake ([a-z-]+)", text))
    yield from (("module", word) for word in re.findall(r"python -m ([\w.]+)", text))
    yield from (("file", word) for word in re.findall(r"python ([\w./]+\.py)", text))


def assert_there(kind, name):
    if kind == "make":
        assert name in targets(), f"make {name}"
    elif kind == "module" and name != "pytest":
        path = ROOT.joinpath(*name.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name
    elif kind == "file":
        assert (ROOT / name).is_file(), name


def test_workflows_may_read_and_nothing_more_and_end_in_time():
    assert set(WORKFLOWS) == {"course.yml", "tests.yml", "nightly.yml"}
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())
    for name, job in jobs():
        assert "permissions" not in job and ("uses" in job or 0 < job["timeout-minutes"] <= 120), name
    assert triggers("nightly.yml")["schedule"] and {"push", "pull_request"} <= triggers("tests.yml").keys()


def test_actions_are_of_a_major_version_or_our_own():
    used = [place["uses"] for place in [*steps(), *(job for _, job in jobs())] if "uses" in place]
    assert used
    for action in used:
        if action.startswith("./"):
            assert (ROOT / action).is_file(), action
        else:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", action), action


def test_what_the_workflows_run_is_there():
    ran = [command for step in steps() if "run" in step for command in commands(step["run"])]
    assert {("file", "tools/setup_env.py"), ("make", "doctor"), ("make", "test"), ("module", "cs231n.doctor")} <= {*ran}
    for command in ran:
        assert_there(*command)


def test_each_system_each_end_of_the_versions_and_the_tested_ones():
    inputs = triggers("course.yml")["workflow_call"]["inputs"]
    runs = list(called())
    for name, given in runs:
        assert given.keys() == {key for key, about in inputs.items() if about["required"]}, name
        assert "$" not in "".join(given.values()) and given["versions"] in setup_env.VERSIONS, (name, given)
    made = {tuple(given[key] for key in ("os", "python", "versions")) for _, given in runs}
    oldest, tested = "{}.{}".format(*setup_env.OLDEST), re.search(r"python_version >= \"([\d.]+)", constraints())[1]
    for system in ("ubuntu-latest", "macos-latest", "windows-latest"):
        assert {(system, oldest, "newest"), (system, "3.14", "newest"), (system, tested, "tested")} <= made
    assert ("ubuntu-latest", oldest, "lowest") in made
    assert {f"3.{minor}" for minor in range(setup_env.OLDEST[1], 15)} == {python for _, python, _ in made}


def constraints():
    return (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_windows_tests_as_make_test_does():
    (step,) = [step for step in steps() if "pytest" in step.get("run", "")]
    settings = dict(pair.split("=") for pair in re.search(r"^SETTINGS := (.*)$", MAKEFILE, re.M)[1].split())
    line = re.search(r"\$\(SETTINGS\) \$\(BIN\)/(python -m pytest .*) \$\(TESTS\)$", MAKEFILE, re.M)[1]
    assert step["env"] == settings and step["if"] == "runner.os == 'Windows'"
    assert step["run"] == f".venv/Scripts/{line} {re.search(r'^TESTS +:= (.*)$', MAKEFILE, re.M)[1]}"


def test_the_dev_container_sets_up():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert list(commands(container["postCreateCommand"])) == [("make", "setup")]
    assert_there(*next(commands(container["postCreateCommand"])))
    version = re.fullmatch(r"python:(\d+)\.(\d+)", container["image"])
    assert tuple(map(int, version.groups())) >= setup_env.OLDEST
    python = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == "${containerWorkspaceFolder}/.venv/bin/python"


# ---- set-up with other versions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "flags", "uv"),
    [("newest", "--upgrade", 1), ("lowest", "--resolution lowest-direct --upgrade", 1), ("lowest", None, 0)],
)
def test_set_up_takes_the_versions_asked_for(versions, flags, uv, tmp_path, monkeypatch, capfd):
    ran = []

    def run(*command, **_):
        ran.append(" ".join(command))
        if "-m venv" in ran[-1]:
            Path(setup_env.python_in(tmp_path / "new")).parent.mkdir()
            Path(setup_env.python_in(tmp_path / "new")).touch()
        fails = setup_env.BY_HAND in command or ("install uv" in ran[-1] and not uv)
        return subprocess.CompletedProcess(command, int(fails), "", "")

    monkeypatch.setattr(setup_env, "run", run)
    call = [str(tmp_path / "new"), "--versions", versions]
    assert setup_env.main(call) == int(flags is None)
    installed = [line for line in ran if " -r " in line]
    if flags is None:
        assert not installed and "pip knows no lowest versions" in capfd.readouterr().err
        return
    assert len(installed) == 1 and installed[0].endswith(f"{setup_env.RANGES} {flags}")
    ran.clear()
    assert setup_env.main(call) == 0 and not [line for line in ran if " -r " in line]
    assert setup_env.main(call[:1]) == 0 and [line for line in ran if " -c " in line and " -r " in line]


# ---- Colab ----------------------------------------------------------------------------------------------------

NOTEBOOK = """
import sys, types
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.process import arg_split

content, drive = Path(sys.argv[1]), types.ModuleType("google.colab.drive")
drive.mount = lambda place: (content / "drive").exists() or (content / "drive").symlink_to(content.parent / "remote")
colab = types.ModuleType("google.colab")
colab.drive = drive
sys.modules.update({"google": types.ModuleType("google"), "google.colab": colab, "google.colab.drive": drive})
shell = InteractiveShell.instance()
installed = []
shell.register_magic_function(lambda line: installed.append(line), magic_name="pip")
for cell in sys.argv[2:]:
    done = shell.run_cell(cell.replace("/content", str(content)))
    done.raise_error()
print("installed:", installed)
"""


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_colab_as_readme_says_also_after_a_restart(tmp_path):
    once, always = re.findall(r"```python\n(from google\.colab.*?)```", README, re.S)
    course, content = clone(tmp_path / "remote" / "MyDrive" / "course"), tmp_path / "content"
    content.mkdir()

    def kernel(*cells):
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return subprocess.run(
            [sys.executable, "-c", NOTEBOOK, str(content), *cells], cwd=content, capture_output=True, encoding="utf-8",
            timeout=300, env=os.environ | {"PATH": path, "PYTHONPATH": "", "MPLBACKEND": "agg"})  # fmt: skip

    done = kernel(once)
    assert done.returncode == 0, done.stdout + done.stderr
    notebook = course / "student" / "notebooks" / "RNN.ipynb"
    first = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][1]["source"]).partition(
        "import matplotlib"
    )[0]
    (content / "drive").unlink()  # another machine, another day
    done = kernel(always, first, "import cs231n; print('from', cs231n.__path__[0])")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"from {course / 'student' / 'cs231n'}" in done.stdout and "sacrebleu" in done.stdout
    forgotten = kernel(first)
    assert forgotten.returncode and "no cs231n near" in forgotten.stdout + forgotten.stderr
