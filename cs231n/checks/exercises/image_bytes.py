"""A picture from the bytes of its file, against the pixels that were encoded."""

import io
from unittest import mock

import numpy as np

from ..authoring.variants import mistakes
from ..compare import close
from ..todo import Method, Wrong

MODULE = "cs231n.idioms"


PALETTE = np.array([[250, 20, 40], [10, 200, 90], [0, 30, 255], [255, 255, 120]], dtype=np.uint8)


def _image_cases():
    rng = np.random.default_rng(241)
    colour, grey = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8), rng.integers(0, 256, (5, 8), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 255], dtype=np.uint8), size=(6, 9, 1))
    large = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)  # long enough to be cut in the middle of its pixels
    return {
        "a colour picture": (colour, "RGB", None),
        "a grey picture": (grey, "L", None),
        "a picture with alpha": (np.concatenate((colour, alpha), axis=2), "RGBA", None),
        "a palette of four colours": (grey % len(PALETTE), "P", None),
        "a single pixel": (colour[:1, :1], "RGB", None),
        "bytes that are no image": (colour, "RGB", "no image"),
        "a file cut short": (large, "RGB", "cut short"),
    }


def _encoded(pixels, mode, damage):
    """The bytes of a PNG file of these pixels; damage: None, "no image" or "cut short"."""
    from PIL import Image

    if damage == "no image":
        return b"404: there is no picture at this address"
    image = Image.fromarray(pixels)  # (H, W) is L, (H, W, 3) RGB, (H, W, 4) RGBA
    if mode == "P":
        image.putpalette(PALETTE.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()[: file.tell() // 2 if damage else None]


class OtherError(Wrong):
    """Raised when an answer lets an error out that is no ValueError; not to be confused with one that lets none."""


def _run_image(function, pixels, mode, damage):
    data = _encoded(pixels, mode, damage)
    if damage:
        _check_refused(function, data, damage)
        return {"refused": True}
    image = function(data)
    if isinstance(image, np.ndarray) and image.dtype != np.uint8 and close(image, _picture(pixels, mode)):
        raise Wrong(f"the image is {image.dtype}; it must be uint8, as pictures are stored and shown")
    return {"image": image}


def _check_refused(function, data, damage):
    wanted = f"image_from_bytes must raise ValueError for a file that is {damage}"
    try:
        function(data)
    except ValueError as error:
        if str(error):
            return
        raise Wrong("the ValueError must say what is wrong with the bytes; its message is empty") from error
    except NotImplementedError:  # a TODO that is not written yet
        raise
    except Exception as error:
        raise OtherError(f"{wanted}; it raised {type(error).__name__}") from error
    raise Wrong(f"{wanted}; it raised nothing")


image_from_bytes = Method(
    "image_from_bytes",
    f"{MODULE}:image_from_bytes",
    run=_run_image,
    notebook="extras",
    minutes=10,
    cases=_image_cases,
    outputs=("image",),
    hints=(
        "Image.open takes a file name or anything that reads like a file, and io.BytesIO(data) does. Pictures come in "
        "many modes; to_rgb, imported from image_utils, makes RGB of them all.",
        "Image.open reads the header alone, and image.load() the pixels: both belong into the try. What they raise is "
        "no ValueError for the most part, so catch Exception and raise ValueError(...) from it.",
        "try: image = Image.open(io.BytesIO(data)); image.load() - except Exception as error: raise ValueError(f'not "
        "a readable image: {error}') from error - return np.array(to_rgb(image))",
    ),
)


@image_from_bytes.oracle
def _(pixels, mode, damage):
    return {"refused": True} if damage else {"image": _picture(pixels, mode)}


def _picture(pixels, mode):
    """The pixels as RGB, worked out in numpy: transparent ones are white."""
    if mode == "P":
        return PALETTE[pixels]
    if mode == "L":
        return np.stack([pixels] * 3, axis=2)
    return np.where(pixels[:, :, 3:] == 0, 255, pixels[:, :, :3]).astype(np.uint8) if mode == "RGBA" else pixels


def _opened(data):
    """A decoded Pillow image in whatever mode it has; a ValueError if there is none."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception as error:
        raise ValueError("not a readable image") from error
    return image


def _rgb_of(data):
    return np.array(_on_white(_opened(data)))


def _on_white(image):
    from PIL import Image

    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


mistakes(
    image_from_bytes,
    {
        "the picture is not made RGB: a grey one is (H, W), one with alpha has a fourth channel": (
            lambda data: np.array(_opened(data))
        ),
        "every picture gets an alpha channel: (H, W, 4)": lambda data: np.array(_opened(data).convert("RGBA")),
        "the alpha channel is just dropped, so that colours hidden under transparency come to light": (
            lambda data: np.array(_opened(data).convert("RGBA"))[:, :, :3]
        ),
        "the channels are in the order blue, green, red": lambda data: _rgb_of(data)[:, :, ::-1],
        "the pixels are scaled to 0..1": lambda data: _rgb_of(data) / 255,
        "the pixels are in 0..255, but as floats": lambda data: _rgb_of(data).astype(np.float32),
        "the picture is upside down: an image's first row is its top": lambda data: _rgb_of(data)[::-1],
        "the axes are (W, H, 3): Pillow's size is (width, height), an array has its rows first": (
            lambda data: _rgb_of(data).swapaxes(0, 1)
        ),
    },
)


@image_from_bytes.mistake("Pillow's own errors go out to the caller, and they are no ValueError")
def _(data):
    from PIL import Image

    return np.array(_on_white(Image.open(io.BytesIO(data))))


@image_from_bytes.mistake("only Image.open is guarded, but a cut shows later, when the pixels are decoded")
def _(data):
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
    except Exception as error:
        raise ValueError("not an image") from error
    return np.array(_on_white(image))


@image_from_bytes.mistake("a file cut short passes for a picture: LOAD_TRUNCATED_IMAGES fills in what is missing")
def _(data):
    with mock.patch("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True):
        return _rgb_of(data)


@image_from_bytes.mistake("errors are swallowed: a black picture comes back where there is none")
def _(data):
    try:
        return _rgb_of(data)
    except ValueError:
        return np.zeros((8, 8, 3), dtype=np.uint8)
