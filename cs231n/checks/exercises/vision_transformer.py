"""The Vision Transformer: patches against torch's unfold, and the whole against torch.nn's own encoder layers."""

import numpy as np

from ..authoring.answers import array_of, attached, tensors
from ..authoring.inputs import random_arrays
from ..authoring.networks import filled
from ..authoring.variants import variants
from ..todo import Method
from .attention import attend, torch_heads

MODULE = "cs231n.vision_transformer"


# Patches ----------------------------------------------------------------------------------------------------


def _patch_cases():
    def case(seed, size, *shape, dtype=np.float64):
        return *random_arrays(seed, dtype, shape), size

    return {
        "two images of two channels": case(431, 2, 2, 2, 4, 6),
        "as many patches along a side as pixels in one": case(432, 3, 1, 3, 9, 9),
        "one channel": case(433, 2, 3, 1, 4, 4),
        "one patch": case(434, 3, 2, 2, 3, 3),
        "patches of one pixel": case(435, 1, 2, 3, 2, 3),
        "float32": case(436, 2, 2, 3, 6, 4, dtype=np.float32),
    }


def _run_patches(function, images, size):
    return {"patches": array_of("the patches", function(*tensors(images), size))}


patchify = Method(
    "patchify",
    f"{MODULE}:patchify",
    run=_run_patches,
    notebook="extras",
    minutes=12,
    cases=_patch_cases,
    float32_suffices=True,
    outputs=("patches",),
    hints=(
        "reshape can cut H into two axes, which of the H / size bands and which of its size rows, and W likewise: six "
        "axes in all. None of that moves a number in memory.",
        "What counts patches must stand together, and before what counts the numbers within one: bands, columns of "
        "patches, then channel, row, column. permute brings the axes into that order; only then may reshape merge.",
        "cut = images.reshape(N, C, H // size, size, W // size, size); "
        "return cut.permute(0, 2, 4, 1, 3, 5).reshape(N, -1, C * size * size)",
    ),
)


@patchify.oracle
def _(images, size):
    import torch.nn.functional as F

    (images,) = tensors(images.astype(np.float64))
    return {"patches": F.unfold(images, size, stride=size).transpose(1, 2).numpy()}


