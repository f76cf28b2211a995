"""A made-up class hands in: `python -m tests.made_up_class FOLDER [--size 60] [--seed 7]`.

FOLDER/submissions holds what its students handed in, in every shape that students find, and FOLDER/truth.json what each
of them is. The same size and seed give the same bytes. The hostile ones are dangerous: they are for the grader alone.
"""

import argparse
import functools
import importlib
import json
import pkgutil
import random
import re
import sys
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # where its neighbours are found by `python -m`, too

import hostile_answers
import placing
import right_answers
import wrong_answers
from packing import below, flat, lay, silent_on_names, tarred, zipped

from cs231n.checks.todo import TODOS, rests_on
from tools.editions import EditionError

for package in (hostile_answers, right_answers, wrong_answers):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")

# How many of 60 are of each kind; a class of another size has as large a share of each. The rest is "wrong".
KINDS = {"hostile": len(hostile_answers.ANSWERS), "right": 1, "right otherwise": 2, "two at once": 1, "unfinished": 2,
         "syntax error": 2, "files missing": 2}  # fmt: skip
FREQUENT = (
    "rnn_backward",
    "lstm_step_backward",
    "gram_matrix",
    "bce_loss",
    "masked_mean",
    "scaled_dot_product_attention",
)
NOTEBOOKS = list(dict.fromkeys(todo.notebook for todo in TODOS.values()))
FIRST = ("Ada", "Alan", "Anaïs", "Björn", "Chloë", "Emmy", "Grace", "Jürgen", "Katherine", "Łukasz", "María José",
         "Noor", "Oğuz", "Renée", "Søren", "Sophie", "Tomáš", "Yūko", "Zoë", "Ángel")  # fmt: skip
LAST = ("Ackermann", "Bäcker", "Curie", "de la Cruz", "Erdős", "Gauß", "Hopper", "Kovalevskaya", "Müller", "Noether",
        "O'Neill", "Øvergård", "Păun", "Ramanujan", "Strauß", "Turing", "van 't Hoff", "Wu")  # fmt: skip


@dataclass
class Truth:
    """What one student is.

    kind: one of KINDS, or "wrong"; layout: a name of LAYOUTS; source: what holds the submission in the class's folder;
    wrong: {id: what is truly wrong}; unfinished: ids without an answer; missing: files not handed in; broken: a file
    that cannot be loaded, or None; hostile: the attack, or None (id, title, numbers: whether what follows it is right;
    spoils: the ids that may go down with it); passes: the ids whose answers are right, and rest on none that is not.
    """

    kind: str
    layout: str = ""
    source: str = ""
    wrong: dict = field(default_factory=dict)
    unfinished: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    broken: str | None = None
    hostile: dict | None = None
    passes: list = field(default_factory=list)


@dataclass
class Student:
    truth: Truth
    texts: dict
    uncertain: set = field(default_factory=set)  # ids whose answer is another than ours


# ---- what they wrote -----------------------------------------------------------------------------------------


def students(size, rng):
    """The Students of a class, in shuffled order."""
    counts = {kind: max(1, round(count * size / 60)) for kind, count in KINDS.items()}
    counts["wrong"] = size - sum(counts.values())
    if counts["wrong"] < 1:
        raise ValueError(f"a class of {size} leaves nobody whose answers are merely wrong; make it larger")
    found = [student for kind, count in counts.items() for student in MAKERS[kind](count, rng)]
    for student in found:
        student.truth.passes = passing(student)
    rng.shuffle(found)
    return found


def passing(student):
    """The ids that pass for certain: answered, not touched, in a file that loads, and resting on such alone."""
    truth, bad = student.truth, {*student.truth.wrong, *student.truth.unfinished, *student.uncertain}
    bad |= {id for id, todo in TODOS.items() if todo.file in truth.missing or todo.file in importing(truth.broken)}
    bad |= {*truth.hostile["spoils"]} if truth.hostile else set()
    return [id for id, todo in TODOS.items() if id not in bad and not bad & {*rests_on(todo)}]


@functools.cache
def importing(file):
    """The files of the course with TODOs that cannot be loaded without this one, itself included."""
    name = Path(file or "").stem
    return {f for f, text in placing.SOLVED.items() if f == file or re.search(rf"^from \.+{name} import", text, re.M)}


def as_ours(count, rng):
    for _ in range(count):
        yield Student(Truth("right"), placing.edition(TODOS))


def otherwise(count, rng):
    """Each TODO answered by one of the right answers that are written otherwise, where one stands alone.

    Exchanged are those that no other TODO rests on: what is right to seven digits may not do for what is built on it.
    """
    needed = {id for todo in TODOS.values() for id in rests_on(todo)}
    answers = [answer for answer in right_answers.ANSWERS if answer.id not in needed and placing.written_out(answer)]
    for _ in range(count):
        student = Student(Truth("right otherwise"), placing.edition(TODOS))
        taken = set()
        for answer in rng.sample(answers, len(answers)):
            source = placing.written_out(answer)
            ids = placing.touched(answer.id, source)
            if not ids & taken:
                placing.put(student.texts, answer.id, source)
                taken |= ids
        yield student


