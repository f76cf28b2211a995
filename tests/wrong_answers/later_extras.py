"""Wrong answers to the extra exercises, the later batch."""

from . import wrong

wrong(
    "accumulate_rows",
    "groupby joins neighbours only and the index is not sorted: a later run of an index replaces the earlier one",
    """
from itertools import groupby


def accumulate_rows(rows, index, num_rows):
    out = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    order = range(len(index))
    for i, members in groupby(order, key=lambda m: index[m]):
        out[i] = rows[list(members)].sum(axis=0)
    return out
""",
    says="`out[index] += rows` keeps only the last of several rows with",
)

wrong(
    "masked_mean",
    "the marked steps are taken to stand at the front; and 1 is added to each count, lest one be 0",
    """
def masked_mean(x, mask):
    N, T, D = x.shape
    out = np.zeros((N, D), dtype=x.dtype)
    for n in range(N):
        length = int(mask[n].sum())
        steps = x[n, :length]
        out[n] = steps.sum(axis=0) / (length + 1)
    return out
""",
    faults=2,
    says=None,
)

wrong(
    "conv_transpose",
    "the weights (C, F*K*K) are reshaped to (F*K*K, C), which mixes them up, where they must be transposed",
    """
def conv_transpose(x, weight, stride=1, padding=0):
    height, width = _stamped_size(x, weight, stride, padding)
    N, C, H, W = x.shape
    _, f, K, _ = weight.shape
    w = weight.reshape(f * K * K, C)
    columns = w @ x.reshape(N, C, H * W)  # a column of F*K*K numbers for each pixel
    fold = torch.nn.Fold((height, width), kernel_size=K, stride=stride)
    out = fold(columns)
    return out[:, :, padding : height - padding, padding : width - padding]
""",
    says="gradient_weight is made of the right numbers",
)

wrong(
    "image_from_bytes",
    "what is transparent is laid on black, the colour of a new image unless one says otherwise; and pixels are in 0..1",
    """
def image_from_bytes(data):
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except Exception as e:
        raise ValueError(f"this is no picture, or not a whole one: {e}") from e
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size)
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    pixels = np.array(to_rgb(picture))
    pixels = pixels / 255.0
    return pixels
""",
    faults=2,
    says="changes together make this right: line 14: what stands behind the /",
)

wrong(
    "beam_search",
    "of the captions found the one with the highest mean per word wins, not the one with the highest sum",
    """
def beam_search(step, state, start, end, width, max_length):
    beam = [([], 0.0)]
    done = []
    words = np.array([start])
    for t in range(max_length):
        logp, state = step(words, state)
        options = []
        for b, (ids, total) in enumerate(beam):
            for v in range(logp.shape[1]):
                options.append((total + float(logp[b, v]), b, v))
        options.sort(key=lambda option: -option[0])
        kept, parents = [], []
        for total, b, v in options[:width]:
            ids = beam[b][0] + [v]
            if v == end:
                done.append((ids, total))
            else:
                kept.append((ids, total))
                parents.append(b)
        beam = kept
        if not beam:
            break
        words = np.array([ids[-1] for ids, total in beam])
        state = tuple(s[parents] for s in state)
    candidates = done + beam
    ids, total = max(candidates, key=lambda c: c[1] / len(c[0]))
    return np.array(ids), total
""",
    says="the score is divided by the length: that compares something",
)

wrong(
    "scaled_dot_product_attention",
    "the scores are not divided by anything; and the mask, 0 or 1, is added to them, so that nothing is hidden",
    """
def scaled_dot_product_attention(query, key, value, mask=None):
    logits = torch.einsum("...te,...se->...ts", query, key)
    if mask is not None:
        logits = logits + mask
    logits = logits - logits.amax(dim=-1, keepdim=True)
    expd = logits.exp()
    attn = expd / expd.sum(dim=-1, keepdim=True)
    context = torch.einsum("...ts,...se->...te", attn, value)
    return context, attn
""",
    faults=2,
    says="the scores are not divided by sqrt(e); and besides, the mask is",
)

wrong(
    "multi_head_attention",
    "the heads are set side by side and given back as they are: the layer proj is never applied",
    """
def forward(self, query, key, value, attn_mask=None):
    self._check(query, key, value)
    (N, T, E), S, H = query.shape, key.shape[1], self.num_heads
    Q = self.query(query).chunk(H, dim=-1)
    K = self.key(key).chunk(H, dim=-1)
    V = self.value(value).chunk(H, dim=-1)
    if attn_mask is not None:
        attn_mask = attn_mask.expand(N, H, T, S)
    results, kept = [], []
    for h in range(H):
        head_mask = None if attn_mask is None else attn_mask[:, h]
        _, w = scaled_dot_product_attention(Q[h], K[h], V[h], head_mask)
        kept.append(w.detach())
        results.append(self.dropout(w) @ V[h])
    self.weights = torch.stack(kept, dim=1)
    return torch.cat(results, dim=-1)
""",
    says="self.proj is left out",
)

