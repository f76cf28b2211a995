"""The student edition: a copy of the solved source in which every marked answer is a TODO again."""

import argparse
import copy
import json
import os
import re
import sys
import tempfile
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "cs231n", "datasets/mini")
TEACHERS = "cs231n/grade/"  # within these folders, and of no use to a student
FILES = {
    "README.md": "tools/student_README.md",
    "AGENTS.md": "tools/student_AGENTS.md",
    "Makefile": "tools/student_Makefile",
    "requirements.txt": "requirements.txt",
    "LICENSE": "LICENSE",
}
OPTIONAL = {"get_datasets.sh": "get_datasets.sh"}
OURS = ("notebooks", "cs231n", "datasets", "tests", "tools", "benchmarks", ".ci", ".git", ".venv")
# What running and editing leave behind. Patterns, not git: an unpacked archive must build the same edition.
IGNORED = (".*", "__pycache__", "*.py[co]", "checkpoints", "*.pt", "*.pth", "*.ckpt", "*.log", "*.tmp",
           "*.part", "*~", "*.bak", "*.swp", "*.orig", "*.rej", "journal.jsonl", "submission*.zip")

ID = r"[a-z][a-z0-9_]*"
STUB = 'raise NotImplementedError("TODO {}: replace this line with your code")'
HELPERS = " helpers"  # after the id of a TODO: what stands outside its function, but belongs to its answer
HELPERS_STUB = "# Helper functions for {} may stand here."
STUB_LINES = {
    re.compile(r"\s*" + re.escape(stub).replace(r"\{\}", f"({ID})") + r"\s*"): suffix
    for stub, suffix in ((STUB, ""), (HELPERS_STUB, HELPERS))
}
MARK = re.compile(
    rf" *(?:# TODO\((?P<TODO>{ID})\):.*|### BEGIN SOLUTION (?P<BEGIN>{ID}(?:{HELPERS})?)|### (?P<END>END) SOLUTION)\s*"
)
# Wider than the marks themselves: a mistyped one must stop the build, or it would hand the answer out.
LEAK = re.compile(r"(?:BEGIN|END)[\s_-]*SOLUTION|(?i:#\s*(?:begin|end)[\s_-]*solution)")
ODD_TODO = re.compile(r"\s*#+\s*TODO\s*\(", re.I)
FORMS = ("write `# TODO(some_id): ...`, `### BEGIN SOLUTION some_id` or `### END SOLUTION` alone on a line, "
         "indented with spaces, the id in lower case")
# A notebook's first cell looks for its own edition, by the file that only the solved one has.
LOOKS_FOR = {
    'Path(".")]': 'Path("."), Path({})]',
    '(p / "tools/editions.py").exists()': '(p / "cs231n/checks").exists() and not (p / "tools/editions.py").exists()',
}
SOLVED = "solved"  # the tag of cells that speak of the solved edition only
PLACEHOLDER = {"code": "# Your answer: write your code here."}
PROSE_PLACEHOLDER = "*Your answer:* double-click here and write it."
HELP_USED = {  # the last cell of a student's notebook
    "cell_type": "markdown",
    "id": "help-used",
    "metadata": {"tags": ["help-used"]},
    "source": [
        "## Help used\n",
        "\n",
        "What helped you with this notebook, besides its own text, checks and hints: people, books, pages, solutions "
        "that you looked at, an AI agent? Double-click here and write a line for each: what it was, and what for. "
        "*None* is an answer too.\n",
        "\n",
        "*Help used:* ",
    ],
}


class EditionError(ValueError):
    """An edition cannot be made as asked; the message says where, why, and what to do."""


def strip(text, filename):
    """The student's version of a solved Python source: each region becomes one line that raises its TODO.

    Raises EditionError with `filename`, line and mend where a mark is malformed, misplaced or missing.
    """
    parts = _parts(text)
    for id_, (first, last, _) in reversed(_regions(parts, filename).items()):
        indent = parts[first][: -len(parts[first].lstrip())]
        owner = id_.removesuffix(HELPERS)
        parts[first : last + 1] = [indent + (STUB if id_ == owner else HELPERS_STUB).format(owner)]
    return "".join(parts)


