"""Record known mistakes, many at once. Where two do the same on every case, the first gives its name."""

import functools


def mistakes(todo, answers):
    """Record known mistakes of a TODO, {title: wrong answer}."""
    for title, answer in answers.items():
        todo.mistake(title)(answer)


def variants(todo, build, changes):
    """Record mistakes that are build, a right answer, with switches turned.

    changes: {title: the switches, a dict of build's keyword arguments; or an answer that no switch makes}.
    """
    mistakes(todo, {title: c if callable(c) else functools.partial(build, **c) for title, c in changes.items()})
