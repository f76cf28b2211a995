"""Every trouble that is known: its title, its cure, and a probe that sees it in the Facts of a machine.

The one list of them: `python -m cs231n.doctor` tells those that a probe finds, README's section is written from all.
"""

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional  # noqa: UP035 - the names that Python 3.8 knows

from ..datasets import MODES
from .machine import EDITION, numbers

TROUBLES = []
OLDEST = (3, 10)
ROOM, ROOM_TO_SET_UP = 5e8, 7e9  # bytes
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}  # what OpenBLAS's SkylakeX kernels use
WIDE = {"SkylakeX", "Cooperlake", "SapphireRapids", "Zen4", "Zen5"}


@dataclass(frozen=True)
class Trouble:
    """probe(facts): what is to be seen of it here, in a few words, or None; no probe for what no program can see.

    advice: whether the course works all the same, only slower or otherwise than one may think.
    """

    title: str
    cure: str
    probe: Optional[Callable] = None  # noqa: UP045
    advice: bool = False


def known(title, cure, advice=False):
    """Decorates the probe of a trouble and takes it up in the list."""

    def add(probe):
        TROUBLES.append(Trouble(title, cure, probe, advice))
        return probe

    return add


# Python, torch and the rest ---------------------------------------------------------------------------------


TROUBLES.append(
    Trouble(
        "Set-up was broken off, or `.venv` is spoilt",
        "Call again, for what was begun is begun anew and what was finished stays; to start from nothing, delete "
        "`.venv`.",
    )
)


@known(
    "Python is older than 3.10",
    "Install a newer one and name it: `make lab PYTHON=python3.12`, on Windows `py -3.12 tools\\setup_env.py`.",
)
def _(facts):
    return None if facts.python >= OLDEST else f"this is {version_text(facts.python)}, {sys.executable}"


@known(
    "Python is a 32-bit one",
    "PyTorch has 64-bit builds only: install the 64-bit Python, delete `.venv`, and set up again.",
)
def _(facts):
    return sys.executable if facts.bits == 32 else None


@known(
    "The machine is an Intel Mac",
    "PyTorch has had no build for it since version 2.2 and the course needs 2.6, so it cannot run on the Mac itself: "
    "work in Colab (below), or open the folder in a Linux container on the Mac, which `.devcontainer/` describes.",
)
def _(facts):
    return "there is no torch to install" if is_intel_mac(facts) and not facts.installed["torch"] else None


@known(
    "Python is made for Intel's processors, and the Mac has Apple's",
    "PyTorch has no build for such a Python: install the one for Apple silicon (arm64), delete `.venv`, and set up "
    "again.",
)
def _(facts):
    return sys.executable if facts.translated else None


@known(
    "Packages are missing",
    "`make setup` installs them (on Windows `py tools\\setup_env.py`), and `.venv` then holds the Python to use; in a "
    "folder of your own or in Colab it is `python -m pip install -r requirements.txt`.",
)
def _(facts):
    if facts.python < OLDEST or facts.bits == 32 or facts.translated or is_intel_mac(facts):
        return None  # which is the trouble to see to first
    lacking = [name for name, (_, course) in facts.wanted.items() if course and not facts.installed[name]]
    return f"{sys.executable} has no {', '.join(lacking)}" if lacking else None


@known(
    "Packages are older than the course needs",
    "`make setup` brings them up to date; in an environment of your own it is `python -m pip install -U -r "
    "requirements.txt`.",
)
def _(facts):
    old = [f"{name} {facts.installed[name]} (needs {lowest})" for name, (lowest, _) in facts.wanted.items()
           if facts.installed[name] and numbers(facts.installed[name]) < numbers(lowest)]  # fmt: skip
    return ", ".join(old) or None