def solutions(text, filename):
    """{id: answer} of a solved source in its order, from BEGIN to END without the line ending after END.

    Helpers of an answer have an entry of their own, under "id helpers".
    """
    parts = _parts(text)
    return {id_: "".join(parts[a : b + 1]) for id_, (a, b, _) in _regions(parts, filename).items()}


def fill(student_text, regions, ids=None):
    """Put the answers `ids` (default: all of `regions`) where their lines raise; undoes `strip` exactly."""
    ids, parts = list(regions if ids is None else ids), _parts(student_text)
    ids += [id_ + HELPERS for id_ in ids if id_ + HELPERS in regions and id_ + HELPERS not in ids]
    stubs = {id_: n for n, part in enumerate(parts) if (id_ := _stub_id(part))}
    for id_ in ids:
        if id_ not in regions:
            raise EditionError(f"no answer for {id_!r} is known; choose from: {', '.join(regions) or 'none'}")
        if id_ not in stubs:
            raise EditionError(f"no line raises TODO {id_}: filled already? Build a fresh edition")
        parts[stubs[id_]] = regions[id_]
    return "".join(parts)


def strip_notebook(nb, filename="notebook", edition="student"):
    """The student's version of a notebook (parsed JSON), without outputs and answers; `nb` stays as it is.

    edition: the name of the student's folder, which the first cell looks for.
    """
    nb = copy.deepcopy(nb)
    nb.get("metadata", {}).pop("widgets", None)  # the recorded state of a widget is an output too
    nb["cells"] = [cell for cell in nb["cells"] if SOLVED not in cell.get("metadata", {}).get("tags", [])]
    code = "\n".join("".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "code")
    for n, cell in enumerate(nb["cells"], 1):
        source = _look_for(edition, _strip_cell(cell, f"{filename} cell {n}"))
        cell["source"] = source.splitlines(keepends=True) if isinstance(cell["source"], list) else source
    solutions(code, f"{filename}, code cells as one")  # refuses an id that two cells share
    _refuse_leaks(json.dumps(nb, indent=1, ensure_ascii=False), filename)
    return nb


def todo_ids(root=ROOT):
    """{id: (path relative to root, line of its TODO comment)} of all Python sources, in source order.

    A folder's files come before its subfolders, so that layers come before the models built on them.
    """
    found = {}
    for rel, path in _shipped(Path(root)):
        regions = _regions(_parts(_read(path, rel)), rel) if path.suffix == ".py" else {}
        for id_, (*_, todo) in regions.items():
            if id_.endswith(HELPERS):
                continue
            place = rel, todo // 2 + 1
            if found.setdefault(id_, place) != place:
                raise EditionError(f"{rel}:{place[1]}: {found[id_][0]} has a TODO of {id_} too; keep one")
    return found


def fill_tree(student_dir, ids, root=ROOT):
    """Fill the TODOs `ids` of a built edition in place; nothing is written unless all can be filled."""
    known, wanted, filled = todo_ids(root), {}, {}
    for id_ in ids:
        if id_ not in known:
            raise EditionError(f"there is no TODO {id_!r}; `python -m tools.editions --list` prints them all")
        wanted.setdefault(known[id_][0], []).append(id_)
    for rel, some in wanted.items():
        regions = solutions(_read(Path(root, rel), rel), rel)
        filled[rel] = fill(_read(Path(student_dir, rel), rel), regions, some)
    for rel, text in filled.items():
        Path(student_dir, rel).write_bytes(text.encode())


