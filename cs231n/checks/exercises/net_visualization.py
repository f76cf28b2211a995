"""Saliency maps, fooling images and class visualisation, tried on a network whose gradient can be written down.

The scores are W tanh(x) + b, with x the image as a row of numbers; the gradient of score c is W[c] (1 - tanh(x)^2).
"""

import itertools

import numpy as np

from ..authoring.answers import array_of
from ..authoring.inputs import random_arrays
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.net_visualization_pytorch"
PATIENT, ENDLESS = 300, 1100  # how often the network is asked; in 100 steps it is 100 times, by some answers 200


def network(W, b, straight=False):
    """The network as a torch module, its parameters asking for gradients as a model's do; straight: no tanh."""
    import torch

    squash = torch.nn.Identity() if straight else torch.nn.Tanh()
    model = torch.nn.Sequential(torch.nn.Flatten(), squash, torch.nn.Linear(*W.shape[::-1]))
    model[2].weight.data, model[2].bias.data = torch.tensor(W), torch.tensor(b)
    return model


def _score_gradient(x, c, W, straight=False):
    """The closed form for images x (..., 3, H, W) and one class each."""
    return W[c].reshape(x.shape) * (1 if straight else 1 - np.tanh(x) ** 2)


# Saliency ---------------------------------------------------------------------------------------------------


def _saliency_case(seed, dtype, N, height, width, labels):
    shapes = (N, 3, height, width), (5, 3 * height * width), (5,)
    X, W, b = random_arrays(seed, dtype, *shapes)
    return X, np.array(labels), W, b


def _saliency_cases():
    return {
        "three images": _saliency_case(61, np.float64, 3, 4, 5, [4, 0, 2]),
        "one image": _saliency_case(62, np.float64, 1, 4, 5, [3]),
        "as many rows and columns as channels": _saliency_case(63, np.float64, 2, 3, 3, [1, 1]),
        "float32": _saliency_case(64, np.float32, 2, 5, 4, [2, 0]),
    }


def _run_saliency(function, X, y, W, b):
    import torch

    return {"saliency": array_of("saliency", function(torch.from_numpy(X), torch.from_numpy(y), network(W, b)))}


compute_saliency_maps = Method(
    "compute_saliency_maps",
    f"{MODULE}:compute_saliency_maps",
    run=_run_saliency,
    float32_suffices=True,
    notebook="NetworkVisualization",
    minutes=10,
    cases=_saliency_cases,
    outputs=("saliency",),
    hints=(
        "Torch gives gradients of one number. The scores of different images do not touch each other, so that the sum "
        "of the N scores wanted has, for each image, the gradient you are after.",
        "scores.gather(1, y[:, None]) picks from row n the score of label y[n]. Then call backward() on the sum and "
        "read X.grad, or use torch.autograd.grad(total, X).",
        "scores = model(X).gather(1, y[:, None]); scores.sum().backward(); saliency = X.grad.abs().amax(dim=1).",
    ),
)


@compute_saliency_maps.oracle
def _(X, y, W, b):
    return {"saliency": np.abs(_score_gradient(X, y, W)).max(axis=1)}


def _saliency(
    X, y, model, *,
    asked=lambda scores, y: scores.gather(1, y[:, None]), reduce=lambda gradient: gradient.abs().amax(dim=1),
):  # fmt: skip
    """compute_saliency_maps with switches for mistakes; asked: the scores whose sum is differentiated."""
    import torch

    X = X.clone().requires_grad_()
    return reduce(torch.autograd.grad(asked(model(X), y).sum(), X)[0])


variants(
    compute_saliency_maps,
    _saliency,
    {
        "the absolute value is missing: a strong negative slope counts as nothing": {"reduce": lambda g: g.amax(dim=1)},
        "the largest is taken before the absolute value, so that a strong negative slope is lost": {
            "reduce": lambda g: g.amax(dim=1).abs(),
        },
        "the maximum is taken over the rows of the image instead of its channels": {
            "reduce": lambda g: g.abs().amax(dim=2),
        },
        "the maximum is taken over the images: dim=0 is the batch, the channels are dim=1": {
            "reduce": lambda g: g.abs().amax(dim=0),
        },
        "the channels are averaged instead of the largest taken": {"reduce": lambda g: g.abs().mean(dim=1)},
        "the channels are added up instead of the largest taken": {"reduce": lambda g: g.abs().sum(dim=1)},
        "the gradient is that of the probability (after a softmax) instead of the score": {
            "asked": lambda scores, y: scores.softmax(1).gather(1, y[:, None]),
        },
        "the gradient is that of the cross-entropy loss instead of the score": {
            "asked": lambda scores, y: scores.log_softmax(1).gather(1, y[:, None]),
        },
        "the gradient is that of the highest score, whatever the label": {"asked": lambda scores, y: scores.amax(1)},
        "the gradient is that of all classes' scores together": {"asked": lambda scores, y: scores},
        "scores[:, y] asks every image for the labels of all; gather picks one from each row": {
            "asked": lambda scores, y: scores[:, y],
        },
        "the maps of the batch are added up into one": {
            "reduce": lambda g: g.abs().amax(dim=1).sum(dim=0, keepdim=True).expand(len(g), -1, -1),
        },
        "squeeze() also removes the batch when it holds one image; name the axis": {
            "reduce": lambda g: g.abs().amax(dim=1, keepdim=True).squeeze(),
        },
    },
)