@known(
    "torch and torchvision do not fit (`operator torchvision::nms does not exist`)",
    "They are of different versions or come from different places: delete `.venv` and set up again, or install both in "
    "one command, `python -m pip install --force-reinstall torch torchvision`.",
)
def _(facts):
    torch, vision = facts.installed["torch"], facts.installed["torchvision"]
    both = f"torch {torch}, torchvision {vision}"
    if torch and vision and facts.built_for and numbers(facts.built_for) != numbers(torch):
        return f"{both}, which was built for torch {facts.built_for}"
    failed = facts.torch and "torch" in facts.torch and "torchvision" not in facts.torch
    return f"{both}: {facts.torch.get('error')}" if vision and failed else None


@known(
    "torch cannot be imported",
    "Delete `.venv` and set up again; the last line of torch's own error, which the doctor shows, says why.",
)
def _(facts):
    return facts.torch.get("error") if facts.installed["torch"] and "torch" not in facts.torch else None


@known(
    "numpy cannot be imported",
    "Delete `.venv` and set up again; the last line of numpy's own error, which the doctor shows, says why.",
)
def _(facts):
    return facts.numpy.get("error") if facts.installed["numpy"] and "numpy" not in facts.numpy else None


@known(
    "There is a graphics card of NVIDIA's, and torch does not use it",
    "The course runs without it; to use it, bring its driver up to date, or follow PyTorch's instructions for a build "
    "with CUDA of both torch and torchvision.",
    advice=True,
)
def _(facts):
    return f"torch {facts.torch['torch']}" if facts.nvidia and facts.torch.get("cuda") is False else None


def is_intel_mac(facts):
    return facts.system == ("Darwin", "x86_64") and not facts.translated


# Speed: of these, the first that helps -----------------------------------------------------------------------


def may_use(facts):
    """How many threads have a processor each."""
    return max(1, min(facts.processors, math.ceil(facts.limit or facts.processors)))


def too_many_threads(facts):
    most = max([facts.torch.get("threads", 1), *(pool["num_threads"] for pool in facts.numpy.get("pools", ()))])
    if most <= may_use(facts):
        return None
    n = may_use(facts)
    return f"{most} threads for {n}: OMP_NUM_THREADS={n} OPENBLAS_NUM_THREADS={n}"


def narrow_kernel(facts):
    blas = next((pool for pool in facts.numpy.get("pools", ()) if pool.get("internal_api") == "openblas"), {})
    kernel = blas.get("architecture")
    wide = kernel is None or kernel in WIDE or not facts.instructions >= AVX512
    return None if wide else f"the kernel in use is {kernel}, and the processor has AVX-512"


def spinning(facts):
    idle = facts.load is None or facts.load < facts.processors
    if idle or facts.settings.get("OMP_WAIT_POLICY") or facts.torch.get("threads", 1) == 1:
        return None
    return f"a load of {facts.load:.1f} on {facts.processors} processors"


@known(
    "There are more threads than processors",
    "Set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to the number of processors that the container or the batch system "
    "gives you, before `make lab`.",
    advice=True,
)
def _(facts):
    return too_many_threads(facts)


@known(
    "OpenBLAS takes the processor for an older one",
    "`OPENBLAS_CORETYPE=SkylakeX make lab` lets numpy's matrix products use the whole processor; where this was "
    "measured they were 1.6 to 1.9 times as fast.",
    advice=True,
)
def _(facts):
    return None if too_many_threads(facts) else narrow_kernel(facts)


@known(
    "Training in a terminal is slow while other programs run",
    "`OMP_WAIT_POLICY=PASSIVE python -m cs231n.train ...` lets torch's threads sleep while they wait for each other; "
    "`make lab` sets it for its notebooks.",
    advice=True,
)
def _(facts):
    return None if too_many_threads(facts) or narrow_kernel(facts) else spinning(facts)


# Disk and data -----------------------------------------------------------------------------------------------


