"""Style transfer's four losses, each against its closed form, and so are their gradients."""

import numpy as np

from ..authoring.answers import loss_and_gradients, tensors, torch_calls, weighted_sum
from ..authoring.inputs import random_arrays, upstream
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.style_transfer_pytorch"


def channels_last(images):
    """The same numbers (N, C, H, W), those of a pixel side by side in memory: so style_transfer has its features."""
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


MEMORY = {
    "channels last in memory": "In style_transfer this raises: images and features lie there with the channels last in "
    "memory. .reshape takes every layout, .view does not.",
}


# Content ----------------------------------------------------------------------------------------------------


def _content_cases():
    def case(seed, dtype, weight, *shape):
        return weight, *random_arrays(seed, dtype, shape, shape)

    return {
        "one layer's features": case(81, np.float64, 0.25, 1, 4, 3, 5),
        "one pixel": case(82, np.float64, 3.0, 1, 6, 1, 1),
        "channels last in memory": (0.5, *map(channels_last, case(84, np.float64, 0.5, 1, 3, 4, 2)[1:])),
        "float32": case(83, np.float32, 0.06, 1, 5, 4, 4),
    }


def _run_content(function, content_weight, content_current, content_original):
    current, original = tensors(content_current, content_original)
    loss = function(content_weight, current.requires_grad_(), original)
    return loss_and_gradients("content_loss", loss, {"gradient": current})


content_loss = Method(
    "content_loss",
    f"{MODULE}:content_loss",
    run=_run_content,
    float32_suffices=True,
    beyond=MEMORY,
    notebook="StyleTransfer",
    minutes=3,
    cases=_content_cases,
    outputs=("loss", "gradient"),
    hints=(
        "Subtract, square, add everything up, multiply by the weight. No reshape is needed: sum() without arguments "
        "adds up all elements, whatever the shape.",
        "content_weight * ((content_current - content_original) ** 2).sum()",
    ),
)


@content_loss.oracle
def _(content_weight, content_current, content_original):
    difference = content_current - content_original
    return {"loss": content_weight * np.sum(difference**2), "gradient": 2 * content_weight * difference}


def _content(weight, current, original, *, size=lambda off: off.square().sum()):
    """content_loss with a switch for mistakes."""
    return weight * size(current - original)


variants(
    content_loss,
    _content,
    {
        "the squared differences are averaged instead of added up": {"size": lambda off: off.square().mean()},
        "the sum is halved: the paper has the factor 1/2, the assignment has not": {
            "size": lambda off: off.square().sum() / 2,
        },
        "the weight is left out": lambda weight, *features: _content(1, *features),
        "the differences are not squared: it is the sum of their absolute values": {
            "size": lambda off: off.abs().sum(),
        },
        "the root of the sum is taken: a distance, where its square is wanted": {"size": lambda off: off.norm()},
        "the weight is squared together with the difference": (
            lambda weight, current, original: (weight * (current - original)).square().sum()
        ),
    },
)


# Gram matrix ------------------------------------------------------------------------------------------------


def _gram_cases():
    def case(seed, dtype, normalize, *shape):
        return *random_arrays(seed, dtype, shape), normalize

    features, _ = case(94, np.float64, None, 1, 4, 5, 3)
    return {
        "one image": case(91, np.float64, True, 1, 3, 4, 5),
        "two images": case(92, np.float64, True, 2, 5, 3, 2),
        "one channel, one pixel": case(96, np.float64, True, 1, 1, 1, 1),
        "not normalised": case(93, np.float64, False, 2, 3, 4, 2),
        "normalize left to its default": (features, None),
        "channels last in memory": (channels_last(features), True),
        "float32": case(95, np.float32, True, 1, 6, 4, 4),
    }


def _run_gram(function, features, normalize):
    import torch

    (x,) = tensors(features)
    x.requires_grad_()
    gram = function(x) if normalize is None else function(x, normalize)
    if not isinstance(gram, torch.Tensor):
        raise Wrong(f"gram_matrix must return a torch tensor, not {type(gram).__name__}")
    outputs, (N, C) = {"gram": gram.detach().numpy()}, features.shape[:2]
    if gram.shape == (N, C, C) and gram.is_floating_point():
        outputs["gradient"] = loss_and_gradients("gram_matrix", weighted_sum(gram), {"gradient": x})["gradient"]
    return outputs


