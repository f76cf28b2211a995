"""The captioning model, its training loop and its data, from published values to files cut short."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from conftest import ROOT
from test_layers import rel_error
from test_rnn_layers import CELLS, torch_lstm_step, torch_rnn_step
from torch.nn import functional as F

from cs231n import coco_utils, datasets
from cs231n.captioning_solver import CaptioningSolver
from cs231n.classifiers.rnn import CaptioningRNN
from cs231n.coco_utils import decode_captions, load_coco_data, sample_coco_minibatch

WORDS = ["<NULL>", "<START>", "<END>", "<UNK>", "a", "red", "cat", "runs"]
VOCABULARY = {word: i for i, word in enumerate(WORDS)}
NULL, START, END = 0, 1, 2


# ------------------------------------------------------------------------------------------- CaptioningRNN


def small_model(cell, dtype=np.float64, seed=0, **sizes):
    np.random.seed(seed)
    sizes = {"input_dim": 5, "wordvec_dim": 4, "hidden_dim": 6} | sizes
    return CaptioningRNN(VOCABULARY, cell_type=cell, dtype=dtype, **sizes)


def some_captions(N, T, seed=0):
    """(N, T + 1) ids: <START>, words, <END> at a random place, <NULL> after it."""
    rng = np.random.default_rng(seed)
    captions = rng.integers(3, len(WORDS), size=(N, T + 1)).astype(np.int32)
    captions[:, 0] = START
    ends = rng.integers(1, T + 1, size=N)
    for row, end in zip(captions, ends):
        row[end], row[end + 1 :] = END, NULL
    return captions


def features_for(model, N, seed=0):
    return np.random.RandomState(seed).standard_normal((N, model.params["W_proj"].shape[0]))


@pytest.mark.parametrize(
    "cell, first, last, published", [("rnn", -1.5, 0.3, 9.83235591003), ("lstm", -0.5, 1.7, 9.82445935443)]
)
def test_loss_is_the_one_the_assignment_publishes(cell, first, last, published):
    N, D, W, H, T = 10, 20, 30, 40, 13
    vocabulary = {"<NULL>": 0, "cat": 2, "dog": 3}
    V = len(vocabulary)
    model = CaptioningRNN(vocabulary, D, W, H, cell_type=cell, dtype=np.float64)
    for name, array in model.params.items():
        model.params[name] = np.linspace(-1.4, 1.3, num=array.size).reshape(array.shape)
    features = np.linspace(first, last, num=N * D).reshape(N, D)
    loss, _ = model.loss(features, (np.arange(N * T) % V).reshape(N, T))
    assert abs(loss - published) < 1e-9


def torch_captioning_loss(params, cell, features, captions):
    h = features @ params["W_proj"] + params["b_proj"]
    words = F.embedding(captions[:, :-1], params["W_embed"])
    states = CELLS[cell][2](words, h, params["Wx"], params["Wh"], params["b"])
    scores = states @ params["W_vocab"] + params["b_vocab"]
    total = F.cross_entropy(
        scores.flatten(0, 1), captions[:, 1:].flatten(), ignore_index=NULL, reduction="sum"
    )
    return total / len(features)


@pytest.mark.parametrize("N, T", [(4, 7), (1, 5), (3, 1), (1, 1)])
@pytest.mark.parametrize("cell", CELLS)
def test_loss_and_gradients_are_those_of_torch(cell, N, T):
    model, captions = small_model(cell), some_captions(N, T)
    for seed, array in enumerate(model.params.values()):  # biases, too, shall not be zero
        array += 0.5 * np.random.default_rng(seed).standard_normal(array.shape)
    features = features_for(model, N)
    given = {name: array.copy() for name, array in model.params.items()}
    features_given, captions_given = features.copy(), captions.copy()
    params = {name: torch.tensor(array, requires_grad=True) for name, array in model.params.items()}
    want = torch_captioning_loss(
        params, cell, torch.tensor(features), torch.tensor(captions.astype(np.int64))
    )
    want.backward()

    loss, grads = model.loss(features, captions)
    assert rel_error(loss, want.detach().numpy()) < 1e-8
    assert grads.keys() == params.keys()
    for name, grad in grads.items():
        assert rel_error(grad, params[name].grad.numpy()) < 1e-8
        np.testing.assert_array_equal(model.params[name], given[name])
    np.testing.assert_array_equal(features, features_given)
    np.testing.assert_array_equal(captions, captions_given)


@pytest.mark.parametrize("cell", CELLS)
def test_a_float32_model_stays_float32_when_features_are_float64(cell):
    model = small_model(cell, dtype=np.float32)
    loss, grads = model.loss(features_for(model, 3), some_captions(3, 4))
    assert loss.dtype == np.float32
    for name, array in model.params.items():
        assert array.dtype == grads[name].dtype == np.float32


@pytest.mark.parametrize("cell, gates", [("rnn", 1), ("lstm", 4)])
def test_parameters_are_drawn_in_the_order_of_the_assignment(cell, gates):
    V, D, W, H = len(WORDS), 5, 4, 6
    model, random = small_model(cell, seed=7), np.random.RandomState(7)
    want = {
        "W_embed": random.randn(V, W) / 100,
        "W_proj": random.randn(D, H) / np.sqrt(D),
        "b_proj": np.zeros(H),
        "Wx": random.randn(W, gates * H) / np.sqrt(W),
        "Wh": random.randn(H, gates * H) / np.sqrt(H),
        "b": np.zeros(gates * H),
        "W_vocab": random.randn(H, V) / np.sqrt(H),
        "b_vocab": np.zeros(V),
    }
    assert model.params.keys() == want.keys()
    for name in want:
        np.testing.assert_array_equal(model.params[name], want[name])


def test_model_attributes_and_defaults():
    model = CaptioningRNN(VOCABULARY)
    assert (model._null, model._start, model._end) == (NULL, START, END)
    assert model.idx_to_word == dict(enumerate(WORDS))
    assert model.cell_type == "rnn" and model.dtype == np.float32
    shapes = {name: array.shape for name, array in model.params.items()}
    assert shapes["W_embed"] == (8, 128) and shapes["W_proj"] == (512, 128) and shapes["Wx"] == (128, 128)


def torch_greedy_caption(model, features, max_length):
    """One image's caption, one word after the other, in torch."""
    p = {name: torch.tensor(array) for name, array in model.params.items()}
    h = torch.tensor(features)[None] @ p["W_proj"] + p["b_proj"]
    c, word, caption = torch.zeros_like(h), START, []
    while len(caption) < max_length and word != END:
        x = p["W_embed"][word][None]
        if model.cell_type == "rnn":
            h = torch_rnn_step(x, h, p["Wx"], p["Wh"], p["b"])
        else:
            h, c = torch_lstm_step(x, h, c, p["Wx"], p["Wh"], p["b"])
        word = int((h @ p["W_vocab"] + p["b_vocab"]).argmax())
        caption.append(word)
    return caption + [NULL] * (max_length - len(caption))


