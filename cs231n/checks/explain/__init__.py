"""Why an answer is wrong, found by the machine itself: what no recorded mistake explains.

outputs    which outputs are right and which are not, and where
relations  how a wrong output relates to the right one
shapes     of what stands in the line where the answer stopped
search     the change of the student's own source that would make it right
edits      every single change of it, the likeliest first
slips      the changes that are tried
unused     what the answer is given or makes, and never uses
source     the student's source as a tree that can be changed and run
bench      the cases with what is expected of each
"""

import time

import numpy as np

from ..mistakes import likely_mistake
from ..run import can_stop, dtype_of, random_state_kept
from ..todo import Wrong
from .bench import Bench
from .outputs import sentences, verdicts
from .relations import relation
from .search import mend
from .shapes import last_frame, shapes_at
from .source import Source
from .unused import unused

SECONDS = 3  # of the processor's time, on top of the plain verdict
PLAIN = NameError, AttributeError, ImportError  # whose message and line say it all


def explain(todo, function, cases, seen, result):
    """Add to a wrong Result which outputs are right, how the others relate to the right ones, what would mend it."""
    began = time.process_time()
    bench = Bench(todo, cases)
    seen = {label: bench.in_float32_too(label, function, s) for label, s in seen.items()}
    right = set().union(*(bench.right_in(label, s) for label, s in seen.items() if label in bench.cases))
    result.outputs = verdicts(bench, right)
    told = list(sentences(bench, right, seen))
    result.details += _shapes(function, seen, result)
    if not result.mistake and not result.explained:
        told = _look_for_it(todo, function, bench, seen, right, result, began + SECONDS) + told
    result.explained = bool(result.explained or result.mistake)
    result.details = [*told, *result.details]


def _look_for_it(todo, function, bench, seen, right, result, until):
    """Sentences on what is wrong, the surest first; the Result's line, changes and mistake are set.

    until: when, by the processor's time, the search ends.
    """
    source, related = _source_of(todo, function), _related(todo, bench, seen, result.outputs)
    idle, found = (list(unused(source)), _search(source, function, bench, seen, until)) if source else ([], None)
    error = seen[result.label].error
    if found:
        result.line, result.changes, result.mistake = found.changes[0].line, found.changes, found.mistake
    elif error is not None and source:
        result.line = _line({result.label: seen[result.label]}, source)
    if not found and not related:
        fine = {k for k in seen if k in bench.cases and bench.all_right(k, right)}
        wrong = {k: s for k, s in seen.items() if k in bench.cases and k not in fine}
        result.mistake = likely_mistake(todo, wrong, fine)
        result.loosely = bool(result.mistake)
    plain = isinstance(error, (Wrong, *PLAIN))
    result.explained = bool(found or related or idle or result.mistake or plain)
    if error is not None:  # its line comes first
        result.details += idle[:2]
        return [_say(found)] if found else []
    return [*([_say(found)] if found else []), *idle[:2], *related]


def _shapes(function, seen, result):
    """The shapes in the line where the case shown stopped."""
    path = getattr(getattr(function, "__code__", None), "co_filename", None)
    told = shapes_at(seen[result.label].error, path) if result.label in seen else None
    return [told] if told else []


def _related(todo, bench, seen, outputs):
    if any(s.error for label, s in seen.items() if label in bench.cases) or set(bench.cases) - set(seen):
        return []
    names = todo.argument_names()
    exact = {k: args for k, args in bench.cases.items() if dtype_of(args) == np.float64}  # rounding blurs the others
    cases = [(seen[k].outputs, bench.expected[k], dict(zip(names, args))) for k, args in exact.items()]
    found = (
        relation(name, [case for case in cases if name in case[0] and name in case[1]])
        for name, fine in outputs.items()
        if not fine
    )
    return list(filter(None, found))[:2]


def _source_of(todo, function):
    try:
        return Source(todo, function)
    except (LookupError, OSError, TypeError, SyntaxError):
        return None  # no source that could be read


def _search(source, function, bench, seen, until):
    if not can_stop() and source.has_while():  # of which a change may make an endless loop
        return None
    wrong = [k for k, s in seen.items() if k in bench.cases and not bench.all_right(k, bench.right_in(k, s))]
    with random_state_kept():
        lines = source.lines_run(lambda: [bench.see(function, label, SECONDS) for label in wrong])
    return mend(source, bench, seen, until - time.process_time(), lines, near=_line(seen, source))


def _line(seen, source):
    """The line of the student's own file that the first error went through, or None."""
    frames = (last_frame(s.error, source.path) for s in seen.values())
    return next((frame.tb_lineno for frame in frames if frame is not None), None)


def _say(found):
    changes = found.changes
    places = "; ".join(f"line {change.line}: {change.what}" for change in changes)
    if found.mistake:
        return f"The rest is in {places}."
    if found.mended or found.cases:
        better = found.mended or [f"'{label}'" for label in found.cases]
        return f"Look at {places}. With that changed, {' and '.join(better)} would be right, the rest not yet."
    if len(changes) == 1:
        return f"One change in line {changes[0].line} makes this right: {changes[0].what}."
    return f"{len(changes)} changes together make this right: {places}."
