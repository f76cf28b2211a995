"""What holds an answer of somebody's: the limits, the line that carries no code, a tree without what is right."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cs231n.checks import TODOS
from cs231n.grade import confine, trees, wire
from cs231n.grade.answering import READABLE

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process give up files and network")

TRIES = {
    "write outside": "open({outside!r} + '/x', 'w')",
    "read outside": "open({outside!r} + '/secret').read()",
    "list outside": "os.listdir({outside!r})",
    "remove outside": "os.remove({outside!r} + '/secret')",
    "rename outside": "os.rename({outside!r} + '/secret', {outside!r} + '/y')",
    "link outside": "os.link({outside!r} + '/secret', {inside!r} + '/z')",
    "change rights outside": "os.chmod({outside!r} + '/secret', 0)",
    "change dates outside": "os.utime({outside!r} + '/secret')",
    "truncate outside": "os.truncate({outside!r} + '/secret', 0)",
    "fork": "os.fork()",
    "another program": "os.execv('/bin/true', ['true'])",
    "a subprocess": "subprocess.run(['/bin/true'])",
    "network": "socket.socket()",
    "signal the parent": "os.kill(os.getppid(), 0)",
    "signal every process": "os.kill(-1, 0)",
    "other limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "much memory": "bytearray(2**33)",
    "a large file": "open({inside!r} + '/large', 'wb').write(bytes(2**25))",
    "another priority": "os.setpriority(os.PRIO_PROCESS, 0, 5)",
}
FINE = {
    "write inside": "open({inside!r} + '/x', 'w').write('x')",
    "a thread": "t = threading.Thread(target=print); t.start(); t.join()",
    "arithmetic": "np.ones((300, 300)) @ np.ones((300, 300))",
    "a library": "import wave, html.parser",
    "signal itself": "os.kill(os.getpid(), 0)",
    "see its limits": "resource.getrlimit(resource.RLIMIT_AS)",
    "chance": "os.urandom(8)",
}
PROGRAM = """
import json, os, resource, socket, subprocess, sys, threading
import numpy as np
from cs231n.grade.confine import confine
tries, readable, inside = json.loads(sys.argv[1])
missing = confine(readable, inside)
told = {}
for name, code in tries.items():
    try:
        exec(code)
        told[name] = "done"
    except BaseException as error:
        told[name] = type(error).__name__