@pytest.fixture(params=CELLS)
def talker(request):
    """(model, features) whose greedy captions end early, late and never."""
    model = small_model(request.param, hidden_dim=16, seed=1)
    for name, factor in {"W_embed": 30, "Wx": 2, "Wh": 3}.items():  # as drawn, words hardly move the state
        model.params[name] *= factor
    return model, 2 * features_for(model, 40)


def test_sample_is_greedy(talker):
    model, features = talker
    captions = model.sample(features, max_length=9)
    assert captions.dtype == np.int32 and captions.shape == (40, 9)
    want = [torch_greedy_caption(model, row, 9) for row in features]
    np.testing.assert_array_equal(captions, want)
    lengths = {row.index(END) if END in row else None for row in want}
    assert len(lengths) > 3 and None in lengths  # or the fixture proves less than it says


def test_nothing_but_null_follows_the_end(talker):
    model, features = talker
    captions = model.sample(features, max_length=12)
    ended = np.cumsum(captions == END, axis=1)
    assert ended.max() == 1
    after_end = (ended == 1) & (captions != END)
    assert after_end.any() and (captions[after_end] == NULL).all()


def test_sample_of_a_batch_is_that_of_its_rows(talker):
    model, features = talker
    captions = model.sample(features, max_length=7)
    assert captions.shape == (40, 7)
    for row, caption in zip(features, captions):
        np.testing.assert_array_equal(model.sample(row[None], max_length=7)[0], caption)
    np.testing.assert_array_equal(model.sample(features[::-1], max_length=7), captions[::-1])


def test_sample_of_another_length_has_the_same_beginning(talker):
    model, features = talker
    captions = model.sample(features)
    assert captions.shape == (40, 30)
    np.testing.assert_array_equal(model.sample(features, max_length=1), captions[:, :1])
    np.testing.assert_array_equal(model.sample(features, max_length=11), captions[:, :11])


def without(word):
    """WORDS' vocabulary with another word in the place of this one."""
    return {("other" if w == word else w): i for w, i in VOCABULARY.items()}


@pytest.mark.parametrize(
    "arguments, culprit",
    [
        ({"word_to_idx": VOCABULARY, "cell_type": "gru"}, "'gru'.*'rnn' or 'lstm'"),
        ({"word_to_idx": without("<NULL>")}, "<NULL>"),
        ({"word_to_idx": {}}, "<NULL>"),
    ],
)
def test_model_refuses(arguments, culprit):
    with pytest.raises(ValueError, match=culprit):
        CaptioningRNN(**arguments)


