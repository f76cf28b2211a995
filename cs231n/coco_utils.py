"""Captioning data in COCO's layout: load it, draw minibatches from it, turn ids into words."""

import json
import math
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from .datasets import DATASETS, choose

SPLITS = ("train", "val")
MARKS = ("<NULL>", "<START>", "<END>")
MAX_BYTES = 2**31  # read of a dataset at once; COCO's largest, 4096 numbers an image, has 1.36 GB
MAX_TEXT = 2**27  # bytes of a text file; COCO's largest, the training URLs, has 5 MB


def load_coco_data(base_dir=None, max_train=None, pca_features=True):
    """Captions, image features, vocabulary and image URLs as a dict.

    base_dir: a folder with COCO's files; None takes what CS231N_DATA says. max_train: keep only so many
    training captions, drawn with np.random from distinct images as far as these go; of the others neither words
    nor features are read. pca_features: 512 numbers an image instead of 4096. The 4096 of all images would fill
    2 GB, so that they stay in the file as FeatureRows, which is indexed like the array; only the images that
    max_train keeps are read into one at once.

    Keys, for split train and val: `{split}_captions` (M, 17) int32, `{split}_image_idxs` (M,) int32, rows of
    `{split}_features` (K, D) float32 and of `{split}_urls`; for the drawn scenes also `{split}_scenes`, the
    facts of each picture. Besides: word_to_idx (dict), idx_to_word (list), and source (which data this is).
    Raises FileNotFoundError for a missing file, ValueError for one that is damaged, refers to other files, holds
    features that are not finite, or does not fit the others; the message names the file.
    """
    folder = Path(base_dir) if base_dir is not None else _default_folder()
    features_file = "{}2014_vgg16_fc7_pca.h5" if pca_features else "{}2014_vgg16_fc7.h5"
    data = {"source": _source(folder), **_read_vocabulary(folder / "coco2014_vocab.json")}
    with _open_h5(folder / "coco2014_captions.h5") as file:
        for split in SPLITS:
            limit = max_train if split == "train" else None
            captions, idxs = _read_captions(file, split, len(data["idx_to_word"]), limit)
            data |= {f"{split}_captions": captions, f"{split}_image_idxs": idxs}
    for split in SPLITS:
        whole = max_train is None or split == "val"
        features = FeatureRows(folder / features_file.format(split))
        _read_images(data, split, features, whole, lazy=whole and not pca_features)
    return data


class FeatureRows:
    """The features (K, D) of an HDF5 file, read when asked for: indexed like a float32 array, but takes no memory.

    An index is an int, a slice, or an array of ints, in any order and with repetitions, or of bools; an int or a
    slice of columns may follow. It gives NumPy arrays; np.asarray reads everything. The file is open only while
    it is read, so that there is nothing to close, and an object can be pickled.
    Raises ValueError for a file that is damaged or has changed, or for numbers that are not finite.
    """

    dtype, ndim = np.dtype(np.float32), 2

    def __init__(self, path):
        self.path = Path(path)
        with _open_h5(path) as file:
            self.shape = _features(file).shape or ()  # None where there are no values

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        rows, *columns = index if isinstance(index, tuple) else (index,)
        if len(columns) > 1 or not all(isinstance(c, (slice, int, np.integer)) for c in columns):
            raise IndexError(f"index {index!r}: after the rows there may only be an int or a slice of columns")
        rows = np.arange(len(self))[rows]
        with _open_h5(self.path) as file:
            dataset = _features(file)
            if dataset.shape != self.shape:
                raise ValueError(f"{self.path} has changed since it was opened; load the data again")
            read = _read_rows(dataset, self.dtype, rows, *columns)
        if not np.isfinite([read.min(initial=0), read.max(initial=0)]).all():  # min and max pass NaN on
            raise ValueError(f"{self.path} holds features that are not finite; {_remedy(self.path)}")
        return read

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("features in a file cannot become an array without a copy; leave out copy=False")
        return self[:].astype(dtype or self.dtype, copy=False)

    def __repr__(self):
        return f"FeatureRows of shape {self.shape} in {self.path}"


def decode_captions(captions, idx_to_word):
    """Ids to text: (T,) -> one string, (N, T) -> a list of strings. <NULL> is left out, <END> ends.

    idx_to_word: a list or a dict. Raises ValueError for an id that is not in it.
    """
    captions = np.asarray(captions)
    if captions.ndim == 1:
        return decode_captions(captions[None], idx_to_word)[0]
    return [" ".join(_words(row, idx_to_word)) for row in captions]


