"""Guidance: a perfect model led to one of two classes, the network that is told labels, the recipe that drops them."""

import math

import numpy as np
import pytest
import torch

from cs231n.diffusion import Denoiser, noise_loss, noise_schedule, sample_digits
from cs231n.guidance import drop_labels, guided_noise
from cs231n.train.recipes import Diffusion, GuidedDiffusion

EXACT = {"rtol": 1e-10, "atol": 1e-10}
NULL = 2  # of the two classes below


def numbers(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# Leaving labels out


def test_the_share_that_is_dropped():
    y = torch.arange(10).repeat(20_000)
    dropped = drop_labels(y, 0.2, torch.rand(len(y), generator=seeded()), 10)
    assert (dropped == 10).double().mean().item() == pytest.approx(0.2, abs=0.005)
    assert torch.equal(dropped[dropped < 10], y[dropped < 10])
    assert dropped.dtype == torch.int64


# The guided noise, where the truth is known


def gaussians(alpha_bar, means=(-0.3, 0.3), s=0.2):
    """The best prediction of the noise where images of class k are N(means[k], s^2) at every pixel.

    Without a label there are half of each: the two predictions weighed by how likely x is under either class, worked
    out pixel by pixel, as if each were an image of its own.
    """
    means = torch.tensor(means, dtype=torch.float64)

    def of_class(x, left, mean):
        return (1 - left).sqrt() * (x - left.sqrt() * mean) / (left * s**2 + 1 - left)

    def model(x, t, y):
        left = alpha_bar[t].view(-1, 1, 1, 1)
        logits = [-((x - left.sqrt() * m) ** 2) / (2 * (left * s**2 + 1 - left)) for m in means]
        likely = torch.stack(logits).softmax(dim=0)
        untold = sum(share * of_class(x, left, m) for share, m in zip(likely, means))
        told = of_class(x, left, means[y.clamp(max=NULL - 1)].view(-1, 1, 1, 1))
        return torch.where((y == NULL).view(-1, 1, 1, 1), untold, told)

    return model


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 3.0])
def test_the_guided_noise_is_the_slope_of_a_sharpened_density(strength):
    """noise = -sqrt(1 - alpha_bar) d log p / dx (Ho and Salimans, 2), for p(x) p(y | x)^strength, by autograd."""
    alpha_bar, (a, b), s = noise_schedule(50).double(), (-0.3, 0.3), 0.2
    x, t, y = numbers(4, 1, 2, 3), torch.tensor([3, 20, 35, 49]), torch.tensor([0, 1, 1, 0])
    left = alpha_bar[t].view(-1, 1, 1, 1)
    leaf, variance = x.clone().requires_grad_(), left * s**2 + 1 - left
    logs = [-((leaf - left.sqrt() * m) ** 2) / (2 * variance) for m in (a, b)]
    of_x = torch.logaddexp(*logs)
    posterior = torch.where(y.view(-1, 1, 1, 1) == 0, logs[0], logs[1]) - of_x
    (slope,) = torch.autograd.grad((of_x + strength * posterior).sum(), leaf)
    found = guided_noise(gaussians(alpha_bar), x, t, y, strength, NULL)
    torch.testing.assert_close(found, -(1 - left).sqrt() * slope, **EXACT)


def drawn(strength, num=40, T=200):
    alpha_bar = noise_schedule(T).double()
    y = torch.arange(num) % 2

    def guided(x, t, y):
        return guided_noise(gaussians(alpha_bar), x, t, y, strength, NULL)

    images = sample_digits(guided, num, alpha_bar, T, seeded(), labels=y)
    return images[y == 0], images[y == 1]


def test_what_is_drawn_comes_closer_to_its_class_with_strength_and_varies_less():
    means, spreads = [], []
    for strength in (0.0, 1.0, 4.0):
        low, high = drawn(strength)
        means.append((high.mean() - low.mean()).item() / 2)
        spreads.append(high.std().item())
    assert means[0] == pytest.approx(0, abs=0.01) and means[1] == pytest.approx(0.3, abs=0.01) and means[2] > 0.33
    assert spreads[0] == pytest.approx(math.hypot(0.3, 0.2), rel=0.03) and spreads[1] == pytest.approx(0.2, rel=0.06)
    assert spreads[2] < 0.95 * spreads[1]


# Labels on their way to the model


