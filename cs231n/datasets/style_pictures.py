"""Pictures to paint, and pictures to paint them like: names, and where the files lie on this machine."""

from pathlib import Path

import skimage

from . import DATASETS, choose

MINI = DATASETS / "mini" / "styles"
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "galaxies": "hubble_deep_field.jpg",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
PAINTINGS = {"starry_night": "night_sky", "the_scream": "fjord", "composition_vii": "composition"}  # name: stand-in
PAINTED = (*PAINTINGS.values(), "stained_glass", "mosaic")


def photo_path(name):
    """The photo of that name (see PHOTOS), one of those that scikit-image brings along; ValueError if there is none."""
    if name not in PHOTOS:
        raise ValueError(f"there is no photo {name!r}; there are {', '.join(PHOTOS)}")
    return Path(skimage.__file__).parent / "data" / PHOTOS[name]


def style_path(name):
    """The style picture of that name: a painting (see PAINTINGS), or one that ships (see PAINTED).

    CS231N_DATA chooses between a painting that was fetched and the picture of ours that stands in for it.
    Raises ValueError for an unknown name, FileNotFoundError for a painting that was asked for and is not there.
    """
    if name in PAINTINGS:
        return choose(DATASETS / "styles" / f"{name}.jpg", MINI / f"{PAINTINGS[name]}.jpg", "styles")
    if name not in PAINTED:
        raise ValueError(f"there is no style picture {name!r}; there are {', '.join((*PAINTINGS, *PAINTED))}")
    return MINI / f"{name}.jpg"
