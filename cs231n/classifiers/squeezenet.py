"""SqueezeNet 1.1 trained on ImageNet: the network the notebooks look into, there without a download.

Source: Iandola et al. 2016, SqueezeNet: AlexNet-level accuracy with 50x fewer parameters,
https://arxiv.org/abs/1602.07360
"""

from pathlib import Path

import safetensors.torch
import torch

from ..datasets import DATASETS, choose

MINI = DATASETS / "mini" / "squeezenet1_1_fp16.safetensors"
CHECKPOINT = "squeezenet1_1-b8a52dc0.pth"  # the name torchvision gives its download


def default_device():
    """The fastest device here: an NVIDIA card, else Apple's GPU, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load_squeezenet(device=None, weights=None):
    """torchvision's squeezenet1_1 with trained weights, in eval mode and frozen; downloads nothing.

    It takes images (N, 3, H, W), float32 RGB normalised as in image_utils, and gives class scores (N, 1000).

    device: where the model goes, default_device() if None.
    weights: a .safetensors or .pth file. If None, CS231N_DATA chooses between torchvision's checkpoint, in
        datasets/ or torch's cache (see TORCH_HOME), and the half-precision weights in datasets/mini.
    The model's attribute `weights_source` says which weights it has.
    Raises FileNotFoundError for missing weights, ValueError for a file that does not hold this network.
    """
    import torchvision  # late, for it takes seconds to import, and a training run does without

    device = default_device() if device is None else torch.device(device)
    path = find_weights() if weights is None else Path(weights)
    with torch.device("meta"):  # nothing is initialised only to be replaced, and no random number is drawn
        model = torchvision.models.squeezenet1_1(weights=None)
    model.load_state_dict(_read_state(path, model.state_dict()), assign=True)
    model.weights_source = _describe(path)
    return model.requires_grad_(False).eval().to(device)


def find_weights():
    """Path of the weights that CS231N_DATA asks for; FileNotFoundError if they are not on this machine."""
    places = [DATASETS / CHECKPOINT, Path(torch.hub.get_dir(), "checkpoints", CHECKPOINT)]
    return choose(next(filter(Path.exists, places), places[0]), MINI, "squeezenet")


def _read_state(path, expected):
    """The float32 state_dict in the file, its names and shapes checked against `expected`."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path}; {_remedy(path)}")
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    except Exception as error:  # either reader raises many kinds for a damaged file
        reason = str(error).partition("\n")[0][:150] or type(error).__name__
        raise ValueError(f"{path} cannot be read as weights ({reason}); {_remedy(path)}") from error
    _check_shapes(path, shapes, {name: tuple(tensor.shape) for name, tensor in expected.items()})
    return {name: _as_float(path, name, tensor) for name, tensor in state.items()}


def _check_shapes(path, found, expected):
    for name in sorted(expected.keys() | found.keys(), key=str):  # a foreign file may have names of any kind
        got, want = found.get(name, "absent"), expected.get(name, "absent")
        if got != want:
            raise ValueError(f"{path} does not hold SqueezeNet 1.1: {name} is {got}, should be {want}; {_remedy(path)}")


def _as_float(path, name, tensor):
    """The weights in float32; ValueError if they are other than finite floating-point numbers, all of them there."""
    if tensor.is_floating_point() and tensor.layout is torch.strided and tensor.device.type == "cpu":
        tensor = tensor.float()
        if tensor.isfinite().all():
            return tensor
    raise ValueError(f"{path} does not hold SqueezeNet 1.1: {name} is not an array of finite numbers; {_remedy(path)}")


def _remedy(path):
    if path == MINI:
        return f"{path.name} ships with the course: copy datasets/mini afresh from where you got it"
    return "delete it if it is there, then run ./get_datasets.sh squeezenet, or set CS231N_DATA=mini"


def _describe(path):
    if path == MINI:
        return f"mini: DeepScale's ImageNet weights in half precision ({path.name})"
    return f"{'full: torchvision' if path.name == CHECKPOINT else 'your own'} weights ({path})"