GOOD = some_captions(3, 4)


def with_id(wrong):
    captions = GOOD.copy()
    captions[1, 2] = wrong
    return captions


@pytest.mark.parametrize(
    "features, captions, error, culprit",
    [
        (np.zeros((3, 5)), with_id(8), ValueError, r"id 8 .*0\.\.7"),
        (np.zeros((3, 5)), with_id(-1), ValueError, r"id -1 .*0\.\.7"),
        (np.zeros((3, 5)), GOOD.astype(float), TypeError, "float64.*integers"),
        (np.zeros((3, 5)), GOOD > 0, TypeError, "bool.*integers"),
        (np.zeros((0, 5)), GOOD[:0], ValueError, "batch is empty"),
        (np.zeros((3, 4)), GOOD, ValueError, r"\(3, 4\).*\(N, 5\)"),
        (np.zeros((3, 5, 1)), GOOD, ValueError, r"\(3, 5, 1\).*\(N, 5\)"),
        (np.zeros(5), GOOD, ValueError, r"\(5,\).*\(N, 5\)"),
        (np.zeros((2, 5)), GOOD, ValueError, r"captions have shape \(3, 5\).*\(2, T \+ 1\)"),
        (np.zeros((3, 5)), GOOD[:, :1], ValueError, r"captions have shape \(3, 1\)"),
        (np.zeros((3, 5)), GOOD[0], ValueError, r"captions have shape \(5,\)"),
        (np.zeros((3, 5)), np.zeros((3, 4), int), ValueError, "every caption is empty"),
    ],
)
def test_loss_refuses(features, captions, error, culprit):
    with pytest.raises(error, match=culprit):
        small_model("rnn").loss(features, captions)


@pytest.mark.parametrize("word", ["<START>", "<END>"])
def test_sample_refuses_a_vocabulary_without_beginning_or_end(word):
    model = CaptioningRNN(without(word), input_dim=5)
    assert np.isfinite(model.loss(np.zeros((3, 5)), GOOD)[0])  # only sampling needs them
    with pytest.raises(ValueError, match=word):
        model.sample(np.zeros((3, 5)))


@pytest.mark.parametrize(
    "features, max_length, culprit",
    [
        (np.zeros((3, 4)), 5, r"\(3, 4\).*\(N, 5\)"),
        (np.zeros(5), 5, r"\(5,\).*\(N, 5\)"),
        (np.zeros((0, 5)), 5, "batch is empty"),
        (np.zeros((3, 5)), 0, "max_length is 0"),
    ],
)
def test_sample_refuses(features, max_length, culprit):
    with pytest.raises(ValueError, match=culprit):
        small_model("lstm").sample(features, max_length)


# ---------------------------------------------------------------------------------------- CaptioningSolver


def tiny_data(dtype=np.float32):
    """Four captions of four images, and two more to validate with."""
    captions = np.array([[1, 4, 5, 6, 2], [1, 4, 6, 7, 2], [1, 6, 2, 0, 0], [1, 5, 5, 2, 0]], np.int32)
    features = np.array([[1, 1, 0], [1, -1, 0], [-1, 1, 1], [-1, -1, -1]], dtype)
    data = {"train_captions": captions, "val_captions": captions[1:3]}
    for split in ("train", "val"):
        data[f"{split}_features"] = features if split == "train" else features[1:3] / 2
        data[f"{split}_image_idxs"] = np.arange(len(data[f"{split}_captions"]), dtype=np.int32)
        data[f"{split}_urls"] = [f"{split}-{i}" for i in data[f"{split}_image_idxs"]]
    return data


class Scripted:
    """A stand-in for a model: it says the losses it was given, its one gradient is always 1."""

    def __init__(self, losses):
        self.params = {"w": np.zeros(2)}
        self.losses, self.calls = iter(losses), []

    def loss(self, features, captions):
        self.calls.append((features, captions))
        return next(self.losses), {"w": np.ones(2)}


def down_in_place(w, dw, config):
    """An update rule that changes w itself, as a student's may."""
    w -= dw
    config["steps"] = config.get("steps", 0) + 1
    return w, config


def solver(model, **keywords):
    return CaptioningSolver(
        model, tiny_data(), **{"verbose": False, "batch_size": 4, "num_epochs": 1, **keywords}
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "rule, learning_rate", [("sgd", 0.5), ("sgd_momentum", 0.1), ("rmsprop", 1e-2), ("adam", 2e-2)]
)
def test_every_rule_learns_four_captions_by_heart(rule, learning_rate, cell):
    model = small_model(cell, dtype=np.float32, input_dim=3, wordvec_dim=8, hidden_dim=16)
    training = solver(
        model, update_rule=rule, optim_config={"learning_rate": learning_rate}, num_epochs=150, batch_size=8
    )
    training.train()
    assert len(training.loss_history) == 150
    first, last = np.mean(training.loss_history[:5]), np.mean(training.loss_history[-5:])
    assert last < 0.1 * first
    data = tiny_data()
    np.testing.assert_array_equal(
        model.sample(data["train_features"], max_length=4), data["train_captions"][:, 1:]
    )
    assert all(array.dtype == np.float32 for array in model.params.values())


