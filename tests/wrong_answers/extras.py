"""Wrong answers to the extra exercises: idioms, decoding, diffusion, Wasserstein GANs, several processes."""

from . import wrong

wrong("select_scores", "squeeze drops N where N is 1", '''
def select_scores(s, y):
    index = y.view(-1, 1)
    picked = s.gather(1, index)
    return picked.squeeze()
''', says="squeeze() without an axis drops the batch")  # fmt: skip

wrong("select_scores", "probabilities in place of scores, and a new tensor, through which no gradient flows", '''
def select_scores(s, y):
    num_train = s.shape[0]
    probs = torch.softmax(s, dim=1)
    correct = []
    for i in range(num_train):
        correct.append(probs[i, y[i]].item())
    return torch.tensor(correct, dtype=s.dtype, requires_grad=True)
''', faults=2,
    says="the call of softmax")  # fmt: skip

wrong("accumulate_rows", "only one of the rows with equal index counts", '''
def accumulate_rows(rows, index, num_rows):
    _, D = rows.shape
    result = np.zeros((num_rows, D), dtype=rows.dtype)
    result[index] += rows
    return result
''', says="keeps only the last of several rows with one index")  # fmt: skip

wrong("accumulate_rows", "the mean for the sum, and nothing where no row belongs", '''
def accumulate_rows(rows, index, num_rows):
    out = np.empty((num_rows, rows.shape[1]), dtype=rows.dtype)
    for i in range(num_rows):
        mine = rows[index == i]
        out[i] = mine.mean(axis=0)
    return out
''', faults=2, says="line 6 makes this right: the function mean")  # fmt: skip

wrong("accumulate_rows", "the matrix is not transposed, and has only as many rows as occur", '''
def accumulate_rows(rows, index, num_rows):
    M = rows.shape[0]
    one_hot = np.zeros((M, index.max() + 1), dtype=rows.dtype)
    one_hot[np.arange(M), index] = 1
    return one_hot @ rows
''', faults=2, says="the argument `num_rows` is never used")  # fmt: skip

wrong("masked_mean", "nan times 0 is nan, and the mean is over all steps", '''
def masked_mean(x, mask):
    N, T, D = x.shape
    kept = x * mask.reshape(N, T, 1)
    return kept.sum(axis=1) / T
''', faults=2,
    says="instead of by the marked ones; and besides, unmarked steps are multiplied by 0")  # fmt: skip

wrong("masked_mean", "divided by the marks of the whole batch", '''
def masked_mean(x, mask):
    m = mask[:, :, np.newaxis]
    zero = np.zeros_like(x)
    total = np.where(m, x, zero).sum(axis=1)
    how_many = max(int(mask.sum()), 1)
    return total / how_many
''', says="divided by the marks of all sequences together")  # fmt: skip

wrong("masked_mean", "divided by the place of the last mark, and an error where there is none", '''
def masked_mean(x, mask):
    N, T, D = x.shape
    out = np.zeros((N, D), dtype=x.dtype)
    for n in range(N):
        steps = [t for t in range(T) if mask[n, t]]
        for t in steps:
            out[n] += x[n, t]
        length = steps[-1] + 1
        out[n] = out[n] / length
    return out
''', faults=2, says=None)  # fmt: skip

wrong("conv_transpose", "the kernel is not flipped for the ordinary convolution", '''
import torch.nn.functional as F

def conv_transpose(x, weight, stride=1, padding=0):
    height, width = _stamped_size(x, weight, stride, padding)
    N, C, H, W = x.shape
    K = weight.shape[-1]
    # put stride - 1 zeros between the pixels, then convolve
    spread = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.permute(1, 0, 2, 3), padding=K - 1)
    return out[:, :, padding : height - padding, padding : width - padding]
''', says="the kernel is flipped")  # fmt: skip

