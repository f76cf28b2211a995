"""The TODOs of extras.ipynb: attention, each against torch.nn's own layers with the same weights, in float64."""

import functools
import math

import numpy as np

from ..todo import Method, Wrong
from .gan import _variants
from .net_visualization import _array
from .rnn import WORDS, _captions, random_arrays
from .style_transfer import _tensors

LAYERS, MODELS = "cs231n.transformer_layers", "cs231n.classifiers.transformer"


def _causal(T):
    return np.tril(np.ones((T, T), dtype=bool))


def _maybe_tensor(array):
    return None if array is None else _tensors(array)[0]


def _attached(name, value):
    """The array of a tensor that must hang on its graph."""
    array = _array(name, value)
    if not value.requires_grad:
        raise Wrong(f"no gradient flows back from {name}: .detach(), .data, numpy and torch.no_grad() cut the way")
    return array


# One attention ----------------------------------------------------------------------------------------------


def _attention_cases():
    def case(seed, mask, *shapes, dtype=np.float64, scale=1):
        query, key, value = random_arrays(seed, dtype, *shapes)
        return query * dtype(scale), key, value, mask

    some = (np.arange(30).reshape(2, 1, 3, 5) % 3 != 1).astype(np.int64)
    return {
        "without a mask": case(301, None, (2, 3, 4), (2, 5, 4), (2, 5, 6)),
        "with a causal mask": case(302, _causal(4), (2, 4, 3), (2, 4, 3), (2, 4, 3)),
        "two heads, a mask of 0 and 1 that they share": case(303, some, (2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3)),
        "one query, no batch": case(304, None, (1, 3), (4, 3), (4, 2)),
        "scores a thousand apart": case(305, None, (1, 3, 4), (1, 5, 4), (1, 5, 4), scale=1000),
        "float32": case(306, _causal(3), (2, 3, 5), (2, 3, 5), (2, 3, 5), dtype=np.float32),
    }


def _run_attention(function, query, key, value, mask):
    tensors = [x.requires_grad_() for x in _tensors(query, key, value)]
    got = function(*tensors) if mask is None else function(*tensors, _maybe_tensor(mask))
    if not isinstance(got, tuple) or len(got) != 2:
        raise Wrong("scaled_dot_product_attention must return two tensors: the output, and the attention weights")
    return {name: _attached(f"the {name}", x) for name, x in zip(("output", "weights"), got)}


