"""What is hostile or broken in a submission is noted; it reaches nothing outside, fills no memory and stops nobody."""

import errno
import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest
from packing import CAPTIONER, RNN, SOME, WANTED, below, encrypted, lay, only, tarred, zipped

from cs231n.grade import archives, submissions
from cs231n.grade.submissions import find_submissions


def test_links_are_not_followed(tmp_path):
    """Neither to a file, nor to a folder, nor at the top: another student's work would be handed in."""
    lay(tmp_path / "all", below("bob") | {"ada/essay.txt": b"", "cy/essay.txt": b""})
    (tmp_path / "all/ada/rnn_layers.py").symlink_to("../bob/cs231n/rnn_layers.py")
    (tmp_path / "all/ada/transformer_layers.py").symlink_to("/etc/passwd")
    (tmp_path / "all/cy/work").symlink_to("../bob", target_is_directory=True)
    (tmp_path / "all/dan").symlink_to("bob", target_is_directory=True)
    ada, bob, cy, dan = find_submissions(tmp_path / "all", WANTED)
    assert bob.files == SOME and not (ada.files or cy.files or dan.files)
    for submission, name in ((ada, "rnn_layers.py"), (cy, "work"), (dan, "dan")):
        assert f"{name} is a link or a device, and those are not followed." in submission.notes


def test_links_in_archives_are_not_followed(tmp_path):
    link = zipfile.ZipInfo("rnn_layers.py")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    soft, hard = tarfile.TarInfo("rnn_layers.py"), tarfile.TarInfo("idioms.py")
    soft.type, soft.linkname, hard.type, hard.linkname = tarfile.SYMTYPE, "/etc/passwd", tarfile.LNKTYPE, "a.txt"
    lay(tmp_path, {"ada.zip": zipped({link: b"/etc/passwd", "idioms.py": b"ok"})})
    lay(tmp_path, {"bob.tgz": tarred({"a.txt": b"?", soft: b"", hard: b"", "wgan.py": b"ok"})})
    ada, bob = find_submissions(tmp_path, WANTED)
    assert ada.files == {"cs231n/idioms.py": b"ok"} and bob.files == {"cs231n/wgan.py": b"ok"}
    assert sum("is a link" in note for note in ada.notes) == 1 and sum("is a link" in note for note in bob.notes) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    lay(tmp_path, below("ada", {CAPTIONER: b"x"}))
    os.mkfifo(tmp_path / "ada/rnn_layers.py")
    os.mkfifo(tmp_path / "ada/work.zip")
    assert set(only(tmp_path).files) == {CAPTIONER}


def test_paths_that_lead_out_are_left_alone(tmp_path):
    lay(
        tmp_path,
        {"ada.zip": zipped({"../bob/cs231n/rnn_layers.py": b"no", "/tmp/x/rnn.py": b"yes"}), "bob.zip": zipped(SOME)},
    )
    ada, bob = find_submissions(tmp_path, WANTED)
    assert ada.files == {CAPTIONER: b"yes"} and bob.files == SOME


def test_nothing_is_unpacked(tmp_path, monkeypatch):
    lay(tmp_path / "all", {"ada.zip": zipped({"a.zip": zipped(SOME), "b.tgz": tarred(SOME)})} | below("bob"))
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ada, _ = find_submissions(tmp_path / "all", WANTED)
    assert ada.files == SOME and sorted(tmp_path.rglob("*")) == before


BIG = b"#" * (2**20 + 1)


@pytest.mark.parametrize(
    "files", [below("ada", {RNN: BIG}), {"ada.zip": zipped({RNN: BIG})}, {"ada.tgz": tarred({RNN: BIG})}], ids=range(3)
)
def test_a_file_over_one_megabyte(tmp_path, files):
    found = only(lay(tmp_path, files))
    assert not found.files and any(note.endswith(f"{RNN} is larger than 1 MB.") for note in found.notes)


def test_a_file_of_one_megabyte_is_read(tmp_path):
    assert only(lay(tmp_path, {"ada.zip": zipped({RNN: BIG[1:]})})).files == {RNN: BIG[1:]}


