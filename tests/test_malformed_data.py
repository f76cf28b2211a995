"""Every loader against malformed and hostile files, and against files of COCO's size in little memory."""

import gzip
import json
import lzma
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch

from cs231n import coco_utils, data_utils
from cs231n.classifiers.squeezenet import MINI, load_squeezenet
from cs231n.coco_utils import FeatureRows, load_coco_data, sample_coco_minibatch
from cs231n.datasets import digits

ROOT = Path(__file__).resolve().parent.parent
SPLITS = {"train": (9, 6), "val": (4, 3)}  # captions and images
WORDS = ["<NULL>", "<START>", "<END>", "<UNK>", "a", "cat"]
NUMBERS = {word: i for i, word in enumerate(WORDS)}
CAPTIONS, PCA, FC7 = "coco2014_captions.h5", "train2014_vgg16_fc7_pca.h5", "train2014_vgg16_fc7.h5"


def features_of(split, width):
    return np.random.default_rng(len(split) + width).standard_normal(
        (SPLITS[split][1], width), dtype=np.float32
    )


@pytest.fixture
def coco(tmp_path):
    """The folder of a small whole data set: widths 4 and 7 stand for 512 and 4096."""
    with h5py.File(tmp_path / CAPTIONS, "w") as file:
        for split, (count, images) in SPLITS.items():
            file[f"{split}_captions"] = np.arange(17 * count, dtype=np.int32).reshape(count, 17) % len(WORDS)
            file[f"{split}_image_idxs"] = (np.arange(count, dtype=np.int32) * 5) % images
            (tmp_path / f"{split}2014_urls.txt").write_text("\n".join(f"http://i/{split}/{i}" for i in range(images)))
            for kind, width in (("_pca", 4), ("", 7)):
                with h5py.File(tmp_path / f"{split}2014_vgg16_fc7{kind}.h5", "w") as features:
                    features["features"] = features_of(split, width)
    (tmp_path / "coco2014_vocab.json").write_text(json.dumps({"idx_to_word": WORDS, "word_to_idx": NUMBERS}))
    return tmp_path


def refuses(path, call, culprit="", remedy=r"\./get_datasets\.sh"):
    """The call raises a ValueError or a FileNotFoundError of one line that names path, the culprit and the remedy."""
    with pytest.raises((ValueError, FileNotFoundError), match=f"{path.name}.*{culprit}.*{remedy}") as caught:
        call()
    assert type(caught.value) in (ValueError, FileNotFoundError)  # not, say, a UnicodeDecodeError
    assert str(path) in str(caught.value) and len(str(caught.value)) < 600
    return caught.value


# Files of COCO's size ---------------------------------------------------------------------------------------


def sparse(file, key, shape, dtype):
    """A contiguous dataset whose place in the file is left a hole: zeros that take no disk."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    kind = h5py.h5t.py_create(np.dtype(dtype))
    h5py.h5d.create(file.id, key.encode(), kind, h5py.h5s.create_simple(shape), layout)
    return file[key]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A folder with files as large as COCO's; the last three rows of the features are all 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(0)
    with h5py.File(folder / CAPTIONS, "w") as file:
        for split, captions, images in (("train", 400_135, 82_783), ("val", 195_954, 40_504)):
            sparse(file, f"{split}_captions", (captions, 17), np.int32)
            file[f"{split}_image_idxs"] = rng.integers(0, images, captions).astype(np.int32)
            urls = [f"http://farm{i % 10}.staticflickr.com/8342/{i:010}_{i:010x}_z.jpg" for i in range(images)]
            (folder / f"{split}2014_urls.txt").write_text("\n".join(urls))
            for kind, width in (("_pca", 512), ("", 4096)):
                with h5py.File(folder / f"{split}2014_vgg16_fc7{kind}.h5", "w") as features:
                    rows = sparse(features, "features", (images, width), np.float32)
                    rows[-3:] = np.repeat([[1], [2], [3]], width, axis=1)
    words = WORDS + [f"word{i}" for i in range(998)]
    vocabulary = {"idx_to_word": words, "word_to_idx": {word: i for i, word in enumerate(words)}}
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary))
    return folder


MEASURE = """
import re, sys
import numpy as np
from cs231n.coco_utils import load_coco_data, sample_coco_minibatch

def memory(what):  # bytes
    return 1024 * int(re.search(what + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1])

before = memory("VmRSS")
data = load_coco_data(sys.argv[1], **eval(sys.argv[2]))
for split in ("train", "val"):
    for _ in range(5):
        captions, features, urls = sample_coco_minibatch(data, 100, split)
        assert captions.dtype == np.int32 and features.dtype == np.float32 and len(features) == len(urls) == 100
