"""Feed-forward layers against torch autograd in float64, and the manners that every layer shares.

`assert_layer` serves the recurrent layers' tests too.
"""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cs231n.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    log_softmax,
    relu_backward,
    relu_forward,
    softmax_loss,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    svm_loss,
)

LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "every other element": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    """A function that gives an array of the same values another place in memory."""
    return LAYOUTS[request.param]


def draw(*shapes, seed=0, scale=1.0):
    """Standard normal float64 arrays, one a shape."""
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape) for shape in shapes]


def rel_error(got, want):
    """The largest |got - want| / max(1e-8, |got| + |want|) of all elements, as the assignment defines it."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    return np.max(np.abs(got - want) / np.maximum(1e-8, np.abs(got) + np.abs(want)), initial=0)


def autograd(function, *arrays):
    """Outputs of a torch function in float64, and `pull(*douts)`, the gradients of its arguments."""
    tensors = [torch.tensor(np.array(a, dtype=np.float64), requires_grad=True) for a in arrays]
    outs = _tuple(function(*tensors))

    def pull(*douts):
        grads = torch.autograd.grad(outs, tensors, [torch.tensor(np.array(d)) for d in douts])
        return [g.numpy() for g in grads]

    return [out.detach().numpy() for out in outs], pull


def assert_layer(forward, backward, reference, arrays, layout=np.ascontiguousarray):
    """Prove a layer: values and gradients as torch's, arguments and cache as they were, dtype kept.

    forward(*arrays) -> (*outs, cache), backward(*douts, cache) -> one gradient an array; reference: the same
    function of torch tensors.
    """
    arrays = [layout(a) for a in arrays]
    want_outs, pull = autograd(reference, *arrays)
    douts = [layout(d) for d in draw(*(out.shape for out in want_outs), seed=99)]
    outs, grads = _run_untouched(forward, backward, arrays, douts)
    want_grads = pull(*douts)
    assert len(outs) == len(want_outs) and len(grads) == len(want_grads)
    for got, want in zip(outs + grads, want_outs + want_grads):
        assert got.dtype == np.float64
        assert rel_error(got, want) < 1e-8

    halved = [[layout(a.astype(np.float32)) for a in group] for group in (arrays, douts)]
    outs, grads = _run_untouched(forward, backward, *halved)
    for got, want in zip(outs + grads, want_outs + want_grads):
        assert got.dtype == np.float32
        assert np.abs(got - want).max() <= 1e-5 * max(1, np.abs(want).max())


def _run_untouched(forward, backward, arrays, douts):
    """Forward and backward pass, the latter twice: both times the same, and nothing given to them changed."""
    given = copy.deepcopy(arrays)
    *outs, cache = forward(*arrays)
    kept = copy.deepcopy((outs, cache, douts))
    grads, again = (list(_tuple(backward(*douts, cache))) for _ in range(2))
    for now, before in zip(
        _leaves([arrays, outs, cache, douts, grads]), _leaves([given, *kept, again]), strict=True
    ):
        np.testing.assert_array_equal(now, before)
    return outs, grads


def _leaves(tree):
    if isinstance(tree, (tuple, list)):
        return [leaf for branch in tree for leaf in _leaves(branch)]
    return [tree]


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


# ---------------------------------------------------------------------------------------------- affine, relu


@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4, 5), (1, 6), (1, 1)])
def test_affine(shape, layout):
    D, M = int(np.prod(shape[1:])), 3
    assert_layer(
        affine_forward,
        affine_backward,
        lambda x, w, b: F.linear(x.flatten(1), w.T, b),
        draw(shape, (D, M), (M,)),
        layout,
    )


@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 4), (1, 1)])
def test_relu(shape, layout):
    (x,) = draw(shape)
    x.flat[0] = 0  # torch, too, takes the slope at 0 for 0
    assert_layer(relu_forward, relu_backward, F.relu, [x], layout)


# ------------------------------------------------------------------------------------------------- batchnorm

BATCHNORMS = {
    "rows": (batchnorm_forward, batchnorm_backward, (7, 5)),
    "one column": (batchnorm_forward, batchnorm_backward, (4, 1)),
    "images": (spatial_batchnorm_forward, spatial_batchnorm_backward, (2, 3, 4, 5)),
    "one image": (spatial_batchnorm_forward, spatial_batchnorm_backward, (1, 3, 4, 5)),
}


@pytest.fixture(params=BATCHNORMS)
def batchnorm(request):
    """(forward, backward, shape of x) of batch normalisation, plain or spatial."""
    return BATCHNORMS[request.param]


@pytest.mark.parametrize("eps", [None, 1e-2])
def test_batchnorm_in_training(batchnorm, eps, layout):
    forward, backward, shape = batchnorm
    settings = {} if eps is None else {"eps": eps}
    x, gamma, beta = draw(shape, shape[1:2], shape[1:2])
    assert_layer(
        lambda *args: forward(*args, {"mode": "train", **settings}),
        backward,
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps or 1e-5),
        [3 * x + 2, gamma, beta],
        layout,
    )


@pytest.mark.parametrize("momentum", [None, 0.7])
def test_batchnorm_keeps_running_statistics_and_uses_them_in_test_mode(batchnorm, momentum):
    forward, _, shape = batchnorm
    C = shape[1]
    gamma, beta = draw((C,), (C,))
    bn_param = {"mode": "train"} if momentum is None else {"mode": "train", "momentum": momentum}
    mean, var = torch.zeros(C, dtype=torch.float64), torch.zeros(C, dtype=torch.float64)
    for seed in range(5):
        x = 3 * draw(shape, seed=seed)[0] + 2
        forward(x, gamma, beta, bn_param)
        F.batch_norm(torch.tensor(x), mean, var, training=True, momentum=1 - (momentum or 0.9))
    M = x.size // C
    var *= (M - 1) / M  # torch divides the running variance by M - 1, the assignment by M
    assert rel_error(bn_param["running_mean"], mean.numpy()) < 1e-8
    assert rel_error(bn_param["running_var"], var.numpy()) < 1e-8

    bn_param["mode"] = "test"
    kept = copy.deepcopy(bn_param)
    out, _ = forward(x, gamma, beta, bn_param)
    want = F.batch_norm(torch.tensor(x), mean, var, torch.tensor(gamma), torch.tensor(beta), training=False)
    assert rel_error(out, want.numpy()) < 1e-8
    assert bn_param.keys() == kept.keys()
    for key, value in kept.items():
        np.testing.assert_array_equal(bn_param[key], value)


def test_batchnorm_leaves_the_arrays_of_running_statistics_alone(batchnorm):
    forward, _, shape = batchnorm
    running = np.ones(shape[1])
    bn_param = {"mode": "train", "running_mean": running, "running_var": running}
    forward(*draw(shape, shape[1:2], shape[1:2]), bn_param)
    assert (running == 1).all()
    assert not np.array_equal(bn_param["running_mean"], running)


def test_batchnorm_keeps_float32_in_its_running_statistics_and_in_test_mode(batchnorm):
    forward, _, shape = batchnorm
    x, gamma, beta = (a.astype(np.float32) for a in draw(shape, shape[1:2], shape[1:2]))
    bn_param = {"mode": "train"}
    forward(x, gamma, beta, bn_param)
    bn_param["mode"] = "test"
    out, _ = forward(x, gamma, beta, bn_param)
    assert out.dtype == bn_param["running_mean"].dtype == bn_param["running_var"].dtype == np.float32


def test_batchnorm_of_a_single_row_says_beta():
    # Closed form: one row is its own mean, so nothing of x is left; torch refuses such a batch.
    x, gamma, beta, dout = draw((1, 4), (4,), (4,), (1, 4))
    out, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    np.testing.assert_array_equal(out[0], beta)
    np.testing.assert_array_equal(dbeta, dout[0])
    assert not dx.any() and not dgamma.any()


def test_batchnorm_with_an_unknown_mode_names_it():
    x, gamma, beta = draw((2, 3), (3,), (3,))
    with pytest.raises(ValueError, match="'evaluate'.*'train' or 'test'"):
        batchnorm_forward(x, gamma, beta, {"mode": "evaluate"})


# ---------------------------------------------------------------------------------------------------- losses

LOSSES = {
    "svm": (svm_loss, lambda x, y: F.multi_margin_loss(x, y) * x.shape[1]),  # torch's is a mean over classes
    "softmax": (softmax_loss, F.cross_entropy),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("N, C", [(6, 5), (1, 5), (4, 2), (1, 1)])
def test_losses(name, N, C, layout):
    function, reference = LOSSES[name]
    (x,) = draw((N, C))
    x, y = layout(x), np.arange(N) % C
    x_given, y_given = x.copy(), y.copy()
    (want,), pull = autograd(lambda x: reference(x, torch.tensor(y)), x)
    loss, dx = function(x, y)
    assert rel_error(loss, want) < 1e-8
    assert rel_error(dx, pull(1.0)[0]) < 1e-8
    np.testing.assert_array_equal(x, x_given)
    np.testing.assert_array_equal(y, y_given)

    loss, dx = function(layout(x.astype(np.float32)), y)
    assert loss.dtype == dx.dtype == np.float32
    assert abs(loss - want) < 1e-5 * max(1, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_loss_of_scores_far_apart(dtype):
    x = np.array([[0, 1e4, 0], [1e4, 0, 0]], dtype)
    loss, dx = softmax_loss(x, np.array([0, 0]))
    assert loss == 5e3  # the first row costs the gap, the second nothing
    np.testing.assert_array_equal(dx, [[-0.5, 0.5, 0], [0, 0, 0]])


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_log_softmax(shape, layout):
    (x,) = draw(shape, scale=100)
    x = layout(x)
    assert rel_error(log_softmax(x), torch.log_softmax(torch.tensor(x.copy()), dim=-1).numpy()) < 1e-8
    assert log_softmax(x.astype(np.float32)).dtype == np.float32
