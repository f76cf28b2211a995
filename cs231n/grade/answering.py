"""The processes that hold a student's code, in a tree with their files laid over.

The first loads what is not the student's, and forks one process for each TODO. That one is confined, loads the
student's code, and answers: arguments in, arrays out. It judges nothing, and what is right is not in its reach.
"""

import ast
import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys
import sysconfig
import threading
import traceback
from pathlib import Path

import numpy as np

from cs231n.checks import run
from cs231n.checks.answer import LiveAnswer
from cs231n.checks.errors import describe, line_of_loading, own_line
from cs231n.checks.todo import EDITION, TODOS, Waiting, find
from cs231n.grade import confine, wire

READABLE = (  # by an answer, besides its own tree and Python's
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", os.devnull, "/dev/urandom", "/dev/random"),
)
STARTS = {"os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
SIGNALS = {"os.kill", "os.killpg"}
CHANGES = {
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.chown"),
    *("os.utime", "os.setxattr", "os.removexattr"),
}
GIVEN = "cs231n.image_utils", "cs231n.coco_utils", "cs231n.data_utils", "cs231n.classifiers.squeezenet"
READS = {"open", "os.listdir", "os.scandir"}
NETWORK = {"socket.connect", "socket.bind", "socket.getaddrinfo"}
NATIVE = {"ctypes.dlopen", "ctypes.dlsym"}
TWO_PATHS = {"os.rename", "os.link"}
WATCHED = STARTS | SIGNALS | CHANGES | READS | NETWORK | NATIVE
SECONDS = 20  # for one case, all of which are tiny: on a busy machine too, only what never ends takes as long
MOST_ALARMS = 20
_line = []  # the file descriptor that alarms go to, once there is one


def serve(control):
    """Fork a process for each order that comes, with the two ends of its line to the judge; control: a socket's FD."""
    sys.path[0] = str(EDITION)
    run.SECONDS = SECONDS
    _load()
    control = socket.socket(fileno=control)
    control.sendall(b"ready")
    while True:
        order, ends, *_ = socket.recv_fds(control, 2**16, 2)
        if not order:
            return
        pid = os.fork()
        if not pid:
            control.close()
            _answer_and_end(json.loads(order), *ends)
        for end in ends:
            os.close(end)
        control.recv(1)  # the judge has heard enough, or is gone
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        control.sendall(struct.pack("<i", os.waitstatus_to_exitcode(status)))


def _load():
    """Load once what answers need that is not a student's; torch loads some of it at its first use only."""
    import matplotlib.pyplot  # noqa: F401
    import torch
    import torchvision  # noqa: F401

    torch.set_num_threads(1)
    weight = torch.nn.Parameter(torch.ones(1, 1, 2, 2))
    torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), weight).sum().backward()
    torch.optim.Adam([weight]).step()
    for name in GIVEN:
        importlib.import_module(name)
    gc.freeze()  # or each fork's first collection would copy all of it


def _answer_and_end(order, requests, replies):
    status = 1
    try:
        requests, replies = _keep_only(requests, replies, order["output"])
        missing = _enter(order["folder"], replies)
        if "explain" in order:
            wire.send(replies, _explained(order["explain"]))
        else:
            _answer(find(order["id"]), requests, replies, missing)
        status = 0
    except wire.BrokenLine:
        status = 0  # the judge is gone
    finally:
        os._exit(status)  # whatever an answer has registered for the end does not run


def _keep_only(requests, replies, output):
    """Close every file but the line to the judge; what is printed goes into a file."""
    os.setsid()
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for place, end in enumerate((null, out, out)):
        os.dup2(end, place)
    high = 64  # above all that is open in a process as young as this
    os.dup2(requests, high)
    os.dup2(replies, high + 1)
    os.closerange(3, high)
    os.closerange(high + 2, 4096)
    return high, high + 1


def _enter(folder, replies):
    """Confine this process to a folder; what it tries besides is told to the judge."""
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    readable = [str(EDITION), *_pythons_own(), *READABLE]
    missing = confine.confine(readable, folder)
    _line.append(replies)
    sys.addaudithook(_watch([*readable, folder], folder))
    return missing


def _pythons_own():
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path}
    return sorted(str(Path(path).resolve()) for path in paths if path and os.path.isdir(path))


def alarm(text, place=None):
    """Tell the judge at once: what has gone out cannot be taken back. place: (file, line) of the code that did it."""
    if _line and len(_line) <= MOST_ALARMS:
        _line.append(text)
        wire.send(_line[0], {"alarm": text[:300], "of": _owner(*(place or _students_line()))})


def _students_line():
    """The innermost line of a student's on the stack."""
    frame = sys._getframe(2)
    while frame is not None and not _is_a_students(frame.f_code.co_filename):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)


def _is_a_students(file):
    return file in {str(EDITION / todo.file) for todo in TODOS.values()}


def _owner(file, line):
    """[file in the tree, id of the TODO whose function holds the line]; empty where that is not known."""
    for todo in TODOS.values() if _is_a_students(file) else ():
        if file == str(EDITION / todo.file) and line in lines_of(todo, Path(file).read_bytes()):
            return [todo.file, todo.id]
    return [str(Path(file).relative_to(EDITION)), ""] if _is_a_students(file) else ["", ""]