gram_matrix = Method(
    "gram_matrix",
    f"{MODULE}:gram_matrix",
    run=_run_gram,
    float32_suffices=True,
    beyond=MEMORY,
    notebook="StyleTransfer",
    minutes=10,
    cases=_gram_cases,
    outputs=("gram", "gradient"),
    hints=(
        "Write all pixels of a channel in a row: (N, C, H, W) becomes a matrix (N, C, H*W) for each image. G[n, i, j] "
        "is the dot product of the rows i and j.",
        "All dot products at once are one product of the matrix with its transpose; torch multiplies the N matrices of "
        "a batch side by side. Swap the last two axes with .transpose(1, 2), not with a reshape.",
        "F = features.reshape(N, C, H * W); gram = F @ F.transpose(1, 2); divide by H * W * C if normalize.",
    ),
)


@gram_matrix.oracle
def _(features, normalize):
    N, C, H, W = features.shape
    size = 1 if normalize is False else H * W * C
    dgram = upstream((N, C, C))
    both = dgram + dgram.transpose(0, 2, 1)
    return {
        "gram": np.einsum("nihw,njhw->nij", features, features) / size,
        "gradient": (np.einsum("nij,njhw->nihw", both, features) / size).astype(features.dtype),
    }


def _gram(
    features, normalize=True, *, product=lambda rows: rows @ rows.mT, size=lambda N, C, H, W: C * H * W,
):  # fmt: skip
    """gram_matrix with switches for mistakes; product: of the channels' rows (N, C, H*W)."""
    gram = product(features.flatten(2))
    return gram / size(*features.shape) if normalize else gram


def _in_columns(rows):
    """Not a transpose."""
    return rows.reshape(len(rows), -1, rows.shape[1])


def _centred(rows):
    return rows - rows.mean(dim=2, keepdim=True)


variants(
    gram_matrix,
    _gram,
    {
        "it is not divided by H*W*C although normalize is True": {"size": lambda N, C, H, W: 1},
        "it is divided by H*W*C although normalize is False": lambda features, normalize=True: _gram(features),
        "it is divided by the number of pixels H*W alone": {"size": lambda N, C, H, W: H * W},
        "it is divided by the number of channels C alone": {"size": lambda N, C, H, W: C},
        "it is divided by C*C, the size of the result, instead of H*W*C": {"size": lambda N, C, H, W: C * C},
        "it is divided by N*H*W*C: the images of a batch have nothing to do with each other": {
            "size": lambda N, C, H, W: N * C * H * W,
        },
        "the batch dimension is missing: the result of the first image alone, (C, C)": (
            lambda features, *normalize: _gram(features, *normalize)[0]
        ),
        "the images of the batch are added up into one matrix": (
            lambda features, *normalize: _gram(features, *normalize).sum(dim=0)
        ),
        "pixels are compared instead of channels: F^T F, with a row and a column for every pixel": {
            "product": lambda rows: rows.mT @ rows,
        },
        "reshape(N, H*W, C) stands for a transpose: it keeps the order and mixes channels with pixels": {
            "product": lambda rows: rows @ _in_columns(rows),
        },
        "reshape(N, H*W, C) makes the columns, both times: it keeps the order and mixes channels with pixels": {
            "product": lambda rows: _in_columns(rows).mT @ _in_columns(rows),
        },
        "each channel's mean is taken out first: a covariance, not a Gram matrix": {
            "product": lambda rows: _centred(rows) @ _centred(rows).mT,
        },
    },
)


# Style ------------------------------------------------------------------------------------------------------


def _style_case(seed, dtype, layers, weights):
    """Features of four layers, two targets (the second unused where there is one layer), layers and weights."""
    shapes = [(1, 3, 5, 4), (1, 4, 4, 3), (1, 2, 3, 4), (1, 5, 2, 3)]
    channels = [shapes[layer][1] for layer in (*layers, 0)[:2]]
    targets = random_arrays(seed + 1, dtype, *((1, C, C) for C in channels))
    return *random_arrays(seed, dtype, *shapes), *targets, layers, weights


