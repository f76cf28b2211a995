"""More wrong answers to the exercises of GANs.ipynb, written before anyone asked what the checks say of them."""

from . import wrong

wrong("sample_noise", "the generator is seeded anew for every row, so that all rows of the noise are alike", '''
def sample_noise(batch_size, dim, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    noise = []
    for i in range(batch_size):
        if seed is not None:
            generator.manual_seed(seed)
        z = torch.rand(dim, generator=generator)
        noise.append(z * 2 - 1)
    return torch.stack(noise)
''', faults=1, says="line 8 makes this right: the argument generator")  # fmt: skip

wrong("discriminator", "the logit goes through a LeakyReLU as well, and all slopes are 0.1 in place of 0.01", '''
def discriminator(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    sizes = [28 * 28, 256, 256, 1]
    layers = [Flatten()]
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        layers.append(nn.Linear(fan_in, fan_out))
        layers.append(nn.LeakyReLU(negative_slope=0.1))
    model = nn.Sequential(*layers)
    return model
''', faults=2, says=None)  # fmt: skip

wrong("generator", "the last layer has a ReLU before its tanh, so that no pixel is below 0", '''
def generator(noise_dim=NOISE_DIM, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    hidden = 1024

    def fc_relu(n_in, n_out):
        return [nn.Linear(n_in, n_out), nn.ReLU(inplace=True)]

    return nn.Sequential(
        *fc_relu(noise_dim, hidden),
        *fc_relu(hidden, hidden),
        *fc_relu(hidden, 28 * 28),
        nn.Tanh(),
    )
''', faults=1, says="a relu comes before tanh: no pixel is darker than grey")  # fmt: skip

wrong("build_dc_classifier", "LeakyReLU(True) takes True for the slope, which is 1 then, a line without a bend; and "
      "the activation after the second convolution is missing", '''
def build_dc_classifier(batch_size=None):
    batch = -1 if batch_size is None else batch_size
    flat = 4 * 4 * 64
    model = nn.Sequential(
        Unflatten(batch, 1, 28, 28),
        nn.Conv2d(1, 32, kernel_size=5, stride=1),
        nn.LeakyReLU(True),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(32, 64, kernel_size=5, stride=1),
        nn.MaxPool2d(kernel_size=2, stride=2),
        Flatten(),
        nn.Linear(flat, flat),
        nn.LeakyReLU(True),
        nn.Linear(flat, 1),
    )
    return model
''', faults=2, says="the activations are missing, though the parameter count is right")  # fmt: skip

wrong("build_dc_generator", "the second BatchNorm stands after the Unflatten and normalises channels in place of the "
      "6272 features; and a sigmoid ends it in place of a tanh", '''
def build_dc_generator(noise_dim=NOISE_DIM):
    net = nn.Sequential()
    net.add_module("fc1", nn.Linear(noise_dim, 1024))
    net.add_module("relu1", nn.ReLU())
    net.add_module("bn1", nn.BatchNorm1d(1024))
    net.add_module("fc2", nn.Linear(1024, 7 * 7 * 128))
    net.add_module("relu2", nn.ReLU())
    net.add_module("to_maps", Unflatten(-1, 128, 7, 7))
    net.add_module("bn2", nn.BatchNorm2d(128))
    net.add_module("up1", nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1))
    net.add_module("relu3", nn.ReLU())
    net.add_module("bn3", nn.BatchNorm2d(64))
    net.add_module("up2", nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1))
    net.add_module("out", nn.Sigmoid())
    net.add_module("flat", Flatten())
    return net
''', faults=2, says="weight or bias number 7 of the generator has shape")  # fmt: skip

wrong("build_dc_generator", "each BatchNorm comes before its ReLU, not after it", '''
def build_dc_generator(noise_dim=NOISE_DIM):
    def block(layer, norm):
        return nn.Sequential(layer, norm, nn.ReLU())

    pixels = 7 * 7 * 128
    return nn.Sequential(
        block(nn.Linear(noise_dim, 1024), nn.BatchNorm1d(1024)),
        block(nn.Linear(1024, pixels), nn.BatchNorm1d(pixels)),
        Unflatten(-1, 128, 7, 7),
        block(nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64)),
        nn.ConvTranspose2d(64, 1, 4, 2, 1),
        nn.Tanh(),
        Flatten(),
    )
''', faults=1, says="the order of relu and batchnorm is exchanged")  # fmt: skip

