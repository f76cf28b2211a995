"""What cs231n.train can train: for each model its data, its networks and optimizers, and one step of its training.

All random numbers of a step follow from the seed and the step's number alone. So a run that goes on from a checkpoint
needs no more than that number, and several processes draw the same batch, of which each then takes its share.
"""

import math

import numpy as np
import torch
from torch import nn

from . import gan_pytorch, optim, wgan
from .caption_metrics import score_captions
from .classifiers.rnn import CaptioningRNN
from .classifiers.transformer import CaptioningTransformer
from .coco_utils import load_coco_data
from .diffusion import Denoiser, noise_loss, noise_schedule, sample_digits
from .digits import load_digits
from .distributed import Ranks, average_gradients
from .figures import tile
from .gan_metrics import judge, train_classifier
from .spatial_features import with_spatial_features


class Recipe:
    """One training run. steps: how many there are in all; batch_size: over all processes together.

    dtype: "float32", or "float64" to compare runs exactly. After training, `losses` maps each loss's name to its
    history. A subclass has its own defaults, and: learn(n), one step, returning losses by name; state() and
    load(state), all that changes while it learns; samples(), and score(), which looks at data not trained on.
    """

    steps, batch_size, rate = 1000, 128, 1e-3
    warm_up, decays = 0.0, True  # the share of the steps in which the rate rises; whether it falls afterwards

    def __init__(self, steps=None, batch_size=None, rate=None, seed=231, dtype="float32", ranks=None):
        for name, value in {"steps": steps, "batch_size": batch_size, "rate": rate}.items():
            if value is not None:
                if value <= 0:
                    raise ValueError(f"{name} is {value}; it must be more than 0")
                setattr(self, name, value)
        self.ranks = ranks or Ranks()
        if self.batch_size % self.ranks.size:
            raise ValueError(f"a batch of {self.batch_size} cannot be divided evenly among {self.ranks.size} processes")
        self.seed, self.dtype, self.losses = seed, dtype, {}
        self.done = self.saved = 0  # steps: taken, and in the last checkpoint
        self.seconds = 0.0  # of training
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)

    @property
    def settings(self):
        """What a checkpoint must agree in to be gone on from."""
        names = ("batch_size", "rate", "seed", "dtype", *(["steps"] if self.decays else []))
        return {"recipe": type(self).__name__, **{name: getattr(self, name) for name in names}}

    def seed_of(self, *place):
        """A seed for one place in the run, such as a step's number."""
        return int(np.random.SeedSequence([self.seed, *place]).generate_state(1)[0])

    def rows(self, n, num_rows):
        """Which of num_rows examples batch number n holds: every epoch has all of them, in an order of its own."""
        per_epoch = num_rows // self.batch_size
        if not per_epoch:
            raise ValueError(f"there are {num_rows} examples to train on; choose a batch_size of at most that")
        epoch, place = divmod(n, per_epoch)
        order = np.random.RandomState(self.seed_of(epoch, 1)).permutation(num_rows)
        return order[place * self.batch_size : (place + 1) * self.batch_size]

    def rate_at(self, n):
        """The learning rate of step n: up in a straight line, then down half a wave of the cosine to 0."""
        rising = int(self.warm_up * self.steps)
        if n < rising:
            return self.rate * (n + 1) / rising
        if not self.decays:
            return self.rate
        return self.rate * 0.5 * (1 + math.cos(math.pi * (n - rising) / (self.steps - rising)))


