"""Generative adversarial networks on 28 x 28 digits: a generator draws, a discriminator judges, both learn.

Images are (N, 784) or (N, 1, 28, 28): a loader's in 0..1, the networks' in -1..1. Logits and scores are (N, 1) or (N,).
Sources: Goodfellow et al. 2014, Generative Adversarial Nets, https://arxiv.org/abs/1406.2661; Mao et al. 2017, Least
Squares GANs, https://arxiv.org/abs/1611.04076; Radford, Metz, Chintala 2015 (DCGAN), https://arxiv.org/abs/1511.06434
"""

import contextlib
import operator

import numpy as np
import torch
from torch import nn

from .figures import show_grid, tile
from .train import train
from .train.game import Game, GanRun, In16Bits

NOISE_DIM = 96

# What stood at this module's head in the assignment, for answers that were written there.
dtype, optim, init, F, Variable = torch.FloatTensor, torch.optim, nn.init, nn.functional, torch.autograd.Variable


# The two networks


def sample_noise(batch_size, dim, seed=None):
    """Noise for a generator: (batch_size, dim) float32, uniform in -1..1; always the same for the same seed."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    # TODO(sample_noise): torch.rand gives numbers in 0..1; hand it this generator, so that a seed counts.
    ### BEGIN SOLUTION sample_noise
    return 2 * torch.rand(batch_size, dim, generator=generator) - 1
    ### END SOLUTION


def discriminator(seed=None):
    """A fully connected judge: images, flattened by its first layer, to logits (N, 1). 267,009 parameters.

    seed: for torch.manual_seed, which then draws the weights.
    """
    if seed is not None:
        torch.manual_seed(seed)
    # TODO(discriminator): nn.Sequential of Flatten, then 784 - 256 - 256 - 1, with a LeakyReLU of slope 0.01 between.
    ### BEGIN SOLUTION discriminator
    return nn.Sequential(
        Flatten(),
        nn.Linear(784, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 1),
    )
    ### END SOLUTION


def generator(noise_dim=NOISE_DIM, seed=None):
    """A fully connected painter: noise (N, noise_dim) to images (N, 784) in -1..1; seed as for the discriminator."""
    if seed is not None:
        torch.manual_seed(seed)
    # TODO(generator): noise_dim - 1024 - 1024 - 784, a ReLU after each hidden layer, a tanh at the end.
    ### BEGIN SOLUTION generator
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.Linear(1024, 784),
        nn.Tanh(),
    )
    ### END SOLUTION


def build_dc_classifier(batch_size=None):
    """A convolutional judge: images of either shape to logits (N, 1). 1,102,721 parameters.

    batch_size: if given, the only number of images it takes, as in the assignment; None: any number.
    """
    batch = -1 if batch_size is None else batch_size
    # TODO(build_dc_classifier): Unflatten(batch, 1, 28, 28); Conv 32, 5x5; LeakyReLU 0.01; MaxPool 2; Conv 64, 5x5;
    # LeakyReLU; MaxPool 2; Flatten; Linear to 1024; LeakyReLU; Linear to 1. No padding.
    ### BEGIN SOLUTION build_dc_classifier
    return nn.Sequential(
        Unflatten(batch, 1, 28, 28),
        nn.Conv2d(1, 32, 5),  # (N, 32, 24, 24)
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5),  # (N, 64, 8, 8)
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2),
        Flatten(),
        nn.Linear(64 * 4 * 4, 1024),
        nn.LeakyReLU(0.01),
        nn.Linear(1024, 1),
    )
    ### END SOLUTION


def build_dc_generator(noise_dim=NOISE_DIM):
    """A painter by transposed convolutions (7 - 14 - 28 pixels): noise (N, noise_dim) to images (N, 784) in -1..1."""
    # TODO(build_dc_generator): Linear 1024, ReLU, BatchNorm; Linear 6272, ReLU, BatchNorm; Unflatten to 128 x 7 x 7;
    # ConvTranspose to 64, 4x4, stride 2, padding 1; ReLU, BatchNorm; the same to 1 channel; Tanh; Flatten.
    ### BEGIN SOLUTION build_dc_generator
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 128 * 7 * 7),
        nn.ReLU(),
        nn.BatchNorm1d(128 * 7 * 7),
        Unflatten(-1, 128, 7, 7),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),  # (N, 64, 14, 14)
        nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),  # (N, 1, 28, 28)
        nn.Tanh(),
        Flatten(),
    )
    ### END SOLUTION


# What each of them wants


def bce_loss(input, target):
    """Mean binary cross-entropy of logits `input` with targets in 0..1, (N,) or (N, 1) each; a scalar.

    Finite for any logits: the sigmoid is never computed on its own. A number as target serves all logits.
    Raises ValueError where there are not as many targets as logits.
    """
    if not isinstance(target, torch.Tensor):
        target = torch.full_like(input, target)
    if input.numel() != target.numel():
        raise ValueError(f"each logit needs one target; got {tuple(input.shape)} and {tuple(target.shape)}")
    # TODO(bce_loss): max(x, 0) - x t + log(1 + exp(-|x|)), averaged. Mind that (N, 1) with (N,) would make (N, N).
    ### BEGIN SOLUTION bce_loss
    target = target.reshape(input.shape)
    return (input.clamp(min=0) - input * target + torch.log1p(torch.exp(-input.abs()))).mean()
    ### END SOLUTION


def discriminator_loss(logits_real, logits_fake):
    """What the discriminator minimises: the cross-entropy of calling real images 1, plus that of calling fakes 0.

    Less this loss is what it maximises in Goodfellow et al. 2014, eq. 1. A scalar.
    """
    # TODO(discriminator_loss): the sum of two calls of bce_loss; torch.ones_like makes targets.
    ### BEGIN SOLUTION discriminator_loss
    return bce_loss(logits_real, torch.ones_like(logits_real)) + bce_loss(logits_fake, torch.zeros_like(logits_fake))
    ### END SOLUTION


def generator_loss(logits_fake):
    """What the generator minimises: the cross-entropy of its images being called 1; a scalar.

    This is the non-saturating loss, which learns also from a discriminator that is sure (Goodfellow et al. 2014, 3).
    """
    # TODO(generator_loss): one call of bce_loss.
    ### BEGIN SOLUTION generator_loss
    return bce_loss(logits_fake, torch.ones_like(logits_fake))
    ### END SOLUTION


def ls_discriminator_loss(scores_real, scores_fake):
    """Half the mean square of (score - 1) on real images, plus half that of the score on fakes (Mao et al., eq. 9)."""
    # TODO(ls_discriminator_loss): two means; no sigmoid, the scores are used as they are.
    ### BEGIN SOLUTION ls_discriminator_loss
    return 0.5 * (scores_real - 1).square().mean() + 0.5 * scores_fake.square().mean()
    ### END SOLUTION


def ls_generator_loss(scores_fake):
    """Half the mean square of (score - 1) on the generator's images (Mao et al., eq. 9)."""
    # TODO(ls_generator_loss): one mean.
    ### BEGIN SOLUTION ls_generator_loss
    return 0.5 * (scores_fake - 1).square().mean()
    ### END SOLUTION


