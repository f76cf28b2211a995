"""Attention: one head and several, each against torch.nn's own with the same weights, in float64."""

import math

import numpy as np

from ..authoring.answers import array_of, attached, tensors
from ..authoring.inputs import causal_mask, random_arrays
from ..authoring.networks import filled, functional_patterns, pattern_dropout
from ..authoring.variants import variants
from ..todo import Method, Wrong

LAYERS = "cs231n.transformer_layers"


# One attention ----------------------------------------------------------------------------------------------


def _attention_cases():
    def case(seed, mask, *shapes, dtype=np.float64, scale=1):
        query, key, value = random_arrays(seed, dtype, *shapes)
        return query * dtype(scale), key, value, mask

    some = (np.arange(30).reshape(2, 1, 3, 5) % 3 != 1).astype(np.int64)
    return {
        "without a mask": case(301, None, (2, 3, 4), (2, 5, 4), (2, 5, 6)),
        "with a causal mask": case(302, causal_mask(4), (2, 4, 3), (2, 4, 3), (2, 4, 3)),
        "two heads, a mask of 0 and 1 that they share": case(303, some, (2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3)),
        "one query, no batch": case(304, None, (1, 3), (4, 3), (4, 2)),
        "scores a thousand apart": case(305, None, (1, 3, 4), (1, 5, 4), (1, 5, 4), scale=1000),
        "float32": case(306, causal_mask(3), (2, 3, 5), (2, 3, 5), (2, 3, 5), dtype=np.float32),
    }


def _run_attention(function, query, key, value, mask):
    inputs = [
        x.requires_grad_().clone() for x in tensors(query, key, value)
    ]  # as from layers, which nobody needs again
    got = function(*inputs, *([] if mask is None else tensors(mask)))
    if not isinstance(got, tuple) or len(got) != 2:
        raise Wrong("scaled_dot_product_attention must return two tensors: the output, and the attention weights")
    return {name: attached(f"the {name}", x) for name, x in zip(("output", "weights"), got)}


scaled_dot_product_attention = Method(
    "scaled_dot_product_attention",
    f"{LAYERS}:scaled_dot_product_attention",
    run=_run_attention,
    notebook="extras",
    minutes=10,
    cases=_attention_cases,
    float32_suffices=True,
    outputs=("output", "weights"),
    hints=(
        "All products of a query with a key are one matrix product, (T, E) @ (E, S); key.transpose(-2, -1) exchanges "
        "the last two axes and leaves those in front alone. Without the division by sqrt(E), wide vectors would make "
        "large scores, and softmax would pick one key and give all others no gradient.",
        "The mask works on the scores: exp(-inf) is 0, and what remains still sums to 1. "
        "scores.masked_fill(mask == 0, -math.inf) takes masks of bools and of numbers.",
        "scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]); masked_fill; "
        "weights = scores.softmax(dim=-1); return weights @ value, weights",
    ),
)


@scaled_dot_product_attention.oracle
def _(query, key, value, mask):
    import torch
    import torch.nn.functional as F

    q, k, v = (torch.tensor(a, dtype=torch.float64) for a in (query, key, value))
    seen = None if mask is None else torch.tensor(mask != 0)
    one_hot = torch.eye(key.shape[-2], dtype=torch.float64).expand(*k.shape[:-1], -1)  # as values they show the weights
    found = [F.scaled_dot_product_attention(q, k, x, attn_mask=seen).numpy() for x in (v, one_hot)]
    return dict(zip(("output", "weights"), found))


def _attention(
    query, key, value, mask=None, *,
    scale=lambda q, k: math.sqrt(q.shape[-1]), hide=lambda scores, mask: scores.masked_fill(mask == 0, -math.inf),
    softmax=lambda scores: scores.softmax(-1), hide_weights=lambda weights, mask: weights, mean_of=lambda k, v: v,
    returned=lambda output, weights: (output, weights),
):  # fmt: skip
    """The answer with switches for mistakes."""
    scores = query @ key.transpose(-2, -1) / scale(query, key)
    if mask is not None:
        scores = hide(scores, mask)
    weights = softmax(scores)
    if mask is not None:
        weights = hide_weights(weights, mask)
    return returned(weights @ mean_of(key, value), weights)


def _unmasked(scores, mask):
    return scores


