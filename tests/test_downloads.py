"""Downloads: a server of faults, hostile archives, killed and rival processes, the command line, the registry.

Everything is fetched from this machine (127.0.0.1); no other address is ever asked for.
"""

import hashlib
import io
import os
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import types
import warnings
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cs231n import data_utils, datasets
from cs231n.classifiers import squeezenet
from cs231n.datasets import __main__ as command
from cs231n.datasets import digits, downloads, sources, style_pictures
from cs231n.datasets.downloads import DownloadError, fetch, present, recorded, verify
from cs231n.datasets.sources import Member, Source

ROOT = Path(__file__).resolve().parent.parent
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and sh")

SIZE = 200_000
DATA, OTHER = random.Random(231).randbytes(SIZE), random.Random(232).randbytes(SIZE)
PAGE = b"<!DOCTYPE html><html><title>Log in</title>" + b" " * 500
NEXT_STEP = re.compile("same command|CS231N_MIRROR|--accept-changed|--dir")


def sha256(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# The server -------------------------------------------------------------------------------------------------


@dataclass
class Reply:
    """How one request is answered; by default as a good server does it, with ranges and a validator."""

    data: bytes = DATA
    status: int = 200
    cut: int | None = None  # of the body, the byte before which the connection ends
    rude: bool = False  # it ends by a reset
    stall: float = 0  # seconds of silence before it ends
    ranges: bool = True
    shift: int = 0  # another range than was asked for
    slice: int | None = None  # at most so many bytes of a range
    obeys: bool = True  # If-Range
    version: dict = field(default_factory=lambda: {"ETag": '"one"'})
    headers: dict = field(default_factory=dict)
    length: bool = True  # Content-Length is sent
    chunked: int = 0  # bytes to a chunk
    piece: int = 2**14
    pause: float = 0  # seconds between pieces


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        reply, asked = self.server.next(self.path), self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        changed = reply.obeys and self.headers.get("If-Range", "") not in ("", *reply.version.values())
        start, status, body, headers = 0, reply.status, reply.data, {}
        if asked and reply.ranges and not changed and status == 200:
            start = int(asked.removeprefix("bytes=").removesuffix("-")) + reply.shift
            status, body = (206, body[start:][: reply.slice]) if start < len(body) else (416, b"")
            what = f"{start}-{start + len(body) - 1}" if body else "*"
            headers["Content-Range"] = f"bytes {what}/{len(reply.data)}"
        framing = {"Transfer-Encoding": "chunked"} if reply.chunked else {"Content-Length": len(body)}
        headers |= (framing if reply.length else {}) | reply.version | reply.headers | {"Connection": "close"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        with suppress(OSError):
            self.send_body(reply, body if reply.cut is None else body[: max(reply.cut - start, 0)])
        self.close_connection = True

    def send_body(self, reply, body):
        step = reply.chunked or reply.piece
        for i in range(0, len(body), step):
            piece = body[i : i + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
            self.server.sent[self.path] += len(piece)
            time.sleep(reply.pause)
        if reply.chunked and reply.cut is None:
            self.wfile.write(b"0\r\n\r\n")
        self.server.closing.wait(reply.stall)
        if reply.rude:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Answers each path with its replies in turn; the last one stays."""

    daemon_threads, block_on_close = True, False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.replies, self.requests, self.sent = {}, [], Counter()
        self.lock, self.closing = threading.Lock(), threading.Event()

    def next(self, path):
        with self.lock:
            replies = self.replies.get(path.partition("?")[0], [Reply(b"", 404)])
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def handle_error(self, *_):
        pass  # the other side may be gone


@pytest.fixture(scope="module")
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


class Place:
    """A mirror of its own on the server, and a folder to fetch into."""

    def __init__(self, server, name, folder):
        self.server, self.name, self.folder = server, f"/{name}", folder
        self.url = server.url + self.name

    def serve(self, file, *replies):
        if any(reply.stall for reply in replies):
            downloads.TIMEOUT = 0.3  # shorter than the silence; a busy machine may be silent as long by itself
        self.server.replies[f"{self.name}/{file}"] = list(replies)

    def sent(self, file="file.bin"):
        return self.server.sent[f"{self.name}/{file}"]

    def asked(self, file="file.bin"):
        return [asked for path, asked in self.server.requests if path == f"{self.name}/{file}"]

    def path(self, name="file.bin"):
        return self.folder / name

    def fetch(self, source, **options):
        return fetch(source, self.folder, quiet=True, **options)

    def fails(self, source, *words, **options):
        """Fetch in vain: the error names the file, the cause, and what to do."""
        with pytest.raises(DownloadError) as caught:
            self.fetch(source, **options)
        text = str(caught.value)
        assert source.file in text and NEXT_STEP.search(text), text
        assert all(word in text for word in words), text
        return text

    def left(self):
        """What lies in the folder besides whole files."""
        return sorted(p.name.rpartition(".")[2] for p in self.folder.rglob(".*") if not p.name.endswith(".lock"))


@pytest.fixture
def place(server, tmp_path, monkeypatch):
    number = len(server.requests), len(server.replies)
    place = Place(server, "mirror_{}_{}".format(*number), tmp_path / "data")
    place.folder.mkdir()
    monkeypatch.setenv("CS231N_MIRROR", place.url)
    for name in ("NO_PROXY", "no_proxy"):  # the second, where it is set, hides the first
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(downloads, "TIMEOUT", 30)
    monkeypatch.setattr(downloads, "BACKOFF", 0.01)
    return place


def source(known="size checksum", data=DATA, file="file.bin"):
    """As the registry has it, with what it is known by; its own address leads nowhere."""
    size = len(data) if "size" in known else None
    return Source(file, "http://127.0.0.1:9/nowhere", size, sha256(data) if "checksum" in known else None)


# Faults: in the end there is the right file, or an error that says what to do -------------------------------


@dataclass
class Fault:
    replies: list
    words: tuple = ()  # of the error; without them the right file must come
    most: float = 1.0  # bodies sent, in whole files
    known: str = "size checksum"
    part: int = 0  # bytes that must be kept after an error


def ends(data=DATA, **how):
    return Reply(data, length=False, **how)


def cuts(*places, **how):
    return [Reply(cut=place, **how) for place in places]


NO_VERSION, DATED = {"version": {}}, {"version": {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}}
WHOLE = Reply()
HTML = {"Content-Type": "text/html; charset=utf-8"}
FAULTS = {
    "none": Fault([WHOLE]),
    "no validator": Fault([Reply(**NO_VERSION)]),
    **{f"cut before byte {i}": Fault([*cuts(i), WHOLE]) for i in (0, 1, 40, SIZE // 2, SIZE - 1)},
    "cut at every tenth": Fault([*cuts(*range(SIZE // 10, SIZE, SIZE // 10)), WHOLE]),
    "cut at every tenth, nothing known": Fault([*cuts(*range(SIZE // 10, SIZE, SIZE // 10)), WHOLE], known=""),
    "reset in the middle": Fault([Reply(cut=SIZE // 2, rude=True), WHOLE], most=1.6),
    "cut, no validator, checksum": Fault([*cuts(SIZE // 2, **NO_VERSION), Reply(**NO_VERSION)]),
    "cut, a validator only then": Fault([*cuts(SIZE // 2, **NO_VERSION), WHOLE]),
    "cut, no validator, nothing known": Fault([*cuts(SIZE // 2, **NO_VERSION), Reply(**NO_VERSION)], (), 1.5, ""),
    "cut, only a date": Fault(
        [*cuts(50_000, **DATED), *cuts(90_000, obeys=False, **NO_VERSION), Reply(**DATED)], known=""),
    "cut without ranges": Fault([*cuts(SIZE // 2, ranges=False), Reply(ranges=False)], most=1.5),
    "cut without ranges for ever": Fault(cuts(SIZE // 2, ranges=False), ("5 times", "kept"), 2.5, part=SIZE // 2),
    "cut here and there without ranges for ever": Fault(
        cuts(*[SIZE // 2, SIZE // 4] * 20, ranges=False), ("times", "kept"), 5, part=SIZE // 4),
    "cut for ever": Fault(cuts(SIZE // 2), ("Connection broken", "kept", "same command"), 0.5, part=SIZE // 2),
    "cut chunks": Fault([Reply(cut=SIZE // 2, chunked=9000), WHOLE], most=1.1),
    "cut end, no length": Fault([ends(cut=SIZE // 2), WHOLE]),
    "short for ever, no length": Fault([ends(DATA[:-1])], (f"{SIZE - 1:,} bytes instead of {SIZE:,}",), 3),
    "ranges ignored": Fault([*cuts(SIZE // 2), Reply(ranges=False)], most=1.5),
    "another range": Fault([*cuts(SIZE // 2), Reply(shift=-1000), WHOLE], most=2.1),
    "a range unasked": Fault(
        [Reply(DATA[500:], 206, headers={"Content-Range": f"bytes 500-{SIZE - 1}/{SIZE}"}), WHOLE], most=2),
    "ranges in slices": Fault([*cuts(50_000), *[Reply(slice=50_000)] * 2, WHOLE]),
    "ranges in slices, nothing known": Fault([*cuts(50_000), *[Reply(slice=50_000)] * 2, WHOLE], known=""),
    "range of another version": Fault(
        [*cuts(SIZE // 2, data=OTHER), Reply(obeys=False, version={"ETag": '"two"'}), WHOLE], most=2.1, known=""),
    "416": Fault([*cuts(SIZE // 2), Reply(b"", 416), WHOLE], most=1.5),
    "416 for ever": Fault([Reply(b"", 416)], ("no such part",)),
    "changed before the rest": Fault(
        [*cuts(SIZE // 2, data=OTHER), Reply(version={"ETag": '"two"'})], most=1.5, known=""),
    "changed, no validator": Fault([*cuts(SIZE // 2, data=OTHER, **NO_VERSION), Reply(**NO_VERSION)], most=2),
    "404": Fault([Reply(b"", 404)], ("404", "moved or is gone")),
    "404 after a cut": Fault([*cuts(SIZE // 2), Reply(b"", 404)], ("404",), 0.5, part=SIZE // 2),
    "403": Fault([Reply(b"", 403)], ("403",)),
    "500 once": Fault([Reply(b"", 500), WHOLE]),
    "500 for ever": Fault([Reply(PAGE, 500)], ("status 500", "same command", "CS231N_MIRROR")),
    "500 after a cut": Fault([*cuts(SIZE // 2), Reply(b"", 500)], ("status 500",), 0.5, part=SIZE // 2),
    "503 page once": Fault([Reply(PAGE, 503, headers=HTML), WHOLE]),
    "429 once": Fault([Reply(b"", 429), WHOLE]),
    "moved": Fault([Reply(b"", 301, headers={"Location": "file.bin?here"}), WHOLE]),
    "moved in a circle": Fault([Reply(b"", 302, headers={"Location": "file.bin"})], ("redirects", "same command")),
    "moved to a local file": Fault([Reply(b"", 302, headers={"Location": "file:///etc/hostname"})], ("adapters",)),
    "moved to a page": Fault(
        [Reply(b"", 302, headers={"Location": "file.bin?in"}), Reply(PAGE, headers=HTML)], ("web page",)),
    "a page": Fault([Reply(PAGE, headers=HTML)], ("web page",)),
    "a page, nothing known": Fault([Reply(PAGE, headers=HTML)], ("web page",), known=""),
    "a page by another name": Fault([Reply(PAGE)], (f"offers {len(PAGE)} bytes",)),
    "a page by another name, nothing known": Fault([Reply(b"\n" + PAGE)], ("web page",), known=""),
    "a page by another name, in small chunks": Fault([Reply(b"\n" + PAGE, chunked=3)], ("web page",), known=""),
    "a page after a cut": Fault(
        [*cuts(SIZE // 2), Reply(PAGE, headers=HTML, ranges=False)], ("web page",), 0.5, part=SIZE // 2),
    "a page by another name after a cut": Fault(
        [*cuts(SIZE // 2), Reply(PAGE, ranges=False)], ("offers",), 0.5, part=SIZE // 2),
    "another length": Fault([Reply(DATA[:-7])], (f"offers {SIZE - 7:,} bytes instead of {SIZE:,}",)),
    "a longer body": Fault([ends(DATA + b"more")], (f"more than {SIZE:,} bytes",), 1.1),
    "a longer body in chunks": Fault([Reply(DATA + b"more", chunked=5000)], (f"more than {SIZE:,} bytes",), 1.1),
    "a length that is none": Fault([Reply(length=False, headers={"Content-Length": "many"})]),
    "other bytes": Fault([Reply(OTHER)], ("its sha256 is", "--accept-changed"), 1),
    "other bytes with nothing but a checksum": Fault([Reply(OTHER)], ("its sha256 is",), known="checksum"),
    "compressed on the way": Fault([Reply(headers={"Content-Encoding": "gzip"})], ("compressed",), known="checksum"),
    "slow": Fault([Reply(pause=0.05)]),
    "silence once": Fault([Reply(cut=SIZE // 2, stall=2), WHOLE], most=1.6),
    "silence at the start": Fault([Reply(cut=0, stall=2), WHOLE]),
    "silence for ever": Fault([Reply(cut=90_000, stall=2)], ("timed out", "same command"), 0.8, part=60_000),
    "nothing in it": Fault([Reply(b"")], ("offers 0 bytes",)),
    "nothing in it, nothing known": Fault([Reply(b"")], ("empty",), known=""),
    "nothing in it, no length": Fault([ends(b"")], ("0 bytes",)),
}  # fmt: skip


def with_older():
    """(fault, whether an older file is in place); without a known size, what is there already is left alone."""
    return [(name, older) for name, fault in FAULTS.items() for older in (False, True)[: 1 + ("size" in fault.known)]]


@pytest.mark.parametrize("name, older", with_older())
def test_fault(place, name, older):
    fault = FAULTS[name]
    if older:
        place.path().write_bytes(b"older")
    place.serve("file.bin", *fault.replies)
    item = source(fault.known)
    if fault.words:
        place.fails(item, *fault.words)
        assert place.path().read_bytes() == b"older" if older else not place.path().exists()
        assert not recorded(place.folder)
        part = place.path(".file.bin.part")
        assert (part.stat().st_size if part.exists() else 0) >= fault.part
    else:
        assert place.fetch(item) is True
        assert place.path().read_bytes() == DATA
        assert recorded(place.folder) == {"file.bin": {"size": SIZE, "sha256": sha256(DATA)[7:]}}
        assert place.left() == ["json"]  # .fetched.json
    assert place.sent() <= fault.most * SIZE + 2 * len(PAGE)
    assert len(place.asked()) < 40


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.words])
def test_good_again_after_a_fault(place, name):
    """Whatever the fault has left behind, the next run from a good server brings the right file."""
    place.serve("file.bin", *FAULTS[name].replies)
    place.fails(source(FAULTS[name].known))
    kept, before = downloads._length(place.path(".file.bin.part")), place.sent()
    place.serve("file.bin", WHOLE)
    assert place.fetch(source(FAULTS[name].known)) and place.path().read_bytes() == DATA
    if FAULTS[name].part:
        assert place.sent() - before <= SIZE - kept + len(PAGE)  # the page may still be on its way


def test_the_second_run_asks_for_nothing(place):
    place.serve("file.bin", WHOLE)
    assert place.fetch(source()) is True and place.fetch(source()) is False
    assert place.asked() == [None]


def test_a_file_of_another_size_is_fetched_again(place):
    place.serve("file.bin", WHOLE)
    place.fetch(source(""))
    place.path().write_bytes(DATA[:-1])
    assert place.fetch(source("")) and place.path().read_bytes() == DATA


def test_other_bytes_at_the_second_fetch(place):
    place.serve("file.bin", WHOLE, Reply(OTHER))
    place.fetch(source(""))
    ledger = place.path(downloads.LEDGER).read_bytes()
    place.path().unlink()
    place.fails(source(""), "as when it was first fetched", "--accept-changed")
    assert not place.path().exists() and place.path(downloads.LEDGER).read_bytes() == ledger
    place.fetch(source(""), accept_changed=True)
    assert place.path().read_bytes() == OTHER and [*verify(source(""), place.folder)] == [("file.bin", "as recorded")]


def test_accept_changed_takes_another_size_than_the_published_one(place):
    place.serve("file.bin", Reply(OTHER[:-5]))
    place.fetch(source(), accept_changed=True)
    assert place.path().read_bytes() == OTHER[:-5] and present(source(), place.folder)
    ((_, verdict),) = verify(source(), place.folder)
    assert verdict.startswith("as recorded, though it has 199,995 bytes")


def test_a_part_from_elsewhere_is_not_gone_on_with(place, monkeypatch):
    place.serve("file.bin", *cuts(SIZE // 2, data=OTHER), Reply(b"", 404))
    place.fails(source(""))
    monkeypatch.setenv("CS231N_MIRROR", f"{place.url}/elsewhere")
    place.serve("elsewhere/file.bin", WHOLE)
    assert place.fetch(source("")) and place.path().read_bytes() == DATA


def test_whole_part_is_not_fetched_again(place, monkeypatch):
    """As it is when the process died between the last byte and the move."""
    place.serve("file.bin", WHOLE)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(downloads, "_record", interrupt)
        place.fetch(source(""))
    assert place.fetch(source("")) and place.path().read_bytes() == DATA and place.sent() == SIZE


def test_stopped_between_the_tag_and_the_first_byte(place, monkeypatch):
    """The part of one version must not be taken for one of the next."""
    place.serve("file.bin", *cuts(SIZE // 2, data=OTHER), Reply(b"", 404))
    place.fails(source(""))
    place.serve("file.bin", Reply(version={"ETag": '"two"'}))
    write_tag = downloads._write_tag
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(downloads, "_write_tag", lambda *tag: interrupt(write_tag(*tag)))
        place.fetch(source(""))
    assert place.fetch(source("")) and place.path().read_bytes() == DATA


def test_stopped_while_copying_after_a_part_from_a_server(place, monkeypatch, tmp_path):
    place.serve("file.bin", *cuts(SIZE // 2), Reply(b"", 404))
    place.fails(source(""))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "file.bin").write_bytes(OTHER)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setenv("CS231N_MIRROR", str(tmp_path / "mirror"))
        patch.setattr(downloads, "_ask_space", lambda part, *_: (part.write_bytes(OTHER[:999]), interrupt()))
        place.fetch(source(""))
    place.serve("file.bin", WHOLE)
    assert place.fetch(source("")) and place.path().read_bytes() == DATA


def interrupt(*_):
    raise KeyboardInterrupt


def test_connection_refused(place, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("CS231N_MIRROR", f"http://127.0.0.1:{port}")
    place.fails(source(), "failed 5 times", "same command")


def test_disk_full(place, monkeypatch):
    place.serve("file.bin", WHOLE)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=downloads.SPARE + 1000))
        place.fails(source(""), "needs 200 KB", "make room", "--dir")
    assert place.fetch(source(""))


def test_disk_full_while_writing(place, monkeypatch):
    class Full:
        __enter__, __exit__ = (lambda self: self), (lambda *_: None)

        def update(self, count):
            if count:
                raise OSError(28, "No space left on device")

    place.serve("file.bin", WHOLE)
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "progress_bar", lambda *_: Full())
        place.fails(source(), "No space left", "same command")
    assert not place.path().exists() and place.fetch(source())


def test_never_away_from_https():
    leads = types.SimpleNamespace(url="https://127.0.0.1/file.bin")
    reply = types.SimpleNamespace(url="http://127.0.0.1/file.bin", history=[leads], status_code=200, headers={})
    stream = types.SimpleNamespace(__enter__=lambda _: reply, __exit__=lambda *_: None)
    stream = type("Stream", (), vars(stream))()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads.requests, "get", lambda *_, **__: stream)
        with pytest.raises(DownloadError, match="file.bin.*leads away from https.*CS231N_MIRROR"):
            downloads._stream(leads.url, Path("no such folder", ".file.bin.part"), source(), SIZE, True)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"file.bin": 3}', '{"file.bin": {"size": 5}}'])
def test_damaged_ledger(place, text):
    place.path(downloads.LEDGER).write_text(text)
    place.path().write_bytes(b"older")
    place.serve("file.bin", WHOLE)
    assert [*verify(source(), place.folder)][0][1].startswith("WRONG")
    assert place.fetch(source()) and recorded(place.folder)["file.bin"]["size"] == SIZE


# Mirrors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["folder", "folder/", "url", "url/", "http", "http/", "spaces", "relative"])
def test_mirror(place, tmp_path, monkeypatch, form):
    folder = tmp_path / ("my # mirror %20" if form == "spaces" else "mirror")
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file.bin").write_bytes(DATA)
    place.serve("below/file.bin", WHOLE)
    monkeypatch.chdir(tmp_path)
    url, slash = {"u": folder.as_uri(), "h": place.url, "r": folder.name}.get(form[0], str(folder)), form[-1] == "/"
    monkeypatch.setenv("CS231N_MIRROR", url + "/" * slash)
    item = source(file="below/file.bin")
    assert place.fetch(item) and place.path("below/file.bin").read_bytes() == DATA
    assert not place.fetch(item)


@pytest.mark.parametrize("mirror, words", [
    ("/no/such/folder", ("CS231N_MIRROR is", "set it to")), ("gopher://127.0.0.1", ("CS231N_MIRROR is",)),
    ("nonsense", ("CS231N_MIRROR is",)), ("file:///no/such/folder", ("there is no",)), ("http://", ("file.bin",)),
])  # fmt: skip
def test_mirror_that_is_none(place, monkeypatch, mirror, words):
    monkeypatch.setenv("CS231N_MIRROR", mirror)
    with pytest.raises(DownloadError) as caught:
        place.fetch(source())
    assert all(word in str(caught.value) for word in words) and NEXT_STEP.search(str(caught.value))
    assert "file.bin" in str(caught.value)


def test_folder_without_the_file_or_with_another(place, tmp_path, monkeypatch):
    monkeypatch.setenv("CS231N_MIRROR", str(tmp_path))
    place.fails(source(), "there is no", str(tmp_path / "file.bin"))
    (tmp_path / "file.bin").write_bytes(DATA[:-1])
    place.fails(source(), f"{SIZE - 1:,} bytes instead of {SIZE:,}", "--accept-changed")
    (tmp_path / "file.bin").write_bytes(OTHER)
    place.fails(source(), "its sha256 is")
    assert not place.path().exists() and place.left() == []


# Archives ---------------------------------------------------------------------------------------------------

INSIDE = {"a.bin": DATA[:50_000], "b.txt": b"words\n" * 3000}
LARGE = 2**20  # bytes that a member of unknown size may have here
BOX = Source("box.zip", "http://127.0.0.1:9/box.zip", members=(
    Member("a.bin", 50_000, sha256(INSIDE["a.bin"])),
    Member("b.txt", None, None, most=LARGE),
    Member("maybe.bin", None, None, optional=True, most=LARGE),
))  # fmt: skip


def box(*more, method=zipfile.ZIP_DEFLATED, **changed):
    """The archive as it should be, with members changed (by name without ending) or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a member that is there twice
        for name, data in INSIDE.items():
            data = changed.get(name[0], data)
            if data is not None:
                archive.writestr(name, data)
        for info, data in more:
            archive.writestr(info, data)
    return file.getvalue()


def patched(data, offset, form, value, entry=0):
    """An archive with a field of an entry in its central directory changed."""
    at = [found.start() for found in re.finditer(b"PK\x01\x02", data)][entry] + offset
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def link(name, to):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, to


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


STORED = box(method=zipfile.ZIP_STORED)
ZIPS = {
    "leaves by dots": (box(("../evil.bin", b"x")), "leave the folder"),
    "leaves by dots further on": (box(("a/../../evil.bin", b"x")), "leave the folder"),
    "absolute": (box(("/tmp/evil.bin", b"x")), "leave the folder"),
    "drive": (box((r"C:evil.bin", b"x")), "leave the folder"),
    "backslashes": (box((r"a\..\..\evil.bin", b"x")), "leave the folder"),
    "leading backslash": (box((r"\evil.bin", b"x")), "leave the folder"),
    "link": (box(link("maybe.bin", "/etc/hostname")), "is a link"),
    "link beside": (box(link("other", "..")), "is a link"),
    "twice": (box(("a.bin", INSIDE["a.bin"])), "is there twice"),
    "larger than known": (box(a=DATA[:50_001]), "would unpack to 50 KB"),
    "declares a large size": (patched(box(), 24, "<I", 2**30, entry=1), "would unpack to 1.1 GB"),
    "zeros": (box(b=bytes(4 * LARGE)), "would unpack to 4 MB"),
    "zeros, optional": (box(("maybe.bin", bytes(4 * LARGE))), "would unpack to 4 MB"),
    "zeros that declare little": (patched(box(b=bytes(4 * LARGE)), 24, "<I", 100, entry=1), "cannot be unpacked"),
    "cut": (box()[:-30], "cannot be unpacked"),
    "cut in the middle": (box()[:30_000], "cannot be unpacked"),
    "head missing": (box()[1000:], "cannot be unpacked"),
    "bad bytes, stored": (flipped(STORED, 5000), "CRC"),
    "bad bytes, deflated": (flipped(box(), 55), "cannot be unpacked"),
    "bad bytes, lzma": (flipped(box(method=zipfile.ZIP_LZMA), 60), "cannot be unpacked"),
    "bad bytes, bzip2": (flipped(box(method=zipfile.ZIP_BZIP2), 5000), "cannot be unpacked"),
    "encrypted": (patched(box(), 8, "<H", 1), "cannot be unpacked"),
    "unknown method": (patched(box(), 10, "<H", 97), "cannot be unpacked"),
    "missing": (box(b=None), "b.txt is not in it"),
    "other bytes": (box(a=OTHER[:50_000]), "its sha256 is"),
    "smaller": (box(a=DATA[:49_999]), "49,999 bytes instead of 50,000"),
    "an empty member": (box(b=b""), "empty"),
    "not an archive": (OTHER, "not a zip"),
    "an empty archive": (box(a=None, b=None), "not in it"),
}


def test_archive(place):
    place.serve("box.zip", Reply(box(("extra.txt", b"not wanted"), ("deep/a.bin", b"not this one"))))
    assert place.fetch(BOX) is True and place.fetch(BOX) is False
    assert {p.name: p.read_bytes() for p in place.path("box").iterdir()} == INSIDE
    assert place.left() == ["json"] and not place.path("box.zip").exists()
    assert [*verify(BOX, place.folder)] == [("box/a.bin", "right"), ("box/b.txt", "as recorded")]
    assert set(recorded(place.folder)) == {"box/a.bin", "box/b.txt"}


def test_archive_with_the_optional_member_and_in_a_folder(place):
    more = [("box/maybe.bin", b"here")]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [*((f"box/{name}", data) for name, data in INSIDE.items()), *more]:
            archive.writestr(name, data)
    place.serve("box.zip", Reply(file.getvalue()))
    assert place.fetch(BOX) and place.path("box/maybe.bin").read_bytes() == b"here"
    place.path("box/maybe.bin").unlink()
    assert not place.fetch(BOX)


@pytest.mark.parametrize("older", [False, True], ids=["", "older"])
@pytest.mark.parametrize("name", ZIPS)
def test_bad_archive(place, name, older):
    data, words = ZIPS[name]
    if older:
        place.path("box").mkdir()
        place.path("box/a.bin").write_bytes(b"older")
    place.serve("box.zip", Reply(data))
    place.fails(BOX, words)
    in_place = [p for p in place.folder.parent.rglob("*") if p.is_file() and not p.name.endswith(".lock")]
    assert in_place == ([place.path("box/a.bin")] if older else [])  # nothing beside the folder either
    assert not older or in_place[0].read_bytes() == b"older"
    place.serve("box.zip", Reply(box()))
    assert place.fetch(BOX) and place.path("box/a.bin").read_bytes() == INSIDE["a.bin"]


def test_archive_of_other_bytes_accepted(place):
    place.serve("box.zip", Reply(box(a=OTHER[:40_000])))
    assert place.fetch(BOX, accept_changed=True) and place.path("box/a.bin").read_bytes() == OTHER[:40_000]
    place.path("box/a.bin").unlink()
    place.serve("box.zip", Reply(box(("../evil.bin", b"x"))))
    place.fails(BOX, "leave the folder", accept_changed=True)


def test_any_byte_of_an_archive_flipped(place, tmp_path, monkeypatch):
    """The right members, or an error; never anything else."""
    small = {"a.bin": DATA[:300], "b.txt": b"words\n" * 50}
    item = Source("box.zip", "http://127.0.0.1:9/", members=tuple(
        Member(name, len(data), sha256(data)) for name, data in small.items()))  # fmt: skip
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in small.items():
            archive.writestr(name, data)
    monkeypatch.setenv("CS231N_MIRROR", str(tmp_path))
    for at in range(0, len(file.getvalue()), 3):
        (tmp_path / "box.zip").write_bytes(flipped(file.getvalue(), at))
        with suppress(DownloadError):
            place.fetch(item)
        for name, data in small.items():
            path = place.path("box") / name
            assert not path.exists() or path.read_bytes() == data
        shutil.rmtree(place.folder)


def test_disk_full_for_what_is_in_the_archive(place, monkeypatch):
    """The archive has come whole, so it stays for when there is room."""
    data = box()
    place.serve("box.zip", Reply(data))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=downloads.SPARE + len(data)))
        place.fails(BOX, "needs 68 KB", "make room")
    assert place.fetch(BOX) and place.sent("box.zip") == len(data)


def test_stopped_while_unpacking(place, monkeypatch):
    place.serve("box.zip", Reply(box()))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "copyfileobj", interrupt)
        place.fetch(BOX)
    assert not any(place.path("box").iterdir())
    assert place.fetch(BOX) and place.sent("box.zip") == len(box())


