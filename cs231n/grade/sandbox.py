"""The judge's end: a submission's tree, the process that answers in it, and what is seen of an answer over the line."""

import builtins
import functools
import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cs231n.checks.result import Seen
from cs231n.checks.run import TimeOut
from cs231n.checks.todo import TODOS, Waiting, Wrong

from . import wire
from .confine import FILE_SIZE

SECONDS = 20  # for one case, all of which are tiny: on a busy machine too, only what never ends takes as long
GRACE = 10  # seconds beyond those after which an answer is told to stop
LOADING = 60  # for the student's module
STARTING = 300  # for what all answers need, on a busy machine
MOST_ALARMS = 100  # more are a flood
ENOUGH = 2**26  # bytes in the temporary folder
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Gone(TimeOut):
    """The answer's process is gone, or had to be ended; so no further case is asked for."""


class Sandbox:
    """A copy of a tree, for one submission's files after the other, and the process that forks those that answer.

    That one never loads a module that a submission may hold. folder: for everything temporary.
    """

    def __init__(self, tree, folder):
        self.source, self.folder = tree, Path(tempfile.mkdtemp(prefix="sandbox-", dir=folder))
        self.tree = self.folder / "tree"
        self.lay({})
        self._start()

    def lay(self, files):
        """Lay a submission's files, {path: bytes}, over a fresh copy of the tree."""
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(self.source, self.tree)
        for path, data in files.items():
            self.tree.joinpath(path).write_bytes(data)

    def _start(self):
        self.control, theirs = socket.socketpair()
        self.control.settimeout(STARTING)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        env = {"HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **ONE_THREAD}
        code = f"from cs231n.grade.answering import serve; serve({theirs.fileno()})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=self.tree, env=env, pass_fds=[theirs.fileno()], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        theirs.close()
        if self.control.recv(16) != b"ready":
            raise RuntimeError(f"the answering process did not start: {self.process.communicate()[1].decode()[-2000:]}")

    def close(self):
        """End its processes, and remove its files."""
        self.process.kill()
        self.process.communicate()
        self.control.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def order(self, **what):
        """A Line to a new process that carries out an order: id=... of a TODO to answer, or explain=..."""
        try:
            return Line(self, what)
        except OSError:  # an answer has ended the process that forks them
            self.process.kill()
            self.process.communicate()
            self.control.close()
            self._start()
            return Line(self, what)


class Line:
    """What goes between the judge and one answering process.

    alarms: what was done that no answer needs to do: (text, the file that did it, the id of the TODO), "" if unknown.
    """

    def __init__(self, sandbox, order):
        self.sandbox, self.alarms, self.ended = sandbox, [], None
        self.folder = Path(tempfile.mkdtemp(prefix="answer-", dir=sandbox.folder))
        self.output = sandbox.folder / "output"
        (theirs, self.requests), (self.replies, back) = os.pipe(), os.pipe()
        order = {**order, "folder": str(self.folder), "output": str(self.output), "seconds": SECONDS}
        try:
            socket.send_fds(sandbox.control, [json.dumps(order).encode()], [theirs, back])
        except OSError:
            os.close(self.requests)
            os.close(self.replies)
            raise
        finally:
            os.close(theirs)
            os.close(back)

    def missing(self):
        """Sentences on what could not be kept from it here; to be asked first, before the student's code is loaded."""
        return self.ask(None, LOADING, lambda reply: [str(sentence) for sentence in reply["missing"]])

    def ask(self, value, seconds, read):
        """Send a value, unless it is None, and return read(the reply); Gone, with the reason, if no such one comes."""
        token, until = secrets.token_hex(8), time.monotonic() + seconds
        try:
            if value is not None:
                wire.send(self.requests, {"token": token, **value}, until)
            while "alarm" in (reply := wire.receive(self.replies, until, self._watch)):
                self.alarms.append((str(reply["alarm"]), *map(str, reply["of"])))
                if len(reply["of"]) != 2 or len(self.alarms) > MOST_ALARMS:
                    raise wire.BrokenLine("alarms that are none")
            if value is not None and reply["token"] != token:
                raise wire.BrokenLine("a forged reply")
            return read(reply)
        except wire.Late:
            raise self._gone(f"it did not stop within {seconds:.0f} s, and had to be ended") from None
        except wire.BrokenLine as error:
            dead = str(error) in ("the line is dead", "nobody listens")
            raise self._gone(None if dead else f"it broke into the line to the judge ({error})") from None
        except Exception as error:  # a message of another form
            raise self._gone(f"it broke into the line to the judge ({type(error).__name__})") from None

    def _watch(self):
        size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())
        if size > ENOUGH:
            raise wire.BrokenLine(f"it wrote more than {ENOUGH // 2**20} MiB")

    def _gone(self, reason):
        status = self.close()
        gone = Gone(reason or f"its process ended in the middle of a case ({_how(status)})")
        gone.own_line = ""
        self._alarm(str(gone))
        return gone

    def _alarm(self, text):
        self.alarms.append((text, "", ""))

    def close(self):
        """End the process; its exit status, None if that cannot be had."""
        if self.ended is None:
            self.ended = (self._end(),)
            if self.output.exists() and self.output.stat().st_size >= FILE_SIZE:
                self._alarm(f"it printed more than {FILE_SIZE // 2**20} MiB")
            self.output.unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.ended[0]

    def _end(self):
        os.close(self.requests)
        os.close(self.replies)
        try:
            self.sandbox.control.sendall(b".")
            return struct.unpack("<i", self.sandbox.control.recv(4))[0]
        except (OSError, struct.error):  # the process that forks them is gone as well
            self._alarm("it ended the process that had started it")
            self.sandbox.process.kill()
            self.sandbox.process.wait()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _how(status):
    if status is None:
        return "how, is not known"
    return f"signal {-status}" if status < 0 else f"exit status {status}"


