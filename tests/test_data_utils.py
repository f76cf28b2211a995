"""Photos with ImageNet labels: the shipped ones, the fetched file, damaged and hostile files."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision import transforms as T

from cs231n import data_utils
from cs231n.classifiers.squeezenet import CHECKPOINT, load_squeezenet
from cs231n.data_utils import imagenet_source, load_imagenet_val
from cs231n.image_utils import load_image
from cs231n.net_visualization_pytorch import preprocess


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the fetched file is looked for, with nothing there yet."""
    monkeypatch.setattr(data_utils, "REAL", tmp_path / "imagenet_val_25.npz")
    monkeypatch.setenv("CS231N_DATA", "auto")
    return tmp_path / "imagenet_val_25.npz"


def names(missing=()):
    return {i: f"thing {i}, Res {i}" for i in range(1000) if i not in missing}


def write(path, **changes):
    """A file like the real one, of three photos, some of its members changed."""
    members = {
        "X": np.arange(3 * 224 * 224 * 3, dtype=np.uint64).astype(np.uint8).reshape(3, 224, 224, 3),
        "y": np.array([7, 0, 999]),
        "label_map": names(missing=[134]),
    }
    np.savez(path, **(members | changes))


# Offline


def test_shipped_photos():
    X, y, class_names = load_imagenet_val()
    assert X.dtype == np.uint8 and X.shape == (len(y), 224, 224, 3) and len(y) >= 5
    assert y.dtype == np.int64 and len(set(y.tolist())) == len(y)
    assert [class_names[i] for i in y[:2]] == ["tiger cat", "espresso"]
    assert imagenet_source().startswith("mini")


def test_names_of_all_classes():
    *_, class_names = load_imagenet_val(1)
    assert list(class_names) == list(range(1000)) and all(type(name) is str and name for name in class_names.values())
    assert class_names[134] == "crane"
    categories = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
    assert [i for i in range(1000) if class_names[i] != categories[i]] == [134]


def test_squeezenet_finds_every_shipped_photo():
    X, y, _ = load_imagenet_val()
    scores = load_squeezenet("cpu")(torch.cat([preprocess(x) for x in X]))
    assert scores.argmax(1).tolist() == y.tolist()


def test_torchvisions_squeezenet_has_them_among_its_first_two(realdata):
    X, y, _ = load_imagenet_val()
    scores = load_squeezenet("cpu", realdata / "hub" / "checkpoints" / CHECKPOINT)(torch.cat([*map(preprocess, X)]))
    assert all(label in best for label, best in zip(y, scores.topk(2).indices))


def test_cropped_as_torchvision_does():
    package, file, box, _ = data_utils.PHOTOS[1]
    assert box is None
    spec = data_utils.importlib.util.find_spec(package)
    image = Image.fromarray(load_image(os.path.join(os.path.dirname(spec.origin), file)))
    expected = T.Compose([T.Resize(256), T.CenterCrop(224)])(image)
    assert np.array_equal(load_imagenet_val()[0][1], np.array(expected))


def test_only_so_many():
    X, y, _ = load_imagenet_val(num=2)
    assert len(X) == len(y) == 2
    assert len(load_imagenet_val(num=100)[0]) == len(load_imagenet_val()[0])


@pytest.mark.parametrize("num", [0, -3])
def test_fewer_than_one(num):
    with pytest.raises(ValueError, match="at least 1"):
        load_imagenet_val(num)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(data_utils, "PHOTOS", (("no_such_package", "a.png", None, 3),))
    with pytest.raises(FileNotFoundError, match="install no_such_package"):
        load_imagenet_val()


# The fetched file


def test_fetched_file_is_used_in_auto(place, monkeypatch):
    assert imagenet_source().startswith("mini")
    write(place)
    assert imagenet_source().startswith("full")
    X, y, class_names = load_imagenet_val(2)
    assert X.shape == (2, 224, 224, 3) and X.ravel()[:3].tolist() == [0, 1, 2]
    assert y.tolist() == [7, 0]
    assert class_names == names() | {134: "crane"} and list(class_names) == list(range(1000))
    monkeypatch.setenv("CS231N_DATA", "mini")
    assert imagenet_source().startswith("mini")


def test_full_without_the_file_says_how_to_get_it(place, monkeypatch):
    monkeypatch.setenv("CS231N_DATA", "full")
    with pytest.raises(FileNotFoundError, match="get_datasets.sh imagenet"):
        load_imagenet_val()


def test_names_pickled_by_old_numpy(place):
    """The real file holds numpy's strings, pickled in Python 2's protocol."""
    pickled = {i: np.str_(name) for i, name in names(missing=[134]).items()}
    write(place, label_map=np.array(pickled, dtype=object))
    assert load_imagenet_val()[2] == names() | {134: "crane"}