variants(
    scaled_dot_product_attention,
    _attention,
    {
        "the scores are not divided by sqrt(E)": {"scale": lambda q, k: 1},
        "the scores are divided by E instead of its root": {"scale": lambda q, k: q.shape[-1]},
        "the scores are divided by the root of S, the number of keys, instead of E, their width": {
            "scale": lambda q, k: math.sqrt(k.shape[-2]),
        },
        "the scores are multiplied by sqrt(E) instead of divided": {"scale": lambda q, k: q.shape[-1] ** -0.5},
        "the softmax runs over the queries, axis -2: each key hands out 1, where each query should receive it": {
            "softmax": lambda scores: scores.softmax(-2),
        },
        "there is no softmax: the scores themselves weigh the values": {"softmax": lambda scores: scores},
        "the exponentials are not divided by their sum": {"softmax": lambda scores: scores.exp()},
        "exp() is taken of the scores as they are, and overflows; softmax() subtracts the largest first": {
            "softmax": lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True),
        },
        "the mask is ignored": {"hide": _unmasked},
        "the mask is the wrong way round: nonzero means that the query may look there": {
            "hide": lambda scores, mask: scores.masked_fill(mask != 0, -math.inf),
        },
        "masked scores are set to 0, and exp(0) is 1; -inf is wanted": {
            "hide": lambda scores, mask: scores.masked_fill(mask == 0, 0),
        },
        "the mask is added to the scores as it is, 0 and 1": {
            "hide": lambda scores, mask: scores + mask.to(scores.dtype),
        },
        "the mask is applied after the softmax, so that the weights no longer sum to 1": {
            "hide": _unmasked, "hide_weights": lambda weights, mask: weights * (mask != 0).to(weights.dtype),
        },
        "the keys are averaged instead of the values": {
            "mean_of": lambda k, v: k,
        },
        "weights and output are returned in the wrong order": {"returned": lambda output, weights: (weights, output)},
    },
)  # fmt: skip


# Several heads ----------------------------------------------------------------------------------------------


def _heads_cases():
    def case(seed, N, T, S, E, H, mask=None, training=False):
        query, key, value = random_arrays(seed, np.float64, (N, T, E), (N, S, E), (N, S, E))
        return query, key, value, mask, H, training

    some = (np.arange(15).reshape(3, 5) % 4 != 2).astype(np.int64)
    return {
        "two heads": case(311, 2, 3, 5, 6, 2),
        "one head": case(312, 2, 3, 4, 4, 1),
        "with a causal mask": case(313, 2, 4, 4, 6, 3, causal_mask(4)),
        "with a mask of 0 and 1, one row for each query": case(314, 2, 3, 5, 4, 2, some),
        "as many heads as queries": case(315, 1, 2, 3, 4, 2),
        "one query and one key": case(317, 1, 1, 1, 4, 2),
        "in training": case(316, 2, 3, 5, 8, 2, some, True),
    }


def _heads_module(E, H, training, dtype=np.float64):
    import torch

    from ...transformer_layers import MultiHeadAttention

    module = filled(MultiHeadAttention(E, H), 41, dtype)
    pattern = pattern_dropout()
    for name, layer in module._modules.items():  # whatever names there are for its dropout
        if isinstance(layer, torch.nn.Dropout):
            setattr(module, name, pattern)
    return module.train(training)


def _run_heads(function, query, key, value, mask, H, training):
    import torch

    module = _heads_module(query.shape[-1], H, training, query.dtype)
    with functional_patterns():
        out = function(module, *tensors(query, key, value), **({} if mask is None else {"attn_mask": tensors(mask)[0]}))
    outputs = {"out": attached("the output of MultiHeadAttention", out)}
    if not isinstance(module.weights, torch.Tensor):
        raise Wrong("MultiHeadAttention must keep its attention weights in self.weights, a tensor (N, H, T, S)")
    hanging = int(module.weights.requires_grad)
    return outputs | {"self.weights": array_of("self.weights", module.weights), "weights on their graph": hanging}


multi_head_attention = Method(
    "multi_head_attention",
    f"{LAYERS}:MultiHeadAttention.forward",
    run=_run_heads,
    needs=("scaled_dot_product_attention",),
    notebook="extras",
    minutes=20,
    cases=_heads_cases,
    float32_suffices=True,
    outputs=("out", "self.weights"),
    hints=(
        "Each head has E/H of the E numbers that a layer gives, next to one another. view can only cut an axis in two, "
        "(N, T, E) to (N, T, H, E/H); transpose(1, 2) then brings the heads in front of the positions.",
        "With the heads as an axis in front, scaled_dot_product_attention serves all of them in one call, and (T, S) "
        "masks fit. Its output knows nothing of dropout, so take its weights: self.dropout(weights) @ v.",
        "q = self.query(query).view(N, T, H, E // H).transpose(1, 2), k and v likewise with S; _, weights = "
        "scaled_dot_product_attention(q, k, v, attn_mask); self.weights = weights.detach(); heads = "
        "self.dropout(weights) @ v; return self.proj(heads.transpose(1, 2).reshape(N, T, E))",
    ),
)


