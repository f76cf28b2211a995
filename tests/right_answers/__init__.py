"""Right answers written otherwise than ours, as people write them: what no check may call wrong.

A module a subject. Each answer is a function with the arguments of the TODO's own (a method has `self`), and may call
helpers of its module and whatever the course's modules hold:

    @right("rnn_step_forward", "the two products are one, of matrices set side by side")
    def _(x, prev_h, Wx, Wh, b): ...

A backward pass reads the cache of a forward pass of its own: @right(id, title, forward=function). What an answer
lacks although it is right is told as a remark; remark= holds some words of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

ANSWERS = []


@dataclass
class Answer:
    id: str
    title: str
    function: Callable
    forward: Callable | None = None
    remark: str | None = None


def right(id, title, *, forward=None, remark=None):
    """Add the decorated function to the right answers of a TODO."""

    def add(function):
        ANSWERS.append(Answer(id, title, function, forward, remark))
        return function

    return add
