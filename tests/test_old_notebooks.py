"""The assignment's notebooks and answers of 2016 to 2025: what they call and what they take for granted is there.

tests/old_notebooks holds a short script for each notebook, and year where it differs, with calls as the notebook has
them. What torch and scipy have removed since is put back here.
"""

import runpy
import sys
import types
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from cs231n import rnn_layers, transformer_layers
from cs231n import style_transfer_pytorch as st
from cs231n.captioning_solver_transformer import CaptioningSolverTransformer
from cs231n.classifiers import transformer
from cs231n.classifiers.squeezenet import load_squeezenet
from cs231n.coco_utils import load_coco_data
from cs231n.datasets.digits import load_digits
from cs231n.gan_pytorch import Unflatten, build_dc_classifier
from cs231n.image_utils import load_image

NOTEBOOKS = sorted((Path(__file__).parent / "old_notebooks").glob("*.py"))


# The notebooks -------------------------------------------------------------------------------------------------------


class Digits(torch.utils.data.Dataset):
    """In the place of torchvision's MNIST: the digits that ship."""

    def __init__(self, root, train=True, download=False, transform=None):
        self.images, self.labels = load_digits("test")  # the fewer

    def __getitem__(self, n):
        return self.images[n], int(self.labels[n])

    def __len__(self):
        return len(self.images)


