"""Set up the environment the course runs in: `python3 tools/setup_env.py [FOLDER] [--versions WHICH]`.

FOLDER is .venv by default. WHICH are `tested` (default: those of constraints.txt, where they can be had), `newest` or
`lowest` (of what requirements.txt allows).

A call that was broken off is mended by the next one. An environment that somebody else made is kept, and so is a build
of torch that was put in by hand. Any Python can read this file, if only to say that it is too old.
"""

# ruff: noqa: UP031 - f-strings are a syntax error to a Python that is too old

import argparse
import errno
import hashlib
import os
import platform
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RANGES, TESTED = os.path.join(ROOT, "requirements.txt"), os.path.join(ROOT, "constraints.txt")
OLDEST = (3, 10)
ANOTHER = r"py -3.12 tools\setup_env.py" if os.name == "nt" else "make lab PYTHON=python3.12"
NEW_ENOUGH = "import sys; sys.exit(sys.version_info < %r)" % (OLDEST,)
BY_HAND = "import sys; from importlib.metadata import version; sys.exit('+' not in version('torch'))"
HAS_TORCH = "import importlib.util as i, sys; sys.exit(not i.find_spec('torch'))"
USED = "import torch, torchvision, h5py, jupyterlab, ipykernel, matplotlib, scipy, skimage, sklearn"
NO_SOLUTION = 1  # uv's exit status where the versions cannot be had; others mean trouble on the way
LOOSE = "The tested versions cannot be had for this Python and platform: taking what requirements.txt allows."
FAILED = ("Nothing could be installed; the lines above say why. See to the network and the room on the disk, then call "
          "again: set-up begins anew.")
INTEL_MAC = ("This is an Intel Mac. PyTorch has had no build for it since version 2.2, and the course needs 2.6, so "
             "nothing was installed: work in Colab (README.md says how), or open this folder in a Linux container on "
             "the Mac, which .devcontainer/ describes.")
ROSETTA = ("This Python (%s) is made for Intel's processors and PyTorch has no build for it, but the Mac has Apple's: "
           "install the Python for Apple silicon (arm64), and call again with that.")
READ_ONLY = "%s. Nothing can be written there: copy the course to a folder of your own, and call again in that."
CAPTURED = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
VERSIONS = ("tested", "newest", "lowest")
PIP_TO_UV = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}


class SetupError(Exception):
    """The environment cannot be set up; the message says why and what to do."""


def set_up(folder, versions="tested"):
    """Fill the environment in `folder`, unless that is done."""
    python, begun, ready = python_in(folder), os.path.join(folder, ".begun"), os.path.join(folder, ".ready")
    asked = digest(RANGES, TESTED) + ("" if versions == "tested" else " " + versions)
    if works(python) and os.path.exists(ready) and asked == read(ready):
        os.utime(ready, None)  # make goes by the time
        return
    refuse_intel_macs(python)
    ours = os.path.exists(begun) or not os.path.exists(folder) or not os.listdir(folder)
    if ours and not (works(python) and os.path.exists(ready)):
        make_environment(folder, begun)
    elif not works(python):
        raise SetupError("%s holds no Python %d.%d or newer: delete it and call again." % ((folder,) + OLDEST))
    if os.path.exists(ready):
        os.remove(ready)  # so that, broken off from here on, it is made anew
    install(python, wanted_versions(python, folder, versions))
    check(python, folder)
    with open(ready, "w", encoding="utf-8") as file:
        file.write(asked)


def refuse_intel_macs(python):
    """Say at once where there is no torch to be had, unless somebody has put one in by hand."""
    if (platform.system(), platform.machine()) != ("Darwin", "x86_64"):
        return
    if works(python) and run(python, "-c", HAS_TORCH, **CAPTURED).returncode == 0:
        return
    if run("sysctl", "-n", "sysctl.proc_translated", **CAPTURED).stdout.strip() == "1":
        raise SetupError(ROSETTA % sys.executable)
    raise SetupError(INTEL_MAC)


def make_environment(folder, begun):
    """A new environment, in place of what is left of a call that was broken off."""
    if run(sys.executable, "-c", "import ensurepip, venv", **CAPTURED).returncode:
        version = "%d.%d" % sys.version_info[:2]
        raise SetupError("Python %s (%s) lacks venv or ensurepip. On Debian or Ubuntu: apt install python%s-venv; "
                         "then call again." % (version, sys.executable, version))
    if not os.path.isdir(folder):
        os.makedirs(folder)
    open(begun, "wb").close()  # before anything else, for it tells our environments from others
    for path in [os.path.join(folder, name) for name in os.listdir(folder)]:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif path != begun:
            os.remove(path)
    base = getattr(sys, "_base_executable", sys.executable)  # an activated .venv has just lost its own
    if run(base, "-m", "venv", folder).returncode:
        raise SetupError("%s -m venv failed. To choose another Python: %s" % (base, ANOTHER))


