"""A GAN's optimizer, and a round of its game."""

import itertools

import numpy as np
import torch
from torch import optim

from cs231n.gan_pytorch import sample_noise

from . import right

dtype = torch.FloatTensor


@right("get_optimizer", "settings by name")
def _(model):
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))
    return optimizer


@right("get_optimizer", "settings by place")
def _(model):
    return torch.optim.Adam(model.parameters(), 0.001, (0.5, 0.999))


@right("get_optimizer", "a list of parameters, betas in a list")
def _(model):
    return torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3, betas=[0.5, 0.999])


@right("get_optimizer", "groups of parameters, weights and biases apart")
def _(model):
    named = dict(model.named_parameters())
    groups = [{"params": [p for name, p in named.items() if name.endswith(kind)]} for kind in ("weight", "bias")]
    return torch.optim.Adam(groups, lr=1e-3, betas=(0.5, 0.999), eps=1e-8, weight_decay=0)


@right("get_optimizer", "a learning rate of each group, named parameters")
def _(model):
    groups = [{"params": list(layer.parameters()), "lr": 1e-3} for layer in model.children()]
    return torch.optim.Adam(groups, betas=(0.5, 0.999), foreach=False)


@right("get_optimizer", "settings changed after it was made")
def _(model):
    solver = torch.optim.Adam(model.parameters())
    for group in solver.param_groups:
        group["lr"], group["betas"] = 1e-3, (0.5, 0.999)
    return solver


@right("gan_step", "as in the assignment's run_a_gan, cast to dtype", remark="right for float32")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    batch_size = real.size(0)
    D_solver.zero_grad()
    real_data = real.type(dtype)
    logits_real = D(real_data).type(dtype)
    g_fake_seed = sample_noise(batch_size, noise_size).type(dtype)
    fake_images = G(g_fake_seed).detach()
    logits_fake = D(fake_images.view(batch_size, 1, 28, 28))
    d_total_error = discriminator_loss(logits_real, logits_fake)
    d_total_error.backward()
    D_solver.step()

    G_solver.zero_grad()
    g_fake_seed = sample_noise(batch_size, noise_size).type(dtype)
    fake_images = G(g_fake_seed)
    gen_logits_fake = D(fake_images.view(batch_size, 1, 28, 28))
    g_error = generator_loss(gen_logits_fake)
    g_error.backward()
    G_solver.step()
    return d_total_error.detach(), g_error.detach()


@right("gan_step", "losses as plain numbers, gradients zeroed and not set to None")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    N = real.shape[0]
    fake = G(sample_noise(N, noise_size).to(real)).detach().view(N, 1, 28, 28)
    d_loss = discriminator_loss(D(real), D(fake))
    D_solver.zero_grad(set_to_none=False)
    d_loss.backward()
    D_solver.step()

    G_solver.zero_grad(set_to_none=False)
    g_loss = generator_loss(D(G(sample_noise(N, noise_size).to(real)).view(N, 1, 28, 28)))
    g_loss.backward()
    G_solver.step()
    return d_loss.item(), g_loss.item()


@right("gan_step", "all gradients are zeroed first, and losses come as numpy's numbers")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    D.zero_grad(), G.zero_grad()
    with torch.no_grad():
        fake = G(sample_noise(len(real), noise_size))
    d_loss = discriminator_loss(D(real), D(fake.reshape(real.shape)))
    d_loss.backward()
    D_solver.step()

    D.zero_grad(), G.zero_grad()
    g_loss = generator_loss(D(G(sample_noise(len(real), noise_size)).reshape(real.shape)))
    g_loss.backward()
    G_solver.step()
    return np.float64(d_loss.item()), np.float64(g_loss.item())


def descend(loss, solver):
    """One step of a solver, for the answer below."""
    solver.zero_grad()
    loss.backward()
    solver.step()
    return loss.detach()


@right("gan_step", "a helper for both steps, real and fake judged in one call")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    def fakes():
        return G(sample_noise(len(real), noise_size)).view_as(real)

    scores_real, scores_fake = D(torch.cat([real, fakes().detach().to(real.dtype)])).chunk(2)
    d_loss = descend(discriminator_loss(scores_real, scores_fake), D_solver)
    return [d_loss, descend(generator_loss(D(fakes())), G_solver)]


@right("gan_step", "noise drawn at once, zeroed after the step, D's parameters at rest while G learns")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    N = len(real)
    first, second = sample_noise(2 * N, noise_size).split(N)
    D_solver.zero_grad(), G_solver.zero_grad()
    d_loss = discriminator_loss(D(real), D(G(first).detach().view(real.size())))
    d_loss.backward()
    D_solver.step()
    D_solver.zero_grad()

    for p in D.parameters():
        p.requires_grad = False
    g_loss = generator_loss(D(G(second).view(real.size())))
    g_loss.backward()
    G_solver.step()
    G_solver.zero_grad()
    for p in D.parameters():
        p.requires_grad = True
    return d_loss.data, g_loss.data


@right("gan_step", "closures for the solvers, losses as numpy's arrays")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    losses = {}

    def play(name, solver, loss_of):
        def closure():
            solver.zero_grad()
            losses[name] = loss_of(G(sample_noise(real.size(0), noise_size)).view(-1, 1, 28, 28))
            losses[name].backward()
            return losses[name]

        solver.step(closure)

    play("D", D_solver, lambda fake: discriminator_loss(D(real), D(fake.clone().detach())))
    play("G", G_solver, lambda fake: generator_loss(D(fake)))
    return losses["D"].detach().cpu().numpy(), losses["G"].detach().cpu().numpy()


@right("gan_step", "gradients by torch.autograd.grad")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    losses, players = [], itertools.cycle([(D, D_solver), (G, G_solver)])
    for network, solver in itertools.islice(players, 2):
        fake = G(sample_noise(len(real), noise_size)).view(-1, *real.shape[1:])
        loss = discriminator_loss(D(real), D(fake.detach())) if network is D else generator_loss(D(fake))
        parameters = list(network.parameters())
        for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = gradient
        solver.step()
        losses.append(loss.detach())
    return tuple(losses)


def _descend(loss, solver):
    parameters = [p for group in solver.param_groups for p in group["params"]]
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True)):
        p.grad = gradient
    solver.step()
    solver.zero_grad(set_to_none=True)
    return loss.detach()


@right("gan_step", "G's images go to D as they come, in rows", remark="view_as(real) serves every D")
def _(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=96):
    with torch.no_grad():
        fake = G(sample_noise(len(real), noise_size).to(real))
    d_loss = _descend(discriminator_loss(D(real), D(fake)), D_solver)
    return d_loss, _descend(generator_loss(D(G(sample_noise(len(real), noise_size).to(real)))), G_solver)
