"""How every figure is drawn and shown: sharp, as wide as a notebook, with a description for who cannot see it."""

import base64
import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

WIDTH = 8.6  # inches: at a browser's 96 pixels an inch it fits beside an open side bar
TEXT = 10  # points
_COARSE = 100  # numbers across a map, of which each is drawn some pixels wide
_SHARPNESS = 2  # pixels drawn for each that is shown
_INLINE = ("inline", "module://matplotlib_inline.backend_inline")


def draw(axis, picture, cmap=None):
    """Draw a picture without ticks or frame: each number of a map (H, W) a sharp square, a photograph (H, W, 3) smooth.

    Smoothing would invent numbers in a map, and squares would invent edges in a photograph.
    """
    smooth = np.ndim(picture) == 3
    if not smooth and max(np.shape(picture)) > _COARSE:
        # Squares of one or two pixels each would beat against the screen's, and draw a grid that is not there. Cut into
        # smaller ones, which are then averaged, all are of one size.
        picture, smooth = np.asarray(picture).repeat(4, axis=0).repeat(4, axis=1), True
    axis.imshow(picture, cmap=cmap, interpolation="hanning" if smooth else "nearest")
    axis.set(xticks=[], yticks=[], frame_on=False)


def show(figure, alt):
    """Show a matplotlib figure and close it; alt: what is to be seen in it, in words, for screen readers.

    In a notebook the description stands in the metadata of the output, where nbconvert and others find it.
    Elsewhere the figure is shown as plt.show() does.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError('a figure needs a description: show(figure, "what is to be seen in it")')
    if matplotlib.get_backend().lower() in _INLINE:
        _show_in_notebook(figure, " ".join(alt.split()))
        plt.close(figure)
    else:
        plt.show()
        if not plt.isinteractive():  # there the window stays open
            plt.close(figure)


def _show_in_notebook(figure, alt):
    from IPython.display import display

    kind, image, (width, height) = _encode(figure)
    output = {kind: base64.b64encode(image).decode("ascii"), "text/plain": "<Figure>"}
    display(output, metadata={kind: {"alt": alt, "width": width, "height": height}}, raw=True)


def _encode(figure):
    """(media type, bytes, (width, height) to be shown at): PNG, or JPEG where photographs would make that too large."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=96 * _SHARPNESS, bbox_inches="tight", facecolor="white")
    image = Image.open(drawn).convert("RGB")
    size = tuple(round(length / _SHARPNESS) for length in image.size)
    file = io.BytesIO()
    if any(np.ndim(picture.get_array()) == 3 for axis in figure.axes for picture in axis.images):
        image.save(file, "jpeg", quality=70, optimize=True)
        return "image/jpeg", file.getvalue(), size
    image.quantize(64, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return "image/png", file.getvalue(), size
