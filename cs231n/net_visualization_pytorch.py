"""Looking into a trained network: what it looks at, what fools it, and what it dreams of.

Images are float tensors (N, 3, H, W) of RGB, normalised as `preprocess` does it. Every function works where the model
is (cpu, cuda or mps), and leaves the model and the images that it is given as they were.
"""

import contextlib
import math
import operator
import random  # noqa: F401  see below

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from torch import nn
from torchvision.transforms import functional as TF
from tqdm import trange

from .figures import show_grid
from .image_utils import (
    MAX_PIXELS,
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    deprocess_image,
    preprocess_image,
    rescale,  # noqa: F401  notebooks import it from here
    to_rgb,
)

MEAN, STD = (torch.from_numpy(a).view(1, 3, 1, 1) for a in (SQUEEZENET_MEAN, SQUEEZENET_STD))
LEAD = 8  # points of score: SqueezeNet, its dropout at work, then says the target in 95 of 100 trials; without, in 63

# What stood at this module's head in the assignment, for answers that were written there.
dtype, optim, Variable = torch.FloatTensor, torch.optim, torch.autograd.Variable


# Pictures in and out ----------------------------------------------------------------------------------------


def preprocess(img, size=224):
    """A picture as the network wants it: (1, 3, H, W) float32, the shorter side resized to `size` pixels.

    img: a Pillow image, or a uint8 array (H, W, 3); grey and transparent ones become RGB, on white.
    Raises TypeError or ValueError for what is no picture, or one too narrow to be resized so.
    """
    if not isinstance(img, Image.Image):
        img = _from_array(img)
    short, long = sorted(img.size)
    if operator.index(size) < 1 or size * size * long / max(short, 1) > MAX_PIXELS:
        raise ValueError(f"cannot resize {img.width} x {img.height} pixels to a shorter side of {size}; crop it")
    try:
        img = TF.resize(to_rgb(img), size)
    except (OSError, SyntaxError) as error:  # Pillow reads a file when its pixels are first asked for
        raise ValueError(f"the picture's file cannot be read: {error}") from error
    return torch.from_numpy(preprocess_image(img)).permute(2, 0, 1)[None].contiguous()


def _from_array(array):
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = f"{array.dtype} array" if hasattr(array, "dtype") else type(array).__name__
        raise TypeError(f"expected a Pillow image or a uint8 array (H, W, 3), got a {kind}")
    if not array.size or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"expected pixels (H, W, 3), grey (H, W), or with transparency (H, W, 4); got {array.shape}")
    return Image.fromarray(array[:, :, 0] if array.shape[2:] == (1,) else array)


def deprocess(img, should_rescale=True):
    """Undo preprocess: (1, 3, H, W) to a Pillow image, its values stretched over the full range if asked to."""
    _check_image(img)
    pixels = img.detach().float().cpu()[0].permute(1, 2, 0).numpy()  # (H, W, 3)
    return Image.fromarray(deprocess_image(pixels, rescale=should_rescale))


def blur_image(X, sigma=1):
    """Blur images (N, 3, H, W) in place by a Gaussian of `sigma` pixels, and return them."""
    blurred = ndimage.gaussian_filter(X.detach().cpu().numpy(), (0, 0, sigma, sigma))
    X.data.copy_(torch.from_numpy(blurred))
    return X


def jitter(X, ox, oy):
    """Images (N, 3, H, W) moved ox pixels to the right and oy down; what leaves at one edge enters at the other."""
    return torch.roll(X, (oy, ox), dims=(2, 3))


# The network, held still ------------------------------------------------------------------------------------


