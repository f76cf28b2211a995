"""Contrastive learning: the symmetric loss, recall, classes made of prompts."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import right


@right("contrastive_loss", "as in the paper's pseudocode, two losses and their mean")
def _(a, b, temperature):
    I_e = a / a.norm(dim=1, keepdim=True)
    T_e = b / b.norm(dim=1, keepdim=True)
    logits = torch.matmul(I_e, T_e.t()) * (1 / temperature)
    labels = torch.arange(logits.size(0))
    loss_i, loss_t = nn.CrossEntropyLoss()(logits, labels), nn.CrossEntropyLoss()(logits.t(), labels)
    return 0.5 * loss_i + 0.5 * loss_t


@right("contrastive_loss", "log_softmax along both axes, and the diagonal of it")
def _(a, b, temperature):
    scores = F.cosine_similarity(a[:, None], b[None], dim=2) / temperature
    return -(scores.log_softmax(dim=0).diagonal() + scores.log_softmax(dim=1).diagonal()).mean() / 2


@right("contrastive_loss", "in a loop over the pairs")
def _(a, b, temperature):
    a, b = F.normalize(a), F.normalize(b)
    loss = 0
    for i in range(len(a)):
        positive = torch.dot(a[i], b[i]) / temperature
        loss = loss + torch.logsumexp(b @ a[i] / temperature, 0) - positive
        loss = loss + torch.logsumexp(a @ b[i] / temperature, 0) - positive
    return loss / (2 * a.shape[0])


@right("contrastive_loss", "one cross-entropy of both tables, one below the other")
def _(a, b, temperature):
    scores = torch.einsum("nd,md->nm", F.normalize(a, dim=-1), F.normalize(b, dim=-1)).div(temperature)
    return F.cross_entropy(torch.cat([scores, scores.mT]), torch.arange(len(a)).repeat(2))


@right("recall_at_k", "argsort, and rows by their numbers")
def _(scores, right, k):
    order = torch.argsort(scores, dim=1, descending=True)[:, :k]
    hits = right[torch.arange(len(scores))[:, None], order]
    return (hits.sum(dim=1) > 0).float().mean()


@right("recall_at_k", "in numpy, with a loop")
def _(scores, right, k):
    scores, right = scores.numpy(), right.numpy()
    found = 0
    for row, truth in zip(scores, right):
        if truth[np.argsort(row)[-k:]].any():
            found += 1
    return found / len(scores)


@right("recall_at_k", "by the rank of the best right one: how many candidates score more")
def _(scores, right, k):
    best = scores.masked_fill(~right, -torch.inf).amax(dim=1, keepdim=True)
    better = (scores > best).sum(dim=1)
    return ((better < k) & right.any(dim=1)).double().mean().item()


@right("recall_at_k", "a mask of the best, scattered")
def _(scores, right, k):
    chosen = torch.zeros_like(right).scatter_(1, scores.topk(k).indices, True)
    return float((chosen & right).any(1).sum()) / right.shape[0]


@right("zero_shot", "a loop over the classes, as in the paper's notebook")
def _(images, prompts, temperature):
    weights = []
    for texts in prompts:
        embeddings = texts / texts.norm(dim=-1, keepdim=True)
        embedding = embeddings.mean(dim=0)
        weights.append(embedding / embedding.norm())
    image_features = images / images.norm(dim=-1, keepdim=True)
    return (image_features @ torch.stack(weights, dim=1) / temperature).softmax(dim=-1)


@right("zero_shot", "the sum in place of the mean, and the cosine at the end")
def _(images, prompts, temperature):
    classes = F.normalize(prompts, dim=-1).sum(dim=1)
    return torch.softmax(F.cosine_similarity(images[:, None, :], classes[None, :, :], dim=-1) / temperature, dim=1)


@right("zero_shot", "exponentials divided by their sum, the largest taken off")
def _(images, prompts, temperature):
    prompts = prompts / prompts.square().sum(-1, keepdim=True).sqrt()
    classes = F.normalize(torch.einsum("cpd->cd", prompts))
    logits = torch.einsum("nd,cd->nc", F.normalize(images), classes) / temperature
    e = torch.exp(logits - logits.max(dim=1, keepdim=True).values)
    return e / e.sum(dim=1, keepdim=True)
