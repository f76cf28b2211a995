"""Finds what students handed in: folders and archives of many shapes, and in each of them the files with TODOs."""

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import archives
from .archives import MIB, Unreadable

LARGEST_FILE = 1 * MIB
LARGEST_ARCHIVE = 64 * MIB  # within another archive
READ_IN_ALL = 128 * MIB  # of one submission
MOST_FILES, MOST_ARCHIVES = 20_000, 20  # looked at in one submission
DEEPEST_ARCHIVE = 4
MOST_NOTES = 20
LONGEST_NAME = 60  # it becomes the name of a file
# How Moodle ("Ada Lovelace_123_assignsubmission_file_ada.zip", or a folder that ends with "file_") and Canvas
# ("lovelaceada_LATE_12345_67890_ada.zip") name what they have collected.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)")
CANVAS = re.compile(r"(?P<name>.+?)(?:_late)?_(?P<number>\d{3,})_\d{3,}_(?P<rest>.+)", re.I)
# What systems make of the name of a file that is there already.
COPY = re.compile(
    r"(?:copy of |kopie von )?(?P<stem>\w+?)(?: ?\(\d+\)|[-_]\d+|[ _-]+(?:copy|kopie)(?: ?\(?\d+\)?)?)?\.py(?:\.txt)?",
    re.I,
)
OTHER_FOLDERS = {folder.name for folder in Path(__file__).resolve().parent.parent.iterdir() if folder.is_dir()}
OTHER_FOLDERS |= {"tests", "tools", "benchmarks"}  # of the course: they hold files of the same names
EDITION = "student"  # the folder's name that `make student` gives
SOLVED = re.compile(rb"^[ \t]*### BEGIN[ ]SOLUTION", re.M)


@dataclass
class Submission:
    """What one student handed in.

    name: told apart from the others' even where upper and lower case are one; files: {the file's path in an edition:
    its bytes}; places: {the same: where it was found within the submission}; notes: sentences on what was unclear,
    missing or unreadable; source: what holds the submission, within the folder of all.
    """

    name: str
    files: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    source: str = ""


@dataclass
class Candidate:
    """A file that may be one of the wanted ones; parts: its path in the submission, through archives too."""

    parts: tuple
    changed: tuple
    data: bytes
    agreement: int  # how many parts of its path, from the last one on, are the wanted path's
    is_copy: bool  # its name is one that systems give to a second file

    @property
    def place(self):
        return "/".join(self.parts)

    @property
    def is_solved(self):
        """Whether the marks of the course's own solution stand in it."""
        return bool(SOLVED.search(self.data))


def find_submissions(path, wanted):
    """The Submissions in a folder or an archive of them, in the order of their names; one, if `path` is a single one.

    wanted: paths of the files with TODOs within an edition, such as "cs231n/rnn_layers.py". Raises ValueError where
    there is nothing of the kind; what is broken in one submission stands in its notes.
    """
    path, wanted = Path(path), sorted(wanted)
    if not path.exists():
        raise ValueError(f"there is no {path}. {_advice(wanted)}")
    if path.is_file() and not archives.archive_suffix(path.name):
        raise ValueError(f"{path} is no folder and no archive. {_advice(wanted)}")
    shape = _shape(path, wanted)
    if path.is_dir() and len(shape.tops) == 1 and _is_class(path / shape.tops[0], wanted):
        return find_submissions(path / shape.tops[0], wanted)
    if shape.trouble and not shape.single:
        raise ValueError(f"{path} {shape.trouble}. Unpack it yourself, and give the folder.")
    found = _collected(path, wanted, shape)
    submissions = [search.submission() for search in found]
    if not any(submission.files for submission in submissions) and not any(search.broken for search in found):
        raise ValueError(f"in {path} there is no file with TODOs. {_advice(wanted)}")
    return _told_apart(sorted(submissions, key=lambda s: (s.name.casefold(), s.source)))


def _advice(wanted):
    names = ", ".join(Path(file).name for file in wanted[:3])
    return (
        f"Looked for files such as {names}. Give the folder that holds one folder or archive (.zip, .tar.gz) for each "
        "student, or a single submission: its archive, or the folder with its cs231n/."
    )


