"""Checkpoints: what a training run needs to go on, in one file that is there whole or not at all."""

import os
from pathlib import Path

REMEDY = "move it away to start anew, or name another file"


def save(path, state):
    """Write `state` (nested dicts and lists of tensors, numbers, strings) to `path` in one step.

    Whatever interrupts this, the file holds either the new state or the one before.
    """
    import torch  # late: training in numpy alone need not wait for it

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torch.save(state, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path):
    """The state in a checkpoint, its tensors on the processor; nothing in the file is executed.

    Raises FileNotFoundError if there is none, ValueError for a damaged file or one that is no checkpoint.
    """
    import torch

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}; name another file, or train first")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive raises of many kinds
        reason = str(error).partition("\n")[0][:150] or type(error).__name__
        raise ValueError(f"{path} cannot be read as a checkpoint ({reason}); {REMEDY}") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds a {type(state).__name__}, not a checkpoint; {REMEDY}")
    return state
