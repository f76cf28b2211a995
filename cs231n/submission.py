"""Pack what you hand in into one zip: python -m cs231n.submission --help.

It holds the files with TODOs, the notebooks, the journal of your checks if there is one, and summary.json: what
`python -m cs231n.checks --json` prints. Nothing is refused: what is unfinished, broken or missing is named, and the
rest is packed all the same. An earlier zip is kept under the date that it has.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from itertools import count
from pathlib import Path

EDITION = Path(__file__).resolve().parents[1]
NAME = "submission.zip"
JOURNAL = "journal.jsonl"
SUMMARY = "summary.json"


def parser():
    """The command's options."""
    p = argparse.ArgumentParser(prog="python -m cs231n.submission", description=__doc__.partition(":")[0] + ".")
    p.add_argument("--out", metavar="FILE", type=Path, help=f"where the zip goes (default: {NAME} in your folder)")
    p.add_argument("--edition", metavar="FOLDER", type=Path, help="pack the edition in this folder, say student")
    return p


def main(argv=None):
    """Run the command; the exit status: 0 if there is a zip, 1 if it cannot be written, 2 if called wrongly."""
    args = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a folder may be called anything
    if args.edition is not None:
        return in_another(args.edition, args.out)
    if (EDITION / "tools" / "editions.py").exists():
        yours = "python -m cs231n.submission --edition student"
        print(f"This is the solved edition, {EDITION}: there is nothing to hand in. Yours: {yours}", file=sys.stderr)
        return 2
    out = (args.out or EDITION / NAME).absolute()
    return hand_in(out / NAME if out.is_dir() else out)


def in_another(folder, out):
    """Run the command of the edition in another folder."""
    if not (folder / "cs231n" / "checks").is_dir():
        print(f"there is no edition of the course in {folder}; name the folder above its cs231n", file=sys.stderr)
        return 2
    if not (folder / "cs231n" / "submission.py").is_file():
        advice = "build a fresh one (make student DEST=student2) and copy your notebooks and your files of cs231n there"
        print(f"the edition in {folder} is older than this command; {advice}", file=sys.stderr)
        return 2
    more = ["--out", str(out.absolute())] if out else []
    return subprocess.call([sys.executable, "-m", "cs231n.submission", *more], cwd=folder)


def hand_in(out):
    """Check everything, say what is open, and make the zip `out`."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:  # first of all: where that fails, nobody waits for the checks
            files, summary = what_there_is()
            packed, left_out = pack(file, files, summary)
        kept = keep(out)
        os.replace(part, out)
    except OSError as error:
        print(f"{out} cannot be written ({error.strerror or error}); name another place: --out FILE", file=sys.stderr)
        return 1
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    tell(out, packed, left_out, kept)
    return 0


def what_there_is():
    """(paths to pack, the summary); the checks are imported here, since none of what is amiss with them may stop it."""
    try:
        from .checks import TODOS, journal
        from .checks.console import fit_output

        fit_output()
    except ModuleNotFoundError as error:
        if error.name is None:  # the checks' own advice on a Python without the course's packages
            sys.exit(str(error))
        return without_checks(error)
    except Exception as error:
        return without_checks(error)
    summary = look(TODOS)
    print_open(summary)
    files = dict.fromkeys(todo.file for todo in TODOS.values())
    kept = [JOURNAL] * (journal.place() is not None)  # not where the student left it off
    return [*files, *notebooks(todo.notebook for todo in TODOS.values()), *kept], summary


def without_checks(error):
    """(paths to pack, the summary) where the checks themselves are broken."""
    print(f"Nothing was checked, for the checks cannot be loaded ({type(error).__name__}: {error}).")
    print("They are packed as they are; a fresh copy of cs231n/checks mends it.")
    files = sorted(path.relative_to(EDITION).as_posix() for path in (EDITION / "cs231n").rglob("*.py"))
    kept = [JOURNAL] * ("CS231N_JOURNAL" not in os.environ)
    return [*files, *notebooks(), *kept], {"version": 1, "edition": "student", "passed": 0, "of": 0, "todos": []}


def notebooks(expected=()):
    """The paths of all notebooks, and those of the expected ones that are not there."""
    found = (path.relative_to(EDITION) for path in (EDITION / "notebooks").rglob("*.ipynb"))
    seen = [path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)]
    return sorted({*seen, *(f"notebooks/{name}.ipynb" for name in expected)})


def look(todos):
    """Check all TODOs in a process of its own, and return the summary; Ctrl-C leaves the rest unchecked."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    from .checks.record import as_json
    from .checks.survey import not_judged, survey

    entries, why = {}, "not checked"
    with Progress("{task.description}", BarColumn(), MofNCompleteColumn(), transient=True) as bar:
        task = bar.add_task("checking (Ctrl-C packs what there is)", total=len(todos))
        try:
            for entry in survey(todos, subprocess.DEVNULL):
                entries[entry["id"]] = entry
                bar.advance(task)
        except KeyboardInterrupt:
            why = "not checked: you broke it off"
        except OSError as error:
            why = f"not checked: no process could be started ({error})"
    return as_json([entries.get(id) or not_judged(id, "waiting", why) for id in todos])


