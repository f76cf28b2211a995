"""Pictures and what is said of them."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

GOOD, BAD = "#2e8b57", "#c0562f"


def show_captions(images, captions, marks=None, columns=4, width=27):
    """Pictures with their captions underneath.

    images: list of (H, W, 3) uint8; captions: list of strings; marks: for each, True (green), False (red) or None.
    """
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.4 * columns, 3.0 * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption, mark in zip(axes.flat, images, captions, marks or [None] * len(images)):
        axis.imshow(image, interpolation="lanczos")
        colour = {True: GOOD, False: BAD}.get(mark, "0.25")
        text = textwrap.fill(caption, width)
        axis.text(0.5, -0.04, text, transform=axis.transAxes, ha="center", va="top", color=colour, fontsize=9)
    figure.tight_layout(h_pad=2)
    plt.show()


def show_attention(picture, words, weights, columns=10):
    """A picture for every word of its caption, bright where the captioner looked as it said that word.

    picture: (H, W, 3) uint8; words: list of T strings; weights: (T, S), of S = g * g places, row by row.
    """
    grid = round(weights.shape[1] ** 0.5)
    rows = -(-len(words) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.2 * columns, 1.45 * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, word, looked in zip(axes.flat, words, weights):
        light = Image.fromarray((looked / looked.max()).reshape(grid, grid).astype(np.float32))
        light = np.clip(light.resize(picture.shape[1::-1], Image.Resampling.BICUBIC), 0, 1)
        axis.imshow((picture * (0.2 + 0.8 * light[:, :, None])).astype(np.uint8), interpolation="lanczos")
        axis.set_title(word, fontsize=9)
    figure.tight_layout(pad=0.3)
    plt.show()
