"""Noise laid over digits, and a network that learns to take it off again."""

import torch

from ... import diffusion
from .digits import Digits


class Diffusion(Digits):
    """A network that learns to see the noise in a noisy digit, and so to take it away."""

    steps, batch_size, rate, warm_up = 2400, 32, 4e-3, 0.05
    uses = ("add_noise", "noise_loss", "denoise_step")
    num_levels = 1000  # of noise

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.model = diffusion.Denoiser()
        self.add("model", self.model, lambda model: torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=True))
        self.alpha_bar = diffusion.noise_schedule(self.num_levels).to(self.ranks.device, self.torch_dtype)

    def learn(self, n):
        generator = torch.Generator().manual_seed(self.seed_of(n, 2))
        level = torch.randint(1, self.num_levels + 1, (self.batch_size,), generator=generator)
        real = self.real(n)
        noise = torch.randn(real.shape, generator=generator)
        batch = self.mine(real), self.mine(level), self.mine(noise)
        loss = diffusion.noise_loss(self.players["model"], *batch, self.alpha_bar)
        return {"loss": self.descend("model", loss, self.rate_at(n))}

    def draw(self, num):
        """Digits (num, 1, 28, 28) in -1..1, always from the same noise."""
        generator = torch.Generator().manual_seed(self.seed)
        return diffusion.sample_digits(self.model, num, self.alpha_bar, generator=generator)
