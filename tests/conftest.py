"""Shared by all tests: one thread, no progress bars, the data that ships, and where real data may lie."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"
os.environ["CS231N_DATA"] = "mini"

import pytest

ROOT = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("CS231N_REALDATA", ROOT.parent / "shared" / "realdata"))


@pytest.fixture
def realdata():
    """The folder of real data for trying things out; tests that use it are skipped where there is none."""
    if not REALDATA.is_dir():
        pytest.skip("no real data on this machine (CS231N_REALDATA)")
    return REALDATA
