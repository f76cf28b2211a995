"""Contrastive learning: the symmetric loss with its gradients written out, recall, and classes made of prompts."""

import math

import numpy as np

from ..authoring.answers import array_of, loss_and_gradients, tensors
from ..authoring.inputs import random_arrays
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.contrastive"


def _lengths(x):
    return np.sqrt(np.square(x).sum(axis=-1, keepdims=True))


def _shares(scores):
    """A softmax along the last axis."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


# The loss ---------------------------------------------------------------------------------------------------


def _loss_cases():
    def case(seed, dtype, temperature, N, D, stretch=1.0):
        a, b = random_arrays(seed, dtype, (N, D), (N, D))
        return a * dtype(stretch), b, temperature

    return {
        "three pairs": case(401, np.float64, 0.5, 3, 4),
        "as many pairs as numbers in each": case(402, np.float64, 0.2, 4, 4),
        "long rows and a low temperature": case(403, np.float64, 0.01, 3, 5, stretch=100.0),
        "one pair": case(404, np.float64, 0.5, 1, 3),
        "float32": case(405, np.float32, 0.1, 5, 3),
    }


def _run_loss(function, a, b, temperature):
    a, b = (x.requires_grad_() for x in tensors(a, b))
    loss = function(a.clone(), b.clone(), temperature)  # no leaves, as a network's embeddings are none
    return loss_and_gradients("contrastive_loss", loss, {"gradient of a": a, "gradient of b": b})


contrastive_loss = Method(
    "contrastive_loss",
    f"{MODULE}:contrastive_loss",
    run=_run_loss,
    notebook="extras",
    minutes=15,
    cases=_loss_cases,
    float32_suffices=True,
    outputs=("loss",),
    hints=(
        "One matrix product gives the cosines of all pairs, if the rows are 1 long: F.normalize(a, dim=1). Where in "
        "this table (N, N) do the pairs that belong together stand?",
        "Row i of the table is what a network with N classes would say of one example, and its class is i: "
        "F.cross_entropy(scores, torch.arange(N)). Columns are the rows of scores.T.",
        "scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature; partner = torch.arange(len(a), "
        "device=a.device); return (F.cross_entropy(scores, partner) + F.cross_entropy(scores.T, partner)) / 2",
    ),
)


@contrastive_loss.oracle
def _(a, b, temperature):
    """Both directions and the way back through the lengths, in numpy."""
    a, b = (np.asarray(x, dtype=np.float64) for x in (a, b))
    u, v = a / _lengths(a), b / _lengths(b)
    scores, N = u @ v.T / temperature, len(a)
    rows, columns = _shares(scores), _shares(scores.T).T
    up = (rows + columns - 2 * np.eye(N)) / (2 * N * temperature)
    loss = -(np.log(np.diag(rows)) + np.log(np.diag(columns))).mean() / 2

    def through_length(gradient, x, unit):
        return (gradient - unit * (gradient * unit).sum(axis=1, keepdims=True)) / _lengths(x)

    return {
        "loss": loss,
        "gradient of a": through_length(up @ v, a, u),
        "gradient of b": through_length(up.T @ u, b, v),
    }


def _unit(x, dim=1):
    return x / x.square().sum(dim=dim, keepdim=True).sqrt()


def _chosen(scores):
    """The mean cross-entropy of rows whose right column is the diagonal's."""
    return (scores.logsumexp(dim=1) - scores.diagonal()).mean()


def _pairs(
    a, b, temperature, *,
    long=_unit, long_b=None, total=lambda loss, N: loss, cool=lambda scores, t: scores / t, one=_chosen, other=_chosen,
    joined=lambda x, y: (x + y) / 2, second=lambda a, b: b,
):  # fmt: skip
    """The loss with switches for mistakes."""
    scores = cool(long(a) @ (long_b or long)(second(a, b)).T, temperature)
    return total(joined(one(scores), other(scores.T)), len(a))


def _over_the_others(scores):
    """The right one is left out of the sum below the line."""
    import torch

    apart = scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), -math.inf)
    return (apart.logsumexp(dim=1) - scores.diagonal()).mean() if len(scores) > 1 else -scores.mean()