wrong("conv_transpose", "overlaps replace one another, and without padding nothing is left", '''
def conv_transpose(x, weight, stride=1, padding=0):
    height, width = _stamped_size(x, weight, stride, padding)
    N, C, H, W = x.shape
    F, K = weight.shape[1], weight.shape[2]
    out = torch.zeros(N, F, height, width, dtype=x.dtype)
    for h in range(H):
        for w in range(W):
            stamp = torch.einsum("nc,cfkl->nfkl", x[:, :, h, w], weight)
            top, left = h * stride, w * stride
            out[:, :, top : top + K, left : left + K] = stamp
    return out[:, :, padding:-padding, padding:-padding]
''', faults=2, says=None)  # fmt: skip

wrong("image_from_bytes", "broken pixels are noticed too late, and grey pictures stay grey", '''
def image_from_bytes(data):
    buf = io.BytesIO(data)
    try:
        img = Image.open(buf)
    except UnidentifiedImageError as e:
        raise ValueError("not an image: " + str(e))
    return np.array(img)
''', faults=2, says=None)  # fmt: skip

wrong("image_from_bytes", "transparency is dropped instead of laid on white", '''
def image_from_bytes(data):
    try:
        with Image.open(io.BytesIO(data)) as im:
            im.load()
            rgb = im.convert("RGB")
    except Exception as problem:
        raise ValueError(f"cannot decode this image: {problem}") from problem
    return np.asarray(rgb).copy()
''', says="the alpha channel is just dropped")  # fmt: skip

wrong("beam_search", "the best child of each parent alone is kept", '''
def beam_search(step, state, start, end, width, max_length):
    words = np.array([start])
    log_p, state = step(words, state)
    first = np.argsort(-log_p[0])[:width]
    beams = [([w], log_p[0, w], tuple(s[0:1] for s in state)) for w in first]
    for _ in range(max_length - 1):
        grown = []
        for ids, score, st in beams:
            if ids[-1] == end:
                grown.append((ids, score, st))
                continue
            lp, new = step(np.array([ids[-1]]), st)
            w = int(lp[0].argmax())
            grown.append((ids + [w], score + lp[0, w], new))
        beams = sorted(grown, key=lambda b: -b[1])[:width]
    ids, score, _ = beams[0]
    return np.array(ids), float(score)
''', says=None)  # fmt: skip

wrong("beam_search", "the state's rows are not reordered, and the score is the last word's alone", '''
def beam_search(step, state, start, end, width, max_length):
    words = np.array([start])
    scores = np.zeros(1)
    seqs = [[]]
    done = []
    for t in range(max_length):
        logp, state = step(words, state)
        B, V = logp.shape
        total = logp
        order = np.argsort(-total.ravel(), kind="stable")[:width]
        parents, words = order // V, order % V
        scores = total.ravel()[order]
        seqs = [seqs[p] + [int(w)] for p, w in zip(parents, words)]
        keep = []
        for i, w in enumerate(words):
            if w == end:
                done.append((scores[i], seqs[i]))
            else:
                keep.append(i)
        if not keep:
            break
        words, scores = words[keep], scores[keep]
        seqs = [seqs[i] for i in keep]
        state = tuple(s[keep] if len(s) > max(keep) else np.repeat(s[:1], len(keep), axis=0) for s in state)
    done += list(zip(scores, seqs))
    best = max(done, key=lambda d: d[0])
    return np.array(best[1]), float(best[0])
''', faults=2, says=None)  # fmt: skip

wrong("beam_search", "it stops at the first caption that ends, and <END> is cut off", '''
def beam_search(step, state, start, end, width, max_length):
    words, scores, seqs = np.array([start]), np.zeros(1), np.zeros((1, 0), dtype=int)
    for t in range(max_length):
        logp, state = step(words, state)
        V = logp.shape[1]
        cand = (scores[:, None] + logp).reshape(-1)
        top = np.argsort(-cand, kind="stable")[:width]
        parent, words = top // V, top % V
        scores = cand[top]
        seqs = np.concatenate([seqs[parent], words[:, None]], axis=1)
        state = tuple(s[parent] for s in state)
        if (words == end).any():
            i = int(np.flatnonzero(words == end)[0])
            return seqs[i, :-1], float(scores[i])
    return seqs[0], float(scores[0])
''', faults=2, says="line 15")  # fmt: skip