def test_best_parameters_are_a_copy_from_the_best_epoch():
    # Two iterations an epoch; mean losses 5, 1, 3. The rule goes on changing the array of the best epoch.
    model = Scripted([5, 5, 0, 2, 3, 3])
    training = solver(model, batch_size=2, num_epochs=3, update_rule=down_in_place)
    training.train()
    assert training.loss_history == [5, 5, 0, 2, 3, 3]
    assert training.best_loss == 1
    np.testing.assert_array_equal(training.best_params["w"], [-4, -4])
    np.testing.assert_array_equal(model.params["w"], [-6, -6])
    assert training.optim_configs["w"] == {"steps": 6}


def test_best_parameters_follow_the_validation_loss_if_there_is_one():
    model = Scripted([1, 9, 2, 5, 3, 7])  # training and validation loss in turn
    training = solver(model, num_epochs=3, num_val=2, update_rule=down_in_place)
    training.train()
    assert training.loss_history == [1, 2, 3]
    assert training.val_loss_history == [9, 5, 7]
    assert training.best_loss == 5
    np.testing.assert_array_equal(training.best_params["w"], [-2, -2])


def test_validation_takes_num_val_captions_of_the_validation_split():
    data = tiny_data()
    for num_val, rows in [(1, 1), (2, 2), (100, 2)]:
        model = Scripted([0, 0])
        solver(model, num_val=num_val, update_rule=down_in_place).train()
        features, captions = model.calls[1]
        assert len(captions) == rows
        np.testing.assert_array_equal(captions, data["val_captions"][:rows])
        np.testing.assert_array_equal(features, data["val_features"][:rows])


def test_validation_loss_is_a_mean_over_captions_however_they_are_batched():
    data = tiny_data()
    for key in ("captions", "features", "image_idxs", "urls"):
        data[f"val_{key}"] = data[f"train_{key}"]
    data["val_features"] = np.array([[1.0], [2], [4], [8]])
    data["train_features"] = data["val_features"]
    model = SimpleNamespace(params={}, loss=lambda features, captions: (features.mean(), {}))
    for batch_size in (1, 2, 3, 4):
        training = CaptioningSolver(
            model, data, batch_size=batch_size, num_val=3, num_epochs=1, verbose=False
        )
        training.train()
        assert training.val_loss_history[0] == pytest.approx(
            (1 + 2 + 8) / 3
        )  # the first, the last, one between


def test_learning_rate_decays_after_each_epoch():
    rates = []

    def note(w, dw, config):
        rates.append(config["learning_rate"])
        return w, config

    settings = {"learning_rate": 8.0}
    solver(
        Scripted([0] * 6), update_rule=note, optim_config=settings, lr_decay=0.5, batch_size=2, num_epochs=3
    ).train()
    assert rates == [8, 8, 4, 4, 2, 2]
    assert settings == {"learning_rate": 8.0}


def test_a_default_learning_rate_decays_too():
    training = solver(Scripted([0] * 2), update_rule="sgd", lr_decay=0.5, num_epochs=2)
    training.train()
    np.testing.assert_allclose(training.model.params["w"], -(0.01 + 0.005))


def test_an_epoch_is_one_pass_and_at_least_one_iteration():
    for batch_size, iterations in [(1, 8), (2, 4), (3, 2), (4, 2), (100, 2)]:
        model = Scripted([0] * iterations)
        solver(model, batch_size=batch_size, num_epochs=2).train()
        assert [len(captions) for _, captions in model.calls] == [batch_size] * iterations


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_stops_the_training(loss):
    model = Scripted([1, 1, loss, 1])
    training = solver(model, batch_size=1)
    with pytest.raises(FloatingPointError, match=f"{loss} in iteration 3.*learning_rate"):
        training.train()
    assert training.loss_history == [1, 1]
    np.testing.assert_allclose(model.params["w"], -0.02)  # two steps with sgd's own learning rate


def test_features_that_are_not_finite_stop_the_training():
    training = solver(small_model("lstm", input_dim=3))
    training.data["train_features"] = np.full((4, 3), np.nan)
    with pytest.raises(FloatingPointError, match="nan.*features"):
        training.train()


