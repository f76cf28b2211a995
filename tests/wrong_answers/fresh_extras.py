"""More wrong answers on decoding, Wasserstein GANs, diffusion and processes, written before any check saw them."""

from . import wrong

wrong("beam_search", "a caption's score is that of its last word alone, not the sum over its words; and finished "
      "captions are forgotten as long as an unfinished one is left", '''
def beam_search(step, state, start, end, width, max_length):
    if width < 1 or max_length < 1:
        raise ValueError("width and max_length must be positive")
    beams = [([], 0.0, state)]
    done = []
    for t in range(max_length):
        candidates = []
        for caption, score, s in beams:
            last = caption[-1] if caption else start
            log_probs, new_state = step(np.array([last]), s)
            for w in range(log_probs.shape[1]):
                candidates.append((caption + [w], log_probs[0, w], new_state))
        candidates.sort(key=lambda c: c[1], reverse=True)
        beams = []
        for c in candidates[:width]:
            if c[0][-1] == end:
                done.append(c)
            else:
                beams.append(c)
        if not beams:
            break
    pool = beams if beams else done
    best = max(pool, key=lambda c: c[1])
    return np.array(best[0]), float(best[1])
''', faults=2, says="each step looks at the last word's log-probability alone, not")  # fmt: skip

wrong("beam_search", "the beam gets narrower by one with each caption that ends, and is given up when none is left, "
      "though `width` of the unfinished ones are to be kept every time", '''
def beam_search(step, state, start, end, width, max_length):
    if width < 1 or max_length < 1:
        raise ValueError("width and max_length must be positive")
    k = width
    prev_words = np.array([start])
    seqs = np.zeros((1, 0), dtype=int)
    top_k_scores = np.zeros((1, 1))
    complete_seqs, complete_scores = [], []
    for _ in range(max_length):
        log_probs, state = step(prev_words, state)
        vocab_size = log_probs.shape[1]
        totals = (top_k_scores + log_probs).reshape(-1)
        top = np.argsort(-totals, kind="stable")[:k]
        prev_inds, next_inds = top // vocab_size, top % vocab_size
        seqs = np.concatenate([seqs[prev_inds], next_inds[:, None]], axis=1)
        top_k_scores = totals[top][:, None]
        incomplete = [i for i, w in enumerate(next_inds) if w != end]
        for i in range(len(next_inds)):
            if i not in incomplete:
                complete_seqs.append(seqs[i])
                complete_scores.append(top_k_scores[i, 0])
        k -= len(next_inds) - len(incomplete)
        seqs, top_k_scores, prev_words = seqs[incomplete], top_k_scores[incomplete], next_inds[incomplete]
        state = tuple(s[prev_inds[incomplete]] for s in state)
        if len(incomplete) == 0:
            break
    complete_seqs.extend(seqs)
    complete_scores.extend(top_k_scores[:, 0])
    winner = int(np.argmax(complete_scores))
    return complete_seqs[winner], float(complete_scores[winner])
''', faults=1, says="the beam gets narrower with each caption that ends: `width`")  # fmt: skip

wrong("wgan_discriminator_loss", "a sigmoid squeezes the critic's scores first; and the sign is wrong: fakes would be "
      "made to score higher", '''
def wgan_discriminator_loss(scores_real, scores_fake):
    prob_real = torch.sigmoid(scores_real)
    prob_fake = torch.sigmoid(scores_fake)
    gap = torch.mean(prob_real) - torch.mean(prob_fake)
    return gap
''', faults=2, says="a sigmoid is made of the scores first")  # fmt: skip

wrong("wgan_generator_loss", "divided by the last axis, which is 1 for scores (N, 1): a sum over the images, no "
      "mean", '''
def wgan_generator_loss(scores_fake):
    how_many = scores_fake.shape[-1]
    total = torch.sum(scores_fake)
    return -total / how_many
''', faults=1, says="the scores are added up instead of averaged")  # fmt: skip

wrong("gradient_penalty", "the norm is taken along one axis alone, not over all of an image's pixels; and without "
      "create_graph nothing flows back into the critic's weights", '''
def gradient_penalty(D, real, fake, mix):
    if real.shape != fake.shape:
        raise ValueError("real and fake must have one shape")
    if mix.shape != real.shape[:1]:
        raise ValueError("mix must be (N,)")
    eps = mix.view([-1] + [1] * (real.ndim - 1))
    x_hat = eps * real.detach() + (1 - eps) * fake.detach()
    x_hat.requires_grad_(True)
    d_hat = D(x_hat)
    grads = torch.autograd.grad(
        outputs=d_hat,
        inputs=x_hat,
        grad_outputs=torch.ones_like(d_hat),
        retain_graph=True,
    )[0]
    slope = grads.norm(2, dim=-1)
    return ((slope - 1) ** 2).mean()
''', faults=2, says="create_graph=true is missing, or the gradient detached: the")  # fmt: skip

