"""Pictures in and out: files and web addresses to arrays, arrays to what SqueezeNet reads and back.

An image is an array (H, W, 3) of RGB, uint8 in 0..255 unless said otherwise.
"""

import contextlib
import io
import math
import socket
import textwrap
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError
from scipy import ndimage

# Mean and standard deviation of ImageNet's colours, RGB in 0..1: torchvision's networks want them taken out.
SQUEEZENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
SQUEEZENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)

MAX_BYTES = 32 * 2**20
MAX_PIXELS = 50_000_000
SCHEMES = ("http", "https", "file", "data")
# Named one by one: Pillow knows formats that start other programs (EPS), and no photo needs those.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")


def preprocess_image(img):
    """Normalise images (..., 3) in 0..255, uint8 or float, for SqueezeNet: float32 of the same shape."""
    return (_rgb(img).astype(np.float32) / 255 - SQUEEZENET_MEAN) / SQUEEZENET_STD


def deprocess_image(img, rescale=False):
    """Undo preprocess_image: normalised (..., 3) to uint8, rounded and clipped to 0..255.

    rescale: stretch the values to fill 0..255 first, all channels alike, which makes faint pictures visible.
    Raises ValueError if a value is nan or infinite, as after a diverged optimisation.
    """
    img = _rgb(img) * SQUEEZENET_STD + SQUEEZENET_MEAN
    if not np.isfinite(img).all():
        raise ValueError("the image holds nan or inf; perhaps the learning rate that made it is too high")
    if rescale and np.ptp(img) > 0.5 / 255:  # under half a grey level there is rounding noise and no picture
        img = (img - img.min()) / np.ptp(img)
    return np.rint(255 * img.clip(0, 1)).astype(np.uint8)


def rescale(x):
    """Stretch the values of an array or a tensor to fill 0..1; where all are equal there is only to clip."""
    low, high = x.min(), x.max()
    return (x - low) / (high - low) if high > low else x.clip(0, 1)


def blur_image(X):
    """Blur a batch (N, 3, H, W) very gently, as a regulariser: each pixel keeps 94 % of itself.

    Channels come first, as in the assignment. Edges repeat their last pixel, so that plain areas stay plain.
    """
    X = np.asarray(X)
    if X.ndim != 4 or X.shape[1] != 3:
        raise ValueError(f"expected images (N, 3, H, W), channels first; got shape {X.shape}")
    kernel = np.array([[1, 2, 1], [2, 188, 2], [1, 2, 1]]) / 200
    dtype = np.result_type(X, np.float32)
    return ndimage.correlate(X.astype(dtype), kernel[None, None], mode="nearest")


def load_image(filename, size=None):
    """Read an image file as RGB uint8 (H, W, 3), upright, its shorter side resized to `size` pixels if given.

    Raises FileNotFoundError for a missing file, ValueError for one that is no image or a size under 1.
    """
    if size is not None and not size >= 1:
        raise ValueError(f"size is the shorter side in pixels, 1 or more; got {size!r}")
    path = Path(filename)
    if not path.is_file():
        raise FileNotFoundError(f"There is no image file {path} (looked from {Path.cwd()})")
    try:
        image = _decode(path.read_bytes())
    except Exception as error:  # decoders raise many kinds for damaged files
        raise ValueError(f"{path} cannot be read as an image: {reason_of(error)}") from error
    if size is not None:
        scale = size / min(image.size)
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
    return np.array(image)


def image_from_url(url, timeout=10.0):
    """The picture at an http, https, file or data URL as RGB uint8 (H, W, 3), upright.

    Made for plotting loops, so nothing is raised: where there is no picture to be had, a warning says why
    and so does the placeholder that comes back instead.
    timeout: seconds to wait for the server; a slow transfer ends after at most twice that.
    """
    try:
        return np.array(_decode(_fetch(url, timeout)))
    except Exception as error:  # a dead link must not end the loop, whatever the way it died
        reason, name = reason_of(error), _short_name(url)
        warnings.warn(f"no image from {name}: {reason}", stacklevel=2)
        return _placeholder(reason, name)


def _rgb(img):
    img = np.asarray(img)
    if img.ndim < 1 or img.shape[-1] != 3:
        raise ValueError(f"expected RGB images (H, W, 3) or (N, H, W, 3); got shape {img.shape}")
    return img