@pytest.mark.parametrize(
    "keywords, culprit",
    [
        ({"learning_rate": 1}, "unknown keyword learning_rate"),
        ({"lrdecay": 1, "epochs": 2}, "unknown keyword epochs, lrdecay"),
        ({"update_rule": "adagrad"}, "'adagrad'.*adam, rmsprop, sgd, sgd_momentum"),
        ({"update_rule": "np"}, "'np'"),
        ({"update_rule": None}, "None"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"num_epochs": 0}, "num_epochs is 0"),
        ({"print_every": 0}, "print_every is 0"),
        ({"num_val": -1}, "num_val is -1"),
    ],
)
def test_solver_refuses(keywords, culprit):
    with pytest.raises(ValueError, match=culprit):
        solver(Scripted([]), **keywords)


def test_solver_refuses_data_without_captions():
    data = tiny_data()
    data["train_captions"] = data["train_captions"][:0]
    with pytest.raises(ValueError, match="no training captions"):
        CaptioningSolver(Scripted([]), data)


def test_solver_prints_losses_only_when_verbose(capsys):
    losses = [4, 3.5, 3, 2.5, 2]
    solver(Scripted(losses), num_epochs=5, print_every=2).train()
    assert capsys.readouterr() == ("", "")
    solver(Scripted(losses), num_epochs=5, print_every=2, verbose=True).train()
    out = capsys.readouterr().out.splitlines()
    assert out == [f"(Iteration {t} / 5) loss: {losses[t - 1]:f}" for t in (1, 2, 4, 5)]


def test_progress_bar_appears_only_when_verbose():
    # In a process of its own: this one has the bars of tqdm switched off for good.
    program = """if True:
        import sys
        from types import SimpleNamespace
        import numpy as np
        from cs231n.captioning_solver import CaptioningSolver
        model = SimpleNamespace(params={}, loss=lambda features, captions: (1.0, {}))
        data = {"train_captions": np.ones((1, 2), int), "train_image_idxs": np.zeros(1, int)}
        data |= {"train_features": np.ones((1, 1)), "train_urls": ["url"]}
        for verbose in (False, True):
            CaptioningSolver(model, data, num_epochs=5, verbose=verbose).train()
            print("next", file=sys.stderr)
    """
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    quiet, loud, _ = done.stderr.split("next\n")
    assert quiet == ""
    assert "training: 100%" in loud and "5/5" in loud


# --------------------------------------------------------------------------------------- captions on disk

IMAGES = {
    "train": [3, 0, 3, 5, 1, 0, 3, 4, 5],
    "val": [2, 0, 0, 1],
}  # of each caption; train image 2 has none
NUM_IMAGES = {"train": 6, "val": 3}
WIDTH = {"_pca": 4, "": 7}


