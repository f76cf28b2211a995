"""The training loop, the one that all training in the course goes through.

It counts the steps, times them, shows the bar, stops at a loss that is not finite, and writes a checkpoint from which
the same run goes on. What is trained, and how a step learns, is a Run's affair.
"""

import copy
import math
import time
from pathlib import Path

from . import checkpoints
from .progress_bar import progress_bar


class Run:
    """What the loop trains. A subclass has learn(n) and, where it is to have checkpoints, state() and load(state).

    steps: how many there will be, at most where learn may end the run before; None where nobody knows.
    settings: what a checkpoint must agree in to be gone on from; names and numbers or strings.
    first: whether this process shows the bar and writes the checkpoint, as one of several does.
    advice: what to try where a loss is not finite.
    Afterwards `losses` maps the name of each loss to its history, and `seconds` says how long learning took.
    """

    steps, settings, first = None, {}, True
    advice = "try a lower learning rate"

    def __init__(self):
        self.losses, self.seconds = {}, 0.0
        self.done = self.saved = 0  # steps: taken, and in the last checkpoint

    def learn(self, n):
        """Step number n, from 0: the losses by name, as numbers; None if there is nothing left to learn from."""
        raise NotImplementedError

    def after_step(self, bar):
        """What there is to do after each step, such as `bar.write` of a loss."""

    def finish(self):
        """What there is to do after the last step."""

    def state(self):
        """All that changes while it learns: nested dicts and lists of tensors, numbers and strings."""
        raise NotImplementedError

    def load(self, state):
        """Take up a state; raises KeyError, ValueError, RuntimeError or TypeError for one that does not fit."""
        raise NotImplementedError


def train(run, *, checkpoint=None, save_every=100, quiet=False, what="training", unit="step"):
    """Take the steps of a run, and return it.

    checkpoint: a file, written every save_every steps and at the end; if it is there already, the run goes on from it.
    quiet: no progress bar, which TQDM_DISABLE=1 switches off, too. what, unit: its words.
    Raises ValueError for a checkpoint that is damaged or of another run, FloatingPointError for a loss that is not
    finite.
    """
    if checkpoint is not None and Path(checkpoint).exists():
        resume(run, checkpoint)
    with progress_bar(run.steps, what, unit=unit, quiet=quiet or not run.first) as bar:
        bar.update(run.done)
        while run.steps is None or run.done < run.steps:
            began = time.perf_counter()
            losses = run.learn(run.done)
            if losses is None:
                break
            run.seconds += time.perf_counter() - began
            run.done += 1
            _record(run, losses, unit)
            bar.set_postfix({name: f"{loss:.3f}" for name, loss in losses.items()}, refresh=False)
            bar.update()
            run.after_step(bar)
            if checkpoint is not None and run.done % save_every == 0:
                save(run, checkpoint)
    run.finish()
    if checkpoint is not None and run.saved < run.done:
        save(run, checkpoint)
    return run


def _record(run, losses, unit):
    for name, loss in losses.items():
        if not math.isfinite(loss):
            which = "the loss" if name == "loss" else f"the loss of {name}"
            raise FloatingPointError(f"{which} became {loss} in {unit} {run.done}; {run.advice}")
    for name, loss in losses.items():
        run.losses.setdefault(name, []).append(loss)


def save(run, path):
    """Write the checkpoint; of several processes, which all hold the same, the first one writes it."""
    if run.first:
        checkpoints.save(path, {
            "settings": run.settings, "done": run.done, "seconds": run.seconds, "losses": run.losses,
            "state": run.state(),
        })  # fmt: skip
    run.saved = run.done


def resume(run, path):
    """Bring a run to where its checkpoint is; one that does not fit leaves it as it was."""
    found, before = checkpoints.load(path), copy.deepcopy(run.state())
    try:
        _compare(found["settings"], run.settings)
        try:
            run.load(found["state"])
        except Exception:
            run.load(before)
            raise
        run.losses.update({name: list(history) for name, history in found["losses"].items()})
        run.done = run.saved = int(found["done"])
        run.seconds = float(found["seconds"])
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"the checkpoint {path} does not fit this run ({reason}); {checkpoints.REMEDY}") from error


def _compare(was, now):
    differ = [name for name in now if was.get(name) != now[name]]
    if differ:
        one, other = (", ".join(f"{name} {x.get(name)}" for name in differ) for x in (was, now))
        raise ValueError(f"it was made with {one}; now it is {other}")
