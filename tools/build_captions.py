"""Draw the mini captions: `python -m tools.build_captions [--out DIR]` writes datasets/mini/coco_captioning.

The files have COCO's names, shapes and dtypes. Beside them lie the facts of each scene, for the truth of a caption.
"""

import argparse
import base64
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from cs231n.image_utils import preprocess_image
from tools.draw_scenes import draw_scene
from tools.tell_scenes import has_new_pair, make_scene, tell

OUT = Path(__file__).resolve().parent.parent / "datasets" / "mini" / "coco_captioning"
SEED = 231
COUNTS = {"train": 2200, "val": 400}
NEW_PAIRS = 40  # validation scenes with a kind and colour that never meet in training
MARKS = ("<NULL>", "<START>", "<END>", "<UNK>")
LENGTH = 17  # of a caption with <START>, <END> and padding
LAYERS = (4, 7)  # of SqueezeNet's features: colours and shapes are still apart there, and places too
GRID, NUM_FEATURES = 4, 512


def make_splits():
    """{split: list of scenes}; the first draws of the seed, so that the same scenes come out on every machine."""
    rng = np.random.RandomState(SEED)

    def draw(new):
        return next(scene for scene in iter(lambda: make_scene(rng), None) if has_new_pair(scene) == new)

    train = [draw(new=False) for _ in range(COUNTS["train"])]
    val = [draw(new=i < NEW_PAIRS) for i in range(COUNTS["val"])]
    return {"train": train, "val": [val[i] for i in rng.permutation(len(val))]}


def tell_splits(splits):
    """{split: five sentences for each of its scenes}."""
    rng = np.random.RandomState(SEED + 1)
    return {split: [tell(scene, rng) for scene in scenes] for split, scenes in splits.items()}


def make_vocabulary(told):
    words = {word for scenes in told.values() for five in scenes for text in five for word in text.split()}
    idx_to_word = [*MARKS, *sorted(words)]
    return {"idx_to_word": idx_to_word, "word_to_idx": {word: i for i, word in enumerate(idx_to_word)}}


def encode(text, word_to_idx):
    """A sentence as LENGTH word ids: <START>, its words, <END>, then <NULL>."""
    words = ["<START>", *text.split(), "<END>"]
    return [word_to_idx[word] for word in words + ["<NULL>"] * (LENGTH - len(words))]


def activations(pictures, batch=50):
    """What SqueezeNet makes of pictures (H, W, 3): for each of LAYERS its channels averaged over a grid, (N, D)."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d, interpolate

    from cs231n.classifiers.squeezenet import MINI, load_squeezenet

    layers, rows = load_squeezenet("cpu", weights=MINI).features[: max(LAYERS) + 1], []
    for start in range(0, len(pictures), batch):
        images = torch.from_numpy(preprocess_image(np.stack(pictures[start : start + batch])))
        x = interpolate(images.permute(0, 3, 1, 2).contiguous(), (224, 224), mode="bilinear", antialias=True)
        pooled = []
        for i, layer in enumerate(layers):
            x = layer(x)
            if i in LAYERS:
                pooled.append(adaptive_avg_pool2d(x, GRID).flatten(1))
        rows.append([p.numpy() for p in pooled])
    return [np.concatenate(layer) for layer in zip(*rows)]


def fit_features(blocks, num_train):
    """Features (N, 512) from blocks of activations: PCA, fitted and standardised on the first num_train rows.

    Dividing each component by its whole deviation would blow the last ones, mostly noise, up to the size of the
    first; undivided, the background would drown the things. The root of the deviation is between the two. A rotation
    then spreads the components evenly, so that standardising each number leaves their balance as it is.
    """
    scaled = [(b - b[:num_train].mean(axis=0)) / np.maximum(b[:num_train].std(axis=0), 1e-3) for b in blocks]
    X = np.concatenate([b / np.sqrt(b.shape[1]) for b in scaled], axis=1).astype(np.float64)  # each block alike
    values, vectors = np.linalg.eigh(X[:num_train] @ X[:num_train].T)  # fewer rows than columns: the small product
    values, vectors = values[::-1][:NUM_FEATURES], vectors[:, ::-1][:, :NUM_FEATURES]
    components = X @ (X[:num_train].T @ (vectors / np.sqrt(values)))  # (N, 512)
    components *= np.sign(components[np.abs(components[:num_train]).argmax(axis=0), np.arange(NUM_FEATURES)])
    components /= np.sqrt(components[:num_train].std(axis=0))
    rotation, _ = np.linalg.qr(np.random.RandomState(SEED).randn(NUM_FEATURES, NUM_FEATURES))
    Z = components @ rotation
    return ((Z - Z[:num_train].mean(axis=0)) / Z[:num_train].std(axis=0)).astype(np.float32)


def as_url(picture):
    """A picture as a data: URL, so that image_from_url shows it offline."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=60, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def write(folder, splits, told, pictures, features):
    """All files into an existing folder; pictures and features hold the training rows first."""
    vocabulary = make_vocabulary(told)
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    starts = {"train": 0, "val": len(splits["train"])}
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, scenes in told.items():
            rows = [encode(text, vocabulary["word_to_idx"]) for five in scenes for text in five]
            file[f"{split}_captions"] = np.array(rows, dtype=np.int32)
            file[f"{split}_image_idxs"] = np.repeat(np.arange(len(scenes), dtype=np.int32), 5)
    for split, scenes in splits.items():
        part = slice(starts[split], starts[split] + len(scenes))
        with h5py.File(folder / f"{split}2014_vgg16_fc7_pca.h5", "w") as file:
            file["features"] = features[part]  # contiguous: single rows can then be read in no time
        urls, told = "".join(f"{as_url(p)}\n" for p in pictures[part]), json.dumps(scenes, separators=(",", ":"))
        (folder / f"{split}2014_urls.txt").write_text(urls, encoding="utf-8")
        (folder / f"{split}2014_scenes.json").write_text(told, encoding="utf-8")


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tools.build_captions", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the folder to write; an existing one is replaced")
    out = parser.parse_args(argv).out
    splits = make_splits()
    told = tell_splits(splits)
    pictures = [np.asarray(draw_scene(scene)) for scenes in splits.values() for scene in scenes]
    features = fit_features(activations(pictures), len(splits["train"]))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        write(made, splits, told, pictures, features)
        shutil.rmtree(out, ignore_errors=True)
        made.rename(out)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    print(f"{out}: {len(pictures)} scenes, {size:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