@contextlib.contextmanager
def frozen(model, classes=()):
    """For the time being, the model in eval mode and without gradients of its parameters; afterwards as before.

    classes: labels that will be asked for; a ValueError if the model has fewer.
    On a processor the kernels also lie channels-last meanwhile, with which convolutions are half again as fast.
    """
    training = [module for module in model.modules() if module.training]
    params = [(p, p.data, p.requires_grad) for p in model.parameters()]
    watch = model.register_forward_hook(lambda module, args, scores: _check_classes(scores, classes))
    try:
        for module in training:
            module.training = False
        for p, data, needed_grad in params:
            if needed_grad:
                p.requires_grad_(False)
            if (fast := _channels_last(data)) is not data:
                p.data = fast
        with torch.enable_grad():
            yield
    except RuntimeError as error:
        if not any(words in str(error) for words in ("Output size is too small", "greater than actual input size")):
            raise
        raise ValueError("the image has too few pixels for this network; enlarge it, as preprocess does") from error
    finally:
        watch.remove()
        for module in training:
            module.training = True
        for p, data, needed_grad in params:
            p.requires_grad_(needed_grad).data = data


def _channels_last(tensor):
    on_cpu = tensor.ndim == 4 and tensor.device.type == "cpu"
    return tensor.contiguous(memory_format=torch.channels_last) if on_cpu else tensor


def _check_classes(scores, classes):
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        raise ValueError("the model must give scores of classes, a tensor (N, classes)")
    for label in classes:
        if not 0 <= label < scores.shape[1]:
            raise ValueError(f"there is no class {int(label)}: the model's classes are 0 to {scores.shape[1] - 1}")


def _check_image(img, name="img", many=False):
    if not isinstance(img, torch.Tensor) or not img.is_floating_point():
        what = img.dtype if isinstance(img, torch.Tensor) else type(img).__name__
        raise TypeError(f"{name} must be a tensor of floats, as preprocess makes it; got {what}")
    if img.ndim != 4 or img.shape[1] != 3 or not img.numel() or (len(img) > 1 and not many):
        raise ValueError(f"{name} must have shape ({'N' if many else 1}, 3, H, W); got {tuple(img.shape)}")