def build(dest, root=ROOT):
    """Write the student edition of `root` to the new folder `dest`; returns its path.

    The folder appears in one rename, complete or not at all. Raises EditionError where `dest` exists or lies
    among the sources, and where a source is at fault.
    """
    dest, root = Path(dest).expanduser(), Path(root)
    _refuse_place(dest, root)
    todo_ids(root)
    contents = {rel: (_student_bytes(path, rel, dest.name), path.stat().st_mode) for rel, path in _shipped(root)}
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{dest.name}-", dir=dest.parent) as scratch:
        made = Path(scratch, "edition")  # one level down, since the scratch folder itself is closed to others
        for rel, (data, mode) in contents.items():
            target = made / rel
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(target.stat().st_mode | mode & 0o111)
        _refuse_place(dest, root)  # a rename would swallow an empty folder made meanwhile
        made.rename(dest)
    return dest


def _stub_id(line):
    """Whose place a line of a student's source keeps; None for any other line."""
    for pattern, suffix in STUB_LINES.items():
        if match := pattern.fullmatch(line):
            return match[1] + suffix
    return None


def _parts(text):
    """[line, ending, line, ending, ..., line]; str.splitlines would also break at form feeds and the like."""
    return re.split(r"(\r\n|\r|\n)", text)


def _regions(parts, filename):
    """{id: (BEGIN, END, TODO)} as indices into `parts`, in their order, once every rule about marks holds."""
    todos, regions, inside, begin = {}, {}, None, 0

    def require(truth, n, otherwise):
        if not truth:
            raise EditionError(f"{filename}:{n // 2 + 1}: {otherwise}")

    for n, kind, id_ in _marks(parts, require):
        if kind == "END":
            require(inside, n, "END SOLUTION without BEGIN; put `### BEGIN SOLUTION some_id` above it")
            regions[inside], inside = (begin, n, todos[inside.removesuffix(HELPERS)]), None
            continue
        require(not inside, n, f"{kind} of {id_} inside the region of {inside}; end that first")
        require(id_ not in (todos if kind == "TODO" else regions), n, f"a second {kind} of {id_}; keep one")
        if kind == "TODO":
            todos[id_] = n
        else:
            owner = id_.removesuffix(HELPERS)
            require(owner in todos, n, f"no TODO comment above; write `# TODO({owner}): what there is to do`")
            inside, begin = id_, n
    require(not inside, begin, f"the region of {inside} is never closed; put `### END SOLUTION` after it")
    for id_, n in todos.items():
        require(id_ in regions, n, f"TODO({id_}) has no region; put `### BEGIN SOLUTION {id_}` under it")
    for n in range(0, len(parts) if regions else 0, 2):
        require(not re.match(r" *\t\s*\S", parts[n]), n, "a tab in the indentation; indent with spaces")
    return regions


def _marks(parts, require):
    """(index, kind, id) of every TODO, BEGIN and END; what only resembles one of them is refused."""
    for n in range(0, len(parts), 2):
        match = MARK.fullmatch(parts[n])
        kind = match and match.lastgroup
        require(kind in ("BEGIN", "END") or not LEAK.search(parts[n]), n, f"malformed mark; {FORMS}")
        require(kind or not ODD_TODO.match(parts[n]), n, f"malformed mark; {FORMS}")
        require(not _stub_id(parts[n]), n, "stub in the solved source; write the answer out")
        if kind:
            yield n, kind, match[kind]


def _strip_cell(cell, where):
    """Clear `cell` of what a run left in it, and return the source the student gets."""
    source, tags = "".join(cell["source"]), cell.setdefault("metadata", {}).get("tags", [])
    cell["metadata"].pop("execution", None)
    if cell["cell_type"] == "code":
        cell.update(outputs=[], execution_count=None)
    for tag in tags:
        if tag != "solution" and "solution" in tag.lower():
            raise EditionError(f"{where}: the tag {tag!r} would leave the answer in; write 'solution'")
    if "solution" in tags:
        cell["metadata"]["tags"] = [tag for tag in tags if tag != "solution"] + ["answer"]
        cell.pop("attachments", None)
        return PLACEHOLDER.get(cell["cell_type"], PROSE_PLACEHOLDER)
    return strip(source, where) if cell["cell_type"] == "code" else source


