"""Wrong answers as tired students write them, each with what is truly wrong, to hold the checks' reasons against.

A module a subject. Each answer is the source text of a student's function (and of helpers, if it has any):

    wrong("rnn_step_forward", "the bias is left out", '''
    def rnn_step_forward(x, prev_h, Wx, Wh, b):
        ...
    ''', faults=1, says="+ b is missing")

says: words that the card must hold, in lower case; they tell the true reason or its place. says=None: nothing is
explained today, and nothing false may be said.
"""

from dataclasses import dataclass

ANSWERS = []


@dataclass
class Answer:
    id: str
    truth: str
    source: str
    faults: int
    says: str | None


def wrong(id, truth, source, *, faults=1, says):
    """Add to the wrong answers of a TODO; faults: how many independent ones it has."""
    ANSWERS.append(Answer(id, truth, source, faults, says))
