"""What a student is at: the RNN before the LSTM; loops that must end; and what passes a check and must then run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_checks import replace

from cs231n import checks, rnn_layers
from cs231n.captioning_solver import CaptioningSolver
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate
from cs231n.classifiers.rnn import CaptioningRNN
from cs231n.train.recipes import captioners
from tools import editions

ROOT = Path(__file__).resolve().parent.parent
QUIET = {"TQDM_DISABLE": "1", "CS231N_DATA": "mini", "CS231N_STRICT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
BOTH = "captioning_rnn_loss", "captioning_rnn_sample"

# The RNN before the LSTM --------------------------------------------------------------------------------------

RNN_ALONE = {
    "captioning_rnn_loss": """
        h0, first = affine_forward(features, p["W_proj"], p["b_proj"])
        words, second = word_embedding_forward(captions_in, p["W_embed"])
        h, third = rnn_forward(words, h0, p["Wx"], p["Wh"], p["b"])
        scores, fourth = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
        loss, dscores = temporal_softmax_loss(scores, captions_out, captions_out != self._null)
        grads = {}
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, fourth)
        dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = rnn_backward(dh, third)
        grads["W_embed"] = word_embedding_backward(dwords, second)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, first)
""",
    "captioning_rnn_sample": """
        h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
        word = np.full(len(features), self._start)
        for t in range(max_length):
            h, _ = rnn_step_forward(p["W_embed"][word], h, p["Wx"], p["Wh"], p["b"])
            word = np.argmax(h @ p["W_vocab"] + p["b_vocab"], axis=1)
            captions[:, t] = word
""",
}
EVALUATE = """
import json, sys
import cs231n.checks
from cs231n.checks.verdict import evaluate

print(json.dumps({id: vars(evaluate(id)) | {"pictures": ()} for id in sys.argv[1:]}))
"""


@pytest.fixture
def at_the_rnn(tmp_path):
    """A student's edition with all layers of RNN.ipynb written."""
    folder = editions.build(tmp_path / "student")
    editions.fill_tree(folder, [id for id, todo in TODOS.items() if todo.notebook == "RNN" and id not in BOTH], ROOT)
    return folder


def write_rnn_alone(folder):
    path = folder / TODOS[BOTH[0]].file
    text = path.read_text(encoding="utf-8")
    for id, answer in RNN_ALONE.items():
        line = f'        raise NotImplementedError("TODO {id}: replace this line with your code")\n'
        assert line in text
        text = text.replace(line, answer)
    path.write_text(text, encoding="utf-8")


def judged(folder):
    command = [sys.executable, "-c", EVALUATE, *BOTH]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_rnn_alone_is_right_until_the_lstm_is_begun(at_the_rnn):
    write_rnn_alone(at_the_rnn)
    for result in judged(at_the_rnn).values():
        assert result["state"] == "passed" and not result["remarks"]
        assert result["details"] == ["'lstm' will be checked once lstm_step_forward is written."]
    editions.fill_tree(at_the_rnn, ["lstm_step_forward"], ROOT)
    for result in judged(at_the_rnn).values():
        assert result["state"] == "wrong"
        assert result["reason"].startswith("lstm_step_forward is begun, so it is the turn of 'lstm': ")


def test_an_answer_for_both_cells_waits_for_the_lstm_to_be_written(at_the_rnn):
    editions.fill_tree(at_the_rnn, [*BOTH, "lstm_step_forward"], ROOT)
    loss, sample = judged(at_the_rnn).values()
    assert loss["state"] == sample["state"] == "passed"
    assert loss["details"] == ["'lstm' will be checked once lstm_forward is written."]
    assert not sample["details"] and "lstm" in sample["reason"]


# Loops that must end ------------------------------------------------------------------------------------------


def climb(steps):
    """make_fooling_image that takes the steps of an iterable."""

    def answer(X, target_y, model):
        X_fooling = X.clone().requires_grad_()
        for _ in steps():
            scores = model(X_fooling)
            if scores.argmax() == target_y:
                break
            scores[0, target_y].backward()
            X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
        return X_fooling

    return answer


@pytest.mark.parametrize(
    "steps, state, said",
    [
        (lambda: iter(int, 1), "wrong", "end the loop after 100 steps at most"),
        (lambda: range(5), "wrong", "wrong values"),
        (lambda: range(1000), "passed", "given up late"),
        (lambda: range(100), "passed", None),
    ],
    ids=["endless", "5", "1000", "100"],
)
def test_a_fooling_loop_goes_on_long_enough_and_ends(monkeypatch, steps, state, said):
    monkeypatch.setattr("cs231n.checks.run.SECONDS", 10)  # the reason is not that it was stopped
    replace(monkeypatch, TODOS["make_fooling_image"], climb(steps))
    result = evaluate("make_fooling_image")
    assert result.state == state
    assert said is None or any(said in text for text in (result.reason, *result.remarks))


# What passes and must then run --------------------------------------------------------------------------------


def with_spare_gradients(monkeypatch):
    right = CaptioningRNN.loss

    def answer(self, features, captions):
        loss, grads = right(self, features, captions)
        return loss, {"h0": None, **grads, "features": features}

    replace(monkeypatch, TODOS["captioning_rnn_loss"], answer)


def test_spare_gradients_pass_the_check(monkeypatch):
    with_spare_gradients(monkeypatch)
    result = evaluate("captioning_rnn_loss")
    assert result.state == "passed" and not result.remarks


@pytest.fixture
def data():
    captions = np.array([[1, 3, 4, 2], [1, 4, 2, 0]], np.int32)
    words = {"<NULL>": 0, "<START>": 1, "<END>": 2, "cat": 3, "boat": 4}
    one_split = {
        "captions": captions,
        "image_idxs": np.arange(2),
        "features": np.eye(2, dtype=np.float32),
        "urls": np.array(["a", "b"]),
    }
    return {"word_to_idx": words} | {f"{s}_{k}": v for s in ("train", "val") for k, v in one_split.items()}


def test_the_solver_trains_with_spare_gradients(monkeypatch, data):
    with_spare_gradients(monkeypatch)
    model = CaptioningRNN(data["word_to_idx"], input_dim=2, wordvec_dim=3, hidden_dim=4)
    before = {name: array.copy() for name, array in model.params.items()}
    solver = CaptioningSolver(model, data, update_rule="adam", num_epochs=2, batch_size=2, verbose=False)
    solver.train()
    assert model.params.keys() == before.keys()
    assert all((model.params[name] != array).any() for name, array in before.items())


def test_the_command_trains_with_spare_gradients(monkeypatch, data):
    with_spare_gradients(monkeypatch)
    recipe = captioners.Captioner(data=data, steps=2, batch_size=2)
    before = recipe.model.params["W_proj"].copy()
    recipe.learn(0)
    assert (recipe.model.params["W_proj"] != before).any() and "features" not in recipe.model.params


# A check that is stopped --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [lambda: checks.check("rnn_step_forward"), lambda: checks.progress("RNN")])
def test_a_stopped_check_says_so_without_a_traceback(monkeypatch, capsys, ask):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rnn_layers, "rnn_step_forward", stopped)
    with pytest.raises(KeyboardInterrupt) as caught:  # so that a notebook's next cells do not run
        ask()
    assert caught.value._render_traceback_() == []
    assert "rnn_step_forward: stopped before it was judged" in capsys.readouterr().out
