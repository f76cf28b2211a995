"""Diffusion: noise against its definition by steps, denoising against Bayes' rule, sampling with a perfect model."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from cs231n.diffusion import BATCH, Denoiser, add_noise, denoise_step, noise_loss, noise_schedule, sample_digits

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# The schedule


@pytest.mark.parametrize("T", [1, 2, 50, 1000])
def test_the_schedule_falls_from_1_to_nearly_0(T):
    alpha_bar = noise_schedule(T)
    assert alpha_bar.shape == (T + 1,) and alpha_bar.dtype == torch.float32
    assert alpha_bar[0] == 1 and 0 < alpha_bar[-1] < 2e-3
    betas = 1 - alpha_bar[1:].double() / alpha_bar[:-1].double()
    assert betas.min() > 0 and betas.max() < 0.999 + 1e-6


def test_the_schedule_is_the_papers_cosine():
    expected = [math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(1000)]  # no beta is cut there
    np.testing.assert_allclose(noise_schedule(1000)[:-1].numpy(), np.array(expected) / expected[0], rtol=1e-6)


@pytest.mark.parametrize(("T", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("9", TypeError)])
def test_schedules_that_cannot_be(T, error):
    with pytest.raises(error):
        noise_schedule(T)


# Laying the noise on


def test_mean_and_variance_over_many_draws():
    alpha_bar, t = noise_schedule(10).double(), torch.arange(1, 11)
    x0 = numbers(10, 1).expand(10, 200_000)
    noisy = add_noise(x0, t, numbers(*x0.shape, seed=1), alpha_bar)
    assert (noisy.mean(1) - alpha_bar[1:].sqrt() * x0[:, 0]).abs().max() < 0.01
    assert (noisy.var(1) - (1 - alpha_bar[1:])).abs().max() < 0.015


def test_single_steps_come_to_the_same():
    """x_t = sqrt(1 - beta) x_(t-1) + sqrt(beta) noise: the image's factor and the variance, step by step."""
    alpha_bar, one, zero = noise_schedule(200).double(), torch.ones(1, 1).double(), torch.zeros(1, 1).double()
    factor, variance = 1.0, 0.0
    for t in range(1, 201):
        beta = (1 - alpha_bar[t] / alpha_bar[t - 1]).item()
        factor, variance = factor * math.sqrt(1 - beta), (1 - beta) * variance + beta
        step = torch.tensor([t])
        assert add_noise(one, step, zero, alpha_bar).item() == pytest.approx(factor, rel=1e-10)
        assert add_noise(zero, step, one, alpha_bar).item() ** 2 == pytest.approx(variance, rel=1e-10)


def test_each_image_has_its_own_step_and_step_0_is_the_image():
    x0, noise, t = numbers(4, 1, 4, 4), numbers(4, 1, 4, 4, seed=1), torch.tensor([0, 30, 7, 50])
    alpha_bar = noise_schedule(50).double()
    noisy = add_noise(x0, t, noise, alpha_bar)
    for i in range(4):
        alone = add_noise(x0[i : i + 1], t[i : i + 1], noise[i : i + 1], alpha_bar)
        torch.testing.assert_close(noisy[i : i + 1], alone, **EXACT)
    assert torch.equal(noisy[0], x0[0])
    assert add_noise(x0.float(), t, noise.float(), noise_schedule(50)).dtype == torch.float32


@pytest.mark.parametrize(
    ("t", "noise", "error", "message"),
    [
        (torch.tensor([1, 2]), (3, 1, 28, 28), ValueError, "one step each"),
        (torch.tensor(1), (3, 1, 28, 28), ValueError, "one step each"),
        (torch.tensor([1, 2, 51]), (3, 1, 28, 28), ValueError, r"0\.\.50"),
        (torch.tensor([-1, 2, 5]), (3, 1, 28, 28), ValueError, r"0\.\.50"),
        (torch.tensor([0.1, 0.2, 0.5]), (3, 1, 28, 28), TypeError, "int64"),
        (torch.tensor([1, 2, 3]), (3, 784), ValueError, "of their shape"),
    ],
)
def test_what_does_not_fit_is_refused(t, noise, error, message):
    with pytest.raises(error, match=message):
        add_noise(torch.zeros(3, 1, 28, 28), t, torch.zeros(noise), noise_schedule(50))


