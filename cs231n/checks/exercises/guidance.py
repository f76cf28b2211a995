"""Guidance: labels dropped by given chances, and the way between a tiny model's two views of noise."""

import numpy as np

from ..authoring.answers import array_of, tensors
from ..authoring.inputs import random_arrays
from ..authoring.layers import per_image
from ..authoring.variants import mistakes, variants
from ..todo import Method, Wrong

MODULE = "cs231n.guidance"
AT_P = "a chance that is just p"


# Leaving labels out -----------------------------------------------------------------------------------------


def _label_cases():
    def case(y, p, chance, null=10, dtype=np.float32):
        return np.array(y), p, np.array(chance, dtype), null

    return {
        "some are dropped": case([3, 0, 7, 9, 0, 5], 0.3, [0.9, 0.1, 0.2, 0.7, 0.4, 0.05]),
        "another null label": case([2, 3, 1, 0, 3], 0.5, [0.2, 0.8, 0.6, 0.1, 0.4], null=4),
        "none is dropped": case([1, 0, 2], 0.0, [0.3, 0.001, 0.9]),
        "all are dropped": case([1, 0, 2], 1.0, [0.3, 0.001, 0.999]),
        "one label": case([0], 0.2, [0.1]),
        "float64": case([4, 8, 0, 6], 0.15, [0.9, 0.14, 0.16, 0.5], dtype=np.float64),
        AT_P: case([1, 0, 6], 0.25, [0.25, 0.5, 0.0]),
    }


def _run_drop(function, y, p, chance, null):
    import torch

    torch.manual_seed(0)  # so that an answer that draws chances of its own is seen to
    labels = function(*tensors(y), p, *tensors(chance), null)
    found = array_of("the labels", labels)
    if found.dtype.kind != "i":
        raise Wrong(f"the labels have become {labels.dtype}: an embedding looks up whole numbers, torch.int64")
    return {"labels": found}


drop_labels = Method(
    "drop_labels",
    f"{MODULE}:drop_labels",
    run=_run_drop,
    notebook="extras",
    minutes=5,
    cases=_label_cases,
    beyond={AT_P: "A label is dropped also where its chance is just p, and so now and then where p is 0"},
    spare=("y",),
    outputs=("labels",),
    hints=(
        "chance < p says for each label whether it is dropped, as a tensor of bools, (N,).",
        "torch.where(condition, a, b) takes a where the condition holds, and b elsewhere; a may be a number.",
        "torch.where(chance < p, null, y)",
    ),
)


@drop_labels.oracle
def _(y, p, chance, null):
    return {"labels": np.array([null if drawn < p else label for label, drawn in zip(y, chance)])}


def _dropped(
    y, p, chance, null, *, falls=lambda chance, p: chance < p, becomes=lambda y, null: null, stays=lambda y: y,
):  # fmt: skip
    """drop_labels with switches for mistakes."""
    import torch

    return torch.where(falls(chance, p), becomes(y, null), stays(y))


variants(
    drop_labels,
    _dropped,
    {
        "p is taken for the share that is kept: nearly all are dropped where few should be": {
            "falls": lambda chance, p: chance >= p,
        },
        "chance is compared with 1 - p: nearly all are dropped where few should be": {
            "falls": lambda chance, p: chance < 1 - p,
        },
        "the first label's chance decides for all": {"falls": lambda chance, p: chance[:1] < p},
        "a fixed share of the batch is dropped, that of the smallest chances; each label's own chance decides": {
            "falls": lambda chance, p: chance.argsort().argsort() < int(p * len(chance)),
        },
        "0 stands for a dropped label; but 0 is a digit like the others": {"becomes": lambda y, null: 0},
        "-1 stands for a dropped label, which no embedding can look up": {"becomes": lambda y, null: -1},
        "10 stands for a dropped label, where null says which one does": {"becomes": lambda y, null: 10},
        "a dropped label becomes null - 1, the last digit": {"becomes": lambda y, null: null - 1},
        "all labels are dropped, whatever their chances": {"stays": lambda y: y * 0 + 10},
    },
)  # fmt: skip
mistakes(
    drop_labels,
    {
        "no label is dropped": lambda y, p, chance, null: y.clone(),
        "dropped labels are taken out, so that labels no longer stand beside their images": (
            lambda y, p, chance, null: y[chance >= p]
        ),
    },
)  # fmt: skip


@drop_labels.mistake("chances of its own are drawn instead of those that were given")
def _(y, p, chance, null):
    import torch

    return _dropped(y, p, torch.rand(len(y)), null)


# The guided noise -------------------------------------------------------------------------------------------


