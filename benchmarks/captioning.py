"""The recurrent layers and the captioner against their matrix products alone, torch, and the textbook versions."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from cs231n import optim, rnn_layers
from cs231n.classifiers.rnn import CaptioningRNN

from . import textbook
from .timing import Race

MARKS = ("<NULL>", "<START>", "<END>", "<UNK>")
WORDS_WRITTEN, WORDS_SAMPLED = 10.5, 11  # mean length of a caption, <END> counted
NOTES = f"""\
products: the layer's six matrix products alone, each over all time steps at once, into arrays that exist;
the layers' own times include what the system charges for memory that is given back and asked for again.
torch.nn.LSTM multiplies with a BLAS of its own, so it can be faster than numpy's products.
Captions: random words, of lengths about normal, {WORDS_WRITTEN} on average and <END> counted, the rest <NULL>;
those sampled end after {WORDS_SAMPLED} of 30 steps on average, by weights made to count down."""


@dataclass(frozen=True)
class Sizes:
    """N, T, D, H of the layers; the captioner shares H and has `batch` captions of `words` steps, V and W."""

    N: int = 64
    T: int = 30
    D: int = 256
    H: int = 512
    batch: int = 128
    words: int = 16
    V: int = 1004
    W: int = 256
    images: int = 1000
    max_length: int = 30
    rounds: int = 40


TINY = Sizes(N=3, T=4, D=5, H=40, batch=6, V=50, W=5, images=7, rounds=3)


def rows(tiny=False):
    """Yield the Rows one after the other."""
    sizes = TINY if tiny else Sizes()
    yield from layer_rows("rnn", np.float32, sizes, target=1.3)
    yield from layer_rows("rnn", np.float64, sizes, target=1.3)
    yield from layer_rows("lstm", np.float32, sizes, target=1.3)
    yield from layer_rows("lstm", np.float64, sizes, target=1.4)
    yield from embedding_rows(sizes)
    yield from loss_rows(sizes)
    yield from sampling_rows(sizes)


def layer_rows(cell, dtype, sizes, target):
    """Forward and backward over whole sequences, against the products; LSTMs also against torch and textbook."""
    label, (args, dh) = f"{cell} {dtype.__name__}", layer_inputs(cell, dtype, sizes)
    contenders = {
        "products": matrix_products(args, dh),
        "ours": forward_backward(rnn_layers, cell, args, dh),
        "textbook": forward_backward(textbook, cell, args, dh),
    }
    if cell == "lstm":
        contenders["torch"] = torch_lstm(args, dh)
    race = Race(contenders, sizes.rounds)
    yield race.row(label, "ours", "products", target)
    least = 2.5 if label == "lstm float32" else None
    yield race.row(f"textbook {label}", "textbook", "ours", least, at_least=True)
    if cell == "lstm":
        yield race.row(f"torch.nn.LSTM {dtype.__name__}", "torch", "products")


def layer_inputs(cell, dtype, sizes):
    """(x, h0, Wx, Wh, b), dh of a layer at work: weights scaled as CaptioningRNN draws them."""
    rng, (N, T, D, H) = np.random.default_rng(0), (sizes.N, sizes.T, sizes.D, sizes.H)
    columns = {"rnn": 1, "lstm": 4}[cell] * H
    shapes = (N, T, D), (N, H), (D, columns), (H, columns), (columns,), (N, T, H)
    scales = 1, 1, D**-0.5, H**-0.5, 1, 1
    *args, dh = [(scale * rng.standard_normal(shape)).astype(dtype) for shape, scale in zip(shapes, scales)]
    return args, dh


def forward_backward(module, cell, args, dh):
    """A function that runs `module`'s layer forward and backward and returns its gradients."""
    forward, backward = getattr(module, f"{cell}_forward"), getattr(module, f"{cell}_backward")
    return lambda: backward(dh, forward(*args)[1])


def matrix_products(args, dh):
    """The six products that no recurrent layer can do without: x Wx, h Wh, da Wx^T, da Wh^T, x^T da, h^T da."""
    x, _, Wx, Wh, _ = args
    x, h = x.reshape(-1, len(Wx)), dh.reshape(-1, len(Wh))  # any numbers will do for the states
    da = x @ Wx  # (N*T, H) or (N*T, 4H), and so for the pre-activations' gradients
    pairs = (x, Wx), (h, Wh), (da, Wx.T), (da, Wh.T), (x.T, da), (h.T, da)
    outs = [np.empty((len(a), b.shape[1]), dtype=x.dtype) for a, b in pairs]

    def run():
        for (a, b), out in zip(pairs, outs):
            np.matmul(a, b, out=out)

    return run


def torch_lstm(args, dh):
    """torch.nn.LSTM forward and backward at the same sizes, with the gradients that ours gives (h0's included)."""
    torch.set_num_threads(1)
    x, h0, Wx, Wh, _ = args
    x, h0, dh = (torch.from_numpy(array) for array in (x, h0[None], dh))
    layer = torch.nn.LSTM(len(Wx), len(Wh), batch_first=True, dtype=x.dtype)
    wanted = [x.requires_grad_(), h0.requires_grad_(), *layer.parameters()]

    def run():
        h, _ = layer(x, (h0, torch.zeros_like(h0)))
        return torch.autograd.grad(h, wanted, dh)

    return run