# The loss


def test_the_loss_of_one_who_knows_and_of_one_who_knows_nothing():
    x0, noise, t = numbers(3, 1, 4, 4), numbers(3, 1, 4, 4, seed=1), torch.tensor([1, 20, 50])
    alpha_bar, seen = noise_schedule(50).double(), []

    def knows(x, steps):
        seen.append((x, steps))
        left = alpha_bar[steps].view(-1, 1, 1, 1)
        return (x - left.sqrt() * x0) / (1 - left).sqrt()

    assert noise_loss(knows, x0, t, noise, alpha_bar).item() == pytest.approx(0, abs=1e-20)
    ((x, steps),) = seen
    assert torch.equal(steps, t) and torch.equal(x, add_noise(x0, t, noise, alpha_bar))
    nothing = noise_loss(lambda x, t: torch.zeros_like(x), x0, t, noise, alpha_bar)
    assert nothing.item() == pytest.approx(np.mean(noise.numpy() ** 2), abs=1e-12)


# Taking it off


@pytest.mark.parametrize(("now", "before"), [(0.4, 0.45), (0.02, 0.9), (0.98, 0.99), (1e-6, 0.3)])
@pytest.mark.parametrize("x0", [-0.8, 0.1])
def test_a_step_is_bayes_rule(now, before, x0):
    """The density of the cleaner pixel, on a fine grid: what x0 says of it times what x says of it."""
    guess, alpha = 0.7, now / before
    x = math.sqrt(now) * x0 + math.sqrt(1 - now) * guess
    grid = np.linspace(-12, 12, 400_001)
    log = -((grid - math.sqrt(before) * x0) ** 2) / (2 * (1 - before))
    log -= (x - math.sqrt(alpha) * grid) ** 2 / (2 * (1 - alpha))
    density = np.exp(log - log.max())
    mean = (density * grid).sum() / density.sum()
    deviation = math.sqrt((density * (grid - mean) ** 2).sum() / density.sum())
    as_tensor = torch.full((1, 1), x, dtype=torch.float64), torch.full((1, 1), guess, dtype=torch.float64)
    still, moved = (denoise_step(*as_tensor, now, before, torch.full((1, 1), z).double()).item() for z in (0, 1))
    assert still == pytest.approx(mean, abs=1e-9) and moved - still == pytest.approx(deviation, abs=1e-9)


@pytest.mark.parametrize(("now", "before"), [(0.4, 0.45), (0.02, 0.9), (0.5, 1.0)])
def test_with_the_true_noise_a_step_ends_where_add_noise_would(now, before):
    """Started from x0 = 0, the result is a sum of the two noises: its variance must be 1 - before."""
    one, zero = torch.ones(1).double(), torch.zeros(1).double()
    of_old = denoise_step(math.sqrt(1 - now) * one, one, now, before, zero).item()
    of_new = denoise_step(zero, zero, now, before, one).item()
    assert of_old**2 + of_new**2 == pytest.approx(1 - before, abs=1e-12)
    x0 = 0.6 * one
    assert denoise_step(math.sqrt(now) * x0, zero, now, before, zero).item() == pytest.approx(0.6 * math.sqrt(before))


def test_the_last_step_gives_the_image_without_noise():
    x, guess = numbers(2, 1, 3, 3), numbers(2, 1, 3, 3, seed=1)
    images = denoise_step(x, guess, 0.9, 1.0, 1e6 * numbers(2, 1, 3, 3, seed=2))
    torch.testing.assert_close(images, (x - math.sqrt(0.1) * guess) / math.sqrt(0.9), **EXACT)


