"""Contrastive learning: what belongs together comes close, all else goes apart; two views of a picture, or its words.

Sources: van den Oord, Li, Vinyals 2018, Contrastive Predictive Coding (the InfoNCE loss),
https://arxiv.org/abs/1807.03748; Chen et al. 2020, A Simple Framework for Contrastive Learning (SimCLR),
https://arxiv.org/abs/2002.05709; Radford et al. 2021, Learning Transferable Visual Models From Natural Language
Supervision (CLIP), https://arxiv.org/abs/2103.00020; Zhai et al. 2022, LiT: Zero-Shot Transfer with Locked-image Text
Tuning, https://arxiv.org/abs/2111.07991
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from .image_utils import image_from_url

EMBED_DIM = 64  # numbers that a picture or a caption comes to
MARKS = "<NULL>", "<START>", "<END>"


def contrastive_loss(a, b, temperature):
    """How badly rows of a find their partners in b, and rows of b theirs in a: the symmetric InfoNCE loss, a scalar.

    a, b (N, D): row i of the one belongs to row i of the other; only their directions count, not their lengths.
    temperature: a number above 0. Raises ValueError for shapes or a temperature that do not fit.
    """
    _check_pairs(a, b, temperature)
    # TODO(contrastive_loss): make every row 1 long; the cosines of all pairs, divided by the temperature, are scores
    # (N, N). Row i is a choice among all of b, and i the right one: a cross-entropy. Column j is a choice among all of
    # a. The loss is the mean of the two.
    ### BEGIN SOLUTION contrastive_loss
    scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature  # (N, N)
    partner = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, partner) + F.cross_entropy(scores.T, partner)) / 2
    ### END SOLUTION


def recall_at_k(scores, right, k):
    """The share of queries with anything right among the k candidates that score highest: a number in 0..1.

    scores (N, M): of M candidates for each of N queries, as tensors; right (N, M) bool: which candidates answer which
    query, perhaps several, perhaps none. k: 1 to M. Raises ValueError for shapes or a k that do not fit.
    """
    if scores.shape != right.shape or scores.ndim != 2 or not 1 <= k <= scores.shape[1]:
        shapes = f"scores are {tuple(scores.shape)}, right is {tuple(right.shape)} and k {k}"
        raise ValueError(f"{shapes}; both must be (N, M), with k in 1..M")
    # TODO(recall_at_k): find the k best candidates of each query, look up which of them are right, and count the
    # queries that have at least one.
    ### BEGIN SOLUTION recall_at_k
    best = scores.topk(k, dim=1).indices  # (N, k)
    return right.gather(1, best).any(dim=1).double().mean().item()
    ### END SOLUTION


def zero_shot(images, prompts, temperature):
    """Probabilities (N, C) of C classes that nobody has trained for: each is described by P prompts.

    images (N, D), prompts (C, P, D): embeddings of any length. A class's direction is the mean of its prompts'
    directions (Radford et al. 2021, 3.1.4). temperature: as in the loss.
    """
    # TODO(zero_shot): make every prompt 1 long, take the mean over the prompts of a class, and make that 1 long again.
    # The cosines of images and classes, divided by the temperature, go through a softmax over the classes.
    ### BEGIN SOLUTION zero_shot
    classes = F.normalize(F.normalize(prompts, dim=2).mean(dim=1), dim=1)  # (C, D)
    return (F.normalize(images, dim=1) @ classes.T / temperature).softmax(dim=1)
    ### END SOLUTION


# Views ------------------------------------------------------------------------------------------------------


def small_pictures(urls, side=32):
    """The pictures of data: URLs as float32 (N, 3, side, side) in 0..1, each pixel the mean of those it stands for.

    Raises ValueError where a picture is not in the data itself, but somewhere on the web.
    """
    away = [url for url in urls if not url.startswith("data:")]
    if away:
        raise ValueError(
            f"{len(away)} pictures are not in the data itself but elsewhere, such as {away[0][:80]!r}: take the mini "
            "captions, whose pictures are (set CS231N_DATA=mini)"
        )
    shrunken = [Image.fromarray(image_from_url(url)).resize((side, side), Image.Resampling.BOX) for url in urls]
    return torch.from_numpy(np.stack(shrunken)).permute(0, 3, 1, 2).float() / 255


def two_views(images, generator, recolour=False):
    """Two random views of each picture (N, C, H, W) in 0..1: crops of 40 % or more, mirrored or not, of other contrast.

    generator: a CPU generator, from which all chance comes. recolour: also mix the three channels anew, so that no
    colour can be relied on, and take colour away altogether from a fifth.
    """
    return tuple(_recoloured(_cropped(images, generator), generator, recolour) for _ in range(2))


def _cropped(images, generator):
    n, shape = len(images), list(images.shape)
    size = torch.empty(n).uniform_(0.4, 1, generator=generator).sqrt()
    mirrored = 1 - 2 * torch.randint(2, (n,), generator=generator)
    move = (2 * torch.rand(n, 2, generator=generator) - 1) * (1 - size)[:, None]
    placed = torch.zeros(n, 2, 3)
    placed[:, 0, 0], placed[:, 1, 1], placed[:, :, 2] = size * mirrored, size, move
    grid = F.affine_grid(placed, shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _recoloured(images, generator, recolour):
    def each(*shape):
        return torch.rand(len(images), *shape, generator=generator)

    mean = images.mean(dim=(2, 3), keepdim=True)
    contrast, light = 0.7 + 0.6 * each(1, 1, 1), 0.3 * each(1, 1, 1) - 0.15
    images = (images - mean) * contrast + mean + light
    if not recolour:
        return images
    mix = torch.eye(3) + 0.4 * torch.randn(len(images), 3, 3, generator=generator)
    images = torch.einsum("nij,njhw->nihw", mix, images - 0.5) + 0.5
    return torch.where(each(1, 1, 1) < 0.2, images.mean(dim=1, keepdim=True), images)


# Networks ---------------------------------------------------------------------------------------------------


class SceneEncoder(nn.Module):
    """A small convolutional network: pictures (N, 3, 32, 32) in 0..1 to (N, 128) features, and from them to embeddings.

    forward gives the embeddings (N, EMBED_DIM) that the loss compares; what is used afterwards is `features`, one
    floor below (Chen et al. 2020, 4.2). No picture has a part in another's result.
    """

    def __init__(self, channels=16):
        super().__init__()
        wide, wider = 2 * channels, 4 * channels
        self.body = nn.Sequential(
            *_conv(3, channels, 4, 2), *_conv(channels, wide, 3, 2), *_conv(wide, wider, 3, 2),
            *_conv(wider, 2 * wider, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(2 * wider, 2 * wider), nn.ReLU(), nn.Linear(2 * wider, EMBED_DIM))

    def features(self, images):
        """What the network sees in pictures, (N, 128)."""
        return self.body(images - 0.5)

    def forward(self, images):
        return self.head(self.features(images))


class TwoTowers(nn.Module):
    """CLIP at the size of our scenes: a tower for pictures and one for captions, which end in the same space.

    num_features: of a picture, as load_coco_data gives them; the picture's tower begins where SqueezeNet ends, and what
    SqueezeNet learned from ImageNet stays as it is (LiT). vocab_size: words, of which <NULL> is null.
    """

    def __init__(self, num_features, vocab_size, null=0, width=256):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(num_features, width), nn.ReLU(), nn.Linear(width, EMBED_DIM))
        self.words = nn.Embedding(vocab_size, EMBED_DIM, padding_idx=null)
        self.three = nn.Conv1d(EMBED_DIM, width // 2, 3, padding=1)  # three words in a row: "a red cat"
        self.text = nn.Sequential(nn.Linear(width // 2, width), nn.ReLU(), nn.Linear(width, EMBED_DIM))

    def embed_images(self, features):
        """(N, num_features) -> (N, EMBED_DIM)."""
        return self.image(features)

    def embed_captions(self, ids):
        """Word ids (N, T) -> (N, EMBED_DIM)."""
        heard = self.three(self.words(ids).transpose(1, 2)).relu()  # (N, width / 2, T)
        return self.text(heard.amax(dim=2))

    def forward(self, features, ids):
        """The embeddings of pictures and of their captions."""
        return self.embed_images(features), self.embed_captions(ids)


def caption_ids(sentences, word_to_idx, length=17):
    """Sentences as word ids (N, length) int64, <START> w .. <END> <NULL> ..; ValueError for one that cannot be told."""
    null, start, end = (word_to_idx[mark] for mark in MARKS)
    rows = torch.full((len(sentences), length), null)
    for row, sentence in zip(rows, sentences):
        words = sentence.split()
        strange = [word for word in words if word not in word_to_idx]
        if strange or len(words) > length - 2:
            reason = f"has no {strange[0]!r}" if strange else f"takes at most {length - 2} words"
            raise ValueError(f"{sentence!r} cannot be told: the vocabulary {reason}")
        ids = torch.tensor([start, *(word_to_idx[word] for word in words), end])
        row[: len(ids)] = ids
    return rows


def _conv(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=1), nn.GroupNorm(4, outputs), nn.ReLU()


def _check_pairs(a, b, temperature):
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise ValueError(f"a is {tuple(a.shape)} and b {tuple(b.shape)}; both must be (N, D), a row for each pair")
    if not temperature > 0:
        raise ValueError(f"the temperature is {temperature}; it must be above 0")
