"""Photos with ImageNet labels: the assignment's 25 once they are fetched, else some that come with Python packages."""

import importlib.util
import operator
import pickle
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from .datasets import DATASETS, choose
from .image_utils import load_image

REAL = DATASETS / "imagenet_val_25.npz"
MAX_BYTES = 2**28  # of a file's member; the real ones have 4 MB
CRANE = {134: "crane"}  # the bird; the fetched names lack it

# (package, file in it, box or None for all of it, label): photos that show one of ImageNet's 1000 classes, and of
# these the part that shows it. The motorcycle has no class of its own; the moped's is the nearest.
PHOTOS = (
    ("skimage", "data/chelsea.png", None, 282),  # tiger cat
    ("skimage", "data/coffee.png", None, 967),  # espresso
    ("skimage", "data/camera.png", (80, 60, 480, 460), 872),  # tripod
    ("skimage", "data/motorcycle_left.png", (160, 20, 630, 490), 665),  # moped
    ("sklearn", "datasets/images/china.jpg", (80, 71, 310, 301), 698),  # palace
    ("skimage", "data/rocket.jpg", (245, 0, 545, 300), 657),  # missile
)


def load_imagenet_val(num=None):
    """Photos, labels and the names of all classes: X uint8 (num, 224, 224, 3) RGB, y int64 (num,), {int: str}.

    CS231N_DATA chooses between the 25 photos of ImageNet's validation set (./get_datasets.sh imagenet) and the six of
    PHOTOS; imagenet_source() tells which. num: only so many, at most all there are.
    Raises FileNotFoundError for missing photos, ValueError for a damaged file.
    """
    if num is not None and operator.index(num) < 1:
        raise ValueError(f"num is {num}; it must be at least 1, or None for all photos")
    X, y, class_names = _read_real(REAL) if _use_real() else _offline()
    return X[:num], y[:num], class_names


def imagenet_source():
    """Which photos load_imagenet_val gives, in words."""
    if _use_real():
        return f"full: 25 photos of ImageNet's validation set (datasets/{REAL.name})"
    return f"mini: {len(PHOTOS)} photos from scikit-image and scikit-learn, with ImageNet labels"


def _use_real():
    shipped = Path(__file__)  # stands for the photos in the packages, which are looked for when they are read
    return choose(REAL, shipped, "imagenet") == REAL


# Offline ----------------------------------------------------------------------------------------------------


def _offline():
    from torchvision.models import SqueezeNet1_1_Weights  # late, for torchvision takes seconds to import

    X = np.stack([_photo(package, file, box) for package, file, box, _ in PHOTOS])
    y = np.array([label for *_, label in PHOTOS])
    return X, y, dict(enumerate(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])) | CRANE


def _photo(package, file, box):
    """(224, 224, 3): a part of a package's photo, resized and cropped as torchvision does for its networks."""
    from torchvision.transforms import functional as TF

    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec else Path(package)
    if not (folder / file).is_file():
        raise FileNotFoundError(f"there is no {folder / file}; install {package} as requirements.txt says, or run "
                                "./get_datasets.sh imagenet for other photos")  # fmt: skip
    image = Image.fromarray(load_image(folder / file)).crop(box)
    return np.array(TF.center_crop(TF.resize(image, 256), 224))


# The fetched file -------------------------------------------------------------------------------------------


def _read_real(path):
    """X, y, class_names of imagenet_val_25.npz; a ValueError if it is not what it should be."""
    try:
        with zipfile.ZipFile(path) as archive:
            X, y = (_read_member(archive, name, np.load) for name in ("X.npy", "y.npy"))
            class_names = _read_member(archive, "label_map.npy", _read_label_map)
        _check_real(X, y, class_names)
    except Exception as error:  # a damaged archive raises of many kinds
        reason = str(error).partition("\n")[0][:150] or type(error).__name__
        raise ValueError(f"{path} is damaged or another file ({reason}); delete it and run ./get_datasets.sh imagenet, "
                         "or set CS231N_DATA=mini") from error  # fmt: skip
    return X, y.astype(np.int64), dict(sorted((CRANE | class_names).items()))


def _read_member(archive, name, read):
    if archive.getinfo(name).file_size > MAX_BYTES:
        raise ValueError(f"{name} would unpack to more than {MAX_BYTES >> 20} MiB")
    with archive.open(name) as file:
        return read(file)


def _check_real(X, y, class_names):
    if X.dtype != np.uint8 or X.ndim != 4 or X.shape[1:] != (224, 224, 3) or not len(X):
        raise ValueError(f"X is {X.dtype} {X.shape}, not uint8 (N, 224, 224, 3)")
    if y.shape != X.shape[:1] or y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() <= 999:
        raise ValueError(f"y does not hold one label in 0..999 for each of {len(X)} photos")
    missing = set(range(1000)) - class_names.keys() - CRANE.keys()
    if missing:
        raise ValueError(f"class {min(missing)} has no name")


def _read_label_map(file):
    """{int: str} out of the pickle in an .npy file, without running what a pickle may contain."""
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, dtype = header(file)
    if shape != () or not dtype.hasobject:
        raise ValueError("label_map is not one pickled dict")
    names = _NamesUnpickler(file).load().content
    if not isinstance(names, dict) or {type(key) for key in names} - {int}:
        raise ValueError("label_map is not a dict from int to str")
    return {label: _text(name) for label, name in names.items()}


class _Inert:
    """Stands for an array, a dtype or a string of numpy's in a pickle: keeps what it is given and does nothing."""

    def __init__(self, *given):
        self.given, self.content = given, None

    def __setstate__(self, state):
        self.content = state[-1][0] if state and isinstance(state[-1], list) else None


class _NamesUnpickler(pickle._Unpickler):
    """Reads the pickled names of classes; any other global than those they need is refused.

    The slower unpickler in Python: the one in C lets a crafted file ask for memory without end.
    """

    KNOWN = {
        ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),
        ("numpy", "dtype"): _Inert,
        ("numpy", "ndarray"): _Inert,
        ("numpy.core.multiarray", "_reconstruct"): _Inert,  # as numpy 1 writes it
        ("numpy.core.multiarray", "scalar"): _Inert,
        ("numpy._core.multiarray", "_reconstruct"): _Inert,  # as numpy 2 does
        ("numpy._core.multiarray", "scalar"): _Inert,
    }

    def find_class(self, module, name):
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"its pickle asks for {module}.{name}, which names of classes do not need")
        return self.KNOWN[module, name]


def _text(name):
    """A str, or the text in numpy's pickled one: (dtype, UTF-32 bytes)."""
    if isinstance(name, _Inert) and len(name.given) == 2 and isinstance(name.given[1], bytes):
        name = name.given[1].decode("utf-32-le").rstrip("\0")
    if not isinstance(name, str):
        raise ValueError("label_map holds something else than text")
    return name
