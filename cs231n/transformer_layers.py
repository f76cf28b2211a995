"""The layers a Transformer is made of: attention, attention with several heads, and a code for positions.

Source: Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762
"""

import math

import numpy as np  # noqa: F401  see below
import torch
from torch import nn

# What stood at this module's head in the assignment, for answers that were written there.
dtype, optim, F = torch.FloatTensor, torch.optim, nn.functional


def scaled_dot_product_attention(query, key, value, mask=None):
    """Each query gets a mean of the values, weighted by how well their keys fit it (Vaswani et al. 2017, 3.2.1).

    query (..., T, E), key (..., S, E), value (..., S, E'); mask, if given, bool or 0 and 1, broadcastable to
    (..., T, S): nonzero where query i may look at key j, and each query has at least one such key.
    Returns the means (..., T, E') and the weights (..., T, S), whose rows sum to 1.
    """
    # TODO(scaled_dot_product_attention): scores = products of queries and keys, divided by sqrt(E); -inf where the mask
    # is 0; a softmax over the keys makes weights of them; the output is the weighted sum of the values.
    ### BEGIN SOLUTION scaled_dot_product_attention
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights
    ### END SOLUTION


class MultiHeadAttention(nn.Module):
    """Attention several times side by side, each head with a slice of the width (Vaswani et al. 2017, 3.2.2).

    embed_dim E: the width of everything that goes in and comes out; num_heads H: must divide E (ValueError).
    dropout: the share of the attention weights that are dropped in training.
    After a call, `weights` holds its attention weights before dropout, (N, H, T, S), detached: for looking at.
    emd_dim, n_head and attn_drop are the assignment's names of embed_dim, num_heads and dropout.
    """

    emd_dim = property(lambda self: self.embed_dim)
    n_head = property(lambda self: self.num_heads)
    attn_drop = property(lambda self: self.dropout)

    def __init__(self, embed_dim, num_heads, dropout=0.1):
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim is {embed_dim} and num_heads {num_heads}: each head must get the same width")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.key = nn.Linear(embed_dim, embed_dim)
        self.query = nn.Linear(embed_dim, embed_dim)
        self.value = nn.Linear(embed_dim, embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.weights = None

    def forward(self, query, key, value, attn_mask=None):
        """query (N, T, E), key and value (N, S, E) -> (N, T, E).

        attn_mask: as scaled_dot_product_attention's mask, broadcastable to (N, H, T, S); (T, S) serves all alike.
        """
        self._check(query, key, value)
        (N, T, E), S, H = query.shape, key.shape[1], self.num_heads
        # TODO(multi_head_attention): apply the layers query, key and value, cut each result into H heads of E/H numbers
        # (N, H, ., E/H), and let each head attend. Keep the weights, detached, in self.weights; self.dropout(weights)
        # weighs the values. Set the heads side by side again and apply self.proj.
        ### BEGIN SOLUTION multi_head_attention
        q = self.query(query).view(N, T, H, E // H).transpose(1, 2)  # (N, H, T, E/H)
        k = self.key(key).view(N, S, H, E // H).transpose(1, 2)  # (N, H, S, E/H)
        v = self.value(value).view(N, S, H, E // H).transpose(1, 2)
        _, weights = scaled_dot_product_attention(q, k, v, attn_mask)  # (N, H, T, S)
        self.weights = weights.detach()
        heads = self.dropout(weights) @ v  # (N, H, T, E/H)
        return self.proj(heads.transpose(1, 2).reshape(N, T, E))
        ### END SOLUTION

    def _check(self, query, key, value):
        shapes = [tuple(x.shape) for x in (query, key, value)]
        (N, S), E = shapes[1][:2] if len(shapes[1]) == 3 else (None, None), self.embed_dim
        if len(shapes[0]) != 3 or shapes[0][::2] != (N, E) or shapes[1:] != [(N, S, E)] * 2:
            raise ValueError(
                f"query, key and value have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}; "
                f"they must be (N, T, {E}), (N, S, {E}) and (N, S, {E})"
            )


def positional_table(max_len, embed_dim):
    """The code of each position, (max_len, embed_dim) float32: waves from short to long (Vaswani et al. 2017, 3.5).

    Row p holds in column 2i sin(p / 10000^(2i / embed_dim)), and in column 2i + 1 the cosine of the same.
    """
    # TODO(positional_encoding): the angle of each position (rows, from 0) and each pair of columns; sines into the even
    # columns, cosines into the odd ones.
    ### BEGIN SOLUTION positional_encoding
    rates = 10000 ** (-torch.arange(0, embed_dim, 2) / embed_dim)  # (E/2,)
    angles = torch.arange(max_len)[:, None] * rates  # (max_len, E/2)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)  # sin, cos, sin, cos ...
    ### END SOLUTION


class PositionalEncoding(nn.Module):
    """Adds to each vector of a sequence the code of its position; attention alone would not know one from the other.

    embed_dim E: even; max_len: the longest sequence there may be. The buffer `pe` is (1, max_len, E).
    """

    def __init__(self, embed_dim, dropout=0.1, max_len=5000):
        super().__init__()
        if embed_dim < 2 or embed_dim % 2:
            raise ValueError(f"embed_dim is {embed_dim}; it must be even: each sine has its cosine")
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("pe", positional_table(max_len, embed_dim).float()[None])

    def forward(self, x):
        """x (N, T, E) plus the codes of positions 0 to T - 1, with dropout."""
        max_len, E = self.pe.shape[1:]
        if x.ndim != 3 or x.shape[1] > max_len or x.shape[2] != E:
            raise ValueError(f"x has shape {tuple(x.shape)}; it must be (N, T, {E}), T at most {max_len}")
        return self.dropout(x + self.pe[:, : x.shape[1]])