def test_each_batch_is_told_its_own_labels():
    alpha_bar, told = noise_schedule(20), []

    def model(x, t, y):
        told.append(y)
        return torch.zeros_like(x)

    labels = torch.arange(300) % 7
    sample_digits(model, 300, alpha_bar, 2, labels=labels)
    assert [len(y) for y in told] == [250, 50, 250, 50] and torch.equal(torch.cat(told[:2]), labels)
    with pytest.raises(ValueError, match=r"labels have shape \(3,\); 4 images need one each, \(4,\)"):
        sample_digits(model, 4, alpha_bar, 2, labels=torch.arange(3))


# The network


def told_apart():
    """A Denoiser of four labels whose every parameter says something, in float64."""
    torch.manual_seed(3)
    model = Denoiser(20, num_labels=4)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return model.double()


def test_the_network_listens_to_the_label_and_tells_no_label_by_null():
    model, x, t = told_apart(), numbers(5, 1, 28, 28), torch.arange(5) * 4 + 1
    seen = [model(x, t, torch.full((5,), label)) for label in range(5)]
    assert min((a - b).abs().max() for i, a in enumerate(seen) for b in seen[:i]) > 1e-3
    assert torch.equal(model(x, t), seen[model.null])
    mixed = model(x, t, torch.tensor([0, 4, 1, 3, 2]))
    for i, label in enumerate([0, 4, 1, 3, 2]):
        torch.testing.assert_close(mixed[i], seen[label][i], rtol=1e-11, atol=1e-11)


def test_labels_add_one_table_to_the_same_network():
    plain, told = Denoiser(20), Denoiser(20, num_labels=4)
    more = set(told.state_dict()) - set(plain.state_dict())
    assert more == {"labels.weight"} and told.labels.weight.shape[0] == 5
    told.load_state_dict(plain.state_dict() | {"labels.weight": torch.zeros_like(told.labels.weight)})
    x, t = numbers(3, 1, 28, 28).float(), torch.tensor([1, 9, 20])
    torch.testing.assert_close(told(x, t, torch.tensor([0, 4, 2])), plain(x, t))


def test_gradients_reach_the_rows_of_the_labels_that_were_told():
    model, alpha_bar = told_apart(), noise_schedule(20).double()
    y = torch.tensor([1, 4, 1])
    loss = noise_loss(lambda x, t: model(x, t, y), numbers(3, 1, 28, 28).tanh(), torch.tensor([2, 9, 15]),
                      numbers(3, 1, 28, 28, seed=1), alpha_bar)  # fmt: skip
    (gradient,) = torch.autograd.grad(loss, [model.labels.weight])
    assert np.array_equal(gradient.abs().amax(dim=1) > 0, [False, True, False, False, True])


# The recipe


@pytest.fixture(scope="module")
def digits():
    return torch.rand(60, 1, 28, 28, generator=seeded()), torch.arange(60) % 10


def test_each_image_is_told_by_its_own_label_or_by_none(digits, monkeypatch):
    images, labels = digits
    run, dropped = GuidedDiffusion(images=images, labels=labels, batch_size=20, steps=3), 0
    for n in range(3):
        y, shown = run.learner(n).y, (run.real(n) + 1) / 2
        index = [(images - image).abs().flatten(1).sum(dim=1).argmin() for image in shown]
        assert all(told in (labels[k], run.model.null) for k, told in zip(index, y))
        dropped += (y == run.model.null).sum().item()
    assert 0 < dropped < 30


def test_strength_0_is_the_model_without_labels(digits):
    images, labels = digits
    run = GuidedDiffusion(images=images, labels=labels, batch_size=20, steps=3)
    with torch.no_grad():
        for p in run.model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=seeded(2)))
    torch.testing.assert_close(run.draw(4, strength=0), Diffusion.draw(run, 4), rtol=1e-4, atol=1e-4)
    assert (run.draw(4, strength=1) - run.draw(4, strength=0)).abs().max() > 1e-2
    assert torch.equal(run.draw(4), run.draw(4, strength=2.0))


def test_its_picture_has_a_column_for_each_digit(digits):
    images, labels = digits
    run = GuidedDiffusion(images=images, labels=labels, batch_size=20)
    assert run.samples().shape == (10 * 29 - 1, 10 * 29 - 1)
    assert run.asked_for(12).tolist() == [*range(10), 0, 1]


def test_images_without_their_labels_are_refused(digits):
    images, labels = digits
    for wrong, said in ((None, "no labels"), (labels[:9], r"labels of shape \(9,\)")):
        with pytest.raises(ValueError, match=rf"60 images need one label each, \(60,\); there are {said}"):
            GuidedDiffusion(images=images, labels=wrong)
