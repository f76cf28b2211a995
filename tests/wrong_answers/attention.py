"""Wrong answers to the extra exercises on attention and the Transformer."""

from . import wrong

wrong("scaled_dot_product_attention", "masked after the softmax, and renormalised along the wrong axis", '''
def scaled_dot_product_attention(query, key, value, mask=None):
    d_k = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) / d_k ** 0.5
    p = torch.softmax(scores, dim=-1)
    if mask is not None:
        p = p * (mask != 0)
        p = p / p.sum(dim=-2, keepdim=True)
    return torch.matmul(p, value), p
''', faults=2, says="line 8 makes this right: the number 2")  # fmt: skip

wrong("scaled_dot_product_attention", "divided by E, and the softmax runs over the queries", '''
def scaled_dot_product_attention(query, key, value, mask=None):
    E = key.shape[-1]
    logits = torch.einsum("...te,...se->...ts", query, key)
    logits = logits / E
    if mask is not None:
        logits = logits.masked_fill(~mask.bool(), float("-inf"))
    attn = torch.exp(logits - logits.amax(dim=-1, keepdim=True))
    attn = attn / attn.sum(dim=-2, keepdim=True)
    out = torch.einsum("...ts,...se->...te", attn, value)
    return out, attn
''', faults=2, says="the rest is in line 9: the number 2")  # fmt: skip

wrong("scaled_dot_product_attention", "the mask is read the other way round", '''
def scaled_dot_product_attention(query, key, value, mask=None):
    scale = math.sqrt(query.shape[-1])
    weights = query.matmul(key.mT) / scale
    if mask is not None:
        weights = weights.masked_fill(mask.bool(), -1e9)
    weights = nn.functional.softmax(weights, dim=-1)
    return weights.matmul(value), weights
''', says="line 6 makes this right: the condition is the wrong way round")  # fmt: skip

wrong("multi_head_attention", "the heads are cut without a transposition, and the weights kept are after dropout", '''
def forward(self, query, key, value, attn_mask=None):
    N, T, E = query.shape
    S = key.shape[1]
    H = self.num_heads
    Dh = E // H
    q = self.query(query).reshape(N, H, T, Dh)
    k = self.key(key).reshape(N, H, S, Dh)
    v = self.value(value).reshape(N, H, S, Dh)
    scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(Dh)
    if attn_mask is not None:
        scores = scores.masked_fill(attn_mask == 0, float("-inf"))
    attn = self.dropout(torch.softmax(scores, dim=-1))
    self.weights = attn.detach()
    out = torch.matmul(attn, v)
    out = out.transpose(1, 2).contiguous().view(N, T, E)
    return self.proj(out)
''', faults=2, says="a head gets pieces of several words; and besides, the weights are kept after dropout")  # fmt: skip

wrong("multi_head_attention", "scaled by the width of all heads, and the values come from the key", '''
def forward(self, query, key, value, attn_mask=None):
    q, k, v = self.query(query), self.key(key), self.value(key)
    outs, all_weights = [], []
    # one head at a time
    for qh, kh, vh in zip(q.chunk(self.num_heads, dim=-1), k.chunk(self.num_heads, dim=-1),
                          v.chunk(self.num_heads, dim=-1)):
        att = qh @ kh.transpose(1, 2) / self.embed_dim ** 0.5
        if attn_mask is not None:
            att = att.masked_fill(attn_mask == 0, -1e9)
        att = att.softmax(-1)
        all_weights.append(att)
        outs.append(self.dropout(att) @ vh)
    self.weights = torch.stack(all_weights, dim=1).detach()
    return self.proj(torch.cat(outs, dim=-1))
''', faults=2,
    says="each head's vectors have e/h numbers; and besides, the values are made from key")  # fmt: skip

wrong("multi_head_attention", "dropout after the projection instead of on the weights", '''
def forward(self, query, key, value, attn_mask=None):
    N, T, E = query.shape
    split = lambda x: x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)
    q, k, v = split(self.query(query)), split(self.key(key)), split(self.value(value))
    heads, w = scaled_dot_product_attention(q, k, v, attn_mask)
    self.weights = w.detach()
    y = heads.transpose(1, 2).flatten(2)
    return self.dropout(self.proj(y))
''', says="dropout falls on the output, not on the weights")  # fmt: skip

