"""The search for a reason: what it changes and what it leaves alone, how long it may take, what its pieces say."""

import ast
import importlib
import inspect
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from test_checks import replace

from cs231n import checks
from cs231n.checks.case import case
from cs231n.checks.explain.relations import relation
from cs231n.checks.explain.source import Source, is_given
from cs231n.checks.show import ResultCard
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate
from tools.mutants import try_out

WRONG = """
def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache[:5]
    print("working")
    da = dnext_h * (1 - next_h)
    dx = da.dot(Wx.T)
    dprev_h = da.dot(Wh)
    return dx, dprev_h, x.T.dot(da), prev_h.T.dot(da), da.sum(axis=1)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)
"""


def answer(id, text, folder):
    return try_out(TODOS[id], textwrap.dedent(text), folder)[0]


def test_three_slips_are_found_one_after_the_other(tmp_path):
    result = answer("rnn_step_backward", WRONG, tmp_path)
    assert sorted(change.line for change in result.changes) == [5, 7, 8]
    assert result.explained and result.line in (5, 7, 8) and "3 changes together" in repr(ResultCard(result))


def test_the_file_is_left_alone_and_nothing_is_printed(tmp_path, capsys):
    answer("rnn_step_backward", WRONG, tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.read_text() == WRONG
    assert capsys.readouterr().out.count("working") < 30  # by the check's own calls, not by hundreds of tries


def test_the_random_state_is_left_alone(tmp_path):
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    answer("rnn_step_backward", WRONG, tmp_path)
    assert np.random.rand() == expected


def test_outputs_say_which_are_right(tmp_path):
    text = """
    def lstm_step_forward(x, h, c, Wx, Wh, b):
        i, f, o, g = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
        next_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(next_c), next_c * 3, None
    """
    result = answer("lstm_step_forward", text, tmp_path)
    assert result.outputs == {"next_h": True, "next_c": False}
    assert "next_h is right; next_c is not." in result.details and "next_c is 3 times the right one." in result.details


def test_no_source_no_search(monkeypatch):
    namespace = {"np": np}
    exec("def f(x, h, Wx, Wh, b):\n    return np.tanh(x @ Wx + h @ Wh - b), None", namespace)
    replace(monkeypatch, TODOS["rnn_step_forward"], namespace["f"])
    result = evaluate("rnn_step_forward")
    assert result.state == "wrong" and not result.changes and result.line is None


def test_an_endless_loop_ends_the_search_in_time(tmp_path):
    text = """
    def make_fooling_image(X, target_y, model):
        X_fooling = X.clone().requires_grad_()
        k = 0
        while k < 100:
            scores = model(X_fooling)
            if scores.argmax() == target_y:
                break
            scores[0, target_y].backward()
            X_fooling.data -= X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
            k += 1
        return X_fooling.detach()
    """
    began = time.process_time()
    result = answer("make_fooling_image", text, tmp_path)
    assert result.explained and time.process_time() - began < 12


def test_the_exact_change_is_the_last_hint(tmp_path, monkeypatch, capsys):
    text = "def rnn_step_forward(x, prev_h, Wx, Wh, b):\n    return np.tanh(x @ Wx - prev_h @ Wh + b), None\n"
    path = tmp_path / "answer.py"
    path.write_text(text)
    namespace = {"np": np}
    exec(compile(text, str(path), "exec"), namespace)
    replace(monkeypatch, TODOS["rnn_step_forward"], namespace["rnn_step_forward"])
    monkeypatch.delenv("CS231N_STRICT", raising=False)
    checks.check("rnn_step_forward")
    assert "One change in line 2 makes this right: the operator." in capsys.readouterr().out
    for _ in range(len(TODOS["rnn_step_forward"].hints) + 1):
        checks.hint("rnn_step_forward")
    assert "should be `x @ Wx + prev_h @ Wh`" in capsys.readouterr().out


def test_a_case_is_handed_out_and_runs_again(monkeypatch):
    replace(monkeypatch, TODOS["rnn_step_forward"], lambda x, h, Wx, Wh, b: (np.tanh(x @ Wx + h @ Wh), None))
    found = case("rnn_step_forward")
    assert found.label == "float64" and set(found.arguments) == {"x", "prev_h", "Wx", "Wh", "b"}
    assert not np.allclose(found.yours["next_h"], found.expected["next_h"])
    assert np.array_equal(found.rerun()["next_h"], found.yours["next_h"])
    assert "rerun" in repr(found) and "float64 (3, 5)" in repr(found)
    assert case("rnn_step_forward", "float32").label == "float32"
    with pytest.raises(ValueError, match="there are 'float64'"):
        case("rnn_step_forward", "no such")


def test_a_rerun_lets_the_error_out(monkeypatch):
    def broken(x, h, Wx, Wh, b):
        return x @ Wh, None

    replace(monkeypatch, TODOS["rnn_step_forward"], broken)
    with pytest.raises(ValueError, match="matmul"):
        case("rnn_step_forward").rerun()


def test_shapes_are_told_in_the_students_names(tmp_path):
    text = "def rnn_step_forward(x, state, Wx, Wh, b):\n    both = x @ Wx\n    return np.tanh(both @ x), None\n"
    result = answer("rnn_step_forward", text, tmp_path)
    assert "There, `both` is (3, 5) and `x` is (3, 4)." in result.details


GOT = np.arange(1.0, 13).reshape(3, 4) ** 1.5


@pytest.mark.parametrize(
    "made, said",
    [
        (lambda a: 2 * a, "twice the right one"),
        (lambda a: -a, "minus the right one"),
        (lambda a: 3 * a, "N times the right one"),
        (lambda a: a / 3, "the right one divided by N"),
        (lambda a: a + 5, "larger than the right one by 5 everywhere"),
        (lambda a: a[::-1], "the right one reversed along axis 0"),
        (lambda a: np.roll(a, 1, axis=1), "the right one shifted by one along axis 1"),
        (lambda a: np.hsplit(a, 2)[::-1], "the right one with its 2 blocks along axis 1 in the order 2, 1"),
        (lambda a: a**2, "the square of the right one"),
        (lambda a: np.tanh(a), "the tanh of the right one"),
        (lambda a: 0 * a, "zero everywhere"),
        (lambda a: a.T, "the right one transposed"),
    ],
)
def test_relations(made, said):
    got = made(GOT)
    got = np.hstack(got) if isinstance(got, list) else got
    told = relation("out", [({"out": got}, {"out": GOT}, {"x": np.zeros((3, 7))})])
    assert told == f"out is {said}."


def test_numbers_that_do_not_relate_are_told_nothing():
    noise = np.random.default_rng(0).normal(size=GOT.shape)
    assert relation("out", [({"out": noise}, {"out": GOT}, {"x": np.zeros((3, 7))})]) is None
    assert relation("out", [({"out": 2 * GOT}, {"out": GOT}, {}), ({"out": noise}, {"out": GOT}, {})]) is None
    assert relation("out", [({"out": np.full_like(GOT, np.nan)}, {"out": GOT}, {})]) is None


@pytest.mark.parametrize("module", dict.fromkeys(todo.module for todo in TODOS.values()))
def test_what_ships_is_no_part_of_an_answer(module):
    """Every function of ours beside the answers is known as such, so that the search leaves it alone."""
    path = inspect.getsourcefile(importlib.import_module(module))
    answers = {todo.attribute for todo in TODOS.values() if todo.module == module}
    lines = set()
    for todo in TODOS.values():
        if todo.module == module:
            lines |= Source(todo, todo.live()).answer
    for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name not in answers and node.lineno not in lines:
            assert is_given(node, path), node.name


def test_what_is_never_used_is_told(tmp_path):
    text = """
    def rnn_step_forward(x, prev_h, Wx, Wh, b):
        N, H = prev_h.shape
        from_state = prev_h @ Wh
        return np.tanh(np.sin(x @ Wx)), None
    """
    result = answer("rnn_step_forward", text, tmp_path)
    assert "The argument `b` is never used." in result.details
    assert "`from_state`, made in line 4, is never used." in result.details and result.explained


def test_without_alarms_no_while_is_changed(tmp_path, monkeypatch):
    text = """
    def rnn_step_forward(x, prev_h, Wx, Wh, b):
        n = 0
        while n < 1:
            n += 1
        return np.tanh(x @ Wx - prev_h @ Wh + b), None
    """
    assert answer("rnn_step_forward", text, tmp_path).line == 6
    monkeypatch.setattr("cs231n.checks.explain.can_stop", lambda: False)
    assert answer("rnn_step_forward", text, tmp_path).line is None


def test_what_is_wrong_in_float32_alone_relates_to_nothing(tmp_path):
    """Where every case in float64 is right, any relation would hold."""
    text = """
    def rnn_step_forward(x, prev_h, Wx, Wh, b):
        next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
        return next_h + 0.3 * np.sin(9 * next_h) * (x.dtype == np.float32), None
    """
    card = repr(ResultCard(answer("rnn_step_forward", text, tmp_path)))
    assert "only on 'float32'" in card and "right one" not in card
