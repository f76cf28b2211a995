"""Wasserstein GANs: losses against closed forms, the penalty on critics of known slope and by finite differences."""

import pytest
import torch
from torch import nn

from cs231n.gan_pytorch import build_dc_classifier, discriminator, generator
from cs231n.wgan import PENALTY, gradient_penalty, wgan_discriminator_loss, wgan_generator_loss

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def batch(N=4, *shape, seed=0):
    """Real images, fakes, and how they are mixed."""
    shape = shape or (1, 28, 28)
    mix = torch.rand(N, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 2))
    return numbers(N, *shape, seed=seed).tanh(), numbers(N, *shape, seed=seed + 1).tanh(), mix


class Linear(nn.Module):
    """A critic whose slope is its weight, everywhere."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return x.flatten(1) @ self.weight + 3


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_losses_are_means_and_do_not_mind_a_shift_of_all_scores(shape):
    real, fake = numbers(*shape), numbers(*shape, seed=1)
    loss = wgan_discriminator_loss(real, fake)
    assert loss.item() == pytest.approx(sum(fake.flatten().tolist()) / 6 - sum(real.flatten().tolist()) / 6, abs=1e-12)
    torch.testing.assert_close(wgan_discriminator_loss(real + 7, fake + 7), loss, **EXACT)
    torch.testing.assert_close(wgan_discriminator_loss(5 * real, 5 * fake), 5 * loss, **EXACT)
    assert wgan_generator_loss(fake).item() == pytest.approx(-sum(fake.flatten().tolist()) / 6, abs=1e-12)


def test_the_best_straight_critic_finds_the_distance_between_two_shifted_sets():
    """Fakes are the real images moved by d; slope 1 along d scores them |d| apart, which is the distance to carry."""
    real, shift = numbers(50, 3), torch.tensor([2.0, -1.0, 2.0], dtype=torch.float64)
    D = Linear(-shift / shift.norm())
    loss = wgan_discriminator_loss(D(real), D(real + shift)) + PENALTY * gradient_penalty(
        D, real, real + shift, torch.full((50,), 0.3, dtype=torch.float64)
    )
    assert loss.item() == pytest.approx(-3, abs=1e-12)


@pytest.mark.parametrize("size", [0.2, 1.0, 4.0])
def test_penalty_of_a_linear_critic(size):
    weight = numbers(784)
    D = Linear(size * weight / weight.norm())
    penalty = gradient_penalty(D, *batch())
    assert penalty.item() == pytest.approx((size - 1) ** 2, abs=1e-12)
    (gradient,) = torch.autograd.grad(penalty, D.weight)
    torch.testing.assert_close(gradient, 2 * (size - 1) * weight / weight.norm(), **EXACT)


def test_penalty_of_a_critic_that_does_not_care():
    D = Linear(torch.zeros(784, dtype=torch.float64))
    penalty = gradient_penalty(D, *batch())
    assert penalty.item() == 1
    assert torch.isfinite(torch.autograd.grad(penalty, D.weight)[0]).all()


def test_the_slope_is_measured_at_each_images_own_mixture():
    """D(x) = |x|^2 / 2 has the slope |x|."""
    real, fake, mix = batch(5, 2, 3)
    at = torch.stack([m * r + (1 - m) * f for r, f, m in zip(real, fake, mix)])
    expected = sum((x.square().sum().sqrt() - 1) ** 2 for x in at) / 5
    found = gradient_penalty(lambda x: x.square().flatten(1).sum(1) / 2, real, fake, mix)
    torch.testing.assert_close(found, expected, **EXACT)


@pytest.mark.parametrize("make", [discriminator, build_dc_classifier])
def test_double_backward_against_finite_differences(make):
    """Along a direction in the space of all weights; D is smooth nearly everywhere, and there its scores are linear."""
    torch.manual_seed(3)
    D = make().double()
    inputs = batch(3)
    parameters = list(D.parameters())
    gradients = torch.autograd.grad(gradient_penalty(D, *inputs), parameters, allow_unused=True)
    direction = [numbers(*p.shape, seed=k) / p.numel() ** 0.5 for k, p in enumerate(parameters)]
    slope = sum((g * d).sum() for g, d in zip(gradients, direction) if g is not None).item()
    step, values = 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            for p, d in zip(parameters, direction):
                p.add_(d, alpha=sign * step)
        values.append(gradient_penalty(D, *inputs).item())
        with torch.no_grad():
            for p, d in zip(parameters, direction):
                p.sub_(d, alpha=sign * step)
    assert abs(slope) > 1e-3
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-6)


def test_nothing_is_left_behind():
    D, (real, fake, mix) = discriminator(seed=1).double(), batch()
    before = [x.clone() for x in (real, fake, mix)]
    state = torch.get_rng_state()
    first, second = (gradient_penalty(D, real, fake, mix).item() for _ in range(2))
    assert first == second and torch.equal(state, torch.get_rng_state())
    assert all(p.grad is None for p in D.parameters())
    assert all(torch.equal(a, b) for a, b in zip((real, fake, mix), before))
    assert not (real.requires_grad or fake.requires_grad)


def test_no_gradient_flows_into_the_generator():
    torch.manual_seed(0)
    D, G = discriminator().double(), generator(8).double()
    real, _, mix = batch()
    fake = G(numbers(4, 8)).view_as(real)
    gradients = torch.autograd.grad(gradient_penalty(D, real, fake, mix), list(G.parameters()), allow_unused=True)
    assert gradients == (None,) * len(gradients)


def learned(weight):
    """How far a critic gets in 30 steps: its last loss without the penalty, and its last penalty."""
    torch.manual_seed(5)
    D, G = discriminator(), generator()
    real = 2 * torch.rand(16, 1, 28, 28).round() - 1
    with torch.no_grad():
        fake = G(torch.randn(16, 96)).view_as(real)
    solver = torch.optim.Adam(D.parameters(), 1e-3, (0.5, 0.9))
    for _ in range(30):
        penalty = gradient_penalty(D, real, fake, torch.rand(16))
        loss = wgan_discriminator_loss(D(real), D(fake))
        solver.zero_grad()
        (loss + weight * penalty).backward()
        solver.step()
    return loss.item(), penalty.item()


def test_a_critic_learns_to_tell_real_from_fake_and_the_penalty_holds_its_slope():
    """With slope s and distance d the best loss has d = 2 PENALTY (s - 1): the penalty is (d / 20)^2, d about 28."""
    loss, penalty = learned(PENALTY)
    assert loss < -20 and penalty < 3
    _, free = learned(0)
    assert free > 10 * penalty


@pytest.mark.parametrize(
    ("real", "fake", "mix", "message"),
    [
        ((4, 1, 28, 28), (4, 784), (4,), "view_as"),
        ((4, 784), (3, 784), (4,), "view_as"),
        ((4, 784), (4, 784), (), "one number each"),
        ((4, 784), (4, 784), (4, 1), "one number each"),
        ((4, 784), (4, 784), (1,), r"\(4,\)"),
    ],
)
def test_shapes_that_do_not_fit(real, fake, mix, message):
    with pytest.raises(ValueError, match=message):
        gradient_penalty(discriminator(), torch.zeros(real), torch.zeros(fake), torch.zeros(mix))