def _fetch(url, timeout):
    """The bytes behind a URL, within a deadline: a socket's own timeout starts afresh with every packet."""
    if not isinstance(url, str):
        raise TypeError(f"a URL is text, not {type(url).__name__}")
    url = url.strip()
    if urlsplit(url).scheme not in SCHEMES:
        raise ValueError(f"URLs start with one of {', '.join(SCHEMES)} here")
    deadline, data = time.monotonic() + timeout, bytearray()
    request = urllib.request.Request(url, headers={"User-Agent": "cs231n-course/1.0"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        while chunk := response.read1(65536):
            data += chunk
            if len(data) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES >> 20} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError
    return bytes(data)


def _decode(data):
    """An upright RGB Pillow image from the bytes of an image file; of an animation, the first frame."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        page = data[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html"))
        raise ValueError("a web page, not an image" if page else "not an image in a known format") from None
    if math.prod(image.size) > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels are too many")
    image.load()
    with contextlib.suppress(Exception):  # a damaged EXIF block is no reason to lose the picture
        image = ImageOps.exif_transpose(image)
    return to_rgb(image)


def to_rgb(image):
    """Any Pillow mode as RGB: transparency on white, deep grey scaled (Pillow's own conversion clips it)."""
    if image.mode == "F" or image.mode.startswith("I"):
        full = 1.0 if image.mode == "F" else 65535.0
        grey = np.asarray(image, dtype=np.float64) / full
        return Image.fromarray(np.rint(255 * grey.clip(0, 1)).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def reason_of(error):
    """What went wrong, in few words that fit into a picture."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()  # it holds the connection open, for those who want to read the page that came with it
        return f"the server says {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return reason_of(error.reason) if isinstance(error.reason, Exception) else str(error.reason)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "host not found, or no network"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _short_name(url):
    """Whose picture it would have been, at most 24 letters: the host, the file, or the kind of URL."""
    try:
        parts = urlsplit(str(url).strip())
        name = Path(unquote(parts.path)).name if parts.scheme == "file" else parts.hostname
    except ValueError:
        return "a malformed URL"
    return (name or f"{parts.scheme or 'nameless'} URL")[-24:]


def _placeholder(reason, name, side=320):
    """Draw a card (side, side, 3) that reads "No image", then the reason and the name."""
    card = Image.new("RGB", (side, side), "#eef1f5")
    draw = ImageDraw.Draw(card)
    draw.rounded_rectangle((6, 6, side - 7, side - 7), radius=18, outline="#b4bfcc", width=3)
    _draw_torn_photo(draw, side // 2, 66)
    _write(draw, "No image", side, 114, size=36, colour="#2f3e50", lines=1)
    _write(draw, reason, side, 164, size=27, colour="#a33a2c", lines=3)
    _write(draw, name, side, 272, size=21, colour="#66748a", lines=1)
    return np.array(card)


def _draw_torn_photo(draw, x, y):
    """A little landscape in a frame with a tear through it, centred at (x, y)."""
    draw.rectangle((x - 52, y - 38, x + 52, y + 38), fill="white", outline="#7d8ca0", width=4)
    hills = [(-46, 33), (-18, -8), (2, 14), (20, -2), (46, 33)]
    draw.polygon([(x + dx, y + dy) for dx, dy in hills], fill="#9fb3c8")
    draw.ellipse((x + 18, y - 28, x + 34, y - 12), fill="#e3b23c")
    tear = [(-10, -46), (4, -18), (-8, 2), (6, 22), (-6, 46)]
    draw.line([(x + dx, y + dy) for dx, dy in tear], fill="#eef1f5", width=9, joint="curve")


def _write(draw, text, side, top, size, colour, lines):
    """Text centred on a card of the given side, wrapped to at most so many lines."""
    width = side - 36
    letters = int(width / (0.53 * size))  # the font's letters are about half as wide as high ...
    rows = textwrap.wrap(text, letters, max_lines=lines, placeholder=" ...")
    widest = max(map(ImageFont.load_default(size).getlength, rows), default=0)
    font = ImageFont.load_default(size * min(1, width / max(widest, 1)))  # ... and where they are wider, shrink
    for i, row in enumerate(rows):
        draw.text((side / 2, top + i * 1.2 * size), row, fill=colour, font=font, anchor="ma")
