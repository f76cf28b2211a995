"""Take a figure from each executed notebook into pictures/, small, for the README: `python -m tools.pictures`.

The notebooks are only read: run it after `make run`, and look at what it made. `make test` compares the pictures with
the notebooks.
"""

import base64
import io
import json
import sys

from PIL import Image

from tools.editions import ROOT

PICTURES = ROOT / "pictures"
WIDTH, QUALITY = 640, 82
KINDS = ("png", "jpeg")
# What the README and the site show. Notebook: words of the cell that draws the figure, and which of its figures it is.
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


def figure(name, notebook):
    """(bytes, "png" or "jpeg", alternative text) of the figure that stands for notebook `name`. Raises PictureError.

    notebook: what its file holds, as dicts.
    """
    words, which = FIGURES[name]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and words in "".join(cell["source"]):
            outputs = [output for output in cell["outputs"] if "data" in output]
            shown = [(kind, output) for output in outputs for kind in KINDS if f"image/{kind}" in output["data"]]
            if shown[which:]:
                kind, output = shown[which]
                alt = output["metadata"].get(f"image/{kind}", {}).get("alt", "")
                return base64.b64decode("".join(output["data"][f"image/{kind}"])), kind, alt
    raise PictureError(
        f"{name}.ipynb has no such figure in a cell with {words!r}: record it (make run), or name another cell in "
        "tools/pictures.py"
    )


def picture(name):
    """The picture of notebook `name`: RGB, at most WIDTH wide. Raises PictureError."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    content, *_ = figure(name, json.loads(path.read_text(encoding="utf-8")))
    image = Image.open(io.BytesIO(content)).convert("RGB")
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
