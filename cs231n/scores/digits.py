"""How good are generated digits? A small classifier looks at them, and two published scores put its view in numbers."""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..datasets.digits import load_digits
from ..train.progress_bar import progress_bar

SIDE = 28
NUM_CLASSES = 10
NUM_FEATURES = 128
SURE = 0.9  # the classifier is confident of a digit to which it gives more probability than this
BATCH = 512  # images looked at together


class DigitClassifier(nn.Module):
    """A convnet that reads digits: images (N, 1, 28, 28) or (N, 784) in 0..1, white on black."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * (SIDE // 4) ** 2, NUM_FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(NUM_FEATURES, NUM_CLASSES)

    def features(self, x):
        """(N, 128): the activations below the last layer."""
        return self.body(x.reshape(-1, 1, SIDE, SIDE))

    def forward(self, x):
        """(N, 10): logits."""
        return self.head(self.features(x))


def train_classifier(images, labels, epochs=4, seed=0, quiet=False):
    """A DigitClassifier trained on images (N, 1, 28, 28) or (N, 784) in 0..1 and labels (N,), ready for use.

    It is in eval mode, its weights are frozen, and it lies where the images lie. One seed gives one classifier, and
    torch's own random state stays as it was. Raises ValueError for images or labels that do not fit.
    """
    images = _checked(images, "images")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels have shape {tuple(labels.shape)}; {len(images)} images need ({len(images)},)")
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = DigitClassifier().to(images.device)
    solver = torch.optim.Adam(model.parameters(), lr=2e-3)
    steps = epochs * -(-len(images) // 64)
    decay = torch.optim.lr_scheduler.LinearLR(solver, 1.0, 0.01, total_iters=steps)
    with torch.enable_grad(), progress_bar(steps, "training the judge", quiet=quiet) as bar:
        for _ in range(epochs):
            for chosen in torch.randperm(len(images), generator=generator).to(images.device).split(64):
                loss = F.cross_entropy(model(images[chosen]), labels[chosen])
                solver.zero_grad()
                loss.backward()
                solver.step()
                decay.step()
                bar.update()
    return model.eval().requires_grad_(False)


@functools.cache
def digits_and_judge():
    """Training images and labels, a classifier trained on them, and the test images, all as load_digits has them.

    Made once, for it takes seconds: several parts of a notebook may ask for them.
    """
    images, labels = load_digits("train")
    return images, labels, train_classifier(images, labels, epochs=2), load_digits("test")[0]


def accuracy(model, images, labels):
    """The share of images (N, 1, 28, 28) or (N, 784) that the model gives their label (N,)."""
    images = _checked(images, "images")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels have shape {tuple(labels.shape)}; {len(images)} images need ({len(images)},)")
    _, probabilities = _look(model, images)
    return (probabilities.argmax(dim=1) == labels.to(probabilities.device)).double().mean().item()


def judge(images, real_images, classifier):
    """Compare generated images with real ones, both (N, 1, 28, 28) or (N, 784) in 0..1, as the classifier sees them.

    frechet: frechet_distance between the features of the two sets; low is good.
    score: classifier_score of the generated images; high is good.
    confident: the share of them of which the classifier is more than 90 % sure.
    shares: of each digit the share of images taken for it, a list of ten; [0.1] * 10 if all come equally often.
    Raises ValueError for fewer than two images, another shape, or values that are not in 0..1.
    """
    features, probabilities = _look(classifier, _checked(images, "images"))
    real_features, _ = _look(classifier, _checked(real_images, "real_images"))
    digits = probabilities.argmax(dim=1).bincount(minlength=NUM_CLASSES)
    return {
        "frechet": frechet_distance(features, real_features),
        "score": classifier_score(probabilities),
        "confident": (probabilities.amax(dim=1) > SURE).double().mean().item(),
        "shares": (digits.double() / len(probabilities)).tolist(),
    }


def classifier_score(probabilities):
    """exp(mean_x KL(p(y|x) || p(y))): from 1, all images alike or none clear, to K, all K classes, each image clear.

    This is the Inception score (Salimans et al. 2016, Improved Techniques for Training GANs) with a classifier of
    digits in Inception's place. probabilities (N, K): p(y|x), one row for each image; p(y) is their mean.
    Raises ValueError if they are fewer than two rows, or not probabilities.
    """
    p = _matrix(probabilities, "probabilities")
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities must be 0 or more and sum to 1 in each row; apply softmax to logits first")
    marginal = p.mean(axis=0)
    ratio = np.divide(p, marginal, out=np.ones_like(p), where=p > 0)  # 0 log 0 counts as 0
    return float(np.exp((p * np.log(ratio)).sum(axis=1).mean()))


def frechet_distance(features_a, features_b):
    """|mu_a - mu_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^(1/2)): 0 for sets alike, and without bound.

    The squared Frechet distance between two Gaussians with the means mu and covariances S of the sets, as Heusel et
    al. 2017 (GANs Trained by a Two Time-Scale Update Rule) apply it to features of Inception. features_a (N, D) and
    features_b (M, D). Small sets come out further apart than large ones, so compare only distances between sets of
    the same sizes. Raises ValueError for fewer than two rows, widths that differ, or values that are not finite.
    """
    a, b = _matrix(features_a, "features_a"), _matrix(features_b, "features_b")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features_a has {a.shape[1]} columns and features_b {b.shape[1]}; they must be as many")
    shift = a.mean(axis=0) - b.mean(axis=0)
    cov_a, cov_b = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (a, b))
    # S_a S_b is not symmetric, but R S_b R with R = S_a^(1/2) is, and has the same eigenvalues
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    return max(float(shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * trace), 0.0)


@torch.no_grad()
def _look(classifier, images):
    """Features (N, 128) and float64 probabilities (N, 10) of images, in batches, on the classifier's device."""
    device = next(classifier.parameters()).device
    features = torch.cat([classifier.features(batch.to(device)) for batch in images.split(BATCH)])
    return features, classifier.head(features).double().softmax(dim=1)


def _checked(images, name):
    """Float32 images (N, 1, 28, 28); a ValueError if they are something else."""
    if images.shape[1:] not in ((1, SIDE, SIDE), (SIDE * SIDE,)) or len(images) < 2:
        raise ValueError(f"{name} have shape {tuple(images.shape)}; it must be (N, 1, 28, 28) or (N, 784), N >= 2")
    low, high = (value.item() for value in images.aminmax())
    if not -0.01 <= low <= high <= 1.01:
        raise ValueError(f"{name} run from {low:.3g} to {high:.3g}; they must lie in 0..1 (deprocess_img brings "
                         "-1..1 there)")  # fmt: skip
    return images.detach().reshape(-1, 1, SIDE, SIDE).float()


def _matrix(values, name):
    """A float64 array (N, D) of a tensor or an array; a ValueError if it is too small or not finite."""
    values = values.detach().cpu().numpy() if torch.is_tensor(values) else np.asarray(values)
    if values.ndim != 2 or len(values) < 2 or not values.shape[1]:
        raise ValueError(f"{name} has shape {values.shape}; it must be (N, D) with at least two rows")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not finite")
    return values.astype(np.float64)
