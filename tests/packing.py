"""Builds what students hand in, folders, zips and tars of every making, and looks at what is found in it."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

from cs231n.checks.todo import TODOS
from cs231n.grade.submissions import find_submissions

WANTED = sorted({todo.file for todo in TODOS.values()})
RNN, CAPTIONER, TRANSFORMER = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py", "cs231n/classifiers/transformer.py"
DATE = 2026, 3, 14, 15, 9, 26  # of what is packed, so that it is the same every time
SOME = {RNN: b"# layers\n", CAPTIONER: b"# captioner\n", TRANSFORMER: b"# transformer\n"}


def below(folder, files=SOME):
    return {f"{folder}/{name}": data for name, data in files.items()}


def flat(files=SOME):
    return {Path(name).name: data for name, data in files.items()}


def lay(folder, files):
    """Write {path: bytes} below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(files):
    """A zip of {path or ZipInfo: bytes}, as bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, DATE)
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarred(files, packed=True):
    """A tar of {path or TarInfo: bytes}, as bytes; packed: by gzip."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.isreg():
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0) if packed else out.getvalue()


def with_flags(archive, change):
    """A zip's bytes with the two bytes of flags of every file changed: change(flags) -> flags."""
    data = bytearray(archive)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            place = slice(start + at, start + at + 2)
            data[place] = change(int.from_bytes(data[place], "little")).to_bytes(2, "little")
            start = data.find(signature, start + 4)
    return bytes(data)


def encrypted(archive):
    """A zip that says of its files that they are encrypted."""
    return with_flags(archive, lambda flags: flags | 1)


def silent_on_names(archive):
    """A zip that no longer says that its names are UTF-8, as macOS writes it."""
    return with_flags(archive, lambda flags: flags & ~0x800)


def only(path, name=None):
    """The one submission that there is."""
    (found,) = find_submissions(path, WANTED)
    assert name is None or found.name == name
    return found


def names(path):
    return [submission.name for submission in find_submissions(path, WANTED)]


def notes(submission):
    """What is noted besides what is missing."""
    return [note for note in submission.notes if not note.startswith("Not handed in")]
