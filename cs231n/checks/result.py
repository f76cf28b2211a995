"""What the machinery hands on: what an answer did with one case, and the outcome of a check."""

from dataclasses import dataclass, field


@dataclass
class Seen:
    """What an answer did with one case."""

    outputs: dict = field(default_factory=dict)
    changed: list = field(default_factory=list)  # names of arguments changed in place
    error: BaseException | None = None
    dtype: object = None  # what its numbers were made from, if not from the case's as they are


@dataclass
class Result:
    """The outcome of one check: state 'passed', 'todo', 'waiting' or 'wrong', and why.

    A passed answer may carry remarks: what it lacks beyond the contract, a sentence each.
    """

    id: str
    state: str
    reason: str
    details: list = field(default_factory=list)
    mistake: str | None = None
    label: str | None = None  # of the first case that is wrong
    cases: dict = field(default_factory=dict)  # label -> whether it is right; None: not due yet
    below: str | None = None  # the id of a TODO that this one rests on and that is wrong as well
    remarks: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)  # name -> whether it is right in every case
    line: int | None = None  # of the student's file, where the mistake was found
    changes: list = field(default_factory=list)  # which together would make the answer right
    explained: bool = False  # whether the reason goes beyond "wrong values"
    loosely: bool = False  # whether the mistake was seen in the case shown only
    pictures: tuple = ()  # (title, array, array) of what came and what was expected