wrong("wgan_discriminator_loss", "the sign is reversed, and the fakes' term is a sum", '''
def wgan_discriminator_loss(scores_real, scores_fake):
    # the critic maximises E[D(x)] - E[D(G(z))]
    real_part = torch.mean(scores_real)
    fake_part = torch.sum(scores_fake)
    return real_part - fake_part
''', faults=2, says="line 6: the order of the operands; line 5: the function sum")  # fmt: skip

wrong("wgan_discriminator_loss", "the cross-entropy of an ordinary GAN", '''
def wgan_discriminator_loss(scores_real, scores_fake):
    log_real = torch.log(torch.sigmoid(scores_real))
    log_fake = torch.log(1 - torch.sigmoid(scores_fake))
    return -(log_real.mean() + log_fake.mean())
''', says="line 5: the name log_real")  # fmt: skip

wrong("wgan_generator_loss", "no minus, and a sum for the mean", '''
def wgan_generator_loss(scores_fake):
    total = 0
    for score in scores_fake.view(-1):
        total = total + score
    return total
''', faults=2, says="the rest is in line 5: the operator")  # fmt: skip

wrong("gradient_penalty", "the norm of the mean gradient", '''
def gradient_penalty(D, real, fake, mix):
    B = real.size(0)
    eps = mix.view(B, *([1] * (real.ndim - 1))).expand_as(real)
    x_hat = (eps * real + (1 - eps) * fake).detach().requires_grad_(True)
    scores = D(x_hat)
    grads = torch.autograd.grad(scores, x_hat, grad_outputs=torch.ones_like(scores), create_graph=True)[0]
    mean_grad = grads.reshape(B, -1).mean(dim=0)
    return (mean_grad.norm(2) - 1) ** 2
''', says=None)  # fmt: skip

wrong("gradient_penalty", "real and fake are exchanged in the mixture, and the penalty has no graph", '''
def gradient_penalty(D, real, fake, mix):
    eps = mix.view(-1, *[1 for _ in real.shape[1:]])
    interpolated = real + eps * (fake - real)
    interpolated = interpolated.detach()
    interpolated.requires_grad = True
    out = D(interpolated)
    gradients, = torch.autograd.grad(outputs=out.sum(), inputs=interpolated)
    gradients = gradients.view(gradients.size(0), -1)
    norms = torch.sqrt((gradients ** 2).sum(dim=1))
    penalty = ((norms - 1) ** 2).mean()
    return penalty.requires_grad_()
''', faults=2,
    says="the penalty is a mere number and teaches nothing; and besides, mix is the share of fake")  # fmt: skip

wrong("gradient_penalty", "one norm for the whole batch, and it is pulled to 0", '''
def gradient_penalty(D, real, fake, mix):
    while mix.dim() < real.dim():
        mix = mix.unsqueeze(-1)
    x = torch.lerp(fake, real, mix).detach().requires_grad_()
    g = torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
    return g.norm() ** 2
''', faults=2,
    says="over the whole batch, instead of one for each image; and besides, 1 is not subtracted")  # fmt: skip

wrong("add_noise", "no root over the noise's share, and the schedule is read a step early", '''
def add_noise(x0, t, noise, alpha_bar):
    a = alpha_bar[(t - 1).clamp(min=0)]
    shape = [len(t)] + [1] * (x0.ndim - 1)
    a = a.view(shape)
    signal = torch.sqrt(a) * x0
    return signal + (1 - a) * noise
''', faults=2, says="the rest is in line 3: the operator")  # fmt: skip

