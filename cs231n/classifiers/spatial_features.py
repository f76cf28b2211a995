"""Features that keep their place: what SqueezeNet sees at each place of a grid, for a captioner that looks around."""

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..image_utils import image_from_url, preprocess_image
from .squeezenet import load_squeezenet

LAYERS = (4, 7)  # of SqueezeNet's features: colours and shapes are still apart there
SPLITS = ("train", "val")


def with_spatial_features(data, device="cpu", *, grid=6, place_code=True):
    """A copy of load_coco_data's dict whose features have an axis of places: float32 (N, S, D), S = grid * grid.

    Places are numbered row by row from the top left. A place's D numbers are the channels of SqueezeNet's layers in
    LAYERS, averaged over the place, and with place_code 12 more that say where it is: sines and cosines of its column
    and its row. Each number is standardised on the training images. The pictures themselves are read, at their own
    size, so that they must be in the data: ValueError where the URLs are web addresses. device: where the network runs.
    """
    if grid < 1:
        raise ValueError(f"grid is {grid}; it must be at least 1")
    away = [url for split in SPLITS for url in data[f"{split}_urls"] if not url.startswith("data:")]
    if away:
        raise ValueError(
            f"{len(away)} pictures are not in the data itself but elsewhere, such as {away[0][:80]!r}: spatial "
            "features can be made of the mini captions (set CS231N_DATA=mini); here take the data's own features"
        )
    layers = load_squeezenet(device).features[: max(LAYERS) + 1].to(memory_format=torch.channels_last)
    features = {split: _features(data[f"{split}_urls"], layers, grid, torch.device(device)) for split in SPLITS}
    if place_code:
        code = _place_code(grid)  # (S, 12)
        spread = {split: np.broadcast_to(code, (len(f), *code.shape)) for split, f in features.items()}
        features = {split: np.concatenate((f, spread[split]), axis=2) for split, f in features.items()}
    mean, std = (getattr(features["train"], of)(axis=(0, 1), dtype=np.float64) for of in ("mean", "std"))
    for f in features.values():
        f -= mean.astype(np.float32)
        f /= np.maximum(std, 1e-3).astype(np.float32)
    return {**data, **{f"{split}_features": f for split, f in features.items()}}


def _features(urls, layers, grid, device, batch=20):
    """The channels of LAYERS at each place of each picture: (N, S, D), float32. Small batches stay in the cache."""
    rows = []
    for start in range(0, len(urls), batch):
        pictures = [image_from_url(url) for url in urls[start : start + batch]]
        if len({picture.shape for picture in pictures}) > 1:
            raise ValueError("the pictures differ in size: perhaps one of them is damaged")
        x = torch.from_numpy(preprocess_image(np.stack(pictures))).to(device).permute(0, 3, 1, 2)  # channels last
        with torch.inference_mode():
            rows.append(_at_places(x, layers, grid).numpy())
    return np.concatenate(rows)


def _at_places(x, layers, grid):
    pooled = []
    for i, layer in enumerate(layers):
        x = layer(x)
        if i in LAYERS:
            pooled.append(adaptive_avg_pool2d(x.cpu(), grid))  # Apple's GPU only pools what divides evenly
    return torch.cat(pooled, dim=1).flatten(2).transpose(1, 2)  # (N, S, D)


def _place_code(grid, turns=(0.25, 0.5, 1.0)):
    """(S, 12): waves of a quarter, a half and a whole turn across the picture, of the column and of the row."""
    along = np.linspace(-1, 1, grid) if grid > 1 else np.zeros(1)
    rows, columns = (a.ravel() for a in np.meshgrid(along, along, indexing="ij"))
    angles = [np.pi * turn * a for a in (columns, rows) for turn in turns]
    return np.stack([wave(a) for a in angles for wave in (np.sin, np.cos)], axis=1).astype(np.float32)
