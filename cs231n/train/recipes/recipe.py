"""What all recipes have in common: a seed from which every step follows, and torch networks with their optimizers.

All random numbers of a step follow from the seed and the step's number alone. So a run that goes on from a checkpoint
needs no more than that number, and several processes draw the same batch, of which each then takes its share.
"""

import math

import numpy as np
import torch

from ..loop import Run
from ..ranks import Ranks


class Recipe(Run):
    """One training run. steps: how many there are in all; batch_size: over all processes together.

    rate: the highest learning rate; None: the optimizer's own. dtype: "float32", or "float64" to compare runs exactly.
    A subclass has its own defaults, what a Run has, and: uses, the ids of the TODOs whose answers it trains and draws
    with (uses_in_several: besides, where there are several processes); samples(); and score(), which looks at data not
    trained on.
    """

    advice = "try a lower --rate"
    uses, uses_in_several = (), ("share_of_batch",)
    steps, batch_size, rate = 1000, 128, 1e-3
    warm_up, decays = 0.0, True  # the share of the steps in which the rate rises; whether it falls afterwards

    def __init__(self, steps=None, batch_size=None, rate=None, seed=231, dtype="float32", ranks=None):
        super().__init__()
        for name, value in {"steps": steps, "batch_size": batch_size, "rate": rate}.items():
            if value is not None:
                if value <= 0:
                    raise ValueError(f"{name} is {value}; it must be more than 0")
                setattr(self, name, value)
        self.ranks = ranks or Ranks()
        if self.batch_size % self.ranks.size:
            raise ValueError(
                f"a batch of {self.batch_size} cannot be divided evenly among {self.ranks.size} processes; choose a "
                "multiple with --batch-size"
            )
        self.seed, self.dtype = seed, dtype
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)

    @property
    def first(self):
        return self.ranks.first

    @property
    def settings(self):
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


class TorchRecipe(Recipe):
    """A recipe of torch networks, which `add` takes up; networks, players and optimizers by their names."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.networks, self.players, self.optimizers = {}, {}, {}

    def add(self, name, network, optimizer_of, objective=None):
        """Take up a network, with the optimizer that optimizer_of(network) makes.

        players[name] is what a step calls: the network, or an objective around it, whose gradients are averaged over
        all processes.
        """
        network.to(self.ranks.device, self.torch_dtype, memory_format=torch.channels_last)
        self.networks[name], self.optimizers[name] = network, optimizer_of(network)
        self.players[name] = self.ranks.parallel(objective or network)

    @property
    def torch_dtype(self):
        """The dtype of the networks."""
        return getattr(torch, self.dtype)

    @property
    def num_parameters(self):
        """How many numbers the networks have to learn."""
        return sum(p.numel() for network in self.networks.values() for p in network.parameters())

    def mine(self, batch):
        """This process's share of a batch, where the networks are, numbers in their dtype."""
        dtype = self.torch_dtype if batch.is_floating_point() else None
        return self.ranks.share(batch).to(self.ranks.device, dtype)

    def descend(self, name, loss, rate):
        """A step of one network's optimizer down a loss; returns the loss over all processes."""
        optimizer = self.optimizers[name]
        set_rate(optimizer, rate)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return self.ranks.mean(loss)

    def state(self):
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
        }

    def load(self, state):
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
            self.optimizers[name].load_state_dict(state["optimizers"][name])


def set_rate(optimizer, rate):
    """Let an optimizer take its next steps with this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
