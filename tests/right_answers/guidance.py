"""Guidance: labels dropped, and the guided noise."""

import torch

from . import right


@right("drop_labels", "masked_fill")
def _(y, p, chance, null):
    return y.masked_fill(chance < p, null)


@right("drop_labels", "written into the batch's own labels", remark="changed in place")
def _(y, p, chance, null):
    y[chance < p] = null
    return y


@right("drop_labels", "by arithmetic, with the mask as numbers")
def _(y, p, chance, null):
    drop = (chance < p).long()
    return y * (1 - drop) + null * drop


@right("drop_labels", "kept where the chance is larger", remark="just p")
def _(y, p, chance, null):
    return torch.where(chance > p, y, torch.full_like(y, null))


@right("drop_labels", "label by label")
def _(y, p, chance, null):
    return torch.tensor([null if c < p else k for k, c in zip(y.tolist(), chance)])


@right("guided_noise", "the paper's weights, with w counted from the model with labels")
def _(model, x, t, y, strength, null):
    w = strength - 1
    uncond = model(x, t, torch.full_like(y, null))
    return (1 + w) * model(x, t, y) - w * uncond


@right("guided_noise", "both views in one call")
def _(model, x, t, y, strength, null):
    N = x.shape[0]
    labels = torch.cat([y, torch.full((N,), null, dtype=torch.long)])
    both = model(torch.cat([x, x]), torch.cat([t, t]), labels)
    eps_cond, eps_uncond = both.chunk(2)
    return eps_uncond + strength * (eps_cond - eps_uncond)


@right("guided_noise", "lerp, and no label said by leaving it out")
def _(model, x, t, y, strength, null):
    return torch.lerp(model(x, t), model.forward(x, t, y), strength)


@right("guided_noise", "one call where one suffices")
def _(model, x, t, y, strength, null):
    if strength == 1:
        return model(x, t, y=y)
    noise = model(x, t, y=null * torch.ones_like(y)) * (1 - strength)
    return noise if strength == 0 else noise + strength * model(x, t, y=y)