def _look_for(edition, source):
    """A cell's source, made to look for the student's edition of this name where it looks for the solved one."""
    if all(part in source for part in LOOKS_FOR):
        for part, students in LOOKS_FOR.items():
            source = source.replace(part, students.format(json.dumps(edition, ensure_ascii=False)))
    return source


def _shipped(root):
    """(path in the edition, source) of everything a student gets, in a fixed order."""
    missing = [p for p in map(root.joinpath, (*FILES.values(), *FOLDERS)) if not p.exists()]
    if missing:
        raise EditionError(f"{missing[0]} is missing; restore it from the repository")
    for rel, source in {**FILES, **OPTIONAL}.items():
        if root.joinpath(source).exists():
            yield rel, root / source
    for folder in FOLDERS:
        paths = ((path.relative_to(root).as_posix(), path) for path in _walk(root / folder))
        yield from ((rel, path) for rel, path in paths if not rel.startswith(TEACHERS))


def _walk(folder):
    kept = sorted(p for p in folder.iterdir() if not any(fnmatchcase(p.name, pattern) for pattern in IGNORED))
    yield from (p for p in kept if p.is_file())
    for subfolder in (p for p in kept if p.is_dir()):
        yield from _walk(subfolder)


def _student_bytes(path, rel, edition):
    if path.suffix == ".ipynb":
        try:
            nb = strip_notebook(json.loads(_read(path, rel)), rel, edition)
            nb["cells"].append(HELP_USED)
        except (json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
            raise EditionError(f"{rel} is not a notebook ({error!r}); save it again") from error
        return (json.dumps(nb, indent=1, ensure_ascii=False) + "\n").encode()
    if path.suffix != ".py":
        _refuse_leaks(path.read_bytes().decode("latin-1"), rel)
        return path.read_bytes()
    text = strip(_read(path, rel), rel)
    try:
        compile(text, rel, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{rel}: the student's version fails in line {error.lineno} ({error.msg})"
        raise EditionError(f"{where}; let regions hold whole statements, BEGIN indented as they are") from error
    return text.encode()


def _read(path, rel):
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise EditionError(f"{rel} is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _refuse_leaks(text, filename):
    if match := LEAK.search(text):
        where = f"{filename}:{text.count(chr(10), 0, match.start()) + 1}"
        mend = "keep marks to Python code, and a notebook's answers to cells tagged 'solution'"
        raise EditionError(f"{where}: {match[0]!r} would reach the student; {mend}")


def _refuse_place(dest, root):
    if dest.exists() and dest.samefile(root):
        raise EditionError(f"{dest} is the solved edition itself; build beside it: make student DEST=student")
    if os.path.lexists(dest):
        free = next(name for n in count(2) if not os.path.lexists(name := f"{dest}{n}"))
        raise EditionError(f"{dest} is there already and may hold your work, so nothing was changed; "
                           f"build a fresh copy elsewhere: make student DEST={free}")
    ours = [root / name for name in OURS if (root / name).exists()]
    for parent in filter(Path.exists, dest.resolve().parents):
        if any(map(parent.samefile, ours)):  # sees through links, and through disks blind to upper case
            raise EditionError(f"{dest} lies among the sources; build outside: make student DEST=student")


def main(argv=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.editions", description=__doc__)
    parser.add_argument("dest", nargs="?", metavar="DEST", help="the folder to make; it must not exist yet")
    parser.add_argument("--list", action="store_true", help="print every TODO id with its file and line")
    args = parser.parse_args(argv)
    if args.list == bool(args.dest):
        parser.error("give either a folder to build or --list")
    try:
        if args.list:
            print(*(f"{id_:28} {rel}:{line}" for id_, (rel, line) in todo_ids().items()), sep="\n")
        else:
            print(f"{build(args.dest)} is ready: begin with its notebooks/RNN.ipynb")
    except (EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