wrong("add_noise", "the shares do not add up: 1 less the root", '''
def add_noise(x0, t, noise, alpha_bar):
    _check_steps(x0, t, noise, alpha_bar)
    xs = []
    for img, step, eps in zip(x0, t.tolist(), noise):
        keep = alpha_bar[step] ** 0.5
        xs.append(keep * img + (1 - keep) * eps)
    return torch.stack(xs)
''', says="1 - sqrt(alpha_bar) stands where sqrt(1 - alpha_bar) belongs")  # fmt: skip

wrong("noise_loss", "the prediction is held against the image, and the squares are summed", '''
def noise_loss(model, x0, t, noise, alpha_bar):
    noisy = add_noise(x0, t, noise, alpha_bar)
    eps_hat = model(noisy, t)
    diff = eps_hat - x0
    return torch.sum(diff * diff)
''', faults=2,
    says="compared with the image x0, and not with the noise; and besides, the squares are added up")  # fmt: skip

wrong("noise_loss", "the model sees the clean image", '''
def noise_loss(model, x0, t, noise, alpha_bar):
    x_t = add_noise(x0, t, noise, alpha_bar)
    predicted = model(x0, t)
    loss = ((predicted - noise) ** 2).mean()
    return loss
''', says="the model is shown the image x0")  # fmt: skip

wrong("denoise_step", "no root over the variance, and the mean is not rescaled", '''
def denoise_step(x, predicted, now, before, noise):
    alpha = now / before
    beta = 1 - alpha
    # mean of the posterior
    eps_coef = beta / math.sqrt(1 - now)
    mean = x - eps_coef * predicted
    # variance of the posterior
    sigma = beta * (1 - before) / (1 - now)
    return mean + sigma * noise
''', faults=2,
    says="the image stays as small as the step made it; and besides, the noise is multiplied")  # fmt: skip

wrong("denoise_step", "beta is taken for one minus alpha_bar", '''
def denoise_step(x, predicted, now, before, noise):
    beta = 1 - now
    mean = (x - beta / (1 - now) ** 0.5 * predicted) / (1 - beta) ** 0.5
    if before == 1:
        return mean
    var = beta * (1 - before) / (1 - now)
    return mean + var ** 0.5 * noise
''', says="alpha_bar is taken for alpha")  # fmt: skip

wrong("share_of_batch", "every num_processes-th row", '''
def share_of_batch(batch, rank, num_processes):
    if not 0 <= rank < num_processes:
        raise ValueError(f"bad rank {rank}")
    if len(batch) % num_processes != 0:
        raise ValueError("batch size must be a multiple of the number of processes")
    rows = list(range(rank, len(batch), num_processes))
    return batch[rows]
''', says="each takes every n-th row")  # fmt: skip

wrong("share_of_batch", "it starts at rank times the number of processes, and ends a row early", '''
def share_of_batch(batch, rank, num_processes):
    if not 0 <= rank < num_processes:
        raise ValueError(f"rank is {rank}")
    if len(batch) % num_processes:
        raise ValueError("cannot be divided evenly")
    per_rank = len(batch) // num_processes
    first = rank * num_processes
    last = first + per_rank - 1
    return batch[first:last]
''', faults=2, says="line 9: the operator; line 8: the name num_processes")  # fmt: skip

wrong("average_gradients", "rank 0's gradients are given to all", '''
def average_gradients(grads):
    averaged = {}
    for name in sorted(grads):
        tensor = torch.from_numpy(grads[name].copy())
        dist.broadcast(tensor, src=0)
        averaged[name] = tensor.numpy()
    return averaged
''', says=None)  # fmt: skip

wrong("average_gradients", "in the dictionary's own order, and divided by the number of gradients", '''
def average_gradients(grads):
    out = {}
    for k, g in grads.items():
        t = torch.from_numpy(np.array(g))
        dist.all_reduce(t, op=dist.ReduceOp.SUM)
        out[k] = (t / len(grads)).numpy()
    return out
''', faults=2, says="do they take the gradients in one order")  # fmt: skip