print(json.dumps([missing, told]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a confined process says of each try: done, or the error; and the folder outside of its own."""
    inside, outside = tmp_path_factory.mktemp("in side"), tmp_path_factory.mktemp("öutside")
    (outside / "secret").write_text("right")
    tries = {name: code.format(inside=str(inside), outside=str(outside)) for name, code in (TRIES | FINE).items()}
    python = [str(Path(p).resolve()) for p in {sys.prefix, sys.base_prefix, *sys.path} if p and Path(p).is_dir()]
    argument = json.dumps([tries, [*READABLE, *python], str(inside)])
    run = subprocess.run([sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True)
    assert not run.returncode, run.stderr
    missing, said = json.loads(run.stdout.splitlines()[-1])
    assert missing == []
    return said, outside


@linux
@pytest.mark.parametrize("name", TRIES)
def test_a_confined_process_cannot(told, name):
    assert told[0][name] in ("PermissionError", "OSError", "MemoryError", "ValueError"), name


@linux
@pytest.mark.parametrize("name", FINE)
def test_a_confined_process_still_can(told, name):
    assert told[0][name] == "done"


@linux
def test_nothing_has_changed_outside(told):
    assert [path.name for path in told[1].iterdir()] == ["secret"]
    assert (told[1] / "secret").read_text() == "right" and (told[1] / "secret").stat().st_mode & 0o400


HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_of_calls_are_the_kernels(machine):
    if not Path(HEADERS[machine]).exists():
        pytest.skip("this system has no headers of the kernel")
    real = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(HEADERS[machine]).read_text()))
    ours = confine.numbers(confine.REFUSED + confine.ASKED, machine)
    assert len(ours) > 40
    assert {name: number for name, number in ours.items() if int(real.get(name, number)) != number} == {}
    assert set(ours) - set(real) <= {"fchmodat2"}  # newer than some headers


VALUES = [
    {"a": np.arange(6.0).reshape(2, 3), "b": np.float32([1, 2])},
    [None, True, 3, 2.5, "ä", (1, [2])],
    (np.zeros((0, 3), np.int64), np.bool_(True), np.float64(2)),
    np.arange(12).reshape(3, 4).T,
    np.array([1, 2], dtype=">i4"),
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_values_come_over_the_line_as_they_are(value):
    def same(a, b):
        if isinstance(a, np.ndarray | np.generic):
            return isinstance(b, np.ndarray) and np.array_equal(a, b) and a.dtype == b.dtype
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        if isinstance(a, list | tuple):
            return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
        return a == b and type(a) is type(b)

    ours = np.asarray(value).astype("=i4") if getattr(value, "dtype", None) == np.dtype(">i4") else value
    assert same(ours, wire.unpack(wire.pack(value)))


class Liar(np.ndarray):
    def __eq__(self, other):
        return True


@pytest.mark.parametrize("value", [object(), np.array([object()]), np.zeros(2).view(Liar), len, {1: 2}, {"a": {2}}])
def test_what_is_no_plain_value_arrives_empty(value):
    got = wire.unpack(wire.pack([value]))[0]
    got = got["a"] if isinstance(got, dict) else got
    assert not isinstance(got, np.ndarray) and vars(type(got)).keys() <= {
        "__module__",
        "__dict__",
        "__weakref__",
        "__doc__",
    }


@pytest.mark.parametrize("data", [b"", b"\0" * 4, b"\xff" * 50, struct.pack("<I", 2) + b"{}", b"\x08\0\0\0" + b"[" * 8])
def test_rubbish_is_no_message(data):
    with pytest.raises(wire.BrokenLine):
        wire.unpack(data)


def test_what_is_too_large_is_not_sent():
    with pytest.raises(ValueError, match="large|MiB"):
        wire.pack(np.broadcast_to(0.0, (10**6, 10**6)))


def test_a_side_that_says_nothing_or_leaves_is_noticed():
    ours, theirs = socket.socketpair()
    with pytest.raises(wire.Late):
        wire.receive(ours.fileno(), until=0)
    theirs.sendall(b"\x10\0\0\0half")
    theirs.close()
    with pytest.raises(wire.BrokenLine):
        wire.receive(ours.fileno())
    ours.close()


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """The tree that answers."""
    folder = tmp_path_factory.mktemp("trees")
    trees.build_trees(folder)
    return folder / "answering"


def test_the_answering_tree_does_not_know_what_is_right(answering):
    asked = (
        "from cs231n.checks import TODOS\n"
        "for todo in TODOS.values():\n"
        "    args = next(iter(todo.cases().values()))\n"
        "    try:\n        print(todo.id, 'knows', todo.expected(*args))\n"
        "    except PermissionError:\n        print(todo.id, 'asks in vain', len(todo.mistakes))\n"
    )
    run = subprocess.run([sys.executable, "-c", asked], cwd=answering, capture_output=True, text=True, env={
        **os.environ, "PYTHONPATH": str(answering), "PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    assert run.stdout.split("\n")[:-1] == [f"{id} asks in vain 0" for id in TODOS], run.stderr


def test_the_answering_tree_has_no_solution(answering):
    text = "\n".join(path.read_text(encoding="utf-8") for path in answering.rglob("*.py"))
    assert "BEGIN " + "SOLUTION" not in text and not (answering / "tools").exists()
    for todo in TODOS.values():
        assert f"TODO {todo.id}: replace this line" in (answering / todo.file).read_text(encoding="utf-8")


def test_a_side_that_never_stops_talking_is_late():
    ours, theirs = socket.socketpair()
    data = wire.pack({"alarm": "x"})
    theirs.sendall((struct.pack("<I", len(data)) + data) * 50)
    with pytest.raises(wire.Late):
        wire.receive(ours.fileno(), until=0)
    ours.close(), theirs.close()


def test_plain_values_that_would_fill_the_memory_are_not_read():
    form = b"[" + b"[]," * 2**21 + b"[]]"
    with pytest.raises(wire.BrokenLine):
        wire.unpack(struct.pack("<I", len(form)) + form + struct.pack("<Q", 2) + b"{}")
    with pytest.raises(ValueError, match="MiB"):
        wire.pack([[]] * 2**20)