def _like(model):
    """A tensor that is where the model's parameters are, and in their precision."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    return next(model.parameters(), torch.empty(0))


def _own_copy(X, model):
    """A copy of the images that takes gradients, where the model is."""
    like = _like(model)
    return _channels_last(X.detach().to(like, copy=True)).requires_grad_()


def _labels(y, X):
    """The labels as int64 (N,), where X is."""
    y = torch.as_tensor(y, device=X.device)
    if y.is_floating_point() or y.dtype == torch.bool or y.numel() != len(X):
        raise ValueError(f"y must be {len(X)} integer labels, one for each image; got {y.dtype} {tuple(y.shape)}")
    return y.reshape(-1).long()


# Saliency ---------------------------------------------------------------------------------------------------


def compute_saliency_maps(X, y, model):
    """How much each pixel matters for an image's class: (N, H, W), >= 0.

    X: images (N, 3, H, W). y: their labels (N,). The map is the size of the score's gradient, of the three channels
    the largest. Source: Simonyan, Vedaldi, Zisserman 2013, https://arxiv.org/abs/1312.6034, section 3.
    """
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)  # takes gradients already
    y = _labels(y, X)
    with frozen(model, y):
        # TODO(compute_saliency_maps): scores = model(X) is (N, C). Of each image take the score of its own label (no
        # softmax), and the gradient of that with respect to X. saliency is the absolute value, the largest over the
        # channels. One backward pass serves the whole batch: the sum of the N scores.
        ### BEGIN SOLUTION compute_saliency_maps
        scores = model(X).gather(1, y[:, None])  # (N, 1)
        (grad,) = torch.autograd.grad(scores.sum(), X)  # (N, 3, H, W)
        saliency = grad.abs().amax(dim=1)
        ### END SOLUTION
    return saliency


# Fooling ----------------------------------------------------------------------------------------------------


def make_fooling_image(X, target_y, model):
    """An image close to X that the model takes for class target_y: (1, 3, H, W).

    X: one image (1, 3, H, W). Steps of length 1 up the slope of the target's score, until that score is the highest
    of all, or 100 steps are taken. Source: Szegedy et al. 2013, https://arxiv.org/abs/1312.6199; this is the gradient
    ascent of the assignment.
    A model that comes with its dropout at work, as the assignment's notebooks left it, says now this and now that of an
    image on the edge between two classes. For such a one the score must be the highest by LEAD, or less in the end.
    """
    _check_image(X, "X")
    target_y, learning_rate = operator.index(target_y), 1
    X_fooling = _own_copy(X, model)  # takes gradients already
    lead = LEAD if _drops(model) else 0
    with frozen(model, [target_y]), _handicap(model, target_y, lead):
        # TODO(make_fooling_image): at most 100 times: scores = model(X_fooling); stop if target_y has the highest;
        # else add to X_fooling (in place, X_fooling.data += ...) learning_rate * g / ||g||, where g is the gradient of
        # the target's score and ||g|| its L2 norm over the whole image.
        ### BEGIN SOLUTION make_fooling_image
        for _ in range(100):
            scores = model(X_fooling)[0]  # (C,)
            if scores.argmax() == target_y:
                break
            (grad,) = torch.autograd.grad(scores[target_y], X_fooling)
            X_fooling.data += learning_rate * grad / grad.norm().clamp_min(1e-12)  # a flat place gives no direction
        ### END SOLUTION
    return X_fooling.detach().contiguous()


def _drops(model):
    """Whether dropout is at work in the model."""
    kinds = nn.Dropout, nn.Dropout2d
    return any(isinstance(module, kinds) and module.training and module.p for module in model.modules())


@contextlib.contextmanager
def _handicap(model, label, points):
    """For the time being, the model's score of a class so many points lower; its slope is the same.

    The handicap fades over 100 calls: an image that cannot get so far ahead is content with less at the end.
    """
    fading = iter(np.linspace(points, 0, 100))

    def lower(module, args, scores):
        mark = torch.arange(scores.shape[1], device=scores.device) == label
        return scores - float(next(fading, 0)) * mark.to(scores)

    hook = model.register_forward_hook(lower)
    try:
        yield
    finally:
        hook.remove()


# Class visualisation ----------------------------------------------------------------------------------------


def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    """Change img (1, 3, H, W) in place, so that the model takes it for class target_y a little more.

    One step of length learning_rate up the slope of  score(img, target_y) - l2_reg * ||img||^2.  img takes gradients
    and is where the model is; nothing is returned. Source: Simonyan et al. 2013, section 2.
    """
    _check_image(img)
    like, target_y = _like(model), operator.index(target_y)
    if (img.device, img.dtype) != (like.device, like.dtype):
        raise ValueError(f"img is {img.dtype} on {img.device}, the model {like.dtype} on {like.device}: img.to(...) it")
    with frozen(model, [target_y]):
        # TODO(class_visualization_update_step): the gradient g of the target's score minus l2_reg times the sum of
        # img's squares, with respect to img; then img.data += learning_rate * g / ||g||. Leave no gradient behind in
        # img.grad: the next step would add its own to it.
        ### BEGIN SOLUTION class_visualization_update_step
        x = img.detach().requires_grad_()  # img's own memory
        objective = model(x)[0, target_y] - l2_reg * x.square().sum()
        (grad,) = torch.autograd.grad(objective, x)
        img.data += learning_rate * grad / grad.norm().clamp_min(1e-12)
        ### END SOLUTION


def create_class_visualization(
    target_y, model, dtype=None, *, l2_reg=1e-3, learning_rate=25, num_iterations=100, blur_every=10, max_jitter=16,
    show_every=25, size=224, frames=None, bfloat16=False,
):  # fmt: skip
    """A picture (Pillow) of what the model thinks class target_y looks like, grown out of noise (torch's).

    Each iteration moves the picture by up to max_jitter pixels, updates it, moves it back and clips it to real colours;
    every blur_every-th blurs it a little (0: never). Source: Yosinski et al. 2015, https://arxiv.org/abs/1506.06579.
    dtype: what the assignment passed, a tensor type; not needed any more, since the picture follows the model.
    frames: a list that takes (iteration, picture) every show_every iterations; without one they are drawn (0: never).
    bfloat16: compute with 8 significant bits. Takes 0.4 of the time on processors with instructions for it, and many
        times as long on others. The gradient is then off by about a quarter: another picture, as good as this one.
    """
    like, shown = _like(model), [] if frames is None else frames
    img = _channels_last(torch.randn(1, 3, size, size).to(like)).requires_grad_()
    black, white = (((end - MEAN) / STD).to(like) for end in (0, 1))
    with frozen(model), _autocast(like, bfloat16):
        for t in trange(num_iterations, desc=f"class {target_y}", leave=False):
            ox, oy = torch.randint(max_jitter + 1, (2,)).tolist()
            img.data = jitter(img.data, ox, oy)
            class_visualization_update_step(img, model, target_y, l2_reg, learning_rate)
            img.data = torch.clamp(jitter(img.data, -ox, -oy), black, white)
            if blur_every and t % blur_every == 0:
                blur_image(img.data, sigma=0.5)
            if show_every and (t == 0 or (t + 1) % show_every == 0 or t == num_iterations - 1):
                shown.append((t + 1, deprocess(img)))
    if frames is None and shown:
        _show_progress(shown, target_y)
    return deprocess(img)


def _show_progress(frames, target_y):
    titles = [f"iteration {t}" for t, _ in frames]
    alt = f"What the model takes for class {target_y}, as it grows: {len(frames)} pictures, {', '.join(titles)}."
    show_grid([[picture for _, picture in frames]], titles, alt=alt)


def _autocast(like, bfloat16):
    return torch.autocast(like.device.type, torch.bfloat16, enabled=bool(bfloat16))


# Beyond the assignment. Reading on tells you the answers to the TODOs above. ---------------------------------


def smooth_grad(X, y, model, samples=20, noise=0.15):
    """Saliency maps (N, H, W) without the grain: of the mean gradient at `samples` noisy copies of each image.

    noise: standard deviation, as a share of the image's range of values. X, y: see compute_saliency_maps.
    Source: Smilkov et al. 2017, SmoothGrad, https://arxiv.org/abs/1706.03825.
    """
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)
    y, total = _labels(y, X), torch.zeros_like(X)
    sigma = noise * (X.detach().amax((1, 2, 3), keepdim=True) - X.detach().amin((1, 2, 3), keepdim=True))
    with frozen(model, y):
        for _ in range(samples):
            noisy = X + sigma * torch.randn(X.shape).to(X)
            total += torch.autograd.grad(model(noisy).gather(1, y[:, None]).sum(), X)[0]
    return (total / samples).abs().amax(dim=1)


def integrated_gradients(X, y, model, steps=20, baseline=None):
    """What each number of X adds to the score: (N, 3, H, W), together score(X) - score(baseline), nearly.

    The gradient, averaged over `steps` places on the straight way from the baseline to X, times the way.
    baseline: images like X, or None for the mean colour of ImageNet. X, y: see compute_saliency_maps.
    Source: Sundararajan, Taly, Yan 2017, https://arxiv.org/abs/1703.01365.
    """
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)
    start = torch.zeros_like(X) if baseline is None else baseline.to(X).expand_as(X)
    y, total = _labels(y, X), torch.zeros_like(X)
    with frozen(model, y):
        for k in range(steps):
            between = start + (k + 0.5) / steps * (X.detach() - start)
            between.requires_grad_()
            total += torch.autograd.grad(model(between).gather(1, y[:, None]).sum(), between)[0]
    return (X.detach() - start) * total / steps


def grad_cam(X, y, model, layer=None):
    """Where in the image the evidence for its class lies, coarsely: (N, H, W), >= 0.

    A layer's channels (model.features unless given), weighted by how much the score rises with each, summed, the
    positive part enlarged to the image's size. Source: Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391.
    """
    _check_image(X, "X", many=True)
    X, kept = _own_copy(X, model), []
    y, layer = _labels(y, X), getattr(model, "features", None) if layer is None else layer
    if not isinstance(layer, nn.Module):
        raise ValueError("this model has no `features` to look at; name one of its layers: grad_cam(..., layer=...)")
    # The layer's output is kept and a copy of it sent on, for a ReLU in place would overwrite what is kept.
    hook = layer.register_forward_hook(lambda module, args, out: kept.append(out) or out.clone())
    try:
        with frozen(model, y):
            scores = model(X).gather(1, y[:, None])
            (grad,) = torch.autograd.grad(scores.sum(), kept[0])  # (N, K, h, w)
    finally:
        hook.remove()
    cam = (grad.mean((2, 3), keepdim=True) * kept[0].detach()).sum(1, keepdim=True).relu()
    return F.interpolate(cam, X.shape[2:], mode="bilinear")[:, 0]


def create_fourier_visualization(
    target_y, model, *, learning_rate=0.04, num_iterations=120, show_every=30, size=224, frames=None, bfloat16=False
):
    """What class target_y looks like to the model (Pillow), painted in waves instead of pixels, from every angle.

    The variables are a spectrum in which a wave weighs the more the longer it is, as in photographs, so that ascent
    (Adam on the target's score) paints large shapes before fine grain; and the network sees the picture shifted,
    turned and scaled at random, so that only what survives this pays. Arguments: see create_class_visualization.
    Source: Olah, Mordvintsev, Schubert 2017, Feature Visualization, https://distill.pub/2017/feature-visualization.
    """
    like, target_y, shown = _like(model), operator.index(target_y), [] if frames is None else frames
    spectrum = (0.01 * torch.randn(1, 3, size, size // 2 + 1, 2)).requires_grad_()
    adam = torch.optim.Adam([spectrum], lr=learning_rate)
    with frozen(model, [target_y]):
        for t in trange(num_iterations, desc=f"class {target_y}", leave=False):
            view = (_random_view(_paint(spectrum, size)) - MEAN) / STD
            with _autocast(like, bfloat16):
                score = model(_channels_last(view.to(like)))[0, target_y]
            adam.zero_grad()
            (-score).backward()
            adam.step()
            if show_every and (t == 0 or (t + 1) % show_every == 0 or t == num_iterations - 1):
                shown.append((t + 1, _picture(spectrum, size)))
    if frames is None and shown:
        _show_progress(shown, target_y)
    return _picture(spectrum, size)


def _paint(spectrum, size):
    """(1, 3, size, size // 2 + 1, 2), real and imaginary parts, to RGB (1, 3, size, size) in 0..1."""
    frequency = torch.hypot(torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None])
    weight = frequency.clamp_min(1 / size) ** -1.3
    waves = torch.view_as_complex(spectrum) * (weight / weight.square().mean().sqrt())
    channels = torch.fft.irfft2(waves, s=(size, size), norm="ortho")
    # Photographs vary most in brightness, less from blue to yellow, least from green to purple.
    colours = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]])
    colours = F.normalize(colours) * torch.tensor([[2.0], [1], [0.5]])
    return torch.sigmoid(torch.einsum("nkhw,kc->nchw", channels, colours) + torch.logit(MEAN))


def _random_view(image):
    """The image turned by up to 20 degrees, scaled by 0.7 to 1.2, shifted by up to a tenth, mirrored at its edges."""
    angle, scale = math.radians(20) * (2 * torch.rand(()) - 1), 0.7 + 0.5 * torch.rand(())
    turn = scale * torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
    shift = 0.2 * (torch.rand(2, 1) - 0.5)  # an image is 2 wide in these coordinates
    grid = F.affine_grid(torch.cat([turn, shift], dim=1)[None], image.shape, align_corners=False)
    return F.grid_sample(image, grid, padding_mode="reflection", align_corners=False)


def _picture(spectrum, size):
    pixels = _paint(spectrum.detach(), size)[0].permute(1, 2, 0)
    return Image.fromarray((255 * pixels).round().byte().numpy())
