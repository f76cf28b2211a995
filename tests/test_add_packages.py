"""What some commands need beside the course is installed once, and changes nothing that is there."""

import subprocess
from types import SimpleNamespace

import nbformat
import pytest

from tools import add_packages
from tools.site import __main__ as site


@pytest.fixture
def needed(tmp_path):
    path = tmp_path / "pages" / "requirements.txt"
    path.parent.mkdir()
    path.write_text("sphinx\n")
    return path


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """The commands that would install, run in an environment that is made up; `installs.fail` are those that fail."""
    seen = SimpleNamespace(commands=[], constraints=[], fail=())

    def run(*command, **options):
        seen.commands.append(command[2])
        seen.constraints.append(command[command.index("-c") + 1].read_text())
        return subprocess.CompletedProcess(command, int(command[2] in seen.fail))

    monkeypatch.setattr(add_packages.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(add_packages.setup_env, "run", run)
    monkeypatch.setattr(add_packages.setup_env, "settings_for_uv", lambda python: {})
    return seen


def test_once_and_nothing_that_is_there_is_changed(installs, needed):
    for _ in range(2):
        assert add_packages.main([str(needed)]) == 0
    assert installs.commands == ["uv"]
    assert f"nbformat=={nbformat.__version__}\n" in installs.constraints[0]


def test_again_when_others_are_needed(installs, needed):
    add_packages.add(needed)
    needed.write_text("sphinx\nmyst-nb\n")
    add_packages.add(needed)
    assert installs.commands == ["uv", "uv"]


def test_each_file_for_itself(installs, needed):
    other = needed.parents[1] / "browser" / "requirements.txt"
    other.parent.mkdir()
    other.write_text("sphinx\n")
    add_packages.add(needed)
    add_packages.add(other)
    assert installs.commands == ["uv", "uv"]


def test_pip_takes_uvs_place(installs, needed):
    installs.fail = ("uv",)
    add_packages.add(needed)
    assert installs.commands == ["uv", "pip"]


@pytest.mark.parametrize("command", [add_packages, site])
def test_what_cannot_be_installed_is_told_and_tried_again(command, installs, needed, capsys, tmp_path):
    installs.fail = ("uv", "pip")
    for _ in range(2):
        assert command.main([str(needed if command is add_packages else tmp_path / "build")]) == 1
        assert "cannot be installed" in capsys.readouterr().err
    assert installs.commands == ["uv", "pip"] * 2


def test_a_file_that_is_not_there_is_named(installs, capsys):
    assert add_packages.main(["no/such.txt"]) == 1 and "no/such.txt" in capsys.readouterr().err