# The game


def get_optimizer(model):
    """Adam over the model's parameters, with a learning rate of 1e-3 and betas 0.5 and 0.999 (Radford et al. 2015)."""
    # TODO(get_optimizer): torch.optim.Adam; its own betas average too long for a game whose rules change every step.
    ### BEGIN SOLUTION get_optimizer
    return torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)
    ### END SOLUTION


def gan_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=NOISE_DIM):
    """One round of the game: D takes a step on real and generated images, then G one against the new D.

    real: images (N, 1, 28, 28) in -1..1, where the networks are; G's come as (N, 784), and D takes either.
    Returns D's loss and G's, scalars cut off their graphs.
    Goodfellow et al. 2014, algorithm 1, with k = 1.
    """
    # TODO(gan_step): new noise for each of the two; G gets no gradient in D's step, nor (it only costs time) D in G's.
    ### BEGIN SOLUTION gan_step
    N, device = len(real), real.device
    with torch.no_grad():
        fake = G(sample_noise(N, noise_size).to(device)).view_as(real)
    d_loss = discriminator_loss(D(real), D(fake))
    D_solver.zero_grad()
    d_loss.backward()
    D_solver.step()

    with frozen(D):
        fake = G(sample_noise(N, noise_size).to(device)).view_as(real)
        g_loss = generator_loss(D(fake))
        G_solver.zero_grad()
        g_loss.backward()
        G_solver.step()
    return d_loss.detach(), g_loss.detach()
    ### END SOLUTION


