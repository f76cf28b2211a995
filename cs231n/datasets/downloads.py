"""Fetching files so that what is in place is always whole and right: resumed, checked, and moved there in one step.

What is on its way lies beside its place as `.NAME.part`; after an interruption of any kind the next run goes on from
there. What was fetched is noted in `.fetched.json`, with its size and sha256.
"""

import contextlib
import json
import lzma
import os
import shutil
import stat
import time
import zipfile
import zlib
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
import requests
from filelock import FileLock, Timeout
from urllib3.exceptions import HTTPError

from ..train.progress_bar import progress_bar

TIMEOUT = 30  # seconds without a byte
TRIES = 5  # in a row that came no further
BACKOFF = 1.0  # seconds before the second try; twice as many before each that follows
CHUNK = 2**14  # bytes; what is lost of a connection that falls silent
SPARE = 2**26  # bytes of disk space to leave free
LEDGER = ".fetched.json"
SAME_COMMAND = "run the same command again to go on"


class DownloadError(Exception):
    """A file could not be fetched; the message names it, the cause, and what to do."""


class _TryAgain(Exception):
    """Something that may be gone at the next try."""


def fetch(source, folder, accept_changed=False, quiet=False):
    """Bring one Source into the folder; False if it is there already, else True.

    The origin is source.url, or the same file below CS231N_MIRROR, an http or file URL or a folder.
    accept_changed: take a file whose size or checksum is not the known one.
    Raises DownloadError; what was in place before stays there then.
    """
    folder = Path(folder)
    target = folder / source.file
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(_beside(target, "lock"), quiet):
        if present(source, folder):
            return False
        part = _beside(target, "part")
        resumed = _transfer(source, part, accept_changed, quiet)
        problem = _wrong(part, source, recorded(folder).get(source.file))
        if problem and resumed and not accept_changed:  # perhaps the file changed in between: all of it once more
            _discard(part)
            _transfer(source, part, accept_changed, quiet)
            problem = _wrong(part, source, recorded(folder).get(source.file))
        if problem and not accept_changed:
            _discard(part)
            raise DownloadError(f"{source.file}: {problem}; it was not kept. Try later, name another CS231N_MIRROR, or "
                                "use --accept-changed if you trust this file")  # fmt: skip
        if source.members:
            _unpack(source, part, folder, accept_changed)
        else:
            _record(folder, {source.file: _facts(part)})
            os.replace(part, target)
        _discard(part)
    return True


def present(source, folder):
    """Whether all that a Source brings lies in the folder, with the sizes that were recorded or are known."""
    known = recorded(folder)
    for name, item in source.results:
        path, size = Path(folder, name), known.get(name, {}).get("size", item.size)
        if not path.is_file():
            if not getattr(item, "optional", False):
                return False
        elif size is not None and path.stat().st_size != size:
            return False
    return True


def verify(source, folder):
    """(path below the folder, verdict) of each file there: 'right', 'as recorded', or what is wrong with it."""
    known = recorded(folder)
    for name, item in source.results:
        path = Path(folder, name)
        if path.is_file():
            problem = _wrong(path, item, known.get(name))
            if not problem:
                yield name, "right" if item.checksum else "as recorded" if name in known else "not known before"
            elif name in known and not _wrong(path, None, known[name]):
                yield name, f"as recorded, though {problem}"
            else:
                yield name, f"WRONG: {problem}"


def recorded(folder):
    """What was fetched into the folder: {path: {"size": .., "sha256": ..}}."""
    try:
        known = json.loads(Path(folder, LEDGER).read_text(encoding="utf-8"))
        return {name: facts for name, facts in known.items() if {"size", "sha256"} <= facts.keys()}
    except (OSError, ValueError, AttributeError):
        return {}


