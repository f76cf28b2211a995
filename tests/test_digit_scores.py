"""The judge of generated digits: closed forms of its scores, and its view of real, spoilt and repeated digits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import linalg

from cs231n.datasets.digits import load_digits
from cs231n.scores import digits as scores
from cs231n.scores.digits import (
    DigitClassifier,
    accuracy,
    classifier_score,
    frechet_distance,
    judge,
    train_classifier,
)


@pytest.fixture(scope="module")
def train():
    return load_digits("train")


@pytest.fixture(scope="module")
def held_out():
    return load_digits("test")


@pytest.fixture(scope="module")
def classifier(train):
    return train_classifier(*train, epochs=3)


def gaussian(mean, deviations, n=50, seed=0):
    """(2n, D): points whose mean and covariance are exactly the mean and diag(deviations^2)."""
    points = np.random.RandomState(seed).randn(n, len(mean))
    points = np.concatenate([points, -points])
    whiten = np.linalg.inv(np.linalg.cholesky(np.cov(points, rowvar=False))).T
    return points @ whiten * np.array(deviations) + np.array(mean)


# Frechet distance


def test_diagonal_gaussians():
    a, b = gaussian([0, 1, 2], [1, 2, 3]), gaussian([1, 1, 0], [2, 2, 0.5], n=70, seed=1)
    expected = (1 + 0 + 4) + (1 + 0 + 2.5**2)  # |mu_a - mu_b|^2 + sum (sigma_a - sigma_b)^2
    assert np.isclose(frechet_distance(a, b), expected, rtol=1e-10)
    assert np.isclose(frechet_distance(b, a), expected, rtol=1e-10)


def test_full_covariances():
    rng = np.random.RandomState(2)
    a, b = rng.randn(40, 6) @ rng.randn(6, 6), rng.randn(60, 6) @ rng.randn(6, 6) + 1
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    shift = a.mean(0) - b.mean(0)
    expected = shift @ shift + np.trace(cov_a + cov_b - 2 * linalg.sqrtm(cov_a @ cov_b).real)
    assert np.isclose(frechet_distance(torch.from_numpy(a), b), expected, rtol=1e-8)


def test_identical_sets_and_a_shift():
    a = np.random.RandomState(3).randn(30, 5).astype(np.float32)
    assert frechet_distance(a, a) < 1e-9
    assert np.isclose(frechet_distance(a, a + 2), 4 * 5, rtol=1e-5)


def test_fewer_rows_than_columns_and_one_column():
    a = np.random.RandomState(4).randn(4, 30)
    assert frechet_distance(a, a) < 1e-6  # covariances without full rank
    assert np.isclose(frechet_distance([[0.0], [2.0]], [[1.0], [5.0]]), 2**2 + (2**0.5 - 8**0.5) ** 2)


@pytest.mark.parametrize(
    "a, b, reason",
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "features_a has shape.*two rows"),
        (np.zeros((5, 3)), np.zeros(3), "features_b has shape"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "3 columns and features_b 4"),
        (np.full((5, 3), np.nan), np.zeros((5, 3)), "not finite"),
        (np.zeros((5, 3)), torch.full((5, 3), np.inf), "features_b.*not finite"),
    ],
)
def test_frechet_refuses(a, b, reason):
    with pytest.raises(ValueError, match=reason):
        frechet_distance(a, b)


# Score


def test_score_extremes():
    assert np.isclose(classifier_score(np.eye(10)), 10)
    assert np.isclose(classifier_score(torch.eye(10).repeat(7, 1)), 10)
    assert np.isclose(classifier_score(np.full((20, 10), 0.1)), 1)
    assert np.isclose(classifier_score(np.eye(10)[[3] * 20]), 1)


def test_score_in_between():
    assert np.isclose(classifier_score(np.eye(10)[[0, 1, 2, 3]]), 4)
    p = np.array([[0.9, 0.1], [0.3, 0.7]])
    expected = np.exp(np.mean(np.sum(p * np.log(p / p.mean(0)), axis=1)))
    assert np.isclose(classifier_score(p), expected)


@pytest.mark.parametrize(
    "p, reason",
    [
        (np.eye(10)[:1], "two rows"),
        (np.zeros((5, 10)), "sum to 1"),
        (np.tile([1.5, -0.5], (4, 1)), "0 or more"),
        (np.full((5, 10), np.nan), "not finite"),
    ],
)
def test_score_refuses(p, reason):
    with pytest.raises(ValueError, match=reason):
        classifier_score(p)


# Classifier


def test_classifier_shapes():
    model, x = DigitClassifier(), torch.rand(3, 1, 28, 28)
    assert model(x).shape == (3, 10) and model.features(x).shape == (3, 128)
    assert torch.equal(model(x), model(x.view(3, 784)))


def test_held_out_accuracy(classifier, held_out):
    assert accuracy(classifier, *held_out) >= 0.95
    assert not classifier.training and not any(p.requires_grad for p in classifier.parameters())


def test_training_repeats_and_leaves_the_random_state(train):
    images, labels = train[0][:200], train[1][:200]
    torch.manual_seed(9)
    before = torch.get_rng_state()
    models = [train_classifier(images.flatten(1), labels, epochs=1, seed=seed, quiet=True) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    first, again, other = (model.head.weight for model in models)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_labels_that_do_not_fit(classifier, held_out):
    for call in (train_classifier, lambda images, labels: accuracy(classifier, images, labels)):
        with pytest.raises(ValueError, match=r"labels have shape \(4,\)"):
            call(held_out[0][:5], held_out[1][:4])


# Judge


def test_real_digits_are_judged_real(classifier, train, held_out):
    verdict = judge(held_out[0], train[0][:2520], classifier)
    assert verdict["frechet"] < 25 and verdict["score"] > 8.5 and verdict["confident"] > 0.85
    assert np.isclose(sum(verdict["shares"]), 1) and max(abs(s - 0.1) for s in verdict["shares"]) < 0.04


def test_spoilt_digits_are_judged_worse(classifier, train, held_out):
    images, real = held_out[0], train[0][:2520]
    blurred = F.avg_pool2d(images, 5, 1, 2)
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    floor, blur, wild = (judge(x, real, classifier) for x in (images, blurred, noise))
    assert 10 * floor["frechet"] < blur["frechet"] < wild["frechet"]
    assert floor["score"] > blur["score"] > wild["score"] and wild["score"] < 2


@pytest.mark.parametrize("digit", [1, 8])
def test_collapse_is_judged_worse(classifier, train, held_out, digit):
    images, real = held_out[0], train[0][:2520]
    only = images[held_out[1] == digit]
    one, many = (judge(x, real, classifier) for x in (only[:1].repeat(500, 1, 1, 1), only))
    assert one["frechet"] > many["frechet"] > 300
    assert one["score"] < 1.001 and many["score"] < 1.5
    assert one["shares"][digit] == 1 and many["shares"][digit] > 0.9


def test_judge_leaves_its_arguments(classifier, held_out):
    images = held_out[0][:20].clone().requires_grad_()
    verdict = judge(images, held_out[0][:30], classifier)
    assert torch.equal(images, held_out[0][:20]) and images.grad is None
    assert type(verdict["frechet"]) is type(verdict["score"]) is type(verdict["confident"]) is float
    assert verdict == judge(held_out[0][:20].flatten(1), held_out[0][:30], classifier)


@pytest.mark.parametrize(
    "images, reason",
    [
        (torch.zeros(1, 1, 28, 28), "N >= 2"),
        (torch.zeros(5, 28, 28), r"shape \(5, 28, 28\)"),
        (torch.full((5, 784), np.nan), "nan"),
        (torch.linspace(-1, 1, 5 * 784).view(5, 784), "from -1 to 1.*deprocess_img"),
    ],
)
def test_judge_refuses(classifier, held_out, images, reason):
    with pytest.raises(ValueError, match=reason):
        judge(images, held_out[0][:5], classifier)
    with pytest.raises(ValueError, match="real_images.*"):
        judge(held_out[0][:5], images, classifier)


# What several parts of a notebook share


def test_the_shared_judge_is_made_once_and_never_sees_the_test_digits(train, held_out, monkeypatch):
    asked, trained = [], []

    def read(split):
        asked.append(split)
        return [part[:300] for part in (train if split == "train" else held_out)]

    monkeypatch.setattr(scores, "load_digits", read)
    monkeypatch.setattr(scores, "train_classifier", lambda *args, **kw: trained.append(args) or "judge")
    scores.digits_and_judge.cache_clear()
    images, labels, judge, real = scores.digits_and_judge()
    assert scores.digits_and_judge()[0] is images and asked == ["train", "test"] and judge == "judge"
    assert len(trained) == 1 and trained[0][0] is images and trained[0][1] is labels
    assert torch.equal(real, held_out[0][:300])
    scores.digits_and_judge.cache_clear()