assert data["val_features"][[-1, -3, -1]][:, 5].tolist() == [3, 1, 3]
print((memory("VmHWM") - before) / 1e6)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    "arguments, megabytes",
    [
        ({}, 350),  # of which the arrays and URLs have 310
        ({"max_train": 50}, 160),  # the validation split is read whole: 110
        ({"pca_features": False}, 110),
        ({"pca_features": False, "max_train": 50}, 80),
    ],
    ids=str,
)
def test_memory_for_data_of_cocos_size(large, arguments, megabytes):
    command = [sys.executable, "-c", MEASURE, str(large), repr(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < megabytes


# Features that stay in their file ---------------------------------------------------------------------------


INDICES = [
    3, -1, np.int32(2), slice(None), slice(1, 5, 2), slice(4, 0, -2), slice(3, 3), [5, 0, 3, 3], [1, 2, 3], [],
    np.array([4, 4, -6]), np.array([[1, 0], [0, 5]]), np.array([True, False] * 3), ..., None,
    (slice(None), 0), (slice(1, 3), slice(2, 6)), ([5, 1, 1], -1), (2, 3), (..., slice(0, 4, 3)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_rows_in_a_file_are_indexed_like_an_array(coco, index):
    rows, array = load_coco_data(coco, pca_features=False)["train_features"], features_of("train", 7)
    got = rows[index]
    assert isinstance(got, (np.ndarray, np.float32)) and got.dtype == np.float32 and got.shape == array[index].shape
    assert np.array_equal(got, array[index])


@pytest.mark.parametrize("index", [6, -7, [0, 6], [0.5], "features", (0, 7), (0, 0, 0), ([0, 1], [2, 3])], ids=repr)
def test_an_index_that_is_none_is_an_index_error(coco, index):
    with pytest.raises(IndexError):
        FeatureRows(coco / FC7)[index]


def test_rows_in_a_file_stand_for_the_array(coco):
    rows, array = FeatureRows(coco / FC7), features_of("train", 7)
    assert (len(rows), rows.shape, rows.ndim, rows.dtype) == (6, (6, 7), 2, np.float32)
    assert np.array_equal(np.asarray(rows), array) and np.asarray(rows, np.float64).dtype == np.float64
    assert np.array_equal(list(rows), array) and np.array_equal(array @ array.T, array @ np.asarray(rows).T)
    assert np.array_equal(pickle.loads(pickle.dumps(rows))[::-1], array[::-1])
    assert FC7 in repr(rows) and "(6, 7)" in repr(rows)


def test_minibatches_are_the_same_from_a_file(coco):
    lazy = load_coco_data(coco, pca_features=False)
    eager = lazy | {f"{split}_features": features_of(split, 7) for split in SPLITS}
    for split in SPLITS:
        batches = []
        for data in (lazy, eager):
            np.random.seed(3)
            batches.append(sample_coco_minibatch(data, 40, split))
        for got, expected in zip(*batches):
            assert type(got) is type(expected) and np.array_equal(got, expected)


def test_max_train_reads_its_rows_into_an_array(coco):
    np.random.seed(0)
    data = load_coco_data(coco, max_train=3, pca_features=False)
    assert isinstance(data["train_features"], np.ndarray) and data["train_features"].shape == (3, 7)
    numbers = [int(url.rpartition("/")[2]) for url in data["train_urls"]]
    assert np.array_equal(data["train_features"], features_of("train", 7)[numbers])


def test_the_file_is_free_between_reads_and_its_changes_are_noticed(coco):
    rows = FeatureRows(coco / FC7)
    rows[0]
    with h5py.File(coco / FC7, "r+") as file:  # HDF5 refuses to write to a file that is open for reading
        file["features"][2, 1] = np.nan
    rows[[0, 1, 3]]
    refuses(coco / FC7, lambda: rows[2], "not finite")
    (coco / FC7).write_bytes((coco / FC7).read_bytes()[:-4])
    refuses(coco / FC7, lambda: rows[0], "cut short")
    with h5py.File(coco / FC7, "w") as file:
        file["features"] = np.zeros((6, 5), np.float32)
    refuses(coco / FC7, lambda: rows[0], "has changed", "load the data again")
    (coco / FC7).unlink()
    refuses(coco / FC7, lambda: rows[0], "is missing")


# HDF5 -------------------------------------------------------------------------------------------------------

OTHER_TYPES = {
    "bytes": np.array([[b"word"] * 4] * 6),
    "bools": np.ones((6, 4), bool),
    "complex numbers": np.ones((6, 4), np.complex64),
    "records": np.ones((6, 4), [("a", "i4"), ("b", "f4")]),
    "no values": h5py.Empty("f4"),
}


def elsewhere(kind, file, key, array):
    """Put at file[key] something whose numbers are not in this file; they lie beside it, whole."""
    folder = Path(file.filename).parent
    with h5py.File(folder / "other.h5", "w") as other:
        other["numbers"] = array
    (folder / "other.bin").write_bytes(array.tobytes())
    if kind == "an external link":
        file[key] = h5py.ExternalLink(str(folder / "other.h5"), "numbers")
    elif kind == "an external link to nowhere":
        file[key] = h5py.ExternalLink("/nowhere/none.h5", "numbers")
    elif kind == "a soft link through an external one":
        file["step"] = h5py.ExternalLink("other.h5", "/")
        file[key] = h5py.SoftLink("/step/numbers")
    elif kind == "a soft link to nowhere":
        file[key] = h5py.SoftLink("/none")
    elif kind == "a soft link to itself":
        file[key] = h5py.SoftLink(f"/{key}")
    elif kind == "a virtual dataset":
        layout = h5py.VirtualLayout(array.shape, array.dtype)
        layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "numbers", array.shape)
        file.create_virtual_dataset(key, layout)
    else:  # raw numbers in another file
        file.create_dataset(key, array.shape, array.dtype, external=[(str(folder / "other.bin"), 0, array.nbytes)])


ELSEWHERE = [
    "an external link", "an external link to nowhere", "a soft link through an external one", "a soft link to nowhere",
    "a soft link to itself", "a virtual dataset", "raw numbers",
]  # fmt: skip


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("key", ["train_captions", "val_image_idxs", "features"])
def test_no_dataset_leads_to_another_file(coco, key, kind):
    path = coco / (PCA if key == "features" else CAPTIONS)
    with h5py.File(path, "r+") as file:
        array = file[key][:]
        del file[key]
        elsewhere(kind, file, key, array)
        if kind in ("an external link", "a virtual dataset", "raw numbers"):
            assert np.array_equal(file[key][:], array)  # h5py itself would follow it
    refuses(path, lambda: load_coco_data(coco), "is a link|lies in other files")


@pytest.mark.parametrize("value", OTHER_TYPES.values(), ids=OTHER_TYPES)
@pytest.mark.parametrize("key", ["train_captions", "train_image_idxs", "features"])
def test_other_types(coco, key, value):
    path = coco / (PCA if key == "features" else CAPTIONS)
    replace(path, key, value[:, 0] if key == "train_image_idxs" and value.shape else value)
    refuses(path, lambda: load_coco_data(coco), key)


def replace(path, key, value, **keywords):
    with h5py.File(path, "r+") as file:
        del file[key]
        file.create_dataset(key, data=value, **keywords)


def with_entry(value, dtype):
    features = np.zeros((6, 4), dtype)
    features[5, 1] = value
    return features


@pytest.mark.parametrize(
    "name, key, value, culprit",
    [
        (CAPTIONS, "train_captions", ["<START> a cat <END>"] * 9, "train_captions is object"),
        (CAPTIONS, "train_captions", np.zeros((9, 17, 1), int), "axes"),
        (CAPTIONS, "train_captions", np.full((9, 17), 2**63, np.uint64), "caption ids"),
        (CAPTIONS, "val_captions", np.full((4, 17), -(2**63)), "caption ids"),
        (CAPTIONS, "val_captions", np.full((4, 17), 2**32 + 1), "caption ids"),
        (CAPTIONS, "val_captions", np.zeros((4, 0), int), "val_captions is empty"),
        (CAPTIONS, "val_image_idxs", np.arange(5), "one image index for each caption"),
        (PCA, "features", ["a"] * 6, "features are object"),
        (PCA, "features", np.zeros((6, 4), int), "features are int64"),
        (PCA, "features", np.zeros((6, 4), np.uint8), "features are uint8"),
        (PCA, "features", np.zeros((6, 2, 2), np.float32), "features for 6 urls"),
        (PCA, "features", np.zeros((0, 4), np.float32), "features for 6 urls"),
        (PCA, "features", np.zeros((6, 0), np.float32), "features for 6 urls"),
        *((PCA, "features", with_entry(v, np.float32), "not finite") for v in (np.nan, np.inf, -np.inf)),
        (PCA, "features", with_entry(-1e300, np.float64), "not finite"),
        (PCA, "features", with_entry(np.inf, np.float16), "not finite"),
    ],
)
@pytest.mark.parametrize("max_train", [None, 9])
def test_wrong_numbers(coco, name, key, value, culprit, max_train):
    replace(coco / name, key, value)
    refuses(coco / name, lambda: load_coco_data(coco, max_train=max_train), culprit)


def test_no_captions(coco):
    replace(coco / CAPTIONS, "val_captions", np.zeros((0, 17), np.int32))
    replace(coco / CAPTIONS, "val_image_idxs", np.zeros(0, np.int32))
    refuses(coco / CAPTIONS, lambda: load_coco_data(coco), "val_captions is empty")


@pytest.mark.parametrize("wrong", [-1, -(2**40), 6, 2**31, 2**32, 2**62])
def test_image_indices_out_of_range(coco, wrong):
    """Those too large for int32 included: 2**32 must not be taken for 0."""
    replace(coco / CAPTIONS, "train_image_idxs", np.array([0, 1, 2, wrong, 3, 4, 5, 0, 0]))
    refuses(coco / PCA, lambda: load_coco_data(coco), "do not belong together")


@pytest.mark.parametrize(
    "name, shapes",
    [
        (CAPTIONS, {"train_captions": (10**9, 17), "train_image_idxs": (10**9,)}),
        (CAPTIONS, {"train_captions": (9, 10**15)}),
        (PCA, {"features": (6, 10**12)}),
    ],
)
@pytest.mark.parametrize("max_train", [None, 9])
def test_small_files_that_ask_for_much_memory(coco, name, shapes, max_train):
    with h5py.File(coco / name, "r+") as file:
        for key, shape in shapes.items():
            dtype = file[key].dtype
            del file[key]
            file.create_dataset(key, shape, dtype, chunks=(1,) * len(shape), compression="gzip")
    assert (coco / name).stat().st_size < 100_000
    refuses(coco / name, lambda: load_coco_data(coco, max_train=max_train), "MiB of memory")


@pytest.mark.parametrize("key", ["train_captions", "val_image_idxs", "features"])
@pytest.mark.parametrize("kind", ["group", "type"])
def test_something_else_than_a_dataset(coco, key, kind):
    path = coco / (PCA if key == "features" else CAPTIONS)
    with h5py.File(path, "r+") as file:
        del file[key]
        file[key] = np.dtype("i4") if kind == "type" else h5py.SoftLink("/")
        if kind == "group":
            del file[key]
            file.create_group(key)
    refuses(path, lambda: load_coco_data(coco), f"no dataset '{key}'")


@pytest.mark.parametrize("name", [CAPTIONS, PCA, FC7])
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.999])
def test_cut_short_with_either_kind_of_reading(coco, name, share):
    data = (coco / name).read_bytes()
    (coco / name).write_bytes(data[: int(share * len(data))])
    for max_train in (None, 2):
        refuses(coco / name, lambda limit=max_train: load_coco_data(coco, limit, name != FC7), "cut short")


@pytest.mark.parametrize("name", [CAPTIONS, PCA])
def test_bytes_changed_anywhere_in_hdf5(coco, name):
    """Whatever happens is data of the right form or a ValueError."""
    whole, rng = (coco / name).read_bytes(), np.random.default_rng(1)
    for position in np.concatenate((rng.integers(0, 1200, 60), rng.integers(0, len(whole), 20))):
        damaged = bytearray(whole)
        damaged[position] ^= rng.integers(1, 256)
        (coco / name).write_bytes(damaged)
        try:
            data = load_coco_data(coco)
        except ValueError as error:
            assert str(coco) in str(error) and "get_datasets.sh coco" in str(error)
        else:
            assert data["train_captions"].dtype == np.int32 and data["train_captions"].max() < len(WORDS)
            assert data["train_features"].shape == (6, 4) and np.isfinite(data["train_features"]).all()


@pytest.mark.parametrize("kind", [np.float64, np.float16, ">f4", ">f8"])
@pytest.mark.parametrize("keywords", [{}, {"chunks": (2, 3), "compression": "gzip"}], ids=["contiguous", "gzip"])
def test_other_floats_become_float32(coco, kind, keywords):
    replace(coco / PCA, "features", features_of("train", 4).astype(kind), **keywords)
    for max_train in (None, 9):
        features = load_coco_data(coco, max_train)["train_features"]
        assert features.dtype == np.float32 and features.dtype.isnative
        assert np.allclose(features, features_of("train", 4), atol=1e-3 if kind is np.float16 else 1e-6)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, ">i4", np.uint64])
