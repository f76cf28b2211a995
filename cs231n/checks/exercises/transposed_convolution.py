"""The transposed convolution by hand, against torch's own in float64."""

import numpy as np

from ..authoring.answers import tensors, torch_calls, value_and_gradients
from ..authoring.inputs import random_arrays, upstream
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.idioms"


MANY = 250  # torch operations; a loop over the places of a kernel of 4 x 4 needs about 90


def _transpose_cases():
    def case(seed, dtype, x, weight, stride, padding):
        return *random_arrays(seed, dtype, x, weight), stride, padding

    return {
        "one pixel": case(231, np.float64, (1, 2, 1, 1), (2, 3, 3, 3), 1, 0),
        "stride 1, left to its default": case(232, np.float64, (2, 2, 3, 4), (2, 3, 2, 2), None, None),
        "stamps side by side": case(233, np.float64, (1, 2, 3, 2), (2, 1, 2, 2), 2, 0),
        "stamps that overlap, with padding": case(234, np.float64, (2, 2, 3, 4), (2, 3, 3, 3), 2, 1),
        "gaps between the stamps": case(235, np.float64, (1, 1, 2, 3), (1, 2, 2, 2), 3, 0),
        "as many channels out as in": case(236, np.float64, (1, 3, 3, 3), (3, 3, 2, 2), 1, 1),
        "float32": case(238, np.float32, (2, 3, 4, 4), (3, 2, 4, 4), 2, 1),
        "many pixels": case(237, np.float64, (1, 1, 20, 25), (1, 2, 3, 3), 2, 1),
    }


def _run_transpose(function, x, weight, stride, padding):
    x_t, weight_t = (a.requires_grad_() for a in tensors(x, weight))
    settings = () if stride is None else (stride, padding)
    with torch_calls() as calls:
        out = function(x_t, weight_t, *settings)
    if any(name.startswith("conv_transpose") for name in calls.names):
        raise Wrong("conv_transpose calls torch's own transposed convolution; here it is to be written by hand")
    if x.size >= 2 * MANY and len(calls.names) > MANY:
        raise Wrong(f"conv_transpose makes {len(calls.names)} torch operations for {x.shape[2]} x {x.shape[3]} pixels")
    (N, _, H, W), (_, F, K, _), (stride, padding) = x.shape, weight.shape, settings or (1, 0)
    shape = (N, F, *((side - 1) * stride + K - 2 * padding for side in (H, W)))
    inputs = {"gradient_x": x_t, "gradient_weight": weight_t}
    return value_and_gradients("conv_transpose", "out", out, shape, inputs)


conv_transpose = Method(
    "conv_transpose",
    f"{MODULE}:conv_transpose",
    run=_run_transpose,
    notebook="extras",
    minutes=20,
    cases=_transpose_cases,
    beyond={
        "many pixels": "It takes long for large pictures: loop over the places of the kernel, which are few, and stamp "
        "all pixels at once",
    },
    outputs=("out", "gradient_x", "gradient_weight"),
    hints=(
        "A convolution reads K x K pixels and writes one; its adjoint reads one and writes K x K. Pixel (h, w) adds "
        "x[n, :, h, w] times the kernel to the output, its top left corner at (h * stride, w * stride).",
        "Take one place (i, j) of the kernel at a time. All pixels' stamps there land at rows i, i + stride, ... and "
        "columns j, j + stride, ...: one strided slice of the output, H x W in size. Add, for stamps overlap.",
        'out[:, :, i : i + stride * H : stride, j : j + stride * W : stride] += torch.einsum("nchw,cf->nfhw", x, '
        "weight[:, :, i, j]), on an output of (H-1)*stride + K rows; then cut `padding` pixels off all four sides.",
    ),
)


@conv_transpose.oracle
def _(x, weight, stride, padding):
    import torch
    import torch.nn.functional as F

    x_t, weight_t = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, weight))
    out = F.conv_transpose2d(x_t, weight_t, stride=stride or 1, padding=padding or 0)
    gradients = torch.autograd.grad(out, (x_t, weight_t), torch.from_numpy(upstream(out.shape)))
    named = zip(("out", "gradient_x", "gradient_weight"), (out.detach(), *gradients))
    return {name: value.numpy() for name, value in named}


def _stamped(
    x, weight, stride=1, padding=0, *,
    kernel=lambda weight: weight, add=True, cut=lambda padding: (padding, padding),
):  # fmt: skip
    """A transposed convolution place by place; the switches make its known mistakes."""
    import torch

    weight = kernel(weight)
    (N, _, H, W), (_, F, K, _) = x.shape, weight.shape
    out = x.new_zeros(N, F, (H - 1) * stride + K, (W - 1) * stride + K)
    for i in range(K):
        for j in range(K):
            place = (..., slice(i, i + stride * H, stride), slice(j, j + stride * W, stride))
            stamps = torch.einsum("nchw,cf->nfhw", x, weight[:, :, i, j])
            out[place] = out[place] + stamps if add else stamps
    before, after = cut(padding)
    return out[:, :, before : out.shape[2] - after, before : out.shape[3] - after]


def _with_padding_added(x, weight, stride=1, padding=0):
    import torch.nn.functional as F

    return F.pad(_stamped(x, weight, stride), [padding] * 4)


def _convolved(x, weight, stride=1, padding=0):
    import torch.nn.functional as F

    return F.conv2d(x, weight.transpose(0, 1), stride=stride, padding=padding)


variants(
    conv_transpose,
    _stamped,
    {
        "the kernel is flipped: the stamp is the kernel as it is, not upside down": {
            "kernel": lambda weight: weight.flip(2, 3),
        },
        "rows and columns of the kernel are exchanged": {"kernel": lambda weight: weight.transpose(2, 3)},
        "the channels of the weight are read as (F, C), as in a convolution; here C comes first": {
            "kernel": lambda weight: weight.transpose(0, 1),
        },
        "stamps that overlap overwrite each other instead of adding up": {"add": False},
        "the padding is not cut off": {"cut": lambda padding: (0, 0)},
        "the padding is added around the output instead of cut off": _with_padding_added,
        "the padding is cut off twice at the bottom and right, and not at the top and left": {
            "cut": lambda padding: (0, 2 * padding),
        },
        "the stride is ignored: the stamps are one pixel apart": (
            lambda x, weight, stride=1, padding=0: _stamped(x, weight, 1, padding)
        ),
        "it is a convolution, which makes the picture smaller, and not its adjoint": _convolved,
        "no gradient reaches the weight: it was detached on the way": {"kernel": lambda weight: weight.detach()},
    },
)
