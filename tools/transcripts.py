"""Replay what the documents show: `python -m tools.transcripts` plays each and writes into it what comes out today.

A document is played from top to bottom in a copy of the course with an unfilled student/, by its fenced blocks:

    diff      an edit: the lines with - give place to those with +, in the file that the first line names
    python    a cell, run in student/notebooks/RNN.ipynb after that notebook's first cell
    text      what the cell above it shows; this tool writes it
    console   commands after "$ ", in the course's folder, each with what it prints; this tool writes that

Blocks of any other kind are left alone.
"""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from tools.clones import SETTINGS, clone, environment
from tools.editions import ROOT, build

DOCUMENTS = ("README.md", "README.zh-CN.md", "tests/first_hour.md")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)
HOME = "/home/you/course"  # stands in the documents for wherever a copy was played
# Two edits of one length within a second would be taken for one, and the first one's bytecode for the second's.
# Without the journal, since what is drawn from it has today's date in it.
PLAYED = SETTINGS | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100", "CS231N_JOURNAL": "off"}
LOOSE = ((r"\d+(\.\d+)? (ms|s|seconds)\b", "some time"), (r"[ \t]+$", ""))  # what may differ from run to run
# The search for a slip gives up after some seconds; a busy machine is to find what an idle one finds.
PATIENCE = "import cs231n.checks.explain; cs231n.checks.explain.SECONDS = 60"


class TranscriptError(ValueError):
    """A document cannot be played; the message says which block, and why."""


@dataclass
class Block:
    """A fenced block of a document."""

    language: str
    body: str
    span: tuple  # of the body, in the document


def blocks(text):
    """The fenced Blocks of a Markdown text, in their order."""
    return [Block(m[1], m[2], m.span(2)) for m in BLOCK.finditer(text)]


class Session:
    """A student at work in `course`, a copy of the course with a student/ in it; as a context it ends the kernel."""

    def __init__(self, course):
        self.course, self.kernel = course, None
        self.ending = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.close()

    def edit(self, body):
        """Replace the lines with - by those with +; lines with neither stand between them, as they do in the file."""
        head, *lines = body.splitlines(keepends=True)
        file = self.course / head.removeprefix("--- ").strip()
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        text = file.read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise TranscriptError(f"{file.name} holds this {text.count(before)} times instead of once:\n{before}")
        file.write_text(text.replace(before, after), encoding="utf-8")

    def cell(self, code):
        """Run a cell in the student's RNN.ipynb; what it prints and shows, as text."""
        if self.kernel is None:
            self.begin()
        shown = []

        def hear(message):
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                shown.append(content["text"])
            elif kind in ("display_data", "execute_result"):
                shown.append(content["data"]["text/plain"] + "\n")
            elif kind == "error":
                shown.append(f"{content['ename']}: {content['evalue']}\n")

        self.kernel.execute_interactive(code, timeout=120, output_hook=hear)
        return self.neutral("".join(shown))

    def begin(self):
        """Start a kernel in the notebook's folder, and run the first cell."""
        notebook = self.course / "student/notebooks/RNN.ipynb"
        manager, self.kernel = start_new_kernel(
            kernel_name="python3", cwd=str(notebook.parent), env=environment() | PLAYED, stderr=subprocess.DEVNULL
        )
        self.ending.callback(manager.shutdown_kernel, now=True)
        self.ending.callback(self.kernel.stop_channels)
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        if said := [line for code in (first, PATIENCE) for line in self.cell(code).splitlines() if "Error" in line]:
            raise TranscriptError(f"the notebook's first cell stops at {said[-1]}")

    def command(self, line):
        """Run a command in the course's folder; what it prints. Of make, set-up is left out: .venv is there."""
        line = re.sub(r"^make ", "make -s -o setup ", line)
        done = subprocess.run(
            line, shell=True, cwd=self.course, env=environment() | PLAYED, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )  # fmt: skip
        return self.neutral(re.sub(r"^make: .*\n", "", done.stdout, flags=re.M))  # each version's own words

    def neutral(self, text):
        return text.replace(str(self.course), HOME)


def replay(text, session):
    """The document `text` with what comes out today, played in `session`. Raises TranscriptError."""
    played, done, shown = [], 0, None
    for block in blocks(text):
        body = block.body
        if block.language == "diff":
            session.edit(body)
        elif block.language == "python":
            shown = session.cell(body)
        elif block.language == "text":
            if shown is None:
                raise TranscriptError(f"no cell stands above this block, so that nothing can come out:\n{body}")
            body, shown = shown.rstrip("\n") + "\n", None
        elif block.language == "console":
            commands = re.findall(r"^\$ (.*)\n", body, re.M)
            body = "".join(f"$ {line}\n{session.command(line)}" for line in commands)
        if not same(body, block.body):  # else what stands there may stay, with its times
            played += [text[done : block.span[0]], body]
            done = block.span[1]
    return "".join([*played, text[done:]])


def same(one, other):
    """Whether two outputs agree but for times and for spaces at the ends of lines."""

    def tidy(text):
        for pattern, word in LOOSE:
            text = re.sub(pattern, word, text, flags=re.M)
        return text

    return tidy(one) == tidy(other)


def play(path, folder):
    """Play the document at `path` in a new copy of the course at `folder`; its text with what comes out today."""
    course = clone(folder)
    build(course / "student")
    (course / ".venv").symlink_to(sys.prefix)
    with Session(course) as session:
        return replay(path.read_text(encoding="utf-8"), session)


def main(names):
    """Write what comes out into the documents named, or into all; the exit status."""
    for name in names or DOCUMENTS:
        path = ROOT / name
        with tempfile.TemporaryDirectory() as scratch:
            try:
                text = play(path, Path(scratch).resolve() / "course")
            except (TranscriptError, OSError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1
        changed = text != path.read_text(encoding="utf-8")
        if changed:
            path.write_text(text, encoding="utf-8")
        print(f"{name}: {'written anew' if changed else 'as it was'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
