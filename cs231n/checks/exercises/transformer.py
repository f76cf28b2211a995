"""The Transformer that captions: positions, a layer of its decoder, and the whole, against torch.nn's own layers."""

import math

import numpy as np

from ..authoring.answers import array_of, attached, tensors
from ..authoring.inputs import WORDS, causal_mask, random_arrays, three_captions
from ..authoring.networks import filled, functional_patterns, pattern_dropout
from ..authoring.variants import variants
from ..todo import Method
from .attention import attend, torch_heads

LAYERS, MODELS = "cs231n.transformer_layers", "cs231n.classifiers.transformer"


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
    table = array_of("the table of positions", function(max_len, embed_dim))
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


variants(
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
        "with a causal mask": case(322, 2, 4, 3, 6, 3, 5, causal_mask(4)),
        "as many places as words": case(323, 1, 4, 4, 4, 1, 8, causal_mask(4)),
        "one place": case(324, 3, 3, 1, 4, 2, 6, causal_mask(3)),
        "one word": case(326, 1, 1, 3, 4, 2, 5, causal_mask(1)),
        "in training": case(325, 2, 3, 4, 6, 2, 6, causal_mask(3), True),
    }


DROPOUTS = ("dropout", "dropout1", "dropout2", "dropout3")


def _with_patterns(layer, training):
    for phase, name in enumerate(DROPOUTS):
        setattr(layer, name, pattern_dropout(phase))
    return layer.train(training)


def _decoder_layer(E, H, hidden, training, dtype=np.float64):
    from ...classifiers.transformer import TransformerDecoderLayer

    layer = TransformerDecoderLayer(E, H, dim_feedforward=hidden, dropout=0.0)
    return _with_patterns(filled(layer, 42, dtype), training)


def _run_layer(function, tgt, memory, mask, H, hidden, training):
    layer = _decoder_layer(tgt.shape[-1], H, hidden, training, tgt.dtype)
    with functional_patterns():
        got = function(layer, *tensors(tgt, memory), *([] if mask is None else tensors(mask)))
    return {"out": attached("the output of TransformerDecoderLayer", got)}