def test_real_file(place, realdata):
    place.symlink_to(realdata / "imagenet_val_25.npz")
    X, y, class_names = load_imagenet_val()
    with np.load(place, allow_pickle=True) as trusted:
        assert np.array_equal(X, trusted["X"]) and np.array_equal(y, trusted["y"])
        assert class_names == trusted["label_map"].item() | {134: "crane"}
    assert all(type(name) is str for name in class_names.values())


class Bomb:
    """Unpickled by numpy itself, this would make a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("member", ["X", "y", "label_map"])
def test_nothing_in_the_file_is_executed(place, tmp_path, member):
    write(place, **{member: np.array(Bomb(tmp_path / "made"), dtype=object)})
    with pytest.raises(ValueError, match="run ./get_datasets.sh imagenet"):
        load_imagenet_val()
    assert not (tmp_path / "made").exists()
    if member == "label_map":  # the trap is a real one
        np.load(place, allow_pickle=True)[member]
        assert (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__", "open"])
def test_builtins_are_refused(place, name):
    write(place, label_map=np.array({0: getattr(__import__("builtins"), name)}, dtype=object))
    with pytest.raises(ValueError, match=f"asks for .*{name}"):
        load_imagenet_val()


DAMAGES = {
    "X as floats": {"X": np.zeros((3, 224, 224, 3))},
    "X of another size": {"X": np.zeros((3, 32, 32, 3), dtype=np.uint8)},
    "no photos": {"X": np.zeros((0, 224, 224, 3), dtype=np.uint8), "y": np.zeros(0, dtype=int)},
    "too few labels": {"y": np.array([1])},
    "labels out of range": {"y": np.array([1, 2, 1000])},
    "negative labels": {"y": np.array([1, 2, -1])},
    "labels as floats": {"y": np.array([1.0, 2, 3])},
    "names in a list": {"label_map": np.array(list(names().values()), dtype=object)},
    "names as numbers": {"label_map": np.array({i: i for i in range(1000)}, dtype=object)},
    "names of bytes": {"label_map": np.array(dict.fromkeys(range(1000), b"x"), dtype=object)},
    "a name missing": {"label_map": np.array(names(missing=[7]), dtype=object)},
    "keys as text": {"label_map": np.array({str(i): n for i, n in names().items()}, dtype=object)},
    "an array for names": {"label_map": np.arange(5)},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_wrong_contents(place, damage):
    write(place, **DAMAGES[damage])
    with pytest.raises(ValueError, match="damaged or another file .*get_datasets.sh imagenet"):
        load_imagenet_val()


@pytest.mark.parametrize("missing", ["X.npy", "y.npy", "label_map.npy"])
def test_missing_member(place, missing):
    write(place)
    with zipfile.ZipFile(place) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name != missing}
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=missing):
        load_imagenet_val()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_file_cut_short(place, share):
    write(place)
    data = place.read_bytes()
    place.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match="damaged"):
        load_imagenet_val()


@pytest.mark.parametrize("data", [b"<!doctype html><title>301</title>", b"\x93NUMPY", pickle.dumps({})])
def test_something_else_in_its_place(place, data):
    place.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        load_imagenet_val()


def test_bytes_changed_anywhere_raise_nothing_else(place):
    """A flipped byte may go unseen in a zip's comment; whatever happens, it is right photos or a ValueError."""
    write(place)
    data = place.read_bytes()
    right = load_imagenet_val()
    for position in np.linspace(0, len(data) - 1, 60).astype(int):
        broken = bytearray(data)
        broken[position] ^= 0x55
        place.write_bytes(broken)
        try:
            got = load_imagenet_val()
        except ValueError:
            continue
        assert np.array_equal(got[0], right[0]) and got[2] == right[2]


def test_a_file_that_unpacks_to_too_much(place, monkeypatch):
    monkeypatch.setattr(data_utils, "MAX_BYTES", 10_000)
    write(place)
    with pytest.raises(ValueError, match="would unpack to more"):
        load_imagenet_val()


def test_label_map_reader_against_pickle_itself():
    """Both kinds of names, both of numpy's module names, and pickle's own protocols."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for kind in (str, np.str_):
            array = np.empty((), dtype=object)
            array[()] = {3: kind("a b"), 4: kind("ünï")}
            file = io.BytesIO()
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
            file.write(pickle.dumps(array, protocol=protocol))
            file.seek(0)
            assert data_utils._read_label_map(file) == {3: "a b", 4: "ünï"}
