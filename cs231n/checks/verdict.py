"""The verdict on a TODO: passed, not started, waiting for another one, or wrong and why.

An answer is *seen* on every case of its TODO (what it returned, which arguments it changed, what it raised) and
judged against the oracle. If it is wrong and a known mistake is seen to behave just like it, the mistake is named.
"""

import numpy as np

from .compare import close
from .disk import advice, code_at, disagreement
from .errors import describe, line_of_loading, unwritten
from .explain import explain
from .judge import judge
from .mistakes import name_mistake
from .result import Result
from .run import TimeOut, dtype_of, forget_mistakes, in_float32, random_state_kept, see, see_all
from .todo import Waiting, all_needs, find


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
        function = todo.live()
    except Exception as error:
        details = [line_of_loading(error), *advice(error)]
        return Result(id, "wrong", f"{todo.place} cannot be used: {describe(error)}", details)
    if amiss:
        return Result(id, "wrong", *amiss)
    with random_state_kept():
        if code_at(todo) == (None, False):
            return Result(id, "wrong", "the TODO's line is deleted, and there is no code in its place yet")
        waits = {label: ids for label, ids in todo.later.items() if not any(map(_begun, ids))}
        cases = {label: args for label, args in todo.cases().items() if label not in waits}
        seen = see_all(todo, function, cases)
        result = _unfinished(todo, function, seen) or _judged(todo, function, cases, seen, waits)
        if result.label and explained:
            explain(todo, function, cases, seen, result)
            result.below = _wrong_below(todo)
        return result


def _begun(id):
    """Whether the line that a student replaces is gone."""
    try:
        return not _stands(id, find(id).live())
    except Exception:  # a file that cannot be imported
        return True


def _stands(id, function):
    """Whether a TODO's own raise line stands in its function, even if it is never reached."""
    code = getattr(function, "__code__", None)
    return any(f"TODO {id}: replace this line" in c for c in code.co_consts if isinstance(c, str)) if code else False


def _unfinished(todo, function, seen):
    """The Result if this TODO, or one that it needs, is not written yet."""
    broken = [s.error.args[0] for s in seen.values() if isinstance(s.error, Waiting)]
    named = [id for s in seen.values() if (id := unwritten(s.error))]
    if todo.id in named or (named and _stands(todo.id, function)):
        line, written = code_at(todo) or (None, False)
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


def _judged(todo, function, cases, seen, waits):
    """The Result of the first case that is wrong, with the mistake and what it builds on; passed if none is."""
    remarks = []
    for label, args in cases.items():
        if label not in seen or unwritten(seen[label].error):
            continue
        wrong, more = _judge_in_either_dtype(todo, function, label, seen[label], args)
        if wrong:
            wrong.label, wrong.mistake = label, name_mistake(todo, seen)
            if not wrong.mistake and _unsteady(todo, function, seen[label], args):
                wrong.reason = f"the same input gives another result each time (on the input '{label}')"
                wrong.details = ["Does it draw random numbers, or keep something from one call to the next?"]
                wrong.explained = True
            if begun := next(filter(_begun, todo.later.get(label, ())), None):
                wrong.reason = f"{begun} is begun, so it is the turn of '{label}': {wrong.reason}"
            return wrong
        remarks += more
    return _passed(todo, seen, remarks, waits)


def _judge_in_either_dtype(todo, function, label, seen, args):
    """judge(), with a second try in float32 where the course uses no other numbers."""
    wrong, remarks = judge(todo, label, seen, args)
    in_vain = isinstance(seen.error, TimeOut) or not todo.float32_suffices
    if wrong and not in_vain and dtype_of(args) == np.float64:
        again = see(todo, todo.call, function, in_float32(args))
        in_single, _ = judge(todo, label, again, args, np.dtype(np.float32))
        if not in_single:
            return None, [f"It is right for float32, which the course uses, but not for float64: {wrong.reason}."]
        if seen.error and not again.error:
            return in_single, remarks
    return wrong, remarks


def _unsteady(todo, function, seen, args):
    """Whether the answer gives other numbers for the same input once more."""
    again = None if seen.error else see(todo, todo.call, function, args)
    if again is None or again.error:
        return False
    pairs = ((seen.outputs[name], again.outputs.get(name)) for name in seen.outputs)
    try:
        numbers = ((a, b) for a, b in pairs if a is not None and b is not None)
        return any(np.shape(a) == np.shape(b) and not close(b, a) for a, b in numbers)
    except Exception:  # an answer may give what has no shape, such as lists of several lengths
        return False


def _wrong_below(todo):
    """The lowest of the TODOs that this one rests on that is wrong itself, or None."""
    for id in [*all_needs(todo), *(id for ids in todo.later.values() for id in ids)]:
        if evaluate(id, explained=False).state == "wrong":
            return id
    return None


def _passed(todo, seen, remarks, waits):
    remarks = list(dict.fromkeys(remarks))
    mistake = name_mistake(todo, seen, form=True) if remarks else None
    if mistake:
        remarks[0] += f" This is what you get when {mistake}."
    stuck = {label: id for label, s in seen.items() if (id := unwritten(s.error))}
    checked = [label for label in seen if label not in stuck]
    stuck |= {label: ids[0] for label, ids in waits.items()}
    details = [f"'{label}' will be checked once {id} is written." for label, id in stuck.items()]
    reason = f"right on {len(checked)} kinds of input: {', '.join(checked)}"
    return Result(todo.id, "passed", reason, details, remarks=remarks)
