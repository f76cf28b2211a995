"""The checks themselves: every known mistake is caught and named, and no answer of any kind crashes them."""

import importlib
import subprocess
import sys
import time

import numpy as np
import pytest

from cs231n import checks
from cs231n.checks import __main__ as command
from cs231n.checks.show import HintCard, ProgressTable, ResultCard
from cs231n.checks.todo import TODOS, Backward, Forward
from cs231n.checks.verdict import evaluate

MISTAKES = [(id, title) for id, todo in TODOS.items() for title in todo.mistakes]


def replace(monkeypatch, todo, function):
    """Put a function in the place of a student's answer."""
    owner = importlib.import_module(todo.module)
    *path, name = todo.attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, function)


def answer_with(monkeypatch, todo, mistake):
    """Make a known mistake the student's answer, in the form a student would have given it."""
    if isinstance(todo, Forward):
        # With a cache of its own, so that what is missing is not the cache.
        replace(monkeypatch, todo, lambda *args: (*_tuple(mistake(*args)), None))
    elif isinstance(todo, Backward):
        right = todo.forward.live()
        replace(monkeypatch, todo.forward, lambda *inputs: (*right(*inputs)[:-1], inputs))
        replace(
            monkeypatch, todo, lambda *upstream_and_cache: mistake(*upstream_and_cache[:-1], *upstream_and_cache[-1])
        )
    else:
        replace(monkeypatch, todo, mistake)


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("id", TODOS)
def test_solution_passes(id):
    result = evaluate(id)
    assert result.state == "passed" and not result.remarks


@pytest.mark.parametrize("id, title", MISTAKES)
def test_known_mistake_is_caught_and_named(monkeypatch, id, title):
    """As wrong; or, where it lacks only what the contract does not ask for, by a remark."""
    answer_with(monkeypatch, TODOS[id], TODOS[id].mistakes[title])
    result = evaluate(id)
    if result.state == "passed":
        assert title in result.remarks[0]
    else:
        assert result.state == "wrong" and result.mistake == title
    assert title in repr(ResultCard(result))


@pytest.mark.parametrize("id", TODOS)
def test_at_least_four_mistakes_and_two_hints(id):
    assert len(TODOS[id].mistakes) >= 4
    assert len(TODOS[id].hints) >= 2


class Hostile:
    """An answer that breaks whatever touches it."""

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")

    __array__ = __len__ = __iter__ = __eq__ = __hash__ = None


def _raise(error):
    raise error


STRANGE = {
    "None": None,
    "a string": "right",
    "a list": [1, 2, 3],
    "an empty tuple": (),
    "a tuple of Nones": (None, None),
    "five Nones": (None,) * 5,
    "six objects": (object(),) * 6,
    "an array": np.zeros((2, 3)),
    "an array of objects": (np.array([None, "x"], dtype=object), None),
    "nan": (np.full((3, 5), np.nan), None),
    "a hostile object": (Hostile(), Hostile()),
    "a dict": {},
    "loss and an empty dict": (0.0, {}),
    "loss and Nones": (None, dict.fromkeys(["W_embed", "W_proj", "b_proj", "Wx", "Wh", "b", "W_vocab", "b_vocab"])),
    "a generator": (i for i in range(2)),
    "complex": (np.zeros((3, 5), dtype=complex), None),
    "a masked array": (np.ma.masked_all((3, 5)), None),
}
RAISED = [ValueError("bad"), ZeroDivisionError(), SystemExit(3), RecursionError(), MemoryError(), GeneratorExit(),
          NotImplementedError(), NotImplementedError("TODO nobody: replace this line"), Exception(Hostile)]  # fmt: skip


@pytest.mark.parametrize("id", TODOS)
@pytest.mark.parametrize("answer", STRANGE)
def test_strange_answers_are_wrong_and_crash_nothing(monkeypatch, id, answer):
    replace(monkeypatch, TODOS[id], lambda *args, **kwargs: STRANGE[answer])
    result = evaluate(id)
    assert result.state == "wrong" and result.reason
    repr(ResultCard(result)), ResultCard(result)._repr_html_()


@pytest.mark.parametrize("id", TODOS)
@pytest.mark.parametrize("error", RAISED, ids=lambda e: type(e).__name__)
def test_raising_answers_crash_nothing(monkeypatch, id, error):
    replace(monkeypatch, TODOS[id], lambda *args, **kwargs: _raise(error))
    result = evaluate(id)
    assert result.state in ("wrong", "waiting")
    assert type(error).__name__ in result.reason or result.state == "waiting"


def test_not_callable_answer(monkeypatch):
    replace(monkeypatch, TODOS["rnn_forward"], 7)
    assert evaluate("rnn_forward").state == "wrong"