transformer_decoder_layer = Method(
    "transformer_decoder_layer",
    f"{MODELS}:TransformerDecoderLayer.forward",
    run=_run_layer,
    needs=("multi_head_attention",),
    notebook="extras",
    minutes=15,
    cases=_layer_cases,
    float32_suffices=True,
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
        setattr(twin, name, torch_heads(getattr(layer, name), H))
    for name in ("linear1", "linear2", "norm1", "norm2", "norm3"):
        getattr(twin, name).load_state_dict(getattr(layer, name).state_dict())
    return twin


@transformer_decoder_layer.oracle
def _(tgt, memory, mask, H, hidden, training):
    import torch

    layer = _decoder_layer(tgt.shape[-1], H, hidden, training)
    twin = _with_patterns(_torch_layer(layer, H), training)
    barred = None if mask is None else torch.tensor(~mask)
    return {"out": twin(*tensors(tgt, memory), tgt_mask=barred).detach().numpy()}


def _layer(
    self, tgt, memory, tgt_mask=None, *,
    kept=(1, 1, 1), norms=("norm1", "norm2", "norm3"), first=False, masks=lambda mask: (mask, None),
    asks=lambda x, tgt, memory: (x, memory, memory), activation=lambda x: x.relu(), drop=("dropout", *DROPOUTS[1:]),
    drop_sum=False, parts="scf",
):  # fmt: skip
    """The answer with switches for mistakes; kept: which residuals; norms, drop: names of layers, '' for none."""
    own, cross = masks(tgt_mask)

    def through(name, x):
        return getattr(self, name)(x) if name else x

    work = {
        "s": lambda x: attend(self.self_attn, x, x, x, own),
        "c": lambda x: attend(self.multihead_attn, *asks(x, tgt, memory), cross),
        "f": lambda x: self.linear2(through(drop[0], activation(self.linear1(x)))),
    }
    x = tgt
    for k, part in enumerate(parts):
        made = work[part](through(norms[k], x) if first else x)
        made = made if drop_sum else through(drop[k + 1], made)
        made = x + made if kept[k] else made
        made = through(drop[k + 1], made) if drop_sum else made
        x = made if first else through(norms[k], made)
    return x


variants(
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
        return *random_arrays(seed, np.float64, shape), three_captions()[: shape[0], :5], layers

    return {
        "four places": case(331, 3, 4, 6),
        "one vector for the whole image": case(332, 2, 6),
        "as many places as words, two layers": case(333, 3, 5, 6, layers=2),
        "features of another width": case(334, 2, 3, 5),
        "one image and one word": (*random_arrays(335, np.float64, (1, 3, 6)), np.array([[1]]), 1),
    }


def _captioner(features, layers, dtype=np.float64):
    from ...classifiers.transformer import CaptioningTransformer

    model = CaptioningTransformer(WORDS, features.shape[-1], 6, 2, layers, 9, dim_feedforward=7, dropout=0.0)
    return filled(model, 43, dtype).eval()


def _run_captioner(function, features, captions, layers):
    scores = function(_captioner(features, layers, features.dtype), features, captions)
    return {"scores": attached("the scores of CaptioningTransformer", scores)}


captioning_transformer = Method(
    "captioning_transformer",
    f"{MODELS}:CaptioningTransformer.forward",
    run=_run_captioner,
    needs=("positional_encoding", "transformer_decoder_layer"),
    notebook="extras",
    minutes=15,
    cases=_captioner_cases,
    float32_suffices=True,
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


def _positions(max_len, embed_dim):
    """The right table, in float32 as a buffer is."""
    return positional_encoding.expected(max_len, embed_dim, np.zeros(0, np.float32))["table"]


@captioning_transformer.oracle
def _(features, captions, layers):
    import torch

    model = _captioner(features, layers)
    ids, T = torch.tensor(captions, dtype=torch.int64), captions.shape[1]
    (places,) = tensors(features.reshape(len(features), -1, features.shape[-1]))
    memory = places @ model.visual_projection.weight.T + model.visual_projection.bias
    table = torch.tensor(_positions(T, 6))
    x = model.embedding.weight[ids] + table
    ahead = torch.ones(T, T).triu(1).bool()
    for layer in model.transformer.layers:
        x = _torch_layer(layer, 2).eval()(x, memory, tgt_mask=ahead)
    return {"scores": (x @ model.output.weight.T + model.output.bias).detach().numpy()}


def _caption(
    self, features, captions, *,
    mask=causal_mask, project=lambda self, x: self.visual_projection(x), places=lambda memory: memory,
    embed=lambda self, ids: self.embedding(ids), position_words=True, position_places=False,
    end=lambda self, x: self.output(x), handed=lambda words, memory: (words, memory),
):  # fmt: skip
    """The answer with switches for mistakes."""
    import torch

    features, captions = self._checked_features(features), torch.tensor(captions, dtype=torch.int64)
    memory, words = places(project(self, features)), embed(self, captions)
    table = torch.tensor(_positions(49, 6))
    words = words + table[: words.shape[1]] if position_words else words
    memory = memory + table[: memory.shape[1]] if position_places else memory
    seen = mask(captions.shape[1])
    x, memory = handed(words, memory)
    for layer in self.transformer.layers:
        x = _layer(layer, x, memory, None if seen is None else torch.tensor(seen))
    return end(self, x)


variants(
    captioning_transformer,
    _caption,
    {
        "the causal mask is missing: a word sees the one that it shall foretell": {"mask": lambda T: None},
        "the causal mask is the wrong way up: words see themselves and what comes after": {
            "mask": lambda T: causal_mask(T).T,
        },
        "the causal mask is torch.nn's, which marks what is hidden; here it marks what may be seen": {
            "mask": lambda T: ~causal_mask(T),
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
