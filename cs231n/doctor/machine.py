"""Looking around: the Facts of this machine, each by itself, so that one that cannot be found out costs no other."""

import contextlib
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ..datasets import DATASETS

EDITION = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds for a process that imports torch on a cold disk
CGROUPS, CPUINFO = Path("/sys/fs/cgroup"), Path("/proc/cpuinfo")
SHIPPED = (
    "squeezenet1_1_fp16.safetensors",
    *(f"coco_captioning/{name}" for name in (
        "coco2014_captions.h5", "coco2014_vocab.json", "train2014_scenes.json", "train2014_urls.txt",
        "train2014_vgg16_fc7_pca.h5", "val2014_scenes.json", "val2014_urls.txt", "val2014_vgg16_fc7_pca.h5")),
    *(f"styles/{name}.jpg" for name in ("composition", "fjord", "mosaic", "night_sky", "stained_glass")),
)  # fmt: skip

TORCH = """
import torch
say(torch=torch.__version__, threads=torch.get_num_threads(), cuda=torch.cuda.is_available(),
    mps=bool(getattr(torch.backends, "mps", None) and torch.backends.mps.is_available()))
if torch.cuda.is_available():
    say(name=torch.cuda.get_device_name(0))
import torchvision
say(torchvision=torchvision.__version__)
"""
NUMPY = """
import numpy
say(numpy=numpy.__version__)
import threadpoolctl
say(pools=[pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"])
"""
KERNEL = """
from jupyter_client.kernelspec import KernelSpecManager
spec = KernelSpecManager().get_kernel_spec("python3")
say(runs=spec.argv[0], folder=spec.resource_dir)
"""
STRANGER = """
from importlib.util import find_spec
spec = find_spec("cs231n")
say(found=list(spec.submodule_search_locations or [spec.origin]) if spec else [])
"""
SAY = "import json\ndef say(**facts): print('\\nfacts: ' + json.dumps(facts), flush=True)\n"


class Facts:
    """What is known of the machine; None stands for what could not be found out."""

    def __init__(self, **known):
        for name, find in FIND.items():
            setattr(self, name, known[name] if name in known else attempt(find))


def attempt(find):
    """find(), or None where it fails: no single trouble may keep the others from being told."""
    try:
        return find()
    except Exception:
        return None


def elsewhere(code, folder=None):
    """What another process finds out: the facts that `code` says, and under "error" the last line if it fails."""
    command = [sys.executable, "-c", SAY + code]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
            encoding="utf-8", errors="replace")  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {PATIENCE} s"}
    facts = {}
    for line in done.stdout.splitlines():
        if line.startswith("facts: "):
            facts.update(json.loads(line[len("facts: ") :]))
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        facts["error"] = lines[-1].strip()
    return facts


# Python and the packages -------------------------------------------------------------------------------------


def wanted():
    """{package: (lowest version, whether the course itself needs it)} of requirements.txt."""
    found, course = {}, True
    for line in EDITION.joinpath("requirements.txt").read_text(encoding="utf-8").splitlines():
        course = course and not line.startswith("# Tests")
        match = re.match(r"([\w.-]+)\s*>=\s*([\d.]+)", line)
        if match:
            found[match[1]] = match[2], course
    return found


def tested():
    """{package: tested version}, as the solved edition lists them: this one, or that which a student's lies in."""
    for folder in filter(is_solved, (EDITION, EDITION.parent)):
        path = folder / "constraints.txt"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            return dict(re.match(r"([\w.-]+)==([^\s;]+)", line).groups() for line in lines if "==" in line)
    return {}


def installed():
    """{package of requirements.txt: installed version, or None}."""
    return {name: version_of(name) for name in wanted()}


