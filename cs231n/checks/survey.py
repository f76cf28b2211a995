"""TODOs checked in a process of their own: an answer that never ends, or ends the process, is a wrong one and no more.

The process is `python -m cs231n.checks.survey IDS`. It writes a line of JSON at each step: a TODO whose file it is
about to load, that it has loaded, and the TODO's entry (see record.py). What students' code prints goes to its standard
error.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

from .record import todo_as_json
from .result import Result
from .todo import EDITION, find
from .verdict import evaluate

SECONDS = 120  # of silence; where an endless loop can be interrupted, a check is done long before


def survey(ids, printed=None):
    """Yield the entry of each of some TODOs, as they come; what their code prints goes to the file `printed`."""
    left = list(ids)
    while left:
        said = None
        with _Worker(left, printed) as worker:
            for said in worker.says():
                if "entry" in said:
                    left.remove(said["entry"]["id"])
                    yield said["entry"]
                if not left:
                    return
        for id in _lost(left, said):
            left.remove(id)
            yield not_judged(id, "wrong", worker.end(begun=said is not None))


def not_judged(id, state, reason):
    """The entry of a TODO that no verdict was come to."""
    return todo_as_json(Result(id, state, reason, cases=dict.fromkeys(find(id).cases(), False)))


def _lost(left, said):
    """Those to be given up: what was last said before the process ended tells whose fault it was."""
    if said is None:
        return list(left)  # it did not even begin
    if "loading" in said:
        return [id for id in left if find(id).module == find(said["loading"]).module]
    return left[:1] if "loaded" in said else []


class _Worker:
    """The process, and the lines that it writes."""

    def __init__(self, ids, printed):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cs231n.checks.survey", *ids], cwd=EDITION, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=printed if sys.stderr else subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._said, self._is_silent = queue.Queue(), False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._said.put(json.loads(line))

    def says(self):
        """What it writes, until it ends or is silent for too long."""
        heard = time.monotonic()
        while not self._is_silent:
            ended = self._process.poll() is not None
            try:
                said = self._said.get(timeout=0.5)
            except queue.Empty:
                if ended:  # nothing more comes, even if children of its own hold the pipe open
                    return
                self._is_silent = time.monotonic() - heard > SECONDS
                continue
            heard = time.monotonic()
            yield said

    def end(self, begun):
        """How it ended, in a sentence; begun: whether it came to anybody's code."""
        whose = "your code" if begun else "the check"
        if self._is_silent:
            return f"{whose} was stopped after {SECONDS} s" + ": is there an endless loop?" * begun
        how = "ended the program that checks it" if begun else "ended before it began"
        return f"{whose} {how} (exit status {self._process.returncode})"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """End it, and what it has started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


def main(ids):
    """Run the process."""
    import torch  # noqa: F401  the oracles load it: no time of the first TODO's

    with open(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)

        def say(**what):
            print(json.dumps(what), file=out, flush=True)

        for id in ids:
            say(loading=id)
            with contextlib.suppress(Exception):  # the verdict tells it
                find(id).live()
            say(loaded=id)
            began = time.monotonic()
            result = evaluate(id)
            say(entry=todo_as_json(result, round(time.monotonic() - began, 2)))


if __name__ == "__main__":
    main(sys.argv[1:])
