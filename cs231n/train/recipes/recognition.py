"""Digits read by a Vision Transformer."""

import torch
from torch import nn

from ...datasets.digits import load_digits
from ...vision_transformer import VisionTransformer
from .recipe import TorchRecipe


class Vit(TorchRecipe):
    """A VisionTransformer that learns which digit it sees. positions=False: it is not told where a patch belongs."""

    steps, batch_size, rate, warm_up = 1500, 64, 2e-3, 0.1
    uses = ("patchify", "scaled_dot_product_attention", "multi_head_attention", "vision_transformer")

    def __init__(self, *args, digits=None, positions=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.images, self.labels = digits or load_digits("train")
        self.told_positions = positions
        torch.manual_seed(self.seed)
        self.model = VisionTransformer()
        if not positions:
            self.model.positions = nn.Parameter(torch.zeros_like(self.model.positions), requires_grad=False)
        self.add(
            "model", self.model, lambda model: torch.optim.AdamW(model.parameters(), weight_decay=0.05, fused=True)
        )

    @property
    def settings(self):
        return {**super().settings, "positions": self.told_positions}

    def learn(self, n):
        rows = torch.from_numpy(self.rows(n, len(self.images)))
        scores = self.players["model"](self.mine(2 * self.images[rows] - 1))
        loss = nn.functional.cross_entropy(scores, self.mine(self.labels[rows]))
        return {"loss": self.descend("model", loss, self.rate_at(n))}

    @torch.no_grad()
    def read(self, images):
        """What the model takes images (N, 1, 28, 28) in 0..1 for: labels (N,)."""
        parts = (2 * images - 1).to(self.ranks.device, self.torch_dtype).split(500)
        return torch.cat([self.model(part).argmax(dim=1) for part in parts]).cpu()

    def samples(self):
        """What it reads in 40 new digits."""
        images, labels = (part[:40] for part in load_digits("test"))
        return [f"a {label}, read as {said}" for label, said in zip(labels, self.read(images))]

    def score(self):
        images, labels = load_digits("test")
        return {"read rightly": (self.read(images) == labels).double().mean().item()}
