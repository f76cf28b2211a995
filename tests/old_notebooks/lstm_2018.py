"""What LSTM_Captioning.ipynb calls, from 2018 to 2023."""
# ruff: noqa: F403, F405, I001

import numpy as np

from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array  # noqa: F401
from cs231n.rnn_layers import *
from cs231n.captioning_solver import CaptioningSolver
from cs231n.classifiers.rnn import CaptioningRNN
from cs231n.coco_utils import load_coco_data, sample_coco_minibatch, decode_captions
from cs231n.image_utils import image_from_url  # noqa: F401


def error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def ramp(low, high, *shape):
    return np.linspace(low, high, num=np.prod(shape)).reshape(shape)


# A step, with the published result
N, D, H = 3, 4, 5
x, prev_h, prev_c = ramp(-0.4, 1.2, N, D), ramp(-0.3, 0.7, N, H), ramp(-0.4, 0.9, N, H)
Wx, Wh, b = ramp(-2.1, 1.3, D, 4 * H), ramp(-0.7, 2.2, H, 4 * H), ramp(0.3, 0.7, 4 * H)
next_h, next_c, cache = lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
published = [
    [0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
    [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
    [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299],
]
assert error(np.asarray(published), next_h) < 1e-7

# Backward passes against numerical gradients
dnext_h, dnext_c = np.random.randn(*next_h.shape), np.random.randn(*next_c.shape)
dx, dprev_h, dprev_c, dWx, dWh, db = lstm_step_backward(dnext_h, dnext_c, cache)
numerical = sum(
    eval_numerical_gradient_array(lambda c: lstm_step_forward(x, prev_h, c, Wx, Wh, b)[k], prev_c, d)  # noqa: B023
    for k, d in enumerate((dnext_h, dnext_c))
)
assert error(numerical, dprev_c) < 1e-5
x, h0 = np.random.randn(2, 10, 3), np.random.randn(2, 6)
Wx, Wh, b = np.random.randn(3, 24), np.random.randn(6, 24), np.random.randn(24)
out, cache = lstm_forward(x, h0, Wx, Wh, b)
dout = np.random.randn(*out.shape)
dx, dh0, dWx, dWh, db = lstm_backward(dout, cache)
assert error(eval_numerical_gradient_array(lambda h0: lstm_forward(x, h0, Wx, Wh, b)[0], h0, dout), dh0) < 1e-5

# The captioner: the published loss
N, D, W, H, T = 10, 20, 30, 40, 13
word_to_idx = {"<NULL>": 0, "cat": 2, "dog": 3}
V = len(word_to_idx)
model = CaptioningRNN(
    word_to_idx, input_dim=D, wordvec_dim=W, hidden_dim=H, cell_type="lstm", dtype=np.float64
)  # fmt: skip
for k, v in model.params.items():
    model.params[k] = ramp(-1.4, 1.3, *v.shape)
loss, grads = model.loss(ramp(-0.5, 1.7, N, D), (np.arange(N * T) % V).reshape(N, T))
assert abs(loss - 9.82445935443) < 1e-10

# Overfitting, and captions
small_data = load_coco_data(max_train=50)
small_lstm_model = CaptioningRNN(
    cell_type="lstm", word_to_idx=small_data["word_to_idx"], input_dim=small_data["train_features"].shape[1],
    hidden_dim=64, wordvec_dim=32, dtype=np.float32,
)  # fmt: skip
small_lstm_solver = CaptioningSolver(
    small_lstm_model, small_data, update_rule="adam", num_epochs=20, batch_size=25,
    optim_config={"learning_rate": 5e-3}, lr_decay=0.995, verbose=True, print_every=10,
)  # fmt: skip
small_lstm_solver.train()
assert small_lstm_solver.loss_history[-1] < small_lstm_solver.loss_history[0]
for split in ["train", "val"]:
    gt_captions, features, urls = sample_coco_minibatch(small_data, split=split, batch_size=2)
    sample_captions = small_lstm_model.sample(features)
    assert len(decode_captions(sample_captions, small_data["idx_to_word"])) == len(gt_captions) == 2
