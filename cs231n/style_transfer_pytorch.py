"""Style transfer: one picture's content in another's style, found by gradient descent on the pixels themselves.

An image before the network is a tensor (1, 3, H, W) of normalised RGB (see image_utils); features are (N, C, H, W).
Sources: Gatys, Ecker, Bethge 2016, Image Style Transfer Using Convolutional Neural Networks (CVPR; first as
https://arxiv.org/abs/1508.06576); for inversion and tv_loss Mahendran, Vedaldi 2015, https://arxiv.org/abs/1412.0035.
"""

import copy
import math
import operator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.transforms import functional as TF

from .classifiers.squeezenet import load_squeezenet
from .image_utils import (
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    deprocess_image,
    load_image,
    preprocess_image,
    rescale,  # noqa: F401  notebooks import it from here
    to_rgb,
)
from .train.progress_bar import progress_bar

MIN_SIDE, MAX_PIXELS = 32, 2**23  # of a picture to be painted; of any picture once it is resized
BLOCK = 64  # columns of a Gram matrix; fewer leave out more of what is symmetric, but keep the processor less busy
SCALE = 1e5  # of the losses: at 1, the gradients of single pixels would be as small as Adam's epsilon
BLACK, WHITE = (torch.from_numpy((end - SQUEEZENET_MEAN) / SQUEEZENET_STD)[:, None, None] for end in (0, 1))

# What stood at this module's head in the assignment, for answers that were written there.
dtype, optim, Variable = torch.FloatTensor, torch.optim, torch.autograd.Variable


# The losses


def content_loss(content_weight, content_current, content_original):
    """How far the features of the image are from those of the content picture, a scalar (Gatys et al. 2016, eq. 1).

    content_weight: number. content_current, content_original: features (1, C, H, W) of one layer.
    """
    # TODO(content_loss): the weight times the sum of all squared differences.
    ### BEGIN SOLUTION content_loss
    difference = content_current - content_original
    return content_weight * (difference * difference).sum()
    ### END SOLUTION


def gram_matrix(features, normalize=True):
    """Which channels are active together, wherever that is: (N, C, H, W) to (N, C, C) (Gatys et al. 2016, eq. 3).

    normalize: divide by H*W*C, the number of features of one image.
    """
    # TODO(gram_matrix): for each image, the products of all pairs of channels, summed over the pixels. features may
    # lie channels-last in memory, where .reshape works and .view may not.
    ### BEGIN SOLUTION gram_matrix
    gram = ChannelProducts.apply(features)  # (N, C, C)
    return gram / features[0].numel() if normalize else gram
    ### END SOLUTION


def style_loss(feats, style_layers, style_targets, style_weights):
    """How far the Gram matrices of the image are from those of the style picture, a scalar (Gatys et al., eq. 4, 5).

    feats: features of every layer, as extract_features gives them. style_layers: indices into feats.
    style_targets, style_weights: for each of these layers the Gram matrix to reach, and a number.
    """
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    # TODO(style_loss): the sum over the layers of weight times squared differences of the normalised Gram matrices.
    ### BEGIN SOLUTION style_loss
    layers = zip(style_layers, style_targets, style_weights)
    return sum(weight * (gram_matrix(feats[layer]) - target).square().sum() for layer, target, weight in layers)
    ### END SOLUTION


def tv_loss(img, tv_weight):
    """Total variation of images (N, 3, H, W): the squared differences of neighbours, across and down, a scalar.

    It keeps the image smooth (Mahendran and Vedaldi 2015, section 3, with beta = 2).
    """
    # TODO(tv_loss): slices against slices, no loop over pixels; the last column has no neighbour to its right.
    ### BEGIN SOLUTION tv_loss
    across = F.mse_loss(img[..., :, 1:], img[..., :, :-1], reduction="sum")
    down = F.mse_loss(img[..., 1:, :], img[..., :-1, :], reduction="sum")
    return tv_weight * (across + down)
    ### END SOLUTION


# The descent


