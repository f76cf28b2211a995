"""What students really hand in is found, in whatever shape they hand it in, and told who it is of."""

import errno
import os
import unicodedata
import zipfile
from pathlib import Path

import pytest
from packing import (
    CAPTIONER,
    RNN,
    SOME,
    TRANSFORMER,
    WANTED,
    below,
    flat,
    lay,
    names,
    notes,
    only,
    silent_on_names,
    tarred,
    zipped,
)

from cs231n.grade.submissions import find_submissions

SOLVED = b"def f():\n    ### BEGIN " + b"SOLUTION f\n    pass\n    ### END " + b"SOLUTION\n"


# ---- shapes --------------------------------------------------------------------------------------------------

SHAPES = {
    "an edition": below("ada"),
    "a folder within the folder": below("ada/Assignment 3/student"),
    "flat": below("ada", flat()),
    "classifiers beside the others": below(
        "ada", {"rnn_layers.py": SOME[RNN], "classifiers/rnn.py": SOME[CAPTIONER], "transformer.py": SOME[TRANSFORMER]}
    ),
    "other case": below("ada", {name.upper(): data for name, data in SOME.items()}),
    "a zip": {"ada.zip": zipped(SOME)},
    "a zip with a folder": {"ada.ZIP": zipped(below("my work"))},
    "a flat zip": {"ada.zip": zipped(flat())},
    "a zip within the folder": {"ada/a3.zip": zipped(SOME)},
    "a zip within the zip": {"ada.zip": zipped({"x/a3.zip": zipped(below("student"))})},
    "a tar.gz": {"ada.tar.gz": tarred(SOME)},
    "a tgz in a folder": {"ada/a3.tgz": tarred(below("student"))},
    "a tar": {"ada.tar": tarred(SOME, packed=False)},
    "a tar in a zip": {"ada.zip": zipped({"a3.tar.gz": tarred(SOME)})},
    "Windows' backslashes": {"ada.zip": zipped({name.replace("/", "\\"): data for name, data in SOME.items()})},
    "a copy of Windows'": {"ada.zip": zipped({name.replace(".py", " (1).py"): data for name, data in SOME.items()})},
    "a copy of macOS's": below("ada", {name.replace(".py", " copy.py"): data for name, data in flat().items()}),
    "a German copy": below("ada", {name.replace(".py", " - Kopie (2).py"): data for name, data in flat().items()}),
    "as text, for mail": below("ada", {f"{name}.txt": data for name, data in flat().items()}),
    "Moodle's folders": {"ada_123_assignsubmission_file_/a3.zip": zipped(SOME)},
    "Moodle's files": {"ada_123_assignsubmission_file_a3.zip": zipped(SOME)},
    "Moodle's bare files": {f"ada_12_assignsubmission_file_{n}": data for n, data in flat().items()},
    "Canvas' zip": {"ada_12345_67890_a3.zip": zipped(SOME)},
    "Canvas' late zip, handed in anew": {"ada_LATE_12345_67890_a3-1.zip": zipped(SOME)},
    "Canvas' bare files": {
        f"ada_12345_{67890 + i}_{name.replace('.py', '-1.py')}": data for i, (name, data) in enumerate(flat().items())
    },
    "Canvas' zip, unpacked": below("ada_12345_67890_a3"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip of all"])
def test_a_class_of_any_shape(tmp_path, shape, packed):
    """Beside another student, and things that are no submissions; and all of it as the platform's own zip."""
    files = SHAPES[shape] | below("bob", flat()) | {"README.txt": b"read me", "grades.csv": b"1", "debug.py": b"x"}
    if packed:
        lay(tmp_path, {"all.zip": zipped(files)})
    else:
        lay(tmp_path / "all", files)
    for path in [tmp_path / "all.zip", tmp_path] if packed else [tmp_path / "all"]:
        ada, bob = find_submissions(path, WANTED)
        assert (ada.name, bob.name) == ("ada", "bob")
        assert ada.files == bob.files == SOME
        assert ada.source in {name.split("/")[0] for name in SHAPES[shape]}
        assert all("copy" in shape or "text" in shape or "bare" in shape for note in notes(ada)), ada.notes


def test_where_it_was_found(tmp_path):
    lay(tmp_path, {"ada/work/a3.zip": zipped(below("student"))} | below("bob"))
    ada, _ = find_submissions(tmp_path, WANTED)
    assert ada.places[CAPTIONER] == "work/a3.zip/student/cs231n/classifiers/rnn.py"


@pytest.mark.parametrize(
    "files", [SOME, below("student"), flat(), {"a3.zip": zipped(SOME)} | flat({RNN: SOME[RNN]})], ids=range(4)
)
def test_a_single_submission_as_a_folder(tmp_path, files):
    found = only(lay(tmp_path / "ada", files), "ada")
    assert found.files == SOME


@pytest.mark.parametrize("files", [SOME, below("student"), below("work/cs"), {"a3.zip": zipped(SOME)}], ids=range(4))
@pytest.mark.parametrize("kind, pack", [("zip", zipped), ("tar.gz", tarred)])
def test_a_single_submission_as_an_archive(tmp_path, files, kind, pack):
    lay(tmp_path, {f"ada.{kind}": pack(files | {"report/essay.pdf": b"x"})})
    assert only(tmp_path / f"ada.{kind}", "ada").files == SOME


def test_a_class_of_one(tmp_path):
    lay(tmp_path, below("ada"))
    assert only(tmp_path, "ada").files == SOME


def test_a_class_of_one_as_the_platform_packs_it(tmp_path):
    lay(tmp_path, {"all.zip": zipped({"Ada Lovelace_123_assignsubmission_file_/a3.zip": zipped(SOME)})})
    assert only(tmp_path / "all.zip", "Ada Lovelace").files == SOME


def test_text_typed_in_at_moodle_is_no_submission_of_its_own(tmp_path):
    lay(tmp_path, below("ada_12_assignsubmission_file_") | {"ada_12_assignsubmission_onlinetext_/text.html": b"Hello"})
    assert only(tmp_path, "ada").files == SOME


# ---- names ---------------------------------------------------------------------------------------------------


def test_names_with_spaces_and_umlauts(tmp_path):
    """In NFC, though macOS writes them in NFD."""
    for name in ("Zoë Änd", "Jörg"):
        lay(tmp_path, below(unicodedata.normalize("NFD", name)))
    assert names(tmp_path) == ["Jörg", "Zoë Änd"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_names_in_a_zip_without_the_flag(tmp_path, encoding):
    """UTF-8 as macOS writes it without saying so, or cp437 as Windows does."""
    archive = silent_on_names(zipped(below("Zoë/ÜÜ") | below("Bob")))
    if encoding == "cp437":  # of the same length, as the zip's tables count bytes
        archive = archive.replace("Zoë".encode(), "Zoëé".encode("cp437")).replace("ÜÜ".encode(), "ÜÄöß".encode("cp437"))
    lay(tmp_path, {"all.zip": archive})
    bob, zoe = find_submissions(tmp_path / "all.zip", WANTED)
    assert zoe.name == ("Zoë" if encoding == "utf-8" else "Zoëé") and zoe.files == SOME
    assert zoe.places[RNN].startswith("ÜÜ/" if encoding == "utf-8" else "ÜÄöß/")


def test_a_name_that_says_it_is_utf8_is_believed(tmp_path):
    """Though, written in cp437, it would be the bytes of another in UTF-8."""
    odd = "Zoë".encode().decode("cp437")
    assert names(lay(tmp_path, {"all.zip": zipped(below(odd) | below("Bob"))})) == ["Bob", odd]


@pytest.mark.skipif(os.name == "nt", reason="names of bytes")
def test_names_of_bytes_on_the_disk(tmp_path):
    try:
        os.makedirs(os.fsencode(tmp_path) + b"/all/Zo\x89")
    except OSError as error:  # macOS takes no such name
        assert error.errno == errno.EILSEQ
        return
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/all/Zo\x89"), "rnn_layers.py").write_bytes(b"x")
    assert only(tmp_path / "all").name == "Zoë"


def test_equal_names_are_told_apart(tmp_path):
    """Also where only a disk that knows no upper case would hold them to be equal, or one that knows no NFD."""
    lay(tmp_path, below("ada") | below("Ada (2)") | below("jö") | below(unicodedata.normalize("NFD", "jö")))
    lay(tmp_path, {"ada.zip": zipped(SOME), "Ada.tgz": tarred(SOME)})
    lay(tmp_path, {f"grace_{n}_assignsubmission_file_/rnn_layers.py": b"%d" % n for n in (1, 2)})
    found = find_submissions(tmp_path, WANTED)
    assert len({submission.name.casefold() for submission in found}) == len(found) == 8
    assert {"ada", "ada (2)", "grace", "grace (2)", "jö", "jö (2)"} <= {s.name.casefold() for s in found}
    assert {s.files[RNN] for s in found if s.name.startswith("grace")} == {b"1", b"2"}


def test_names_are_fit_to_be_shown_and_to_name_a_file(tmp_path):
    long = "ä" * 200
    lay(tmp_path, {"all.zip": zipped(below(long) | below("a\x1b[2J\u202eb") | below("two\u00a0words"))})
    found = names(tmp_path / "all.zip")
    assert all(name.isprintable() and len(name.encode()) < 250 for name in found)
    assert "two words" in found and "ä" * 60 in found


# ---- which file ----------------------------------------------------------------------------------------------


def test_debris_is_ignored(tmp_path):
    debris = {
        "__MACOSX/ada/cs231n/._rnn_layers.py": b"no", "__MACOSX/rnn_layers.py": b"no", "._rnn_layers.py": b"no",
        ".DS_Store": b"no", ".venv/lib/cs231n/rnn_layers.py": b"no", "venv/rnn_layers.py": b"no",
        "env/lib/site-packages/rnn_layers.py": b"no", ".ipynb_checkpoints/rnn_layers.py": b"no",
        "cs231n/__pycache__/rnn_layers.py": b"no", ".git/rnn_layers.py": b"no",
    }  # fmt: skip
    lay(tmp_path, below("ada", debris) | {"ada/deep/down/rnn_layers.py": b"yes"} | {"bob.zip": zipped(debris | SOME)})
    lay(tmp_path, {"__MACOSX/x/rnn_layers.py": b"no", ".hidden/rnn_layers.py": b"no"})
    ada, bob = find_submissions(tmp_path, WANTED)
    assert ada.files == {RNN: b"yes"} and bob.files == SOME and not notes(ada) + notes(bob)


def test_the_whole_repository(tmp_path):
    """The student's edition is taken, not ours beside it, nor what has the same name elsewhere in the course."""
    course = {
        RNN: SOLVED,
        CAPTIONER: SOLVED,
        "tests/right_answers/rnn.py": b"other",
        "cs231n/train/recipes/rnn.py": b"r",
    }
    lay(tmp_path, below("ada", course | below("student")) | {"bob.zip": zipped(below("repo-main", course))})
    lay(tmp_path, {"cy/cs231n/checks/exercises/rnn.py": b"other", "cy/tests/wrong_answers/rnn.py": b"other"})
    ada, bob, cy = find_submissions(tmp_path, WANTED)
    assert ada.files == SOME and ada.places[RNN] == f"student/{RNN}" and not notes(ada)
    assert bob.files == {RNN: SOLVED, CAPTIONER: SOLVED}
    assert "marks of the course's own solution: repo-main/cs231n/classifiers/rnn.py" in bob.notes[0]
    assert not cy.files


def test_the_longest_agreement_wins(tmp_path):
    lay(tmp_path, {"ada/rnn.py": b"no", "ada/a/b/classifiers/rnn.py": b"no", f"ada/a/b/c/{CAPTIONER}": b"yes"})
    assert only(tmp_path).files[CAPTIONER] == b"yes"


def test_then_the_shallowest(tmp_path):
    lay(tmp_path, below("ada", {"b/rnn_layers.py": b"yes", "a/c/rnn_layers.py": b"no"}))
    os.utime(tmp_path / "ada/b/rnn_layers.py", (1, 1))
    found = only(tmp_path)
    assert found.files[RNN] == b"yes"
    assert notes(found) == [
        "More than one file, with different contents: took b/rnn_layers.py (not a/c/rnn_layers.py)."
    ]


def test_then_the_newest(tmp_path):
    days = {"a": 3, "b": 17, "c": 9}
    packed = zipped({zipfile.ZipInfo(f"{f}/rnn_layers.py", (2026, 1, d, 0, 0, 0)): b"%d" % d for f, d in days.items()})
    lay(tmp_path, {"ada.zip": packed} | {f"bob/{folder}/rnn_layers.py": b"%d" % day for folder, day in days.items()})
    for folder, day in days.items():
        os.utime(tmp_path / f"bob/{folder}/rnn_layers.py", (day * 86400,) * 2)
    assert [submission.files[RNN] for submission in find_submissions(tmp_path, WANTED)] == [b"17", b"17"]


def test_equal_contents_are_no_matter(tmp_path):
    lay(tmp_path, {"ada/a/rnn_layers.py": b"same", "ada/b/rnn_layers.py": b"same"})
    assert not notes(only(tmp_path))


def test_a_copy_only_where_nothing_has_the_proper_name(tmp_path):
    lay(tmp_path, {"ada/rnn_layers (1).py": b"no", "ada/x/y/rnn_layers.py": b"yes", "bob/rnn_layers (1).py": b"yes"})
    ada, bob = find_submissions(tmp_path, WANTED)
    assert ada.files[RNN] == bob.files[RNN] == b"yes"
    assert notes(bob) == ["Taken although its name is another: rnn_layers (1).py for cs231n/rnn_layers.py."]


def test_what_is_missing_is_one_note(tmp_path):
    every = dict.fromkeys(WANTED, b"#")
    without = {name: data for name, data in every.items() if name not in (RNN, CAPTIONER)}
    lay(tmp_path, below("ada", every) | below("bob", without) | {"cy/essay.pdf": b"x"})
    ada, bob, cy = find_submissions(tmp_path, WANTED)
    assert ada.notes == [] and bob.notes == [f"Not handed in: {CAPTIONER}, {RNN}."]
    assert cy.files == {} and cy.notes == ["None of the files with TODOs was handed in."]


# ---- nothing to be found -------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [{}, {"README.txt": b"x"}, {"ada/essay.pdf": b"x", "bob.zip": zipped({"x": b""})}])
def test_nothing_of_the_kind(tmp_path, files):
    with pytest.raises(ValueError, match=r"there is no file with TODOs\. Looked for files such as .* Give the folder"):
        find_submissions(lay(tmp_path, files), WANTED)


def test_no_such_place(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*nowhere\. Looked for .* Give the folder"):
        find_submissions(tmp_path / "nowhere", WANTED)
    lay(tmp_path, {"grades.csv": b"1"})
    with pytest.raises(ValueError, match=r"grades\.csv is no folder and no archive\. Looked for"):
        find_submissions(tmp_path / "grades.csv", WANTED)
