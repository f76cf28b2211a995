"""Handwritten digits for the GANs: MNIST once it is fetched, else scikit-learn's small ones, redrawn alike."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import DATASETS, choose

MNIST = DATASETS / "mnist"
FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
MAX_COUNT = 60_000  # of digits in a file; MNIST's larger one holds as many
SIDE = 28

SEED = 231
NUM_TRAIN = 1437  # of scikit-learn's 1,797 digits; the other 360 are for the test
VARIANTS = 7  # of each; the first is the digit as it was written
PIXEL = 2.5  # pixels of the result to one of an 8x8 digit: it becomes 20 high, as in MNIST
PAD = 2  # pixels of an 8x8 digit, on each side, so that a stroke along the edge is not cut
FINE = 6  # as many times finer is the grid the strokes are sharpened on
WIDEN = 1.2  # scikit-learn's digits are narrower than MNIST's
INK, STEEP = 0.8, 30.0  # share of the ink nearby from which on a point is white, and how sharp that edge is
FAINT = 0.35  # less ink than this is no stroke, whatever lies around it
TURN, SLANT, GROW, SHIFT = math.radians(10), 0.15, 0.08, 1.0  # the largest variations; SHIFT in pixels


def load_digits(split="train"):
    """Images float32 (N, 1, 28, 28), white pen on black in 0..1, and their labels int64 (N,); torch tensors.

    split: "train" or "test", which have no digit in common. CS231N_DATA chooses between MNIST (60,000 and 10,000;
    ./get_datasets.sh mnist) and seven variants each of scikit-learn's digits (10,059 and 2,520); digits_source()
    tells which. The same call gives the same digits. The first seventh of scikit-learn's is as it was written.
    Raises ValueError for another split or a damaged file, FileNotFoundError for missing files.
    """
    if split not in FILES:
        raise ValueError(f"split is {split!r}; it must be 'train' or 'test'")
    return _read_mnist(split) if _use_real() else _redrawn(split)


def digits_source():
    """Which digits load_digits gives, in words."""
    if _use_real():
        return "full: MNIST (datasets/mnist)"
    return f"mini: scikit-learn's 1,797 handwritten digits, redrawn at 28x28 in {VARIANTS} variants each"


def _use_real():
    shipped = Path(__file__)  # stands for the digits in scikit-learn, which are looked for when they are read
    return choose([MNIST / file for pair in FILES.values() for file in pair], shipped, "mnist") != shipped


# Offline ----------------------------------------------------------------------------------------------------


def _redrawn(split):
    """Images and labels: all digits as they were written, then all again, varied, and so on."""
    small, labels = _originals(split)
    strokes = _strokes(small)
    generator = torch.Generator().manual_seed(SEED + (split == "test"))
    amounts = 2 * torch.rand(VARIANTS, len(small), 5, generator=generator) - 1
    amounts[0] = 0
    centre = _centre(strokes)
    images = torch.cat([_draw(strokes, _placing(amount, centre)) for amount in amounts])
    return images, labels.repeat(VARIANTS)


def _originals(split):
    """scikit-learn's digits of a split: images (N, 1, 8, 8) in 0..1 and labels (N,), mixed."""
    try:
        from sklearn import datasets  # late, for it takes a second to import
    except ImportError as error:
        raise ImportError("the mini digits come with scikit-learn, which is not installed; install it as "
                          "requirements.txt says, or run ./get_datasets.sh mnist for MNIST") from error  # fmt: skip
    digits = datasets.load_digits()
    order = np.random.RandomState(SEED).permutation(len(digits.target))
    order = order[:NUM_TRAIN] if split == "train" else order[NUM_TRAIN:]
    images = torch.from_numpy(digits.images[order]).float() / 16
    return images[:, None], torch.from_numpy(digits.target[order]).long()


