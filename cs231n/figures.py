"""The figures the notebooks draw."""

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


def plot_losses(histories, val_histories=None, log=False, what="loss of a caption"):
    """Training losses {label: list, one an iteration}, thin; their running means, thick; validation losses, dotted."""
    _, axis = plt.subplots(figsize=(8, 3.6))
    for label, losses in histories.items():
        (line,) = axis.plot(losses, lw=0.6, alpha=0.35)
        window = max(len(losses) // 50, 1)
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        axis.plot(np.arange(len(smooth)) + window - 1, smooth, color=line.get_color(), lw=1.8, label=label)
        epochs = (val_histories or {}).get(label, [])
        if len(epochs):
            steps = np.linspace(0, len(losses), len(epochs) + 1)[1:]
            axis.plot(steps, epochs, "o:", color=line.get_color(), ms=4, label=f"{label}, validation")
    axis.set(xlabel="iteration", ylabel=what, yscale="log" if log else "linear")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    plt.show()


def show_grid(rows, titles=None, labels=None, size=2.2, cmap="inferno"):
    """Pictures in rows and columns.

    rows: list of lists of Pillow images, arrays (H, W, 3), or maps (H, W) drawn in the colours of cmap; None is a gap.
    titles: one above each column, or a list of lists with one above each picture. labels: one left of each row.
    """
    columns, each = max(map(len, rows)), titles and not isinstance(titles[0], str)
    heading = 0.4 * (len(rows) if each else bool(titles))  # inches
    heights = [max(_height_of_width_1(picture) for picture in row if picture is not None) for row in rows]
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns, size * sum(heights) + heading + 0.1 * len(rows)), squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            if picture is not None:
                axes[i, j].imshow(picture, cmap=cmap, interpolation="lanczos")
            if titles and (each or i == 0):
                axes[i, j].set_title(titles[i][j] if each else titles[j], fontsize=9)
        if labels:
            axes[i, 0].set_ylabel(labels[i], fontsize=9)
    figure.tight_layout(pad=0.4)
    plt.show()


def _height_of_width_1(picture):
    height, width = np.shape(picture)[:2]
    return height / width


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


def tile(images, columns=None):
    """Square grey images (N, D) or (N, 1, H, W), as one picture (rows * H, columns * W) with thin lines between.

    columns: None makes it as square as N allows.
    """
    images = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images, dtype=float)
    N, side = len(images), round(images[0].size ** 0.5)
    columns = columns or int(np.ceil(N**0.5))
    rows = -(-N // columns)
    sheet = np.full((rows * columns, side + 1, side + 1), images.min())
    sheet[:N, :-1, :-1] = images.reshape(N, side, side)
    sheet[:, -1] = sheet[:, :, -1] = images.min() + 0.35 * np.ptp(images)
    sheet = sheet.reshape(rows, columns, side + 1, side + 1).swapaxes(1, 2)
    return sheet.reshape(rows * (side + 1), columns * (side + 1))[:-1, :-1]


def plot_scores(scores, **columns):
    """Several numbers of several contenders as bars, a panel a number, each bar with its value.

    scores: {contender: {key: number}}. columns: key=(title, format), such as frechet=("Fréchet distance", ".0f").
    """
    figure, axes = plt.subplots(1, len(columns), figsize=(3.2 * len(columns), 0.4 * len(scores) + 0.8), sharey=True)
    for axis, (key, (title, form)) in zip(np.atleast_1d(axes), columns.items()):
        values = [row[key] for row in scores.values()]
        bars = axis.barh(list(scores), values, color="#7fa7d8", height=0.65)
        axis.bar_label(bars, [format(value, form) for value in values], padding=3, fontsize=9)
        axis.set(title=title, xticks=[], xlim=(0, 1.25 * max(values)))
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.tick_params(length=0)
    axis.invert_yaxis()
    figure.tight_layout()
    plt.show()
