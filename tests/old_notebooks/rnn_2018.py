"""What RNN_Captioning.ipynb calls, from 2018 to 2023."""
# ruff: noqa: F403, F405, I001

import matplotlib.pyplot as plt
import numpy as np

from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs231n.rnn_layers import *
from cs231n.captioning_solver import CaptioningSolver
from cs231n.classifiers.rnn import CaptioningRNN
from cs231n.coco_utils import load_coco_data, sample_coco_minibatch, decode_captions
from cs231n.image_utils import image_from_url


def error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def ramp(low, high, *shape):
    return np.linspace(low, high, num=np.prod(shape)).reshape(shape)


# The data, printed entry by entry, and three of its pictures
data = load_coco_data(pca_features=True)
for k, v in data.items():
    print(k, type(v), (v.shape, v.dtype) if type(v) is np.ndarray else len(v))
captions, features, urls = sample_coco_minibatch(data, batch_size=3)
for caption, url in zip(captions, urls):
    plt.imshow(image_from_url(url))
    plt.title(decode_captions(caption, data["idx_to_word"]))
    plt.show()

# A step, with the published result
x, prev_h = ramp(-0.4, 0.7, 3, 10), ramp(-0.2, 0.5, 3, 4)
Wx, Wh, b = ramp(-0.1, 0.9, 10, 4), ramp(-0.3, 0.7, 4, 4), ramp(-0.2, 0.4, 4)
next_h, _ = rnn_step_forward(x, prev_h, Wx, Wh, b)
published = [
    [-0.58172089, -0.50182032, -0.41232771, -0.31410098],
    [0.66854692, 0.79562378, 0.87755553, 0.92795967],
    [0.97934501, 0.99144213, 0.99646691, 0.99854353],
]
assert error(np.asarray(published), next_h) < 1e-7

# Backward passes against numerical gradients
out, cache = rnn_step_forward(x, prev_h, Wx, Wh, b)
dnext_h = np.random.randn(*out.shape)
dx, dprev_h, dWx, dWh, db = rnn_step_backward(dnext_h, cache)
assert error(eval_numerical_gradient_array(lambda x: rnn_step_forward(x, prev_h, Wx, Wh, b)[0], x, dnext_h), dx) < 1e-6
x, h0 = np.random.randn(2, 10, 3), np.random.randn(2, 5)
Wx, Wh, b = np.random.randn(3, 5), np.random.randn(5, 5), np.random.randn(5)
out, cache = rnn_forward(x, h0, Wx, Wh, b)
dout = np.random.randn(*out.shape)
dx, dh0, dWx, dWh, db = rnn_backward(dout, cache)
assert error(eval_numerical_gradient_array(lambda Wh: rnn_forward(x, h0, Wx, Wh, b)[0], Wh, dout), dWh) < 1e-4
W = np.random.randn(5, 6)
words = np.array([[0, 3, 1, 2], [2, 1, 4, 0]])
out, cache = word_embedding_forward(words, W)
dout = np.random.randn(*out.shape)
dW = word_embedding_backward(dout, cache)
assert error(eval_numerical_gradient_array(lambda W: word_embedding_forward(words, W)[0], W, dout), dW) < 1e-6
x, w, b = np.random.randn(2, 3, 4), np.random.randn(4, 5), np.random.randn(5)
out, cache = temporal_affine_forward(x, w, b)
dx, dw, db = temporal_affine_backward(out, cache)
x, y, mask = np.random.randn(7, 8, 9), np.random.randint(9, size=(7, 8)), np.random.rand(7, 8) > 0.5
loss, dx = temporal_softmax_loss(x, y, mask, verbose=False)
dx_num = eval_numerical_gradient(lambda x: temporal_softmax_loss(x, y, mask)[0], x, verbose=False)
assert error(dx, dx_num) < 1e-4

# The captioner: the published loss, and a gradient
N, D, W, H, T = 10, 20, 30, 40, 13
word_to_idx = {"<NULL>": 0, "cat": 2, "dog": 3}
V = len(word_to_idx)
model = CaptioningRNN(
    word_to_idx, input_dim=D, wordvec_dim=W, hidden_dim=H, cell_type="rnn", dtype=np.float64
)  # fmt: skip
for k, v in model.params.items():
    model.params[k] = ramp(-1.4, 1.3, *v.shape)
features, captions = ramp(-1.5, 0.3, N, D), (np.arange(N * T) % V).reshape(N, T)
loss, grads = model.loss(features, captions)
assert abs(loss - 9.83235591003) < 1e-10
captions, features = np.random.randint(V, size=(2, 3)), np.random.randn(2, 4)
model = CaptioningRNN(word_to_idx, input_dim=4, wordvec_dim=5, hidden_dim=6, cell_type="rnn", dtype=np.float64)
loss, grads = model.loss(features, captions)
f = lambda _: model.loss(features, captions)[0]  # noqa: E731
for param_name in ["Wh", "b"]:
    numerical = eval_numerical_gradient(f, model.params[param_name], verbose=False, h=1e-6)
    assert error(numerical, grads[param_name]) < 1e-4

# Overfitting, and captions of what was learnt and what was not
small_data = load_coco_data(max_train=50)
small_rnn_model = CaptioningRNN(
    cell_type="rnn", word_to_idx=data["word_to_idx"], input_dim=data["train_features"].shape[1], hidden_dim=64,
    wordvec_dim=32,
)  # fmt: skip
small_rnn_solver = CaptioningSolver(
    small_rnn_model, small_data, update_rule="adam", num_epochs=20, batch_size=25,
    optim_config={"learning_rate": 5e-3}, lr_decay=0.95, verbose=True, print_every=10,
)  # fmt: skip
small_rnn_solver.train()
plt.plot(small_rnn_solver.loss_history)
assert small_rnn_solver.loss_history[-1] < small_rnn_solver.loss_history[0]
for split in ["train", "val"]:
    gt_captions, features, urls = sample_coco_minibatch(small_data, split=split, batch_size=2)
    gt_captions = decode_captions(gt_captions, data["idx_to_word"])
    sample_captions = decode_captions(small_rnn_model.sample(features), data["idx_to_word"])
    for gt_caption, sample_caption, url in zip(gt_captions, sample_captions, urls):
        plt.imshow(image_from_url(url))
        plt.title(f"{split}\n{sample_caption}\nGT:{gt_caption}")
        plt.show()