wrong("gradient_penalty", "the gradient of the mean score in place of the sum: each image's gradient is N times too "
      "small", '''
def gradient_penalty(D, real, fake, mix):
    if real.shape != fake.shape:
        raise ValueError("shapes of real and fake differ")
    if mix.shape != real.shape[:1]:
        raise ValueError("one number for each image, please")
    N = real.shape[0]
    between = torch.stack([mix[i] * real[i] + (1 - mix[i]) * fake[i] for i in range(N)])
    between = between.detach().clone().requires_grad_(True)
    score = D(between).mean()
    g = torch.autograd.grad(score, between, create_graph=True, retain_graph=True)[0]
    g = g.reshape(N, -1)
    length = torch.sqrt((g * g).sum(dim=1))
    penalty = 0
    for i in range(N):
        penalty = penalty + (length[i] - 1) ** 2
    return penalty / N
''', faults=1, says="it is the gradient of the mean score: each image's slope comes")  # fmt: skip

wrong("add_noise", "each step reads the share of the step before it; and the noise is multiplied by 1 - alpha_bar "
      "without the root", '''
def add_noise(x0, t, noise, alpha_bar):
    _check_steps(x0, t, noise, alpha_bar)
    noisy = []
    for i in range(x0.shape[0]):
        a = alpha_bar[t[i] - 1]
        noisy.append(torch.sqrt(a) * x0[i] + (1 - a) * noise[i])
    return torch.stack(noisy)
''', faults=2, says="the noise is multiplied with 1 - alpha_bar itself, not with its")  # fmt: skip

wrong("noise_loss", "the prediction is compared with all that changed in the image, x_t - x0, not with the noise", '''
def noise_loss(model, x0, t, noise, alpha_bar):
    x_t = add_noise(x0, t, noise, alpha_bar)
    eps_theta = model(x_t, t)
    added = x_t - x0
    diff = (added - eps_theta).reshape(-1)
    return torch.dot(diff, diff) / diff.numel()
''', faults=1, says="the prediction is compared with all that was added, image and")  # fmt: skip

wrong("denoise_step", "the predicted noise is divided by 1 - now without the root; and the new noise has the variance "
      "beta, without (1 - before) / (1 - now), so that noise is left in the last step", '''
def denoise_step(x, predicted, now, before, noise):
    if not 0 < now < before <= 1:
        raise ValueError("need 0 < now < before <= 1")
    alpha_t = now / before
    beta_t = 1 - alpha_t
    coef = beta_t / (1 - now)
    mu = (x - coef * predicted) / alpha_t ** 0.5
    sigma = beta_t ** 0.5
    return mu + sigma * noise
''', faults=2, says="the predicted noise is scaled by beta / (1 - now): the root is")  # fmt: skip

wrong("denoise_step", "the guessed image is weighted with sqrt(now), the share at this step, in place of "
      "sqrt(before)", '''
def denoise_step(x, predicted, now, before, noise):
    if not 0 < now < before <= 1:
        raise ValueError("need 0 < now < before <= 1")
    alpha = now / before
    beta = 1 - alpha
    x0_hat = (x - math.sqrt(1 - now) * predicted) / math.sqrt(now)
    c_image = math.sqrt(now) * beta / (1 - now)
    c_noisy = math.sqrt(alpha) * (1 - before) / (1 - now)
    posterior_mean = c_image * x0_hat + c_noisy * x
    posterior_var = beta * (1 - before) / (1 - now)
    return posterior_mean + math.sqrt(posterior_var) * noise
''', faults=1, says="line 8 makes this right: the name now")  # fmt: skip

wrong("share_of_batch", "each row is flattened on the way: (N / P, C, H, W) comes out as (N / P, C * H * W), and "
      "labels get a second axis", '''
def share_of_batch(batch, rank, num_processes):
    if not 0 <= rank < num_processes:
        raise ValueError("no such rank")
    N = len(batch)
    if N % num_processes != 0:
        raise ValueError("cannot be divided evenly")
    per_process = N // num_processes
    shares = batch.reshape(num_processes, per_process, -1)
    return shares[rank]
''', faults=1, says="share is the right one in another shape")  # fmt: skip

wrong("average_gradients", "the arrays are summed in the order of each process's own dict; and they are divided by the "
      "number of processes twice, before the sum and after it", '''
def average_gradients(grads):
    world = dist.get_world_size()
    averaged = {}
    for name, g in grads.items():
        tensor = torch.from_numpy(g / world)
        dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
        averaged[name] = tensor.numpy() / world
    return averaged
''', faults=2, says="look at line 8: what stands behind the /")  # fmt: skip
