"""Where the course's data lies, and which of it is in use; `python -m cs231n.datasets` fetches the real one."""

import os
from pathlib import Path

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
MODES = ("auto", "mini", "full")


def data_mode():
    """The value of CS231N_DATA: 'auto' (default: fetched data where complete, else mini), 'mini' or 'full'.

    Raises ValueError for any other.
    """
    mode = os.environ.get("CS231N_DATA", "auto") or "auto"
    if mode not in MODES:
        raise ValueError(f"CS231N_DATA is {mode!r}; set it to one of {', '.join(MODES)}, or leave it unset")
    return mode


def choose(real, mini, name):
    """The path to read: `real` (what `./get_datasets.sh name` fetches) or `mini` (what ships).

    `real` and `mini` are a path each, or a list of paths that only count together; the first is returned.
    Raises FileNotFoundError where data that was asked for, or that ships, is not there.
    """
    reals, minis = ([Path(p) for p in (x if isinstance(x, (list, tuple)) else [x])] for x in (real, mini))
    mode = data_mode()
    missing = [p for p in reals if not p.exists()]
    if mode == "full" and missing:
        raise FileNotFoundError(
            f"CS231N_DATA=full asks for the real {name} data, but {missing[0]} is not there; "
            f"run ./get_datasets.sh {name}, or unset CS231N_DATA to use the data that ships with the course"
        )
    if mode != "mini" and not missing:
        return reals[0]
    for path in minis:
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing although it ships with the course; restore datasets/mini")
    return minis[0]