def install(python, wanted):
    """Let uv install, else pip: the `wanted` versions (flags of both), else any that requirements.txt allows."""
    say("Installing PyTorch and the rest: 2 to 3 GB to fetch, once.")
    if run(python, "-m", "pip", "--version", **CAPTURED).returncode:
        run(python, "-m", "ensurepip", **CAPTURED)  # an environment that uv made has no pip
    pip, uv = [python, "-m", "pip", "install"], [python, "-m", "uv", "pip", "install", "--python", python]
    shown = [] if sys.stderr.isatty() else ["--quiet"]  # progress is for those who watch
    ranges, wanted = shown + ["-r", RANGES], shown + ["-r", RANGES] + wanted
    if run(*pip + ["uv"], **CAPTURED).returncode == 0:
        settings = settings_for_uv(python)
        status = run(*uv + wanted, settings=settings).returncode
        if status == NO_SOLUTION and "-c" in wanted:
            say(LOOSE)
            status = run(*uv + ranges, settings=settings).returncode
        if status == 0:
            return
    if "--resolution" in wanted:
        raise SetupError("uv cannot be had or has failed (the lines above say why), and pip knows no lowest versions.")
    say("uv cannot be had or has failed: pip takes its place, and more time.")
    if run(*pip + wanted).returncode:
        say(LOOSE)
        if run(*pip + ranges).returncode:
            raise SetupError(FAILED)


def wanted_versions(python, folder, versions):
    """What installers are told; a build of torch from elsewhere that was put in by hand may stay."""
    if versions == "lowest":
        return ["--resolution", "lowest-direct", "--upgrade"]
    if versions == "newest":
        return ["--upgrade"]
    if run(python, "-c", BY_HAND, **CAPTURED).returncode:
        return ["-c", TESTED]
    say("The build of torch that is there stays.")
    path = os.path.join(folder, "constraints.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in read(TESTED).split("\n") if not line.startswith("torch"))
    return ["-c", path]


def settings_for_uv(python):
    """uv does not read pip's settings; who has named a registry or a certificate to pip means uv as well."""
    lines = run(python, "-m", "pip", "config", "list", **CAPTURED).stdout.splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    named = {key.split(".")[-1]: value.strip("'\"") for key, value in pairs}
    return {name: named[key] for key, name in PIP_TO_UV.items() if key in named and name not in os.environ}


def check(python, folder):
    """Import what the notebooks import; this compiles it too, so that the first notebook need not."""
    imported = run(python, "-c", USED, **CAPTURED)
    if imported.returncode:
        last = imported.stderr.strip().split("\n")[-1]
        raise SetupError("%s\nWhat was installed cannot be used: %s. Delete %s and call again. (A torch and a "
                         "torchvision from different places do not fit.)" % (imported.stderr, last, folder))


def python_in(folder):
    return os.path.join(folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def works(python):
    """Whether there is a Python new enough; where that was updated away, a link to nothing is left."""
    return os.path.exists(python) and run(python, "-c", NEW_ENOUGH, **CAPTURED).returncode == 0


def run(*command, **options):
    environment = environment_with(options.pop("settings", {}))
    # The lock goes down to children, so that the next call waits for those that outlive this one.
    return subprocess.run(command, env=environment, close_fds=False, **options)


def environment_with(settings):
    """What children get: no pip that installs elsewhere, and compiled files even where a container forbids them."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return dict(inherited, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", **settings)


def digest(*paths):
    return hashlib.sha256("\n".join(map(read, paths)).encode("utf-8")).hexdigest()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def say(text):
    print(text)
    sys.stdout.flush()  # or it comes after what children print


def lock():
    """An open file that holds off other calls, or None where there is no such lock (Windows)."""
    try:
        import fcntl
    except ImportError:
        return None
    file = open(RANGES, "rb")  # noqa: SIM115 - held until this process and its children end
    os.set_inheritable(file.fileno(), True)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another set-up is at work; waiting for it.")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass  # a disk without locks
    return file


def main(arguments):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="setup_env.py", description="Set up the environment the course runs in.")
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, ".venv"), help="by default .venv")
    parser.add_argument("--versions", choices=VERSIONS, default="tested", help="which (default: tested)")
    options = parser.parse_args(arguments)
    try:
        if sys.version_info < OLDEST:
            found = sys.version.split()[0], sys.executable
            raise SetupError("Python %s (%s) is too old: %d.%d or newer is needed. To choose another: %s"
                             % (found + OLDEST + (ANOTHER,)))
        held = lock()  # noqa: F841
        set_up(os.path.abspath(options.folder), options.versions)
    except (SetupError, OSError) as error:
        read_only = isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        sys.stderr.write("%s\n" % (READ_ONLY % error if read_only else error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; the next call begins anew.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
