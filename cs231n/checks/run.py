"""Run an answer safely: on copies, within a time limit, with the random generators left as they were."""

import contextlib
import random
import signal
import sys
import threading

import numpy as np

from .result import Seen

SECONDS = 20  # for one case; every case is tiny, so more than this is an endless loop


class TimeOut(BaseException):
    """An answer ran longer than SECONDS; no Exception, so that an answer's own `except Exception` lets it through."""


def see(todo, call, function, args, seconds=None):
    """Call the function on a copy of args, noting outputs, changed arguments and errors; seconds: at most so long."""
    before = args
    args = tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in before)
    seen = Seen()
    try:
        with _default_dtype_of(args), _time_limit(seconds or SECONDS):
            seen.outputs = call(function, *args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit: an answer may do anything
        seen.error = error
    for name, old, new in zip(todo.argument_names(), before, args):
        if isinstance(old, np.ndarray) and not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            seen.changed.append(name)
    return seen


_DONE = {}  # what known mistakes did, as long as one verdict is looked for


def see_mistake(todo, mistake, label, args):
    """What a known mistake does in a case, worked out once for each verdict."""
    if (mistake, label) not in _DONE:
        _DONE[mistake, label] = see(todo, todo.call_mistake, mistake, args)
    return _DONE[mistake, label]


def forget_mistakes():
    """Before another verdict: what a mistake calls may have changed."""
    _DONE.clear()


def dtype_of(args):
    """The dtype of the real numbers among the arguments: float64 if there are none."""
    return np.result_type(*[a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype.kind == "f"] or [float])


def in_float32(args):
    """The same arguments, with float32 in the place of float64."""
    real = [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in args]
    return tuple(a.astype(np.float32) if is_real else a for a, is_real in zip(args, real))


@contextlib.contextmanager
def _default_dtype_of(args):
    """Let torch.zeros and the like make float64 where the arguments are: an answer may leave it to the default."""
    torch = sys.modules.get("torch")
    if torch is None or not any(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in args):
        yield
        return
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(default)


@contextlib.contextmanager
def random_state_kept():
    """Leave numpy's, Python's and (if loaded) torch's random generators as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    torch = sys.modules.get("torch")
    torch_state = torch.random.get_rng_state() if torch else None
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        if torch:
            torch.random.set_rng_state(torch_state)


def can_stop():
    """Whether an endless loop can be interrupted here."""
    return hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _time_limit(seconds):
    """Interrupt an endless loop where the system can: in the main thread, and not on Windows."""
    if not can_stop():
        yield
        return

    def stop(*_):
        raise TimeOut(f"stopped after {seconds} s on a tiny input: is there an endless loop?")

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