def test_other_integers_become_int32(coco, kind):
    right = load_coco_data(coco)
    for key in ("train_captions", "train_image_idxs"):
        replace(coco / CAPTIONS, key, right[key].astype(kind))
    data = load_coco_data(coco)
    for key in ("train_captions", "train_image_idxs"):
        assert data[key].dtype == np.int32 and np.array_equal(data[key], right[key])


def test_captions_of_another_length_are_welcome(coco):
    replace(coco / CAPTIONS, "train_captions", np.ones((9, 30), np.int32))
    assert load_coco_data(coco)["train_captions"].shape == (9, 30)


# Text -------------------------------------------------------------------------------------------------------

TWICE = [*WORDS, "cat"]
NESTED = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize(
    "content, culprit",
    [
        ({"idx_to_word": TWICE, "word_to_idx": {word: i for i, word in enumerate(TWICE)}}, "twice"),
        ({"idx_to_word": [*WORDS, 6], "word_to_idx": NUMBERS | {"6": 6}}, "not a list of words"),
        ({"idx_to_word": [*WORDS, None], "word_to_idx": NUMBERS | {"null": 6}}, "not a list of words"),
        ({"idx_to_word": [*WORDS, ["a"]], "word_to_idx": NUMBERS}, "not a list of words"),
        ({"idx_to_word": NUMBERS, "word_to_idx": NUMBERS}, "not a list of words"),
        ({"idx_to_word": "abc", "word_to_idx": {"a": 0, "b": 1, "c": 2}}, "not a list of words"),
        ({"idx_to_word": WORDS, "word_to_idx": {word: float(i) for word, i in NUMBERS.items()}}, "agree"),
        ({"idx_to_word": WORDS, "word_to_idx": NUMBERS | {"<START>": True}}, "agree"),
        ({"idx_to_word": WORDS, "word_to_idx": WORDS}, "agree"),
        ({"idx_to_word": WORDS, "word_to_idx": NUMBERS | {"dog": 6}}, "agree"),
        ({"idx_to_word": [], "word_to_idx": {}}, "has no <NULL>"),
        ({"idx_to_word": None, "word_to_idx": None}, "not a list of words"),
        ({"idx_to_word": WORDS}, "'word_to_idx'"),
        (None, "vocabulary"),
        ("<html>moved</html>", "vocabulary"),
        pytest.param(NESTED.encode(), "vocabulary", id="nested"),
        pytest.param(b"[" + b"9" * 100_000 + b"]", "vocabulary", id="long number"),
        (b"\xff\xfe" + "{}".encode("utf-16-le"), "decode"),
        pytest.param(b'{"idx_to_word": ["' + b"\xe9" * 5000 + b'"]}', "decode", id="Latin-1"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(500), "decode", id="HDF5"),
    ],
)
def test_wrong_vocabulary(coco, content, culprit):
    path = coco / "coco2014_vocab.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    refuses(path, lambda: load_coco_data(coco), culprit)