def lines_of(todo, data):
    """The lines of a TODO's function in the bytes of its file; none where it is not there, or the file has faults."""
    try:
        node = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return range(0)
    for name in todo.attribute.split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        node = next((n for n in reversed(node.body) if isinstance(n, kinds) and n.name == name), None)
        if node is None:
            return range(0)
    return range(node.lineno, node.end_lineno + 1)


def refuse():
    """Stands where a check knows what is right."""
    alarm("it asked a check for what is right")
    raise PermissionError("what is right is not kept here")


def _watch(readable, writable):
    """An audit hook, which nothing can remove: it tells what an answer tries that none needs."""

    def within(path, folders):
        if isinstance(path, int) or path is None:
            return True
        path = os.path.abspath(os.fsdecode(path))
        return any(path == folder or path.startswith(folder + "/") for folder in folders)

    def hook(event, args):
        if event not in WATCHED or _is_a_librarys():
            return
        if event in STARTS:
            alarm(f"it tried to start another process ({event})")
        elif event in SIGNALS and args[0] != os.getpid():
            alarm("it tried to signal another process")
        elif event in NATIVE:
            alarm(f"it tried to reach below Python ({event})")
        elif event in NETWORK:
            alarm("it tried to reach the network")
        elif event in CHANGES and not all(within(path, [writable]) for path in args[: 1 + (event in TWO_PATHS)]):
            alarm(f"it tried to change what is not its own ({event} {_shown(args[0])})")
        elif (
            event == "open"
            and isinstance(args[1], str)
            and set(args[1]) & set("wax+")
            and not within(args[0], [writable])
        ):
            alarm(f"it tried to write into {_shown(args[0])}")
        elif event in READS and not within(args[0], readable):
            alarm(f"it tried to read {_shown(args[0])}")

    return hook


def _is_a_librarys():
    """Whether a library that is being loaded does it, and no line of the student's."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(str(EDITION)):
            return False
        if file.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _shown(path):
    return os.fsdecode(path)[-80:] if isinstance(path, (str, bytes, os.PathLike)) else repr(path)[:80]


def _answer(todo, requests, replies, missing):
    """Say how loading went, then answer one case after the other, until the judge has done."""
    before = _attributes()
    try:
        answer = LiveAnswer(todo, todo.live())
        code = answer.code()
        begun = {id: answer.begun(id) for ids in todo.later.values() for id in ids}
        hello = {"code": list(code) if code else None, "stands": answer.stands(), "begun": begun, "missing": missing}
    except BaseException as error:  # also SystemExit: a module may do anything
        wire.send(replies, {"unusable": describe(error), "line": line_of_loading(error)})
        return
    _tell_of_exchanged(before)
    wire.send(replies, hello)
    while True:
        asked = wire.receive(requests)
        seen = answer.see(asked["args"])
        _tell_of_exchanged(before)
        for thread in threading.enumerate()[1:]:
            alarm("it left a thread running", _place_of(getattr(thread, "_target", None)))
        _reply(replies, {"token": asked["token"], **_told(seen, todo)})


def _reply(replies, told):
    try:
        wire.send(replies, told)
    except ValueError as error:  # too large
        wire.send(replies, {**told, "outputs": {}, "error": {"kind": "ValueError", "text": str(error), "line": ""}})


def _told(seen, todo):
    outputs = {str(name): value for name, value in seen.outputs.items()}
    if seen.error is None:
        return {"outputs": outputs, "changed": seen.changed, "error": None}
    if isinstance(seen.error, SystemExit):
        frames = traceback.extract_tb(seen.error.__traceback__)
        places = [(frame.filename, frame.lineno) for frame in frames if _is_a_students(frame.filename)]
        alarm("it tried to end the program (sys.exit)", places[-1] if places else None)
    text = seen.error.args[0] if isinstance(seen.error, Waiting) else str(seen.error)
    error = {"kind": type(seen.error).__name__, "text": text[:600], "line": own_line(seen.error, todo)}
    return {"outputs": {}, "changed": seen.changed, "error": error}


def _attributes():
    """What the modules hold that an answer shares with its check."""
    import torch

    checks = [
        module for name, module in list(sys.modules.items()) if name.startswith(("cs231n.checks", "cs231n.grade"))
    ]
    owners = [np, np.linalg, torch, torch.nn, torch.nn.functional, torch.autograd, torch.Tensor, os, signal, *checks]
    return [(owner, {k: v for k, v in vars(owner).items() if not k.startswith("_")}) for owner in owners]


def _tell_of_exchanged(before):
    for owner, attributes in before:
        now = vars(owner)
        for name, value in attributes.items():
            if _is_foreign(now.get(name), value):
                alarm(f"it exchanged {owner.__name__}.{name}", _place_of(now.get(name)))


def _place_of(function):
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


def _is_foreign(now, before):
    """Whether something else stands there, and not a library's own doing at a first use."""
    return now is not before and str(getattr(now, "__module__", "cs231n")).split(".")[0] not in ("torch", "numpy")


def _explained(id):
    from cs231n.checks.verdict import evaluate

    result = evaluate(id)
    changes = [f"Line {c.line}: `{c.before}` should be `{c.after}`." for c in result.changes]
    names = "state", "reason", "details", "mistake", "line", "loosely", "explained", "outputs"
    return {**{name: getattr(result, name) for name in names}, "changes": changes}