def test_what_a_zip_says_of_a_files_size_is_not_believed(tmp_path):
    archive = zipped({RNN: BIG}).replace((2**20 + 1).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert not only(lay(tmp_path, {"ada.zip": archive})).files


def test_bombs(tmp_path, monkeypatch):
    """Unpacked, none of these would fit; what is read of each is counted."""
    monkeypatch.setattr(submissions, "LARGEST_ARCHIVE", 2**20)
    monkeypatch.setattr(submissions, "READ_IN_ALL", 2**20)
    monkeypatch.setattr(archives, "LONGEST_TAR", 2**20)
    many = {f"{n}/rnn_layers.py": BIG[1:-1] for n in range(40)}
    lay(tmp_path, {"a.zip": zipped({"nested.zip": zipped({"zeros": os.urandom(2**20)})}), "b.zip": zipped(many)})
    lay(tmp_path, {"c.tgz": tarred({"zeros": bytes(2**22)}), "d.zip": zipped(SOME)})
    a, b, c, d = find_submissions(tmp_path, WANTED)
    assert "nested.zip is larger than 1 MB." in a.notes
    assert any("too much in this submission" in note for note in b.notes)
    assert "c.tgz unpacks to more than is looked at." in c.notes
    assert d.files == SOME


def test_a_zip_with_very_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_FILES", 50)
    lay(tmp_path, {"ada.zip": zipped({f"{n}.txt": b"" for n in range(60)} | SOME), "bob.zip": zipped(SOME)})
    ada, bob = find_submissions(tmp_path, WANTED)
    assert not ada.files and bob.files == SOME
    assert "What comes after its first 50 files was not looked at." in ada.notes


def test_a_zip_with_an_endless_table_of_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LONGEST_TABLE", 5000)
    lay(tmp_path, {"ada.zip": zipped({f"{n}.txt": b"" for n in range(100)} | SOME), "bob.zip": zipped(SOME)})
    ada, bob = find_submissions(tmp_path, WANTED)
    assert "ada.zip has a table of contents too long to be read." in ada.notes and bob.files == SOME


def test_an_environment_packed_along_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_FILES", 50)
    lay(tmp_path, {"ada.zip": zipped({f".venv/lib/{n}.py": b"" for n in range(60)} | SOME)})
    assert only(tmp_path).files == SOME


@pytest.mark.parametrize("depth", [4, 5])
def test_archives_within_archives(tmp_path, depth):
    data = zipped(SOME)
    for _ in range(depth - 1):
        data = zipped({"again.zip": data})
    found = only(lay(tmp_path, {"ada.zip": data}))
    assert found.files == (SOME if depth == 4 else {})
    assert depth == 4 or any("too many within each other" in note for note in found.notes)


def test_very_many_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_ARCHIVES", 5)
    seen = []
    monkeypatch.setattr(submissions.Search, "_keep", lambda self, entry, parts, wanted: seen.append(parts))
    lay(tmp_path, {"ada.zip": zipped({f"{n}.zip": zipped(SOME) for n in range(9)}), "bob/essay.txt": b""})
    ada, _ = find_submissions(tmp_path, WANTED)
    assert len(seen) == 4 * len(SOME) and any("too many archives" in note for note in ada.notes)


def test_folders_within_folders(tmp_path):
    lay(tmp_path, below("ada") | {"ada/" + "x/" * 60 + "rnn_layers.py": b"no"})
    found = only(tmp_path)
    assert found.files == SOME and any("more than 40 folders" in note for note in found.notes)


def odd_compression():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("rnn_layers.py", b"x")
    return out.getvalue()


BROKEN = {
    "cut off": ("ada.zip", zipped(SOME)[:-30], "ada.zip is no archive that can be read"),
    "not a zip": ("ada.zip", b"hello", "ada.zip is no archive that can be read"),
    "empty": ("ada.zip", b"", "ada.zip is no archive that can be read"),
    "cut off tar": ("ada.tgz", tarred({"a": os.urandom(9999)})[:2000], "ada.tgz is no archive that can be read"),
    "not a tar": ("ada.tar.gz", b"hello", "ada.tar.gz is no archive that can be read"),
    "gzip's own error": ("ada.tgz", b"\x1f\x8b\x08\0" + bytes(60), "ada.tgz is no archive that can be read"),
    "encrypted": ("ada.zip", encrypted(zipped({RNN: b"x"})), "is encrypted"),
    "other compression": ("ada.zip", odd_compression(), "packed in a way that is not read here"),
    "spoilt": ("ada.zip", zipped({RNN: b"abc" * 99}).replace(b"KL", b"\xff\xff", 1), "cannot be unpacked"),
    "a name that is no UTF-8": (
        "ada.zip",
        zipped({"ü.py": b""}).replace("ü".encode(), b"\xff\xff"),
        "UnicodeDecodeError",
    ),
    "spoilt tar": ("ada.tgz", gzip.compress(bytes(99))[:12] + b"\xff" * 40, "ada.tgz is no archive that can be read"),
    "rar": ("ada.rar", b"Rar!", "ada.rar is a .rar archive, which cannot be read here"),
    "7z": ("ada/work.7z", b"7z", "work.7z is a .7z archive"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_one_broken_submission_stops_nobody(tmp_path, kind):
    name, data, says = BROKEN[kind]
    if kind == "spoilt":
        start = data.find(RNN.encode()) + len(RNN)
        data = data[:start] + b"\xff\xff\xff" + data[start + 3 :]
    lay(tmp_path, {name: data} | below("bob"))
    ada, bob = find_submissions(tmp_path, WANTED)
    assert ada.name == "ada" and not ada.files and bob.files == SOME
    assert any(says in note for note in ada.notes), ada.notes
    if "/" not in name:
        assert any(says in note for note in only(tmp_path / name, "ada").notes)


def test_unreadable_files_and_folders(tmp_path, monkeypatch):
    lay(tmp_path, below("ada", {"rnn_layers.py": b"x", "idioms.py": b"x"}) | {"bob/rnn_layers.py": b"x", "cy/y/z": b""})
    really_open, really_scan = os.open, os.scandir

    def refuse(path):
        if str(path).endswith(("ada/rnn_layers.py", "cy/y")):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", lambda path, *args: refuse(path) or really_open(path, *args))
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or really_scan(path))
    ada, bob, cy = find_submissions(tmp_path, WANTED)
    assert set(ada.files) == {"cs231n/idioms.py"} and set(bob.files) == {RNN}
    assert "rnn_layers.py cannot be read (Permission denied)." in ada.notes
    assert "y cannot be read (Permission denied)." in cy.notes


def test_a_class_in_a_tar_that_breaks_off(tmp_path):
    """Who comes after the break would be lost without a word."""
    files = below("ada") | {"ada/noise": os.urandom(50000)} | below("bob")
    lay(tmp_path, {"all.tgz": tarred(below("zoe") | files)[:30000]})
    with pytest.raises(ValueError, match="is no archive that can be read .* Unpack it yourself"):
        find_submissions(tmp_path / "all.tgz", WANTED)