def _guided_cases():
    def case(seed, dtype, shape, steps, labels, strength, null=10):
        x, table = random_arrays(seed, dtype, shape, (12,))
        return x, np.array(steps), np.array(labels), strength, null, table, 0.3

    return {
        "strength 2": case(351, np.float64, (3, 1, 2, 4), (5, 1, 3), (7, 0, 2), 2.0),
        "strength 0, without labels": case(352, np.float64, (2, 1, 3, 3), (2, 4), (1, 9), 0.0),
        "strength 1, with labels": case(353, np.float64, (2, 1, 2, 3), (6, 1), (3, 3), 1.0),
        "half way": case(354, np.float64, (4, 1, 3, 4), (1, 2, 3, 4), (0, 1, 2, 9), 0.5),
        "another null label": case(355, np.float64, (3, 1, 2, 2), (4, 4, 1), (2, 0, 1), 3.5, null=5),
        "one image": case(356, np.float64, (1, 1, 2, 3), (3,), (8,), 1.5),
        "float32": case(357, np.float32, (2, 1, 4, 3), (3, 2), (6, 0), 4.0),
    }


def _teller(table, b, null):
    """A model that sees the noise table[y] x + b t in images of which it is told y."""
    import torch

    class Teller(torch.nn.Module):
        def forward(self, x, t, y=None):
            y = torch.full_like(t, null) if y is None else y
            return per_image(table[y], x) * x + per_image(b * t.to(x.dtype), x)

    return Teller()


def _run_guided(function, x, t, y, strength, null, table, b):
    import torch

    x, t, y, table = tensors(x, t, y, table)
    with torch.no_grad():
        seen = function(_teller(table, b, null), x, t, y, strength, null)
    return {"guided noise": array_of("the guided noise", seen)}


guided_noise = Method(
    "guided_noise",
    f"{MODULE}:guided_noise",
    run=_run_guided,
    notebook="extras",
    minutes=8,
    cases=_guided_cases,
    float32_suffices=True,
    outputs=("guided noise",),
    hints=(
        "The model is called twice with the same x and t: with the labels y, and with as many null labels. "
        "torch.full_like(y, null) makes these.",
        "Begin with what it sees without labels and go in the direction of what it sees with them: strength 0 takes no "
        "step, strength 1 arrives, strength 2 goes as far again.",
        "without + strength * (told - without), where without = model(x, t, torch.full_like(y, null)) and "
        "told = model(x, t, y)",
    ),
)


@guided_noise.oracle
def _(x, t, y, strength, null, table, b):
    """The two views image by image: their weights, 1 - strength and strength, add up to 1, so b t stays as it is."""
    table = table.astype(np.float64)
    weights = [(1 - strength) * table[null] + strength * table[label] for label in y]
    return {"guided noise": np.stack([weight * image + b * step for weight, image, step in zip(weights, x, t)])}


def _no_label(y, null):
    import torch

    return torch.full_like(y, null)


def _guided(
    model, x, t, y, strength, null, *, untold=_no_label, told=lambda y, null: y,
    mix=lambda without, told, s: without + s * (told - without),
):  # fmt: skip
    """guided_noise with switches for mistakes."""
    return mix(model(x, t, untold(y, null)), model(x, t, told(y, null)), strength)


variants(
    guided_noise,
    _guided,
    {
        "strength is taken for the paper's w, which counts from the model with labels: w is strength - 1": {
            "mix": lambda without, told, s: (1 + s) * told - s * without,
        },
        "the two views are exchanged: strength 0 is the model with labels, and more of it leads away from them": {
            "mix": lambda without, told, s: told + s * (without - told),
        },
        "the way is taken backwards, away from what the labels say": {
            "mix": lambda without, told, s: without - s * (told - without),
        },
        "the view with labels is multiplied with strength, and nothing else": {
            "mix": lambda without, told, s: s * told,
        },
        "the whole view with labels is added, not what differs in it": {
            "mix": lambda without, told, s: without + s * told,
        },
        "what the labels change is all that is left: the view without them is not added": {
            "mix": lambda without, told, s: s * (told - without),
        },
        "the views are added with weights that do not make 1": {
            "mix": lambda without, told, s: (1 + s) * told + s * without,
        },
        "strength plays no part: it is the model with labels": {"mix": lambda without, told, s: told},
        "the labels play no part: it is the model without them": {"mix": lambda without, told, s: without},
        "0 stands for no label; but 0 is a digit like the others": {"untold": lambda y, null: y * 0},
        "10 stands for no label, where null says which one does": {"untold": lambda y, null: y * 0 + 10},
        "the first image's label serves all images": {"told": lambda y, null: y[:1].expand(len(y))},
    },
)  # fmt: skip