@pytest.mark.parametrize(
    "content, culprit",
    [
        (b"", "0 urls"),
        (b"http://i/0\nhttp://i/1\n", "2 urls"),
        (b"http://i/a picture\n" * 6, "12 urls"),
        (b"http://i/caf\xe9\n" * 6, "decode"),
        pytest.param(bytes(range(256)), "decode", id="binary"),
    ],
)
@pytest.mark.parametrize("max_train", [None, 2])
def test_wrong_urls(coco, content, culprit, max_train):
    path = coco / "train2014_urls.txt"
    path.write_bytes(content)
    named = coco / PCA if culprit.endswith("urls") else path
    refuses(named, lambda: load_coco_data(coco, max_train), culprit)


@pytest.mark.parametrize(
    "content, culprit",
    [
        ("", "not a list"),
        ("{", "not a list"),
        ('{"0": 1, "1": 2, "2": 3, "3": 4, "4": 5, "5": 6}', "not a list"),
        ('"sixsix"', "not a list"),
        ("6", "not a list"),
        ("null", "not a list"),
        pytest.param(NESTED, "not a list", id="nested"),
        ("[]", "0 scenes"),
        (b'["caf\xe9"]', "not a list .*decode"),
    ],
)
def test_wrong_scenes(coco, content, culprit):
    path = coco / "train2014_scenes.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refuses(path, lambda: load_coco_data(coco), culprit)