def _style_cases():
    return {
        "two layers": _style_case(101, np.float64, (1, 3), (0.5, 20.0)),
        "layers in another order": _style_case(103, np.float64, (2, 0), (3.0, 0.25)),
        "one layer": _style_case(105, np.float64, (2,), (7.0,)),
        "float32": _style_case(107, np.float32, (0, 3), (12.0, 1.5)),
    }


def _run_style(function, feats_0, feats_1, feats_2, feats_3, target_0, target_1, style_layers, style_weights):
    feats = [x.requires_grad_() for x in tensors(feats_0, feats_1, feats_2, feats_3)]
    targets = tensors(target_0, target_1)[: len(style_layers)]
    loss = function(feats, list(style_layers), targets, list(style_weights))
    return loss_and_gradients("style_loss", loss, {f"gradient_{layer}": feats[layer] for layer in style_layers})


style_loss = Method(
    "style_loss",
    f"{MODULE}:style_loss",
    run=_run_style,
    float32_suffices=True,
    needs=("gram_matrix",),
    notebook="StyleTransfer",
    minutes=10,
    cases=_style_cases,
    outputs=("loss",),
    hints=(
        "Three lists of one length walk side by side: layers, targets, weights. feats is longer: it has the features "
        "of every layer, and style_layers says where to look.",
        "For each layer: gram_matrix(feats[layer]) minus its target, squared, added up, times the weight. Add the "
        "layers' terms into one loss.",
        "for layer, target, weight in zip(style_layers, style_targets, style_weights): loss = loss + weight * "
        "((gram_matrix(feats[layer]) - target) ** 2).sum(), from loss = 0.",
    ),
)


@style_loss.oracle
def _(feats_0, feats_1, feats_2, feats_3, target_0, target_1, style_layers, style_weights):
    feats, outputs, loss = (feats_0, feats_1, feats_2, feats_3), {}, 0.0
    for layer, target, weight in zip(style_layers, (target_0, target_1), style_weights):
        x = feats[layer]
        off = np.einsum("nihw,njhw->nij", x, x) / x.size - target
        loss += weight * (off**2).sum()
        slope = 2 * weight * (off + off.transpose(0, 2, 1)) / x.size
        outputs[f"gradient_{layer}"] = np.einsum("nij,njhw->nihw", slope, x).astype(x.dtype)
    return {"loss": loss, **outputs}


def _style(
    feats, layers, targets, weights, *,
    normalize=True, term=lambda weight, off: weight * off.square().sum(), total=sum,
):  # fmt: skip
    """style_loss with switches for mistakes; off: the difference of a layer's Gram matrices."""
    trios = zip(layers, targets, weights)
    return total([term(weight, _gram(feats[layer], normalize) - target) for layer, target, weight in trios])


variants(
    style_loss,
    _style,
    {
        "the weights are left out": {"term": lambda weight, off: off.square().sum()},
        "the squared differences are averaged instead of added up": {
            "term": lambda weight, off: weight * off.square().mean(),
        },
        "the squared differences are halved": {"total": lambda terms: sum(terms) / 2},
        "the differences are not squared: it is the sum of their absolute values": {
            "term": lambda weight, off: weight * off.abs().sum(),
        },
        "the weight is squared together with the difference": {
            "term": lambda weight, off: (weight * off).square().sum(),
        },
        "the Gram matrices of the image are not normalised, as those of the targets are": {"normalize": False},
        "only the last layer counts: in the loop, loss = ... overwrites what was there": {
            "total": lambda terms: terms[-1],
        },
        "only the first layer counts: the return stands inside the loop": {"total": lambda terms: terms[0]},
        "the layers' losses are averaged instead of added up": {"total": lambda terms: sum(terms) / len(terms)},
    },
)


# Total variation --------------------------------------------------------------------------------------------

MANY = 120  # torch operations; slices need about a dozen, channel by channel some forty


