"""Take a figure from each executed notebook into pictures/, small, for the README: `python -m tools.pictures`.

The notebooks are only read: run it after `make run`, and look at what it made. `make test` compares the pictures with
the notebooks.
"""

import base64
import io
import json
import sys

from PIL import Image, UnidentifiedImageError

from tools.editions import ROOT

PICTURES = ROOT / "pictures"
WIDTH, QUALITY = 640, 82
# Notebook: words of the code cell that draws the figure, and which of its figures it is.
FIGURES = {
    "RNN": ('for split in ("train", "val")', -1),
    "LSTM": ("forget bias", 0),
    "NetworkVisualization": ("create_fourier_visualization(label", -1),
    "StyleTransfer": ("paint(", 0),
    "GANs": ('draw("DCGAN", sample_noise(80', 0),
    "extras": ("Diffusion(", 1),
}


class PictureError(ValueError):
    """A notebook does not hold the figure looked for; the message says what to do."""


def figures(notebook, words):
    """The PIL images that the first code cell with `words` and a figure in it shows, in their order."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and words in "".join(cell["source"]):
            data = [output["data"] for output in cell["outputs"] if "data" in output]
            coded = [value for bundle in data for kind, value in bundle.items() if kind in ("image/png", "image/jpeg")]
            if coded:
                return [Image.open(io.BytesIO(base64.b64decode("".join(value)))) for value in coded]
    return []


def picture(name):
    """The picture of notebook `name`: RGB, at most WIDTH wide. Raises PictureError."""
    words, which = FIGURES[name]
    path = ROOT / "notebooks" / f"{name}.ipynb"
    try:
        image = figures(json.loads(path.read_text(encoding="utf-8")), words)[which].convert("RGB")
    except (IndexError, UnidentifiedImageError) as error:
        raise PictureError(
            f"{path.name} has no such figure in a cell with {words!r}: record it (make run), or name another cell in "
            "tools/pictures.py"
        ) from error
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    return image


def main():
    """Write all pictures; the exit status."""
    PICTURES.mkdir(exist_ok=True)
    for name in FIGURES:
        path = PICTURES / f"{name}.jpg"
        try:
            picture(name).save(path, quality=QUALITY, optimize=True)
        except PictureError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"pictures/{path.name}: {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