@pytest.mark.parametrize("name", ["coco2014_vocab.json", "train2014_urls.txt", "train2014_scenes.json"])
def test_text_files_that_are_far_too_large(coco, name, monkeypatch):
    monkeypatch.setattr(coco_utils, "MAX_TEXT", 1000)
    (coco / name).write_text(" " * 1001)
    refuses(coco / name, lambda: load_coco_data(coco), "larger than")


@pytest.mark.parametrize("name", [CAPTIONS, PCA, "coco2014_vocab.json", "val2014_urls.txt"])
def test_a_folder_in_place_of_a_file_of_coco(coco, name):
    (coco / name).unlink()
    (coco / name).mkdir()
    refuses(coco / name, lambda: load_coco_data(coco), "is missing")


# Photos: .npz -----------------------------------------------------------------------------------------------


def npy(array):
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    return npy_header(header) + array.tobytes()


def npy_header(header):
    text = repr(header).ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


NAMES = {i: f"thing {i}" for i in range(1000)}
OBJECT = npy_header({"descr": "|O", "fortran_order": False, "shape": ()})
HUGE = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 224, 224, 3)}


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A function that writes imagenet_val_25.npz where it is looked for, with members of the given bytes."""
    path = tmp_path / "imagenet_val_25.npz"
    monkeypatch.setattr(data_utils, "REAL", path)
    monkeypatch.setenv("CS231N_DATA", "full")
    whole = {
        "X.npy": npy(np.zeros((2, 224, 224, 3), np.uint8)),
        "y.npy": npy(np.array([3, 4])),
        "label_map.npy": OBJECT + pickle.dumps(np.array(NAMES, object)),
    }

    def write(members=(), method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in (whole | dict(members)).items():
                archive.writestr(name, content)
        return path

    return write


def crafted(pickled):
    return {"label_map.npy": OBJECT + pickled}


WRONG_PHOTOS = {
    "names by os.system": crafted(b"cos\nsystem\n(S'touch made'\ntR."),
    "names by INST": crafted(b"(S'touch made'\nios\nsystem\n."),
    "names by STACK_GLOBAL": crafted(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\ntouch made\x85R."),
    "names by a dotted name": crafted(b"\x80\x04\x8c\x05numpy\x8c\x12lib.npyio.os.mkdir\x93\x8c\x04made\x85R."),
    "names by numpy.load": crafted(b"cnumpy\nload\n(S'made'\ntR."),
    "names by an extension": crafted(b"\x82\x01."),
    "names by a persistent id": crafted(b"Pmade\n."),
    "names by an attribute of a known class": crafted(b"cnumpy\ndtype.__init__\n(tR."),
    "names that want the memory": crafted(b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x."),
    "names that want a memo": crafted(b"\x80\x04Nr\xff\xff\xff\xff."),
    "names nested without end": crafted(b"\x80\x04" + b"(" * 100_000 + b"t" * 100_000 + b"."),
    "names that hold themselves": crafted(b"\x80\x04}q\x00K\x00h\x00s."),
    "names cut": crafted(pickle.dumps(np.array(NAMES, object))[:3000]),
    "names by opcodes that are none": crafted(b"\xff\xfe\xfd"),
    "names empty": crafted(b""),
    "names as bare pickle": {"label_map.npy": pickle.dumps(NAMES)},
    "names in format 3": {"label_map.npy": b"\x93NUMPY\x03\x00" + OBJECT[8:10] + b"\0\0" + OBJECT[10:]},
    "photos huge": {"X.npy": npy_header(HUGE)},
    "photos cut": {"X.npy": npy(np.zeros((2, 224, 224, 3), np.uint8))[:-1]},
    "photos of records": {"X.npy": npy(np.zeros((2, 224, 224, 3), [("r", "u1")]))},
    "photos with code in the header": {"X.npy": npy_header("__import__('os').mkdir('made')")},
    "photos that are a zip": {"X.npy": b"PK\x05\x06" + bytes(18)},
    "photos that are a pickle": {"X.npy": b"cos\nsystem\n(S'touch made'\ntR."},
    "photos that are no array": {"X.npy": b"<html>"},
    "labels on two axes": {"y.npy": npy(np.array([[3], [4]]))},
    "labels of texts": {"y.npy": npy(np.array(["a", "b"]))},
    "labels beyond int64": {"y.npy": npy(np.array([3, 2**64 - 1], np.uint64))},
    "labels negative in shape": {"y.npy": npy_header({"descr": "<i8", "fortran_order": False, "shape": (-2,)})},
}


@pytest.mark.parametrize("members", WRONG_PHOTOS.values(), ids=WRONG_PHOTOS)
def test_wrong_photos(photos, members, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refuses(photos(members), data_utils.load_imagenet_val, "damaged or another file", "get_datasets.sh imagenet")
    assert not Path("made").exists()


def test_the_traps_in_the_photos_are_real_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("os.system", "INST", "STACK_GLOBAL"):
        pickle.loads(WRONG_PHOTOS[f"names by {kind}"]["label_map.npy"][len(OBJECT) :])
        Path("made").unlink()  # is there


@pytest.mark.parametrize("kind", ["encrypted", "unknown compression", "wrong checksum", "lying size"])
def test_wrong_archives(photos, kind):
    path = photos(method=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for entry, local in ((data.index(b"PK\x01\x02"), 0), (0, 1)):  # of X.npy, in the directory and at the member
        at = entry + (4 if local else 6)  # version needed, flags, method, time, date, checksum, sizes
        if kind == "encrypted":
            data[at + 2] |= 1
        elif kind == "unknown compression":
            data[at + 4] = 99
        elif kind == "wrong checksum":
            data[at + 10] ^= 1
        else:
            data[at + 18 : at + 22] = struct.pack("<I", 1000)
    path.write_bytes(data)
    refuses(path, data_utils.load_imagenet_val, "damaged or another file", "get_datasets.sh imagenet")


# SqueezeNet: .safetensors and .pth --------------------------------------------------------------------------


FIRST = "classifier.1.bias"


def tensors(header, length=None):
    """A .safetensors file with the header's bytes, and a length that may be another, before the mini weights."""
    return struct.pack("<Q", len(header) if length is None else length) + header + mini_weights()[1]