def size_text(size):
    """A size in bytes as one reads it."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


# The way here -----------------------------------------------------------------------------------------------


def _transfer(source, part, accept_changed, quiet):
    """Complete the part, in as many tries as it takes; whether it went on from an earlier one."""
    url, misses, resumed, furthest = _origin(source), 0, part.exists(), _length(part)
    size = None if accept_changed else source.size
    while True:
        try:
            (_copy if urlsplit(url).scheme == "file" else _stream)(url, part, source, size, quiet)
            return resumed
        except (_TryAgain, requests.ConnectionError, requests.Timeout, HTTPError) as error:
            misses = 1 if _length(part) > furthest else misses + 1
            furthest = max(furthest, _length(part))
            resumed = resumed or part.exists()
            if misses >= TRIES:
                raise DownloadError(f"{source.file}: {url} failed {misses} times ({_short(error)}); what has come is "
                                    f"kept, {SAME_COMMAND}, or set CS231N_MIRROR") from error  # fmt: skip
            time.sleep(BACKOFF * 2 ** (misses - 1))
        except (requests.RequestException, OSError) as error:
            raise DownloadError(f"{source.file}: {url} cannot be fetched ({_short(error)}); see to it, then "
                                f"{SAME_COMMAND}") from error  # fmt: skip


def _origin(source):
    mirror = os.environ.get("CS231N_MIRROR", "").rstrip("/")
    if not mirror:
        return source.url
    if urlsplit(mirror).scheme in ("http", "https", "file"):
        return f"{mirror}/{source.file}"
    if Path(mirror).is_dir():
        return f"{Path(mirror).resolve().as_uri()}/{source.file}"
    raise DownloadError(f"{source.file}: CS231N_MIRROR is {mirror!r}; set it to an http or file URL or to a folder, "
                        "or unset it")  # fmt: skip


def _stream(url, part, source, size, quiet):
    """Add to the part what it lacks; a server that knows no ranges sends all of it again."""
    have, tag, name = _length(part), _read_tag(part, url), source.file
    if have and (tag is None or not (tag or source.checksum)):  # it may be a part of another version of the file
        _discard(part)
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    if have and tag:
        headers["If-Range"] = tag
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
        if have and reply.status_code == 416 and reply.headers.get("Content-Range") == f"bytes */{have}":
            return  # it was all there
        have = _check_reply(reply, part, have, tag, name)
        total = _total(reply, have, size)
        if size is not None and total != size:
            raise DownloadError(f"{name}: {reply.url} offers {total:,} bytes instead of {size:,}; it is not the right "
                                "file. Try later, or name another CS231N_MIRROR")  # fmt: skip
        if total is not None:
            _ask_space(part, total - have, name)
        if not have:  # in this order: an older part must not pass for one of this version
            _discard(part)
            _write_tag(part, url, _version(reply))
        with open(part, "ab" if have else "wb") as out, progress_bar(total, name, "B", quiet) as bar:
            bar.update(have)
            for chunk in reply.raw.stream(CHUNK, decode_content=False):  # iter_content drops what came before a cut
                out.write(chunk)
                bar.update(len(chunk))
                if size is not None and out.tell() > size:
                    raise DownloadError(f"{name}: {reply.url} sends more than {size:,} bytes; it is not the right "
                                        "file. Try later, or name another CS231N_MIRROR")  # fmt: skip
    _refuse_page(part, reply, name)
    if total is not None and _length(part) != total:
        raise _TryAgain(f"{_length(part):,} of {total:,} bytes came")


def _check_reply(reply, part, have, tag, name):
    """The number of bytes to keep; raises if this reply brings no file."""
    if reply.url.startswith("http:") and any(r.url.startswith("https:") for r in reply.history):
        raise DownloadError(f"{name}: {reply.history[0].url} leads away from https, to {reply.url}; not fetched. "
                            "Name another place with CS231N_MIRROR")  # fmt: skip
    if reply.status_code == 416:
        _discard(part)
        raise _TryAgain("the server has no such part; all of it is asked for")
    if reply.status_code >= 500 or reply.status_code in (408, 429):
        raise _TryAgain(f"status {reply.status_code}")
    if reply.status_code not in (200, 206):
        raise DownloadError(f"{name}: {reply.url} answers {reply.status_code} {reply.reason}; the file has moved or "
                            "is gone. Name another place with CS231N_MIRROR, or go on with what ships")  # fmt: skip
    changed = have and tag and _version(reply) not in ("", tag)  # If-Range should have prevented it
    here = reply.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    if reply.status_code == 206 and (changed or not here):
        _discard(part)
        raise _TryAgain("the server sent another part than was asked for")
    if "text/html" in reply.headers.get("Content-Type", ""):
        raise DownloadError(f"{name}: {reply.url} is a web page, not the file; open it to see why, or name another "
                            "place with CS231N_MIRROR")  # fmt: skip
    if reply.headers.get("Content-Encoding", "identity") != "identity" and not name.endswith(".gz"):
        raise DownloadError(f"{name}: {reply.url} comes compressed, which was not asked for; name another place with "
                            "CS231N_MIRROR")  # fmt: skip
    return have if reply.status_code == 206 else 0


def _total(reply, have, size):
    """The bytes of the whole file as the server says, or else as they are known; a range may end before it does."""
    whole, length = reply.headers.get("Content-Range", "").rpartition("/")[2], reply.headers.get("Content-Length", "")
    if reply.status_code == 206 and whole.isdigit():
        return int(whole)
    return have + int(length) if length.isdigit() else size


def _refuse_page(part, reply, name):
    with open(part, "rb") as file:
        start = file.read(200).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        _discard(part)
        raise DownloadError(f"{name}: {reply.url} is a web page, not the file; open it to see why, or name another "
                            "place with CS231N_MIRROR")  # fmt: skip


def _copy(url, part, source, size, quiet):
    """The same from a folder of this machine."""
    path, name = Path(url2pathname(urlsplit(url).path)), source.file
    if not path.is_file():
        raise DownloadError(f"{name}: there is no {path}; CS231N_MIRROR must hold the files as datasets/ does")
    total = path.stat().st_size
    if size is not None and total != size:
        raise DownloadError(f"{name}: {path} has {total:,} bytes instead of {size:,}; it is not the right file, or "
                            "use --accept-changed if you trust it")  # fmt: skip
    _discard(part)  # it may be one from a server, which its tag would tell to go on with
    _ask_space(part, total, name)
    with open(path, "rb") as file, open(part, "wb") as out, progress_bar(total, name, "B", quiet) as bar:
        while chunk := file.read(CHUNK):
            out.write(chunk)
            bar.update(len(chunk))


def _ask_space(part, need, name):
    free = shutil.disk_usage(part.parent).free
    if free < need + SPARE:
        raise DownloadError(f"{name}: needs {size_text(need)} more, and {part.parent} has {size_text(free)} free; make "
                            "room, or choose another place with --dir")  # fmt: skip


# The part: how far it is, and of what -----------------------------------------------------------------------


def _beside(target, ending):
    return target.with_name(f".{target.name}.{ending}")


def _length(path):
    return path.stat().st_size if path.exists() else 0


def _version(reply):
    """What tells one version of the file from the next, as far as the server says."""
    etag = reply.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else reply.headers.get("Last-Modified", "")


def _read_tag(part, url):
    """The version that the part is of; '' if the server named none, None if the part is not of this url."""
    try:
        tag = json.loads(part.with_suffix(".tag").read_text(encoding="utf-8"))
        return tag["version"] if tag["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_tag(part, url, version):
    part.with_suffix(".tag").write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")


def _discard(part):
    part.unlink(missing_ok=True)
    part.with_suffix(".tag").unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path, quiet):
    """Let one process at a time fetch a file; the system gives the lock back if that process dies."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not quiet:
            print(f"another run is fetching {path.name[1:].removesuffix('.lock')}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


# What came --------------------------------------------------------------------------------------------------


def _wrong(path, item, known):
    """What is wrong with a file, by its size, its published checksum, and the recorded one; None if nothing is."""
    size = path.stat().st_size
    if not size:
        return "it is empty"
    if item is not None and item.size is not None and size != item.size:
        return f"it has {size:,} bytes instead of {item.size:,}"
    if item is not None and item.checksum:
        kind, _, digits = item.checksum.partition(":")
        if not (got := pooch.file_hash(path, alg=kind)).startswith(digits):
            return f"its {kind} is {got[:12]}..., not {digits[:12]}..."
    elif known and (got := pooch.file_hash(path)) != known["sha256"]:
        return f"its sha256 is {got[:12]}..., not {known['sha256'][:12]}... as when it was first fetched"
    return None


def _facts(path):
    return {"size": path.stat().st_size, "sha256": pooch.file_hash(path)}


def _record(folder, facts):
    with FileLock(Path(folder, f"{LEDGER}.lock")):
        path, temporary = Path(folder, LEDGER), Path(folder, f"{LEDGER}.tmp")
        temporary.write_text(json.dumps(recorded(folder) | facts, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(temporary, path)


def _unpack(source, archive, folder, accept_changed):
    """Unpack the members that are wanted, check them all, and only then move them into place."""
    done = {}
    try:
        with zipfile.ZipFile(archive) as file:
            found = _members(file, source, accept_changed)
            _ask_space(archive, sum(info.file_size for info in found.values()), source.file)
            for (name, member), info in found.items():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                done[name] = part = _beside(target, "unpacked")
                with file.open(info) as inside, open(part, "wb") as out:
                    shutil.copyfileobj(inside, out)
                problem = _wrong(part, member, recorded(folder).get(name))
                if problem and not accept_changed:
                    raise ValueError(f"{name}: {problem}; --accept-changed takes it all the same")
        _record(folder, {name: _facts(part) for name, part in done.items()})
        for name, part in done.items():
            os.replace(part, Path(folder, name))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError) as error:
        _discard(archive)
        raise DownloadError(f"{source.file} cannot be unpacked ({_short(error)}); nothing of it was kept, "
                            "run the same command to fetch it anew") from error  # fmt: skip
    finally:
        for part in done.values():
            part.unlink(missing_ok=True)


def _members(file, source, accept_changed):
    """{(path below the data folder, Member): its entry}; a ValueError for an archive that is not to be trusted."""
    entries = {}
    for info in file.infolist():
        path = info.filename
        if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/") or path[1:2] == ":":
            raise ValueError(f"its member {path!r} would leave the folder")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ValueError(f"its member {path!r} is a link")
        if entries.setdefault(path, info) is not info:
            raise ValueError(f"its member {path!r} is there twice")
    found = {}
    for name, member in source.results:
        info = entries.get(name, entries.get(member.name))
        if info is None:
            if not member.optional:
                raise ValueError(f"{member.name} is not in it")
        elif info.file_size > (member.most if accept_changed else member.size or member.most):
            raise ValueError(f"{member.name} would unpack to {size_text(info.file_size)}")
        else:
            found[name, member] = info
    return found


def _short(error):
    return " ".join(str(error).split())[:200] or type(error).__name__
