"""The verdict on a TODO: passed, not started, waiting for another one, or wrong and why.

An answer is *seen* on every case of its TODO (what it returned, which arguments it changed, what it raised) and
judged against the oracle. If it is wrong and a known mistake is seen to behave just like it, the mistake is named.
"""

from .errors import describe, own_line, unwritten
from .judge import judge
from .mistakes import name_mistake
from .result import Result
from .run import random_state_kept, see_all
from .todo import Waiting, all_needs, find


def evaluate(id):
    """Check one TODO of the live modules and return its Result; whatever the answer does, this does not raise."""
    todo = find(id)
    try:
        function = todo.live()
    except Exception as error:
        return Result(id, "wrong", f"{todo.place} cannot be used: {describe(error)}", [own_line(error, todo)])
    with random_state_kept():
        cases = todo.cases()
        seen = see_all(todo, function, cases)
        return _unfinished(todo, function, seen) or _wrong(todo, cases, seen) or _passed(todo, seen)


def _unfinished(todo, function, seen):
    """The Result if this TODO, or one that it needs, is not written yet."""
    broken = [s.error.args[0] for s in seen.values() if isinstance(s.error, Waiting)]
    named = [id for s in seen.values() if (id := unwritten(s.error))]
    own_line_stands = f"TODO {todo.id}: replace this line" in _constants(function)
    if todo.id in named or (own_line_stands and named):
        where = f"Look for TODO({todo.id}) in {todo.place}; it takes about {todo.minutes} minutes."
        return Result(todo.id, "todo", "not started", [where, f'Stuck? hint("{todo.id}")'])
    needed = [id for id in named if id not in todo.later or len(named) == len(seen)]
    if needed:
        details = [f"{todo.id} calls {needed[0]}, which is not written yet: {needed[0]} comes first."]
        return Result(todo.id, "waiting", f"waiting for {needed[0]}", details)
    if broken:
        details = [f"{broken[0]} does not return what it must yet."]
        return Result(todo.id, "waiting", f"waiting for {broken[0]}", details)
    return None


def _constants(function):
    """All string constants in a function's code: its own raise line stands there, even if never reached."""
    code = getattr(function, "__code__", None)
    return " ".join(c for c in code.co_consts if isinstance(c, str)) if code else ""


def _wrong(todo, cases, seen):
    """The Result of the first case that is wrong, with the mistake and what it builds on; None if none is."""
    for label in seen:
        result = None if unwritten(seen[label].error) else judge(todo, label, seen[label], cases[label])
        if result:
            result.mistake = name_mistake(todo, seen)
            result.details += _wrong_below(todo)
            return result
    return None


def _wrong_below(todo):
    """A wrong answer below explains a wrong answer here: a line that points to the lowest one."""
    for id in [*all_needs(todo), *todo.later]:
        if evaluate(id).state == "wrong":
            return [f"It builds on {id}, which is wrong as well: mend that one first."]
    return []


def _passed(todo, seen):
    later = {label: id for label, s in seen.items() if (id := unwritten(s.error))}  # these wait for a later TODO
    checked = [label for label in seen if label not in later]
    waits = [f"'{label}' will be checked once {id} is written." for label, id in later.items()]
    return Result(todo.id, "passed", f"right on {len(checked)} kinds of input: {', '.join(checked)}", waits)
