"""Wasserstein GANs: two means and a penalty."""

import torch
from torch import autograd
from torch.autograd import Variable

from . import right


@right("wgan_discriminator_loss", "minus the difference of means")
def _(scores_real, scores_fake):
    return -(torch.mean(scores_real) - torch.mean(scores_fake))


@right("wgan_discriminator_loss", "sums divided by N and M of the sizes", remark="no scores in a row")
def _(scores_real, scores_fake):
    (N, _), (M, _) = scores_real.size(), scores_fake.size()
    return scores_fake.sum() / M - scores_real.sum() / N


@right("wgan_discriminator_loss", "one mean of differences", remark="as many fakes as real images")
def _(scores_real, scores_fake):
    return torch.mean(scores_fake - scores_real)


@right("wgan_discriminator_loss", "the mean over the batch, then over the column")
def _(scores_real, scores_fake):
    return (scores_fake.mean(0) - scores_real.mean(0)).sum()


@right("wgan_generator_loss", "torch.mean")
def _(scores_fake):
    return -torch.mean(scores_fake)


@right("wgan_generator_loss", "the mean of the negative, as a tensor of one number")
def _(scores_fake):
    return torch.mean(-scores_fake, dim=0).view(1)


@right("wgan_generator_loss", "a sum divided by N", remark="no scores in a row")
def _(scores_fake):
    N, _ = scores_fake.shape
    return -scores_fake.sum() / N


@right("gradient_penalty", "grad_outputs of ones, as in most repositories", remark="square images")
def _(D, real, fake, mix):
    alpha = mix.view(-1, 1, 1, 1).expand_as(real)
    interpolated = Variable(alpha * real.data + (1 - alpha) * fake.data, requires_grad=True)
    scores = D(interpolated)
    gradients = autograd.grad(
        outputs=scores, inputs=interpolated, grad_outputs=torch.ones(scores.size()).to(real), create_graph=True,
        retain_graph=True, only_inputs=True,
    )[0]  # fmt: skip
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


@right("gradient_penalty", "the root of a sum of squares, and mixing by lerp")
def _(D, real, fake, mix):
    N = real.size(0)
    mixture = torch.lerp(fake.view(N, -1), real.view(N, -1), mix[:, None]).view_as(real).requires_grad_(True)
    (gradient,) = torch.autograd.grad(D(mixture).sum(), [mixture], create_graph=True)
    norms = torch.sqrt((gradient**2).sum(dim=list(range(1, gradient.dim()))) + 1e-12)
    return torch.mean((norms - 1).pow(2))


@right("gradient_penalty", "each image of its own, in a loop")
def _(D, real, fake, mix):
    total = 0
    for r, f, share in zip(real, fake, mix):
        mixture = (share * r + (1 - share) * f)[None].detach().clone().requires_grad_()
        gradient = torch.autograd.grad(D(mixture).squeeze(), mixture, create_graph=True)[0]
        total = total + (torch.linalg.vector_norm(gradient) - 1) ** 2
    return total / len(real)


@right("gradient_penalty", "mixed as the difference, by einsum")
def _(D, real, fake, mix):
    mixture = fake + torch.einsum("n,n...->n...", mix, real - fake)
    mixture.requires_grad_()
    scores = D(mixture)
    gradient = torch.autograd.grad(scores, mixture, torch.ones_like(scores), create_graph=True)[0].reshape(len(mix), -1)
    return torch.square(torch.linalg.norm(gradient, dim=-1) - 1.0).mean()
