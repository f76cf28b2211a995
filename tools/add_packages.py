"""Add to this environment what a file asks for, once: `python -m tools.add_packages FILE`. Nothing there is changed."""

import argparse
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from tools import setup_env


class PackageError(Exception):
    """The packages cannot be had; the message says what to do."""


def add(requirements):
    """Install what the file `requirements` asks for, unless that is done. Raises PackageError.

    Done is noted beside the packages under the name of the file's folder, so that another file there begins anew.
    """
    path = Path(requirements)
    asked, done = setup_env.digest(path), Path(sys.prefix, f".{path.resolve().parent.name}")
    if done.exists() and done.read_text(encoding="utf-8") == asked:
        return
    print(f"Installing what {requirements} asks for, once.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder, "there.txt")
        there.write_text("".join(f"{d.name}=={d.version}\n" for d in distributions()), encoding="utf-8")
        what = ["install", "--quiet", "-r", path, "-c", there]
        uv = [sys.executable, "-m", "uv", "pip", *what, "--python", sys.executable]
        pip = [sys.executable, "-m", "pip", *what]
        settings = setup_env.settings_for_uv(sys.executable)
        if setup_env.run(*uv, settings=settings).returncode and setup_env.run(*pip).returncode:
            raise PackageError(f"{requirements} cannot be installed; the lines above say why. Then call again.")
    done.write_text(asked, encoding="utf-8")


def main(arguments):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.add_packages", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("file", metavar="FILE", help="what to install, as pip's requirements")
    try:
        add(parser.parse_args(arguments).file)
    except (PackageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
