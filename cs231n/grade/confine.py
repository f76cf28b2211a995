"""What a process may do that runs somebody's program: little memory and time, no other process, no network, no files.

The limits on memory, time and the size of files are POSIX's. On Linux come two rules that a process lays upon itself
and can never lift, as any user and within containers: Landlock (which files may be opened) and seccomp (which calls of
the system are answered). See https://docs.kernel.org/userspace-api/landlock.html and seccomp_filter.html there.
"""

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

MEMORY = 2 * 2**30  # bytes, on top of what is in use
CPU_SECONDS = 120
FILE_SIZE = 8 * 2**20  # bytes of a file

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # as the audit subsystem numbers them
# Calls that would start, signal, trace or slow another process, reach a network, change a file's owner, rights or
# dates, or leave something behind in the system: the name, and the number on each architecture. What root alone may do
# besides goes with root's capabilities.
REFUSED = """
fork 57 -            vfork 58 -              execve 59 221            execveat 322 281      rt_sigqueueinfo 129 138
ptrace 101 117       kcmp 312 272            pidfd_open 434 434       pidfd_getfd 438 438   rt_tgsigqueueinfo 297 240
socket 41 198        io_uring_setup 425 425  userfaultfd 323 282      bpf 321 280           pidfd_send_signal 424 424
unshare 272 97       setns 308 268           perf_event_open 298 241  setrlimit 160 164     process_vm_readv 310 270
shmget 29 194        semget 64 190           msgget 68 186            mq_open 240 180       process_vm_writev 311 271
add_key 248 217      request_key 249 218     keyctl 250 219           ioprio_set 251 30     process_madvise 440 440
chmod 90 -           fchmod 91 52            fchmodat 268 53          fchmodat2 452 452     setpriority 141 140
chown 92 -           fchown 93 55            lchown 94 -              fchownat 260 54       sched_setparam 142 118
utime 132 -          utimes 235 -            futimesat 261 -          utimensat 280 88      sched_setscheduler 144 119
truncate 76 45
setxattr 188 5       lsetxattr 189 6         fsetxattr 190 7          sched_setattr 314 274 sched_setaffinity 203 122
removexattr 197 14   lremovexattr 198 15     fremovexattr 199 16
"""
ASKED = (
    "clone 56 220  clone3 435 435  prlimit64 302 261  kill 62 129  tkill 200 130  tgkill 234 131"  # how, is decisive
)
NEWEST = 462  # the last call known when these lists were made; a later one is answered as an older system does
EPERM, ENOSYS = 1, 38
CLONE_THREAD = 0x10000

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def confine(readable, writable, memory=MEMORY, seconds=CPU_SECONDS):
    """Confine this process for good: it reads these folders and files only, and writes into one folder.

    Returns what could not be had here, a sentence each; nothing on a Linux of 2021 or later.
    """
    _limit(memory, seconds)
    if sys.platform != "linux":
        return ["There are no limits on files and network: only Linux lets a process give them up."]
    _libc.prctl(38, 1, 0, 0, 0)  # no new privileges, without which an ordinary user may lay down no rules
    _drop_capabilities()
    missing = []
    if not _landlock(readable, writable):
        missing.append("Files were not kept from the answers: this kernel has no Landlock (Linux 5.13 and later).")
    if not _seccomp():
        missing.append(
            f"Network and other processes were not kept from the answers: no seccomp for {platform.machine()}."
        )
    return missing


def _limit(memory, seconds):
    import resource  # which Windows lacks

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) if _libc else 2**21
    used = pages * resource.getpagesize()
    limits = {"RLIMIT_AS": used + memory, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": FILE_SIZE, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        _, hard = resource.getrlimit(getattr(resource, name))
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, name), (most, most))


def _drop_capabilities():
    """Root keeps its files, and no more."""
    header = struct.pack("Ii", 0x20080522, 0)
    _libc.capset(header, bytes(24))


def _landlock(readable, writable):
    """Lay down which files may be opened; whether that was possible."""
    create, add, restrict = 444, 445, 446
    version = _libc.syscall(create, None, 0, 1)
    if version < 1:
        return False
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    fields = (every, 0b11, 0b11)  # files; TCP, from version 4; signals and sockets of others, from version 6
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _libc.syscall(create, struct.pack("QQQ", *fields)[:size], size, 0)
    execute, write, read, list_ = 1, 2, 4, 8
    for path in (*readable, writable):
        allowed = every if path == writable else execute | read | list_ if os.path.isdir(path) else read
        if str(path) == os.devnull:
            allowed = read | write
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        _libc.syscall(add, ruleset, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    done = _libc.syscall(restrict, ruleset, 0) == 0
    os.close(ruleset)
    return done


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


def _seccomp():
    """Lay down which calls of the system are answered; whether that was possible."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return False
    steps = b"".join(_filter(machine))
    text = ctypes.create_string_buffer(steps, len(steps))
    program = _Program(len(steps) // 8, ctypes.cast(text, ctypes.c_void_p))
    return _libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0


def numbers(table, machine):
    """{name: number} of the calls in a table for this architecture."""
    words = table.split()
    column = 1 + list(ARCHITECTURES).index(machine)
    return {words[k]: int(words[k + column]) for k in range(0, len(words), 3) if words[k + column] != "-"}


def _filter(machine):
    """The filter, a step of 8 bytes each: a register is loaded and compared, and a verdict returned."""
    number, architecture, argument = 0, 4, (16, 24, 32)  # where these lie in what the kernel hands over
    refuse, unknown = (_step(0x06, 0x50000 | code) for code in (EPERM, ENOSYS))
    allow, kill = _step(0x06, 0x7FFF0000), _step(0x06, 0x80000000)
    asked = numbers(ASKED, machine)
    load, equal, greater, has_bits = 0x20, 0x15, 0x35, 0x45

    def where(compare, value, *then):
        """`then`, some steps of which the last returns, where the register compares so to the value."""
        yield _step(compare, value, 0, len(then))
        yield from then

    def only(call, place, compare, value):
        """Allow a call where its argument compares so to the value."""
        return where(equal, asked[call], _step(load, place), _step(compare, value, 1, 0), refuse, allow)

    yield _step(load, architecture)
    yield _step(equal, ARCHITECTURES[machine], 1, 0)
    yield kill
    yield _step(load, number)
    yield from where(greater, NEWEST + 1, unknown)
    yield from where(equal, asked["clone3"], unknown)  # its flags lie out of sight: the C library then takes clone
    for refused in numbers(REFUSED, machine).values():
        yield from where(equal, refused, refuse)
    yield from only("clone", argument[0], has_bits, CLONE_THREAD)
    yield from only("prlimit64", argument[2], equal, 0)  # to ask for limits, not to set them
    for call in ("kill", "tkill", "tgkill"):
        yield from only(call, argument[0], equal, os.getpid())
    yield allow


def _step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)
