"""Recurrent layers against torch autograd, torch.nn.RNN and torch.nn.LSTM in float64."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from test_layers import (  # noqa: F401  layout is a fixture
    assert_layer,
    autograd,
    draw,
    layout,
    rel_error,
)
from torch.nn import functional as F

from cs231n import layers, rnn_layers
from cs231n.rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_backward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    sigmoid,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)

SIZES = [(3, 5, 4, 6), (1, 5, 4, 3), (4, 1, 3, 5), (1, 1, 1, 1)]  # N, T, D, H

NUMPY_ONLY = [
    "layers", "rnn_layers", "optim", "gradient_check", "classifiers.rnn", "captioning_solver", "coco_utils",
    "datasets", "image_utils", "scores.captions", "train", "checks",
]  # fmt: skip


# ------------------------------------------------------------------------------- the same networks in torch


def torch_rnn_step(x, h, Wx, Wh, b):
    return torch.tanh(x @ Wx + h @ Wh + b)


def torch_lstm_step(x, h, c, Wx, Wh, b):
    i, f, o, g = (x @ Wx + h @ Wh + b).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def torch_rnn(x, h, Wx, Wh, b):
    states = []
    for x_t in x.unbind(dim=1):
        h = torch_rnn_step(x_t, h, Wx, Wh, b)
        states.append(h)
    return torch.stack(states, dim=1)


def torch_lstm(x, h, Wx, Wh, b):
    states, c = [], torch.zeros_like(h)
    for x_t in x.unbind(dim=1):
        h, c = torch_lstm_step(x_t, h, c, Wx, Wh, b)
        states.append(h)
    return torch.stack(states, dim=1)


CELLS = {
    "rnn": (rnn_forward, rnn_backward, torch_rnn, torch.nn.RNN, [0]),
    "lstm": (
        lstm_forward,
        lstm_backward,
        torch_lstm,
        torch.nn.LSTM,
        [0, 1, 3, 2],
    ),  # i, f, o, g -> i, f, g, o
}


def sequence(N, T, D, H, cell, seed=0):
    """Arrays x, h0, Wx, Wh, b for a network of this cell."""
    G = len(CELLS[cell][-1]) * H
    return draw((N, T, D), (N, H), (D, G), (H, G), (G,), seed=seed)


# ----------------------------------------------------------------------------------------- RNN and LSTM


@pytest.mark.parametrize("N, T, D, H", SIZES)
def test_rnn_step(N, T, D, H, layout):  # noqa: F811
    arrays = draw((N, D), (N, H), (D, H), (H, H), (H,))
    assert_layer(rnn_step_forward, rnn_step_backward, torch_rnn_step, arrays, layout)


@pytest.mark.parametrize("N, T, D, H", SIZES)
def test_lstm_step(N, T, D, H, layout):  # noqa: F811
    arrays = draw((N, D), (N, H), (N, H), (D, 4 * H), (H, 4 * H), (4 * H,))
    assert_layer(lstm_step_forward, lstm_step_backward, torch_lstm_step, arrays, layout)


@pytest.mark.parametrize("N, T, D, H", SIZES)
@pytest.mark.parametrize("cell", CELLS)
def test_sequence(cell, N, T, D, H, layout):  # noqa: F811
    forward, backward, reference, _, _ = CELLS[cell]
    assert_layer(forward, backward, reference, sequence(N, T, D, H, cell), layout)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("cell", CELLS)
def test_sequence_of_random_shape(cell, seed):
    forward, backward, reference, _, _ = CELLS[cell]
    N, T, D, H = np.random.default_rng(seed).integers(1, 9, size=4)
    assert_layer(forward, backward, reference, sequence(N, T, D, H, cell, seed))


@pytest.mark.parametrize("N, T, D, H", SIZES)
@pytest.mark.parametrize("cell", CELLS)
def test_sequence_is_that_of_torch_nn(cell, N, T, D, H):
    forward, backward, _, Module, blocks = CELLS[cell]
    x, h0, Wx, Wh, b = sequence(N, T, D, H, cell)

    def torch_order(columns):
        """Our gate blocks along the last axis in torch's order, transposed to torch's rows."""
        return torch.tensor(
            np.concatenate([np.split(columns, len(blocks), axis=-1)[k] for k in blocks], axis=-1).T
        )

    module = Module(D, H, batch_first=True, dtype=torch.float64)
    weights = {"weight_ih_l0": Wx, "weight_hh_l0": Wh, "bias_ih_l0": b, "bias_hh_l0": np.zeros_like(b)}
    module.load_state_dict({name: torch_order(array) for name, array in weights.items()})
    inputs = [torch.tensor(a, requires_grad=True) for a in (x, h0)]
    state = inputs[1][None]
    want, _ = module(inputs[0], state if cell == "rnn" else (state, torch.zeros_like(state)))
    (dh,) = draw(want.shape, seed=1)
    want.backward(torch.tensor(dh))

    h, cache = forward(x, h0, Wx, Wh, b)
    dx, dh0, dWx, dWh, db = backward(dh, cache)
    assert rel_error(h, want.detach().numpy()) < 1e-8
    assert rel_error(dx, inputs[0].grad.numpy()) < 1e-8
    assert rel_error(dh0, inputs[1].grad.numpy()) < 1e-8
    for got, name in [(dWx, "weight_ih_l0"), (dWh, "weight_hh_l0"), (db, "bias_ih_l0")]:
        assert rel_error(torch_order(got), getattr(module, name).grad.numpy()) < 1e-8


def test_rnn_carries_on_from_its_last_state():
    x, h0, *weights = sequence(3, 7, 4, 5, "rnn")
    whole, _ = rnn_forward(x, h0, *weights)
    first, _ = rnn_forward(x[:, :4], h0, *weights)
    second, _ = rnn_forward(x[:, 4:], first[:, -1], *weights)
    assert rel_error(np.concatenate((first, second), axis=1), whole) < 1e-12


@pytest.mark.parametrize("cell", CELLS)
def test_states_of_the_past_know_nothing_of_the_future(cell):
    forward, backward, *_ = CELLS[cell]
    arrays = sequence(2, 6, 3, 4, cell)
    h, cache = forward(*arrays)
    dh = draw(h.shape, seed=1)[0]
    dh[:, 3:] = 0
    assert not backward(dh, cache)[0][:, 3:].any()
    arrays[0][:, 3:] += 1
    np.testing.assert_array_equal(forward(*arrays)[0][:, :3], h[:, :3])


@pytest.mark.parametrize("cell", CELLS)
def test_large_inputs_saturate_without_overflow(cell):
    forward, backward, *_ = CELLS[cell]
    x, *others = sequence(2, 4, 3, 5, cell)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        h, cache = forward(1e4 * x, *others)
        grads = backward(np.ones_like(h), cache)
    assert all(np.isfinite(a).all() for a in (h, *grads))
    assert np.abs(h).max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid(dtype):
    x = np.concatenate((np.linspace(-20, 20, 201), [-1e4, 1e4, 0])).astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        got = sigmoid(x)
    assert got.dtype == dtype
    assert np.abs(got - torch.sigmoid(torch.tensor(x)).numpy()).max() <= np.finfo(dtype).eps
    assert got[-1] == 0.5


# -------------------------------------------------------------------------------------- word embedding


def assert_embedding(x, V, D, layout=np.ascontiguousarray, seed=0):  # noqa: F811
    kept = x.copy()
    assert_layer(
        lambda W: word_embedding_forward(x, W),
        lambda dout, cache: word_embedding_backward(dout, cache),
        lambda W: F.embedding(torch.tensor(kept.astype(np.int64)), W),
        draw((V, D), seed=seed),
        layout,
    )
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
@pytest.mark.parametrize(
    "N, T, V, D", [(4, 6, 5, 3), (1, 6, 9, 4), (5, 1, 3, 2), (1, 1, 1, 1), (2, 3, 300, 2)]
)
def test_word_embedding(N, T, V, D, dtype, layout):  # noqa: F811
    # Few words in many places: some occur often, others (of 300) never.
    x = np.random.default_rng(0).integers(0, min(V, 255), size=(N, T)).astype(dtype)
    assert_embedding(layout(x), V, D, layout)


@pytest.mark.parametrize("seed", range(20))
def test_word_embedding_of_random_shape(seed):
    rng = np.random.default_rng(seed)
    N, T, V, D = rng.integers(1, 12, size=4)
    assert_embedding(rng.integers(0, V, size=(N, T)), V, D, seed=seed)


def test_word_embedding_gradient_follows_the_lookup_for_ids_from_the_end():
    # numpy reads -1 as the last word; a sparse product that took it as it stands wrote outside its result.
    (W, dout), x = draw((5, 3), (2, 3, 3)), np.array([[-1, 0, -5], [4, -2, -1]])
    out, cache = word_embedding_forward(x, W)
    np.testing.assert_array_equal(out, W[x % 5])
    want = np.zeros_like(W)
    np.add.at(want, x, dout)
    assert rel_error(word_embedding_backward(dout, cache), want) < 1e-12


def test_word_embedding_of_an_unknown_id_is_an_error():
    with pytest.raises(IndexError, match="5"):
        word_embedding_forward(np.array([[0, 5]]), np.zeros((5, 3)))


# ------------------------------------------------------------------------------------ layers over time


@pytest.mark.parametrize("N, T, D, M", [(3, 4, 5, 2), (1, 4, 5, 2), (3, 1, 2, 6), (1, 1, 1, 1)])
def test_temporal_affine(N, T, D, M, layout):  # noqa: F811
    assert_layer(
        temporal_affine_forward,
        temporal_affine_backward,
        lambda x, w, b: F.linear(x, w.T, b),
        draw((N, T, D), (D, M), (M,)),
        layout,
    )


def test_affine_layers_can_be_had_from_rnn_layers():
    assert rnn_layers.affine_forward is layers.affine_forward
    assert rnn_layers.affine_backward is layers.affine_backward


def masks(N, T):
    """Masks that keep everything, one place, half the places, and nothing."""
    one = np.zeros((N, T), bool)
    one[-1, -1] = True
    half = np.random.default_rng(0).random((N, T)) < 0.5
    return {"all": np.ones((N, T), bool), "one": one, "half": half, "none": np.zeros((N, T), bool)}


@pytest.mark.parametrize("kind", ["all", "one", "half", "none"])
@pytest.mark.parametrize("N, T, V", [(4, 5, 6), (1, 5, 3), (3, 1, 4), (1, 1, 1)])
def test_temporal_softmax_loss(N, T, V, kind, layout):  # noqa: F811
    (x,), y, mask = draw((N, T, V)), np.arange(N * T).reshape(N, T) % V, masks(N, T)[kind]
    x, y, mask = layout(x), layout(y), layout(mask)
    given = copy.deepcopy((x, y, mask))

    def reference(x):
        each = F.cross_entropy(x.flatten(0, 1), torch.tensor(y.ravel()), reduction="none")
        return (each * torch.tensor(mask.ravel())).sum() / N

    (want,), pull = autograd(reference, x)
    loss, dx = temporal_softmax_loss(x, y, mask)
    assert rel_error(loss, want) < 1e-8
    assert rel_error(dx, pull(1.0)[0]) < 1e-8
    for now, before in zip((x, y, mask), given):
        np.testing.assert_array_equal(now, before)

    loss, dx = temporal_softmax_loss(x.astype(np.float32), y, mask)
    assert loss.dtype == dx.dtype == np.float32
    assert abs(loss - want) < 1e-5 * max(1, want)


@pytest.mark.parametrize("dtype", [bool, int, np.float32])
def test_temporal_softmax_loss_takes_masks_of_zeros_and_ones(dtype):
    (x,), y, mask = draw((3, 3, 4)), np.ones((3, 3), int), masks(3, 3)["half"]
    want, dwant = temporal_softmax_loss(x, y, mask)
    loss, dx = temporal_softmax_loss(x, y, mask.astype(dtype))
    assert loss == want
    np.testing.assert_array_equal(dx, dwant)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_temporal_softmax_loss_of_scores_far_apart(dtype):
    x = np.zeros((2, 3, 4), dtype)
    x[:, :, 2] = 1e4
    y = np.array([[0, 2, 1], [2, 3, 0]])
    mask = np.array([[True, True, False], [True, False, False]])  # the wrong word once, the right one twice
    with np.errstate(all="raise", under="ignore"):
        loss, dx = temporal_softmax_loss(x, y, mask)
    want = np.zeros_like(x)
    want[0, 0, [0, 2]] = -0.5, 0.5
    assert loss == 5e3
    np.testing.assert_array_equal(dx, want)


def test_temporal_softmax_loss_never_looks_at_what_the_mask_hides():
    (x,), y, mask = draw((2, 3, 4)), np.zeros((2, 3), int), masks(2, 3)["half"]
    want, dwant = temporal_softmax_loss(x, y, mask)
    x[~mask], y[~mask] = np.nan, -100
    loss, dx = temporal_softmax_loss(x, y, mask)
    assert loss == want
    np.testing.assert_array_equal(dx, dwant)


def test_temporal_softmax_loss_prints_only_when_asked(capsys):
    (x,), y, mask = draw((2, 3, 4)), np.zeros((2, 3), int), masks(2, 3)["all"]
    temporal_softmax_loss(x, y, mask)
    assert capsys.readouterr().out == ""
    temporal_softmax_loss(x, y, mask, verbose=True)
    assert "(2, 3, 4)" in capsys.readouterr().out


# --------------------------------------------------------------------------------------------- imports


def test_numpy_modules_do_not_import_torch():
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module('cs231n.' + name)\n"
        "    assert 'torch' not in sys.modules, f'cs231n.{name} imports torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *NUMPY_ONLY], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