def write_coco(folder):
    """A data set of COCO's form in which every caption and every feature vector occurs once."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, images in IMAGES.items():
            file[f"{split}_captions"] = np.array([number_as_caption(i) for i in range(len(images))], np.int32)
            file[f"{split}_image_idxs"] = np.array(images, np.int32)
    for split, count in NUM_IMAGES.items():
        for kind, width in WIDTH.items():
            features = 1000 * (split == "val") + 10 * np.arange(count)[:, None] + np.arange(width)
            with h5py.File(folder / f"{split}2014_vgg16_fc7{kind}.h5", "w") as file:
                file["features"] = features.astype(np.float32)
        urls = [f"http://images.example/{split}/{i}.jpg" for i in range(count)]
        (folder / f"{split}2014_urls.txt").write_text("\n".join(urls) + "\n")
    write_vocabulary(folder, idx_to_word=WORDS, word_to_idx=VOCABULARY)


def number_as_caption(i):
    """A row of 17 ids that spells the number i in four words."""
    return [START, 4 + i // 4, 4 + i % 4, END] + 13 * [NULL]


def write_vocabulary(folder, **vocabulary):
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary))


def write_dataset(file, key, array):
    """Replace a dataset of an HDF5 file; None leaves it out."""
    with h5py.File(file, "r+") as opened:
        del opened[key]
        if array is not None:
            opened[key] = array


@pytest.fixture
def coco(tmp_path):
    """The folder of a small whole data set."""
    write_coco(tmp_path / "coco")
    return tmp_path / "coco"


@pytest.mark.parametrize("pca, kind", [(True, "_pca"), (False, "")])
@pytest.mark.parametrize("as_given", [str, lambda path: path], ids=["str", "Path"])
def test_load_everything(coco, pca, kind, as_given):
    data = load_coco_data(as_given(coco), pca_features=pca)
    assert data["idx_to_word"] == WORDS and data["word_to_idx"] == VOCABULARY
    assert data["source"] == str(coco)
    for split, images in IMAGES.items():
        captions, idxs, features = (data[f"{split}_{key}"] for key in ("captions", "image_idxs", "features"))
        assert captions.dtype == idxs.dtype == np.int32 and features.dtype == np.float32
        np.testing.assert_array_equal(captions, [number_as_caption(i) for i in range(len(images))])
        np.testing.assert_array_equal(idxs, images)
        assert features.shape == (NUM_IMAGES[split], WIDTH[kind])
        np.testing.assert_array_equal(features[:, 0] % 1000, 10 * np.arange(NUM_IMAGES[split]))
        assert data[f"{split}_urls"] == [
            f"http://images.example/{split}/{i}.jpg" for i in range(NUM_IMAGES[split])
        ]
        assert f"{split}_scenes" not in data


def belongings(data, split="train"):
    """{caption: (its image's features, URL, scene)} of a loaded split."""
    scenes = data.get(f"{split}_scenes", [None] * len(data[f"{split}_urls"]))
    return {
        tuple(caption): (tuple(data[f"{split}_features"][i]), data[f"{split}_urls"][i], scenes[i])
        for caption, i in zip(data[f"{split}_captions"].tolist(), data[f"{split}_image_idxs"])
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("max_train", [1, 3, 5, 6, 8, 9, 50])
def test_max_train_keeps_what_belongs_together(coco, max_train, seed):
    scenes = [f"scene {i}" for i in range(6)]
    (coco / "train2014_scenes.json").write_text(json.dumps(scenes))
    whole = load_coco_data(coco)
    np.random.seed(seed)
    data = load_coco_data(coco, max_train=max_train)
    kept = min(max_train, len(IMAGES["train"]))
    assert len(data["train_captions"]) == len(belongings(data)) == kept
    assert belongings(data).items() <= belongings(whole).items()
    # An image more for each caption until all five with captions are there, and none besides.
    num_images = min(kept, 5)
    assert len(set(data["train_image_idxs"].tolist())) == num_images
    assert len(data["train_features"]) == len(data["train_urls"]) == len(data["train_scenes"]) == num_images
    assert data["train_captions"].dtype == data["train_image_idxs"].dtype == np.int32
    assert belongings(data, "val") == belongings(whole, "val")


def test_max_train_draws_with_numpys_generator(coco):
    drawn = []
    for seed in [0, 0, *range(1, 20)]:
        np.random.seed(seed)
        drawn.append(frozenset(belongings(load_coco_data(coco, max_train=3))))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 5


@pytest.mark.parametrize("split", ["train", "val"])
def test_minibatch_rows_belong_together(coco, split):
    data = load_coco_data(coco)
    np.random.seed(0)
    captions, features, urls = sample_coco_minibatch(data, batch_size=50, split=split)
    assert captions.shape == (50, 17) and features.shape == (50, 4) and len(urls) == 50
    pairs = {caption: triple[:2] for caption, triple in belongings(data, split).items()}
    for caption, row, url in zip(captions.tolist(), features, urls):
        assert pairs[tuple(caption)] == (tuple(row), url)
    assert len({tuple(caption) for caption in captions.tolist()}) > 2
    assert len(sample_coco_minibatch(data)[0]) == 100


@pytest.mark.parametrize(
    "arguments, culprit",
    [
        ({"split": "test"}, "'test'.*'train' or 'val'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": -3}, "batch_size is -3"),
    ],
)
def test_minibatch_refuses(coco, arguments, culprit):
    with pytest.raises(ValueError, match=culprit):
        sample_coco_minibatch(load_coco_data(coco), **arguments)


@pytest.mark.parametrize("vocabulary", [WORDS, dict(enumerate(WORDS))], ids=["list", "dict"])
def test_decode(vocabulary):
    assert decode_captions([1, 4, 6, 7, 2, 0, 0], vocabulary) == "<START> a cat runs <END>"
    assert decode_captions(np.array([4, 0, 6, 2, 5, 5]), vocabulary) == "a cat <END>"
    assert decode_captions(np.array([4, 6]), vocabulary) == "a cat"
    assert decode_captions(np.array([[6, 2], [5, 6], [0, 0]], np.int32), vocabulary) == [
        "cat <END>",
        "red cat",
        "",
    ]
    assert decode_captions(np.zeros((0, 17), np.int32), vocabulary) == []


@pytest.mark.parametrize("vocabulary", [WORDS, dict(enumerate(WORDS))], ids=["list", "dict"])
@pytest.mark.parametrize("wrong", [8, -1])
def test_decode_refuses_ids_that_are_no_words(vocabulary, wrong):
    with pytest.raises(ValueError, match=f"id {wrong} .* 8 words"):
        decode_captions(np.array([[4, 6], [4, wrong]]), vocabulary)


# ------------------------------------------------------------------------------------------- damaged files

FILES = [
    "coco2014_captions.h5", "coco2014_vocab.json", "train2014_vgg16_fc7_pca.h5", "val2014_vgg16_fc7_pca.h5",
    "train2014_urls.txt", "val2014_urls.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("max_train", [None, 2])
def test_a_missing_file_is_named(coco, name, max_train):
    (coco / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} is missing.*get_datasets\.sh coco"):
        load_coco_data(coco, max_train=max_train)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_coco_data(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".h5")])
def test_an_hdf5_file_cut_short_anywhere_is_refused(coco, name):
    whole = (coco / name).read_bytes()
    for length in [*range(0, len(whole), 151), len(whole) - 1]:
        (coco / name).write_bytes(whole[:length])
        with pytest.raises(ValueError, match=rf"{name} .*cut short.*get_datasets\.sh coco"):
            load_coco_data(coco)
    (coco / name).write_bytes(whole)
    load_coco_data(coco)


def test_a_download_that_is_a_web_page_is_refused(coco):
    (coco / FILES[0]).write_text("<html><title>301 Moved Permanently</title></html>" * 100)
    with pytest.raises(ValueError, match=f"{FILES[0]} cannot be read"):
        load_coco_data(coco)


def test_compressed_data_damaged_inside_is_refused(coco):
    path = coco / "train2014_vgg16_fc7_pca.h5"
    features = np.random.default_rng(0).standard_normal((6, 400))
    with h5py.File(path, "w") as file:
        offset = file.create_dataset("features", data=features, chunks=(6, 400), compression="gzip").id
        file.flush()
        start, size = offset.get_chunk_info(0).byte_offset, offset.get_chunk_info(0).size
    damaged = bytearray(path.read_bytes())
    damaged[start + 2 : start + size] = bytes(size - 2)
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=rf"{path.name} .*damaged.*get_datasets\.sh coco"):
        load_coco_data(coco)