def _tv_cases():
    def case(seed, dtype, weight, *shape):
        return *random_arrays(seed, dtype, shape), weight

    return {
        "wider than high": case(111, np.float64, 0.5, 1, 3, 4, 6),
        "two images, higher than wide": case(112, np.float64, 2.0, 2, 3, 5, 2),
        "one row": case(113, np.float64, 1.0, 1, 3, 1, 7),
        "many pixels": case(114, np.float64, 0.02, 1, 3, 20, 25),
        "channels last in memory": (channels_last(case(116, np.float64, 1.0, 1, 3, 3, 4)[0]), 1.5),
        "float32": case(115, np.float32, 0.05, 1, 3, 6, 6),
    }


def _run_tv(function, img, tv_weight):
    (x,) = tensors(img)
    with torch_calls() as calls:
        loss = function(x.requires_grad_(), tv_weight)
    outputs = loss_and_gradients("tv_loss", loss, {"gradient": x})
    if len(calls.names) > MANY:
        _, _, H, W = img.shape
        raise Wrong(
            f"tv_loss makes {len(calls.names)} torch operations for {H} x {W} pixels: there is a loop over pixels or "
            "rows, hundreds of times slower than subtracting one slice of the whole image from another"
        )
    return outputs


tv_loss = Method(
    "tv_loss",
    f"{MODULE}:tv_loss",
    run=_run_tv,
    float32_suffices=True,
    beyond=MEMORY,
    notebook="StyleTransfer",
    minutes=10,
    cases=_tv_cases,
    outputs=("loss", "gradient"),
    hints=(
        "img[:, :, 1:, :] is the image without its first row, img[:, :, :-1, :] without its last. Laid on each other, "
        "every pixel meets the one above it.",
        "One such difference for rows, one for columns. They have different shapes, so square and add up each on its "
        "own before adding the two sums.",
        "tv_weight * (((img[:, :, 1:] - img[:, :, :-1]) ** 2).sum() + ((img[..., 1:] - img[..., :-1]) ** 2).sum())",
    ),
)


@tv_loss.oracle
def _(img, tv_weight):
    loss, gradient = 0.0, np.zeros_like(img)
    for axis in (2, 3):
        step = np.diff(img, axis=axis)
        loss += tv_weight * (step**2).sum()
        none = [(1, 1) if k == axis else (0, 0) for k in range(4)]
        gradient -= 2 * tv_weight * np.diff(np.pad(step, none), axis=axis)
    return {"loss": loss, "gradient": gradient}


def _steps(img):
    return img[:, :, 1:] - img[:, :, :-1], img[..., 1:] - img[..., :-1]


def _variation(img, tv_weight, *, steps=_steps, size=lambda step: step.square().sum()):
    """tv_loss with switches for mistakes; steps: the differences between neighbours."""
    return tv_weight * sum(size(step) for step in steps(img))


variants(
    tv_loss,
    _variation,
    {
        "the image wraps around: with roll, the last pixel of a row has the first one for a neighbour": {
            "steps": lambda img: [img - img.roll(1, dims=d) for d in (2, 3)],
        },
        "only horizontal neighbours are compared": {"steps": lambda img: _steps(img)[1:]},
        "only vertical neighbours are compared": {"steps": lambda img: _steps(img)[:1]},
        "the squared differences are averaged instead of added up": {
            "size": lambda step: step.square().sum() / max(step.numel(), 1),
        },
        "the differences are not squared: it is the sum of their absolute values": {
            "size": lambda step: step.abs().sum(),
        },
        "the sum is halved": {"size": lambda step: step.square().sum() / 2},
        "the weight is left out": lambda img, tv_weight: _variation(img, 1),
        "only the first image counts: img[0] is one of a batch": lambda img, tv_weight: _variation(img[:1], tv_weight),
        "the last row and the last column are left out of both sums, though each lacks but one neighbour": {
            "steps": lambda img: (_steps(img)[0][..., :-1], _steps(img)[1][:, :, :-1]),
        },
        "neighbours are compared along the wrong axes: channels and rows instead of rows and columns": {
            "steps": lambda img: (img[:, 1:] - img[:, :-1], _steps(img)[0]),
        },
        "pixels two apart are compared: img[2:] with img[:-2], instead of next neighbours": {
            "steps": lambda img: (img[:, :, 2:] - img[:, :, :-2], img[..., 2:] - img[..., :-2]),
        },
    },
)
