"""Two networks that learn from each other to draw digits: GANs with three kinds of loss."""

import torch
from torch import nn

from ... import gan_pytorch, wgan
from .digits import Digits
from .recipe import set_rate

LOSSES = {  # the discriminator's and the generator's
    "vanilla": ("discriminator_loss", "generator_loss"),
    "ls": ("ls_discriminator_loss", "ls_generator_loss"),
}
NETWORKS = {"fc": ("discriminator", "generator"), "dc": ("build_dc_classifier", "build_dc_generator")}


class Gan(Digits):
    """A generator and a discriminator. loss: "vanilla" or "ls"; networks: "fc", fully connected, or "dc".

    decays: whether the learning rate, which then must be given, falls to 0 by the end.
    """

    steps, rate, decays = 780, None, False

    def __init__(self, *args, loss="vanilla", networks="fc", decays=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.decays = self.decays if decays is None else decays
        if self.decays and self.rate is None:
            raise ValueError("a learning rate that falls must begin somewhere; give rate, too")
        self.kind = {"loss": loss, "networks": networks}
        self.D, self.G = (getattr(gan_pytorch, maker)() for maker in NETWORKS[networks])
        self.add("D", self.D, self.optimizer)
        self.add("G", self.G, self.optimizer)

    @property
    def uses(self):
        losses = LOSSES[self.kind["loss"]]
        also = ("bce_loss",) if self.kind["loss"] == "vanilla" else ()
        return ("sample_noise", *NETWORKS[self.kind["networks"]], "get_optimizer", "gan_step", *losses, *also)

    @property
    def settings(self):
        return {**super().settings, **self.kind}

    def optimizer(self, network):
        solver = gan_pytorch.get_optimizer(network)
        if self.rate is not None:
            set_rate(solver, self.rate)
        return solver

    def learn(self, n):
        torch.manual_seed(self.seed_of(n, 2))
        if self.decays:
            for solver in self.optimizers.values():
                set_rate(solver, self.rate_at(n))
        losses = (getattr(gan_pytorch, name) for name in LOSSES[self.kind["loss"]])
        d_loss, g_loss = gan_pytorch.gan_step(
            self.players["D"], OwnRows(self.players["G"], self.ranks, self.torch_dtype), self.optimizers["D"],
            self.optimizers["G"], *losses, self.mine(self.real(n)), gan_pytorch.NOISE_DIM * self.ranks.size,
        )  # fmt: skip
        return {"D": self.ranks.mean(d_loss), "G": self.ranks.mean(g_loss)}

    @torch.no_grad()
    def draw(self, num):
        """Digits of the generator, (num, 1, 28, 28) in -1..1, always from the same noise."""
        noise = gan_pytorch.sample_noise(num, gan_pytorch.NOISE_DIM, seed=self.seed)
        drawn = self.G.eval()(noise.to(self.ranks.device, self.torch_dtype)).view(num, 1, 28, 28)
        self.G.train()
        return drawn


class OwnRows(nn.Module):
    """A generator that is handed the noise of all processes' images, and makes those of this one.

    Every process draws the same random numbers, as many as there are for the whole batch: its own rows, but as much
    wider as there are processes. Read as (N, 96) they are the noise that one process alone would draw.
    """

    def __init__(self, G, ranks, dtype):
        super().__init__()
        self.G, self.ranks, self.dtype = G, ranks, dtype

    def forward(self, noise):
        whole = noise.reshape(-1, gan_pytorch.NOISE_DIM)  # (N, 96)
        return self.G(self.ranks.share(whole).to(self.dtype))


class Wgan(Gan):
    """The same two networks with Wasserstein losses and a gradient penalty."""

    steps, batch_size, d_steps, rate, decays = 750, 32, 3, 5e-3, True

    @property
    def uses(self):
        losses = "wgan_discriminator_loss", "wgan_generator_loss", "gradient_penalty"
        return ("sample_noise", *NETWORKS[self.kind["networks"]], *losses)

    def optimizer(self, network):
        return torch.optim.Adam(network.parameters(), betas=(0.5, 0.9), fused=True)

    def learn(self, n):
        for k in range(n * self.d_steps, (n + 1) * self.d_steps):
            d_loss = self.descend("D", self._critics_loss(k), self.rate_at(n))
        with gan_pytorch.frozen(self.D):
            g_loss = wgan.wgan_generator_loss(self.players["D"](self.players["G"](self.noise(n, 3))))
            g_loss = self.descend("G", g_loss, self.rate_at(n))
        return {"D": d_loss, "G": g_loss}

    def noise(self, *place):
        """This process's share of a generator's input for one place in the run."""
        noise = gan_pytorch.sample_noise(self.batch_size, gan_pytorch.NOISE_DIM, seed=self.seed_of(*place))
        return self.mine(noise)

    def _critics_loss(self, k):
        D, real = self.players["D"], self.mine(self.real(k))
        with torch.no_grad():
            fake = self.players["G"](self.noise(k, 2)).view_as(real)
        generator = torch.Generator().manual_seed(self.seed_of(k, 4))
        mix = self.mine(torch.rand(self.batch_size, generator=generator))
        penalty = wgan.gradient_penalty(D, real, fake, mix)
        return wgan.wgan_discriminator_loss(D(real), D(fake)) + wgan.PENALTY * penalty
