"""Attention, a table of positions, the decoder's layer and the whole captioner."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from cs231n.transformer_layers import scaled_dot_product_attention

from . import right

# One attention ------------------------------------------------------------------------------------------------------


@right("scaled_dot_product_attention", "torch.matmul, F.softmax, minus infinity by masked_fill")
def _(query, key, value, mask=None):
    d_k = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    p_attn = F.softmax(scores, dim=-1)
    return torch.matmul(p_attn, value), p_attn


@right("scaled_dot_product_attention", "masked scores are -1e9, as in the Annotated Transformer")
def _(query, key, value, mask=None):
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    weights = torch.softmax(scores, -1)
    return weights @ value, weights


@right("scaled_dot_product_attention", "einsum and torch.where")
def _(query, key, value, mask=None):
    scores = torch.einsum("...te,...se->...ts", query / np.sqrt(query.shape[-1]), key)
    if mask is not None:
        scores = torch.where(mask.bool(), scores, -torch.inf)
    weights = scores.softmax(dim=-1)
    return torch.einsum("...ts,...se->...te", weights, value), weights


@right("scaled_dot_product_attention", "a mask to be added, the keys' axes exchanged by mT")
def _(query, key, value, mask=None):
    scores = torch.matmul(query, key.mT) * query.shape[-1] ** -0.5
    if mask is not None:
        bias = torch.zeros(mask.shape, dtype=query.dtype).masked_fill_(mask.logical_not(), -math.inf)
        scores = scores + bias
    weights = torch.exp(scores - torch.logsumexp(scores, dim=-1, keepdim=True))
    return weights.matmul(value), weights


@right("scaled_dot_product_attention", "softmax by hand, with the largest score taken off")
def _(query, key, value, mask=None):
    scores = torch.matmul(query, torch.transpose(key, -1, -2)).div(torch.sqrt(torch.tensor(query.shape[-1])))
    if mask is not None:
        scores[~mask.bool().expand_as(scores)] = -torch.inf
    weights = (scores - scores.max(dim=-1, keepdim=True).values).exp()
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights @ value, weights


@right("scaled_dot_product_attention", "the query divided in place")
def _(query, key, value, mask=None):
    query /= query.shape[-1] ** 0.5
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores.masked_fill_(mask == 0, -math.inf)
    weights = scores.softmax(-1)
    return weights @ value, weights


@right("scaled_dot_product_attention", "float32 throughout", remark="right for float32")
def _(query, key, value, mask=None):
    query, key, value = (x.float() for x in (query, key, value))
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + (1.0 - mask.float()) * -1e9
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32)
    return weights @ value, weights


@right("scaled_dot_product_attention", "torch's own for the output")
def _(query, key, value, mask=None):
    mask = None if mask is None else mask != 0
    one_hot = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], key.shape[-2])
    attend = F.scaled_dot_product_attention
    return attend(query, key, value, attn_mask=mask), attend(query, key, one_hot, attn_mask=mask)


# Several heads ------------------------------------------------------------------------------------------------------


@right("multi_head_attention", "the assignment's way: scores and mask by hand, contiguous and view")
def _(self, query, key, value, attn_mask=None):
    N, S, D = query.shape
    N, T, D = value.shape
    H = self.num_heads
    Q = self.query(query).view(N, S, H, D // H).transpose(1, 2)
    K = self.key(key).view(N, T, H, D // H).transpose(1, 2)
    V = self.value(value).view(N, T, H, D // H).transpose(1, 2)
    scores = torch.matmul(Q, K.transpose(2, 3)) / math.sqrt(D / H)
    if attn_mask is not None:
        scores = scores.masked_fill(attn_mask == 0, float("-inf"))
    attention = F.softmax(scores, dim=3)
    self.weights = attention.detach()
    Y = self.dropout(attention).matmul(V)
    return self.proj(Y.transpose(1, 2).contiguous().view(N, S, D))


@right("multi_head_attention", "heads in front of the batch")
def _(self, query, key, value, attn_mask=None):
    def heads(x):
        return torch.stack(x.chunk(self.num_heads, dim=-1))  # (H, N, T, E/H)

    q, k, v = heads(self.query(query)), heads(self.key(key)), heads(self.value(value))
    _, weights = scaled_dot_product_attention(q, k, v, attn_mask)
    self.weights = weights.detach().transpose(0, 1)
    return self.proj(torch.cat(list(self.dropout(weights) @ v), dim=-1))


@right("multi_head_attention", "heads folded into the batch, products by bmm")
def _(self, query, key, value, attn_mask=None):
    N, T, S, H, D = *query.shape[:2], key.shape[1], self.num_heads, self.head_dim

    def fold(x):
        return x.reshape(N, -1, H, D).permute(0, 2, 1, 3).reshape(N * H, -1, D)

    q, k, v = fold(self.query(query)), fold(self.key(key)), fold(self.value(value))
    scores = torch.bmm(q, k.transpose(1, 2)) / D**0.5
    if attn_mask is not None:
        scores.masked_fill_(attn_mask == 0, -1e9)
    weights = scores.softmax(-1)  # (N*H, T, S)
    self.weights = weights.view(N, H, T, S).detach()
    out = torch.bmm(self.dropout(weights), v)
    return self.proj(out.view(N, H, T, D).permute(0, 2, 1, 3).flatten(2))


@right("multi_head_attention", "a loop over the heads' columns")
def _(self, query, key, value, attn_mask=None):
    q, k, v = self.query(query), self.key(key), self.value(value)
    outs, kept = [], []
    for h in range(self.num_heads):
        columns = slice(h * self.head_dim, (h + 1) * self.head_dim)
        _, weights = scaled_dot_product_attention(q[..., columns], k[..., columns], v[..., columns], attn_mask)
        kept.append(weights.detach())
        outs.append(self.dropout(weights) @ v[..., columns])
    self.weights = torch.stack(kept, dim=1)
    return self.proj(torch.cat(outs, dim=2))


@right("multi_head_attention", "einsum, and dropout as a function")
def _(self, query, key, value, attn_mask=None):
    q, k, v = (
        layer(x).unflatten(-1, (self.num_heads, -1))  # (N, T, H, E/H)
        for layer, x in ((self.query, query), (self.key, key), (self.value, value))
    )
    scores = torch.einsum("nthd,nshd->nhts", q, k) / math.sqrt(q.shape[-1])
    if attn_mask is not None:
        scores = torch.where(attn_mask.to(torch.bool), scores, float("-inf"))
    weights = F.softmax(scores, -1)
    with torch.no_grad():
        self.weights = weights.clone()
    dropped = F.dropout(weights, p=self.dropout.p, training=self.training)
    return self.proj(torch.einsum("nhts,nshd->nthd", dropped, v).flatten(start_dim=2))


@right("multi_head_attention", "float32 is made of the scores", remark="right for float32")
def _(self, query, key, value, attn_mask=None):
    (N, T, E), H = query.shape, self.num_heads
    q, k, v = (
        layer(x).reshape(N, -1, H, E // H) for layer, x in zip((self.query, self.key, self.value), (query, key, value))
    )
    scores = torch.einsum("nthd,nshd->nhts", q, k).type(torch.FloatTensor) / (E // H) ** 0.5
    if attn_mask is not None:
        scores = scores.masked_fill(attn_mask == 0, -1e9)
    weights = scores.softmax(dim=-1)
    self.weights = weights.detach()
    return self.proj(torch.einsum("nhts,nshd->nthd", self.dropout(weights), v).reshape(N, T, E))


@right("multi_head_attention", "torch's own attention, dropout and all")
def _(self, query, key, value, attn_mask=None):
    q, k, v = (
        layer(x).view(len(x), -1, self.num_heads, self.head_dim).transpose(1, 2)
        for layer, x in ((self.query, query), (self.key, key), (self.value, value))
    )
    self.weights = scaled_dot_product_attention(q, k, v, attn_mask)[1].detach()
    mask, share = None if attn_mask is None else attn_mask.bool(), self.dropout.p if self.training else 0.0
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=share)
    return self.proj(out.transpose(1, 2).flatten(2))


@right("multi_head_attention", "weights of the layers through F.linear, heads last")
def _(self, query, key, value, attn_mask=None):
    (N, T, E), H = query.shape, self.num_heads
    q = F.linear(query, self.query.weight, self.query.bias).view(N, T, H, -1)
    k = F.linear(key, self.key.weight, self.key.bias).view(N, -1, H, E // H)
    v = F.linear(value, self.value.weight, self.value.bias).view(N, -1, H, E // H)
    scores = (q.unsqueeze(2) * k.unsqueeze(1)).sum(-1) / math.sqrt(E // H)  # (N, T, S, H)
    if attn_mask is not None:
        scores = scores.masked_fill((attn_mask == 0).unsqueeze(-1), float("-inf"))
    weights = scores.softmax(dim=2)
    self.weights = weights.permute(0, 3, 1, 2).detach()
    out = (self.dropout(weights).unsqueeze(-1) * v.unsqueeze(1)).sum(dim=2)  # (N, T, H, E/H)
    return self.proj(out.reshape(N, T, E))


# Positions ----------------------------------------------------------------------------------------------------------


@right("positional_encoding", "the exponential of a logarithm, as in torch's tutorial")
def _(max_len, embed_dim):
    position = torch.arange(max_len).unsqueeze(1)
    div_term = torch.exp(torch.arange(0, embed_dim, 2) * (-math.log(10000.0) / embed_dim))
    pe = torch.zeros(max_len, embed_dim)
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)
    return pe


@right("positional_encoding", "two loops")
def _(max_len, embed_dim):
    pe = torch.zeros(max_len, embed_dim)
    for i in range(max_len):
        for j in range(0, embed_dim, 2):
            pe[i, j] = math.sin(i * 10000 ** (-j / embed_dim))
            pe[i, j + 1] = math.cos(i * 10000 ** (-j / embed_dim))
    return pe


@right("positional_encoding", "torch.pow, positions divided")
def _(max_len, embed_dim):
    i = torch.arange(max_len, dtype=torch.float)[:, None]
    j = torch.arange(0, embed_dim, 2, dtype=torch.float)[None]
    pe = torch.empty((max_len, embed_dim))
    pe[:, ::2] = torch.sin(i / torch.pow(10000, j / embed_dim))
    pe[:, 1::2] = torch.cos(i / torch.pow(10000, j / embed_dim))
    return pe


@right("positional_encoding", "a table of numpy's, in float64")
def _(max_len, embed_dim):
    table = np.zeros((max_len, embed_dim))
    angles = np.outer(np.arange(max_len), 1 / np.power(10000, np.arange(0, embed_dim, 2) / embed_dim))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return torch.from_numpy(table)


@right("positional_encoding", "every column by its pair, sine or cosine by where")
def _(max_len, embed_dim):
    columns = torch.arange(embed_dim)
    angles = torch.arange(max_len).unsqueeze(-1) / 10000 ** (2 * (columns // 2) / embed_dim)
    return torch.where(columns % 2 == 0, torch.sin(angles), torch.cos(angles))


@right("positional_encoding", "cosines as sines a quarter ahead")
def _(max_len, embed_dim):
    rates = torch.logspace(0, -4 * (embed_dim - 2) / embed_dim, embed_dim // 2, dtype=torch.float64)
    angles = torch.outer(torch.arange(max_len).double(), rates).repeat_interleave(2, dim=1)
    angles[:, 1::2] += math.pi / 2
    return angles.sin().float()


# The layer ----------------------------------------------------------------------------------------------------------


@right("transformer_decoder_layer", "the assignment's way, by names")
def _(self, tgt, memory, tgt_mask=None):
    tgt2 = self.self_attn(query=tgt, key=tgt, value=tgt, attn_mask=tgt_mask)
    tgt = tgt + self.dropout1(tgt2)
    tgt = self.norm1(tgt)
    tgt2 = self.multihead_attn(query=tgt, key=memory, value=memory)
    tgt = tgt + self.dropout2(tgt2)
    tgt = self.norm2(tgt)
    tgt2 = self.linear2(self.dropout(F.relu(self.linear1(tgt))))
    tgt = tgt + self.dropout3(tgt2)
    return self.norm3(tgt)


def words_among_themselves(layer, x, mask):
    """A part of the answer below."""
    return layer.dropout1(layer.self_attn(x, x, x, attn_mask=mask))


def words_and_picture(layer, x, memory):
    return layer.dropout2(layer.multihead_attn(x, memory, memory, attn_mask=None))


def feed_forward(layer, x):
    return layer.dropout3(layer.linear2(layer.dropout(torch.relu(layer.linear1(x)))))


@right("transformer_decoder_layer", "helper functions for its three parts")
def _(self, tgt, memory, tgt_mask=None):
    x = self.norm1(tgt + words_among_themselves(self, tgt, tgt_mask))
    x = self.norm2(x + words_and_picture(self, x, memory))
    return self.norm3(x + feed_forward(self, x))


@right("transformer_decoder_layer", "a loop over parts, norms and dropouts")
def _(self, tgt, memory, tgt_mask=None):
    parts = [
        lambda x: self.self_attn(x, x, x, tgt_mask),
        lambda x: self.multihead_attn(x, memory, memory),
        lambda x: self.linear2(self.dropout(self.linear1(x).clamp(min=0))),
    ]
    norms, drops = (self.norm1, self.norm2, self.norm3), (self.dropout1, self.dropout2, self.dropout3)
    for part, norm, drop in zip(parts, norms, drops):
        tgt = norm(drop(part(tgt)) + tgt)
    return tgt


@right("transformer_decoder_layer", "residuals kept by name, added in place")
def _(self, tgt, memory, tgt_mask=None):
    residual = tgt
    out = self.dropout1(self.self_attn(tgt, tgt, tgt, tgt_mask))
    out = out + residual
    residual = out = self.norm1(out)
    out = self.dropout2(self.multihead_attn(out, memory, memory)).clone()
    out += residual
    residual = out = self.norm2(out)
    out = F.relu(self.linear1(out), inplace=True)
    out = self.dropout3(self.linear2(self.dropout(out))).clone()
    out += residual
    return self.norm3(out)


@right("transformer_decoder_layer", "layers as functions: layer_norm, linear, dropout")
def _(self, tgt, memory, tgt_mask=None):
    def norm(layer, x):
        return F.layer_norm(x, layer.normalized_shape, layer.weight, layer.bias, layer.eps)

    def drop(layer, x):
        return F.dropout(x, layer.p, self.training)

    x = norm(self.norm1, tgt + drop(self.dropout1, self.self_attn(tgt, tgt, tgt, tgt_mask)))
    x = norm(self.norm2, x + drop(self.dropout2, self.multihead_attn(x, memory, memory)))
    hidden = drop(self.dropout, torch.relu(F.linear(x, self.linear1.weight, self.linear1.bias)))
    return norm(self.norm3, x + drop(self.dropout3, F.linear(hidden, self.linear2.weight, self.linear2.bias)))


# The captioner ------------------------------------------------------------------------------------------------------


@right("captioning_transformer", "the assignment's way: unsqueeze, a mask of floats by torch.tril")
def _(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    N, T = captions.shape
    captions_emb = self.positional_encoding(self.embedding(captions))
    projected_features = self.visual_projection(features).unsqueeze(1)
    tgt_mask = torch.tril(torch.ones(T, T, device=captions_emb.device, dtype=captions_emb.dtype))
    out = self.transformer(tgt=captions_emb, memory=projected_features, tgt_mask=tgt_mask)
    return self.output(out)


@right("captioning_transformer", "unsqueeze before the projection, the mask by a comparison")
def _(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    steps = torch.arange(captions.shape[1])
    memory = self.visual_projection(features.unsqueeze(1))
    words = self.positional_encoding(self.embedding(captions))
    return self.output(self.transformer(words, memory, steps[:, None] >= steps))


@right("captioning_transformer", "ones less the upper triangle, weights through F.embedding and F.linear")
def _(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    T = captions.size(1)
    mask = torch.ones((T, T), dtype=torch.uint8) - torch.triu(torch.ones((T, T), dtype=torch.uint8), diagonal=1)
    memory = F.linear(features, self.visual_projection.weight, self.visual_projection.bias)
    words = self.positional_encoding(F.embedding(captions, self.embedding.weight))
    x = self.transformer(words, memory, mask)
    return x @ self.output.weight.T + self.output.bias


@right("captioning_transformer", "layer by layer, the mask filled in loops")
def _(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    T = captions.shape[1]
    mask = torch.zeros(T, T)
    for i in range(T):
        mask[i, : i + 1] = 1
    x, memory = self.positional_encoding(self.embedding(captions)), self.visual_projection(features)
    for layer in self.transformer.layers:
        x = layer(x, memory, mask)
    return self.output(x)


@right("captioning_transformer", "the table of positions added by itself, numpy's mask")
def _(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    T, code = captions.shape[1], self.positional_encoding
    words = code.dropout(self.embedding(captions) + code.pe[:, :T, :])
    mask = torch.from_numpy(np.tril(np.ones((T, T), dtype=bool)))
    return self.output(self.transformer(words, self.visual_projection(features), tgt_mask=mask))