def _strokes(small):
    """(N, 1, 8, 8) -> (N, 1, 72, 72): the digits with a margin, enlarged, as sharp strokes in 0..1.

    Enlarged alone, a stroke is a wide ramp of grey. A point is kept where it has nearly as much ink as the darkest
    points around it, so that a faint stroke comes out as thin and as white as a firm one.
    """
    grey = F.interpolate(F.pad(small, (PAD,) * 4), scale_factor=FINE, mode="bicubic", align_corners=False)
    as_channels = grey.transpose(0, 1).contiguous(memory_format=torch.channels_last)  # pools four times as fast
    nearby = F.avg_pool2d(F.max_pool2d(as_channels, 5, 1, 2), 7, 1, 3, count_include_pad=False).clamp(min=FAINT)
    return torch.sigmoid(STEEP * (grey / nearby.transpose(0, 1).contiguous() - INK))


def _centre(strokes):
    """(N, 2): where the centre of the ink lies, x and y in -1..1."""
    axis = (torch.arange(strokes.shape[-1]) + 0.5) * 2 / strokes.shape[-1] - 1
    ink = strokes.sum(dim=(1, 2, 3))
    return torch.stack([(strokes.sum(dim=(1, along)) * axis).sum(dim=1) / ink for along in (2, 3)], dim=1)


def _placing(amount, centre):
    """(N, 2, 3): for F.affine_grid, where in the strokes the pixels of the result lie.

    amount (N, 5) in -1..1: how far to turn, slant, grow and shift. centre (N, 2): what comes to the middle.
    """
    turn, slant, grow = amount[:, 0] * TURN, amount[:, 1] * SLANT, 1 - amount[:, 2] * GROW
    frame = (8 + 2 * PAD) * PIXEL  # side of the strokes' picture, in pixels of the result
    cos, sin, wide = turn.cos(), turn.sin(), grow / WIDEN
    linear = torch.stack([wide * cos, wide * (slant * cos - sin), grow * sin, grow * (slant * sin + cos)], dim=1)
    shift = centre + amount[:, 3:] * SHIFT * 2 / frame
    return torch.cat([linear.view(-1, 2, 2) * SIDE / frame, shift[:, :, None]], dim=2)


def _draw(strokes, placing):
    """(N, 1, 28, 28): sampled at twice the resolution and averaged, so that edges are smooth."""
    grid = F.affine_grid(placing, (len(strokes), 1, 2 * SIDE, 2 * SIDE), align_corners=False)
    return F.avg_pool2d(F.grid_sample(strokes, grid, align_corners=False), 2).clamp(0, 1)


# The fetched files ------------------------------------------------------------------------------------------


def _read_mnist(split):
    """Images and labels of a split of MNIST; a ValueError if a file is not what it should be."""
    paths = [MNIST / file for file in FILES[split]]
    pixels = _read_idx(paths[0], (SIDE, SIDE))
    labels = _read_idx(paths[1], ())
    if len(pixels) != len(labels):
        raise _damaged(paths[1], f"{len(labels)} labels for the {len(pixels)} images of {paths[0].name}")
    if labels.max() > 9:
        raise _damaged(paths[1], f"a label is {labels.max()}, not in 0..9")
    images = torch.from_numpy(pixels.astype(np.float32)).div_(255)
    return images[:, None], torch.from_numpy(labels.astype(np.int64))


def _read_idx(path, shape):
    """uint8 (N, *shape): the items of a gzipped idx file, which holds no more than MAX_COUNT of them."""
    head = [0x0801 + len(shape), *shape]  # the magic number says: bytes, in so many dimensions
    try:
        with gzip.open(path) as file:
            magic, count, *rest = np.frombuffer(file.read(8 + 4 * len(shape)), dtype=">u4").tolist()
            if [magic, *rest] != head or not 1 <= count <= MAX_COUNT:
                raise ValueError(f"its header is {[magic, count, *rest]}, not {[head[0], 'count', *shape]}")
            size = count * math.prod(shape)
            body = file.read(size + 1)  # one more than there should be; at the end gzip checks its checksum
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _damaged(path, error) from error
    if len(body) != size:
        raise _damaged(path, f"it unpacks to {'more' if len(body) > size else 'fewer'} bytes than its header says")
    return np.frombuffer(body, np.uint8).reshape(count, *shape)


def _damaged(path, reason):
    return ValueError(f"{path} is damaged or another file ({str(reason)[:150]}); delete it and run "
                      "./get_datasets.sh mnist, or set CS231N_DATA=mini")  # fmt: skip