# Fooling ----------------------------------------------------------------------------------------------------


def _fooling_case(seed, dtype, target, ahead, straight, most=None):
    """An image (1, 3, 2, 3) and 5 classes, of which the target starts `ahead` of the best other one.

    most: for a target out of reach, how often the network answers before it asks whether the loop has an end.
    """
    X, W, b = random_arrays(seed, np.float64, (1, 3, 2, 3), (5, 18), (5,))
    scores = W @ (X if straight else np.tanh(X)).ravel() + b
    b[target] += np.delete(scores, target).max() + ahead - scores[target]
    return X.astype(dtype), target, straight, W.astype(dtype), b.astype(dtype), most


def _fooling_cases():
    return {
        "a target some steps away": _fooling_case(71, np.float64, 3, -4.5, False),
        "straight slopes": _fooling_case(72, np.float64, 0, -14.0, True),
        "the model says the target already": _fooling_case(73, np.float64, 2, 0.5, False),
        "float32": _fooling_case(74, np.float32, 4, -4.5, False),
        "a target some forty steps away": _fooling_case(75, np.float64, 1, -175.0, True),
        "a target out of reach": _fooling_case(76, np.float64, 2, -1e6, True, ENDLESS),
        "a target out of reach, given up after 100 steps": _fooling_case(76, np.float64, 2, -1e6, True, PATIENT),
    }


def _run_fooling(function, X, target_y, straight, W, b, most):
    import torch

    model = network(W, b, straight)
    if most is not None:
        model.register_forward_pre_hook(_asked_at_most(most))
    X_fooling = array_of("X_fooling", function(torch.from_numpy(X), target_y, model))
    return {"X_fooling": X_fooling if most is None else np.where(np.isfinite(X_fooling), 0, X_fooling)}


def _asked_at_most(most):
    """A hook for a network's calls: what would go on for ever ends here."""
    count = itertools.count(1)

    def asked(*_):
        if next(count) > most:
            raise Wrong(
                f"make_fooling_image goes on after asking the model {most:,} times, where the target is out of reach; "
                "end the loop after 100 steps at most"
            )

    return asked


make_fooling_image = Method(
    "make_fooling_image",
    f"{MODULE}:make_fooling_image",
    run=_run_fooling,
    float32_suffices=True,
    beyond={
        "a target out of reach, given up after 100 steps": "A target out of reach is given up late, and a big network "
        "keeps you waiting; 100 steps are enough.",
    },
    notebook="NetworkVisualization",
    minutes=15,
    cases=_fooling_cases,
    outputs=("X_fooling",),
    hints=(
        "A loop: score the image, stop if the target wins already, else take one step uphill on the target's score.",
        "The winner is scores.argmax(). The step is learning_rate * g / g.norm(), so that it always has the same "
        "length. With backward(), set X_fooling.grad to zero after every step, or gradients pile up.",
        "for _ in range(100): scores = model(X_fooling); if scores.argmax() == target_y: break; scores[0, target_y]"
        ".backward(); g = X_fooling.grad; X_fooling.data += learning_rate * g / g.norm(); g.zero_().",
    ),
)


@make_fooling_image.oracle
def _(X, target_y, straight, W, b, most):
    if most is not None:
        return {"X_fooling": np.zeros_like(X)}  # whatever came out, as long as it is finite
    x = X.astype(np.float64)
    for _ in range(100):
        if np.argmax(W @ (x if straight else np.tanh(x)).ravel() + b) == target_y:
            break
        grad = _score_gradient(x, target_y, W, straight)
        x = x + grad / np.sqrt((grad**2).sum())
    return {"X_fooling": x.astype(X.dtype)}


def _climb(
    X, target_y, model, *,
    asked=lambda scores, t: scores[0, t], step=lambda g: g / g.norm(), stop=True, piled=0, own=True,
):  # fmt: skip
    """make_fooling_image with switches for mistakes; piled: how much of the last gradients stays in the next."""
    import torch

    X_fooling = (X.clone() if own else X).requires_grad_()
    grad = 0
    for _ in range(100):
        scores = model(X_fooling)
        if stop and scores.argmax() == target_y:
            break
        grad = piled * grad + torch.autograd.grad(asked(scores, target_y), X_fooling)[0]
        X_fooling.data += step(grad)
    return X_fooling.detach()