def torch_heads(module, H):
    """torch.nn.MultiheadAttention with a module's weights."""
    import torch

    E = module.proj.weight.shape[0]
    twin = torch.nn.MultiheadAttention(E, H, batch_first=True, dtype=torch.float64)
    parts = module.query, module.key, module.value
    twin.in_proj_weight.data = torch.cat([part.weight.data for part in parts])
    twin.in_proj_bias.data = torch.cat([part.bias.data for part in parts])
    twin.out_proj.load_state_dict(module.proj.state_dict())
    return twin


@multi_head_attention.oracle
def _(query, key, value, mask, H, training):
    import torch

    module = _heads_module(query.shape[-1], H, training)
    barred = None if mask is None else torch.tensor(mask == 0)  # torch's bool masks say where not to look
    with torch.no_grad():
        q, k, v = tensors(query, key, value)
        out, weights = torch_heads(module, H)(q, k, v, attn_mask=barred, average_attn_weights=False)
        if training:
            values = (v @ module.value.weight.T + module.value.bias).unflatten(-1, (H, -1))  # (N, S, H, E/H)
            means = torch.einsum("nhts,nshd->nthd", module.dropout(weights), values).flatten(2)
            out = means @ module.proj.weight.T + module.proj.bias
    return {"out": out.numpy(), "self.weights": weights.numpy(), "weights on their graph": 0.0}


def _cut(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2)


def attend(
    self, query, key, value, attn_mask=None, *,
    layers=("query", "key", "value"), inputs=lambda q, k, v: (q, k, v), cut=_cut, join=lambda x: x.transpose(1, 2),
    widths=lambda E, H: E // H, masked=True, drop="weights", kept=lambda weights, dropped: weights.detach(), proj=True,
    heads=lambda H: H,
):  # fmt: skip
    """A right MultiHeadAttention.forward, with switches for mistakes; drop: what dropout falls on."""
    (N, T, E), H = query.shape, heads(self.num_heads)
    layers = [getattr(self, name) for name in layers]
    q, k, v = (cut(layer(x), H) for layer, x in zip(layers, inputs(query, key, value)))
    mask = attn_mask if masked else None
    _, weights = _attention(q, k, v, mask, scale=lambda q, k: math.sqrt(widths(E, H)))
    dropped = self.dropout(weights) if drop == "weights" else weights
    self.weights = kept(weights, dropped)
    out = dropped @ (self.dropout(v) if drop == "values" else v)
    out = join(self.dropout(out) if drop == "heads" else out).reshape(N, T, E)
    out = self.proj(out) if proj else out
    return self.dropout(out) if drop == "out" else out


variants(
    multi_head_attention,
    attend,
    {
        "the scores are divided by the root of the whole width E; each head's vectors have E/H numbers": {
            "widths": lambda E, H: E,
        },
        "view(N, H, T, E/H) cuts without a transpose: a head gets pieces of several words": {
            "cut": lambda x, H: x.reshape(len(x), H, x.shape[1], -1),
        },
        "each head takes every H-th number, where E/H neighbours belong to a head": {
            "cut": lambda x, H: x.unflatten(-1, (-1, H)).permute(0, 3, 1, 2),
        },
        "the heads are set together without the transpose back: a word gets pieces of several words": {
            "join": lambda x: x,
        },
        "the heads' numbers are mixed as they are set together: first number of each head, second of each ...": {
            "join": lambda x: x.permute(0, 2, 3, 1),
        },
        "num_heads is not used: one head does it all": {"heads": lambda H: 1},
        "self.proj is left out": {"proj": False},
        "the layers key and value are exchanged": {"layers": ("query", "value", "key")},
        "the layers query and key are exchanged": {"layers": ("key", "query", "value")},
        "one layer, query, serves all three": {"layers": ("query",) * 3},
        "the inputs key and value are exchanged": {"inputs": lambda q, k, v: (q, v, k)},
        "keys and values are made from query, as if this were always self-attention": {
            "inputs": lambda q, k, v: (q, q, q),
        },
        "the values are made from key: the input value is not used": {"inputs": lambda q, k, v: (q, k, k)},
        "attn_mask is not handed on": {"masked": False},
        "dropout is left out": {"drop": None},
        "dropout falls on the output, not on the weights": {"drop": "out"},
        "dropout falls on what the heads return, not on the weights": {"drop": "heads"},
        "dropout falls on the values, not on the weights": {"drop": "values"},
        "the weights are kept after dropout": {"kept": lambda weights, dropped: dropped.detach()},
        "the weights are kept with their graph: detach() is missing": {"kept": lambda weights, dropped: weights},
        "the weights are averaged over the heads before they are kept": {
            "kept": lambda weights, dropped: weights.detach().mean(1),
        },
    },
)  # fmt: skip
