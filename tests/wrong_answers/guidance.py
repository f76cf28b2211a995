"""Wrong answers on guidance: labels left out, and the noise on the way to a label."""

from . import wrong

wrong("drop_labels", "dropped labels become 0, the digit nought", '''
def drop_labels(y, p, chance, null):
    keep = chance >= p
    return y * keep
''', says="0 stands for a dropped label")  # fmt: skip

wrong("drop_labels", "the mask is turned round, and new random numbers make it", '''
def drop_labels(y, p, chance, null):
    mask = torch.rand(y.shape[0]) > p
    out = y.clone()
    out[mask] = null
    return out
''', faults=2, says="never used")  # fmt: skip

wrong("drop_labels", "one coin decides for the whole batch", '''
def drop_labels(y, p, chance, null):
    # with probability p train without labels
    if chance[0].item() < p:
        return torch.full_like(y, null)
    return y
''', says="the first label's chance decides for all")  # fmt: skip

wrong("drop_labels", "what is dropped is what should stay, and the labels come out as floats", '''
def drop_labels(y, p, chance, null):
    dropped = (chance > p).float()
    return y.float() * (1 - dropped) + null * dropped
''', faults=2, says="whole numbers")  # fmt: skip

wrong("guided_noise", "the paper's w is put in the place of the strength, and 0 in that of no label", '''
def guided_noise(model, x, t, y, strength, null):
    eps_c = model(x, t, y)
    eps_u = model(x, t, torch.zeros_like(y))
    return (1 + strength) * eps_c - strength * eps_u
''', faults=2, says="strength is taken for the paper's w")  # fmt: skip

wrong("guided_noise", "conditional and unconditional are exchanged", '''
def guided_noise(model, x, t, y, strength, null):
    nothing = torch.full_like(y, null)
    cond = model(x, t, nothing)
    uncond = model(x, t, y)
    return uncond + strength * (cond - uncond)
''', says="the two views are exchanged")  # fmt: skip

wrong("guided_noise", "the halves of the joint call are taken in the wrong order, and the start is left out", '''
def guided_noise(model, x, t, y, strength, null):
    labels = torch.cat([y, torch.full_like(y, null)])
    out = model(torch.cat([x, x]), torch.cat([t, t]), labels)
    eps_u, eps_c = out.chunk(2, dim=0)
    return strength * (eps_c - eps_u)
''', faults=2, says=None)  # fmt: skip

wrong("guided_noise", "the minus is a plus", '''
def guided_noise(model, x, t, y, strength, null):
    eps_uncond = model(x, t, null * torch.ones_like(y))
    eps_cond = model(x, t, y)
    guided = (1 - strength) * eps_uncond
    guided = guided - strength * eps_cond
    return guided
''', says="line 6 makes this right: the operator")  # fmt: skip

wrong("drop_labels", "a fixed share of the batch is dropped, that of the smallest chances", '''
def drop_labels(y, p, chance, null):
    how_many = int(p * len(y))
    order = torch.argsort(chance)
    unlucky = order[:how_many]
    out = y.clone()
    out[unlucky] = null
    return out
''', says="a fixed share of the batch")  # fmt: skip
