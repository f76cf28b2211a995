"""Wrong answers to the GANs notebook's exercises."""

from . import wrong

wrong("sample_noise", "normal numbers in place of uniform ones", '''
def sample_noise(batch_size, dim, seed=None):
    generator = None
    if seed is not None:
        generator = torch.Generator()
        generator.manual_seed(seed)
    # z ~ p(z)
    z = torch.randn((batch_size, dim), generator=generator)
    return z
''', says="torch.randn, where torch.rand is wanted")  # fmt: skip

wrong("sample_noise", "the generator is not used, and the range is half as wide", '''
def sample_noise(batch_size, dim, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    noise = torch.rand(batch_size, dim)
    # shift it so that it lies around zero
    noise = noise - 0.5
    return noise
''', faults=2, says="centred, but not doubled")  # fmt: skip

wrong("discriminator", "a sigmoid at the end, and a slope of 0.2", '''
def discriminator(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    alpha = 0.2
    model = nn.Sequential(
        Flatten(),
        nn.Linear(28 * 28, 256),
        nn.LeakyReLU(alpha, inplace=True),
        nn.Linear(256, 256),
        nn.LeakyReLU(alpha, inplace=True),
        nn.Linear(256, 1),
        nn.Sigmoid(),  # probability of being real
    )
    return model
''', faults=2, says="the slope is 0.2 instead of 0.01; and besides, a sigmoid follows the last layer")  # fmt: skip

wrong("discriminator", "no activation after the second hidden layer", '''
class Judge(nn.Module):
    def __init__(self, in_dim=784, hidden=256):
        super().__init__()
        self.fc1 = nn.Linear(in_dim, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)
        self.act = nn.LeakyReLU(0.01)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        h1 = self.act(self.fc1(x))
        h2 = self.fc2(h1)
        return self.fc3(h2)


def discriminator(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return Judge()
''', says="the second leakyrelu is missing")  # fmt: skip

wrong("generator", "a ReLU before the tanh, too", '''
def generator(noise_dim=NOISE_DIM, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    sizes = [noise_dim, 1024, 1024, 784]
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        layers.append(nn.Linear(n_in, n_out))
        layers.append(nn.ReLU())
    layers.append(nn.Tanh())
    return nn.Sequential(*layers)
''', says="a relu comes before tanh")  # fmt: skip

wrong("generator", "leaky ReLUs as in the discriminator, and a sigmoid at the end", '''
def generator(noise_dim=NOISE_DIM, seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    def block(n_in, n_out):
        return [nn.Linear(n_in, n_out), nn.LeakyReLU(0.01)]

    return nn.Sequential(
        *block(noise_dim, 1024),
        *block(1024, 1024),
        nn.Linear(1024, 784),
        nn.Sigmoid(),  # pixels
    )
''', faults=2,
    says="a sigmoid stands in for tanh: pixels in 0..1 instead of -1..1; and besides, leakyrelus")  # fmt: skip

wrong("bce_loss", "a sum for the mean, and (N, 1) meets (N,)", '''
def bce_loss(input, target):
    # numerically stable version, see the notebook
    neg_abs = -input.abs()
    loss = input.clamp(min=0) - input * target + (1 + neg_abs.exp()).log()
    return loss.sum()
''', faults=2, says="the losses are added up instead of averaged")  # fmt: skip

wrong("bce_loss", "the term of the zeros is missing, and the sigmoid is taken first", '''
def bce_loss(input, target):
    target = target.view_as(input)
    p = torch.sigmoid(input)
    log_likelihood = target * torch.log(p)
    return -log_likelihood.mean()
''', faults=2, says=None)  # fmt: skip

wrong("bce_loss", "the sigmoid is applied twice", '''
import torch.nn.functional as F

def bce_loss(input, target):
    probs = torch.sigmoid(input)
    labels = target.reshape(probs.shape).to(probs.dtype)
    return F.binary_cross_entropy_with_logits(probs, labels)
''', says="line 5 makes this right: the call of sigmoid")  # fmt: skip

wrong("discriminator_loss", "the labels are swapped, and the two losses averaged", '''
def discriminator_loss(logits_real, logits_fake):
    N = logits_real.size(0)
    real_labels = torch.zeros_like(logits_real)
    fake_labels = torch.ones_like(logits_fake)
    loss_real = bce_loss(logits_real, real_labels)
    loss_fake = bce_loss(logits_fake, fake_labels)
    loss = (loss_real + loss_fake) / 2
    return loss
''', faults=2, says="the rest is in line 8: the number 2")  # fmt: skip

wrong("discriminator_loss", "the fakes are called real", '''
def discriminator_loss(logits_real, logits_fake):
    labels = torch.ones_like(logits_real)
    on_real = bce_loss(logits_real, labels)
    # logits_fake.detach() is not needed here, the caller does it
    labels = torch.ones_like(logits_fake)
    on_fake = bce_loss(logits_fake, labels)
    return on_real + on_fake
''', says="fakes are called 1, too")  # fmt: skip

