"""Training: the one loop, checkpoints, and recipes; `python -m cs231n.train` trains from the command line."""

from .loop import Run, train

__all__ = ["Run", "train"]
