"""Pictures and maps in rows and columns."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from .canvas import TEXT, WIDTH, draw, show


def show_grid(rows, titles=None, labels=None, size=2.2, cmap="inferno", alt=None):
    """Pictures in rows and columns.

    rows: list of lists of Pillow images, arrays (H, W, 3), or maps (H, W) drawn in the colours of cmap; None is a gap.
    titles: one above each column, or a list of lists with one above each picture. labels: one left of each row.
    size: width of a picture in inches, or less if that is too much for a page. alt: what is to be seen, for screen
    readers; None makes it of the titles and labels.
    """
    columns = max(map(len, rows))
    size = min(size, (WIDTH - 0.3 * bool(labels)) / columns)
    above = _titles_of_each(rows, titles, int(size * 72 / (0.55 * TEXT)))
    heights = [max(_height_of_width_1(picture) for picture in row if picture is not None) for row in rows]
    lines = [max(title.count("\n") + bool(title) for title in row) for row in above]
    inches = [size * height + 0.19 * count + 0.12 for height, count in zip(heights, lines)]
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns + 0.3 * bool(labels), sum(inches)), squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False, anchor="N")
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            if picture is not None:
                draw(axes[i, j], picture, cmap)
            axes[i, j].set_title(above[i][j], fontsize=TEXT)
        if labels:
            axes[i, 0].set_ylabel(labels[i], fontsize=TEXT)
    figure.tight_layout(pad=0.4, h_pad=0.8)
    show(figure, alt or _describe(rows, titles, labels))


def _titles_of_each(rows, titles, width):
    """A list of lists: what stands above each picture, in lines of so many characters."""
    if not titles:
        return [[""] * len(row) for row in rows]
    each = titles if not isinstance(titles[0], str) else [titles, *([""] * len(row) for row in rows[1:])]
    return [["\n".join(textwrap.fill(line, width) for line in title.split("\n")) for title in row] for row in each]


def _describe(rows, titles, labels):
    """What is known of a grid without looking: how many pictures, and what is written beside them."""
    count = sum(picture is not None for row in rows for picture in row)
    kinds = {np.ndim(picture) for row in rows for picture in row if picture is not None}
    kind = {(3,): "picture", (2,): "map"}.get(tuple(kinds), "picture")
    text = f"{count} {kind}{'s' * (count != 1)}"
    if len(rows) > 1:
        text += f" in {len(rows)} rows" + (f" ({'; '.join(labels)})" if labels else "")
    elif labels:
        text += f" ({labels[0]})"
    if titles and isinstance(titles[0], str):
        text += f", in columns: {'; '.join(titles)}"
    elif titles:
        text += ", with the titles " + " / ".join("; ".join(row) for row in titles)
    return text + "."


def _height_of_width_1(picture):
    height, width = np.shape(picture)[:2]
    return height / width


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