wrong("positional_encoding", "positions from 1, and every column has a rate of its own", '''
def positional_table(max_len, embed_dim):
    pe = torch.zeros(max_len, embed_dim)
    for pos in range(1, max_len + 1):
        for i in range(embed_dim):
            angle = pos / (10000 ** (i / embed_dim))
            if i % 2 == 0:
                pe[pos - 1, i] = math.sin(angle)
            else:
                pe[pos - 1, i] = math.cos(angle)
    return pe
''', faults=2, says=None)  # fmt: skip

wrong("positional_encoding", "all sines first, then all cosines", '''
def positional_table(max_len, embed_dim):
    position = torch.arange(max_len, dtype=torch.float32).unsqueeze(1)
    half = embed_dim // 2
    inv_freq = torch.exp(-math.log(10000.0) * torch.arange(half).float() / half)
    args = position * inv_freq
    return torch.cat([torch.sin(args), torch.cos(args)], dim=1)
''', says="sines fill the left half and cosines the right one")  # fmt: skip

wrong("transformer_decoder_layer", "normalised before each part instead of after it", '''
def forward(self, tgt, memory, tgt_mask=None):
    x = tgt
    y = self.norm1(x)
    x = x + self.dropout1(self.self_attn(y, y, y, tgt_mask))
    y = self.norm2(x)
    x = x + self.dropout2(self.multihead_attn(y, memory, memory))
    y = self.norm3(x)
    y = self.linear2(self.dropout(torch.relu(self.linear1(y))))
    x = x + self.dropout3(y)
    return x
''', says="each norm stands before its part")  # fmt: skip

wrong("transformer_decoder_layer", "the words are looked up by tgt again, and the last part has no way round it", '''
def forward(self, tgt, memory, tgt_mask=None):
    # masked self-attention
    attended = self.self_attn(query=tgt, key=tgt, value=tgt, attn_mask=tgt_mask)
    x = self.norm1(tgt + self.dropout1(attended))
    # encoder-decoder attention
    attended = self.multihead_attn(query=tgt, key=memory, value=memory)
    x = self.norm2(x + self.dropout2(attended))
    # feed forward
    hidden = nn.functional.relu(self.linear1(x))
    out = self.linear2(self.dropout(hidden))
    x = self.norm3(self.dropout3(out))
    return x
''', faults=2,
    says="not added back after the two linear layers; and besides, multihead_attn is asked by tgt")  # fmt: skip

wrong("transformer_decoder_layer", "no mask, no ReLU, and the second norm is used for the third", '''
def forward(self, tgt, memory, tgt_mask=None):
    shortcut = tgt
    tgt = self.self_attn(tgt, tgt, tgt)
    tgt = self.dropout1(tgt)
    tgt = self.norm1(tgt + shortcut)

    shortcut = tgt
    tgt = self.multihead_attn(tgt, memory, memory)
    tgt = self.dropout2(tgt)
    tgt = self.norm2(tgt + shortcut)

    shortcut = tgt
    tgt = self.dropout(self.linear1(tgt))
    tgt = self.dropout3(self.linear2(tgt))
    tgt = self.norm2(tgt + shortcut)
    return tgt
''', faults=3, says="the argument `tgt_mask` is never used")  # fmt: skip

wrong("captioning_transformer", "the mask lets each word see the later ones, and there are no positions", '''
def forward(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    T = captions.shape[1]
    tgt = self.embedding(captions)
    memory = self.visual_projection(features)
    mask = torch.triu(torch.ones(T, T)).to(captions.device)
    decoded = self.transformer(tgt, memory, tgt_mask=mask)
    scores = self.output(decoded)
    return scores
''', faults=2,
    says="words see themselves and what comes after; and besides, the words get no positions")  # fmt: skip

wrong("captioning_transformer", "the embeddings are scaled as in the paper, and the mask is not handed on", '''
import math

def forward(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    T = captions.size(1)
    emb = self.embedding(captions) * math.sqrt(self.embedding.embedding_dim)
    emb = self.positional_encoding(emb)
    img = self.visual_projection(features)
    causal_mask = torch.tril(torch.ones(T, T, device=emb.device)).bool()
    hidden = self.transformer(emb, img)
    return self.output(hidden)
''', faults=2,
    says="a word sees the one that it shall foretell; and besides, the embedded words are multiplied")  # fmt: skip

wrong("captioning_transformer", "the positions are added to the image's places as well", '''
def forward(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    n_words = captions.shape[1]
    i = torch.arange(n_words, device=captions.device)
    may_look = i[:, None] >= i[None, :]
    places = self.positional_encoding(self.visual_projection(features))
    words = self.positional_encoding(self.embedding(captions))
    return self.output(self.transformer(words, places, may_look))
''', says="the places get positions as well")  # fmt: skip