class Player:
    """What learns: `objective`, a module whose forward is the loss, and an optimizer of the parameters it teaches."""

    def __init__(self, objective, optimizer, ranks):
        self.objective, self.optimizer, self.ranks = ranks.parallel(objective), optimizer, ranks

    def learn(self, rate, *batch):
        """One step on this process's share of a batch; the loss over all processes."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.objective(*(self.ranks.share(part).to(self.ranks.device) for part in batch))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return self.ranks.mean(loss)


class TorchRecipe(Recipe):
    """A recipe of torch networks: subclasses fill `networks` and `players`, both by name."""

    @property
    def torch_dtype(self):
        return getattr(torch, self.dtype)

    def _place(self, network):
        return network.to(self.ranks.device, self.torch_dtype, memory_format=torch.channels_last)

    @property
    def num_parameters(self):
        return sum(p.numel() for network in self.networks.values() for p in network.parameters())

    def state(self):
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimizers": {name: player.optimizer.state_dict() for name, player in self.players.items()},
        }

    def load(self, state):
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, player in self.players.items():
            player.optimizer.load_state_dict(state["optimizers"][name])


# Captioners -------------------------------------------------------------------------------------------------


class Captioner(Recipe):
    """CaptioningRNN, the numpy captioner, with Adam. cell: "lstm" or "rnn"."""

    steps, batch_size, rate = 660, 100, 3e-3

    def __init__(self, *args, cell="lstm", data=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.data = data or load_coco_data()
        self.cell = cell
        self.model = CaptioningRNN(
            self.data["word_to_idx"], self.data["train_features"].shape[1], 128, 256, cell, np.dtype(self.dtype)
        )
        self.configs = {name: {} for name in self.model.params}

    @property
    def settings(self):
        return {**super().settings, "cell": self.cell}

    def learn(self, n):
        rows = self.ranks.share(self.rows(n, len(self.data["train_captions"])))
        features = self.data["train_features"][self.data["train_image_idxs"][rows]]
        loss, grads = self.model.loss(features, self.data["train_captions"][rows])
        if self.ranks.size > 1:
            grads = average_gradients(grads)
        for name, grad in grads.items():
            config = {**self.configs[name], "learning_rate": self.rate_at(n)}
            self.model.params[name], self.configs[name] = optim.adam(self.model.params[name], grad, config)
        return {"loss": self.ranks.mean(loss)}

    @property
    def num_parameters(self):
        return sum(array.size for array in self.model.params.values())

    def state(self):
        return {"params": _tensors(self.model.params), "configs": _tensors(self.configs)}

    def load(self, state):
        params, configs = _arrays(state["params"]), _arrays(state["configs"])
        shapes = {name: array.shape for name, array in self.model.params.items()}
        if {name: array.shape for name, array in params.items()} != shapes or configs.keys() != shapes.keys():
            raise ValueError("its parameters are of other names or shapes")
        self.model.params, self.configs = params, configs

    def samples(self):
        """Captions of 40 validation images."""
        return score_captions(self.model, self.data, num_images=40)["captions"]

    def score(self):
        found = score_captions(self.model, self.data)
        return {"BLEU-4": found["BLEU-4"], "wholly true": found["share_true"]}


class TransformerCaptioner(TorchRecipe):
    """CaptioningTransformer, which looks at the places of an image one by one where their features can be had."""

    steps, batch_size, rate, warm_up = 1000, 32, 2e-3, 0.1

    def __init__(self, *args, data=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.data = data or _spatial(load_coco_data(), self.ranks.device)
        torch.manual_seed(self.seed)
        self.model = self._place(CaptioningTransformer(
            self.data["word_to_idx"], self.data["train_features"].shape[-1], wordvec_dim=128,
        ))  # fmt: skip
        self.networks = {"model": self.model}
        objective, optimizer = CaptionObjective(self.model), torch.optim.Adam(self.model.parameters())
        self.players = {"model": Player(objective, optimizer, self.ranks)}

    def learn(self, n):
        torch.manual_seed(self.seed_of(n, self.ranks.rank))  # for dropout
        rows = self.rows(n, len(self.data["train_captions"]))
        features = torch.from_numpy(self.data["train_features"][self.data["train_image_idxs"][rows]])
        captions = torch.from_numpy(self.data["train_captions"][rows]).long()
        return {"loss": self.players["model"].learn(self.rate_at(n), features, captions)}

    samples, score = Captioner.samples, Captioner.score


class CaptionObjective(nn.Module):
    """The loss of a captioner."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, features, captions):
        return self.model.loss(features, captions)


