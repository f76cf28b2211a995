"""Digits for the GANs: scikit-learn's, redrawn, and MNIST's files, whole and damaged."""

import gzip

import numpy as np
import pytest
import torch
from sklearn import datasets

from cs231n.datasets import digits
from cs231n.datasets.digits import digits_source, load_digits


@pytest.fixture(scope="module")
def mini():
    """(images, labels) of each split."""
    return {split: load_digits(split) for split in ("train", "test")}


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A folder with MNIST's four files, small ones, where the fetched ones are looked for."""
    monkeypatch.setattr(digits, "MNIST", tmp_path)
    monkeypatch.setenv("CS231N_DATA", "auto")
    for split, count in (("train", 12), ("test", 5)):
        write(tmp_path, split, pixels(count), np.arange(count) % 10)
    return tmp_path


def pixels(count):
    return np.arange(count * 28 * 28).reshape(count, 28, 28) % 256


def idx(array, header=None):
    """The bytes of an idx file, unpacked."""
    header = header or [0x0800 + array.ndim, *array.shape]
    return np.array(header, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write(folder, split, images, labels):
    for name, array in zip(digits.FILES[split], (images, labels)):
        (folder / name).write_bytes(gzip.compress(idx(array)))


# Offline


@pytest.mark.parametrize("split, count", [("train", 10_059), ("test", 2_520)])
def test_shapes_and_ranges(mini, split, count):
    images, labels = mini[split]
    assert images.shape == (count, 1, 28, 28) and images.dtype == torch.float32 and images.is_contiguous()
    assert labels.shape == (count,) and labels.dtype == torch.int64
    assert 0 <= images.min() < 0.01 and 0.99 < images.max() <= 1
    assert labels.bincount().min() > 0.08 * count and labels.max() == 9


def test_looks_like_mnist(mini):
    images = mini["train"][0]
    assert 0.11 < images.mean() < 0.15  # MNIST: 0.13
    white, grey = (images > 0.9).float().mean(), ((images > 0.1) & (images < 0.9)).float().mean()
    assert white > 0.5 * grey  # strokes, not blurs
    assert images[:, :, [0, -1]].mean() < 0.01 and images[:, :, :, [0, -1]].mean() < 0.01  # a margin
    assert images.amax(dim=(1, 2, 3)).min() > 0.9  # no digit is faint
    rows = (images > 0.3).any(dim=3).sum(dim=2).float()
    assert 18 < rows.mean() < 21


def test_digits_are_centred(mini):
    images = mini["train"][0][:1437, 0]
    axis = torch.arange(28) - 13.5
    ink = images.sum(dim=(1, 2))
    for along in (1, 2):
        assert ((images.sum(dim=3 - along) * axis).sum(dim=1) / ink).abs().max() < 0.5


def test_the_first_variant_is_upright_and_later_ones_differ(mini):
    images, labels = mini["test"]
    variants, labels = images.view(7, -1, 784), labels.view(7, -1)
    assert (labels == labels[0]).all()
    assert (variants[1:] - variants[0]).abs().amax(dim=2).min() > 0.1
    assert (variants[1:] - variants[0]).abs().mean() < 0.12  # and yet are the same digit


def test_splits_have_no_original_in_common():
    train, test = (digits._originals(split)[0].flatten(1) for split in ("train", "test"))
    assert len(train) + len(test) == 1797
    assert len(torch.unique(torch.cat([train, test]), dim=0)) == 1797


def test_labels_are_those_of_the_originals():
    originals = datasets.load_digits()
    known = {image.tobytes(): label for image, label in zip(originals.images, originals.target)}
    images, labels = digits._originals("test")
    assert [known[image.tobytes()] for image in (16 * images[:, 0]).double().numpy()] == labels.tolist()


def test_same_digits_each_time_and_no_random_state_touched(mini):
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    images, labels = load_digits("test")
    assert torch.equal(images, mini["test"][0]) and torch.equal(labels, mini["test"][1])
    assert torch.equal(before[0], torch.get_rng_state()) and (before[1] == np.random.get_state()[1]).all()


def test_another_split():
    with pytest.raises(ValueError, match="'val'.*'train' or 'test'"):
        load_digits("val")


# MNIST


def test_mnist_is_read(mnist):
    images, labels = load_digits()
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert np.array_equal((images * 255).round().numpy(), pixels(12)[:, None])
    assert labels.tolist() == [*range(10), 0, 1]
    assert len(load_digits("test")[1]) == 5
    assert digits_source().startswith("full: MNIST")


def test_which_digits(mnist, monkeypatch):
    (mnist / digits.FILES["test"][1]).unlink()
    assert digits_source().startswith("mini: scikit-learn")
    monkeypatch.setenv("CS231N_DATA", "full")
    for call in (load_digits, digits_source):
        with pytest.raises(FileNotFoundError, match="t10k-labels.*get_datasets.sh mnist"):
            call()


def test_mini_although_mnist_is_there(mnist, monkeypatch):
    monkeypatch.setenv("CS231N_DATA", "mini")
    assert digits_source().startswith("mini")


whole = gzip.compress(idx(pixels(12)))
DAMAGE = {
    "empty": b"",
    "no gzip": b"<html>moved</html>",
    "cut": whole[:-200],
    "no checksum": whole[:-6],
    "wrong checksum": whole[:-8] + b"12345678",
    "a flipped byte": whole[:60] + bytes([whole[60] ^ 0xFF]) + whole[61:],
    "cut header": gzip.compress(idx(pixels(12))[:9]),
    "labels": gzip.compress(idx(np.arange(12))),
    "another size": gzip.compress(idx(np.zeros((12, 32, 32)))),
    "none": gzip.compress(idx(pixels(0))),
    "too few": gzip.compress(idx(pixels(11), [0x0803, 12, 28, 28])),
    "too many": gzip.compress(idx(pixels(13), [0x0803, 12, 28, 28])),
    "huge count": gzip.compress(idx(pixels(12), [0x0803, 2**32 - 1, 28, 28])),
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_damaged_images(mnist, content):
    (mnist / digits.FILES["train"][0]).write_bytes(content)
    with pytest.raises(ValueError, match=r"train-images.*damaged.*\(.+\).*delete it.*get_datasets.sh mnist.*=mini"):
        load_digits()
    assert len(load_digits("test")[1]) == 5  # the other files are whole


@pytest.mark.parametrize("labels, reason", [(np.arange(11) % 10, "11 labels for the 12"), (np.arange(12), "11, not")])
def test_damaged_labels(mnist, labels, reason):
    write(mnist, "train", pixels(12), labels)
    with pytest.raises(ValueError, match=f"train-labels.*{reason}"):
        load_digits()


def test_a_folder_in_place_of_a_file(mnist):
    (mnist / digits.FILES["train"][0]).unlink()
    (mnist / digits.FILES["train"][0]).mkdir()
    with pytest.raises(ValueError, match="train-images"):
        load_digits()


def test_real_mnist(realdata, monkeypatch):
    monkeypatch.setattr(digits, "MNIST", realdata / "mnist")
    monkeypatch.setenv("CS231N_DATA", "full")
    images, labels = load_digits()
    assert images.shape == (60_000, 1, 28, 28) and labels.bincount().min() > 5000
    assert abs(images.mean() - 0.1307) < 0.0001
    assert len(load_digits("test")[1]) == 10_000
