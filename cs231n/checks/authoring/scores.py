"""Losses of a discriminator's (or critic's) scores: of real and fake ones, or of fakes alone."""

import functools

import numpy as np

from ..todo import Method
from .answers import loss_and_gradients, tensors
from .inputs import random_arrays

# The course's networks give columns, and as many scores of fakes as of real images, all in float32.
ROW = "It takes no scores in a row (N,); those of the networks here are columns (N, 1)"
LENGTHS = "It needs as many fakes as real images, which every game of this course has"


def pair_loss(id, module, *, seed, **about):
    """The check of a loss of two batches of scores, real and fake, and of its gradients; about: as for any Method."""
    run, cases = functools.partial(_run_pair, id), functools.partial(_pair_cases, seed)
    beyond = {"batches of two lengths": LENGTHS, "rows (N,)": ROW}
    return _loss(id, module, run=run, cases=cases, beyond=beyond, **about)


def single_loss(id, module, *, seed, **about):
    """The check of a loss of fakes' scores, and of its gradient; about: as for any Method."""
    run, cases = functools.partial(_run_single, id), functools.partial(_single_cases, seed)
    return _loss(id, module, run=run, cases=cases, beyond={"a row (N,)": ROW}, **about)


def _loss(id, module, **about):
    return Method(id, f"{module}:{id}", outputs=("loss",), float32_suffices=True, **about)


def _pair_cases(seed):
    return {
        "columns (N, 1)": random_arrays(seed, np.float64, (4, 1), (4, 1)),
        "one image": random_arrays(seed + 3, np.float64, (1, 1), (1, 1)),
        "large numbers": (np.array([[1e4], [-1e4], [300.0]]), np.array([[-1e4], [1e4], [2.0]])),
        "float32": random_arrays(seed + 2, np.float32, (5, 1), (5, 1)),
        "batches of two lengths": random_arrays(seed + 1, np.float32, (6, 1), (3, 1)),
        "rows (N,)": random_arrays(seed + 4, np.float32, (4,), (4,)),
    }


def _single_cases(seed):
    labels = "a column (N, 1)", "one image", "large numbers", "float32", "", "a row (N,)"
    return {label: (fake,) for label, (_, fake) in zip(labels, _pair_cases(seed).values()) if label}


def _run_pair(name, function, real, fake):
    real, fake = (x.requires_grad_() for x in tensors(real, fake))
    loss = function(real.clone(), fake.clone())  # no leaves, as a network's scores are none: they may be written into
    return loss_and_gradients(name, loss, {"gradient_real": real, "gradient_fake": fake})


def _run_single(name, function, fake):
    (fake,) = tensors(fake)
    return loss_and_gradients(name, function(fake.requires_grad_().clone()), {"gradient": fake})
