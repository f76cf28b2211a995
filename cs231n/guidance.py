"""Guidance: a diffusion model that is told which digit to draw, and how closely to keep to what it is told.

The labels are 0..9; one more, the null label, tells the model nothing. Source: Ho, Salimans 2022, Classifier-Free
Diffusion Guidance, https://arxiv.org/abs/2207.12598
"""

import torch


def drop_labels(y, p, chance, null):
    """Labels for a step of training, (N,) int64: of y, but those that chance falls on become the null label.

    y (N,) int64. p: the share that is dropped, 0..1. chance (N,): for each label a number drawn evenly from 0..1; the
    label is dropped where it is less than p. null: the null label, a number (Ho and Salimans, Algorithm 1).
    """
    # TODO(drop_labels): a new tensor; each label has a chance of its own. Mind that 0 is a label like all others.
    ### BEGIN SOLUTION drop_labels
    return torch.where(chance < p, null, y)
    ### END SOLUTION


def guided_noise(model, x, t, y, strength, null):
    """The noise that a model sees in images x (N, ...) at steps t (N,), guided towards the labels y (N,); of x's shape.

    model(x, t, y) -> predicted noise. null: the label that tells it nothing. strength: 0 is the model without labels,
    1 the model with them; beyond 1, what the labels change is made larger than it is. In Ho and Salimans, eq. 6, it is
    w + 1.
    """
    # TODO(guided_noise): from what the model sees without labels, `strength` times the way to what it sees with them.
    ### BEGIN SOLUTION guided_noise
    without = model(x, t, torch.full_like(y, null))
    return without + strength * (model(x, t, y) - without)
    ### END SOLUTION