wrong(
    "positional_encoding",
    "the exponent is i / E where it is 2i / E; and cosines stand in the even columns, sines in the odd ones",
    """
def positional_table(max_len, embed_dim):
    pe = torch.zeros(max_len, embed_dim)
    p = torch.arange(max_len, dtype=torch.float32)
    for i in range(embed_dim // 2):
        wavelength = 10000 ** (i / embed_dim)
        first, second = 2 * i, 2 * i + 1
        pe[:, first] = torch.cos(p / wavelength)
        pe[:, second] = torch.sin(p / wavelength)
    return pe
""",
    faults=2,
    says="sine and cosine are exchanged; and besides, the exponent counts",
)

wrong(
    "transformer_decoder_layer",
    "each part's result alone is normalised and then added, not the sum of both",
    """
def add_and_norm(x, part, drop, norm):
    return x + norm(drop(part))


def forward(self, tgt, memory, tgt_mask=None):
    attended = self.self_attn(query=tgt, key=tgt, value=tgt, attn_mask=tgt_mask)
    tgt = add_and_norm(tgt, attended, self.dropout1, self.norm1)
    seen = self.multihead_attn(query=tgt, key=memory, value=memory)
    tgt = add_and_norm(tgt, seen, self.dropout2, self.norm2)
    ff = self.linear2(self.dropout(torch.relu(self.linear1(tgt))))
    return add_and_norm(tgt, ff, self.dropout3, self.norm3)
""",
    says="line 3 makes this right: what stands inside the call",
)

wrong(
    "captioning_transformer",
    "the places of the image are averaged into one; and probabilities come out where scores are asked for",
    """
def forward(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    N, T = captions.shape
    emb = self.embedding(captions)
    emb = self.positional_encoding(emb)
    image = self.visual_projection(features)
    image = image.mean(dim=1, keepdim=True)
    i = torch.arange(T, device=captions.device)
    look_back = i[:, None] >= i[None, :]
    hidden = self.transformer(emb, image, look_back)
    out = self.output(hidden)
    out = torch.softmax(out, dim=-1)
    return out
""",
    faults=2,
    says=None,
)

wrong(
    "wgan_discriminator_loss",
    "the distance of the means is made positive: a critic that puts fakes above real images is rewarded as well",
    """
def wgan_discriminator_loss(scores_real, scores_fake):
    mean_real = torch.mean(scores_real)
    mean_fake = torch.mean(scores_fake)
    # a distance, to be made as large as possible
    distance = torch.abs(mean_real - mean_fake)
    return -distance
""",
    says="line 6 makes this right: the call of abs",
)

wrong(
    "gradient_penalty",
    "the root of the mean square in place of the sum's, no norm; and slopes below 1 go unpunished",
    """
def gradient_penalty(D, real, fake, mix):
    shape = [len(mix)] + [1] * (real.dim() - 1)
    eps = mix.view(shape)
    between = (fake + eps * (real - fake)).detach()
    between.requires_grad_(True)
    out = D(between)
    slope = torch.autograd.grad(
        outputs=out, inputs=between, grad_outputs=torch.ones_like(out), create_graph=True
    )[0]
    slope = slope.reshape(len(mix), -1)
    size = torch.sqrt((slope ** 2).mean(dim=1))
    too_steep = torch.relu(size - 1)
    return torch.mean(too_steep ** 2)
""",
    faults=2,
    says="only slopes above 1 cost: the penalty has two sides",
)

wrong(
    "add_noise",
    "the image is not shrunk, the noise comes on top of it",
    """
def add_noise(x0, t, noise, alpha_bar):
    _check_steps(x0, t, noise, alpha_bar)
    noisy = torch.empty_like(x0)
    for n, step in enumerate(t.tolist()):
        share = alpha_bar[step]
        sigma = torch.sqrt(1 - share)
        noisy[n] = x0[n] + sigma * noise[n]
    return noisy
""",
    says="the image is not shrunken: the variance grows with every step",
)

wrong(
    "denoise_step",
    "the guessed image is clipped to -1..1; and x is weighted with alpha itself, without its root",
    """
def denoise_step(x, predicted, now, before, noise):
    if not 0 < now < before <= 1:
        raise ValueError(f"alpha_bar rises from now to before, 0 < now < before <= 1; got {now} and {before}")
    alpha = now / before
    beta = 1 - alpha
    # what the image would be if the prediction were right
    guess = (x - math.sqrt(1 - now) * predicted) / math.sqrt(now)
    guess = guess.clamp(-1, 1)
    # mean of q(x_before | x_now, guess)
    w_guess = math.sqrt(before) * beta / (1 - now)
    w_x = alpha * (1 - before) / (1 - now)
    std = math.sqrt(beta * (1 - before) / (1 - now))
    return w_guess * guess + w_x * x + std * noise
""",
    faults=2,
    says="line 12 makes this right: the call of math",
)

wrong(
    "average_gradients",
    "the sum over the processes is never divided; and each gradient comes back as one long row",
    """
def average_gradients(grads):
    names = sorted(grads.keys())
    long = np.concatenate([grads[k].reshape(-1) for k in names])
    tensor = torch.as_tensor(long)
    dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
    long = tensor.numpy()
    result, at = {}, 0
    for k in names:
        size = grads[k].size
        result[k] = long[at : at + size]
        at += size
    return result
""",
    faults=2,
    says="w_vocab is 3 times the right one, in another shape",
)
