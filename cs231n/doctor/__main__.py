"""The command: what is here, then each trouble with its cure; the exit status is 1 if there is one."""

import argparse
import os
import sys
import textwrap

from .machine import EDITION, Facts, is_solved, numbers
from .troubles import TROUBLES, version_text

WIDTH = 100


def main(argv=None):
    """Run the command; the exit status: 0 if nothing is wrong, 1 if something is. Advice is not counted."""
    what = "Say what this machine has for the course, what is wrong with it, and the cure."
    argparse.ArgumentParser(prog="python -m cs231n.doctor", description=what).parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a folder's name may be beyond what the console can show
    facts = Facts()
    for name, line in lines(facts):
        print(f"{name:12}{line}")
    found = list(troubles(facts))
    for trouble, seen in found:
        print()
        tell("Advice" if trouble.advice else "Trouble", trouble, seen)
    wrong = sum(not trouble.advice for trouble, _ in found)
    print(f"\n{wrong or 'No'} trouble{'' if wrong == 1 else 's'} found.")
    return int(wrong > 0)


def troubles(facts):
    """(Trouble, what is to be seen of it) of each that a probe finds; a probe that lacks its facts finds nothing."""
    for trouble in TROUBLES:
        try:
            seen = trouble.probe and trouble.probe(facts)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        if seen:
            yield trouble, seen


def tell(kind, trouble, seen):
    for text, first, rest in ((f"{trouble.title}: {seen}", f"{kind}: ", "  "), (trouble.cure, "  Cure: ", "  ")):
        print(textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False,
                            break_long_words=False))  # fmt: skip


def lines(facts):
    """(name, line) of what is here; what could not be found out is said to be unknown."""
    for name, line in LINES.items():
        try:
            yield name, line(facts)
        except (AttributeError, KeyError, TypeError, ValueError):
            yield name, "unknown"


def course_line(_):
    return f"{'the solved edition' if is_solved(EDITION) else 'your own edition'}, {EDITION}"


def packages_line(facts):
    """How many packages are the tested ones, and which are not."""
    there = {name: version for name, version in facts.installed.items() if version}
    counted = f"{len(there)} of {len(facts.wanted)} here"
    if not there:
        return counted
    if not facts.tested:
        return f"{counted}; the list of the tested versions lies with the course"
    tested = {name.lower(): version for name, version in facts.tested.items()}
    other = [f"{name} {version} (tested {tested[name.lower()]})" for name, version in there.items()
             if numbers(version) != numbers(tested.get(name.lower(), version))]  # fmt: skip
    return f"{counted}, " + (f"other than tested: {', '.join(other)}" if other else "in the tested versions")


def torch_line(facts):
    if not facts.torch.get("torch"):
        return "not to be had" if facts.installed["torch"] else "not here"
    vision = facts.torch.get("torchvision")
    fit = f"torchvision {vision} fits it" if vision else "torchvision cannot be imported"
    return f"{facts.torch['torch']}; {fit}"


def device_line(facts):
    if facts.torch["cuda"]:
        return f"cuda, {facts.torch['name']}"
    return "mps, Apple's GPU" if facts.torch["mps"] else "cpu"


def products_line(facts):
    """What multiplies numpy's matrices."""
    if not facts.numpy["pools"]:
        return "a BLAS that threadpoolctl does not know (Apple's Accelerate, perhaps)"
    pool = facts.numpy["pools"][0]
    kernel = f", kernel {pool['architecture']}" if pool.get("architecture") else ""
    return f"{pool['internal_api']} {pool.get('version') or ''}{kernel}, threads: {pool['num_threads']}"


def processors_line(facts):
    limit = "" if facts.limit is None else f", of which the container may use {facts.limit:g}"
    waits = facts.settings.get("OMP_WAIT_POLICY") or "not set (make lab sets PASSIVE for its notebooks)"
    return f"{facts.processors}{limit}; torch's threads: {facts.torch.get('threads', '?')}; OMP_WAIT_POLICY: {waits}"


def data_line(facts):
    mode = facts.settings.get("CS231N_DATA") or "auto"
    here = {name for name, state in facts.data.items() if state == "here"}
    takes = {"mini": "what ships", "full": "the real data, or stops"}.get(mode)
    if takes is None:
        real = ", ".join(sorted(here))
        takes = f"real {real}, and what ships of the rest" if real else "what ships, for no real data is here"
    return f"CS231N_DATA={mode} takes {takes}"


def kernels_line(facts):
    """Which edition the first cell of a notebook imports, where the kernel starts in this folder."""
    for_whom = (("the solved edition's notebooks", facts.solved), ("yours", facts.student))
    found = [f"{whose} import {os.path.relpath(str(folder))}" for whose, folder in for_whom if folder]
    return f"started here, {' and '.join(found)}" if found else "started here, they find no cs231n"


def jupyter_line(facts):
    version = facts.installed["jupyterlab"]
    if not version:
        return "not here"
    runs = facts.kernel.get("runs")
    return f"{version}; its kernel python3 runs {runs}" if runs else f"{version}; its kernel: {facts.kernel['error']}"


LINES = {
    "Course": course_line,
    "Python": lambda facts: f"{version_text(facts.python)}, {sys.executable}",
    "Packages": packages_line,
    "torch": torch_line,
    "Device": device_line,
    "Products": products_line,
    "Processors": processors_line,
    "Disk": lambda facts: f"{facts.free / 1e9:.0f} GB free",
    "Data": data_line,
    "Kernels": kernels_line,
    "JupyterLab": jupyter_line,
}


if __name__ == "__main__":
    sys.exit(main())
