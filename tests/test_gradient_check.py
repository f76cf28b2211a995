"""Numerical gradients of functions whose gradients are known in closed form."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from cs231n.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)

LINE = re.compile(r"numerical: (\S+) analytic: (\S+), relative error: (\S+)")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 1, 2), ()])
def test_gradient_of_a_scalar_function(shape):
    x = np.asarray(draw(*shape))
    kept = x.copy()
    grad = eval_numerical_gradient(lambda x: np.sum(np.sin(x)), x, verbose=False)
    np.testing.assert_allclose(grad, np.cos(kept), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(x, kept)


def test_step_size_is_the_callers():
    # Central differences of x**3 are 3 x**2 + h**2 exactly.
    x = np.array([2.0])
    assert eval_numerical_gradient(lambda x: x[0] ** 3, x, verbose=False, h=0.5)[0] == pytest.approx(12.25)
    assert eval_numerical_gradient_array(lambda x: x**3, x, np.ones(1), h=0.5)[0] == pytest.approx(12.25)


def test_verbose_prints_each_element(capsys):
    eval_numerical_gradient(lambda x: 3 * x.sum(), np.zeros((2, 2)), verbose=False)
    assert capsys.readouterr().out == ""
    eval_numerical_gradient(lambda x: 3 * x.sum(), np.zeros((2, 2)))
    lines = capsys.readouterr().out.splitlines()
    assert [line[: len("(0, 0)")] for line in lines] == ["(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)"]
    assert all("3.0" in line or "2.99" in line for line in lines)


def test_array_version_pulls_the_upstream_gradient_back():
    A, x, df = draw(4, 3), draw(3, 2, seed=1), draw(4, 2, seed=2)
    kept = x.copy()
    grad = eval_numerical_gradient_array(lambda x: A @ x, x, df)
    np.testing.assert_allclose(grad, A.T @ df, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(x, kept)


def test_array_version_of_a_function_that_reuses_its_output():
    x, df, out = draw(3), draw(3, seed=1), np.empty(3)
    grad = eval_numerical_gradient_array(lambda x: np.multiply(x, x, out=out), x, df)
    np.testing.assert_allclose(grad, 2 * x * df, rtol=0, atol=1e-9)


def test_array_of_another_layout_is_changed_in_place_and_restored():
    base = draw(4, 6)
    x, kept = base.T[::2], base.copy()
    grad = eval_numerical_gradient_array(lambda x: x**2, x, np.ones_like(x))
    np.testing.assert_allclose(grad, 2 * x, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(base, kept)


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: eval_numerical_gradient(f, x, verbose=False),
        lambda f, x: eval_numerical_gradient_array(f, x, np.ones(())),
        lambda f, x: grad_check_sparse(f, x, np.zeros_like(x)),
    ],
    ids=["scalar", "array", "sparse"],
)
def test_x_is_restored_when_the_function_fails(run):
    x, calls = draw(3), []

    def fails_late(x):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no more")
        return x.sum()

    with pytest.raises(RuntimeError, match="no more"):
        run(fails_late, x)
    np.testing.assert_array_equal(x, draw(3))


def blob(vals, diffs=None):
    return SimpleNamespace(vals=vals, diffs=np.zeros_like(vals) if diffs is None else diffs)


def product(x, w, out):
    """A layer in the manner of Caffe: it reads two blobs and writes a third."""
    out.vals = x.vals @ w.vals


def test_blobs():
    x, w, out = blob(draw(2, 3)), blob(draw(3, 4, seed=1)), blob(np.zeros((2, 4)), draw(2, 4, seed=2))
    dx, dw = eval_numerical_gradient_blobs(product, (x, w), out)
    np.testing.assert_allclose(dx, out.diffs @ w.vals.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(dw, x.vals.T @ out.diffs, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(x.vals, draw(2, 3))
    np.testing.assert_array_equal(w.vals, draw(3, 4, seed=1))
    assert not x.diffs.any() and not w.diffs.any()


def test_net():
    x, w, out = blob(draw(2, 3)), blob(draw(3, 4, seed=1)), blob(np.zeros((2, 4)), draw(2, 4, seed=2))
    net = SimpleNamespace(forward=lambda: product(x, w, out))
    dx, dw = eval_numerical_gradient_net(net, (x, w), out)
    np.testing.assert_allclose(dx, out.diffs @ w.vals.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(dw, x.vals.T @ out.diffs, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(x.vals, draw(2, 3))


def test_sparse_check_prints_small_errors_for_a_right_gradient(capsys):
    x = draw(4, 5)
    grad_check_sparse(lambda x: np.sum(x**2), x, 2 * x, num_checks=7)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    for line in lines:
        numerical, analytic, error = map(float, LINE.fullmatch(line).groups())
        assert abs(numerical - analytic) < 2e-6 and error < 1e-7
    np.testing.assert_array_equal(x, draw(4, 5))


def test_sparse_check_prints_large_errors_for_a_wrong_gradient(capsys):
    x = 1 + np.abs(draw(4, 5))
    grad_check_sparse(lambda x: np.sum(x**2), x, -2 * x, num_checks=3)
    errors = [float(LINE.fullmatch(line).group(3)) for line in capsys.readouterr().out.splitlines()]
    assert errors == [1.0] * 3


def test_sparse_check_of_two_zeros_is_no_error(capsys):
    grad_check_sparse(lambda x: 0.0, draw(3), np.zeros(3), num_checks=1)
    assert float(LINE.fullmatch(capsys.readouterr().out.strip()).group(3)) == 0