wrong("generator_loss", "the minimax loss: it is the discriminator's with a minus", '''
def generator_loss(logits_fake):
    # G plays against D: whatever D minimises, G maximises
    fake_labels = torch.zeros_like(logits_fake)
    d_loss = bce_loss(logits_fake, fake_labels)
    return -d_loss
''', says="minus the discriminator's loss")  # fmt: skip

wrong("generator_loss", "labels of 0, and a sum for the mean", '''
def generator_loss(logits_fake):
    batch = logits_fake.size(0)
    labels = torch.zeros(batch, dtype=logits_fake.dtype)
    loss = 0.0
    for i in range(batch):
        loss = loss + bce_loss(logits_fake[i].view(1), labels[i].view(1))
    return loss
''', faults=2, says="the rest is in line 4: the function zeros")  # fmt: skip

wrong("get_optimizer", "the learning rate of the DCGAN paper, and the usual betas", '''
def get_optimizer(model):
    lr = 2e-4
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(params, lr=lr)
    return optimizer
''', faults=2, says="first beta is 1.8 times the right one")  # fmt: skip

wrong("get_optimizer", "RMSprop in place of Adam", '''
def get_optimizer(model):
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.999, momentum=0.5)
    return optimizer
''', says="must return torch.optim.adam")  # fmt: skip

wrong("gan_step", "the generator's images are detached in its own step, and D's gradients are never set to zero", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    batch_size = real.shape[0]

    # ---- D ----
    z = sample_noise(batch_size, noise_size).to(real.device)
    fake_images = G(z).detach().view(batch_size, 1, 28, 28)
    logits_real = D(real)
    logits_fake = D(fake_images)
    d_total_error = discriminator_loss(logits_real, logits_fake)
    d_total_error.backward()
    D_solver.step()

    # ---- G ----
    G_solver.zero_grad()
    z = sample_noise(batch_size, noise_size).to(real.device)
    fake_images = G(z).detach().view(batch_size, 1, 28, 28)
    gen_logits_fake = D(fake_images)
    g_error = generator_loss(gen_logits_fake)
    if g_error.requires_grad:
        g_error.backward()
    G_solver.step()
    return d_total_error.detach(), g_error.detach()
''', faults=2,
    says="those that the generator's loss left in d pile up; and besides, g never takes a step")  # fmt: skip

wrong("gan_step", "the images are brought to -1..1 once more", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    batch_size = real.size(0)
    D_solver.zero_grad()
    real_data = real.to(real.device)
    logits_real = D(2 * (real_data - 0.5)).to(real.device)

    g_fake_seed = sample_noise(batch_size, noise_size).to(real.device)
    fake_images = G(g_fake_seed).detach()
    logits_fake = D(fake_images.view(batch_size, 1, 28, 28))

    d_total_error = discriminator_loss(logits_real, logits_fake)
    d_total_error.backward()
    D_solver.step()

    G_solver.zero_grad()
    g_fake_seed = sample_noise(batch_size, noise_size).to(real.device)
    fake_images = G(g_fake_seed)

    gen_logits_fake = D(fake_images.view(batch_size, 1, 28, 28))
    g_error = generator_loss(gen_logits_fake)
    g_error.backward()
    G_solver.step()
    return d_total_error.detach(), g_error.detach()
''', says="real is brought to -1..1 once more")  # fmt: skip

