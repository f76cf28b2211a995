"""The losses of GANs: cross-entropy, squares, and scores as they are."""

import torch
import torch.nn.functional as F
from torch import nn

from cs231n import gan_pytorch
from cs231n.gan_pytorch import bce_loss

from . import right

dtype = torch.FloatTensor

# bce_loss -----------------------------------------------------------------------------------------------------------


@right(
    "bce_loss", "as the assignment gives it, with clamp, abs, exp and log", remark="targets of the logits' own shape"
)
def _(input, target):
    neg_abs = -input.abs()
    loss = input.clamp(min=0) - input * target + (1 + neg_abs.exp()).log()
    return loss.mean()


@right("bce_loss", "binary_cross_entropy_with_logits", remark="targets of the logits' own shape")
def _(input, target):
    return F.binary_cross_entropy_with_logits(input, target)


@right("bce_loss", "BCEWithLogitsLoss, targets brought to the shape")
def _(input, target):
    criterion = nn.BCEWithLogitsLoss()
    return criterion(input, target.view_as(input))


@right("bce_loss", "softplus, which torch makes linear above 20")
def _(input, target):
    return (F.softplus(input) - input * target.reshape(input.shape)).mean()


@right("bce_loss", "logsigmoid of both signs")
def _(input, target):
    input, target = input.flatten(), target.flatten()
    return -(target * F.logsigmoid(input) + (1 - target) * F.logsigmoid(-input)).mean()


@right("bce_loss", "torch.max with zeros, summed up and divided by a size")
def _(input, target):
    x, t = input.view(-1), target.view(-1)
    N = x.size(0)
    loss = torch.max(x, torch.zeros(N).type_as(x)) - x * t + torch.log(torch.exp(-torch.abs(x)) + 1)
    return torch.sum(loss) / N


@right("bce_loss", "logsumexp over the two answers")
def _(input, target):
    both = torch.stack([torch.zeros_like(input), input])
    return (torch.logsumexp(both, dim=0) - input * target.view(input.size())).mean()


@right("bce_loss", "targets made signs in place", remark="changed in place")
def _(input, target):
    signs = target.view(input.shape).mul_(2).sub_(1)  # softplus(x) - x t, with t = (signs + 1) / 2
    return (F.softplus(input) - input * (signs + 1) / 2).mean()


@right("bce_loss", "float32, as the loss's numbers are cast")
def _(input, target):
    return nn.BCEWithLogitsLoss()(input.float().squeeze(-1), target.float().reshape(input.squeeze(-1).shape))


# The discriminator's ------------------------------------------------------------------------------------------------


@right("discriminator_loss", "targets of the logits' size, cast to dtype")
def _(logits_real, logits_fake):
    true_labels = torch.ones(logits_real.size()).type(dtype)
    fake_labels = torch.zeros(logits_fake.size()).type(dtype)
    return bce_loss(logits_real, true_labels) + bce_loss(logits_fake, fake_labels)


@right("discriminator_loss", "N and _ are taken from the size", remark="no scores in a row")
def _(logits_real, logits_fake):
    N, _ = logits_real.size()
    M, _ = logits_fake.size()
    return bce_loss(logits_real, torch.ones(N, 1).type(dtype)) + bce_loss(logits_fake, torch.zeros(M, 1).type(dtype))


@right("discriminator_loss", "one size for both batches", remark="as many fakes as real images")
def _(logits_real, logits_fake):
    N = logits_real.size()
    loss = bce_loss(logits_real, torch.ones(N))
    loss += bce_loss(logits_fake, torch.zeros(N))
    return loss


@right("discriminator_loss", "both batches in one, the mean times two", remark="as many fakes as real images")
def _(logits_real, logits_fake):
    logits = torch.cat((logits_real, logits_fake))
    labels = torch.cat((torch.ones_like(logits_real), torch.zeros_like(logits_fake)))
    return 2 * bce_loss(logits, labels)


@right("discriminator_loss", "numbers for targets")
def _(logits_real, logits_fake):
    return gan_pytorch.bce_loss(logits_real, 1) + gan_pytorch.bce_loss(logits_fake, 0.0)


@right("discriminator_loss", "torch's cross-entropy, new tensors of the logits' kind")
def _(logits_real, logits_fake):
    ones, zeros = logits_real.new_ones(logits_real.shape), logits_fake.new_zeros(logits_fake.shape)
    return sum(F.binary_cross_entropy_with_logits(x, t) for x, t in ((logits_real, ones), (logits_fake, zeros)))