@contextlib.contextmanager
def frozen(model):
    """Within this, no gradient is computed for the model's parameters; it still flows through to the input."""
    learning = [p for p in model.parameters() if p.requires_grad]
    for p in learning:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in learning:
            p.requires_grad_(True)


def run_a_gan(
    D, G, D_solver, G_solver, discriminator_loss, generator_loss, loader_train, show_every=250, batch_size=128,
    noise_size=NOISE_DIM, num_epochs=10, *, checkpoint=None, save_every=None, bfloat16=False, quiet=False,
):  # fmt: skip
    """Let D and G learn from each other, and return a GanRun: a list of samples, one every `show_every` rounds.

    loader_train: images in 0..1, as one tensor (shuffled anew each epoch), or as anything that yields batches or
        (batch, label) pairs; a batch of another size than batch_size is passed over.
    checkpoint: a file to go on from if it is there, written every save_every rounds (None: show_every) and at the end.
    bfloat16: run the networks in 16 bits; faster where the processor has instructions for it, slower elsewhere.
    quiet: no progress bar, which TQDM_DISABLE=1 switches off, too.
    Raises ValueError for images or a checkpoint that do not fit, FloatingPointError for a loss that is not finite.
    """
    sizes = {"batch_size": batch_size, "noise_size": noise_size, "num_epochs": num_epochs, "show_every": show_every}
    for name, value in {**sizes, "save_every": save_every or show_every}.items():
        if operator.index(value) < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    for model in (D, G):
        model.to(memory_format=torch.channels_last)  # a layout that convolutions are faster in; the values stay
    players = [In16Bits(D), In16Bits(G)] if bfloat16 else [D, G]

    def play(real):
        losses = discriminator_loss, generator_loss
        return gan_step(*players, D_solver, G_solver, *losses, preprocess_img(real), noise_size)

    game = Game(play, {"D": D, "G": G, "D_solver": D_solver, "G_solver": G_solver}, loader_train, **sizes)
    every = save_every or show_every
    train(game, checkpoint=checkpoint, save_every=every, quiet=quiet, what="playing", unit="round")
    return GanRun(game.samples, game.iterations, game.losses["D"], game.losses["G"])


# Small helpers, by the assignment's names


class Flatten(nn.Module):
    """(N, ...) to (N, D)."""

    def forward(self, x):
        return x.flatten(1)


class Unflatten(nn.Module):
    """Anything of N*C*H*W numbers to (N, C, H, W); N may be -1 or None: as many as there are."""

    def __init__(self, N=-1, C=128, H=7, W=7):
        super().__init__()
        self.N, self.C, self.H, self.W = -1 if N is None else N, C, H, W

    def forward(self, x):
        return x.reshape(self.N, self.C, self.H, self.W)


class ChunkSampler(torch.utils.data.Sampler):
    """Indices start .. start + num_samples - 1 in their order, for a DataLoader of a part of a data set."""

    def __init__(self, num_samples, start=0):
        self.num_samples, self.start = num_samples, start

    def __iter__(self):
        return iter(range(self.start, self.start + self.num_samples))

    def __len__(self):
        return self.num_samples


def initialize_weights(m):
    """For model.apply: Glorot's uniform weights in fully connected and transposed convolutional layers."""
    if isinstance(m, (nn.Linear, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(m.weight)


def preprocess_img(x):
    """Pixels in 0..1 to -1..1, the range of a generator's tanh."""
    return 2 * x - 1


def deprocess_img(x):
    """Undo preprocess_img."""
    return (x + 1) / 2


def rel_error(x, y):
    """The largest relative difference of two arrays."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def count_params(model):
    """The number of a model's parameters."""
    return sum(p.numel() for p in model.parameters())


def show_images(images):
    """Draw square images, an array or tensor (N, D) or (N, 1, H, W), as a square of squares."""
    show_grid([[tile(images)]], size=3.2, cmap="gray", alt=f"{len(images)} grey images in a square.")
