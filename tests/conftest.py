"""Shared by all tests: ordinary signals, one thread, no progress bars, shipped data, and where real data may lie."""

import os
import signal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"
os.environ["CS231N_DATA"] = "mini"

import pytest

# Under nohup, or put into the background by a script, pytest ignores Ctrl-C, and what a test starts inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "pthread_sigmask"):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())

ROOT = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("CS231N_REALDATA", ROOT.parent / "shared" / "realdata"))


@pytest.fixture(autouse=True, scope="session")
def no_clock():
    """The search for a reason ends by the processor's time alone: a machine's other work shall change no test."""
    from cs231n.checks.explain import search

    search.BY_THE_CLOCK = 60


@pytest.fixture
def realdata():
    """The folder of real data for trying things out; tests that use it are skipped where there is none."""
    if not REALDATA.is_dir():
        pytest.skip("no real data on this machine (CS231N_REALDATA)")
    return REALDATA


# A file is one worker's, and those at the end are what others wait for: so the long ones come first.
LONG = (
    "extras", "GANs", "test_checks", "test_train", "LSTM", "NetworkVisualization", "test_wrong_answers",
    "test_right_answers", "StyleTransfer", "test_student_notebooks", "test_checks_on_disk", "test_course", "RNN",
    "test_grade", "test_documented_commands", "test_json", "test_transcripts", "test_contributing", "test_submission",
    "test_journal", "test_made_up_class", "test_extras_parts",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    rank = {name: n for n, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(LONG)))
