"""`python -m cs231n.datasets`, which get_datasets.sh calls: fetch the real data, list it, compare it."""

import argparse
import sys
from pathlib import Path

try:
    from rich.console import Console
    from rich.table import Table

    from . import DATASETS
    from .downloads import DownloadError, fetch, present, size_text, verify
    from .sources import SOURCES, USED_BY
except ModuleNotFoundError as error:
    sys.exit(f"This Python ({sys.executable}) has no {error.name}, which fetching data needs: set the course up with "
             "`make setup` (on Windows `py tools\\setup_env.py`) and take the Python in its .venv, or, in a folder of "
             "your own, run `python -m pip install -r requirements.txt`.")  # fmt: skip


def main(argv=None):
    """The command line behind get_datasets.sh; 0 if all is well, 1 if something is wrong, 130 if it was interrupted."""
    options = _parse(argv, SOURCES)
    names = list(SOURCES) if "all" in options.names else list(dict.fromkeys(options.names))
    if options.verify:
        sources = [source for name in names or SOURCES for source in SOURCES[name]]
        return _report([verdict for source in sources for verdict in verify(source, options.dir)])
    if options.list or not names:
        return _list(names or SOURCES, options.dir)
    try:
        return max(_get(name, SOURCES[name], options) for name in names)
    except KeyboardInterrupt:
        print("\nstopped; what has come is kept, run the same command again to go on", file=sys.stderr)
        return 130


def _get(name, sources, options):
    """Fetch one data set and say so; what fails does not hold up the next."""
    try:
        new = [fetch(source, options.dir, options.accept_changed) for source in sources]
    except DownloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {name}: {error}; see to it, or choose another place with --dir", file=sys.stderr)
        return 1
    print(f"{name}: {'fetched' if any(new) else 'there already'}, in {options.dir}")
    for source in sources if any(new) else ():
        for path, verdict in verify(source, options.dir):
            if verdict == "as recorded":
                print(f"  {path}: its checksum is not published; this one was recorded, to be compared from now on")
            elif verdict != "right":
                print(f"  {path}: {verdict}")
    return 0


def _parse(argv, sources):
    parser = argparse.ArgumentParser(
        prog="get_datasets.sh", description="Fetch the real data. What is there already is left alone.",
        epilog="CS231N_MIRROR, an http or file URL or a folder laid out as datasets/, takes the origins' place.",
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(sources)}, or all")
    parser.add_argument("--list", action="store_true", help="show what there is, and what of it is here")
    parser.add_argument("--verify", action="store_true", help="compare what is here with its checksums")
    parser.add_argument("--dir", type=Path, default=DATASETS, help="where to put it (default: datasets/)")
    parser.add_argument("--accept-changed", action="store_true", help="take files whose checksum is another one")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in (*sources, "all")]
    if unknown:
        parser.error(f"there is no data called {', '.join(unknown)}; choose from {', '.join(sources)}, all")
    return options


def _list(names, folder):
    table = Table("name", "file", "size", "here", "used by", box=None)
    for name in names:
        for i, source in enumerate(SOURCES[name]):
            size = source.size or sum(member.size or 0 for member in source.members)
            here = "yes" if present(source, folder) else "no"
            row = source.file, size_text(size) if size else "not published", here, "" if i else USED_BY[name]
            table.add_row("" if i else name, *row)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0


def _report(verdicts):
    for path, verdict in verdicts:
        print(f"{path}: {verdict}")
    if not verdicts:
        print("nothing was fetched yet")
    return int(any(verdict.startswith("WRONG") for _, verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