@pytest.mark.parametrize(("now", "before"), [(0.5, 0.5), (0.6, 0.5), (0.0, 0.5), (0.5, 1.1), (-0.1, 0.5)])
def test_steps_in_the_wrong_direction_are_refused(now, before):
    with pytest.raises(ValueError, match="now < before"):
        denoise_step(*torch.zeros(2, 1, 4), now, before, torch.zeros(1, 4))


# Sampling


def perfect(alpha_bar, mean, deviation):
    """The best prediction of the noise where all pixels of all images are N(mean, deviation^2)."""

    def model(x, t):
        left = alpha_bar[t].view(-1, 1, 1, 1)
        return (1 - left).sqrt() * (x - left.sqrt() * mean) / (left * deviation**2 + 1 - left)

    return model


@pytest.mark.parametrize("steps", [300, 20])
def test_a_perfect_model_gives_the_data_back(steps):
    """With many steps the data's own mean and deviation; with few ones those that follow from each step's Gaussian."""
    alpha_bar, m, s = noise_schedule(300).double(), 0.2, 0.15  # -1..1 is more than five deviations wide
    images = sample_digits(perfect(alpha_bar, m, s), 60, alpha_bar, steps, seeded())
    mean, variance = 0.0, 1.0
    times = [round(300 * (1 - k / steps)) for k in range(steps + 1)]
    for now, before in zip(alpha_bar[times[:-1]].tolist(), alpha_bar[times[1:]].tolist()):
        pull = math.sqrt(now) * s**2 / (now * s**2 + 1 - now)  # of x on the x0 it stands for
        beta = 1 - now / before
        of_x0, of_x = math.sqrt(before) * beta / (1 - now), math.sqrt(now / before) * (1 - before) / (1 - now)
        mean = of_x0 * (m + pull * (mean - math.sqrt(now) * m)) + of_x * mean
        variance = (of_x0 * pull + of_x) ** 2 * variance + beta * (1 - before) / (1 - now)
    assert images.mean().item() == pytest.approx(mean, abs=0.004)
    assert images.std().item() == pytest.approx(math.sqrt(variance), rel=0.015)
    if steps == 300:
        assert mean == pytest.approx(m, abs=1e-3) and math.sqrt(variance) == pytest.approx(s, rel=0.05)


def untrained(T=20):
    """A Denoiser that gives other answers than a new one's, with its schedule."""
    torch.manual_seed(3)
    model = Denoiser(T)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return model, noise_schedule(T)