def _entries(path):
    """The Entries of a folder or an archive on the disk, and no more."""
    if path.is_dir():
        yield from archives.entries_of_folder(path)
        return
    try:
        with archives.open_file(path.resolve()) as file:
            yield from archives.entries_of_archive(file, path.name)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from error


# ---- one submission, or a class of them ----------------------------------------------------------------------


@dataclass
class Shape:
    """What a folder or an archive looks like from outside.

    single: whether it is one submission; tops: the folders and archives directly in it that may hold one, as their
    names are written there; trouble: why it could not be looked through to its end.
    """

    single: bool
    tops: list
    trouble: str = ""


def _shape(path, wanted):
    """The Shape of what lies at `path`."""
    ends = {tuple(file.casefold().split("/")[n:]) for file in wanted for n in range(file.count("/") + 1)}
    direct, tops, holders, trouble = False, {}, set(), ""
    try:
        for entry in _entries(path):
            parts = tuple(part.casefold() for part in entry.parts)
            direct = direct or parts in ends
            is_archive = bool(archives.archive_suffix(parts[-1]))
            if len(parts) > 1 or is_archive:
                tops[entry.top] = None
            if is_archive or _plain_name(parts[-1]) in {end[-1] for end in ends} or _sender(entry.parts):
                holders.add(entry.parts[0])
    except Unreadable as error:
        trouble = str(error)
    collected = any(_sender((name,)) for name in holders)
    alone = len(holders) <= 1 and not collected and (path.is_file() or holders == {EDITION})
    return Shape(direct or alone, list(tops), trouble)


def _is_class(path, wanted):
    """Whether a file is an archive of many submissions, as a learning platform gives it to the teacher."""
    is_archive = path.is_file() and not path.is_symlink() and archives.archive_suffix(path.name)
    return bool(is_archive) and not _shape(path, wanted).single


def _sender(parts):
    """The match of a name that a learning platform gave, or None."""
    return MOODLE.fullmatch(parts[0]) or CANVAS.fullmatch(parts[0])


def _collected(path, wanted, shape):
    """A Search for each submission, after it has seen all that is in it."""
    searches = {}
    if shape.single:
        name = path.resolve().name
        searches[""] = Search(_stem(name), path.name, wanted)
        if shape.trouble:
            searches[""].cannot_read(path.name, shape.trouble)
    with contextlib.suppress(Unreadable):  # the trouble is known
        for entry in _entries(path):
            if shape.single:
                searches[""].look_at(entry, entry.parts)
            elif (split := _split(entry)) is not None:
                key, name, parts = split
                searches.setdefault(key, Search(name, entry.parts[0], wanted)).look_at(entry, parts)
    return list(searches.values())


def _split(entry):
    """(what it belongs to, the student's name, the path within the submission) of an Entry in a class's folder.

    None for a file that lies between the submissions and is none of them.
    """
    first, *rest = parts = entry.parts
    match = _sender(parts)
    if match and (not rest or match.re is MOODLE):  # several files of one student, or a folder
        return (match["name"], match["number"]), match["name"], tuple(rest) or (match["rest"] or first,)
    if rest:
        return entry.top, match["name"] if match else first, tuple(rest)
    if archives.archive_suffix(first) or entry.why_not:
        return entry.top, _stem(first), parts
    return None


def _stem(name):
    name = archives.clean(name)
    return name[: len(name) - len(archives.archive_suffix(name))] or name


def _told_apart(submissions):
    taken = set()
    for submission in submissions:
        name = plain = submission.name.strip()[:LONGEST_NAME].strip(" .") or "unnamed"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.add(name.casefold())
        submission.name = name
    return submissions


# ---- what is in one ------------------------------------------------------------------------------------------


