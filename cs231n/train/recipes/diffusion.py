"""Noise laid over digits, and networks that learn to take it off again: any digit, or the one asked for."""

import torch
from torch import nn

from ... import diffusion, guidance
from ...datasets.digits import load_digits
from ...scores.digits import accuracy
from .digits import Digits


class Diffusion(Digits):
    """A network that learns to see the noise in a noisy digit, and so to take it away."""

    steps, batch_size, rate, warm_up = 2400, 32, 4e-3, 0.05
    uses = ("add_noise", "noise_loss", "denoise_step")
    num_levels = 1000  # of noise
    num_labels = 0  # which it learns to tell apart

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.model = diffusion.Denoiser(num_labels=self.num_labels)
        self.add("model", self.model, lambda model: torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=True))
        self.alpha_bar = diffusion.noise_schedule(self.num_levels).to(self.ranks.device, self.torch_dtype)

    def learn(self, n):
        generator = torch.Generator().manual_seed(self.seed_of(n, 2))
        level = torch.randint(1, self.num_levels + 1, (self.batch_size,), generator=generator)
        real = self.real(n)
        noise = torch.randn(real.shape, generator=generator)
        batch = self.mine(real), self.mine(level), self.mine(noise)
        loss = diffusion.noise_loss(self.learner(n), *batch, self.alpha_bar)
        return {"loss": self.descend("model", loss, self.rate_at(n))}

    def learner(self, n):
        """What learns in step n: a network of noisy images and their steps."""
        return self.players["model"]

    def draw(self, num):
        """Digits (num, 1, 28, 28) in -1..1, always from the same noise."""
        generator = torch.Generator().manual_seed(self.seed)
        return diffusion.sample_digits(self.model, num, self.alpha_bar, generator=generator)


class GuidedDiffusion(Diffusion):
    """The same network, told in training which digit it sees, most of the time; it draws the digits asked for.

    labels: of the images, 0..9. strength: how closely it keeps to the digit asked for, as in guided_noise.
    """

    uses = ("drop_labels", "guided_noise", *Diffusion.uses)
    num_labels = 10
    dropped = 0.2  # of the labels, in training
    shown, columns = 100, num_labels

    def __init__(self, *args, images=None, labels=None, strength=2.0, **kwargs):
        if images is None:
            images, labels = load_digits("train")
        if labels is None or labels.shape != images.shape[:1]:
            had = "no labels" if labels is None else f"labels of shape {tuple(labels.shape)}"
            raise ValueError(f"{len(images)} images need one label each, ({len(images)},); there are {had}")
        super().__init__(*args, images=images, **kwargs)
        self.labels, self.strength = labels, strength

    def learner(self, n):
        generator = torch.Generator().manual_seed(self.seed_of(n, 3))
        y = self.labels[torch.from_numpy(self.rows(n, len(self.labels)))]
        chance = torch.rand(len(y), generator=generator)
        return Told(self.players["model"], self.mine(guidance.drop_labels(y, self.dropped, chance, self.model.null)))

    def draw(self, num, strength=None, steps=30):
        """Digits (num, 1, 28, 28) in -1..1, 0 to 9 in turn, always from the same noise; steps: as in sample_digits."""
        strength = self.strength if strength is None else strength

        def guided(x, t, y):
            return guidance.guided_noise(self.model, x, t, y, strength, self.model.null)

        generator = torch.Generator().manual_seed(self.seed)
        return diffusion.sample_digits(guided, num, self.alpha_bar, steps, generator, labels=self.asked_for(num))

    def asked_for(self, num):
        """The labels (num,) of what draw(num) is to show."""
        return torch.arange(num) % self.num_labels

    def rated(self, drawn, classifier):
        return {"agreement": accuracy(classifier, drawn, self.asked_for(len(drawn)))} | super().rated(drawn, classifier)


class Told(nn.Module):
    """A network that is told the labels y of the images which it is about to see."""

    def __init__(self, network, y):
        super().__init__()
        self.network, self.y = network, y

    def forward(self, x, t):
        return self.network(x, t, self.y)