@known("The disk is nearly full", "Make room: set-up takes 6 GB, real captions 1 GB, a notebook next to nothing.")
def _(facts):
    need = ROOM if facts.installed["torch"] else ROOM_TO_SET_UP
    return None if facts.free > need else f"{facts.free / 1e9:.1f} GB are free"


@known(
    "The course's folder cannot be written to",
    "Notebooks run and check your answers all the same, but nothing can be saved, built or fetched there: copy the "
    "folder to a place of your own.",
)
def _(facts):
    return str(EDITION) if facts.writable is False else None


@known(
    "`datasets/mini`, which ships with the course, is not whole",
    "Restore it, in a clone with `git checkout datasets/mini`, else from a fresh copy of the course.",
)
def _(facts):
    return f"{', '.join(facts.unshipped)} missing" if facts.unshipped else None


@known("CS231N_DATA has no meaning", "Set it to `auto`, `mini` or `full`, or leave it unset.")
def _(facts):
    mode = facts.settings.get("CS231N_DATA") or "auto"
    return None if mode in MODES else f"it is {mode!r}"


@known(
    "CS231N_DATA=full asks for data that is not here",
    "`./get_datasets.sh NAME` fetches it (on Windows `python -m cs231n.datasets NAME`); unset, the variable lets "
    "notebooks take what ships.",
)
def _(facts):
    if facts.python < OLDEST or facts.bits != 64 or facts.translated or is_intel_mac(facts):
        return None  # which is the trouble to see to first
    lacking = [name for name, state in facts.data.items() if state != "here"]
    return ", ".join(lacking) or None if facts.settings.get("CS231N_DATA") == "full" else None


@known(
    "Real data is here in part",
    "Notebooks take what ships until `./get_datasets.sh NAME` has fetched the rest.",
    advice=True,
)
def _(facts):
    return ", ".join(name for name, state in facts.data.items() if state == "in part") or None


# JupyterLab and its kernels ----------------------------------------------------------------------------------


TROUBLES.append(
    Trouble(
        "No browser opens",
        "Copy the `http` address that the terminal shows into one; to reach JupyterLab from outside a container, "
        '`make lab LAB="--ip 0.0.0.0"`.',
    )
)


@known(
    "The kernel `python3` runs another Python",
    "`.venv/bin/python -m jupyter kernelspec remove python3` (on Windows `.venv\\Scripts\\python`) removes the entry "
    "that leads there, and JupyterLab then takes its own Python.",
)
def _(facts):
    runs = facts.kernel.get("runs")
    if runs is None or os.path.basename(runs) == runs:  # a bare name is JupyterLab's own Python
        return None
    same = os.path.normcase(os.path.realpath(runs)) == os.path.normcase(os.path.realpath(sys.executable))
    inside = (
        Path(os.path.normcase(os.path.abspath(sys.prefix))) in Path(os.path.normcase(os.path.abspath(runs))).parents
    )
    return None if inside or same and sys.prefix == sys.base_prefix else f"{runs}, as {facts.kernel['folder']} says"


@known(
    '"no cs231n near ..."',
    "A notebook's first cell looks above the notebook's folder (VS Code says where that is) and in the working "
    "directory: run `%cd` with the folder of the notebook, then that cell again.",
)
def _(facts):
    return f"a kernel started in {Path.cwd()} would say so" if facts.solved is facts.student is False else None


@known(
    "Another `cs231n` lies where every Python finds it",
    "Uninstall it or take it out of PYTHONPATH, for outside the course's folder it is the one that is imported.",
    advice=True,
)
def _(facts):
    return ", ".join(facts.strangers) or None


TROUBLES += [
    Trouble(
        'A check says "waiting for ..."',
        "Your function calls another TODO that is not written yet, and that one comes first.",
    ),
    Trouble(
        "The kernel seems to use old code",
        "Restart it and run the notebook's first cell, which switches autoreload on; a check says when a change was "
        "not loaded.",
    ),
]


def version_text(version):
    return ".".join(map(str, version))
