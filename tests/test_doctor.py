"""The doctor: every trouble is seen where it is, none where it is not, whatever is broken; README tells the same."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cs231n.datasets import DATASETS
from cs231n.doctor import __main__ as doctor
from cs231n.doctor import machine
from cs231n.doctor.machine import FIND, Facts
from cs231n.doctor.troubles import AVX512, TROUBLES
from tools import editions, setup_env, troubles

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
HEALTHY = {
    "python": (3, 12, 1),
    "bits": 64,
    "system": ("Linux", "x86_64"),
    "translated": False,
    "wanted": {"torch": ("2.6", True), "torchvision": ("0.21", True), "numpy": ("1.26", True), "nbval": ("1", False),
               "jupyterlab": ("4.2", True)},
    "tested": {"torch": "2.14.1", "numpy": "2.4.6"},
    "installed": {"torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6", "jupyterlab": "4.6.6", "nbval": None},
    "built_for": "2.14.1",
    "torch": {"torch": "2.14.1", "torchvision": "0.29.1", "threads": 8, "cuda": False, "mps": False},
    "numpy": {"numpy": "2.4.6", "pools": [{"internal_api": "openblas", "version": "0.3", "architecture": "SkylakeX",
                                           "num_threads": 8}]},
    "kernel": {"runs": PYTHON, "folder": "kernels"},
    "nvidia": False,
    "processors": 8,
    "limit": None,
    "instructions": AVX512,
    "load": 0.5,
    "free": 1e11,
    "writable": True,
    "solved": ROOT,
    "student": False,
    "strangers": [],
    "data": {"coco": "not here", "mnist": "here"},
    "unshipped": [],
    "settings": {},
}  # fmt: skip
GONE = dict.fromkeys(HEALTHY["installed"])
OTHER_TORCH = HEALTHY["installed"] | {"torch": "2.13.0+cpu"}
MISFIT = {"torch": "2.14.1", "threads": 8, "error": "RuntimeError: operator torchvision::nms does not exist"}
HASWELL = {"numpy": "2.4.6", "pools": [{"internal_api": "openblas", "architecture": "Haswell", "num_threads": 8}]}
SEEN = [  # (a word of the title, what differs from a healthy machine, a word of what is said)
    ("older than 3.10", {"python": (3, 9, 6)}, "3.9.6"),
    ("32-bit", {"bits": 32}, PYTHON),
    ("Intel Mac", {"system": ("Darwin", "x86_64"), "installed": GONE}, "no torch"),
    ("made for Intel", {"system": ("Darwin", "x86_64"), "translated": True, "installed": GONE}, PYTHON),
    ("Packages are missing", {"installed": HEALTHY["installed"] | {"jupyterlab": None}}, "no jupyterlab"),
    ("older than the course", {"installed": HEALTHY["installed"] | {"numpy": "1.9.3"}}, "numpy 1.9.3 (needs 1.26)"),
    ("do not fit", {"torch": MISFIT}, "torchvision::nms"),
    ("do not fit", {"installed": OTHER_TORCH}, "built for torch 2.14.1"),
    ("torch cannot be imported", {"torch": {"error": "OSError: libtorch.so"}}, "libtorch.so"),
    ("numpy cannot be imported", {"numpy": {"error": "ImportError: multiarray"}}, "multiarray"),
    ("NVIDIA", {"nvidia": True}, "torch 2.14.1"),
    ("more threads", {"limit": 1.5}, "8 threads for 2: OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2"),
    ("older one", {"numpy": HASWELL}, "Haswell"),
    ("Training in a terminal", {"load": 9.0}, "9.0"),
    ("disk", {"free": 4e8}, "0.4 GB"),
    ("cannot be written to", {"writable": False}, str(ROOT)),
    ("is not whole", {"unshipped": ["styles/fjord.jpg"]}, "fjord"),
    ("no meaning", {"settings": {"CS231N_DATA": "ful"}}, "'ful'"),
    ("=full asks", {"settings": {"CS231N_DATA": "full"}}, "coco"),
    ("in part", {"data": {"mnist": "in part"}}, "mnist"),
    ("another Python", {"kernel": {"runs": "/opt/python", "folder": "/home/kernels"}}, "/opt/python"),
    ("no cs231n near", {"solved": False}, "started in"),
    ("Another `cs231n`", {"strangers": ["/usr/lib/cs231n"]}, "/usr/lib/cs231n"),
]
QUIET = [  # what is in order, though it may not look so
    {"system": ("Darwin", "x86_64")},  # with a torch of one's own
    {"system": ("Darwin", "arm64"), "instructions": set(), "limit": None},
    {"installed": OTHER_TORCH | {"torch": "2.14.1+cpu"}},
    {"numpy": HASWELL, "instructions": {"avx2"}},
    {"numpy": {"numpy": "2.4.6", "pools": []}},  # Apple's Accelerate
    {"limit": 7.5},
    {"load": 9.0, "settings": {"OMP_WAIT_POLICY": "PASSIVE"}},
    {"settings": {"CS231N_DATA": ""}},
    {"solved": False, "student": ROOT},
    {"kernel": {"runs": "python", "folder": "ipykernel's own"}},
]


def seen(**changes):
    return [(trouble.title, words) for trouble, words in doctor.troubles(Facts(**HEALTHY | changes))]


@pytest.mark.parametrize("changes", [{}, *QUIET])
def test_nothing_is_wrong_with_a_healthy_machine(changes):
    assert HEALTHY.keys() == FIND.keys()
    assert seen(**changes) == []


def test_set_up_needs_more_room_than_the_course():
    assert seen(free=3e9) == []
    assert "3.0 GB are free" in dict(seen(free=3e9, installed=GONE)).values()


@pytest.mark.parametrize(("title", "changes", "words"), SEEN)
def test_each_trouble_is_seen_alone(title, changes, words):
    ((found, told),) = seen(**changes)
    assert title in found and words in told


def test_every_probe_is_tried():
    probed = [trouble.title for trouble in TROUBLES if trouble.probe]
    assert [title for title in probed if not any(words in title for words, *_ in SEEN)] == []
    assert len({trouble.title for trouble in TROUBLES}) == len(TROUBLES)


def test_of_the_settings_that_help_one_is_named():
    changes = {"limit": 2.0, "numpy": HASWELL, "load": 9.0}
    assert len(seen(**changes)) == 1
    changes["limit"] = None
    assert [title for title, _ in seen(**changes)] == ["OpenBLAS takes the processor for an older one"]


def test_what_cannot_be_found_out_is_no_trouble_and_no_error(monkeypatch, capsys):
    def fails():
        raise OSError("no such thing here")

    for name in FIND:
        monkeypatch.setitem(FIND, name, fails)
    assert doctor.main([]) == 0
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize(("changes", "status"), [({}, 0), ({"load": 9.0}, 0), ({"bits": 32}, 1)])
def test_the_exit_status_counts_troubles_but_not_advice(changes, status, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "Facts", lambda: Facts(**HEALTHY | changes))
    assert doctor.main([]) == status
    said = capsys.readouterr().out
    assert ("Cure: " in said) == bool(changes) and "unknown" not in said
    assert ("\nTrouble: " in said, "\nAdvice: " in said) == (bool(status), bool(changes) and not status)


# ---- README ---------------------------------------------------------------------------------------------------


def test_readme_tells_the_same():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == troubles.rewritten(text), "README.md's troubles are not the doctor's: run python -m tools.troubles"
    assert troubles.rewritten(text.replace("Intel Mac", "Intel Mach")) != text.replace("Intel Mac", "Intel Mach")
    with pytest.raises(ValueError, match="lacks"):
        troubles.rewritten(text.replace(troubles.END, ""))


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.title)
def test_a_cure_is_one_sentence(trouble):
    assert re.fullmatch(r"[A-Z`][^\n|]*[^.]\.", trouble.cure) and not re.search(r"[.!?] [A-Z]", trouble.cure)
    assert not trouble.title.endswith(".") or trouble.title.endswith('..."')


# ---- looking around ------------------------------------------------------------------------------------------


def run(*command, folder=ROOT, **settings):
    encoding, environment = settings.get("PYTHONIOENCODING", "utf-8"), os.environ | settings
    return subprocess.run(
        [PYTHON, *command], cwd=folder, env=environment, capture_output=True, encoding=encoding, timeout=300
    )


def test_a_bare_python_is_told_what_is_missing():
    """-S: without any installed package."""
    done = run("-S", "-c", "import cs231n.doctor.machine as machine\nmachine.elsewhere = lambda *_, **__: {}\n"
               "import cs231n.doctor.__main__ as doctor\nraise SystemExit(doctor.main([]))")  # fmt: skip
    assert done.returncode == 1 and done.stderr == ""
    assert "has no torch, torchvision, numpy" in " ".join(done.stdout.split()) and "1 trouble found." in done.stdout


def test_it_names_nothing_but_the_standard_library_and_is_read_by_an_old_python():
    for path in Path(machine.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] in sys.stdlib_module_names for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize(
    ("torch", "torchvision", "error"),
    [
        (None, "raise RuntimeError('operator torchvision::nms does not exist')", "operator torchvision::nms"),
        ("import os; os._exit(3)", "", "status 3"),
        ("raise OSError('libtorch_cpu.so: no such file')", "", "libtorch_cpu.so"),
    ],
)
def test_a_broken_torch_breaks_another_process(torch, torchvision, error, tmp_path, monkeypatch):
    whole = """