def print_open(summary):
    """A table of what has not passed, in a row what has the same reason."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .checks.show import LOOK

    rows = {}
    for entry in summary["todos"]:
        if entry["state"] != "passed":
            rows.setdefault((entry["notebook"], LOOK[entry["state"]][0], entry["reason"]), []).append(entry["id"])
    if rows:
        table = Table("notebook", "", "still open", "", box=None)
        for (notebook, sign, reason), ids in rows.items():
            more = [f"and {len(ids) - 3} more"] if len(ids) > 4 else ids[3:]
            table.add_row(*map(Text, (notebook, sign, ", ".join([*ids[:3], *more]), reason)))
        Console().print(table)
    print(f"{summary['passed']} of {summary['of']} TODOs pass.")


def pack(file, paths, summary):
    """Write the zip to an open file; (names of what is in it, {name: why it is not in it})."""
    packed, left_out = [], {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            source = EDITION / path
            if not source.is_file():
                left_out |= {} if path == JOURNAL else {path: "not there"}
                continue
            try:
                info, data = zipfile.ZipInfo.from_file(source, path, strict_timestamps=False), source.read_bytes()
                path.encode()
            except (OSError, ValueError) as error:  # also of a name that is no Unicode
                left_out[path] = f"cannot be read: {error}"
                continue
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            packed.append(path)
        archive.writestr(SUMMARY, json.dumps(summary, indent=1) + "\n")
    return [*packed, SUMMARY], left_out


def keep(out):
    """Give an earlier zip the name with its date; that name, None if there is none."""
    if not os.path.lexists(out):
        return None
    date = datetime.fromtimestamp(out.lstat().st_mtime).strftime("%Y-%m-%d-%H%M")
    names = (out.with_name(f"{out.stem}-{date}{f'-{n}' * (n > 1)}{out.suffix}") for n in count(1))
    free = next(name for name in names if not os.path.lexists(name))
    os.rename(out, free)
    return free


def tell(out, packed, left_out, kept):
    """Say where the zip is, its size, what is in it and what is not."""
    size = out.stat().st_size
    print(f"\n{out}, {f'{size / 1e6:.1f} MB' if size >= 1e6 else f'{size / 1e3:.0f} kB'}, holds")
    for kind in (".py", ".ipynb", ".jsonl", ".json"):
        names = [name for name in packed if name.endswith(kind)]
        print(f"  {', '.join(names)}") if names else None
    for path, why in left_out.items():
        print(f"not in it: {path} ({why})")
    if kept:
        print(f"The earlier one is kept as {kept.name}.")


if __name__ == "__main__":
    sys.exit(main())