@pytest.fixture
def old_times(monkeypatch, tmp_path):
    """A folder with pictures in styles/, and what torchvision and scipy had."""
    (tmp_path / "styles").mkdir()
    for seed, name in enumerate(("tubingen", "starry_night")):
        pixels = np.random.default_rng(seed).integers(256, size=(40, 60, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "styles" / f"{name}.jpg")
    filters = types.SimpleNamespace(gaussian_filter1d=__import__("scipy.ndimage").ndimage.gaussian_filter1d)
    monkeypatch.setitem(sys.modules, "scipy.misc", types.SimpleNamespace(imread=load_image))
    monkeypatch.setitem(sys.modules, "scipy.ndimage.filters", filters)
    model = load_squeezenet("cpu").train().requires_grad_(True)  # as torchvision hands it over
    monkeypatch.setattr(torchvision.models, "squeezenet1_1", lambda pretrained: model)
    monkeypatch.setattr(torchvision.transforms, "Scale", torchvision.transforms.Resize, raising=False)
    monkeypatch.setattr(torchvision.datasets, "MNIST", Digits)
    monkeypatch.setattr(plt, "show", lambda: None)
    monkeypatch.chdir(tmp_path)
    np.random.seed(231)
    torch.manual_seed(231)
    yield
    plt.close("all")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_old_notebook_runs(notebook, old_times):
    runpy.run_path(str(notebook))


# Names that answers take for granted ---------------------------------------------------------------------------------

HEADS = {
    "gan_pytorch": ("torch", "np", "nn", "F", "init", "optim", "dtype", "Variable"),
    "style_transfer_pytorch": ("torch", "np", "nn", "F", "optim", "dtype", "Variable"),
    "net_visualization_pytorch": ("torch", "np", "nn", "F", "random", "optim", "dtype", "Variable"),
    "transformer_layers": ("torch", "np", "nn", "F", "math", "optim", "dtype"),
    "classifiers.transformer": ("torch", "np", "nn", "F", "math", "copy"),
    "rnn_layers": ("np",),
    "classifiers.rnn": ("np",),
}
MEANINGS = {
    "torch": torch, "np": np, "nn": nn, "F": F, "init": nn.init, "optim": torch.optim, "dtype": torch.FloatTensor,
    "Variable": torch.autograd.Variable, "random": __import__("random"), "math": __import__("math"),
    "copy": __import__("copy"),
}  # fmt: skip


@pytest.mark.parametrize("module, name", [(module, name) for module, names in HEADS.items() for name in names])
def test_a_name_of_the_modules_head(module, name):
    found = getattr(__import__(f"cs231n.{module}", fromlist=[name]), name)
    assert found is MEANINGS[name]


@pytest.mark.parametrize("N", [None, -1, 5])
def test_unflatten_by_a_batch_size_that_may_be_none(N):
    x = torch.arange(5 * 784.0).view(5, 784)
    assert torch.equal(Unflatten(N, 1, 28, 28)(x), x.view(5, 1, 28, 28))
    assert build_dc_classifier(N)(x).shape == (5, 1)


def test_attention_by_its_old_names():
    attention = transformer_layers.MultiHeadAttention(8, 2, dropout=0.3)
    assert (attention.emd_dim, attention.n_head, attention.head_dim) == (8, 2, 4)
    assert attention.attn_drop is attention.dropout and attention.attn_drop.p == 0.3
    attention.dropout = nn.Identity()
    assert attention.attn_drop is attention.dropout
    assert list(attention.state_dict()) == [
        f"{layer}.{kind}" for layer in ("key", "query", "value", "proj") for kind in ("weight", "bias")
    ]


def test_the_transformer_counts_its_words():
    words = {"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3}
    model = transformer.CaptioningTransformer(words, 5, 8)
    assert model.vocab_size == model.output.out_features == 4


@pytest.mark.parametrize("zero", [0, 0.0, np.float64(0), np.zeros(()), np.zeros(1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_first_cell_state_of_zero(zero, dtype):
    rng = np.random.default_rng(0)
    x, h, Wx, Wh, b = (rng.normal(size=s).astype(dtype) for s in ((2, 3), (2, 4), (3, 16), (4, 16), (16,)))
    dh, dc = (rng.normal(size=(2, 4)).astype(dtype) for _ in range(2))
    *got, cache = rnn_layers.lstm_step_forward(x, h, zero, Wx, Wh, b)
    *expected, right = rnn_layers.lstm_step_forward(x, h, np.zeros_like(h), Wx, Wh, b)
    got += rnn_layers.lstm_step_backward(dh, dc, cache)
    expected += rnn_layers.lstm_step_backward(dh, dc, right)
    for a, e in zip(got, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, e)


# The Transformer's solver --------------------------------------------------------------------------------------------


class Foretold(nn.Module):
    """A captioner as the assignment's class is, with no loss of its own: it says the same scores everywhere."""

    _null = 0

    def __init__(self, words):
        super().__init__()
        self.scores = nn.Parameter(torch.linspace(0, 1, words))

    def forward(self, features, captions):
        assert features.dtype == torch.float32 and captions.dtype == torch.int64
        return self.scores.expand(*captions.shape, -1)


def solved(verbose=False, **settings):
    np.random.seed(0)
    data = load_coco_data(max_train=20)
    model = Foretold(len(data["idx_to_word"]))
    solver = CaptioningSolverTransformer(model, data, data["idx_to_word"], verbose=verbose, **settings)
    solver.train()
    return solver


def test_the_transformers_solver_takes_adams_steps_on_the_published_mean():
    solver = solved(num_epochs=2, batch_size=10, learning_rate=0.1)
    np.random.seed(0)
    data = load_coco_data(max_train=20)
    model, losses = Foretold(len(data["idx_to_word"])), []
    adam = torch.optim.Adam(model.parameters(), 0.1)
    for _ in range(4):
        said = torch.from_numpy(data["train_captions"][np.random.choice(20, 10)]).long()[:, 1:]
        each = -model.scores.log_softmax(0)[said] * (said != 0)
        adam.zero_grad()
        each.mean().backward()
        adam.step()
        losses.append(each.mean().item())
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-5)
    solver.train()  # goes on
    assert len(solver.loss_history) == 8 and solver.loss_history[-1] < losses[-1]


def test_the_transformers_solver_prints_and_refuses(capsys):
    solved(verbose=True, num_epochs=3, batch_size=10, print_every=4)
    assert [line.split(")")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"(Iteration {t} / 6" for t in (1, 4, 6)
    ]
    with pytest.raises(ValueError, match="batch_size is 0"):
        solved(batch_size=0)
    with pytest.raises(TypeError, match="lr_decay"):
        solved(lr_decay=0.9)
    with pytest.raises(FloatingPointError, match="iteration"):
        solved(learning_rate=float("inf"))


# Published numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 60), (600, 401), (192, 300), (1100, 333), (20, 50), (1, 40)])
@pytest.mark.parametrize("size", [192, 33])
def test_style_pictures_are_resized_as_torchvision_does(shape, size):
    pixels = np.random.default_rng(0).integers(256, size=(*shape, 3), dtype=np.uint8)
    theirs = torchvision.transforms.Resize(size)(PIL.Image.fromarray(pixels))
    for img in (pixels, PIL.Image.fromarray(pixels)):
        assert np.array_equal(np.asarray(st.deprocess(st.preprocess(img, size))), np.asarray(theirs))
    norm = torchvision.transforms.Normalize(st.SQUEEZENET_MEAN, st.SQUEEZENET_STD)
    expected = norm(torchvision.transforms.functional.to_tensor(theirs))[None]
    assert torch.allclose(st.preprocess(pixels, size), expected, atol=1e-5)


def test_style_losses_have_their_published_values(realdata):
    """To the weights' three digits; the assignment's own are 32436.986, 44512.289 and 303.47."""
    weights, pictures = realdata / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth", realdata / "styles"
    if not (weights.is_file() and (pictures / "tubingen.jpg").is_file()):
        pytest.skip("torchvision's weights or the pictures are not here")
    cnn = load_squeezenet("cpu", weights).features
    content, img = st.features_from_img(pictures / "tubingen.jpg", 192, cnn)
    style, _ = st.features_from_img(pictures / "starry_night.jpg", 192, cnn)
    blank = st.extract_features(torch.zeros_like(img), cnn)
    layers = 1, 4, 6, 7
    targets = [st.gram_matrix(style[layer]) for layer in layers]
    assert st.content_loss(6e-2, content[3], blank[3]).item() == pytest.approx(32436.986, rel=1e-3)
    assert st.style_loss(content, layers, targets, [300000, 1000, 15, 3]).item() == pytest.approx(44512.289, rel=1e-3)
    assert st.tv_loss(img, 2e-2).item() == pytest.approx(303.47, rel=1e-5)


def dropout_of_2021(x, p=0.5, training=True, inplace=False):
    """As torch drew it then: one number of its generator seeds MKL's multiplicative one, which draws the rest."""
    if not training:
        return x
    state = torch.get_rng_state()
    third = int(torch.empty(1, dtype=torch.int64).random_(0, 3))  # the number's remainder by 3 ...
    torch.set_rng_state(state)
    seed = int(torch.empty(1, dtype=torch.int32).random_())  # ... and its lower 31 bits, which tell the highest, too
    modulus, drawn = 2**31 - 1, []
    seed = (seed + (2**31 if seed % 3 != third else 0)) % modulus or 1
    for _ in range(x.numel()):
        drawn.append(seed)
        seed = seed * 1132489760 % modulus
    kept = torch.tensor(drawn).view(x.shape) < (1 - p) * modulus
    return x * kept.to(x.dtype) / (1 - p)


@pytest.fixture
def in_2021(monkeypatch):
    monkeypatch.setattr(F, "dropout", dropout_of_2021)
    torch.manual_seed(231)


close = partial(torch.testing.assert_close, rtol=0, atol=1.01e-4, check_dtype=False)  # published to four places


def test_attention_has_its_published_values(in_2021):
    attention = transformer_layers.MultiHeadAttention(8, num_heads=2)
    data = torch.randn(1, 3, 8)
    among = attention(query=data, key=data, value=data)
    mask = torch.randn(3, 3) < 0.5
    masked = attention(query=data, key=data, value=data, attn_mask=mask)
    other = torch.randn(1, 3, 8)
    across = attention(query=data, key=other, value=other)
    close(among, torch.tensor([[
        [-0.2494, 0.1396, 0.4323, -0.2411, -0.1547, 0.2329, -0.1936, -0.1444],
        [-0.1997, 0.1746, 0.7377, -0.3549, -0.2657, 0.2693, -0.2541, -0.2476],
        [-0.0625, 0.1503, 0.7572, -0.3974, -0.1681, 0.2168, -0.2478, -0.3038],
    ]]))  # fmt: skip
    close(masked, torch.tensor([[
        [-0.1347, 0.1934, 0.8628, -0.4903, -0.2614, 0.2798, -0.2586, -0.3019],
        [-0.1013, 0.3111, 0.5783, -0.3248, -0.3842, 0.1482, -0.3628, -0.1496],
        [-0.2071, 0.1669, 0.7097, -0.3152, -0.3136, 0.2520, -0.2774, -0.2208],
    ]]))  # fmt: skip
    close(across, torch.tensor([[
        [-0.1980, 0.4083, 0.1968, -0.3477, 0.0321, 0.4258, -0.8972, -0.2744],
        [-0.1603, 0.4155, 0.2295, -0.3485, -0.0341, 0.3929, -0.8248, -0.2767],
        [-0.0908, 0.4113, 0.3017, -0.3539, -0.1020, 0.3784, -0.7189, -0.2912],
    ]]))  # fmt: skip


def test_codes_of_positions_have_their_published_values(in_2021):
    data = torch.randn(1, 2, 6)
    close(transformer_layers.PositionalEncoding(6)(data), torch.tensor([[
        [-1.2340, 1.1127, 1.6978, -0.0865, 0.0000, 1.2728],
        [0.9028, -0.4781, 0.5535, 0.8133, 1.2644, 1.7034],
    ]]))  # fmt: skip


def test_the_captioning_transformer_has_its_published_values(in_2021):
    """With the assignment's width of the hidden layers, and once its random numbers for new weights are drawn."""
    sizes = {"input_dim": 20, "wordvec_dim": 30, "num_heads": 2, "num_layers": 2, "max_length": 30}
    model = transformer.CaptioningTransformer({"<NULL>": 0, "cat": 2, "dog": 3}, **sizes, dim_feedforward=2048)
    torch.manual_seed(231)
    first = nn.ModuleList([nn.Linear(20, 30), nn.Embedding(3, 30, padding_idx=0)])
    first.append(transformer.TransformerDecoder(transformer.TransformerDecoderLayer(30, 2), 2))
    for module in first.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(std=0.02)
    nn.Linear(30, 3)
    for p in model.parameters():
        p.data = torch.linspace(-1.4, 1.3, p.numel(), dtype=torch.float64).view(p.shape)
    features = torch.linspace(-1.5, 0.3, 80, dtype=torch.float64).view(4, 20)
    close(model(features, torch.arange(12).view(4, 3) % 3), torch.tensor([
        [[-16.9532, 4.8261, 26.6054], [-17.1033, 4.6906, 26.4844], [-15.0708, 4.1108, 23.2924]],
        [[-17.1767, 4.5897, 26.3562], [-15.6017, 4.8693, 25.3403], [-15.1028, 4.6905, 24.4839]],
        [[-17.2172, 4.7701, 26.7574], [-16.6755, 4.8500, 26.3754], [-17.2172, 4.7701, 26.7574]],
        [[-16.3669, 4.1602, 24.6872], [-16.7897, 4.3467, 25.4831], [-17.0103, 4.7775, 26.5652]],
    ]))  # fmt: skip