def style_transfer(
    content_image, style_image, image_size, style_size, content_layer, content_weight, style_layers, style_weights,
    tv_weight, init_random=False, *, cnn=None, num_iters=200, learning_rate=0.3, bfloat16=False, seed=0, quiet=False,
):  # fmt: skip
    """Paint content_image in the manner of style_image; a Pillow image and the loss before each of its iterations.

    With style_weights of zero this is feature inversion, with content_weight zero texture synthesis (start both from
    noise); what has no weight is never computed. The two pictures are whatever preprocess takes.
    image_size, style_size: shorter side in pixels, of the result and of the style picture as the network sees it.
    content_layer, style_layers: indices into extract_features; style_weights: one for each of style_layers.
    init_random: start from noise drawn from `seed`, not from the content picture.
    cnn: layers in a row, such as load_squeezenet().features, which is the default. It stays as it is.
    num_iters, learning_rate: steps of Adam, whose rate falls to zero along a cosine; pixels never leave 0..1.
    bfloat16: run the network in 16 bits; faster where the processor has instructions for it, far slower elsewhere.
    quiet: no progress bar, which TQDM_DISABLE=1 switches off, too.
    Raises ValueError or TypeError for a picture, size, layer or weight that cannot be used.
    """
    _check_whole("image_size", image_size, least=MIN_SIDE)
    _check_whole("style_size", style_size, least=MIN_SIDE)
    cnn = load_squeezenet().features if cnn is None else cnn
    content, style = preprocess(content_image, image_size), preprocess(style_image, style_size)
    weights = content_layer, content_weight, style_layers, style_weights, tv_weight
    objective = transfer_objective(content, style, cnn, *weights, bfloat16)
    img = _noise_like(content, seed) if init_random else content
    img, losses = descend(img.to(_device(cnn)), objective, num_iters, learning_rate, quiet)
    return deprocess(img), losses


def transfer_objective(
    content, style, cnn, content_layer, content_weight, style_layers, style_weights, tv_weight, bfloat16=False
):
    """The function img -> total loss that style_transfer descends on; its targets are computed here, once.

    content, style: preprocessed pictures, moved to where cnn is. The other arguments are those of style_transfer.
    """
    style_layers, style_weights = _used_layers(cnn, content_layer, style_layers, style_weights)
    _check_weights(content_weight=content_weight, tv_weight=tv_weight)
    if not (content_weight or style_layers or tv_weight):
        raise ValueError("content_weight, style_weights and tv_weight are all zero: there is nothing to descend on")
    content_layers = [content_layer] if content_weight else []
    layers, dtype = {*content_layers, *style_layers}, torch.bfloat16 if bfloat16 else torch.float32
    trunk = _trunk(cnn, layers, dtype)

    def features_of(img):
        return extract_features(img.to(_device(cnn), dtype, memory_format=torch.channels_last), trunk, layers)

    with torch.no_grad():
        content_targets = [features_of(content)[layer] for layer in content_layers]
        style_feats = features_of(style) if style_layers else []
        style_targets = [gram_matrix(style_feats[layer]) for layer in style_layers]

    def objective(img):
        feats = features_of(img)
        loss = tv_loss(img, tv_weight) if tv_weight else 0
        for layer, target in zip(content_layers, content_targets):
            loss = loss + content_loss(content_weight, feats[layer], target)
        if style_layers:
            loss = loss + style_loss(feats, style_layers, style_targets, style_weights)
        return loss

    return objective


