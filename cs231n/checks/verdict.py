"""The verdict on a TODO: passed, not started, waiting for another one, or wrong and why.

An answer is *seen* on every case of its TODO (what it returned, which arguments it changed, what it raised) and
judged against the oracle. If it is wrong and a known mistake is seen to behave just like it, the mistake is named.
"""

import numpy as np

from .answer import LiveAnswer
from .compare import close, numbers_of
from .disk import advice, disagreement
from .errors import describe, line_of_loading, unwritten
from .explain import explain
from .judge import judge
from .mistakes import name_mistake
from .result import Result
from .run import TimeOut, dtype_of, forget_mistakes, in_float32, random_state_kept
from .todo import Waiting, find, rests_on


def evaluate(id, explained=True):
    """Check one TODO of the live modules and return its Result; whatever the answer does, this does not raise.

    explained: look for the reason of what is wrong, which may take some seconds more than the verdict.
    """
    todo = find(id)
    forget_mistakes()
    try:
        todo.live()  # imports it
        with random_state_kept():
            amiss = disagreement(todo)
        answer = LiveAnswer(todo, todo.live())
    except Exception as error:
        details = [line_of_loading(error), *advice(error)]
        return _unusable(todo, f"{todo.place} cannot be used: {describe(error)}", details)
    if amiss:
        return _unusable(todo, *amiss)
    with random_state_kept():
        result, cases, seen = verdict(answer)
        if result.label and explained:
            explain(todo, answer.function, cases, seen, result)
            result.below = _wrong_below(todo, {label for label, right in result.cases.items() if right is False})
        return result


def verdict(answer):
    """(Result, {label: arguments} of the cases that are due, {label: Seen} of those that it came to) of an answer.

    The Result's `cases` tells of each case of the TODO whether it is right, None where it is not due yet.
    """
    todo = answer.todo
    waits = {label: ids for label, ids in todo.later.items() if not any(map(answer.begun, ids))}
    cases = {label: args for label, args in todo.cases().items() if label not in waits}
    code = answer.code()
    if code == (None, False):
        result = Result(todo.id, "wrong", "the TODO's line is deleted, and there is no code in its place yet")
        seen = {}
    else:
        seen = _see_all(answer, cases)
        result = _unfinished(answer, code, seen) or _judged(answer, cases, seen, waits)
    told = result.cases
    result.cases = {label: None if label in waits else told.get(label, False) for label in todo.cases()}
    return result, cases, seen


def _unusable(todo, reason, details):
    return Result(todo.id, "wrong", reason, details, cases=dict.fromkeys(todo.cases(), False))


def _see_all(answer, cases):
    """The Seen of each case; those after an endless loop are left out."""
    seen = {}
    for label, args in cases.items():
        seen[label] = answer.see(args)
        if isinstance(seen[label].error, TimeOut):
            break
    return seen


def _unfinished(answer, code, seen):
    """The Result if this TODO, or one that it needs, is not written yet."""
    todo = answer.todo
    broken = [s.error.args[0] for s in seen.values() if isinstance(s.error, Waiting)]
    named = [id for s in seen.values() if (id := unwritten(s.error))]
    if todo.id in named or (named and answer.stands()):
        line, written = code or (None, False)
        if written:
            return Result(todo.id, "wrong", f"your code is there, but line {line} still raises: delete that line")
        where = f"Look for TODO({todo.id}) in {todo.place}; it takes about {todo.minutes} minutes."
        return Result(todo.id, "todo", "not started", [where, f'Stuck? hint("{todo.id}")'])
    later = {id for ids in todo.later.values() for id in ids}
    needed = [id for id in named if id not in later or len(named) == len(seen)]
    if needed:
        details = [f"{todo.id} calls {needed[0]}, which is not written yet: {needed[0]} comes first."]
        return Result(todo.id, "waiting", f"waiting for {needed[0]}", details)
    if broken:
        details = [f"{broken[0]} does not return what it must yet."]
        return Result(todo.id, "waiting", f"waiting for {broken[0]}", details)
    return None


def _judged(answer, cases, seen, waits):
    """The Result of the first case that is wrong, with the mistake and what it builds on; passed if none is."""
    todo, told, remarks, first = answer.todo, {}, [], None
    for label, args in cases.items():
        if label not in seen:
            continue
        if unwritten(seen[label].error):
            told[label] = None
            continue
        wrong, more = _judge_in_either_dtype(answer, label, seen[label], args)
        told[label] = not wrong and not any(r.startswith(todo.beyond.get(label, r + " ")) for r in more)
        if wrong and first is None:
            first, wrong.label = wrong, label
        remarks += more
    result = _wrong(answer, first, cases, seen) if first else _passed(todo, seen, told, remarks, waits)
    result.cases = told
    return result


def _wrong(answer, result, cases, seen):
    """The Result of the first wrong case, completed."""
    todo, label = answer.todo, result.label
    result.mistake = name_mistake(todo, seen)
    if not result.mistake and _unsteady(answer, seen[label], cases[label]):
        result.reason = f"the same input gives another result each time (on the input '{label}')"
        result.details = ["Does it draw random numbers, or keep something from one call to the next?"]
        result.explained = True
    if begun := next(filter(answer.begun, todo.later.get(label, ())), None):
        result.reason = f"{begun} is begun, so it is the turn of '{label}': {result.reason}"
    return result


def _judge_in_either_dtype(answer, label, seen, args):
    """judge(), with a second try in float32 where the course uses no other numbers."""
    todo = answer.todo
    wrong, remarks = judge(todo, label, seen, args)
    in_vain = isinstance(seen.error, TimeOut) or not todo.float32_suffices
    if wrong and not in_vain and dtype_of(args) == np.float64:
        again = answer.see(in_float32(args))
        in_single, _ = judge(todo, label, again, args, np.dtype(np.float32))
        if not in_single:
            return None, [f"It is right for float32, which the course uses, but not for float64: {wrong.reason}."]
        if seen.error and not again.error:
            return in_single, remarks
    return wrong, remarks


def _unsteady(answer, seen, args):
    """Whether the answer gives other numbers for the same input once more."""
    again = None if seen.error else answer.see(args)
    if again is None or again.error:
        return False
    pairs = ((seen.outputs[name], again.outputs.get(name)) for name in seen.outputs)
    try:
        numbers = ((a, b) for a, b in pairs if numbers_of(a) is not None and numbers_of(b) is not None)
        return any(np.shape(a) == np.shape(b) and not close(b, a) for a, b in numbers)
    except Exception:  # an answer may give what has no shape, such as lists of several lengths
        return False


def _wrong_below(todo, cases):
    """The lowest of the TODOs that these cases rest on and that is wrong itself, or None."""
    for id in rests_on(todo, cases):
        if evaluate(id, explained=False).state == "wrong":
            return id
    return None


def _passed(todo, seen, told, remarks, waits):
    remarks = list(dict.fromkeys(remarks))
    mistake = name_mistake(todo, seen, form=True) if remarks else None
    if mistake:
        remarks[0] += f" This is what you get when {mistake}."
    stuck = {label: id for label, s in seen.items() if (id := unwritten(s.error))}
    checked = [label for label, right in told.items() if right]
    stuck |= {label: ids[0] for label, ids in waits.items()}
    details = [f"'{label}' will be checked once {id} is written." for label, id in stuck.items()]
    reason = f"right on {len(checked)} kinds of input: {', '.join(checked)}"
    return Result(todo.id, "passed", reason, details, remarks=remarks)