scaled_dot_product_attention = Method(
    "scaled_dot_product_attention",
    f"{LAYERS}:scaled_dot_product_attention",
    run=_run_attention,
    notebook="extras",
    minutes=10,
    cases=_attention_cases,
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


_variants(
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


def _filled(module, seed):
    """The module in float64, with weights that keep signals alive, and biases and norms that show when left out."""
    import torch

    for p, draw in zip(module.parameters(), random_arrays(seed, np.float64, *(p.shape for p in module.parameters()))):
        scale = 1.5 / math.sqrt(p.shape[1]) if p.ndim > 1 else 0.5
        p.data = torch.tensor(draw * scale)
    return module.double()


@functools.cache
def _pattern_class():
    import torch

    class Pattern(torch.nn.Dropout):
        """Stands in for a dropout: in training it multiplies by a fixed pattern, so that nothing is left to chance."""

        def __init__(self, phase=0.0):
            super().__init__(0.5)
            self.phase = phase

        def forward(self, x):
            if not self.training:
                return x
            return x * torch.cos(self.phase + torch.arange(x.numel(), dtype=x.dtype)).reshape(x.shape)

    return Pattern


def _heads_cases():
    def case(seed, N, T, S, E, H, mask=None, training=False):
        query, key, value = random_arrays(seed, np.float64, (N, T, E), (N, S, E), (N, S, E))
        return query, key, value, mask, H, training

    some = (np.arange(15).reshape(3, 5) % 4 != 2).astype(np.int64)
    return {
        "two heads": case(311, 2, 3, 5, 6, 2),
        "one head": case(312, 2, 3, 4, 4, 1),
        "with a causal mask": case(313, 2, 4, 4, 6, 3, _causal(4)),
        "with a mask of 0 and 1, one row for each query": case(314, 2, 3, 5, 4, 2, some),
        "as many heads as queries": case(315, 1, 2, 3, 4, 2),
        "in training": case(316, 2, 3, 5, 8, 2, some, True),
    }


def _heads_module(E, H, training):
    from ...transformer_layers import MultiHeadAttention

    module = _filled(MultiHeadAttention(E, H), 41)
    module.dropout = _pattern_class()()
    return module.train(training)


def _run_heads(function, query, key, value, mask, H, training):
    import torch

    module = _heads_module(query.shape[-1], H, training)
    out = function(module, *_tensors(query, key, value), **({} if mask is None else {"attn_mask": _maybe_tensor(mask)}))
    outputs = {"out": _attached("the output of MultiHeadAttention", out)}
    if not isinstance(module.weights, torch.Tensor):
        raise Wrong("MultiHeadAttention must keep its attention weights in self.weights, a tensor (N, H, T, S)")
    hanging = int(module.weights.requires_grad)
    return outputs | {"self.weights": _array("self.weights", module.weights), "weights on their graph": hanging}


multi_head_attention = Method(
    "multi_head_attention",
    f"{LAYERS}:MultiHeadAttention.forward",
    run=_run_heads,
    needs=("scaled_dot_product_attention",),
    notebook="extras",
    minutes=20,
    cases=_heads_cases,
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


def _torch_heads(module, H):
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
        q, k, v = _tensors(query, key, value)
        out, weights = _torch_heads(module, H)(q, k, v, attn_mask=barred, average_attn_weights=False)
        if training:
            values = (v @ module.value.weight.T + module.value.bias).unflatten(-1, (H, -1))  # (N, S, H, E/H)
            means = torch.einsum("nhts,nshd->nthd", module.dropout(weights), values).flatten(2)
            out = means @ module.proj.weight.T + module.proj.bias
    return {"out": out.numpy(), "self.weights": weights.numpy(), "weights on their graph": 0.0}


def _cut(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2)


def _heads(
    self, query, key, value, attn_mask=None, *,
    layers=("query", "key", "value"), inputs=lambda q, k, v: (q, k, v), cut=_cut, join=lambda x: x.transpose(1, 2),
    widths=lambda E, H: E // H, masked=True, drop="weights", kept=lambda weights, dropped: weights.detach(), proj=True,
    heads=lambda H: H,
):  # fmt: skip
    """The answer with switches for mistakes; drop: what dropout falls on."""
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


_variants(
    multi_head_attention,
    _heads,
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


# Positions --------------------------------------------------------------------------------------------------


def _position_cases():
    anything = np.zeros(0, dtype=np.float32)  # says that float32 is exact enough
    return {
        "seven positions, six columns": (7, 6, anything),
        "two columns": (3, 2, anything),
        "one position": (1, 8, anything),
        "as many columns as positions": (16, 16, anything),
        "a hundred positions": (100, 12, anything),
    }


def _run_positions(function, max_len, embed_dim, like):
    table = _array("the table of positions", function(max_len, embed_dim))
    return {"table": table.astype(like.dtype) if table.dtype.kind == "f" else table}


positional_encoding = Method(
    "positional_encoding",
    f"{LAYERS}:positional_table",
    run=_run_positions,
    notebook="extras",
    minutes=10,
    cases=_position_cases,
    outputs=("table",),
    hints=(
        "There are E/2 different rates, one for each pair of columns. A column of positions times a row of rates is a "
        "table of all angles, (max_len, E/2).",
        "rates = 10000 ** (-torch.arange(0, embed_dim, 2) / embed_dim): arange counts in steps of 2, so it is 2i "
        "already. table[:, 0::2] are the even columns.",
        "angles = torch.arange(max_len)[:, None] * rates; table = torch.empty(max_len, embed_dim); table[:, 0::2] = "
        "angles.sin(); table[:, 1::2] = angles.cos()",
    ),
)


@positional_encoding.oracle
def _(max_len, embed_dim, like):
    table = np.zeros((max_len, embed_dim))
    for p in range(max_len):
        for i in range(embed_dim // 2):
            angle = p / 10000 ** (2 * i / embed_dim)
            table[p, 2 * i : 2 * i + 2] = math.sin(angle), math.cos(angle)
    return {"table": table.astype(like.dtype)}


def _table(
    max_len, embed_dim, *,
    exponent=lambda j, E: -j / E, base=10000.0, first=0, waves=("sin", "cos"), weave=True, turn=1.0,
    shaped=lambda table: table,
):  # fmt: skip
    """The answer with switches for mistakes; j: the even columns 0, 2, 4 ..."""
    import torch

    rates = base ** exponent(torch.arange(0, embed_dim, 2).double(), embed_dim)
    angles = turn * torch.arange(first, first + max_len)[:, None] * rates
    pair = [getattr(angles, wave)() for wave in waves]
    return shaped(torch.stack(pair, dim=-1).flatten(1) if weave else torch.cat(pair, dim=1))


_variants(
    positional_encoding,
    _table,
    {
        "sine and cosine are exchanged": {"waves": ("cos", "sin")},
        "sines fill the left half and cosines the right one, where even and odd columns take turns": {"weave": False},
        "both columns of a pair hold the sine": {"waves": ("sin", "sin")},
        "the exponent counts pairs: i / E instead of 2i / E, as if the waves were half as many": {
            "exponent": lambda j, E: -j / 2 / E,
        },
        "the exponent is doubled: 2i is multiplied by 2 once more": {"exponent": lambda j, E: -2 * j / E},
        "the minus in the exponent is missing: the waves get shorter instead of longer": {
            "exponent": lambda j, E: j / E,
        },
        "the positions are counted from 1": {"first": 1},
        "the base is 1000 instead of 10000": {"base": 1000.0},
        "the angles are multiplied by 2 pi": {"turn": 2 * math.pi},
        "the table is the wrong way up: (embed_dim, max_len)": {"shaped": lambda table: table.T},
        "there is an axis for the batch already, which PositionalEncoding adds itself": {
            "shaped": lambda table: table[None],
        },
    },
)  # fmt: skip


@positional_encoding.mistake("each column has a rate of its own; the cosine belongs to the same angle as its sine")
def _(max_len, embed_dim):
    import torch

    columns = torch.arange(embed_dim)
    angles = torch.arange(max_len)[:, None] * 10000.0 ** (-columns.double() / embed_dim)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos())


# A layer of the decoder -------------------------------------------------------------------------------------


def _layer_cases():
    def case(seed, N, T, S, E, H, hidden, mask=None, training=False):
        return *random_arrays(seed, np.float64, (N, T, E), (N, S, E)), mask, H, hidden, training

    return {
        "without a mask": case(321, 2, 3, 5, 4, 2, 7),
        "with a causal mask": case(322, 2, 4, 3, 6, 3, 5, _causal(4)),
        "as many places as words": case(323, 1, 4, 4, 4, 1, 8, _causal(4)),
        "one place": case(324, 3, 3, 1, 4, 2, 6, _causal(3)),
        "in training": case(325, 2, 3, 4, 6, 2, 6, _causal(3), True),
    }


DROPOUTS = ("dropout", "dropout1", "dropout2", "dropout3")


def _with_patterns(layer, training):
    for phase, name in enumerate(DROPOUTS):
        setattr(layer, name, _pattern_class()(phase))
    return layer.train(training)


def _decoder_layer(E, H, hidden, training):
    from ...classifiers.transformer import TransformerDecoderLayer

    layer = TransformerDecoderLayer(E, H, dim_feedforward=hidden, dropout=0.0)
    return _with_patterns(_filled(layer, 42), training)


def _run_layer(function, tgt, memory, mask, H, hidden, training):
    layer = _decoder_layer(tgt.shape[-1], H, hidden, training)
    got = function(layer, *_tensors(tgt, memory), *([] if mask is None else _tensors(mask)))
    return {"out": _attached("the output of TransformerDecoderLayer", got)}


transformer_decoder_layer = Method(
    "transformer_decoder_layer",
    f"{MODELS}:TransformerDecoderLayer.forward",
    run=_run_layer,
    needs=("multi_head_attention",),
    notebook="extras",
    minutes=15,
    cases=_layer_cases,
    outputs=("out",),
    hints=(
        "Each of the three parts is written in the same way: what went in, plus dropout of what the part makes of it, "
        "and a norm around the sum. Part, dropout and norm of one number belong together.",
        "In self_attn, query, key and value are all the words. In multihead_attn the words ask, and memory is both key "
        "and value; all of it may be looked at, so that there is no mask.",
        "x = self.norm1(tgt + self.dropout1(self.self_attn(tgt, tgt, tgt, tgt_mask))); x = self.norm2(x + "
        "self.dropout2(self.multihead_attn(x, memory, memory))); return self.norm3(x + "
        "self.dropout3(self.linear2(self.dropout(self.linear1(x).relu()))))",
    ),
)


def _torch_layer(layer, H):
    """torch.nn.TransformerDecoderLayer with a layer's weights."""
    import torch

    hidden, E = layer.linear1.weight.shape
    twin = torch.nn.TransformerDecoderLayer(E, H, hidden, dropout=0.0, batch_first=True, dtype=torch.float64)
    for name in ("self_attn", "multihead_attn"):
        setattr(twin, name, _torch_heads(getattr(layer, name), H))
    for name in ("linear1", "linear2", "norm1", "norm2", "norm3"):
        getattr(twin, name).load_state_dict(getattr(layer, name).state_dict())
    return twin


@transformer_decoder_layer.oracle
def _(tgt, memory, mask, H, hidden, training):
    import torch

    layer = _decoder_layer(tgt.shape[-1], H, hidden, training)
    twin = _with_patterns(_torch_layer(layer, H), training)
    barred = None if mask is None else torch.tensor(~mask)
    return {"out": twin(*_tensors(tgt, memory), tgt_mask=barred).detach().numpy()}


def _attend(module, query, key, value, mask=None):
    """A right MultiHeadAttention, so that a mistake does not hang on the student's."""
    return _heads(module, query, key, value, mask)


def _layer(
    self, tgt, memory, tgt_mask=None, *,
    kept=(1, 1, 1), norms=("norm1", "norm2", "norm3"), first=False, masks=lambda mask: (mask, None),
    asks=lambda x, tgt, memory: (x, memory, memory), activation=lambda x: x.relu(), drop=("dropout", *DROPOUTS[1:]),
    drop_sum=False, parts="scf",
):  # fmt: skip
    """The answer with switches for mistakes; kept: which residuals; drop: the names of dropouts, '' for none."""
    own, cross = masks(tgt_mask)

    def dropped(name, x):
        return getattr(self, name)(x) if name else x

    def normed(name, x):
        return getattr(self, name)(x) if name else x

    work = {
        "s": lambda x: _attend(self.self_attn, x, x, x, own),
        "c": lambda x: _attend(self.multihead_attn, *asks(x, tgt, memory), cross),
        "f": lambda x: self.linear2(dropped(drop[0], activation(self.linear1(x)))),
    }
    x = tgt
    for k, part in enumerate(parts):
        made = work[part](normed(norms[k], x) if first else x)
        made = made if drop_sum else dropped(drop[k + 1], made)
        made = x + made if kept[k] else made
        made = dropped(drop[k + 1], made) if drop_sum else made
        x = made if first else normed(norms[k], made)
    return x


_variants(
    transformer_decoder_layer,
    _layer,
    {
        "nothing is added back: all three residuals are missing": {"kept": (0, 0, 0)},
        "tgt is not added back after self_attn": {"kept": (0, 1, 1)},
        "what went in is not added back after multihead_attn": {"kept": (1, 0, 1)},
        "what went in is not added back after the two linear layers": {"kept": (1, 1, 0)},
        "each norm stands before its part (pre-norm): a fair design, but not the one asked for": {"first": True},
        "there are no norms": {"norms": ("",) * 3},
        "norm1 serves all three parts": {"norms": ("norm1",) * 3},
        "the last norm is missing": {"norms": ("norm1", "norm2", "")},
        "multihead_attn looks at the words themselves instead of memory": {"asks": lambda x, tgt, memory: (x, x, x)},
        "multihead_attn is asked by tgt, as it was before self_attn": {
            "asks": lambda x, tgt, memory: (tgt, memory, memory),
        },
        "tgt_mask is left out of self_attn: words see those that come after them": {"masks": lambda mask: (None, None)},
        "tgt_mask is given to multihead_attn instead of self_attn": {"masks": lambda mask: (None, mask)},
        "tgt_mask is given to multihead_attn as well": {"masks": lambda mask: (mask, mask)},
        "the relu between the two linear layers is missing": {"activation": lambda x: x},
        "gelu stands in for relu": {"activation": lambda x: x * (1 + (x / math.sqrt(2)).erf()) / 2},
        "dropout is left out everywhere": {"drop": ("",) * 4},
        "the dropout between the two linear layers is left out": {"drop": ("", *DROPOUTS[1:])},
        "dropout falls on the sum, so that what went in is dropped as well": {"drop_sum": True},
        "memory is looked at before the words look at one another": {"parts": "csf"},
        "the two linear layers are left out": {"parts": "sc"},
        "self_attn is left out": {"parts": "cf", "norms": ("norm2", "norm3"), "drop": ("dropout", *DROPOUTS[2:])},
    },
)  # fmt: skip


# The captioner ----------------------------------------------------------------------------------------------


def _captioner_cases():
    def case(seed, *shape, layers=1):
        return *random_arrays(seed, np.float64, shape), _captions()[: shape[0], :5], layers

    return {
        "four places": case(331, 3, 4, 6),
        "one vector for the whole image": case(332, 2, 6),
        "as many places as words, two layers": case(333, 3, 5, 6, layers=2),
        "features of another width": case(334, 2, 3, 5),
        "one word": (*random_arrays(335, np.float64, (2, 3, 6)), np.array([[1], [4]]), 1),
    }


def _captioner(features, layers):
    from ...classifiers.transformer import CaptioningTransformer

    model = CaptioningTransformer(WORDS, features.shape[-1], 6, 2, layers, 9, dim_feedforward=7, dropout=0.0)
    return _filled(model, 43).eval()


def _run_captioner(function, features, captions, layers):
    scores = function(_captioner(features, layers), features, captions)
    return {"scores": _attached("the scores of CaptioningTransformer", scores)}


captioning_transformer = Method(
    "captioning_transformer",
    f"{MODELS}:CaptioningTransformer.forward",
    run=_run_captioner,
    needs=("positional_encoding", "transformer_decoder_layer"),
    notebook="extras",
    minutes=15,
    cases=_captioner_cases,
    outputs=("scores",),
    hints=(
        "Two streams meet in self.transformer. The image's is short: visual_projection. The words' is embedding, then "
        "positional_encoding. What comes out goes through self.output.",
        "All words are trained at once, so that word i must be kept from looking ahead: row i of the mask holds i + 1 "
        "ones, the word itself among them, and then zeros. torch.ones(T, T).tril() is such a mask.",
        "memory = self.visual_projection(features); words = self.positional_encoding(self.embedding(captions)); mask = "
        "torch.ones(T, T, dtype=torch.bool, device=captions.device).tril(); return "
        "self.output(self.transformer(words, memory, mask))",
    ),
)


@captioning_transformer.oracle
def _(features, captions, layers):
    import torch

    model = _captioner(features, layers)
    ids, T = torch.tensor(captions, dtype=torch.int64), captions.shape[1]
    (places,) = _tensors(features.reshape(len(features), -1, features.shape[-1]))
    memory = places @ model.visual_projection.weight.T + model.visual_projection.bias
    table = torch.tensor(positional_encoding.expected(T, 6, np.zeros(0, np.float32))["table"])  # a buffer is float32
    x = model.embedding.weight[ids] + table
    ahead = torch.ones(T, T).triu(1).bool()
    for layer in model.transformer.layers:
        x = _torch_layer(layer, 2).eval()(x, memory, tgt_mask=ahead)
    return {"scores": (x @ model.output.weight.T + model.output.bias).detach().numpy()}


def _caption(
    self, features, captions, *,
    mask=lambda T: _causal(T), project=lambda self, x: self.visual_projection(x), places=lambda memory: memory,
    embed=lambda self, ids: self.embedding(ids), position_words=True, position_places=False,
    end=lambda self, x: self.output(x), handed=lambda words, memory: (words, memory),
):  # fmt: skip
    """The answer with switches for mistakes."""
    import torch

    features, captions = self._checked_features(features), torch.tensor(captions, dtype=torch.int64)
    memory, words = places(project(self, features)), embed(self, captions)
    table = torch.tensor(_table_of(49, 6))
    words = words + table[: words.shape[1]] if position_words else words
    memory = memory + table[: memory.shape[1]] if position_places else memory
    seen = mask(captions.shape[1])
    x, memory = handed(words, memory)
    for layer in self.transformer.layers:
        x = _layer(layer, x, memory, None if seen is None else torch.tensor(seen))
    return end(self, x)


def _table_of(max_len, embed_dim):
    return positional_encoding.expected(max_len, embed_dim, np.zeros(0, np.float32))["table"]


_variants(
    captioning_transformer,
    _caption,
    {
        "the causal mask is missing: a word sees the one that it shall foretell": {"mask": lambda T: None},
        "the causal mask is the wrong way up: words see themselves and what comes after": {
            "mask": lambda T: _causal(T).T,
        },
        "the causal mask is torch.nn's, which marks what is hidden; here it marks what may be seen": {
            "mask": lambda T: ~_causal(T),
        },
        "a word does not see itself: the mask's diagonal is 0, and the first word sees nothing at all": {
            "mask": lambda T: np.tril(np.ones((T, T), dtype=bool), -1),
        },
        "each word sees itself alone: the mask has nothing but its diagonal": {"mask": lambda T: np.eye(T, dtype=bool)},
        "the words get no positions": {"position_words": False},
        "the places get positions as well, as if the image were a sentence": {"position_places": True},
        "the places get the positions, and the words do not": {"position_words": False, "position_places": True},
        "the features are not projected": {"project": lambda self, x: x},
        "the bias of the projection is left out": {"project": lambda self, x: x @ self.visual_projection.weight.T},
        "the places are averaged to one before the words look at them": {
            "places": lambda memory: memory.mean(1, keepdim=True),
        },
        "only the first place of the image is looked at": {"places": lambda memory: memory[:, :1]},
        "a relu follows the projection": {"project": lambda self, x: self.visual_projection(x).relu()},
        "the embedded words are multiplied by sqrt(W), as the paper does; here they are not": {
            "embed": lambda self, ids: self.embedding(ids) * math.sqrt(6),
        },
        "a softmax follows the scores, which the loss sees to itself": {
            "end": lambda self, x: self.output(x).softmax(-1),
        },
        "words and memory are exchanged in the call of self.transformer": {
            "handed": lambda words, memory: (memory, words), "mask": lambda T: None,
        },
        "self.output is missing: these are vectors, not scores": {"end": lambda self, x: x},
    },
)  # fmt: skip
