"""Make the pages: `python -m tools.site [FOLDER]`, by default into build/site."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tools import setup_env
from tools.add_packages import PackageError, add
from tools.editions import ROOT
from tools.pictures import PictureError
from tools.site.sources import SiteError, lay_out

HERE = Path(__file__).parent
NEEDED = HERE / "requirements.txt"


def build(sources, pages):
    """Let Sphinx make `pages` from what lies in `sources`; its exit status, not 0 if it as much as warned."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", HERE]
    with tempfile.TemporaryDirectory() as notes:
        return setup_env.run(*command, "-d", notes, sources, pages, cwd=ROOT).returncode


def main(arguments):
    """The command line; returns the exit status."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Make the pages of the course.")
    parser.add_argument("folder", nargs="?", metavar="FOLDER", default=ROOT / "build/site", help="default: build/site")
    pages = Path(parser.parse_args(arguments).folder).resolve()
    try:
        if pages.exists() and not (pages / "searchindex.js").exists() and any(pages.iterdir()):
            raise SiteError(f"{pages} holds something else than pages: name another folder.")
        add(NEEDED)
        shutil.rmtree(pages, ignore_errors=True)
        with tempfile.TemporaryDirectory() as sources:
            lay_out(Path(sources))
            status = build(sources, pages)
    except (SiteError, PictureError, PackageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if status == 0:
        print(f"{pages / 'index.html'}: open it in a browser ({time.monotonic() - began:.0f} s)")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
