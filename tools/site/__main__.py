"""Make the pages: `python -m tools.site [FOLDER]`, by default into build/site."""

import shutil
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path

from tools import setup_env
from tools.site.sources import ROOT, SiteError, lay_out

HERE = Path(__file__).parent
NEEDED = HERE / "requirements.txt"


def install():
    """Add what the pages need to this environment, once, and change nothing there; SiteError if it cannot be had."""
    asked, done = setup_env.digest(NEEDED), Path(sys.prefix, ".site")
    if done.exists() and done.read_text(encoding="utf-8") == asked:
        return
    print("Installing what the pages are made with, once.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder, "there.txt")
        there.write_text("".join(f"{d.name}=={d.version}\n" for d in distributions()), encoding="utf-8")
        what = ["install", "--quiet", "-r", NEEDED, "-c", there]
        uv = [sys.executable, "-m", "uv", "pip", *what, "--python", sys.executable]
        pip = [sys.executable, "-m", "pip", *what]
        settings = setup_env.settings_for_uv(sys.executable)
        if setup_env.run(*uv, settings=settings).returncode and setup_env.run(*pip).returncode:
            raise SiteError("The pages' tools cannot be installed; the lines above say why. Then call again.")
    done.write_text(asked, encoding="utf-8")


def build(sources, pages):
    """Let Sphinx make `pages` from what lies in `sources`; its exit status, not 0 if it as much as warned."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", HERE]
    with tempfile.TemporaryDirectory() as notes:
        return setup_env.run(*command, "-d", notes, sources, pages, cwd=ROOT).returncode


def main(arguments):
    """The command line; returns the exit status."""
    began = time.monotonic()
    pages = Path(arguments[0] if arguments else ROOT / "build/site").resolve()
    try:
        if pages.exists() and not (pages / "searchindex.js").exists() and any(pages.iterdir()):
            raise SiteError(f"{pages} holds something else than pages: name another folder.")
        install()
        shutil.rmtree(pages, ignore_errors=True)
        with tempfile.TemporaryDirectory() as sources:
            lay_out(Path(sources))
            status = build(sources, pages)
    except (SiteError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if status == 0:
        print(f"{pages / 'index.html'}: open it in a browser ({time.monotonic() - began:.0f} s)")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