def embedding_rows(sizes):
    """word_embedding_backward against np.add.at, dout and W of one dtype (add.at is far slower if they differ)."""
    rng, shape = np.random.default_rng(0), (sizes.batch, sizes.words)
    words = rng.integers(sizes.V, size=shape)
    for dtype in (np.float32, np.float64):
        W, dout = (rng.standard_normal((*s, sizes.W)).astype(dtype) for s in ((sizes.V,), shape))
        _, cache = rnn_layers.word_embedding_forward(words, W)
        contenders = {
            "ours": partial(rnn_layers.word_embedding_backward, dout, cache),
            "np.add.at": partial(textbook.word_embedding_backward, dout, (words, W)),
        }
        race = Race(contenders, sizes.rounds, repeats=5)
        yield race.row(f"word_embedding_backward {dtype.__name__}", "ours", "np.add.at", 0.1)


def captioner(sizes):
    """A float32 LSTM captioner whose vocabulary holds the marks and V - 4 numbered words."""
    words = [*MARKS, *(f"word{i}" for i in range(len(MARKS), sizes.V))]
    np.random.seed(0)
    return CaptioningRNN(
        {word: i for i, word in enumerate(words)}, input_dim=sizes.H, wordvec_dim=sizes.W, hidden_dim=sizes.H,
        cell_type="lstm", dtype=np.float32,
    )  # fmt: skip


def lengths(count, mean, sizes):
    """Numbers of words in `count` captions, <END> counted: about normal, 4 to `words`."""
    drawn = np.random.default_rng(1).normal(mean, 2.3, count)
    return np.clip(np.rint(drawn), 4, sizes.words).astype(int)


def drawn_captions(sizes):
    """(batch, words + 1) ids `<START> w .. <END> <NULL> ..` of random words."""
    last = lengths(sizes.batch, WORDS_WRITTEN, sizes)[:, None]  # where <END> stands
    ids = np.random.default_rng(2).integers(len(MARKS), sizes.V, (sizes.batch, sizes.words + 1))
    place = np.arange(sizes.words + 1)
    ids[:, 0] = MARKS.index("<START>")
    ids[place == last] = MARKS.index("<END>")
    ids[place > last] = MARKS.index("<NULL>")
    return ids


def loss_rows(sizes):
    """CaptioningRNN.loss alone, which the target speaks of, and as a step of training with Adam."""
    model, captions = captioner(sizes), drawn_captions(sizes)
    features = np.random.default_rng(0).standard_normal((sizes.batch, sizes.H)).astype(np.float32)
    params = {name: array.copy() for name, array in model.params.items()}
    losses = {
        "ours": lambda: model.loss(features, captions),
        "textbook": lambda: textbook.captioning_loss(params, features, captions, model._null),
    }
    yield Race(losses, sizes.rounds).row("CaptioningRNN.loss", "ours", "textbook", 0.45)
    steps = {
        "ours": training_step(model.params, losses["ours"], optim.adam),
        "textbook": training_step(params, losses["textbook"], textbook.adam),  # makes params float64: its own doing
    }
    yield Race(steps, sizes.rounds).row("CaptioningRNN.loss and Adam", "ours", "textbook")


def training_step(params, loss, adam):
    """A function that takes one step on `params` (changed in place), along the gradients of `loss`."""
    settings = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    configs = {name: {**settings, "t": 0, "m": np.zeros_like(w), "v": np.zeros_like(w)} for name, w in params.items()}

    def run():
        _, grads = loss()
        for name, grad in grads.items():
            params[name], configs[name] = adam(params[name], grad, configs[name])

    return run


def countdown_captioner(sizes):
    """A captioner that counts down: features one-hot at k give a caption whose k-th word is <END>.

    An open hidden unit k says "k words to go". The projection opens it; Wh hands on to unit k - 1 through all four
    gates, while the biases keep every other unit shut; unit 0 speaks for <END>, the others for some other word.
    """
    model, H = captioner(sizes), sizes.H
    W_vocab = np.zeros((H, sizes.V))
    W_vocab[0, model._end], W_vocab[1:, len(MARKS)] = 1, 1
    made = {
        "W_proj": np.eye(H),
        "Wh": np.tile(20 * np.eye(H, k=-1), 4),
        "b": np.repeat([-10, -10, -10, 0], H),
        "W_vocab": W_vocab,
    }
    model.params.update({name: array.astype(np.float32) for name, array in made.items()})
    return model


def sampling_rows(sizes):
    """CaptioningRNN.sample where rows end as captions do, which the target speaks of, and where none ever ends."""
    model, one_hot = countdown_captioner(sizes), np.eye(sizes.H, dtype=np.float32)
    ending = one_hot[lengths(sizes.images, WORDS_SAMPLED, sizes)]
    endless = one_hot[np.full(sizes.images, sizes.max_length + 1)]
    marks, steps = (model._null, model._start), sizes.max_length
    contenders = {
        "textbook": lambda: textbook.sample(model.params, ending, *marks, steps),  # never stops early anyway
        "ending": lambda: model.sample(ending, steps),
        "endless": lambda: model.sample(endless, steps),
    }
    race = Race(contenders, sizes.rounds)
    yield race.row("CaptioningRNN.sample, rows end", "ending", "textbook", 0.5)
    yield race.row("CaptioningRNN.sample, none ends", "endless", "textbook")