wrong("gan_step", "the generator's step is D's: on real images, with D's solver and its old gradients", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    n = len(real)

    def draw():
        return G(sample_noise(n, noise_size).to(real.device)).reshape(real.shape)

    def learn(loss, solver):
        loss.backward()
        solver.step()
        return loss.detach()

    D_solver.zero_grad()
    with torch.no_grad():
        images = draw()
    d_loss = learn(discriminator_loss(D(real), D(images)), D_solver)
    g_loss = learn(generator_loss(D(real)), D_solver)
    return d_loss, g_loss
''', faults=3,
    says="picture of g is picture as it came")  # fmt: skip

wrong("ls_discriminator_loss", "sums for means, and no half before the fakes'", '''
def ls_discriminator_loss(scores_real, scores_fake):
    real_term = torch.sum((scores_real - 1) ** 2)
    fake_term = torch.sum(scores_fake ** 2)
    return 0.5 * real_term + fake_term
''', faults=2, says="the rest is in line 3: the function sum; line 4: the function sum")  # fmt: skip

wrong("ls_discriminator_loss", "the scores go through a sigmoid", '''
def ls_discriminator_loss(scores_real, scores_fake):
    p_real = scores_real.sigmoid()
    p_fake = scores_fake.sigmoid()
    ones = torch.ones_like(p_real)
    mse_real = (p_real - ones).pow(2).mean()
    mse_fake = p_fake.pow(2).mean()
    return (mse_real + mse_fake) / 2
''', says="a sigmoid is made of the scores first")  # fmt: skip

wrong("ls_generator_loss", "the square of the mean for the mean of the squares, and no half", '''
def ls_generator_loss(scores_fake):
    average = scores_fake.mean()
    # the generator wants this to be 1
    distance = average - 1
    loss = distance ** 2
    return loss
''', faults=2, says="the rest is in line 6: the factor 1/2 is missing")  # fmt: skip

wrong("ls_generator_loss", "the target is 0", '''
import torch.nn.functional as F

def ls_generator_loss(scores_fake):
    wanted = torch.zeros_like(scores_fake)
    return F.mse_loss(scores_fake, wanted) * 0.5
''', says="the target is 0")  # fmt: skip

wrong("build_dc_classifier", "ReLUs, and no activation before the last layer", '''
def build_dc_classifier(batch_size=None):
    batch = -1 if batch_size is None else batch_size
    features = [
        Unflatten(batch, 1, 28, 28),
        nn.Conv2d(1, 32, kernel_size=5, stride=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(32, 64, kernel_size=5, stride=1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
    ]
    head = [
        Flatten(),
        nn.Linear(4 * 4 * 64, 4 * 4 * 64),
        nn.Linear(4 * 4 * 64, 1),
    ]
    return nn.Sequential(*features, *head)
''', faults=2, says=None)  # fmt: skip

wrong("build_dc_classifier", "mean pooling for max pooling", '''
import torch.nn.functional as F

class ConvJudge(nn.Module):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch
        self.conv1 = nn.Conv2d(1, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.fc1 = nn.Linear(1024, 1024)
        self.fc2 = nn.Linear(1024, 1)

    def forward(self, x):
        x = x.reshape(self.batch, 1, 28, 28)
        x = F.avg_pool2d(F.leaky_relu(self.conv1(x), 0.01), 2)
        x = F.avg_pool2d(F.leaky_relu(self.conv2(x), 0.01), 2)
        x = torch.flatten(x, start_dim=1)
        x = F.leaky_relu(self.fc1(x), 0.01)
        return self.fc2(x)


def build_dc_classifier(batch_size=None):
    batch = -1 if batch_size is None else batch_size
    return ConvJudge(batch)
''', says="average pooling stands in for maxpool")  # fmt: skip

wrong("build_dc_generator", "BatchNorm before ReLU, and no tanh", '''
def build_dc_generator(noise_dim=NOISE_DIM):
    def dense(n_in, n_out):
        return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(True))

    return nn.Sequential(
        dense(noise_dim, 1024),
        dense(1024, 7 * 7 * 128),
        Unflatten(-1, 128, 7, 7),
        nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(True),
        nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1),
        Flatten(),
    )
''', faults=2,
    says="tanh is missing: pixels of any size; and besides, the order of relu and batchnorm is exchanged")  # fmt: skip

wrong("build_dc_generator", "no padding in the transposed convolutions, and one BatchNorm forgotten", '''
def build_dc_generator(noise_dim=NOISE_DIM):
    layers = []
    layers += [nn.Linear(noise_dim, 1024), nn.ReLU(), nn.BatchNorm1d(1024)]
    layers += [nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272)]
    layers += [Unflatten(-1, 128, 7, 7)]
    layers += [nn.ConvTranspose2d(128, 64, 4, stride=2), nn.ReLU()]
    layers += [nn.ConvTranspose2d(64, 1, 4, stride=2), nn.Tanh()]
    layers += [Flatten()]
    return nn.Sequential(*layers)
''', faults=2, says="the batchnorm after the transposed convolution is missing")  # fmt: skip

wrong("gan_step", "D's step reaches G, whose gradients were emptied before it", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    n = len(real)
    D_solver.zero_grad()
    G_solver.zero_grad()

    z = sample_noise(n, noise_size).to(real)
    images = G(z)
    d_loss = discriminator_loss(D(real), D(images))
    d_loss.backward()
    D_solver.step()

    z2 = sample_noise(n, noise_size).to(real)
    g_loss = generator_loss(D(G(z2)))
    g_loss.backward()
    G_solver.step()
    return d_loss.detach(), g_loss.detach()
''', says="in line 5 makes this right: the place of")  # fmt: skip

wrong("gan_step", "G's step uses D's noise, and real and fake are swapped", '''
def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    noise = sample_noise(real.shape[0], noise_size).to(real.device, real.dtype)
    with torch.no_grad():
        fake = G(noise)
    logits_fake = D(fake)
    logits_real = D(real)
    d_error = discriminator_loss(logits_fake, logits_real)
    D_solver.zero_grad()
    d_error.backward()
    D_solver.step()

    # now the generator
    fake = G(noise)
    with frozen(D):
        g_error = generator_loss(D(fake))
        G_solver.zero_grad()
        g_error.backward()
    G_solver.step()
    return d_error.detach(), g_error.detach()
''', faults=2, says="the same noise serves both steps")  # fmt: skip
