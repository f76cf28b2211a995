"""Pictures and maps in rows and columns."""

import matplotlib.pyplot as plt
import numpy as np


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