def _spatial(data, device):
    if not data["train_urls"][0].startswith("data:"):
        return data  # pictures on the web: their features as a whole must do
    return with_spatial_features(data, device=device)


def _tensors(value):
    """Nested dicts of arrays and numbers with each array as a tensor, which a checkpoint may hold."""
    if isinstance(value, dict):
        return {name: _tensors(part) for name, part in value.items()}
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _arrays(value):
    """The opposite of _tensors."""
    if isinstance(value, dict):
        return {name: _arrays(part) for name, part in value.items()}
    return value.numpy() if isinstance(value, torch.Tensor) else value


# Digits -----------------------------------------------------------------------------------------------------


class Digits(TorchRecipe):
    """What the recipes that draw digits have in common: the digits, and the judge of those drawn."""

    def __init__(self, *args, images=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.images = load_digits("train")[0] if images is None else images
        torch.manual_seed(self.seed)

    def real(self, n):
        """Batch number n: (N, 1, 28, 28) in -1..1."""
        chosen = self.images[torch.from_numpy(self.rows(n, len(self.images)))]
        return gan_pytorch.preprocess_img(chosen).to(self.torch_dtype)

    def noise(self, *place):
        """A generator's input for one place in the run: (N, 96)."""
        noise = gan_pytorch.sample_noise(self.batch_size, gan_pytorch.NOISE_DIM, seed=self.seed_of(*place))
        return noise.to(self.torch_dtype)

    def samples(self):
        """64 digits as one picture, uint8."""
        return (255 * tile(gan_pytorch.deprocess_img(self.draw(64)).clamp(0, 1))).astype(np.uint8)

    def score(self):
        classifier = train_classifier(*load_digits("train"), epochs=2)
        drawn = gan_pytorch.deprocess_img(self.draw(1000)).float().clamp(0, 1).cpu()
        found = judge(drawn, load_digits("test")[0], classifier)
        found["rarest digit"] = min(found.pop("shares"))
        return found


class Gan(Digits):
    """A generator and a discriminator. loss: "vanilla" or "ls"; networks: "fc", fully connected, or "dc"."""

    steps, decays = 780, False
    d_steps = 1  # of the discriminator, to one of the generator

    def __init__(self, *args, loss="vanilla", networks="fc", **kwargs):
        super().__init__(*args, **kwargs)
        self.kind = {"loss": loss, "networks": networks}
        makers = {
            "fc": (gan_pytorch.discriminator, gan_pytorch.generator),
            "dc": (gan_pytorch.build_dc_classifier, gan_pytorch.build_dc_generator),
        }
        self.D, self.G = (self._place(make()) for make in makers[networks])
        self.networks = {"D": self.D, "G": self.G}
        self.players = {}
        with gan_pytorch.frozen(self.G):  # what does not learn from an objective must not be waited for
            self.players["D"] = Player(self.d_objective(), self.optimizer(self.D), self.ranks)
        with gan_pytorch.frozen(self.D):
            self.players["G"] = Player(self.g_objective(), self.optimizer(self.G), self.ranks)

    @property
    def settings(self):
        return {**super().settings, **self.kind}

    @property
    def loss_functions(self):
        """The discriminator's and the generator's."""
        return {
            "vanilla": (gan_pytorch.discriminator_loss, gan_pytorch.generator_loss),
            "ls": (gan_pytorch.ls_discriminator_loss, gan_pytorch.ls_generator_loss),
        }[self.kind["loss"]]

    def d_objective(self):
        return DiscriminatorObjective(self.D, self.G, self.loss_functions[0])

    def g_objective(self):
        return GeneratorObjective(self.D, self.G, self.loss_functions[1])

    def optimizer(self, network):
        return gan_pytorch.get_optimizer(network)

    def learn(self, n):
        for k in range(n * self.d_steps, (n + 1) * self.d_steps):
            d_loss = self.players["D"].learn(self.rate_at(n), self.real(k), self.noise(k, 2), *self.mix(k))
        return {"D": d_loss, "G": self.players["G"].learn(self.rate_at(n), self.noise(n, 3))}

    def mix(self, k):
        return ()

    @torch.no_grad()
    def draw(self, num):
        """Digits of the generator, (num, 1, 28, 28) in -1..1, always from the same noise."""
        noise = gan_pytorch.sample_noise(num, gan_pytorch.NOISE_DIM, seed=self.seed)
        drawn = self.G.eval()(noise.to(self.ranks.device, self.torch_dtype)).view(num, 1, 28, 28)
        self.G.train()
        return drawn


class DiscriminatorObjective(nn.Module):
    """A discriminator's loss on real images and on what a generator makes of noise."""

    def __init__(self, D, G, loss):
        super().__init__()
        self.D, self.G, self.loss = D, G, loss

    def fake(self, real, noise):
        with torch.no_grad():
            return self.G(noise).view_as(real)

    def forward(self, real, noise):
        return self.loss(self.D(real), self.D(self.fake(real, noise)))


class GeneratorObjective(DiscriminatorObjective):
    """A generator's loss on what it makes of noise."""

    def forward(self, noise):
        with gan_pytorch.frozen(self.D):
            return self.loss(self.D(self.G(noise)))


class Wgan(Gan):
    """The same two networks with Wasserstein losses and a gradient penalty."""

    steps, batch_size, d_steps, rate, decays = 750, 32, 3, 5e-3, True

    @property
    def loss_functions(self):
        return wgan.wgan_discriminator_loss, wgan.wgan_generator_loss

    def d_objective(self):
        return CriticObjective(self.D, self.G, self.loss_functions[0])

    def optimizer(self, network):
        return torch.optim.Adam(network.parameters(), betas=(0.5, 0.9), fused=True)

    def mix(self, k):
        generator = torch.Generator().manual_seed(self.seed_of(k, 4))
        return (torch.rand(self.batch_size, generator=generator).to(self.torch_dtype),)


class CriticObjective(DiscriminatorObjective):
    """A critic's loss with the gradient penalty; mix (N,) says where between real and generated images it is taken."""

    def forward(self, real, noise, mix):
        fake = self.fake(real, noise)
        penalty = wgan.gradient_penalty(self.D, real, fake, mix)
        return self.loss(self.D(real), self.D(fake)) + wgan.PENALTY * penalty


class Diffusion(Digits):
    """A network that learns to see the noise in a noisy digit, and so to take it away."""

    steps, batch_size, rate, warm_up = 2400, 32, 4e-3, 0.05
    num_levels = 1000  # of noise

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.model = self._place(Denoiser())
        self.networks = {"model": self.model}
        self.alpha_bar = noise_schedule(self.num_levels).to(self.ranks.device, self.torch_dtype)
        optimizer = torch.optim.Adam(self.model.parameters(), betas=(0.9, 0.99), fused=True)
        self.players = {"model": Player(NoiseObjective(self.model, self.alpha_bar), optimizer, self.ranks)}

    def learn(self, n):
        generator = torch.Generator().manual_seed(self.seed_of(n, 2))
        level = torch.randint(1, self.num_levels + 1, (self.batch_size,), generator=generator)
        real = self.real(n)
        noise = torch.randn(real.shape, generator=generator).to(self.torch_dtype)
        return {"loss": self.players["model"].learn(self.rate_at(n), real, level, noise)}

    def draw(self, num):
        """Digits (num, 1, 28, 28) in -1..1, always from the same noise."""
        return sample_digits(self.model, num, self.alpha_bar, generator=torch.Generator().manual_seed(self.seed))


class NoiseObjective(nn.Module):
    """The loss of a noise predictor."""

    def __init__(self, model, alpha_bar):
        super().__init__()
        self.model, self.alpha_bar = model, alpha_bar

    def forward(self, x0, level, noise):
        return noise_loss(self.model, x0, level, noise, self.alpha_bar)