def wrongly(count, rng):
    """All wrong answers are dealt out, and the frequent ones to several."""
    hands = [Student(Truth("wrong"), placing.edition(TODOS)) for _ in range(count)]
    answers = rng.sample(wrong_answers.ANSWERS, len(wrong_answers.ANSWERS))
    by_need = sorted(answers, key=lambda a: -sum(b.id == a.id for b in answers) - 10 * (len(_touched(a)) > 1))
    for answer in by_need:
        free = [student for student in hands if not _touched(answer) & student.uncertain]
        if free:  # in a class smaller than 60 some answers find nobody
            give(min(free, key=lambda student: len(student.truth.wrong)), answer)
    for answer in (next(a for a in wrong_answers.ANSWERS if a.id == id) for id in FREQUENT):
        for student in hands:
            if not _touched(answer) & student.uncertain and rng.random() < 0.75:
                give(student, answer)
    return hands


def give(student, answer):
    """Write a wrong answer into a student's files."""
    placing.put(student.texts, answer.id, answer.source)
    student.truth.wrong[answer.id] = answer.truth
    student.uncertain |= _touched(answer)


def _touched(answer):
    return placing.touched(answer.id, answer.source)


def two_at_once(count, rng):
    """Two wrong answers, each with two faults in it."""
    for _ in range(count):
        student = Student(Truth("two at once"), placing.edition(TODOS))
        for answer in rng.sample([a for a in wrong_answers.ANSWERS if a.faults > 1], 9):
            if len(student.truth.wrong) < 2 and not _touched(answer) & student.uncertain:
                give(student, answer)
        yield student


