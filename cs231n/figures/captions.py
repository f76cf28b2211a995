"""Pictures and what is said of them."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from .canvas import TEXT, WIDTH, draw, show

# mark: colour, sign (for who does not tell the colours apart), word
MARKS = {True: ("#1f7a45", "✓ ", " (true)"), False: ("#a8431a", "✗ ", " (not true)"), None: ("0.2", "", "")}


def show_captions(images, captions, marks=None, columns=4, width=27, alt=None):
    """Pictures with their captions underneath.

    images: list of (H, W, 3) uint8; captions: list of strings; marks: for each, True (✓, green), False (✗, red) or
    None. alt: what is to be seen, for screen readers; None makes it of the captions.
    """
    marks = [None if mark is None else bool(mark) for mark in marks] if marks is not None else [None] * len(images)
    texts = [textwrap.fill(MARKS[mark][1] + caption, width) for mark, caption in zip(marks, captions)]
    rows, side = -(-len(images) // columns), WIDTH / columns
    below = 0.15 + 0.17 * max(text.count("\n") + 1 for text in texts)  # inches
    height = rows * (side + below)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)
    figure.subplots_adjust(0, below / height, 1, 1, wspace=0.1, hspace=below / side)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, text, mark in zip(axes.flat, images, texts, marks):
        draw(axis, image)
        axis.set_anchor("N")
        colour = MARKS[mark][0]
        axis.text(0.5, -0.04, text, transform=axis.transAxes, ha="center", va="top", color=colour, fontsize=TEXT)
    said = "; ".join(f"“{caption}”{MARKS[mark][2]}" for caption, mark in zip(captions, marks))
    show(figure, alt or f"{len(images)} picture{'s' * (len(images) != 1)}, each with its caption: {said}.")


def show_similarities(images, captions, scores, marks, width=38, alt=None):
    """How well pictures and captions fit: a table with a picture above each column, a caption left of each row.

    images: list of M pictures (H, W, 3); captions: list of N strings; scores (N, M), written into their squares;
    marks (N, M) bool: where a caption is true, which is framed. alt: what is to be seen, for screen readers; None says
    where the scores are.
    """
    (N, M), side = scores.shape, 0.62
    figure, axis = plt.subplots(figsize=(WIDTH, side * (N + 1.1)))
    axis.imshow(scores, cmap="Blues", vmin=-0.3, vmax=1.3)
    for n in range(N):
        for m in range(M):
            axis.text(m, n, f"{scores[n, m]:.2f}", ha="center", va="center", fontsize=TEXT)
            if marks[n, m]:
                axis.add_patch(plt.Rectangle((m - 0.46, n - 0.46), 0.92, 0.92, fill=False, ec=MARKS[True][0], lw=2))
    axis.set(xticks=[], frame_on=False, yticks=range(N))
    axis.set_yticklabels([textwrap.fill(caption, width) for caption in captions], fontsize=TEXT)
    axis.tick_params(length=0)
    for m, image in enumerate(images):
        axis.imshow(image, extent=(m - 0.48, m + 0.48, -0.56, -1.52), interpolation="hanning")
    axis.set(xlim=(-0.5, M - 0.5), ylim=(N - 0.5, -1.6))
    figure.tight_layout()
    true, other = (scores[marks == mark].mean() for mark in (True, False))
    told = "; ".join(f"“{caption}” fits picture {row.argmax() + 1} best" for caption, row in zip(captions, scores))
    where = f"{true:.2f} on average where a caption is true, which is framed, {other:.2f} elsewhere"
    show(figure, alt or f"A table of {N} captions and {M} pictures. The cosines are {where}. {told}.")


def show_attention(picture, words, weights, columns=7, alt=None):
    """A picture, and for every word of its caption, bright where the captioner looked as it said that word.

    picture: (H, W, 3) uint8; words: list of T strings; weights: (T, S), of S = g * g places, row by row. alt: what is
    to be seen, for screen readers; None says where each word's weight is largest.
    """
    grid = round(weights.shape[1] ** 0.5)
    rows = -(-(len(words) + 1) // columns)
    side = WIDTH / columns
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, rows * (side + 0.22)), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    shown = [picture, *(_lit(picture, looked.reshape(grid, grid)) for looked in weights)]
    for axis, title, image in zip(axes.flat, ["the picture", *words], shown):
        draw(axis, image)
        axis.set_title(title, fontsize=TEXT)
    figure.tight_layout(pad=0.3, h_pad=0.8)
    places = "; ".join(f"“{word}” {_place(looked.argmax(), grid)}" for word, looked in zip(words, weights))
    show(figure, alt or f"A picture, and where the captioner looked most at each word of its caption: {places}.")


def _lit(picture, looked):
    """The picture, dimmed but for the places with large weights: every place a sharp square."""
    height, width = picture.shape[:2]
    grid = len(looked)
    light = (looked / looked.max())[np.ix_(np.arange(height) * grid // height, np.arange(width) * grid // width)]
    return (picture * (0.4 + 0.6 * light[:, :, None])).astype(np.uint8)


def _place(index, grid):
    """In which ninth of the picture a place lies, in words: at the upper left, in the middle."""
    across, down = ((2 * part + 1) * 3 // (2 * grid) for part in (index % grid, index // grid))
    return [
        ["at the upper left", "at the top", "at the upper right"],
        ["on the left", "in the middle", "on the right"],
        ["at the lower left", "at the bottom", "at the lower right"],
    ][down][across]
