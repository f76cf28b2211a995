"""Captioning data in COCO's layout: load it, draw minibatches from it, turn ids into words."""

import json
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from .datasets import DATASETS, choose

SPLITS = ("train", "val")
MARKS = ("<NULL>", "<START>", "<END>")


def load_coco_data(base_dir=None, max_train=None, pca_features=True):
    """Captions, image features, vocabulary and image URLs as a dict.

    base_dir: a folder with COCO's files; None takes what CS231N_DATA says. max_train: keep only so many
    training captions, drawn with np.random from distinct images as far as these go. pca_features: 512 numbers
    an image instead of 4096.

    Keys, for split train and val: `{split}_captions` (M, 17) int32, `{split}_image_idxs` (M,) rows of
    `{split}_features` (K, D) float32 and of `{split}_urls`; for the drawn scenes also `{split}_scenes`, the
    facts of each picture. Besides: word_to_idx (dict), idx_to_word (list), and source (which data this is).
    """
    folder = Path(base_dir) if base_dir is not None else _default_folder()
    features_file = "{}2014_vgg16_fc7_pca.h5" if pca_features else "{}2014_vgg16_fc7.h5"
    data = {"source": _source(folder), **_read_vocabulary(folder / "coco2014_vocab.json")}
    with _open_h5(folder / "coco2014_captions.h5") as file:
        for split in SPLITS:
            data[f"{split}_captions"] = _read_ids(file, f"{split}_captions", axes=2)
            data[f"{split}_image_idxs"] = _read_ids(file, f"{split}_image_idxs", axes=1)
            if len(data[f"{split}_captions"]) != len(data[f"{split}_image_idxs"]):
                raise ValueError(
                    f"{file.filename}: {split} has not one image index for each caption; {_remedy(file.filename)}"
                )
            _check_ids(data[f"{split}_captions"], len(data["idx_to_word"]), file.filename)
    if max_train is not None:
        _keep_captions(data, max_train)
    for split in SPLITS:
        whole = max_train is None or split == "val"
        _read_images(data, split, folder, features_file.format(split), whole)
    return data


def decode_captions(captions, idx_to_word):
    """Ids to text: (T,) -> one string, (N, T) -> a list of strings. <NULL> is left out, <END> ends."""
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
    """A random batch (with repetition): captions (batch_size, 17), features (batch_size, D), list of URLs."""
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


@contextmanager
def _open_h5(path):
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is missing; {_remedy(path)}")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise ValueError(f"{path} cannot be read, it is damaged or cut short ({error}); {_remedy(path)}") from error


def _dataset(file, key):
    if not isinstance(file.get(key), h5py.Dataset):
        raise ValueError(f"{file.filename} has no dataset {key!r}; {_remedy(file.filename)}")
    return file[key]


def _read_ids(file, key, axes):
    ids = _dataset(file, key)[()]
    if ids.ndim != axes or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            f"{file.filename}: {key} is {ids.dtype} of shape {ids.shape}, where integers on {axes} "
            f"{'axis' if axes == 1 else 'axes'} belong; {_remedy(file.filename)}"
        )
    return ids


def _read_vocabulary(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {_remedy(path)}")
    try:
        vocab = json.loads(path.read_text(encoding="utf-8"))
        words = {"idx_to_word": vocab["idx_to_word"], "word_to_idx": vocab["word_to_idx"]}
        if words["word_to_idx"] != {word: i for i, word in enumerate(words["idx_to_word"])}:
            raise ValueError("the two do not agree")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not a vocabulary, idx_to_word and word_to_idx in JSON ({error!r}); {_remedy(path)}"
        ) from error
    missing = [mark for mark in MARKS if mark not in words["word_to_idx"]]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}; {_remedy(path)}")
    return words


def _check_ids(captions, num_words, filename):
    if captions.size and not 0 <= captions.min() <= captions.max() < num_words:
        raise ValueError(f"{filename} holds caption ids that are not in 0..{num_words - 1}; {_remedy(filename)}")


def _keep_captions(data, max_train):
    """Cut the training captions down to max_train, one of each image as long as there are images left."""
    if max_train < 1:
        raise ValueError(f"max_train is {max_train}; it must be at least 1, or None for all captions")
    order = np.random.permutation(len(data["train_captions"]))
    _, first = np.unique(data["train_image_idxs"][order], return_index=True)
    first.sort()
    others = np.setdiff1d(np.arange(len(order)), first)
    rows = order[np.concatenate((first, others))][:max_train]
    for key in ("train_captions", "train_image_idxs"):
        data[key] = data[key][rows]


def _read_images(data, split, folder, features_file, whole):
    """Features, URLs and scenes of the images that the captions speak of, their indices renumbered to match."""
    idxs = data[f"{split}_image_idxs"]
    urls = _read_lines(folder / f"{split}2014_urls.txt")
    scenes_file = folder / f"{split}2014_scenes.json"
    scenes = json.loads(scenes_file.read_text(encoding="utf-8")) if scenes_file.is_file() else None
    with _open_h5(folder / features_file) as file:
        features = _dataset(file, "features")
        in_range = not idxs.size or 0 <= idxs.min() <= idxs.max() < len(urls)
        if features.ndim != 2 or len(urls) != len(features) or not in_range:
            raise ValueError(
                f"{file.filename} holds {features.shape} features for {len(urls)} urls and image indices "
                f"{idxs.min(initial=0)} to {idxs.max(initial=-1)}: the files do not belong together; "
                f"{_remedy(file.filename)}"
            )
        images = np.arange(len(urls)) if whole else np.unique(idxs)
        data[f"{split}_features"] = features[:] if whole else features[images]  # h5py wants sorted unique rows
    data[f"{split}_image_idxs"] = np.searchsorted(images, idxs).astype(np.int32)
    data[f"{split}_urls"] = [urls[i] for i in images]
    if scenes is not None:
        if len(scenes) != len(urls):
            raise ValueError(
                f"{scenes_file} holds {len(scenes)} scenes for {len(urls)} urls: the files do not belong together; "
                f"{_remedy(scenes_file)}"
            )
        data[f"{split}_scenes"] = [scenes[i] for i in images]


def _read_lines(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {_remedy(path)}")
    return path.read_text(encoding="utf-8").split()
