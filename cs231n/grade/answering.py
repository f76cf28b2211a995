"""The processes that hold a student's code, in a tree with their files laid over.

The first loads what is not the student's, and forks one process for each TODO. That one is confined, loads the
student's code, and answers: arguments in, arrays out. It judges nothing, and what is right is not in its reach.
"""

import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys
import sysconfig
from pathlib import Path

from cs231n.checks import run
from cs231n.checks.answer import LiveAnswer
from cs231n.checks.errors import describe, line_of_loading, own_line
from cs231n.checks.explain import explain
from cs231n.checks.todo import EDITION, Waiting, find
from cs231n.checks.verdict import verdict
from cs231n.grade import confine, watch, wire

READABLE = (  # by an answer, besides its own tree and Python's
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", os.devnull, "/dev/urandom", "/dev/random"),
)
GIVEN = "cs231n.image_utils", "cs231n.coco_utils", "cs231n.data_utils", "cs231n.classifiers.squeezenet"


def serve(control):
    """Fork a process for each order that comes, with the two ends of its line to the judge; control: a socket's FD."""
    sys.path[0] = str(EDITION)
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
        run.SECONDS = order["seconds"]
        wire.send(replies, {"missing": _enter(order["folder"], replies)})
        if "explain" in order:
            wire.send(replies, _explained(order["explain"]))
        else:
            _answer(find(order["id"]), requests, replies)
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
    watch.begin(readable, folder, replies)
    return missing


def _pythons_own():
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path}
    return sorted(str(Path(path).resolve()) for path in paths if path and os.path.isdir(path))


def _answer(todo, requests, replies):
    """Say how loading went, then answer one case after the other, until the judge has done."""
    before = watch.attributes()
    try:
        answer = LiveAnswer(todo, todo.live())
        code = answer.code()
        begun = {id: answer.begun(id) for ids in todo.later.values() for id in ids}
        hello = {"code": list(code) if code else None, "stands": answer.stands(), "begun": begun}
    except BaseException as error:  # also SystemExit: a module may do anything
        watch.tell_of_error(error)
        wire.send(replies, {"unusable": describe(error), "line": line_of_loading(error)})
        return
    watch.tell_of_exchanged(before)
    wire.send(replies, hello)
    while True:
        asked = wire.receive(requests)
        here = watch.surroundings()
        seen = answer.see(asked["args"])
        watch.tell_of_exchanged(before)
        watch.tell_of_surroundings(here, answer.function)
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
    watch.tell_of_error(seen.error)
    text = seen.error.args[0] if isinstance(seen.error, Waiting) else str(seen.error)
    error = {"kind": type(seen.error).__name__, "text": text[:600], "line": own_line(seen.error, todo)}
    return {"outputs": {}, "changed": seen.changed, "error": error}


def _explained(id):
    """What a check would add to the verdict on an answer."""
    todo = find(id)
    answer = LiveAnswer(todo, todo.live())
    result, cases, seen = verdict(answer)
    if result.label:
        explain(todo, answer.function, cases, seen, result)
    names = "state", "details", "mistake", "line", "loosely", "explained", "outputs"
    return {name: getattr(result, name) for name in names}