variants(
    make_fooling_image,
    _climb,
    {
        "the step goes down instead of up: the target's score falls": {"step": lambda g: -g / g.norm()},
        "the gradient is not normalised: a step is as long as the slope is steep": {"step": lambda g: g},
        "the gradient is divided by its squared norm; the step then has the length 1 / ||g||": {
            "step": lambda g: g / g.square().sum()
        },
        "only the gradient's sign is kept": {"step": lambda g: g.sign()},
        "the stopping test is missing: all 100 steps are taken": {"stop": False},
        "the gradient is that of the target's probability (after a softmax) instead of its score": {
            "asked": lambda scores, t: scores.softmax(1)[0, t]
        },
        "the gradient is that of the highest score instead of the target's": {"asked": lambda scores, t: scores.amax()},
        "the gradient is not set to zero between the steps, so that old ones pile up in it": {"piled": 1},
        "X itself is changed: X_fooling must be a copy": {"own": False},
    },
)


# Class visualisation ----------------------------------------------------------------------------------------


def _step_case(seed, dtype, target, l2_reg, learning_rate):
    img, W, b = random_arrays(seed, dtype, (1, 3, 3, 4), (4, 36), (4,))
    return img, target, l2_reg, learning_rate, W, b


def _step_cases():
    return {
        "two steps": _step_case(81, np.float64, 1, 0.1, 2.0),
        "strong regularisation": _step_case(82, np.float64, 0, 2.0, 0.5),
        "no regularisation": _step_case(83, np.float64, 2, 0.0, 1.0),
        "float32": _step_case(84, np.float32, 3, 0.1, 1.5),
    }


def _run_step(function, img, target_y, l2_reg, learning_rate, W, b):
    import torch

    img, model, seen = torch.tensor(img).requires_grad_(), network(W, b), {}  # a copy: it is to be changed in place
    for when in ("img after one step", "img after two steps"):
        function(img, model, target_y, l2_reg, learning_rate)
        seen[when] = array_of("img", img.clone())
    return seen


class_visualization_update_step = Method(
    "class_visualization_update_step",
    f"{MODULE}:class_visualization_update_step",
    run=_run_step,
    float32_suffices=True,
    notebook="NetworkVisualization",
    minutes=15,
    cases=_step_cases,
    outputs=("img after one step", "img after two steps"),
    hints=(
        "Write the objective as one number, score minus regulariser, and let torch find its gradient: that way the "
        "regulariser's part cannot get a wrong sign.",
        "objective = model(img)[0, target_y] - l2_reg * (img ** 2).sum(). Normalise the gradient of the whole "
        "objective, then step uphill, in place: img.data += ...",
        "objective.backward(); img.data += learning_rate * img.grad / img.grad.norm(); img.grad.zero_().",
    ),
)


@class_visualization_update_step.oracle
def _(img, target_y, l2_reg, learning_rate, W, b):
    x, seen = img.astype(np.float64), {}
    for when in ("img after one step", "img after two steps"):
        grad = _score_gradient(x, target_y, W) - 2 * l2_reg * x
        x = x + learning_rate * grad / np.sqrt((grad**2).sum())
        seen[when] = x.astype(img.dtype)
    return seen


def _ascend(
    img, model, target_y, l2_reg, learning_rate, *,
    uphill=1, strength=1, penalty=lambda x: x.square().sum(), asked=lambda scores, t: scores[0, t], unit=True,
    after=lambda step, x, l2_reg: step, piled=False,
):  # fmt: skip
    """The update step with switches for mistakes; strength: of the regulariser; piled: on old gradients."""
    import torch

    x = img.detach().requires_grad_()
    (grad,) = torch.autograd.grad(asked(model(x), target_y) - strength * l2_reg * penalty(x), x)
    if piled:
        img.grad = grad if img.grad is None else img.grad + grad
        grad = img.grad
    step = grad / grad.norm() if unit else grad
    img.data += uphill * learning_rate * after(step, x.detach(), l2_reg)


variants(
    class_visualization_update_step,
    _ascend,
    {
        "the step goes down instead of up": {"uphill": -1},
        "the regulariser has the wrong sign: it is added, and makes the image grow": {"strength": -1},
        "the regulariser is missing": {"strength": 0},
        "the regulariser comes after the normalisation; it belongs to the objective": {
            "strength": 0,
            "after": lambda step, x, l2_reg: step + -2 * l2_reg * x,
        },
        "the factor 2 of the slope is missing: l2_reg * img instead of twice that": {"strength": 0.5},
        "the norm in the regulariser is not squared": {"penalty": lambda x: x.norm()},
        "the gradient is not normalised": {"unit": False},
        "the gradient is not set to zero between the steps, so that old ones pile up": {"piled": True},
        "the gradient is that of the probability (softmax) instead of the score": {
            "asked": lambda scores, t: scores.softmax(1)[0, t],
        },
        "the gradient is that of the highest score instead of the target's": {
            "asked": lambda scores, t: scores.amax(),
        },
        "img stays as it was: img = img + ... is a new tensor; write img.data += ...": (
            lambda img, *settings: _ascend(img.clone(), *settings)
        ),
    },
)