class RemoteAnswer:
    """A submission's answer to a TODO, as verdict() asks for one. Raises Unusable where its module cannot be loaded."""

    def __init__(self, todo, line):
        self.todo, self.line, self.gone = todo, line, None
        unusable, self._code, self._stands, self._begun = line.ask(None, LOADING, _hello)
        if unusable:
            raise Unusable(*unusable)

    def see(self, args):
        """The Seen of a case's arguments."""
        if self.gone:
            return Seen(error=self.gone)
        try:
            return self.line.ask({"args": args}, SECONDS + GRACE, functools.partial(_seen, self.todo))
        except Gone as gone:
            self.gone = gone
            return Seen(error=gone)

    def code(self):
        """As LiveAnswer's."""
        return self._code

    def stands(self):
        """As LiveAnswer's."""
        return self._stands

    def begun(self, id):
        """As LiveAnswer's."""
        return self._begun.get(id, True)


class Unusable(Exception):
    """The module with an answer cannot be loaded: args are the reason and the line."""


def _hello(reply):
    """(None, or the reason and the line why it is unusable; code, stands and begun of the answer)."""
    if "unusable" in reply:
        return (str(reply["unusable"]), str(reply["line"])), None, False, {}
    begun = {str(id): bool(is_begun) for id, is_begun in reply["begun"].items()}
    if reply["code"] is None:
        return None, None, bool(reply["stands"]), begun
    line, written = reply["code"]
    return None, (None if line is None else int(line), bool(written)), bool(reply["stands"]), begun


def _seen(todo, reply):
    known = todo.argument_names()
    changed = [name for name in reply["changed"] if name in known]
    error = reply["error"] and _error(**{key: str(reply["error"][key]) for key in ("kind", "text", "line")})
    return Seen(outputs=dict(reply["outputs"]), changed=changed, error=error)


def _error(kind, text, line):
    """An error that tells what another process's told, of the same type where that is Python's or a check's."""
    if kind == "Waiting" and text not in TODOS:
        kind = "Exception"
    ours = {"Wrong": Wrong, "TimeOut": TimeOut, "Waiting": Waiting}
    found = ours.get(kind) or getattr(builtins, kind, None)
    if not (isinstance(found, type) and issubclass(found, BaseException)) or found is KeyboardInterrupt:
        found = type(kind if kind.isidentifier() else "Exception", (Exception,), {})
    if found is KeyError:
        text = text.strip("'")  # which come back when it is shown
    try:
        error = found(text)
    except TypeError:  # one that takes more than a text
        error = type(found.__name__, (Exception,), {})(text)
    error.own_line = line
    return error
