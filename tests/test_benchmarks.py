"""The benchmarks: textbook versions are right, what is raced is what it says, and the runner runs. No timings."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as runner
from benchmarks import captioning, textbook, timing
from benchmarks.captioning import MARKS, TINY, Sizes
from benchmarks.timing import Race, Row
from cs231n import optim, rnn_layers
from cs231n.classifiers.rnn import CaptioningRNN

ROOT = Path(__file__).resolve().parent.parent
ROUNDING = {"rtol": 1e-10, "atol": 1e-13}


def assert_all_close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, **ROUNDING)


def model_and_batch():
    words = [*MARKS, *(f"word{i}" for i in range(9))]
    word_to_idx, sizes = {word: i for i, word in enumerate(words)}, {"input_dim": 6, "wordvec_dim": 5, "hidden_dim": 7}
    np.random.seed(3)
    model = CaptioningRNN(word_to_idx, **sizes, cell_type="lstm", dtype=np.float64)
    captions = captioning.drawn_captions(Sizes(batch=8, words=11, V=len(words)))
    return model, np.random.standard_normal((8, 6)), captions


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_textbook_layers_agree_with_ours(cell):
    args, dh = captioning.layer_inputs(cell, np.float64, TINY)
    h, cache = getattr(rnn_layers, f"{cell}_forward")(*args)
    textbook_h, textbook_cache = getattr(textbook, f"{cell}_forward")(*args)
    np.testing.assert_allclose(h, textbook_h, **ROUNDING)
    ours = getattr(rnn_layers, f"{cell}_backward")(dh, cache)
    assert_all_close(ours, getattr(textbook, f"{cell}_backward")(dh, textbook_cache))
    assert_all_close(ours, captioning.forward_backward(rnn_layers, cell, args, dh)())


def test_textbook_sigmoid_is_stable_on_both_sides():
    x = np.array([-800.0, -3.0, 0.0, 3.0, 800.0])
    with np.errstate(over="raise"):
        np.testing.assert_allclose(textbook.sigmoid(x), rnn_layers.sigmoid(x), atol=1e-15)


def test_textbook_embedding_gradient_agrees_with_ours():
    rng = np.random.default_rng(0)
    words, W, dout = rng.integers(4, size=(5, 6)), rng.standard_normal((9, 3)), rng.standard_normal((5, 6, 3))
    _, cache = rnn_layers.word_embedding_forward(words, W)
    ours = rnn_layers.word_embedding_backward(dout, cache)
    np.testing.assert_allclose(ours, textbook.word_embedding_backward(dout, (words, W)), **ROUNDING)


def test_textbook_softmax_loss_agrees_with_ours():
    rng = np.random.default_rng(0)
    x, y, mask = rng.standard_normal((3, 4, 6)), rng.integers(6, size=(3, 4)), rng.random((3, 4)) < 0.6
    assert 0 < mask.sum() < mask.size
    assert_all_close(rnn_layers.temporal_softmax_loss(x, y, mask), textbook.temporal_softmax_loss(x, y, mask))


def test_textbook_captioner_agrees_with_ours():
    model, features, captions = model_and_batch()
    loss, grads = model.loss(features, captions)
    textbook_loss, textbook_grads = textbook.captioning_loss(model.params, features, captions, model._null)
    assert grads.keys() == textbook_grads.keys()
    assert_all_close([loss, *grads.values()], [textbook_loss, *(textbook_grads[name] for name in grads)])


def test_textbook_float32_layers_run_in_float64_unlike_ours():
    """What the textbook version is there to show: np.zeros without a dtype."""
    args, _ = captioning.layer_inputs("lstm", np.float32, TINY)
    assert textbook.lstm_forward(*args)[0].dtype == np.float64
    assert rnn_layers.lstm_forward(*args)[0].dtype == np.float32


def test_training_steps_of_both_kinds_agree():
    model, features, captions = model_and_batch()
    ours, theirs = model.params, {name: array.copy() for name, array in model.params.items()}
    before = {name: array.copy() for name, array in ours.items()}
    our_step = captioning.training_step(ours, lambda: model.loss(features, captions), optim.adam)
    their_step = captioning.training_step(
        theirs, lambda: textbook.captioning_loss(theirs, features, captions, model._null), textbook.adam
    )
    for _ in range(3):
        our_step()
        their_step()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6, atol=1e-9)  # Adam enlarges tiny gradients
        assert not np.allclose(ours[name], before[name])


def test_sampling_agrees_up_to_each_rows_end():
    sizes = Sizes(H=40, V=20, W=5)
    model = captioning.countdown_captioner(sizes)
    ends = np.array([1, 2, 5, 30, 31])
    features = np.eye(sizes.H, dtype=np.float32)[ends]
    ours = model.sample(features, max_length=30)
    theirs = textbook.sample(model.params, features, model._null, model._start, max_length=30)
    for end, row, full in zip(ends, ours, theirs):
        np.testing.assert_array_equal(row[:end], full[:end])
        assert not (row[: end - 1] == model._end).any()
        assert end > 30 or row[end - 1] == model._end
        assert (row[end:] == model._null).all()


def test_captions_end_where_the_notes_say():
    sizes = Sizes()
    captions = captioning.drawn_captions(sizes)
    assert captions.shape == (sizes.batch, sizes.words + 1) and (captions[:, 0] == MARKS.index("<START>")).all()
    asked = (captions[:, 1:] != MARKS.index("<NULL>")).sum(axis=1)
    assert ((captions == MARKS.index("<END>")).sum(axis=1) == 1).all()
    assert (captions[np.arange(sizes.batch), asked] == MARKS.index("<END>")).all()
    assert abs(asked.mean() - captioning.WORDS_WRITTEN) < 0.3
    sampled = captioning.lengths(sizes.images, captioning.WORDS_SAMPLED, sizes)
    assert abs(sampled.mean() - captioning.WORDS_SAMPLED) < 0.2


@pytest.mark.parametrize(("cell", "columns"), [("rnn", 1), ("lstm", 4)])
def test_the_bound_holds_exactly_the_layers_products(cell, columns, monkeypatch):
    """A bound with a product too many would flatter every layer."""
    calls, matmul = [], np.matmul

    def counted(a, b, out):
        calls.append((*a.shape, b.shape[1]))
        return matmul(a, b, out=out)

    run = captioning.matrix_products(*captioning.layer_inputs(cell, np.float32, TINY))
    monkeypatch.setattr(np, "matmul", counted)
    run()
    rows, D, H = TINY.N * TINY.T, TINY.D, TINY.H
    wide = columns * H
    assert sorted(calls) == sorted(
        [(rows, D, wide), (rows, H, wide), (rows, wide, D), (rows, wide, H), (D, rows, wide), (H, rows, wide)]
    )


def test_torch_lstm_gives_all_gradients():
    args, dh = captioning.layer_inputs("lstm", np.float32, TINY)
    shapes = {tuple(gradient.shape) for gradient in captioning.torch_lstm(args, dh)()}
    x, h0, Wx, Wh, b = (array.shape for array in args)
    assert shapes == {x, (1, *h0), Wx[::-1], Wh[::-1], b}


def test_a_row_is_the_median_of_paired_ratios(monkeypatch):
    """A slow spell that hits both contenders of a round must not show."""
    clock = iter([9.0, 9.0, 1.0, 2.0, 50.0, 100.0, 3.0, 4.0])  # the first round warms up
    monkeypatch.setattr(timing, "cpu_seconds", lambda function, repeats: next(clock))
    race = Race({"ours": None, "theirs": None}, rounds=3)
    row = race.row("label", "ours", "theirs", target=0.5)
    assert (row.ratio, row.ms, row.against_ms) == (0.5, 3000, 4000)
    assert not row.missed


def test_a_race_takes_turns_and_stops_in_time(monkeypatch):
    monkeypatch.setattr(timing.gc, "collect", lambda: None)  # slow with all that tests have loaded
    turns = []
    contenders = {name: lambda name=name: turns.append(name) for name in "ab"}
    Race(contenders, rounds=5, repeats=2, seconds=float("inf"))
    assert turns == list("aabb") * 6
    assert len(Race(contenders, rounds=50, seconds=0).times["a"]) == timing.FEWEST_ROUNDS


@pytest.mark.parametrize(
    ("ratio", "target", "at_least", "missed"),
    [
        (1.2, 1.2, False, False),
        (1.21, 1.2, False, True),
        (2.5, 2.5, True, False),
        (2.4, 2.5, True, True),
        (9, None, False, False),
    ],
)
def test_missed(ratio, target, at_least, missed):
    assert Row("name", 1.0, "other", 1.0, ratio, target, at_least).missed is missed


def test_advice_on_the_kernel_only_where_it_can_help(monkeypatch):
    pool = {"user_api": "blas", "internal_api": "openblas", "version": "1.2", "architecture": "Haswell"}
    monkeypatch.setattr(timing, "threadpool_info", lambda: [pool])
    assert "Haswell" in timing.blas_in_use(avx512=False) and "CORETYPE" not in timing.blas_in_use(avx512=False)
    assert "OPENBLAS_CORETYPE=SkylakeX" in timing.blas_in_use(avx512=True)
    pool["architecture"] = "SkylakeX"
    assert "CORETYPE" not in timing.blas_in_use(avx512=True)
    monkeypatch.setattr(timing, "threadpool_info", list)
    assert "does not know" in timing.blas_in_use(avx512=True)


class MissingBench:
    NOTES = "words below the table"

    @staticmethod
    def rows(tiny):
        yield Row("quick", 1.0, "slow", 2.0, 0.5, 0.6)
        yield Row("late", 3.0, "slow", 2.0, 1.5, 1.2)


@pytest.mark.parametrize(("flags", "status"), [([], 0), (["--strict"], 1), (["--strict", "--tiny"], 0)])
def test_a_miss_is_shown_and_counts_only_if_strict(flags, status, monkeypatch, capsys):
    monkeypatch.setattr(runner, "BENCHES", ("missing",))
    monkeypatch.setitem(sys.modules, "benchmarks.missing", MissingBench)
    assert runner.main([*flags, "missing"]) == status
    printed = capsys.readouterr().out
    assert "quick" in printed and "words below the table" in printed
    assert ("MISSED" in printed and "ok" in printed and "Missed: 1." in printed) == ("--tiny" not in flags)


def test_an_unknown_name_is_told_what_there_is(capsys):
    with pytest.raises(SystemExit) as stop:
        runner.main(["captions"])
    assert stop.value.code == 2
    assert "captions" in (told := capsys.readouterr().err) and "captioning" in told


def test_the_benchmarks_run_from_end_to_end():
    """In a process of its own, as `make bench` does it, at tiny sizes.

    Without the hundred collections of garbage, one before each measurement: with torch loaded they take longest.
    """
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    main = "import gc, runpy; gc.collect = lambda: 0; runpy.run_module('benchmarks', run_name='__main__')"
    command = [sys.executable, "-c", main, "--tiny", "captioning", "gan"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    for row in ("rnn float32", "lstm float64", "torch.nn.LSTM", "word_embedding", "CaptioningRNN.loss", "rows end",
                "feeding", "DCGAN round"):  # fmt: skip
        assert row in run.stdout
    assert "BLAS: " in run.stdout and "MISSED" not in run.stdout