def test_sampling_depends_on_its_generator_alone():
    model, alpha_bar = untrained()
    state = torch.get_rng_state()
    first, again, other = (sample_digits(model, 3, alpha_bar, 5, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state()) and not first.requires_grad
    assert first.shape == (3, 1, 28, 28) and first.dtype == torch.float32 and first.abs().max() <= 1


def test_keeping_stages_changes_nothing():
    model, alpha_bar = untrained()
    images = sample_digits(model, 2, alpha_bar, 7, seeded())
    for keep in (1, 3, 7):
        same, stages = sample_digits(model, 2, alpha_bar, 7, seeded(), keep=keep)
        assert torch.equal(images, same) and torch.equal(stages[-1], images)
        assert stages.shape == (keep, 2, 1, 28, 28) and len({stage.sum().item() for stage in stages}) == keep


def test_which_steps_are_taken():
    alpha_bar, asked = noise_schedule(20), []

    def model(x, t):
        asked.append(t.unique().tolist())
        return torch.zeros_like(x)

    sample_digits(model, 1, alpha_bar, 4)
    assert asked == [[20], [15], [10], [5]]
    asked.clear()
    sample_digits(model, BATCH + 1, alpha_bar, 20)
    assert asked == [[t] for t in range(20, 0, -1) for _ in range(2)]


@pytest.mark.parametrize("counts", [{"num": 0}, {"steps": 0}, {"steps": 21}, {"keep": -1}, {"keep": 6}])
def test_counts_that_do_not_fit(counts):
    with pytest.raises(ValueError, match="1 <= steps <= T = 20"):
        sample_digits(lambda x, t: x, **{"num": 1, "alpha_bar": noise_schedule(20), "steps": 5, **counts})


# The network


def noisy_batch(N=5, T=20, dtype=torch.float64):
    return numbers(N, 1, 28, 28).to(dtype), torch.arange(N) * 4 + 1


def test_a_new_network_knows_only_that_the_end_is_noise():
    model, (x, t) = Denoiser(20), noisy_batch(dtype=torch.float32)
    alpha_bar = noise_schedule(20)[t].view(-1, 1, 1, 1)
    torch.testing.assert_close(model(x, t), (1 - alpha_bar).sqrt() * x)


def test_both_precisions_agree():
    model, _ = untrained()
    x, t = noisy_batch()
    low, high = model(x.float(), t), copy.deepcopy(model).double()(x, t)
    assert (low.shape, low.dtype, high.dtype) == (x.shape, torch.float32, torch.float64)
    torch.testing.assert_close(low.double(), high, rtol=1e-4, atol=1e-4)


def test_the_network_listens_to_the_step_and_the_image():
    model, (x, t) = untrained()[0].double(), noisy_batch()
    time = [model._v(x, model._embedded(torch.full((5,), step))) for step in (1, 2, 20)]
    assert min((time[0] - time[1]).abs().max(), (time[1] - time[2]).abs().max()) > 1e-3
    assert (model._v(x, model._embedded(t)) - model._v(-x, model._embedded(t))).abs().max() > 1e-2


def test_no_image_has_a_part_in_anothers_result():
    model, (x, t) = untrained()[0].double(), noisy_batch()
    together = model(x, t)
    for i in range(5):
        torch.testing.assert_close(model(x[i : i + 1], t[i : i + 1]), together[i : i + 1], rtol=1e-11, atol=1e-11)
    assert not [m for m in model.modules() if isinstance(m, (nn.modules.batchnorm._BatchNorm, nn.Dropout))]


def test_gradients_reach_every_parameter_and_are_right():
    model, (x, t) = untrained()[0].double(), noisy_batch(3)
    alpha_bar, noise = noise_schedule(20).double(), numbers(3, 1, 28, 28, seed=1)
    loss = noise_loss(model, x.tanh(), t, noise, alpha_bar)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    assert all(g.abs().max() > 0 for g in gradients)
    ways = [numbers(*p.shape, seed=k) / p.numel() ** 0.5 for k, p in enumerate(model.parameters())]
    values = []
    with torch.no_grad():
        for size in (1e-5, -2e-5):
            for p, way in zip(model.parameters(), ways):
                p.add_(way, alpha=size)
            values.append(noise_loss(model, x.tanh(), t, noise, alpha_bar).item())
    slope = sum((g * way).sum() for g, way in zip(gradients, ways)).item()
    assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_it_learns_one_picture():
    """From any noise, the picture comes out."""
    torch.manual_seed(0)
    model, alpha_bar, generator = Denoiser(20), noise_schedule(20), seeded(4)
    picture = torch.zeros(1, 1, 28, 28) - 0.8
    picture[:, :, 6:22, 12:16] = 0.8
    solver = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(80):
        t, noise = torch.randint(1, 21, (16,), generator=generator), torch.randn(16, 1, 28, 28, generator=generator)
        loss = noise_loss(model, picture.expand(16, -1, -1, -1), t, noise, alpha_bar)
        solver.zero_grad()
        loss.backward()
        solver.step()
    assert (sample_digits(model, 4, alpha_bar, 10, seeded()) - picture).square().mean() < 0.05