variants(
    contrastive_loss,
    _pairs,
    {
        "the rows keep their lengths: long ones score high whatever their direction": {"long": lambda x: x},
        "only a's rows are made 1 long; b's keep their lengths": {"long_b": lambda x: x},
        "only b's rows are made 1 long; a's keep their lengths": {"long": lambda x: x, "long_b": _unit},
        "the columns are made 1 long, dim=0, where the rows should be": {"long": lambda x: _unit(x, 0)},
        "the rows are divided by the squares of their lengths": {
            "long": lambda x: x / x.square().sum(dim=1, keepdim=True),
        },
        "the scores are multiplied by the temperature instead of divided": {"cool": lambda scores, t: scores * t},
        "the temperature is left out": {"cool": lambda scores, t: scores},
        "the scores are divided by the root of the temperature": {"cool": lambda scores, t: scores / t**0.5},
        "only a looks for its partners in b: the cross-entropy over the columns is missing, or runs over rows again": {
            "joined": lambda x, y: x,
        },
        "only b looks for its partners in a": {"joined": lambda x, y: y},
        "the two cross-entropies are added up, and not halved": {"joined": lambda x, y: x + y},
        "the cross-entropies are added up over the batch instead of averaged": {"total": lambda loss, N: N * loss},
        "a's rows are compared with a itself; b is not used": {"second": lambda a, b: a},
        "the softmax is over the others only: the right pair's own score is missing below the line": {
            "one": _over_the_others, "other": _over_the_others,
        },
        "it is how well the pairs fit: the sign is the wrong way round": {"joined": lambda x, y: -(x + y) / 2},
        "there is only what pulls pairs together, and nothing that pushes the others apart": {
            "one": lambda scores: -scores.diagonal().mean(), "other": lambda scores: -scores.diagonal().mean(),
        },
    },
)  # fmt: skip


# Recall -----------------------------------------------------------------------------------------------------


def _recall_cases():
    def case(seed, k, N, M, share, dtype=np.float64):
        (scores,) = random_arrays(seed, dtype, (N, M))
        return scores, np.random.default_rng(seed + 50).random((N, M)) < share, k

    none = np.zeros((3, 4), dtype=bool)
    none[1, 2] = True
    return {
        "the best two of five": case(411, 2, 6, 5, 0.35),
        "the best alone": case(412, 1, 7, 4, 0.4),
        "as many as there are": case(413, 4, 5, 4, 0.2),
        "more candidates than queries": case(414, 3, 3, 9, 0.15),
        "queries that nothing answers": (*case(415, 4, 3, 4, 0)[:1], none, 4),
        "float32": case(416, 2, 8, 6, 0.25, np.float32),
    }


def _run_recall(function, scores, right, k):
    import torch

    got = function(*tensors(scores, right), k)
    if isinstance(got, torch.Tensor):
        got = array_of("the recall", got)
    if isinstance(got, bool) or not isinstance(got, (int, float, np.number, np.ndarray)) or np.size(got) != 1:
        raise Wrong(f"recall_at_k must return one number, the share; it returned {_what(got)}")
    return {"recall": np.asarray(got, dtype=np.float64).reshape(())}


def _what(value):
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


recall_at_k = Method(
    "recall_at_k",
    f"{MODULE}:recall_at_k",
    run=_run_recall,
    notebook="extras",
    minutes=8,
    cases=_recall_cases,
    float32_suffices=True,
    outputs=("recall",),
    hints=(
        "scores.topk(k, dim=1).indices names the k best candidates of each query, (N, k). Which of them are right is "
        "looked up in right, row by row: gather, as in select_scores.",
        "A query counts once, however many of its k are right: .any(dim=1). The mean of bools wants numbers: "
        ".double().mean().item().",
        "best = scores.topk(k, dim=1).indices; return right.gather(1, best).any(dim=1).double().mean().item()",
    ),
)


@recall_at_k.oracle
def _(scores, right, k):
    found = [any(right[n, m] for m in np.argsort(-scores[n])[:k]) for n in range(len(scores))]
    return {"recall": np.float64(sum(found) / len(found))}


def _recall(
    scores, right, k, *,
    sort=lambda scores, k: scores.topk(k, dim=1).indices, look=lambda right, best: right.gather(1, best),
    count=lambda found, right, k: found.any(dim=1).double().mean().item(),
):  # fmt: skip
    """The answer with switches for mistakes."""
    return count(look(right, sort(scores, k)), right, k)


variants(
    recall_at_k,
    _recall,
    {
        "the k worst are taken instead of the k best": {
            "sort": lambda scores, k: scores.topk(k, dim=1, largest=False).indices,
        },
        "only the best is looked at, whatever k is": {"sort": lambda scores, k: scores.topk(1, dim=1).indices},
        "it is the candidate in place k alone that is looked at": {
            "sort": lambda scores, k: scores.topk(k, dim=1).indices[:, -1:],
        },
        "a query counts for every right one among its k; once is enough: any": {
            "count": lambda found, right, k: found.double().sum(dim=1).mean().item(),
        },
        "it is the precision: the share of right ones among the k": {
            "count": lambda found, right, k: found.double().mean().item(),
        },
        "it is how many of all that is right is found; one found answers a query": {
            "count": lambda found, right, k: (
                (found.double().sum(dim=1) / right.double().sum(dim=1).clamp(min=1)).mean().item()
            ),
        },
        "all k must be right: all stands where any belongs": {
            "count": lambda found, right, k: found.all(dim=1).double().mean().item(),
        },
        "the queries are counted, and not divided by how many there are": {
            "count": lambda found, right, k: float(found.any(dim=1).sum()),
        },
        "queries that nothing answers are left out; they count as not found": {
            "count": lambda found, right, k: (found.any(dim=1).double().sum() / right.any(dim=1).double().sum()).item(),
        },
        "only the query's own candidate, on the diagonal, counts as right": {
            "look": lambda right, best: best == _own(right)[:, None],
        },
        "the candidates compete by columns: topk runs along dim=0": {
            "sort": lambda scores, k: scores.topk(min(k, len(scores)), dim=0).indices.T,
            "look": lambda right, best: right.T.gather(1, best),
        },
    },
)  # fmt: skip