def mini_weights():
    data = MINI.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def edited(**fields):
    """The mini weights, the header's entry of one tensor changed."""
    header, _ = mini_weights()
    header[FIRST] |= fields
    return tensors(json.dumps(header).encode())


HEADER = json.dumps(mini_weights()[0]).encode()
START, STOP = mini_weights()[0][FIRST]["data_offsets"]
WRONG_SAFETENSORS = {
    "nothing but a length": struct.pack("<Q", 100),
    "header beyond the file": tensors(HEADER, length=2**24),
    "header of exabytes": tensors(HEADER, length=2**63),
    "header of all ones": tensors(HEADER, length=2**64 - 1),
    "header of no length": tensors(HEADER, length=0),
    "header cut": tensors(HEADER, length=len(HEADER) - 7),
    "header not JSON": tensors(b"{" * 200),
    "header nested": tensors(b"[" * 100_000),
    "header not UTF-8": tensors(b'{"caf\xe9": 1}'),
    "header a list": tensors(b"[1, 2]"),
    "header without tensors": tensors(b"{}"),
    "larger shape": edited(shape=[2000]),
    "other shape": edited(shape=[10, 100]),
    "negative shape": edited(shape=[-1000]),
    "shape that overflows": edited(shape=[2**62, 2**62]),
    "unknown type": edited(dtype="F11"),
    "integers": edited(dtype="I16"),
    "offsets beyond the file": edited(data_offsets=[START, 2**40]),
    "offsets backwards": edited(data_offsets=[STOP, START]),
    "offsets negative": edited(data_offsets=[-2000, 0]),
    "offsets missing": edited(data_offsets=None),
    "offsets shared": edited(data_offsets=[START + 64, STOP + 64]),
    "body cut": tensors(HEADER)[:-2],
    "body longer": tensors(HEADER) + b"extra",
    "not a number": tensors(HEADER)[:-4] + b"\xff\x7f\xff\x7f",
    "infinity": tensors(HEADER)[:-2] + b"\x00\x7c",
    "a pickle": b"cos\nsystem\n(S'touch made'\ntR.",
}