CAPTIONS = np.array([number_as_caption(i) for i in range(9)], np.int32)


def caption_with(wrong):
    captions = CAPTIONS.copy()
    captions[4, 2] = wrong
    return captions


@pytest.mark.parametrize("max_train", [None, 9])
@pytest.mark.parametrize(
    "file, key, array, culprit",
    [
        (FILES[0], "train_captions", None, "no dataset 'train_captions'"),
        (FILES[0], "val_image_idxs", None, "no dataset 'val_image_idxs'"),
        (FILES[2], "features", None, "no dataset 'features'"),
        (FILES[0], "train_captions", CAPTIONS.astype(np.float32), "train_captions.*float32"),
        (FILES[0], "train_image_idxs", np.array(IMAGES["train"]) + 0.5, "train_image_idxs.*float64"),
        (FILES[0], "train_captions", CAPTIONS[:, 0], r"train_captions.*\(9,\)"),
        (FILES[0], "train_image_idxs", np.array(IMAGES["train"])[:, None], r"train_image_idxs.*\(9, 1\)"),
        (FILES[0], "train_captions", np.int32(3), "train_captions"),
        (FILES[0], "train_captions", CAPTIONS[:-1], "train has not one image index for each caption"),
        (FILES[0], "train_captions", caption_with(8), r"caption ids .*0\.\.7"),
        (FILES[0], "train_captions", caption_with(-1), r"caption ids .*0\.\.7"),
        (
            FILES[0],
            "train_image_idxs",
            np.array([3, 0, 3, 6, 1, 0, 3, 4, 5]),
            "6 urls and image indices 0 to 6",
        ),
        (
            FILES[0],
            "train_image_idxs",
            np.array([3, 0, 3, -1, 1, 0, 3, 4, 5]),
            "6 urls and image indices -1 to 5",
        ),
        (FILES[2], "features", np.zeros((5, 4), np.float32), r"\(5, 4\) features for 6 urls"),
        (FILES[2], "features", np.zeros((7, 4), np.float32), r"\(7, 4\) features for 6 urls"),
        (FILES[2], "features", np.zeros(6, np.float32), r"\(6,\) features for 6 urls"),
        (FILES[2], "features", np.float32(1), r"\(\) features for 6 urls"),
    ],
)
def test_files_that_do_not_fit_are_refused(coco, file, key, array, culprit, max_train):
    write_dataset(coco / file, key, array)
    named = (
        FILES[2] if "urls" in culprit else file
    )  # where several files disagree, the message leads with features
    with pytest.raises(ValueError, match=rf"{named}.*{culprit}.*get_datasets\.sh coco"):
        load_coco_data(coco, max_train=max_train)


def test_a_group_in_the_place_of_a_dataset_is_refused(coco):
    with h5py.File(coco / FILES[0], "r+") as file:
        del file["train_captions"]
        file.create_group("train_captions")
    with pytest.raises(ValueError, match="no dataset 'train_captions'"):
        load_coco_data(coco)


