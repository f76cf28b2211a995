"""Saliency, fooling and class visualisation on SqueezeNet, against the loops as the lecture writes them.

The textbook's model is frozen already, as in the assignment's notebook; ours is found as a caller may leave it, with
parameters that ask for gradients, and is put in order within the time measured.
"""

import torch
from scipy import ndimage

from cs231n import net_visualization_pytorch as ours
from cs231n.classifiers.squeezenet import load_squeezenet
from cs231n.data_utils import load_imagenet_val

from .timing import Race

HAY = 958  # a class that none of the photos shows


NOTES = (
    "Textbook: parameters frozen, images and kernels laid out channels first, as torch has them unless told "
    "otherwise.\nbfloat16 pays on processors with instructions for it, and only there; its error is the gradient's."
)


def rows(tiny=False):
    """Yield the Rows one after the other; `tiny` sizes show that all of it runs, and measure nothing."""
    torch.set_num_threads(1)
    size, steps, rounds = (64, 1, 3) if tiny else (224, 25, 9)
    X, y = photos(size)
    plain = load_squeezenet("cpu").to(memory_format=torch.contiguous_format)
    model = load_squeezenet("cpu").requires_grad_(True)
    yield versus(
        f"saliency of {len(X)} photos",
        lambda: ours.compute_saliency_maps(X, y, model),
        lambda: compute_saliency_maps(X, y, plain),
        rounds,
    )
    yield versus(
        "fooling image",
        lambda: ours.make_fooling_image(X[:1], HAY, model),
        lambda: make_fooling_image(X[:1], HAY, plain),
        rounds,
    )

    def ours_class(steps=steps, **kwargs):
        torch.manual_seed(0)
        return ours.create_class_visualization(HAY, model, num_iterations=steps, size=size, show_every=0, **kwargs)

    yield versus(
        f"class visualisation, {steps} steps",
        ours_class,
        lambda: create_class_visualization(HAY, plain, num_iterations=steps, size=size),
        rounds,
    )
    few = min(steps, 3)
    race = Race({"bfloat16": lambda: ours_class(few, bfloat16=True), "float32": lambda: ours_class(few)}, rounds=3)
    yield race.row(f"same in bfloat16, {bfloat16_error(plain, size):.0%} error", "bfloat16", "float32")


def versus(label, function, textbook, rounds):
    return Race({"ours": function, "textbook": textbook}, rounds).row(label, "ours", "textbook", 0.75)


def photos(size):
    """Five photos, shrunk to `size`, and their labels."""
    X, y, _ = load_imagenet_val(5)
    return torch.cat([ours.preprocess(x, size) for x in X]), torch.from_numpy(y)


def bfloat16_error(model, size):
    """How far a score's gradient at noise is off in bfloat16, relative to its length."""
    torch.manual_seed(0)
    img, grads = torch.randn(1, 3, size, size).requires_grad_(), []
    for low in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            grads.append(torch.autograd.grad(model(img)[0, HAY], img)[0].float())
    return float((grads[0] - grads[1]).norm() / grads[1].norm())


# The textbook -----------------------------------------------------------------------------------------------


def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    scores = model(X)
    correct = scores.gather(1, y.view(-1, 1)).squeeze(1)
    correct.backward(torch.ones_like(correct))
    saliency, _ = torch.max(torch.abs(X.grad), dim=1)
    return saliency


def make_fooling_image(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        if scores[0].argmax().item() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling.detach()


def create_class_visualization(
    target_y, model, num_iterations, size, l2_reg=1e-3, learning_rate=25, blur_every=10, max_jitter=16
):  # fmt: skip
    torch.manual_seed(0)
    img = torch.randn(1, 3, size, size).requires_grad_()
    for t in range(num_iterations):
        ox, oy = torch.randint(max_jitter + 1, (2,)).tolist()
        img.data.copy_(roll(img.data, ox, oy))
        score = model(img)[0, target_y] - l2_reg * img.norm() ** 2
        score.backward()
        img.data += learning_rate * img.grad / img.grad.norm()
        img.grad.zero_()
        img.data.copy_(roll(img.data, -ox, -oy))
        for c in range(3):
            low = float(-ours.SQUEEZENET_MEAN[c] / ours.SQUEEZENET_STD[c])
            high = float((1 - ours.SQUEEZENET_MEAN[c]) / ours.SQUEEZENET_STD[c])
            img.data[:, c].clamp_(min=low, max=high)
        if t % blur_every == 0:
            blurred = ndimage.gaussian_filter1d(img.data.numpy(), 0.5, axis=2)
            img.data.copy_(torch.from_numpy(ndimage.gaussian_filter1d(blurred, 0.5, axis=3)))
    return ours.deprocess(img.data)


def roll(X, ox, oy):
    if ox != 0:
        X = torch.cat([X[:, :, :, -ox:], X[:, :, :, :-ox]], dim=3)
    if oy != 0:
        X = torch.cat([X[:, :, -oy:], X[:, :, :-oy]], dim=2)
    return X