def test_endless_loop_is_stopped(monkeypatch):
    def endless(*args):
        while True:
            pass

    monkeypatch.setattr("cs231n.checks.run.SECONDS", 1)
    replace(monkeypatch, TODOS["rnn_step_forward"], endless)
    result = evaluate("rnn_step_forward")
    assert "stopped after 1 s" in result.reason and "endless loop" in result.reason


def test_waiting_names_the_todo_below(monkeypatch):
    error = NotImplementedError("TODO rnn_forward: replace this line with your code")
    replace(monkeypatch, TODOS["rnn_forward"], lambda *args: _raise(error))
    result = evaluate("rnn_backward")
    assert (result.state, result.reason) == ("waiting", "waiting for rnn_forward")


def test_wrong_forward_is_blamed_for_wrong_backward(monkeypatch):
    from cs231n import rnn_layers

    right = rnn_layers.rnn_step_forward
    replace(monkeypatch, TODOS["rnn_step_forward"], lambda x, h, Wx, Wh, b: right(x, h, Wx, Wh, 0 * b))
    result = evaluate("rnn_step_backward")
    assert result.state == "wrong" and result.below == "rnn_step_forward"
    assert "builds on rnn_step_forward" in repr(ResultCard(result)).splitlines()[1]


def test_own_line_is_shown():
    result = _evaluate_source("rnn_step_forward", "next_h = x @ prev_h")
    assert "next_h = x @ prev_h" in " ".join(result.details)


def _evaluate_source(id, body, tmp_path_name="rnn_layers_edited.py"):
    """Evaluate an answer that exists as a source file, as a student's does."""
    import linecache

    from cs231n import rnn_layers

    source = f"def {id}(x, prev_h, Wx, Wh, b):\n    {body}\n    return next_h, None\n"
    name = str(__import__("pathlib").Path(rnn_layers.__file__).with_name(tmp_path_name))
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {}
    exec(compile(source, name, "exec"), namespace)
    with pytest.MonkeyPatch.context() as patch:
        replace(patch, TODOS[id], namespace[id])
        return evaluate(id)


def test_random_state_is_left_alone():
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    evaluate("captioning_rnn_loss")
    assert np.random.rand() == expected


def test_lstm_case_waits_for_the_lstm(monkeypatch):
    error = NotImplementedError("TODO lstm_forward: replace this line with your code")
    monkeypatch.setattr("cs231n.classifiers.rnn.lstm_forward", lambda *args: _raise(error))
    result = evaluate("captioning_rnn_loss")
    assert result.state == "passed" and "lstm_forward" in " ".join(result.details)


def test_hints_become_more_explicit_and_end(capsys):
    total = len(TODOS["rnn_forward"].hints)
    for _ in range(total + 1):
        checks.hint("rnn_forward")
    shown = capsys.readouterr().out
    assert shown.count(f"Hint {total} of {total}") == 2 and "last one" in shown
    assert "Hint 1" in HintCard("rnn_forward", 1, TODOS["rnn_forward"].hints)._repr_html_()


def test_unknown_id_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'rnn_forward'"):
        checks.check("rnn_forwrd")
    with pytest.raises(ValueError, match="there are RNN"):
        checks.progress("CNN")


def test_strict_raises(monkeypatch, capsys):
    replace(monkeypatch, TODOS["rnn_step_forward"], lambda *args: None)
    monkeypatch.delenv("CS231N_STRICT", raising=False)
    checks.check("rnn_step_forward")
    monkeypatch.setenv("CS231N_STRICT", "1")
    with pytest.raises(checks.CheckFailed, match="rnn_step_forward"):
        checks.check("rnn_step_forward")


def test_progress_table_counts(monkeypatch, capsys):
    replace(monkeypatch, TODOS["rnn_step_forward"], lambda *args: None)
    results = [evaluate(id) for id in ("rnn_step_forward", "word_embedding_forward")]
    table = ProgressTable(results)
    assert "1 of 2 done" in repr(table) and "1 of 2 done" in table._repr_html_()


def test_module_command_lists_everything(capsys):
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert all(id in shown for id in TODOS)
    assert f"{len(TODOS)} of {len(TODOS)} done" in shown


def test_module_command_starts():
    """In a process of its own; an id that is not there is told before torch is loaded."""
    run = [sys.executable, "-m", "cs231n.checks", "rnn_forwrd"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "did you mean 'rnn_forward'" in done.stderr


def test_all_checks_together_are_quick():
    began = time.process_time()
    for id in TODOS:
        evaluate(id)
    assert time.process_time() - began < 20