@right("discriminator_loss", "from the formula, without targets")
def _(logits_real, logits_fake):
    return -F.logsigmoid(logits_real).mean() - F.logsigmoid(-logits_fake).mean()


@right("discriminator_loss", "BCEWithLogitsLoss, and real before fake by zip")
def _(logits_real, logits_fake):
    bce, loss = nn.BCEWithLogitsLoss(), torch.tensor(0.0)
    for logits, label in zip((logits_real, logits_fake), (1.0, 0.0)):
        loss = loss + bce(logits, torch.full_like(logits, label))
    return loss


# The generator's ----------------------------------------------------------------------------------------------------


@right("generator_loss", "targets of the logits' size, cast to dtype")
def _(logits_fake):
    true_labels = torch.ones(logits_fake.size()).type(dtype)
    return bce_loss(logits_fake, true_labels)


@right("generator_loss", "N and _ are taken from the size", remark="no scores in a row")
def _(logits_fake):
    N, _ = logits_fake.size()
    return bce_loss(logits_fake, torch.ones((N, 1)).type(dtype))


@right("generator_loss", "a column of ones")
def _(logits_fake):
    return bce_loss(logits_fake.view(-1, 1), torch.ones(logits_fake.size(0), 1))


@right("generator_loss", "a number for the target")
def _(logits_fake):
    return bce_loss(logits_fake, 1.0)


@right("generator_loss", "softplus")
def _(logits_fake):
    return F.softplus(-logits_fake).mean()


@right("generator_loss", "the mean by hand, as a tensor of one number")
def _(logits_fake):
    loss = F.binary_cross_entropy_with_logits(logits_fake, torch.ones_like(logits_fake), reduction="sum")
    return (loss / len(logits_fake)).reshape(1)


# Squares ------------------------------------------------------------------------------------------------------------


@right("ls_discriminator_loss", "torch.pow and torch.mean")
def _(scores_real, scores_fake):
    return 0.5 * torch.mean(torch.pow(scores_real - 1, 2)) + 0.5 * torch.mean(torch.pow(scores_fake, 2))


@right("ls_discriminator_loss", "MSELoss against ones and zeros")
def _(scores_real, scores_fake):
    mse = nn.MSELoss()
    return (mse(scores_real, torch.ones_like(scores_real)) + mse(scores_fake, torch.zeros_like(scores_fake))) / 2


@right("ls_discriminator_loss", "mse_loss against ones of a dtype")
def _(scores_real, scores_fake):
    true_labels = torch.ones(scores_real.size()).type(dtype)
    return 0.5 * F.mse_loss(scores_real, true_labels) + 0.5 * F.mse_loss(scores_fake, torch.zeros(scores_fake.size()))


@right("ls_discriminator_loss", "one mean of both", remark="as many fakes as real images")
def _(scores_real, scores_fake):
    return (0.5 * (scores_real - 1) ** 2 + 0.5 * scores_fake**2).mean()


@right("ls_discriminator_loss", "N and _ are taken from the size, and sums are divided", remark="no scores in a row")
def _(scores_real, scores_fake):
    (N, _), (M, _) = scores_real.size(), scores_fake.size()
    return 0.5 * ((scores_real - 1).pow(2).sum() / N + (scores_fake * scores_fake).sum() / M)


@right("ls_discriminator_loss", "squared norms")
def _(scores_real, scores_fake):
    real, fake = scores_real.flatten() - 1, scores_fake.flatten()
    return real.dot(real) / (2 * real.numel()) + torch.norm(fake) ** 2 / (2 * fake.numel())


@right("ls_generator_loss", "torch.pow and torch.mean")
def _(scores_fake):
    return torch.mean(torch.pow(scores_fake - 1.0, 2)) / 2


@right("ls_generator_loss", "MSELoss against ones")
def _(scores_fake):
    return 0.5 * nn.MSELoss()(scores_fake, torch.ones_like(scores_fake))


@right("ls_generator_loss", "mse_loss against ones of a dtype, from the size", remark="no scores in a row")
def _(scores_fake):
    N, _ = scores_fake.size()
    return F.mse_loss(scores_fake, torch.ones(N, 1).type(dtype)) * 0.5


@right("ls_generator_loss", "the square multiplied out")
def _(scores_fake):
    return (0.5 * scores_fake.square() - scores_fake + 0.5).mean()


@right("ls_generator_loss", "1 is taken off in place")
def _(scores_fake):
    scores_fake -= 1
    return (scores_fake**2).mean() / 2


@right("ls_generator_loss", "each score of its own, in a loop")
def _(scores_fake):
    return sum((score - 1) ** 2 for score in scores_fake.view(-1)) / scores_fake.numel() / 2