# Processes that die, or come at once ------------------------------------------------------------------------

BIG = random.Random(233).randbytes(3_000_000)
SLOW = Reply(BIG, pause=0.003)  # 184 pieces
FETCH = """
import sys
from cs231n.datasets.downloads import fetch
from cs231n.datasets.sources import Source
folder, size, checksum, quiet = sys.argv[1:]
fetch(Source("file.bin", "http://127.0.0.1:9/", int(size), checksum), folder, quiet=quiet == "quiet")
"""


def start(place, *command, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CS231N_MIRROR": place.url}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, *command], env=environment, stdout=pipe, stderr=pipe, text=True, **options)


def start_fetch(place, quiet="quiet"):
    return start(place, "-c", FETCH, str(place.folder), str(len(BIG)), sha256(BIG), quiet)


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_processes_at_once(place):
    place.serve("file.bin", SLOW)
    both = [start_fetch(place, "loud") for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert place.path().read_bytes() == BIG and place.sent() == len(BIG)
    assert sum("another run is fetching file.bin" in text for text in said) <= 1


@POSIX
def test_killed_twenty_times(place):
    place.serve("file.bin", SLOW)
    chance, killed = random.Random(231), 0
    for _ in range(20):
        before, process = place.sent(), start_fetch(place)
        wait_until(lambda: place.sent() > before or process.poll() is not None)  # noqa: B023
        time.sleep(chance.uniform(0, 0.04))
        process.kill()
        process.communicate(timeout=120)
        killed += process.returncode == -signal.SIGKILL
        assert not place.path().exists() or place.path().read_bytes() == BIG
    process = start_fetch(place)
    assert process.communicate(timeout=120)[1] == "" and process.returncode == 0
    assert place.path().read_bytes() == BIG and place.left() == ["json"]
    starts = [int(asked[6:-1]) if asked else 0 for asked in place.asked()]  # bytes=...-
    assert starts == sorted(starts) and starts[-1] > 0, "what had come was fetched again"
    assert killed > 5


@POSIX
def test_ctrl_c(place):
    replies = {f"styles/{name}.jpg": Reply(DATA, pause=0.05) for name in style_pictures.PAINTINGS}
    for file, reply in replies.items():
        place.serve(file, reply)
    command = "-m", "cs231n.datasets", "styles", "--dir", str(place.folder)
    process = start(place, *command, cwd=ROOT)
    wait_until(lambda: place.sent("styles/the_scream.jpg") > SIZE // 3)
    process.send_signal(signal.SIGINT)
    assert "stopped; what has come is kept" in process.communicate(timeout=120)[1] and process.returncode == 130
    assert place.path("styles/starry_night.jpg").exists() and not place.path("styles/the_scream.jpg").exists()
    assert place.path("styles/.the_scream.jpg.part").stat().st_size
    process = start(place, *command, cwd=ROOT)
    assert "styles: fetched" in process.communicate(timeout=120)[0] and process.returncode == 0
    assert all(place.path(file).read_bytes() == DATA for file in replies)
    assert sum(map(place.sent, replies)) < 3.7 * SIZE


# The command line -------------------------------------------------------------------------------------------


@pytest.fixture
def shop(place, monkeypatch):
    """A registry of small things: one is right, one has no checksum, one is gone."""
    gone, new = source(file="gone.bin"), source("", file="new.bin")
    monkeypatch.setattr(command, "SOURCES", {"gone": (gone,), "right": (source(), BOX), "new": (new,)})
    monkeypatch.setattr(command, "USED_BY", dict.fromkeys(("gone", "right", "new"), "a test"))
    place.serve("file.bin", WHOLE)
    place.serve("new.bin", WHOLE)
    place.serve("box.zip", Reply(box()))
    return place


def run(place, capsys, *arguments):
    code = command.main([*arguments, "--dir", str(place.folder)])
    return code, *capsys.readouterr()


def test_all_goes_on_after_a_failure(shop, capsys):
    code, out, err = run(shop, capsys, "all")
    assert code == 1 and err.startswith("error: gone.bin: ") and "404" in err
    assert "right: fetched" in out and "new.bin: its checksum is not published; this one was recorded" in out
    assert run(shop, capsys, "new", "right", "new")[1].count("there already") == 2


def test_list(shop, capsys):
    code, out, _ = run(shop, capsys, "--list")
    assert code == 0 and "200 KB" in out and "not published" in out and " yes " not in out
    run(shop, capsys, "new")
    assert re.search(r"new\.bin +not published +yes +a test", run(shop, capsys)[1])
    assert "gone" not in run(shop, capsys, "right", "--list")[1]


def test_verify(shop, capsys):
    assert run(shop, capsys, "--verify")[:2] == (0, "nothing was fetched yet\n")
    run(shop, capsys, "right", "new")
    code, out, _ = run(shop, capsys, "--verify")
    assert code == 0 and "file.bin: right" in out and "new.bin: as recorded" in out
    for name, instead in (("new.bin", OTHER), ("file.bin", OTHER), ("box/a.bin", b"short")):
        whole = shop.path(name).read_bytes()
        shop.path(name).write_bytes(instead)
        code, out, _ = run(shop, capsys, "--verify")
        assert code == 1 and f"{name}: WRONG: it" in out and out.count("WRONG") == 1
        shop.path(name).write_bytes(whole)


def test_unknown_name(capsys):
    with pytest.raises(SystemExit) as left:
        command.main(["coco", "cifar"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert "no data called cifar" in err and all(name in err for name in (*sources.SOURCES, "all"))


def test_a_place_where_nothing_can_be_put(shop, capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert command.main(["right", "--dir", str(tmp_path / "file")]) == 1
    assert "error: " in (err := capsys.readouterr().err) and str(tmp_path / "file") in err and "--dir" in err


def shell(script, cwd, *arguments, **environment):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | environment
    return subprocess.run([script, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@POSIX
def test_script_from_another_folder(tmp_path):
    done = shell(ROOT / "get_datasets.sh", tmp_path, "--list")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in sources.SOURCES)
    assert shell(ROOT / "get_datasets.sh", tmp_path, "nothing").returncode == 2


@POSIX
def test_script_in_a_path_with_spaces(place, tmp_path):
    course = tmp_path / "my course"
    shutil.copytree(ROOT / "cs231n", course / "cs231n", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "get_datasets.sh", course)
    for name in style_pictures.PAINTINGS:
        place.serve(f"styles/{name}.jpg", WHOLE)
    done = shell("./my course/get_datasets.sh", tmp_path, "styles")
    assert done.returncode == 0, done.stderr
    assert (course / "datasets" / "styles" / "the_scream.jpg").read_bytes() == DATA


# The registry -----------------------------------------------------------------------------------------------

ALL = [source for group in sources.SOURCES.values() for source in group]


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.file)
def test_registry(item):
    assert item.url.startswith("https://") and " " not in item.url
    assert bool(item.members) == item.file.endswith(".zip")
    for part in (item, *item.members):
        assert part.size is None or part.size > 0
        assert re.fullmatch("sha256:([0-9a-f]{8}|[0-9a-f]{64})|md5:[0-9a-f]{32}|None", str(part.checksum))


def test_registry_as_a_whole():
    files = [name for item in ALL for name, _ in item.results]
    assert len(set(files)) == len(files)
    assert sources.USED_BY.keys() == sources.SOURCES.keys()


def results(name):
    return [Path(path).as_posix() for item in sources.SOURCES[name] for path, _ in item.results]


def below(path):
    return Path(path).relative_to(datasets.DATASETS).as_posix()


def test_loaders_look_for_what_is_fetched():
    assert results("imagenet") == [below(data_utils.REAL)]
    assert results("squeezenet") == [squeezenet.CHECKPOINT]
    assert squeezenet.CHECKPOINT.partition("-")[2].startswith(sources.SOURCES["squeezenet"][0].checksum[7:])
    assert sorted(results("mnist")) == sorted(below(digits.MNIST / f) for pair in digits.FILES.values() for f in pair)
    assert results("styles") == [f"styles/{name}.jpg" for name in style_pictures.PAINTINGS]


def test_captions_loader_looks_for_what_is_fetched(monkeypatch):
    from cs231n import coco_utils

    asked = []
    monkeypatch.setattr(coco_utils, "choose", lambda real, mini, name: asked.extend(real) or real[0])
    coco_utils._default_folder()
    (item,) = sources.SOURCES["coco"]
    assert {below(path) for path in asked} == {path for path, member in item.results if not member.optional}


def test_enough_faults():
    assert len(FAULTS) + len(ZIPS) >= 80