@pytest.mark.parametrize("kind", ["urls.txt", "scenes.json"])
def test_another_number_of_urls_or_scenes_than_features_is_refused(coco, kind):
    five = [f"number {i}".replace(" ", "-") for i in range(5)]
    (coco / f"val2014_{kind}").write_text(json.dumps(five) if kind == "scenes.json" else "\n".join(five))
    with pytest.raises(ValueError, match=f"(?s)val2014.* 5 {kind.split('.')[0]}.*do not belong together"):
        load_coco_data(coco)


@pytest.mark.parametrize(
    "text, culprit",
    [
        ("{", "is not a vocabulary"),
        ("", "is not a vocabulary"),
        ("[]", "is not a vocabulary"),
        (json.dumps({"idx_to_word": WORDS}), "is not a vocabulary.*'word_to_idx'"),
        (json.dumps({"idx_to_word": 8, "word_to_idx": 8}), "is not a vocabulary"),
        (json.dumps({"idx_to_word": WORDS[::-1], "word_to_idx": VOCABULARY}), "is not a vocabulary.*agree"),
        *(
            (json.dumps({"idx_to_word": list(without(mark)), "word_to_idx": without(mark)}), f"has no {mark}")
            for mark in ("<NULL>", "<START>", "<END>")
        ),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(coco, text, culprit):
    (coco / "coco2014_vocab.json").write_text(text)
    with pytest.raises(ValueError, match=rf"coco2014_vocab\.json {culprit}.*get_datasets\.sh coco"):
        load_coco_data(coco)


def test_a_vocabulary_in_another_encoding_is_refused(coco):
    (coco / "coco2014_vocab.json").write_bytes(b'{"idx_to_word": ["caf\xe9"], "word_to_idx": {}}')
    with pytest.raises(ValueError, match=r"coco2014_vocab\.json is not a vocabulary"):
        load_coco_data(coco)


@pytest.mark.parametrize("max_train", [0, -5])
def test_max_train_below_one_is_refused(coco, max_train):
    with pytest.raises(ValueError, match=f"max_train is {max_train}"):
        load_coco_data(coco, max_train=max_train)


# --------------------------------------------------------------------------------------------- CS231N_DATA


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty folder in the place of datasets/; its two kinds of caption data would be `real` and `mini`."""
    root = tmp_path.resolve() / "datasets"
    for module in (coco_utils, datasets):
        monkeypatch.setattr(module, "DATASETS", root)
    monkeypatch.delenv("CS231N_DATA")
    return SimpleNamespace(real=root / "coco_captioning", mini=root / "mini" / "coco_captioning")


@pytest.mark.parametrize("mode", [None, "", "auto", "mini", "full"])
def test_cs231n_data_chooses(shelf, monkeypatch, mode):
    write_coco(shelf.real)
    write_coco(shelf.mini)
    if mode is not None:
        monkeypatch.setenv("CS231N_DATA", mode)
    source = "datasets/mini/coco_captioning" if mode == "mini" else "datasets/coco_captioning"
    assert load_coco_data()["source"] == source


@pytest.mark.parametrize("missing", FILES)
def test_incomplete_real_data_gives_way_to_mini(shelf, monkeypatch, missing):
    write_coco(shelf.real)
    write_coco(shelf.mini)
    (shelf.real / missing).unlink()
    assert load_coco_data()["source"] == "datasets/mini/coco_captioning"
    monkeypatch.setenv("CS231N_DATA", "full")
    with pytest.raises(FileNotFoundError, match=rf"CS231N_DATA=full.*{missing}.*\./get_datasets\.sh coco"):
        load_coco_data()


def test_an_unknown_value_of_cs231n_data_is_named(shelf, monkeypatch):
    write_coco(shelf.mini)
    monkeypatch.setenv("CS231N_DATA", "tiny")
    with pytest.raises(ValueError, match="CS231N_DATA is 'tiny'.*auto, mini, full"):
        load_coco_data()


def test_missing_mini_data_is_named(shelf):
    with pytest.raises(FileNotFoundError, match="mini.*restore"):
        load_coco_data()


def test_damaged_mini_data_is_to_be_restored_not_downloaded(shelf):
    write_coco(shelf.mini)
    (shelf.mini / FILES[0]).write_bytes(b"")
    with pytest.raises(ValueError, match=f"{FILES[0]} .*restore it"):
        load_coco_data()


def test_mini_data_has_no_features_of_4096_numbers_and_says_so(shelf):
    write_coco(shelf.mini)
    for split in NUM_IMAGES:
        (shelf.mini / f"{split}2014_vgg16_fc7.h5").unlink()
    with pytest.raises(FileNotFoundError, match="train2014_vgg16_fc7.h5 is missing.*pca_features=True"):
        load_coco_data(pca_features=False)