def unfinished(count, rng):
    """The first notebooks are done, and half of the next; what half of the class gets wrong, they do too."""
    for n in range(count):
        done = [id for id, todo in TODOS.items() if todo.notebook in NOTEBOOKS[: n + 1]]
        begun = [id for id, todo in TODOS.items() if todo.notebook == NOTEBOOKS[n + 1]]
        ids = [*done, *begun[: len(begun) // 2]]
        truth = Truth("unfinished", unfinished=[id for id in TODOS if id not in ids])
        student = Student(truth, placing.edition(ids))
        give(student, next(a for a in wrong_answers.ANSWERS if a.id == FREQUENT[0]))
        yield student


def syntax_errors(count, rng):
    for file in ["cs231n/rnn_layers.py", *rng.sample(placing.FILES, len(placing.FILES))][:count]:
        student = Student(Truth("syntax error", broken=file), placing.edition(TODOS))
        at = rng.choice([m.end() for m in re.finditer(r"^ +return .*\n", student.texts[file], re.M)])
        text = student.texts[file]
        student.texts[file] = text[:at] + "\n\ndef helper(x:\n    return x\n" + text[at:]
        yield student


def files_missing(count, rng):
    for n in range(count):
        missing = sorted(rng.sample(placing.FILES, 2 + 3 * n))
        texts = {file: text for file, text in placing.edition(TODOS).items() if file not in missing}
        yield Student(Truth("files missing", missing=missing), texts)


def hostile(count, rng):
    """Every third of them has done no more than the hostile answer's own notebook besides."""
    for n, answer in enumerate(hostile_answers.ANSWERS[:count]):
        book = TODOS[answer.id].notebook
        ids = [id for id, todo in TODOS.items() if id != answer.id and (n % 3 or todo.notebook == book)]
        texts = placing.edition(ids)
        placing.attack(texts, answer)
        spoils = [id for id, todo in TODOS.items() if id == answer.id or answer.id in rests_on(todo)]
        if answer.whole_file:
            spoils += [id for id, todo in TODOS.items() if todo.file in importing(TODOS[answer.id].file)]
        what = {"id": answer.id, "title": answer.title, "numbers": answer.numbers, "spoils": sorted({*spoils})}
        left = [id for id in TODOS if id not in ids and id != answer.id]
        yield Student(Truth("hostile", unfinished=left, hostile=what), texts)


MAKERS = {
    "right": as_ours, "right otherwise": otherwise, "wrong": wrongly, "two at once": two_at_once,
    "unfinished": unfinished, "syntax error": syntax_errors, "files missing": files_missing, "hostile": hostile,
}  # fmt: skip


# ---- how they handed it in -----------------------------------------------------------------------------------


def by_canvas(name, number):
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"{re.sub('[^a-z]', '', plain.lower())}_{10000 + number}_{77000 + 3 * number}"


def from_a_mac(files):
    """As macOS packs it: debris, names in NFD, in UTF-8 without saying so."""
    debris = below("__MACOSX", {f"{Path(file).parent}/._{Path(file).name}": b"\0\5\x16\7" for file in files})
    names = {unicodedata.normalize("NFD", file): data for file, data in files.items()}
    return silent_on_names(zipped({**names, "Übung 3/.DS_Store": b"\0", **debris}))


def repository(files):
    """The whole course, packed: solved, and the student's edition in it."""
    course = {file: text.encode() for file, text in placing.SOLVED.items()}
    others = {"tests/right_answers/rnn.py": b"# other\n", "cs231n/train/recipes/rnn.py": b"# other\n"}
    return zipped(below("assignment3-main", course | others | below("student", files) | {"README.md": b"# Course\n"}))


# name -> function(student's name, number, files) -> {path in the class's folder: bytes}
LAYOUTS = {
    "a folder": lambda name, n, files: below(f"{name}/student", files),
    "a zip": lambda name, n, files: {f"{name}.zip": zipped(below("student", files))},
    "files alone": lambda name, n, files: below(name, flat(files)),
    "a flat zip": lambda name, n, files: {f"{name}.zip": zipped(flat(files))},
    "a zip in a folder": lambda name, n, files: {f"{name}/Abgabe 3 (endgültig).zip": zipped(below("cs231n-a3", files))},
    "a zip in a zip": lambda name, n, files: {f"{name}.zip": zipped({"a3/student.zip": zipped(files)})},
    "a tar": lambda name, n, files: {f"{name}.tar.gz": tarred(below("student", files))},
    "from a Mac": lambda name, n, files: {f"{name}.zip": from_a_mac(below("Übung 3", files))},
    "from Windows": lambda name, n, files: {
        f"{name}.zip": zipped({file.replace("/", "\\"): data for file, data in below("student", files).items()})
    },
    "NFD": lambda name, n, files: below(unicodedata.normalize("NFD", name), files),
    "Moodle": lambda name, n, files: {f"{name}_{3000 + n}_assignsubmission_file_/student.zip": zipped(files)},
    "Moodle, files alone": lambda name, n, files: {
        f"{name}_{3000 + n}_assignsubmission_file_{file}": data for file, data in flat(files).items()
    },
    "Canvas": lambda name, n, files: {f"{by_canvas(name, n)}_student.zip": zipped(below("student", files))},
    "Canvas, late": lambda name, n, files: {
        f"{by_canvas(name, n).replace('_', '_LATE_', 1)}_a3-1.zip": zipped(flat(files))
    },
    "downloaded twice": lambda name, n, files: below(
        name, {file.replace(".py", " (1).py"): data for file, data in flat(files).items()}
    ),
    "the repository": lambda name, n, files: {f"{name}.zip": repository(files)},
    "an environment, too": lambda name, n, files: below(
        name, files | {".venv/lib/python3.11/site-packages/cs231n/rnn_layers.py": b"# other\n"}
    ),
}  # fmt: skip


def make_class(folder, size=60, seed=7):
    """Write a class's submissions to folder/submissions and what they are to folder/truth.json; returns the latter.

    The result maps each student's name, as find_submissions gives it, to the fields of a Truth. Raises ValueError where
    the folder is not empty, or the class too small.
    """
    folder, rng = Path(folder), random.Random(seed)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; name a new folder")
    found = students(size, rng)
    names = rng.sample([f"{first} {last}" for first in FIRST for last in LAST], len(found))
    layouts = [list(LAYOUTS)[n % len(LAYOUTS)] for n in range(len(found))]
    truths, submissions = {}, folder / "submissions"
    for n, (student, name, layout) in enumerate(zip(found, names, layouts)):
        files = {file: text.encode() for file, text in student.texts.items()}
        laid = LAYOUTS[layout](name, n, files)
        lay(submissions, laid)
        source = unicodedata.normalize("NFC", next(iter(laid)).split("/")[0])
        student.truth.layout, student.truth.source = layout, source
        truths[by_canvas(name, n).split("_")[0] if "Canvas" in layout else name] = asdict(student.truth)
    lay(submissions, {"README.txt": b"Handed in until 14 March.\n", "grades.csv": b"name,points\n", ".DS_Store": b"\0"})
    lay(folder, {"truth.json": json.dumps(truths, indent=1, ensure_ascii=False).encode()})
    return truths


def main(argv=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.made_up_class", description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="FOLDER", help="where to write; it must be empty, or not there yet")
    parser.add_argument("--size", type=int, default=60, help="how many students")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(argv)
    try:
        truths = make_class(options.folder, options.size, options.seed)
    except (ValueError, EditionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(truths)} submissions in {options.folder}/submissions, what they are in {options.folder}/truth.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