from types import SimpleNamespace as Some
__version__, backends, cuda = "2.14.1", Some(), Some(is_available=lambda: False)
def get_num_threads(): return 1
"""
    for name, text in (("torch", torch or whole), ("torchvision", torchvision)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    facts = machine.elsewhere(machine.TORCH)
    assert error in facts["error"] and ("torch" in facts) == (torch is None) and "torchvision" not in facts


def test_one_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(machine, "PATIENCE", 0.5)
    assert "no answer" in machine.elsewhere("import time; time.sleep(60)")["error"]


def test_a_containers_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert machine.container_limit() is None
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert machine.container_limit() is None
    (tmp_path / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    assert machine.container_limit() == 1.5
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    for name, text in (("quota", "-1\n"), ("period", "100000\n")):
        (tmp_path / "cpu" / f"cpu.cfs_{name}_us").write_text(text, encoding="ascii")
    assert machine.container_limit() is None
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("400000\n", encoding="ascii")
    assert machine.container_limit() == 4


def test_which_edition_a_kernel_would_import(tmp_path):
    for folder in ("course", "course/mine", "elsewhere/moved"):
        (tmp_path / folder / "cs231n" / "checks").mkdir(parents=True)
        (tmp_path / folder / "notebooks").mkdir()
    (tmp_path / "course" / "tools").mkdir()
    (tmp_path / "course" / "tools" / "editions.py").touch()

    def found(place):
        return [machine.edition_for(solved, tmp_path / place) for solved in (True, False)]

    course, mine, moved = (tmp_path / name for name in ("course", "course/mine", "elsewhere/moved"))
    assert found("course") == [course, mine] and found("course/notebooks") == [course, None]
    assert found("course/mine/notebooks") == [None, mine] and found("course/mine") == [course, mine]
    assert found("elsewhere/moved/notebooks") == [None, moved]
    assert found("elsewhere/moved/cs231n/checks") == [None, None]


def test_another_cs231n_on_the_path_is_found(tmp_path, monkeypatch):
    (tmp_path / "cs231n").mkdir()
    (tmp_path / "cs231n" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert machine.strangers() == [str(tmp_path / "cs231n")]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert machine.strangers() == []


def test_what_ships_is_what_is_looked_for(monkeypatch, tmp_path):
    there = {path.relative_to(DATASETS / "mini").as_posix() for path in DATASETS.joinpath("mini").rglob("*.*")}
    assert set(machine.SHIPPED) == {name for name in there if not name.startswith("NOTICE")}
    assert machine.unshipped() == []
    monkeypatch.setattr(machine, "DATASETS", tmp_path)
    assert machine.unshipped() == list(machine.SHIPPED)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").touch()
    (tmp_path / "imagenet_val_25.npz").touch()
    assert {name: state for name, state in machine.data().items() if state != "not here"} == {
        "mnist": "in part", "imagenet": "here"}  # fmt: skip


def test_the_students_edition_has_it_too(tmp_path):
    student = editions.build(tmp_path / "student")
    quick = ("import cs231n.doctor.machine as machine\nmachine.elsewhere = lambda *_, **__: {}\n"
             "import cs231n.doctor.__main__ as doctor\ndoctor.main([])")  # fmt: skip
    said = run("-c", quick, folder=student / "notebooks", PYTHONPATH=str(student)).stdout
    assert f"your own edition, {student}" in said and "yours import .." in said
    assert "the list of the tested versions lies with the course" in said


def test_this_machine_is_looked_at():
    """The real thing, as the environment of the tests is, on a console of Windows'."""
    done = run("-X", "utf8=0", "-X", "warn_default_encoding", "-m", "cs231n.doctor", PYTHONIOENCODING="cp1252")
    assert done.stderr == "" and "Traceback" not in done.stdout
    assert re.search(r"^torch +\d\S+; torchvision \S+ fits it$", done.stdout, re.M), done.stdout
    assert re.search(r"^Products +\w+ [\d.]+.* threads: \d+$", done.stdout, re.M), done.stdout
    assert re.search(r"^JupyterLab +4\S+; its kernel python3 runs ", done.stdout, re.M), done.stdout


# ---- set-up on Macs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("translated", "words"), [("1", "for Apple silicon"), ("0", "This is an Intel Mac")])
def test_set_up_says_at_once_where_there_is_no_torch(translated, words, tmp_path, monkeypatch, capfd):
    def answer(*command, **_):
        assert command[0] == "sysctl"
        return subprocess.CompletedProcess(command, 0, translated, "")

    monkeypatch.setattr(setup_env.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(setup_env.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(setup_env, "run", answer)
    assert setup_env.main([str(tmp_path / "new")]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert words in line and not (tmp_path / "new").exists()
