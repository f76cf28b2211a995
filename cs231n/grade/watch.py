"""What an answer tries that none needs to try, told to the judge at once, and whose code it is.

An audit hook sees what Python is asked to do (PEP 578); what an answer changes in its process is seen by looking.
"""

import ast
import atexit
import errno
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from cs231n.checks.disk import definition
from cs231n.checks.todo import EDITION, TODOS

from . import wire

STARTS = {"os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
SIGNALS = {"os.kill", "os.killpg"}
CHANGES = {
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.chown"),
    *("os.utime", "os.setxattr", "os.removexattr"),
}
READS = {"open", "os.listdir", "os.scandir"}
NETWORK = {"socket.connect", "socket.bind", "socket.getaddrinfo"}
NATIVE = {"ctypes.dlopen", "ctypes.dlsym"}
TWO_PATHS = {"os.rename", "os.link"}
WATCHED = STARTS | SIGNALS | CHANGES | READS | NETWORK | NATIVE
MOST_ALARMS = 20
MEMORY = 2**30  # bytes that no case comes near
_line = []  # the file descriptor that alarms go to, once there is one


def begin(readable, writable, replies):
    """From now on tell, over this file descriptor, what an answer tries outside of these folders."""
    _line.append(replies)
    sys.addaudithook(_hook([*readable, writable], writable))


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
        function = definition(ast.parse(data), todo.attribute)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return range(0)
    return range(function.lineno, function.end_lineno + 1) if function else range(0)


def refuse():
    """Stands where a check knows what is right."""
    alarm("it asked a check for what is right")
    raise PermissionError("what is right is not kept here")


def _hook(readable, writable):
    """An audit hook, which nothing can remove."""
    readable = [os.path.realpath(folder) for folder in readable]
    writable = os.path.realpath(writable)

    def within(path, folders):
        if isinstance(path, int) or path is None:
            return True
        path = os.path.realpath(os.fsdecode(path))  # Python itself may stand behind a link
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
        elif event == "open" and set(str(args[1])) & set("wax+") and not within(args[0], [writable]):
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


def surroundings():
    """What of the process a function has no business to change."""
    folder = os.stat(".")
    return {
        "the current folder": (folder.st_dev, folder.st_ino),
        "the environment": dict(os.environ),
        "sys.path": list(sys.path),
        "what runs at the end": atexit._ncallbacks(),
        "memory": memory(),
    }


def memory():
    """The most that this process has had so far, in bytes."""
    import resource  # which Windows lacks

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def tell_of_surroundings(before, function):
    """Raise an alarm where the surroundings are not what they were, much memory was taken, or a thread runs on."""
    if memory() - before["memory"] > MEMORY:
        alarm(f"it took more than {MEMORY // 2**30} GiB of memory", _place_of(function))
    for what, now in surroundings().items():
        if now != before[what] and what != "memory":
            alarm(f"it changed {what}", _place_of(function))
    for thread in threading.enumerate()[1:]:
        alarm("it left a thread running", _place_of(getattr(thread, "_target", None)))


def tell_of_error(error):
    """Raise an alarm where an error is a try to end the program, or to fill the disk."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames if _is_a_students(frame.filename)]
    if isinstance(error, SystemExit):
        alarm("it tried to end the program (sys.exit)", places[-1] if places else None)
    elif isinstance(error, OSError) and error.errno == errno.EFBIG:
        alarm("it tried to write a file larger than it may", places[-1] if places else None)


def attributes():
    """What the modules hold that an answer shares with its check."""
    import torch

    checks = [
        module for name, module in list(sys.modules.items()) if name.startswith(("cs231n.checks", "cs231n.grade"))
    ]
    owners = [np, np.linalg, torch, torch.nn, torch.nn.functional, torch.autograd, torch.Tensor, os, signal, *checks]
    return [(owner, {k: v for k, v in vars(owner).items() if not k.startswith("_")}) for owner in owners]


def tell_of_exchanged(before):
    """Raise an alarm where attributes() are not what they were."""
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
