"""Losses of a discriminator's (or critic's) scores: of real and fake ones, or of fakes alone."""

import functools

import numpy as np

from ..todo import Method
from .answers import loss_and_gradients, tensors
from .inputs import random_arrays


def pair_loss(id, module, *, seed, **about):
    """The check of a loss of two batches of scores, real and fake, and of its gradients; about: as for any Method."""
    run, cases = functools.partial(_run_pair, id), functools.partial(_pair_cases, seed)
    return Method(id, f"{module}:{id}", run=run, cases=cases, outputs=("loss",), **about)


def single_loss(id, module, *, seed, **about):
    """The check of a loss of fakes' scores, and of its gradient; about: as for any Method."""
    run, cases = functools.partial(_run_single, id), functools.partial(_single_cases, seed)
    return Method(id, f"{module}:{id}", run=run, cases=cases, outputs=("loss",), **about)


def _pair_cases(seed):
    return {
        "columns (N, 1)": random_arrays(seed, np.float64, (4, 1), (4, 1)),
        "rows of two lengths": random_arrays(seed + 1, np.float64, (6,), (3,)),
        "large numbers": (np.array([[1e4], [-1e4], [300.0]]), np.array([[-1e4], [1e4], [2.0]])),
        "float32": random_arrays(seed + 2, np.float32, (5, 1), (5, 1)),
    }


def _single_cases(seed):
    labels = "a column (N, 1)", "a row", "large numbers", "float32"
    return {label: (fake,) for label, (_, fake) in zip(labels, _pair_cases(seed).values())}


def _run_pair(name, function, real, fake):
    real, fake = (x.requires_grad_() for x in tensors(real, fake))
    return loss_and_gradients(name, function(real, fake), {"gradient_real": real, "gradient_fake": fake})


def _run_single(name, function, fake):
    (fake,) = tensors(fake)
    return loss_and_gradients(name, function(fake.requires_grad_()), {"gradient": fake})