def even_weights(
    content_image, style_image, image_size, style_size, content_layer, style_layers, content=1.0, style=1.0, cnn=None
):
    """Weights that make up for the size of each layer's features: {"content_weight": .., "style_weights": [..]}.

    With content=1 and style=1, an image whose features are all zero would lose SCALE for its content and as much for
    its style, which the layers share equally. Features differ in size a thousandfold from layer to layer and from
    network to network; numbers that suit one rarely suit another. The other arguments are those of style_transfer.
    """
    cnn = load_squeezenet().features if cnn is None else cnn
    with torch.no_grad():
        content_feats, style_feats = (
            extract_features(preprocess(image, size).to(_device(cnn)), cnn)
            for image, size in ((content_image, image_size), (style_image, style_size))
        )
        grams = [gram_matrix(style_feats[layer]) for layer in style_layers]
    share = style / max(len(grams), 1)
    return {
        "content_weight": content * SCALE / content_feats[content_layer].square().sum().item(),
        "style_weights": [share * SCALE / gram.square().sum().item() for gram in grams],
    }


@torch.enable_grad()
def descend(img, objective, num_iters, learning_rate, quiet=False):
    """Adam from img down the function `objective`: a new image, its pixels in 0..1, and the loss before each step."""
    _check_whole("num_iters", num_iters, least=1)
    img = img.detach().clone(memory_format=torch.channels_last).requires_grad_()
    black, white = BLACK.to(img), WHITE.to(img)
    # The first gradients are a thousand times the last: with their squares remembered for long, steps would stay short.
    optimizer = torch.optim.Adam([img], lr=learning_rate, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_iters)
    losses = []
    with progress_bar(num_iters, "painting", quiet=quiet) as bar:
        for _ in range(num_iters):
            optimizer.zero_grad()
            loss = objective(img)
            loss.backward()
            optimizer.step()
            schedule.step()
            img.data.clamp_(black, white)
            losses.append(loss.detach().reshape(()))
            bar.update()
    return img.detach(), torch.stack(losses).tolist()


def extract_features(x, cnn, layers=None):
    """Features of images x (N, 3, H, W) after each layer of cnn (as load_squeezenet().features): a list of tensors.

    layers: indices of those wanted; the list then ends with the last of them and holds None for the others.
    """
    modules = _layers_of(cnn)
    wanted = set(range(len(modules)) if layers is None else layers)
    features = []
    for i, module in enumerate(modules[: max(wanted, default=-1) + 1]):
        if getattr(module, "inplace", False) and (i == 0 or i - 1 in wanted):
            x = x.clone()  # this layer writes into its input, which somebody keeps
        x = module(x)
        features.append(x if i in wanted else None)
    return features


def features_from_img(imgpath, imgsize, cnn):
    """Features after each layer of cnn, and the preprocessed image (1, 3, H, W), of an image file."""
    img = preprocess(imgpath, imgsize).to(_device(cnn))
    return extract_features(img, cnn), img


# Pictures in and out


def preprocess(img, size=512):
    """A picture as the network wants it, its shorter side `size` pixels: float32 tensor (1, 3, H, W).

    It is resized as torchvision's Resize does: the assignment's published losses hold for just these pixels.

    img: file name, Pillow image of any mode, or uint8 array (H, W), (H, W, 3) or (H, W, 4).
    """
    _check_whole("size, the shorter side in pixels,", size, least=1)
    img = _as_pillow(img)
    width, height = (size * side // min(img.size) for side in img.size)
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"a picture of {img.width} x {img.height} pixels would become {width} x {height}, "
            f"more than {MAX_PIXELS:,} in all; crop it or ask for a smaller size"
        )
    pixels = preprocess_image(np.array(TF.resize(img, operator.index(size))))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def deprocess(img):
    """Undo preprocess: a Pillow image from a tensor (1, 3, H, W) or (3, H, W), clipped to what a screen can show."""
    if img.ndim == 4 and len(img) == 1:
        img = img[0]
    if img.ndim != 3 or img.shape[0] != 3:
        raise ValueError(f"expected one image, (1, 3, H, W) or (3, H, W); got shape {tuple(img.shape)}")
    return Image.fromarray(deprocess_image(img.detach().float().permute(1, 2, 0).cpu().numpy()))


