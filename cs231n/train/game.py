"""The game of two networks as a run of the training loop: epochs of images, samples on the way, an exact resume."""

import math

import torch
from torch import nn

from .loop import Run

SAMPLES = 16  # digits in a sample
NOISE_SEED = 231  # of the noise that all samples are made from


class Game(Run):
    """Rounds over epochs of images; `samples` holds what G drew after so many `iterations`.

    play(real): one round with images (batch_size, 1, 28, 28) in 0..1, which returns both losses.
    learners: {"D": the discriminator, "G": the generator, and the optimizers under names of their own}.
    images: in 0..1, one tensor (shuffled anew each epoch), or anything that yields batches or (batch, label) pairs.
    A batch of another size than batch_size is passed over.
    """

    advice = "try a lower learning rate, and losses computed from logits"

    def __init__(self, play, learners, images, *, batch_size, noise_size, num_epochs, show_every):
        super().__init__()
        self.play, self.learners, self.images = play, learners, images
        self.settings = {"batch_size": batch_size, "noise_size": noise_size}
        self.num_epochs, self.show_every = num_epochs, show_every
        self.device = next(learners["D"].parameters()).device
        self.steps = _num_batches(images, batch_size, num_epochs)
        self.samples, self.iterations = [], []
        self.epoch, self.seen = 0, 0  # the epoch, and how many of its batches have been played with
        self.epoch_rng, self.resumed, self.batches = torch.get_rng_state(), None, None

    def learn(self, n):
        self.batches = self.batches or self._batches()
        real = next(self.batches, None)
        if real is None:
            return None
        d_loss, g_loss = self.play(real)
        return {"D": float(d_loss), "G": float(g_loss)}

    def after_step(self, bar):
        if self.done % self.show_every == 0 or self.done == 1:
            self._draw()

    def finish(self):
        if self.iterations[-1:] != [self.done]:
            self._draw()

    def state(self):
        return {
            **{name: learner.state_dict() for name, learner in self.learners.items()},
            "samples": [torch.from_numpy(sample) for sample in self.samples], "iterations": self.iterations,
            "epoch": self.epoch, "seen": self.seen,
            "rng": {"epoch": self.epoch_rng, "now": torch.get_rng_state()},
        }  # fmt: skip

    def load(self, state):
        for name, learner in self.learners.items():
            learner.load_state_dict(state[name])
        self.samples, self.iterations = [sample.numpy() for sample in state["samples"]], list(state["iterations"])
        self.epoch, self.seen, self.resumed = state["epoch"], state["seen"], state["rng"]

    def _batches(self):
        """What is left to play with, (batch_size, 1, 28, 28) in 0..1, in the same order again after an interruption."""
        for epoch in range(self.epoch, self.num_epochs):
            self.epoch = epoch
            if self.resumed:
                torch.set_rng_state(self.resumed["epoch"])  # the same order of images again as before the interruption
            self.epoch_rng = torch.get_rng_state()
            batches = full_batches(self.images, self.settings["batch_size"], self.device)
            for _ in range(self.seen):
                next(batches, None)
            if self.resumed:
                torch.set_rng_state(self.resumed["now"])
            for real in batches:
                self.seen += 1
                yield real
            if not self.seen:
                size = self.settings["batch_size"]
                raise ValueError(f"there is no batch of {size} images to train on; choose a smaller batch_size")
            self.seen, self.resumed = 0, None

    def _draw(self):
        """Add a sample: always from the same noise, and without a trace in G or in the random numbers."""
        G, generator = self.learners["G"], torch.Generator().manual_seed(NOISE_SEED)
        noise = 2 * torch.rand(SAMPLES, self.settings["noise_size"], generator=generator) - 1
        training = G.training
        with torch.no_grad():
            self.samples.append(G.eval()(noise.to(self.device)).reshape(SAMPLES, -1).cpu().numpy())
        G.train(training)
        self.iterations.append(self.done)


class GanRun(list):
    """Samples of a generator as it learns, arrays (16, 784) in -1..1, all from the same noise; and both histories.

    iterations: after how many rounds each sample was drawn. d_losses, g_losses: a number for every round.
    """

    def __init__(self, samples=(), iterations=(), d_losses=(), g_losses=()):
        super().__init__(samples)
        self.iterations, self.d_losses, self.g_losses = list(iterations), list(d_losses), list(g_losses)


class In16Bits(nn.Module):
    """A network whose layers work in bfloat16 where that is safe; what it gives is float32, and so are its weights."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(x).float()


def full_batches(images, batch_size, device):
    """One epoch of batches (batch_size, 1, 28, 28) in 0..1, on the device; ValueError for what is no such images."""
    if isinstance(images, torch.Tensor):
        order = torch.randperm(len(images)).split(batch_size)
        batches = (images[rows] for rows in order)
    else:
        batches = (batch[0] if isinstance(batch, (tuple, list)) else batch for batch in images)
    for batch in batches:
        if len(batch) == batch_size:
            yield _as_images(batch).to(device, torch.float32)


def _num_batches(images, batch_size, num_epochs):
    """How many there will be at most, as far as one can know; None for a loader that does not tell."""
    if isinstance(images, torch.Tensor):
        return len(images) // batch_size * num_epochs or None
    return len(images) * num_epochs if hasattr(images, "__len__") else None


def _as_images(batch):
    pixels = math.prod(batch.shape[1:])
    if pixels != 28 * 28:
        raise ValueError(f"images are (N, 784) or (N, 1, 28, 28); got a batch of shape {tuple(batch.shape)}")
    if not (batch.min() >= 0 and batch.max() <= 1):
        low, high = batch.min().item(), batch.max().item()
        raise ValueError(f"images have values in 0..1; got {low:g} to {high:g} (divide bytes by 255)")
    return batch.reshape(-1, 1, 28, 28)
