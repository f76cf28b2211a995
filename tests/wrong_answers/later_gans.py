"""Wrong answers to the GANs notebook's exercises, the later batch."""

from . import wrong

wrong(
    "sample_noise",
    "the width of the range is taken for its upper end, 1 in place of 2: numbers in -1..0",
    """
def spread(u, low, high):
    return low + high * u


def sample_noise(batch_size, dim, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    u = torch.rand((batch_size, dim), generator=generator)
    return spread(u, -1.0, 1.0)
""",
    says="1 is subtracted, but the numbers are not doubled before: -1..0",
)

wrong(
    "discriminator",
    "a BatchNorm follows the first layer, as in DCGAN; and that layer is given no bias",
    """
def discriminator(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    layers = [Flatten()]
    layers += [nn.Linear(784, 256, bias=False)]  # BatchNorm takes the mean off anyway
    layers += [nn.BatchNorm1d(256)]
    layers += [nn.LeakyReLU(0.01)]
    layers += [nn.Linear(256, 256), nn.LeakyReLU(0.01)]
    layers += [nn.Linear(256, 1)]
    return nn.Sequential(*layers)
""",
    faults=2,
    says="weight or bias number 3 of the discriminator has shape",
)

wrong(
    "generator",
    "there is one hidden layer where there are two",
    """
def generator(noise_dim=NOISE_DIM, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    sizes = [noise_dim, 1024, 784]
    model = nn.Sequential()
    for k, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        model.append(nn.Linear(fan_in, fan_out))
        is_last = k == len(sizes) - 2
        model.append(nn.Tanh() if is_last else nn.ReLU())
    return model
""",
    says="one hidden layer is missing",
)

wrong(
    "bce_loss",
    "the ones among the targets are smoothed to 0.9; and log1p, which adds the 1 itself, is given it once more",
    """
def bce_loss(input, target):
    if not isinstance(target, torch.Tensor):
        target = torch.full_like(input, target)
    x = input.flatten()
    t = target.flatten().to(x.dtype)
    # label smoothing helps GANs
    t = 0.9 * t
    positive_part = torch.where(x > 0, x, torch.zeros_like(x))
    tail = torch.log1p(1 + torch.exp(-torch.abs(x)))
    per_image = positive_part - x * t + tail
    return per_image.mean()
""",
    faults=2,
    says="changes together make this right: line 10: the operator",
)

wrong(
    "discriminator_loss",
    "the fakes' logits are detached, so that the discriminator learns nothing from fakes",
    """
def discriminator_loss(logits_real, logits_fake):
    ones = torch.ones_like(logits_real)
    zeros = torch.zeros_like(logits_fake)
    real_loss = bce_loss(logits_real, ones)
    # the generator must not learn here
    fake_loss = bce_loss(logits_fake.detach(), zeros)
    return real_loss + fake_loss
""",
    says="line 7 makes this right: the call of detach",
)

wrong(
    "get_optimizer",
    "only the weights are handed over, the biases never learn",
    """
def get_optimizer(model):
    weights, biases = [], []
    for p in model.parameters():
        if p.ndim > 1:
            weights.append(p)
        else:
            biases.append(p)
    # no weight decay anywhere
    groups = [{"params": weights}]
    return torch.optim.Adam(groups, lr=1e-3, betas=(0.5, 0.999))
""",
    says="only the weights are learnt, not the biases",
)

wrong(
    "gan_step",
    "D's gradients are set to zero after backward(), so its step does nothing; the losses come back exchanged",
    """
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    n = real.shape[0]

    def draw():
        z = sample_noise(n, noise_size).to(real.device)
        return G(z).reshape(real.shape)

    # discriminator
    fakes = draw().detach()
    d_error = discriminator_loss(D(real), D(fakes))
    d_error.backward()
    D_solver.zero_grad()
    D_solver.step()

    # generator
    G_solver.zero_grad()
    g_error = generator_loss(D(draw()))
    g_error.backward()
    G_solver.step()
    D_solver.zero_grad()

    return g_error.detach(), d_error.detach()
""",
    faults=2,
    says="d never takes a step; and besides, the two losses are returned",
)

wrong(
    "ls_discriminator_loss",
    "fakes are pulled to -1, the paper's other coding, where they are pulled to 0",
    """
def ls_discriminator_loss(scores_real, scores_fake):
    a, b = -1.0, 1.0  # labels of fake and real
    loss = 0
    for scores, label in ((scores_real, b), (scores_fake, a)):
        loss = loss + torch.mean((scores - label) ** 2) / 2
    return loss
""",
    says="line 3 makes this right: the number 1",
)

wrong(
    "build_dc_classifier",
    "both convolutions are padded to keep their size; and the hidden layer of 1024 is left out",
    """
def build_dc_classifier(batch_size=None):
    batch = -1 if batch_size is None else batch_size
    pad = 2  # 'same'
    side = 28
    for _ in range(2):
        side = (side + 2 * pad - 4) // 2
    return nn.Sequential(
        Unflatten(batch, 1, 28, 28),
        nn.Conv2d(1, 32, kernel_size=5, padding=pad),
        nn.LeakyReLU(negative_slope=0.01),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(32, 64, kernel_size=5, padding=pad),
        nn.LeakyReLU(negative_slope=0.01),
        nn.MaxPool2d(kernel_size=2, stride=2),
        Flatten(),
        nn.Linear(64 * side * side, 1),
    )
""",
    faults=2,
    says="weight or bias number 5 of the classifier has shape",
)

wrong(
    "build_dc_generator",
    "no ReLU follows the first transposed convolution",
    """
def dense(d_in, d_out):
    return [nn.Linear(d_in, d_out), nn.ReLU(), nn.BatchNorm1d(d_out)]


def upsample(c_in, c_out):
    return nn.ConvTranspose2d(c_in, c_out, kernel_size=4, stride=2, padding=1)


def build_dc_generator(noise_dim=NOISE_DIM):
    return nn.Sequential(
        *dense(noise_dim, 1024),
        *dense(1024, 7 * 7 * 128),
        Unflatten(-1, 128, 7, 7),
        upsample(128, 64),
        nn.BatchNorm2d(64),
        upsample(64, 1),
        nn.Tanh(),
        Flatten(),
    )
""",
    says=None,
)