def _words(row, idx_to_word):
    for i in row:
        try:
            if i < 0:
                raise IndexError(i)  # a list would count from its end
            word = idx_to_word[int(i)]
        except (IndexError, KeyError):
            raise ValueError(f"caption id {i} is not in the vocabulary of {len(idx_to_word)} words") from None
        if word != "<NULL>":
            yield word
        if word == "<END>":
            return


def sample_coco_minibatch(data, batch_size=100, split="train"):
    """A random batch (with repetition): captions (batch_size, 17) int32, features (batch_size, D) float32, and URLs.

    Raises ValueError for a split other than 'train' or 'val', or a batch_size under 1.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; it must be 'train' or 'val'")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    rows = np.random.choice(len(data[f"{split}_captions"]), batch_size)
    images = data[f"{split}_image_idxs"][rows]
    urls = [data[f"{split}_urls"][i] for i in images]
    return data[f"{split}_captions"][rows], data[f"{split}_features"][images], urls


def _default_folder():
    real, mini = DATASETS / "coco_captioning", DATASETS / "mini" / "coco_captioning"
    names = ["coco2014_captions.h5", "coco2014_vocab.json"]
    names += [f"{split}2014_{kind}" for split in SPLITS for kind in ("vgg16_fc7_pca.h5", "urls.txt")]
    return choose([real / n for n in names], [mini / n for n in names], "coco").parent


def _source(folder):
    """Which data this is, the same on every machine for data inside the course."""
    inside = DATASETS in folder.resolve().parents
    return folder.resolve().relative_to(DATASETS.parent).as_posix() if inside else str(folder)


def _remedy(path):
    if DATASETS / "mini" in Path(path).parents:
        wide = Path(path).name.endswith("fc7.h5")
        return "the drawn scenes have pca_features=True only" if wide else "restore it from the course's repository"
    return "run ./get_datasets.sh coco again"


# HDF5 -------------------------------------------------------------------------------------------------------


@contextmanager
def _open_h5(path):
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing; {_remedy(path)}")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError) as error:  # h5py raises all of them for a damaged file
        raise ValueError(f"{path} cannot be read, it is damaged or cut short ({error}); {_remedy(path)}") from error


def _dataset(file, key):
    """A dataset whose numbers are in this file: neither a link nor a dataset may make us read another file."""
    link = file.get(key, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise ValueError(f"{file.filename}: {key} is a link, and links are not followed; {_remedy(file.filename)}")
    dataset = file.get(key)
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{file.filename} has no dataset {key!r}; {_remedy(file.filename)}")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{file.filename}: {key} lies in other files, which are not read; {_remedy(file.filename)}")
    return dataset


def _integers(file, key, axes):
    ids = _dataset(file, key)
    if ids.ndim != axes or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            f"{file.filename}: {key} is {ids.dtype} of shape {ids.shape}, where integers on {axes} "
            f"{'axis' if axes == 1 else 'axes'} belong; {_remedy(file.filename)}"
        )
    _check_size(ids, len(ids))
    return ids


def _features(file):
    features = _dataset(file, "features")
    if features.dtype.kind != "f":
        raise ValueError(
            f"{file.filename}: features are {features.dtype}, not floating-point numbers; {_remedy(file.filename)}"
        )
    return features


def _check_size(dataset, count):
    """A few bytes of HDF5 can claim any shape; refuse it before so many rows of 4-byte numbers fill the memory."""
    size, name = 4 * count * math.prod(dataset.shape[1:]), dataset.file.filename
    if size > MAX_BYTES:
        raise ValueError(f"{name} asks for {size >> 20} MiB of memory, too much for COCO's data; {_remedy(name)}")


def _read_rows(dataset, dtype, rows, *columns):
    """Rows of a dataset (K, ...) as dtype: `rows` ints of any shape, in any order and with repetitions.

    HDF5 converts while it reads, without a copy; integers too large for dtype become its largest, so that they
    remain out of range.
    """
    distinct, places = np.unique(rows, return_inverse=True)  # h5py wants them sorted and without repetitions
    _check_size(dataset, len(distinct))
    start, stop = (distinct[0], distinct[-1] + 1) if distinct.size else (0, 0)
    gapless = stop - start == len(distinct)
    read = dataset.astype(dtype)[(slice(start, stop) if gapless else distinct, *columns)]
    return read if np.array_equal(rows, distinct) else read[places.reshape(rows.shape)]


# A split ----------------------------------------------------------------------------------------------------


def _read_captions(file, split, num_words, limit):
    """int32 captions (M, T) and the image index (M,) of each; at most `limit` of them, drawn, unless it is None."""
    captions, idxs = _integers(file, f"{split}_captions", axes=2), _integers(file, f"{split}_image_idxs", axes=1)
    if len(captions) != len(idxs):
        raise ValueError(
            f"{file.filename}: {split} has not one image index for each caption; {_remedy(file.filename)}"
        )
    if not captions.size:
        raise ValueError(f"{file.filename}: {split}_captions is empty; {_remedy(file.filename)}")
    idxs = _read_rows(idxs, np.int32, np.arange(len(idxs)))
    rows = np.arange(len(idxs)) if limit is None else _draw(idxs, limit)
    captions = _read_rows(captions, np.int32, rows)
    _check_ids(captions, num_words, file.filename)
    return captions, idxs[rows]


def _check_ids(captions, num_words, filename):
    if not 0 <= captions.min() <= captions.max() < num_words:
        raise ValueError(f"{filename} holds caption ids that are not in 0..{num_words - 1}; {_remedy(filename)}")


def _draw(idxs, max_train):
    """Rows of max_train training captions, one of each image as long as there are images left."""
    if max_train < 1:
        raise ValueError(f"max_train is {max_train}; it must be at least 1, or None for all captions")
    order = np.random.permutation(len(idxs))
    _, first = np.unique(idxs[order], return_index=True)
    first.sort()
    others = np.setdiff1d(np.arange(len(order)), first)
    return order[np.concatenate((first, others))][:max_train]


def _read_images(data, split, features, whole, lazy):
    """Put features, URLs and scenes of images into data: of all if `whole`, else of those that captions speak of.

    The captions' image indices are renumbered to match. features: FeatureRows, which remain so if `lazy`.
    """
    folder = features.path.parent
    idxs = data[f"{split}_image_idxs"]
    urls = _read_lines(folder / f"{split}2014_urls.txt")
    in_range = 0 <= idxs.min() <= idxs.max() < len(urls)
    if len(features.shape) != 2 or 0 in features.shape or len(urls) != len(features) or not in_range:
        raise ValueError(
            f"{features.path} holds {features.shape} features for {len(urls)} urls and image indices "
            f"{idxs.min()} to {idxs.max()}: the files do not belong together; {_remedy(features.path)}"
        )
    images = np.arange(len(urls)) if whole else np.unique(idxs)
    data[f"{split}_features"] = features if lazy else features[images]
    data[f"{split}_image_idxs"] = np.searchsorted(images, idxs).astype(np.int32)
    data[f"{split}_urls"] = [urls[i] for i in images]
    scenes_file = folder / f"{split}2014_scenes.json"
    if scenes_file.is_file():
        scenes = _read_scenes(scenes_file, len(urls))
        data[f"{split}_scenes"] = [scenes[i] for i in images]


# Text -------------------------------------------------------------------------------------------------------


def _read_vocabulary(path):
    try:
        vocab = _read_json(path)
        words = {"idx_to_word": vocab["idx_to_word"], "word_to_idx": vocab["word_to_idx"]}
        _check_words(**words)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a vocabulary, idx_to_word and word_to_idx in JSON ({str(error)[:150]}); {_remedy(path)}"
        ) from error
    missing = [mark for mark in MARKS if mark not in words["word_to_idx"]]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}; {_remedy(path)}")
    return words


def _check_words(idx_to_word, word_to_idx):
    if not isinstance(idx_to_word, list) or {type(word) for word in idx_to_word} - {str}:
        raise ValueError("idx_to_word is not a list of words")
    if len(set(idx_to_word)) < len(idx_to_word):
        raise ValueError("a word is in idx_to_word twice")
    if word_to_idx != {word: i for i, word in enumerate(idx_to_word)} or set(map(type, word_to_idx.values())) - {int}:
        raise ValueError("the two do not agree")


def _read_scenes(path, count):
    """The list of `count` scenes in a JSON file."""
    try:
        scenes = _read_json(path)
        if not isinstance(scenes, list):
            raise ValueError("it holds something else")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a list in JSON ({str(error)[:150]}); {_remedy(path)}") from error
    if len(scenes) != count:
        raise ValueError(
            f"{path} holds {len(scenes)} scenes for {count} urls: the files do not belong together; {_remedy(path)}"
        )
    return scenes


def _read_json(path):
    """What a JSON file holds; ValueError or, for one nested too deeply, RecursionError if it holds none."""
    return json.loads(_read_bytes(path).decode())


def _read_lines(path):
    try:
        return _read_bytes(path).decode().split()
    except ValueError as error:
        raise ValueError(f"{path} is not a list of URLs ({str(error)[:150]}); {_remedy(path)}") from error


def _read_bytes(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {_remedy(path)}")
    if path.stat().st_size > MAX_TEXT:
        raise ValueError(f"it is larger than {MAX_TEXT >> 20} MiB")
    return path.read_bytes()