def _patches(images, size, *, order=(0, 2, 4, 1, 3, 5)):
    """The answer with switches for mistakes; order: of N, C, band, row, column of patches, column."""
    N, C, H, W = images.shape
    cut = images.reshape(N, C, H // size, size, W // size, size).permute(order)
    return cut.reshape(N, -1, C * size * size)


def _by_channel(images, size):
    """One patch a channel, as if each channel were an image."""
    return _patches(images, size, order=(0, 1, 2, 4, 3, 5)).reshape(len(images), -1, size * size)


def _overlapping(images, size):
    squares = images.unfold(2, size, 1).unfold(3, size, 1)  # (N, C, rows, columns, size, size)
    return squares.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


variants(
    patchify,
    _patches,
    {
        "the numbers are merged as they lie, without a permute: a row of the result is no square of the image": {
            "order": (0, 1, 2, 3, 4, 5),
        },
        "patch and pixel are exchanged: each row takes every n-th pixel of the whole image": {
            "order": (0, 3, 5, 1, 2, 4),
        },
        "the patches come column by column, where they should come row by row": {"order": (0, 4, 2, 1, 3, 5)},
        "the pixels within a patch come column by column: each patch is transposed": {"order": (0, 2, 4, 1, 5, 3)},
        "the channels come last within a patch, where they should come first": {"order": (0, 2, 4, 3, 5, 1)},
        "the channels are taken for patches: each channel makes patches of its own": {"order": (0, 1, 2, 4, 3, 5)},
        "each channel makes patches of its own, size * size numbers wide": _by_channel,
        "the result is (N, numbers, patches), as unfold gives it; the patches belong in front": (
            lambda images, size: _patches(images, size).transpose(1, 2)
        ),
        "the patches overlap: they start at every pixel": _overlapping,
    },
)  # fmt: skip


# The whole --------------------------------------------------------------------------------------------------

CLASSES, HEADS = 3, 2


def _vit_cases():
    def case(seed, N, C, side, size, E, layers=1, dtype=np.float64):
        return *random_arrays(seed, dtype, (N, C, side, side)), size, E, layers

    return {
        "four patches, one layer": case(441, 2, 1, 4, 2, 6),
        "two layers": case(442, 3, 1, 6, 3, 4, layers=2),
        "as many images as words, two channels": case(443, 5, 2, 4, 2, 4),
        "one image": case(444, 1, 1, 4, 2, 4),
        "one patch": case(445, 2, 1, 3, 3, 4),
        "float32": case(446, 2, 1, 4, 2, 6, layers=2, dtype=np.float32),
    }


def _model(images, size, E, layers, dtype=np.float64):
    from ...vision_transformer import VisionTransformer

    C, side = images.shape[1:3]
    return filled(VisionTransformer(side, size, C, CLASSES, E, HEADS, layers), 45, dtype)


def _run_vit(function, images, size, E, layers):
    scores = function(_model(images, size, E, layers, images.dtype), *tensors(images))
    return {"scores": attached("the scores of VisionTransformer", scores)}


vision_transformer = Method(
    "vision_transformer",
    f"{MODULE}:VisionTransformer.forward",
    run=_run_vit,
    needs=("multi_head_attention", "patchify"),
    notebook="extras",
    minutes=15,
    cases=_vit_cases,
    float32_suffices=True,
    outputs=("scores",),
    hints=(
        "class_token is (1, 1, E), one word; every image of the batch needs it: expand(N, -1, -1). torch.cat along "
        "dim=1 then sets it in front of the patches. positions has a row for it, too, the first.",
        "After the last block, words is (N, 1 + S, E). Of this, only words[:, 0] is scored, normalised by self.norm.",
        "words = torch.cat((self.class_token.expand(len(images), -1, -1), self.project(patchify(images, "
        "self.patch_size))), dim=1) + self.positions; for block in self.blocks: words = block(words); "
        "return self.head(self.norm(words)[:, 0])",
    ),
)


def _torch_block(block):
    """torch.nn.TransformerEncoderLayer with a block's weights."""
    import torch

    hidden, E = block.mlp[0].weight.shape
    settings = {"activation": "gelu", "norm_first": True, "batch_first": True, "dtype": torch.float64}
    twin = torch.nn.TransformerEncoderLayer(E, HEADS, hidden, dropout=0.0, **settings)
    twin.self_attn = torch_heads(block.attention, HEADS)
    parts = {"linear1": block.mlp[0], "linear2": block.mlp[2], "norm1": block.norm1, "norm2": block.norm2}
    for name, part in parts.items():
        getattr(twin, name).load_state_dict(part.state_dict())
    return twin


@vision_transformer.oracle
def _(images, size, E, layers):
    """The patches and their projection are one convolution, as in the authors' code."""
    import torch
    import torch.nn.functional as F

    model, (x,) = _model(images, size, E, layers), tensors(images.astype(np.float64))
    with torch.no_grad():
        kernel = model.project.weight.view(E, images.shape[1], size, size)
        patches = F.conv2d(x, kernel, model.project.bias, stride=size).flatten(2).transpose(1, 2)
        words = torch.stack([torch.cat((model.class_token[0], own)) + model.positions[0] for own in patches])
        for block in model.blocks:
            words = _torch_block(block)(words)
        return {"scores": model.head(model.norm(words[:, 0])).numpy()}


def _block(block, x):
    seen = block.norm1(x)
    x = x + attend(block.attention, seen, seen, seen)
    return x + block.mlp(block.norm2(x))


def _front(token, patches):
    import torch

    return torch.cat((token.expand(len(patches), -1, -1), patches), dim=1)


def _vit(
    self, images, *,
    cut=_patches, token=_front, place=lambda words, positions: words + positions,
    through=lambda blocks: blocks, norm=True, read=lambda words: words[:, 0], end=lambda self, x: self.head(x),
):  # fmt: skip
    """The answer with switches for mistakes."""
    words = token(self.class_token, self.project(cut(images, self.patch_size)))
    words = place(words, self.positions)
    for block in through(self.blocks):
        words = _block(block, words)
    return end(self, read(self.norm(words) if norm else words))


def _patches_only(words, positions):
    import torch

    return torch.cat((words[:, :1], words[:, 1:] + positions[:, 1:]), dim=1)


def _behind(token, patches):
    import torch

    return torch.cat((patches, token.expand(len(patches), -1, -1)), dim=1)


variants(
    vision_transformer,
    _vit,
    {
        "positions is left out: a picture is a bag of patches": {"place": lambda words, positions: words},
        "positions is added to the patches only, before the class token came in front": {"place": _patches_only},
        "positions is added a second time": {"place": lambda words, positions: words + 2 * positions},
        "class_token stands behind the patches, and the first patch is scored": {"token": _behind},
        "class_token stands behind the patches, where its position is another's": {
            "token": _behind, "read": lambda words: words[:, -1],
        },
        "the last patch is scored, not the class token": {"read": lambda words: words[:, -1]},
        "the first patch is scored, not the class token": {"read": lambda words: words[:, 1]},
        "the mean of all words is scored; a fair design, but not the one asked for": {
            "read": lambda words: words.mean(dim=1),
        },
        "the mean of the patches is scored, without the class token": {"read": lambda words: words[:, 1:].mean(dim=1)},
        "class_token is added to each patch's words instead of standing in front": {
            "token": lambda token, patches: _front(token, patches + token),
        },
        "zeros stand in front instead of class_token": {"token": lambda token, patches: _front(0 * token, patches)},
        "self.norm is left out": {"norm": False},
        "only the first block is used": {"through": lambda blocks: blocks[:1]},
        "the blocks are left out": {"through": lambda blocks: ()},
        "the blocks run in the opposite order": {"through": lambda blocks: list(blocks)[::-1]},
        "every word is scored, (N, 1 + S, classes)": {"read": lambda words: words},
        "these are probabilities; the loss wants the scores, and takes the softmax itself": {
            "end": lambda self, x: self.head(x).softmax(dim=1),
        },
        "self.head is left out": {"end": lambda self, x: x},
    },
)  # fmt: skip