def _own(right):
    import torch

    return torch.arange(len(right))


# Zero-shot --------------------------------------------------------------------------------------------------


def _zero_cases():
    def case(seed, dtype, temperature, N, C, P, D):
        images, prompts = random_arrays(seed, dtype, (N, D), (C, P, D))
        grown = 1 + np.arange(C * P).reshape(C, P, 1) * 3 % 7  # prompts of unlike lengths
        return images, prompts * grown.astype(dtype), temperature

    return {
        "four images, three classes of two prompts": case(421, np.float64, 0.3, 4, 3, 2, 5),
        "as many prompts as classes": case(422, np.float64, 0.2, 5, 3, 3, 4),
        "one prompt a class": case(423, np.float64, 0.1, 3, 4, 1, 3),
        "one image, a low temperature": case(424, np.float64, 0.01, 1, 2, 3, 4),
        "float32": case(425, np.float32, 0.07, 3, 5, 2, 4),
    }


def _run_zero(function, images, prompts, temperature):
    got = array_of("the probabilities", function(*tensors(images, prompts), temperature))
    return {"probabilities": got}


zero_shot = Method(
    "zero_shot",
    f"{MODULE}:zero_shot",
    run=_run_zero,
    notebook="extras",
    minutes=10,
    cases=_zero_cases,
    float32_suffices=True,
    outputs=("probabilities",),
    hints=(
        "prompts is (C, P, D): the lengths run along dim=2, the prompts of a class along dim=1. A mean of directions "
        "is shorter than 1 itself.",
        "With classes (C, D), each 1 long, and images made 1 long, too, images @ classes.T are all cosines, (N, C). "
        "Each image's probabilities sum to 1: softmax(dim=1).",
        "classes = F.normalize(F.normalize(prompts, dim=2).mean(dim=1), dim=1); return (F.normalize(images, dim=1) @ "
        "classes.T / temperature).softmax(dim=1)",
    ),
)


@zero_shot.oracle
def _(images, prompts, temperature):
    images, prompts = (np.asarray(x, dtype=np.float64) for x in (images, prompts))
    classes = (prompts / _lengths(prompts)).sum(axis=1)
    scores = np.einsum("nd,cd->nc", images, classes) / (_lengths(images) * _lengths(classes).T)
    return {"probabilities": _shares(scores / temperature)}


def _zero(
    images, prompts, temperature, *,
    each=lambda prompts: _unit(prompts, 2), mean=lambda x: x.mean(dim=1), again=_unit, image=_unit,
    cool=lambda scores, t: scores / t, last=lambda scores: scores.softmax(dim=1),
):  # fmt: skip
    """The answer with switches for mistakes."""
    classes = again(mean(each(prompts)))
    return last(cool(image(images) @ classes.T, temperature))


variants(
    zero_shot,
    _zero,
    {
        "the prompts are averaged as they are: long ones outvote short ones": {"each": lambda prompts: prompts},
        "the mean of the prompts is not made 1 long again: classes whose prompts differ score less": {
            "again": lambda classes: classes,
        },
        "nothing is made 1 long": {
            "each": lambda prompts: prompts, "again": lambda classes: classes, "image": lambda images: images,
        },
        "the images keep their lengths": {"image": lambda images: images},
        "the columns of the images are made 1 long, dim=0, where the rows should be": {
            "image": lambda images: _unit(images, 0),
        },
        "the prompts are made 1 long along the wrong axis, over the prompts of a class": {
            "each": lambda prompts: _unit(prompts, 1),
        },
        "only the first prompt of each class is used": {"mean": lambda x: x[:, 0]},
        "the softmax runs over the images, dim=0: it says which image a class would choose": {
            "last": lambda scores: scores.softmax(dim=0),
        },
        "there is no softmax: these are the scores": {"last": lambda scores: scores},
        "these are the logarithms of the probabilities": {"last": lambda scores: scores.log_softmax(dim=1)},
        "each class has a sigmoid of its own; of classes one is chosen: softmax": {
            "last": lambda scores: scores.sigmoid(),
        },
        "the temperature is left out": {"cool": lambda scores, t: scores},
        "the scores are multiplied by the temperature instead of divided": {"cool": lambda scores, t: scores * t},
    },
)  # fmt: skip
