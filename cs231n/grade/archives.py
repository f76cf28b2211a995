"""Looks into folders and archives without unpacking them, at no more than a sound submission would ask for.

Nothing is written to the disk, no link is followed, and whoever made an archive does not decide how much is read.
"""

import gzip
import io
import os
import stat
import tarfile
import time
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
LONGEST_TABLE = 16 * MIB  # a zip's table of contents: that of 100,000 files has about 10
LONGEST_TAR = 128 * MIB  # unpacked: a tar can only be read from its beginning
DEEPEST = 40  # folders within folders
LINK = "is a link or a device, and those are not followed"
ZIP, TAR = (".zip",), (".tar.gz", ".tgz", ".tar")
FOREIGN = (".rar", ".7z", ".tar.xz", ".tar.bz2", ".txz", ".tbz2")
# What systems, editors and environments leave behind; whatever begins with a dot does not count either.
DEBRIS = {"__macosx", "__pycache__", "site-packages", "node_modules", "venv"}


class Unreadable(Exception):
    """Something cannot be looked into; the message completes the sentence "FILE ..."."""


@dataclass
class Entry:
    """A file in a folder or an archive: the parts of its path there, when it was changed, and how to read it.

    read(limit) returns its bytes, or raises Unreadable if there are more than `limit` or it cannot be read; an entry of
    an archive is read before the next one is asked for. why_not: why it cannot be read at all. path: where it lies on
    the disk, if it does. top: the first of the parts as it is written there, since two may look the same.
    """

    parts: tuple
    changed: tuple
    read: Callable
    why_not: str = ""
    path: str | None = None
    top: str = ""


def clean(name):
    """A name as it is compared and shown: in NFC, and without characters that change how a line looks."""
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8: most often they come from an old Windows
        name = os.fsencode(name).decode("cp437")
    shown = (" " if c.isspace() else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return unicodedata.normalize("NFC", "".join(shown))


def is_debris(name):
    """Whether a file or a folder of this name is none of a student's."""
    return name.startswith(".") or name.casefold() in DEBRIS


def archive_suffix(name):
    """The ending that makes a name that of an archive, of a kind that can be looked into or not; "" if it has none."""
    return next((s for s in (*ZIP, *TAR, *FOREIGN) if name.casefold().endswith(s)), "")


def entries_of_folder(folder):
    """The Entries of all files below a folder, in the order of their names."""
    return _below(Path(folder), ())


def open_archive(entry, limit):
    """An Entry as an open binary file, to look into; what lies in another archive is unpacked up to `limit` bytes."""
    if entry.path is None:
        return io.BytesIO(entry.read(limit))
    try:
        return open_file(entry.path)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from error


def entries_of_archive(file, name):
    """The Entries of an archive, given as an open binary file; its kind is told by the name's ending.

    Raises Unreadable, possibly after some of them.
    """
    suffix = archive_suffix(name)
    if suffix in FOREIGN:
        raise Unreadable(f"is a {suffix} archive, which cannot be read here: hand it in as a .zip")
    try:
        yield from (_in_zip if suffix in ZIP else _in_tar)(file)
    except Unreadable:
        raise
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise Unreadable(f"is no archive that can be read ({clean(str(error)) or type(error).__name__})") from error
    except Exception as error:  # a broken archive can trip its reader in any way
        raise Unreadable(f"is no archive that can be read ({type(error).__name__})") from error


def open_file(path):
    """Open a file to be read, unless a link or a device has come into its place; raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags), "rb")


# ---- folders -------------------------------------------------------------------------------------------------


def _below(folder, above, top=""):
    try:
        if len(above) > DEEPEST:
            raise OSError(0, f"more than {DEEPEST} folders within each other")
        found = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        yield _closed(above, top, error)
        return
    for item in found:
        if is_debris(item.name):
            continue
        parts, first = (*above, clean(item.name)), top or item.name
        try:
            status = item.stat(follow_symlinks=False)
        except OSError as error:
            yield _closed(parts, first, error)
            continue
        if stat.S_ISDIR(status.st_mode) and not _leads_elsewhere(item):
            yield from _below(item.path, parts, first)
        else:
            why_not = "" if stat.S_ISREG(status.st_mode) else LINK
            yield Entry(parts, _local(status.st_mtime), _reader(item.path), why_not, item.path, first)


def _leads_elsewhere(item):
    """Whether a folder is one of Windows' junctions."""
    return getattr(item, "is_junction", bool)()


def _reader(path):
    def read(limit):
        try:
            with open_file(path) as file:
                return _at_most(file, limit)
        except OSError as error:
            raise Unreadable(f"cannot be read ({error.strerror})") from error

    return read


def _closed(parts, top, error):
    return Entry(parts, (), _reader(""), f"cannot be read ({error.strerror})", top=top)


def _at_most(file, limit):
    data = file.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"is larger than {limit // MIB} MB")
    return data


def _local(seconds):
    """A time as zip files have it, in the order of time."""
    try:
        return tuple(time.localtime(seconds)[:6])
    except (OverflowError, ValueError, OSError):
        return ()


# ---- archives ------------------------------------------------------------------------------------------------


class _Metered:
    """A file that refuses to give more than `once` bytes in one piece, or more than `in_all` of them."""

    def __init__(self, file, once, in_all=float("inf")):
        self._file, self._once, self._left = file, once, in_all

    def __getattr__(self, name):
        return getattr(self._file, name)

    def read(self, size=-1):
        if size is not None and size > self._once:
            raise Unreadable("has a table of contents too long to be read")
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable("unpacks to more than is looked at")
        return data


def _in_zip(file):
    with zipfile.ZipFile(_Metered(file, LONGEST_TABLE)) as archive:
        for info in archive.infolist():
            names = _names(_decoded(info))
            if names and not info.is_dir():
                read, parts = _zip_reader(archive, info), tuple(map(clean, names))
                yield Entry(parts, tuple(info.date_time), read, _hindrance(info), top=names[0])


def _decoded(info):
    """An entry's name: macOS writes UTF-8 without saying so, and without the flag it is read as cp437."""
    if not info.flag_bits & 0x800:
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _hindrance(info):
    if info.flag_bits & 0x1:
        return "is encrypted: hand it in without a password"
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if kind not in (0, stat.S_IFREG):
        return LINK
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a limit
        return "is packed in a way that is not read here: hand it in as an ordinary .zip"
    return ""


def _zip_reader(archive, info):
    def read(limit):
        try:
            with archive.open(info) as file:
                return _at_most(file, limit)
        except Unreadable:
            raise
        except Exception as error:  # as broken as an archive may be
            raise Unreadable(f"cannot be unpacked ({type(error).__name__})") from error

    return read


def _in_tar(file):
    start = file.read(2)
    file.seek(0)
    plain = gzip.GzipFile(fileobj=file) if start == b"\x1f\x8b" else file
    with tarfile.open(fileobj=_Metered(plain, 64 * MIB, LONGEST_TAR), mode="r|") as archive:
        for member in archive:
            names = _names(member.name)
            if names and not member.isdir():
                read, parts = _tar_reader(archive, member), tuple(map(clean, names))
                yield Entry(parts, _local(member.mtime), read, "" if member.isreg() else LINK, top=names[0])


def _tar_reader(archive, member):
    def read(limit):
        return _at_most(archive.extractfile(member), limit)

    return read


def _names(path):
    """The parts of a path within an archive; none if it leads out of it, or is none of a student's."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return [] if any(map(is_debris, parts)) else parts  # ".." begins with a dot, too