def version_of(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def built_for():
    """The version of torch that the installed torchvision was built for, as its own record says."""
    pins = [re.match(r"torch\s*\(?==\s*([\w.+]+)", line) for line in metadata.requires("torchvision") or ()]
    return next((pin[1] for pin in pins if pin), None)


def numbers(version):
    """A version as numbers to compare: "2.6.0+cpu" -> (2, 6, 0)."""
    return tuple(int(part) for part in re.match(r"[\d.]*", version)[0].strip(".").split(".") if part)


# Processors, memory, disk ------------------------------------------------------------------------------------


def processors():
    """How many processors this process may use: those of the machine, less what a container takes away."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def container_limit():
    """How many processors' time the container may use, a float; None where there is no limit."""
    for quota, period in quotas():
        if quota.lstrip("-").isdigit() and int(quota) > 0:
            return int(quota) / int(period)
    return None


def quotas():
    with contextlib.suppress(OSError, ValueError):
        quota, period = CGROUPS.joinpath("cpu.max").read_text(encoding="ascii").split()
        yield quota, period
    with contextlib.suppress(OSError):
        old = [
            CGROUPS.joinpath("cpu", f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
        ]
        yield old[0].strip(), old[1].strip()


def instructions():
    """The instruction sets of an x86 processor under Linux; empty elsewhere."""
    if not CPUINFO.exists():
        return set()
    found = re.search(r"^flags\s*:(.*)$", CPUINFO.read_text(encoding="utf-8", errors="replace"), re.M)
    return set(found[1].split()) if found else set()


def load():
    """How many processes wanted a processor in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def translated():
    """Whether an Apple processor runs a Python made for Intel's."""
    if platform.system() != "Darwin":
        return False
    asked = ["sysctl", "-n", "sysctl.proc_translated"]
    done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="ascii")
    return done.stdout.strip() == "1"


def nvidia():
    """Whether there is a driver for a graphics card of NVIDIA's."""
    return bool(shutil.which("nvidia-smi")) or os.path.exists("/proc/driver/nvidia/version")


# The course --------------------------------------------------------------------------------------------------


def is_solved(folder):
    return folder.joinpath("tools", "editions.py").exists()


def edition_for(solved, start=None):
    """The folder whose cs231n a notebook's first cell imports, the kernel having started in `start`; or None.

    solved: for a notebook of the solved edition, else for one of a student's.
    """
    start = Path.cwd() if start is None else Path(start)
    places = [start.parent, start]
    if not solved:
        places += [found.parents[1] for found in sorted(start.glob("*/cs231n/checks"))]
    found = (place for place in places if place.joinpath("cs231n", "checks").is_dir() and is_solved(place) == solved)
    return next(found, None)


def strangers():
    """Where another cs231n lies that Python would find from any folder."""
    found = elsewhere(STRANGER, folder=os.path.abspath(os.sep)).get("found", [])
    return [place for place in found if Path(place).resolve() != EDITION / "cs231n"]


def data():
    """{name of real data: "here", "in part" or "not here"}."""
    from ..datasets.sources import SOURCES  # not for old Pythons

    names = {name: [path for source in sources for path, item in source.results if not getattr(item, "optional", False)]
             for name, sources in SOURCES.items()}  # fmt: skip
    there = {name: [DATASETS.joinpath(path).exists() for path in paths] for name, paths in names.items()}
    return {name: "here" if all(some) else "in part" if any(some) else "not here" for name, some in there.items()}


def unshipped():
    """Which files of datasets/mini are not there."""
    return [name for name in SHIPPED if not DATASETS.joinpath("mini", *name.split("/")).is_file()]


FIND = {
    "python": lambda: sys.version_info[:3],
    "bits": lambda: 8 * struct.calcsize("P"),
    "system": lambda: (platform.system(), platform.machine()),
    "translated": translated,
    "wanted": wanted,
    "tested": tested,
    "installed": installed,
    "built_for": built_for,
    "torch": lambda: elsewhere(TORCH),
    "numpy": lambda: elsewhere(NUMPY),
    "kernel": lambda: elsewhere(KERNEL),
    "nvidia": nvidia,
    "processors": processors,
    "limit": container_limit,
    "instructions": instructions,
    "load": load,
    "free": lambda: shutil.disk_usage(EDITION).free,
    "writable": lambda: os.access(EDITION, os.W_OK),
    "solved": lambda: edition_for(True) or False,  # False: there is none
    "student": lambda: edition_for(False) or False,
    "strangers": strangers,
    "data": data,
    "unshipped": unshipped,
    "settings": lambda: dict(os.environ),
}
