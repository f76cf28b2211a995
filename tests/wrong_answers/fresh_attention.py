"""More wrong answers on attention and the Transformer, written before anyone asked what the checks say of them."""

from . import wrong

wrong("scaled_dot_product_attention", "divided by the root of the number of keys, not of their width; and the mask is "
      "taken the wrong way round: what may be seen is hidden", '''
def scaled_dot_product_attention(query, key, value, mask=None):
    d_k = key.shape[-2]
    energy = torch.matmul(query, key.transpose(-1, -2)) / d_k ** 0.5
    if mask is not None:
        energy = energy.masked_fill(mask.bool(), float("-inf"))
    attention = F.softmax(energy, dim=-1)
    context = torch.matmul(attention, value)
    return context, attention
''', faults=2, says="the scores are divided by the root of s, the number of keys,")  # fmt: skip

wrong("scaled_dot_product_attention", "the scores are multiplied by the mask, so that a hidden key has score 0 and not "
      "minus infinity: it still gets weight", '''
def scaled_dot_product_attention(query, key, value, mask=None):
    scale = 1.0 / math.sqrt(query.size(-1))
    att = torch.einsum("...id,...jd->...ij", query, key) * scale
    if mask is not None:
        att = att * mask
    att = att - att.max(dim=-1, keepdim=True)[0]
    e = torch.exp(att)
    att = e / e.sum(dim=-1, keepdim=True)
    y = torch.einsum("...ij,...jd->...id", att, value)
    return y, att
''', faults=1, says="masked scores are set to 0, and exp(0) is 1; -inf is wanted")  # fmt: skip

wrong("multi_head_attention", "divided by the root of the whole width, not of a head's; and the heads are put side by "
      "side without swapping heads and words back first", '''
def forward(self, query, key, value, attn_mask=None):
    N, T, E = query.shape
    S = key.shape[1]
    H = self.num_heads
    hd = E // H
    Q = self.query(query).reshape(N, T, H, hd).permute(0, 2, 1, 3)
    K = self.key(key).reshape(N, S, H, hd).permute(0, 2, 1, 3)
    V = self.value(value).reshape(N, S, H, hd).permute(0, 2, 1, 3)
    A = torch.matmul(Q, K.permute(0, 1, 3, 2)) / math.sqrt(E)
    if attn_mask is not None:
        A = A.masked_fill(attn_mask == 0, float("-inf"))
    A = F.softmax(A, dim=3)
    self.weights = A.detach()
    Y = torch.matmul(self.dropout(A), V)
    Y = Y.reshape(N, T, E)
    return self.proj(Y)
''', faults=2, says="the scores are divided by the root of the whole width e; each")  # fmt: skip

wrong("multi_head_attention", "keys and values are made from the query's input, as in self-attention: key and value "
      "play no part", '''
def forward(self, query, key, value, attn_mask=None):
    q, k, v = self.query(query), self.key(query), self.value(query)
    heads, maps = [], []
    for qh, kh, vh in zip(*(t.chunk(self.num_heads, dim=-1) for t in (q, k, v))):
        _, w = scaled_dot_product_attention(qh.unsqueeze(1), kh.unsqueeze(1), vh.unsqueeze(1), attn_mask)
        maps.append(w)
        heads.append((self.dropout(w) @ vh.unsqueeze(1)).squeeze(1))
    self.weights = torch.cat(maps, dim=1).detach()
    return self.proj(torch.cat(heads, dim=-1))
''', faults=1, says="keys and values are made from query, as if this were always")  # fmt: skip

wrong("positional_encoding", "the column, which already goes up by twos, is doubled once more in the exponent; and the "
      "positions are counted from 1", '''
def positional_table(max_len, embed_dim):
    table = torch.zeros(max_len, embed_dim)
    for pos in range(1, max_len + 1):
        for i in range(0, embed_dim, 2):
            angle = pos / 10000 ** (2 * i / embed_dim)
            table[pos - 1, i] = math.sin(angle)
            table[pos - 1, i + 1] = math.cos(angle)
    return table
''', faults=2, says="the exponent is doubled: 2i is multiplied by 2 once more; and")  # fmt: skip

wrong("transformer_decoder_layer", "pre-norm: each part gets the normalised input and is added to what was not "
      "normalised; the norm belongs after the sum", '''
def forward(self, tgt, memory, tgt_mask=None):
    x = tgt
    h = self.norm1(x)
    x = x + self.dropout1(self.self_attn(h, h, h, tgt_mask))
    h = self.norm2(x)
    x = x + self.dropout2(self.multihead_attn(h, memory, memory))
    h = self.norm3(x)
    h = self.linear2(self.dropout(F.relu(self.linear1(h))))
    x = x + self.dropout3(h)
    return x
''', faults=1, says="each norm stands before its part (pre-norm): a fair design, but")  # fmt: skip

wrong("transformer_decoder_layer", "the second shortcut starts from tgt, not from what the first part gave; and the "
      "small network has no ReLU", '''
def forward(self, tgt, memory, tgt_mask=None):
    attended = self.self_attn(query=tgt, key=tgt, value=tgt, attn_mask=tgt_mask)
    words = self.norm1(tgt + self.dropout1(attended))

    looked = self.multihead_attn(query=words, key=memory, value=memory)
    words = self.norm2(tgt + self.dropout2(looked))

    hidden = self.dropout(self.linear1(words))
    words = self.norm3(words + self.dropout3(self.linear2(hidden)))
    return words
''', faults=2, says="the relu between the two linear layers is missing")  # fmt: skip

wrong("captioning_transformer", "the mask is True for the words to come, which hides the wrong ones here; and the "
      "places of the image get positions of words added as well", '''
def forward(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    N, T = captions.shape
    tgt = self.positional_encoding(self.embedding(captions))
    mem = self.positional_encoding(self.visual_projection(features))
    future = torch.ones((T, T), device=tgt.device)
    future = torch.triu(future, diagonal=1).bool()
    hidden = self.transformer(tgt, mem, tgt_mask=future)
    scores = self.output(hidden)
    return scores
''', faults=2, says="the causal mask is torch.nn's, which marks what is hidden; here")  # fmt: skip