def refuses_weights(path, culprit=""):
    refuses(path, lambda: load_squeezenet("cpu", path), culprit, "get_datasets.sh squeezenet")


@pytest.mark.parametrize("content", WRONG_SAFETENSORS.values(), ids=WRONG_SAFETENSORS)
def test_wrong_safetensors(tmp_path, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(content)
    refuses_weights(tmp_path / "w.safetensors")
    assert not Path("made").exists()


def test_the_files_that_are_changed_are_right_before(tmp_path):
    for content in (tensors(HEADER), edited()):
        (tmp_path / "w.safetensors").write_bytes(content)
        load_squeezenet("cpu", tmp_path / "w.safetensors")


def another(tensor):
    """The state with another tensor, or whatever it is, in the place of the first one."""
    return lambda state: state | {FIRST: tensor}


WRONG_STATES = {
    "integers": another(torch.ones(1000, dtype=torch.int32)),
    "bools": another(torch.ones(1000, dtype=torch.bool)),
    "complex numbers": another(torch.ones(1000, dtype=torch.complex64)),
    "not a number": another(torch.full((1000,), torch.nan)),
    "too large for float32": another(torch.full((1000,), 1e300, dtype=torch.float64)),
    "sparse": another(torch.ones(1000).to_sparse()),
    "without numbers": another(torch.ones(1000, device="meta")),
    "a list": another([0.0] * 1000),
    "an array": another(np.ones(1000, np.float32)),
    "one key no text": lambda state: state | {3: torch.ones(1)},
    "keys no text": lambda state: dict(enumerate(state.values())),
    "within a checkpoint": lambda state: {"state_dict": state, "epoch": 3},
    "a tensor": lambda state: torch.ones(3),
    "a whole model": lambda state: torch.nn.Linear(2, 2),
    "nothing": lambda state: None,
}


@pytest.mark.parametrize("change", WRONG_STATES.values(), ids=WRONG_STATES)
@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_wrong_states(tmp_path, change):
    torch.save(change(safetensors.torch.load_file(MINI)), tmp_path / "w.pth")
    refuses_weights(tmp_path / "w.pth")


WRONG_PTH = {
    "os.system": b"cos\nsystem\n(S'touch made'\ntR.",
    "os.system by INST": b"(S'touch made'\nios\nsystem\n.",
    "builtins.eval": b"\x80\x02cbuiltins\neval\nX\x13\0\0\0open('made', 'w')   \x85R.",
    "torch.load itself": b"\x80\x02ctorch\nload\nX\x04\0\0\0made\x85R.",
    "an extension": b"\x80\x02\x82\x01.",
    "a string of exabytes": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "nested without end": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "empty stack": b"\x80\x02.",
    "no pickle": bytes(range(256)),
}


@pytest.mark.parametrize("in_zip", [True, False], ids=["zip", "bare"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("pickled", WRONG_PTH.values(), ids=WRONG_PTH)
def test_hostile_pth(tmp_path, pickled, in_zip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pth"
    if in_zip:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("w/data.pkl", pickled)
            archive.writestr("w/version", "3\n")
    else:
        path.write_bytes(pickled)
    refuses_weights(path, "cannot be read as weights")
    assert not Path("made").exists()


@pytest.mark.parametrize("kind", ["cut at 1 %", "cut at 50 %", "cut at 99 %", "no storages", "no pickle", "no member"])
def test_damaged_pth(tmp_path, kind):
    path = tmp_path / "w.pth"
    torch.save(safetensors.torch.load_file(MINI), path)
    if kind.startswith("cut"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size * int(kind.split()[2]) // 100])
    else:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                if "/data/" not in name if kind == "no storages" else kind == "no pickle" and "data.pkl" not in name:
                    archive.writestr(name, content)
    refuses_weights(path, "cannot be read as weights")


# Digits: idx in gzip ----------------------------------------------------------------------------------------


def idx(count, shape, kind=0x08, body=None, header=None):
    """A file of `count` items, all of them zeros."""
    header = header or [256 * kind + 1 + len(shape), count, *shape]
    return np.array(header, ">u4").tobytes() + (bytes(count * int(np.prod(shape))) if body is None else body)


PACKED = {"images": gzip.compress(idx(12, (28, 28))), "labels": gzip.compress(idx(12, ()))}


def wrong_idx(shape):
    """Damages that an idx file of either kind can have."""
    whole, items = idx(12, shape), [*shape]
    packed = gzip.compress(whole)
    return {
        "empty": b"",
        "unpacked": whole,
        "gzip of nothing": gzip.compress(b""),
        "gzip's header only": packed[:10],
        "cut in the middle": packed[: len(packed) // 2],
        "cut before the checksum": packed[:-8],
        "wrong length at the end": packed[:-4] + b"\1\2\3\4",
        "something after the end": packed + b"extra",
        "twice": packed + packed,
        "packed twice": gzip.compress(packed),
        "packed by xz": lzma.compress(whole),
        "bytes with a sign": gzip.compress(idx(12, shape, kind=0x09)),
        "floats": gzip.compress(idx(12, shape, kind=0x0D)),
        "an axis more": gzip.compress(idx(12, (*shape, 1))),
        "little-endian": gzip.compress(np.array([0x0801 + len(shape), 12, *shape], "<u4").tobytes() + whole[8:]),
        "header only": gzip.compress(whole[: 8 + 4 * len(shape)]),
        "one item less": gzip.compress(idx(12, shape, body=bytes(11))),
        "more than MNIST has": gzip.compress(idx(0, shape, header=[0x0801 + len(shape), 60_001, *items])),
        "a bomb": gzip.compress(idx(12, shape) + bytes(10**7)),
    }


@pytest.mark.parametrize("damage", wrong_idx(()))
@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("split", digits.FILES)
def test_wrong_digits(tmp_path, monkeypatch, split, kind, damage):
    monkeypatch.setattr(digits, "MNIST", tmp_path)
    monkeypatch.setenv("CS231N_DATA", "full")
    for names in digits.FILES.values():
        for name, content in zip(names, PACKED.values()):
            (tmp_path / name).write_bytes(content)
    assert len(digits.load_digits(split)[1]) == 12
    path = tmp_path / digits.FILES[split][kind == "labels"]
    path.write_bytes(wrong_idx((28, 28) if kind == "images" else ())[damage])
    refuses(path, lambda: digits.load_digits(split), "damaged or another file", "get_datasets.sh mnist")