class Search:
    """Looks at the files of one submission, keeps those that are wanted, and notes what cannot be read."""

    def __init__(self, name, source, wanted):
        self.name, self.source = name, source
        self.found, self.folders = {file: [] for file in wanted}, set()
        self.by_name = {}
        for file in wanted:
            *folders, name = file.split("/")
            self.folders.update(folders)
            self.by_name.setdefault(name.casefold(), []).append(file)
        self.notes, self.files, self.archives, self.left, self.broken = [], 0, 0, READ_IN_ALL, False

    def look_at(self, entry, parts, depth=0):
        """Take what an archives.Entry holds; `parts`: its path within the submission, `depth` archives deep."""
        self.files += 1
        is_archive = bool(archives.archive_suffix(parts[-1]))
        wanted = [] if is_archive else self._wanted(parts)
        may_be_folder = entry.why_not and "." not in parts[-1]
        if self.files > MOST_FILES:
            self.cannot_read("What comes", f"after its first {MOST_FILES:,} files was not looked at")
        elif wanted or is_archive or may_be_folder:
            try:
                if entry.why_not:
                    raise Unreadable(entry.why_not)
                if is_archive:
                    self._look_into(entry, parts, depth)
                else:
                    self._keep(entry, parts, wanted)
            except Unreadable as error:
                self.cannot_read("/".join(parts), error)

    def _look_into(self, entry, parts, depth):
        self.archives += 1
        if depth >= DEEPEST_ARCHIVE or self.archives > MOST_ARCHIVES:
            raise Unreadable("was not opened: there are too many archives, or too many within each other")
        with archives.open_archive(entry, self._limit(LARGEST_ARCHIVE)) as file:
            if entry.path is None:
                self.left -= file.getbuffer().nbytes
            above = () if parts == (self.source,) else parts
            for inner in archives.entries_of_archive(file, parts[-1]):
                self.look_at(inner, (*above, *inner.parts), depth + 1)

    def _keep(self, entry, parts, wanted):
        data = entry.read(self._limit(LARGEST_FILE))
        self.left -= len(data)
        plain, is_copy = _plain_name(parts[-1]), _plain_name(parts[-1]) != parts[-1].casefold()
        bare = [*(part.casefold() for part in parts[:-1]), plain]
        for file in wanted:
            agreement = _agreement(bare, file.casefold().split("/"))
            self.found[file].append(Candidate(parts, entry.changed, data, agreement, is_copy))

    def _limit(self, limit):
        if self.left <= 0:
            raise Unreadable("was not read: there is too much in this submission")
        return limit

    def _wanted(self, parts):
        """The wanted files that one of this path may be."""
        if any(part in OTHER_FOLDERS and part not in self.folders for part in parts[:-1]):
            return []
        return self.by_name.get(_plain_name(parts[-1]), [])

    def cannot_read(self, place, reason):
        """Note that something is left out."""
        self.broken = True
        note = f"{place} {reason}."
        if note not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(note)

    def submission(self):
        """The Submission, once everything has been looked at."""
        return _finished(Submission(self.name, notes=self.notes, source=self.source), self.found)


def _plain_name(name):
    """The name of a Python file without what systems add to a second one; "" if it is none."""
    match = COPY.fullmatch(name)
    return f"{match['stem']}.py".casefold() if match else ""


def _agreement(parts, wanted):
    """How many parts agree, from the last one on."""
    pairs = zip(reversed(parts), reversed(wanted))
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(parts), len(wanted)))


def _finished(submission, found):
    """The Submission with the best Candidate for each wanted file, and notes on how that went."""
    doubtful, solved, copies = [], [], []
    for file, candidates in found.items():
        if not candidates:
            continue
        candidates.sort(key=_preference)
        best = candidates[0]
        submission.files[file], submission.places[file] = best.data, best.place
        others = [c.place for c in candidates[1:] if c.data != best.data and c.is_solved == best.is_solved]
        if others:
            doubtful.append(f"{best.place} (not {_listed(others)})")
        if best.is_solved:
            solved.append(best.place)
        if best.is_copy:
            copies.append(f"{best.place} for {file}")
    notes, missing = submission.notes, [file for file in found if file not in submission.files]
    if doubtful:
        notes.append(f"More than one file, with different contents: took {_listed(doubtful, 12)}.")
    if copies:
        notes.append(f"Taken although its name is another: {_listed(copies, 12)}.")
    if solved:
        notes.append(f"With the marks of the course's own solution: {_listed(solved, 12)}.")
    if not submission.files:
        notes.append("None of the files with TODOs was handed in.")
    elif missing:
        notes.append(f"Not handed in: {', '.join(missing)}.")
    return submission


def _preference(candidate):
    """The least is taken: a student's own before ours, the proper name, proper folders, the shallowest, the newest."""
    newest = tuple(-number for number in (*candidate.changed, *[0] * 6)[:6])
    return candidate.is_solved, candidate.is_copy, -candidate.agreement, len(candidate.parts), newest, candidate.parts


def _listed(names, most=3):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