def rel_error(x, y):
    """The largest relative difference of two arrays."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def _as_pillow(img):
    """Any picture that preprocess takes, as a Pillow image in RGB."""
    if isinstance(img, (str, Path)):
        return Image.fromarray(load_image(img))
    try:
        return to_rgb(img if isinstance(img, Image.Image) else _from_array(np.asarray(img)))
    except (OSError, SyntaxError) as error:  # Pillow decodes a file only now, and it turns out to be damaged
        raise ValueError(f"the picture cannot be read to its end: {error}") from error


def _from_array(array):
    if array.dtype != np.uint8 or not array.size or array.shape[2:] not in ((), (3,), (4,)) or array.ndim < 2:
        raise ValueError(
            "a picture is a file name, a Pillow image, or a uint8 array (H, W), (H, W, 3) or (H, W, 4); "
            f"got {array.dtype} of shape {array.shape}"
        )
    return Image.fromarray(array)


def _noise_like(content, seed):
    """Pixels of every colour, from a generator of their own."""
    return BLACK + (WHITE - BLACK) * torch.rand(content.shape, generator=torch.Generator().manual_seed(seed))


# The network, and what is wrong with an argument


def _layers_of(cnn):
    """The layers of a network in a row; those of its `features` where a whole classifier is given."""
    return list(getattr(cnn, "features", cnn).children())


def _device(cnn):
    return next((p.device for p in cnn.parameters()), torch.device("cpu"))


def _trunk(cnn, layers, dtype):
    """A frozen copy of cnn up to the last of the layers, its weights laid out for images with channels last."""
    trunk = nn.Sequential(*copy.deepcopy(_layers_of(cnn)[: max(layers, default=-1) + 1]))
    return trunk.requires_grad_(False).eval().to(dtype=dtype, memory_format=torch.channels_last)


def _used_layers(cnn, content_layer, style_layers, style_weights):
    """The style layers that have a weight, and these weights, once all layers are known to exist."""
    _same_length(style_layers=style_layers, style_weights=style_weights)
    last = len(_layers_of(cnn)) - 1
    for layer in (content_layer, *style_layers):
        _check_whole("a layer's index", layer, least=0)
        if layer > last:
            raise ValueError(f"there is no layer {layer}: this network has layers 0 to {last}")
    _check_weights(**{f"style_weights[{i}]": weight for i, weight in enumerate(style_weights)})
    used = [(layer, weight) for layer, weight in zip(style_layers, style_weights) if weight]
    return [layer for layer, _ in used], [weight for _, weight in used]


def _check_weights(**weights):
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise ValueError(f"{name} is {weight}; weights are finite and not negative")


def _check_whole(name, value, least):
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if operator.index(value) < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def _same_length(**sequences):
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"each style layer has one target and one weight; got {listed}")


# The Gram matrix, with a gradient that costs less than autograd would spend: the same numbers to rounding


class ChannelProducts(torch.autograd.Function):
    """`ChannelProducts.apply(features)`: the products of all pairs of channels, (N, C, H, W) to (N, C, C).

    The result is symmetric, so little more than half of it is computed. And both factors are the same matrix: one
    product gives its gradient, where autograd would spend one on each factor.
    """

    @staticmethod
    def forward(ctx, features):
        ctx.save_for_backward(features)
        N, C, _, _ = features.shape
        rows = _pixels(features)
        out = rows.new_empty(N, C, C)
        for i in range(0, C, BLOCK):
            j = min(i + BLOCK, C)
            out[:, i:j, i:] = rows[..., i:j].mT @ rows[..., i:]
            out[:, j:, i:j] = out[:, i:j, j:].mT
        return out

    @staticmethod
    def backward(ctx, grad):
        (features,) = ctx.saved_tensors
        last = features.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        # A tensor of its own, no view of one: into such a gradient autograd adds the next layer's without a copy.
        dfeatures = torch.empty_like(features, memory_format=layout)
        torch.matmul(_pixels(features), grad + grad.mT, out=_pixels(dfeatures))
        return dfeatures


def _pixels(features):
    """(N, C, H, W) as (N, H*W, C), a row per pixel; a view of the same memory in either usual layout."""
    return features.flatten(2).mT