wrong("bce_loss", "log(1 + exp(-x)) without the absolute value of x, so that every negative logit counts twice", '''
def bce_loss(input, target):
    if not isinstance(target, torch.Tensor):
        target = torch.full_like(input, target)
    if input.numel() != target.numel():
        raise ValueError("sizes differ")
    x = input.reshape(-1)
    t = target.reshape(-1)
    total = 0
    for i in range(x.shape[0]):
        big = torch.clamp(x[i], min=0)
        rest = torch.log(1 + torch.exp(-x[i]))
        total = total + big - x[i] * t[i] + rest
    return total / x.shape[0]
''', faults=1, says="the absolute value is missing: exp(-x) instead of exp(-|x|)")  # fmt: skip

wrong("discriminator_loss", "one mean over real images and fakes together, which is half the sum of the two means; and "
      "the labels are exchanged: 0 for real, 1 for fake", '''
def discriminator_loss(logits_real, logits_fake):
    real_labels = torch.zeros_like(logits_real)
    fake_labels = torch.ones_like(logits_fake)
    everything = torch.cat((logits_real, logits_fake), dim=0)
    labels = torch.cat((real_labels, fake_labels), dim=0)
    loss = bce_loss(everything, labels)
    return loss
''', faults=2, says="the two halves are averaged instead of added")  # fmt: skip

wrong("generator_loss", "a sigmoid is applied first, though bce_loss takes logits: the sigmoid is taken twice", '''
def generator_loss(logits_fake):
    prob_fake = torch.sigmoid(logits_fake)
    wanted = torch.ones(logits_fake.shape, dtype=logits_fake.dtype, device=logits_fake.device)
    loss = bce_loss(prob_fake, wanted)
    return loss
''', faults=1, says="line 3 makes this right: the call of sigmoid")  # fmt: skip

wrong("ls_discriminator_loss", "the mean of the real scores' distances is squared, not the distances averaged after "
      "squaring; and the half is missing before the part of the fakes", '''
def ls_discriminator_loss(scores_real, scores_fake):
    off_real = scores_real - torch.ones_like(scores_real)
    real_part = torch.mean(off_real) ** 2
    fake_part = torch.mean(scores_fake ** 2)
    loss = 0.5 * real_part + fake_part
    return loss
''', faults=2, says="only the real images' half is halved")  # fmt: skip

wrong("ls_generator_loss", "the 1 is taken off the square, not off the score before squaring", '''
def ls_generator_loss(scores_fake):
    N = scores_fake.numel()
    loss = 0
    for s in scores_fake.reshape(-1):
        loss = loss + (s ** 2 - 1)
    return 0.5 * loss / N
''', faults=1, says="changes together make this right: line 5: 1 - ... is missing")  # fmt: skip

wrong("get_optimizer", "beta1 and beta2 are no names that Adam reads: its betas stay at 0.9 and 0.999", '''
def get_optimizer(model):
    solver = optim.Adam(model.parameters())
    for group in solver.param_groups:
        group["lr"] = 1e-3
        group["beta1"] = 0.5
        group["beta2"] = 0.999
    return solver
''', faults=1, says="betas are left at their default, 0.9 and 0.999")  # fmt: skip

wrong("gan_step", "D's loss gets the fakes' logits as those of the real images and the other way round; and D's "
      "gradients are never set to zero", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    batch_size = real.shape[0]
    logits_real = D(real)
    seed_d = sample_noise(batch_size, noise_size).to(real.device)
    images = G(seed_d).detach()
    logits_fake = D(images.view(real.shape))
    d_total_error = discriminator_loss(logits_fake, logits_real)
    d_total_error.backward()
    D_solver.step()

    G_solver.zero_grad()
    seed_g = sample_noise(batch_size, noise_size).to(real.device)
    images = G(seed_g)
    for p in D.parameters():
        p.requires_grad_(False)
    g_error = generator_loss(D(images.view(real.shape)))
    g_error.backward()
    for p in D.parameters():
        p.requires_grad_(True)
    G_solver.step()
    return d_total_error.detach(), g_error.detach()
''', faults=2, says="look at line 8: the order of the arguments")  # fmt: skip

wrong("gan_step", "G takes its step first, against the old D, and D learns from the new G's images", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    N = real.size(0)

    def paint():
        z = sample_noise(N, noise_size).to(real.device)
        return G(z).reshape(real.shape)

    def generator_turn():
        with frozen(D):
            loss = generator_loss(D(paint()))
            G_solver.zero_grad()
            loss.backward()
        G_solver.step()
        return loss.detach()

    def discriminator_turn():
        loss = discriminator_loss(D(real), D(paint().detach()))
        D_solver.zero_grad()
        loss.backward()
        D_solver.step()
        return loss.detach()

    g_loss = generator_turn()
    d_loss = discriminator_turn()
    return d_loss, g_loss
''', faults=1, says="line 24 makes this right: the place of this line")  # fmt: skip
