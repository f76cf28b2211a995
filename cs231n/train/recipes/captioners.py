"""Captioners of images: the recurrent ones, in numpy, and the Transformer."""

import numpy as np
import torch
from torch import nn

from ... import distributed, optim
from ...classifiers.rnn import CaptioningRNN
from ...classifiers.spatial_features import with_spatial_features
from ...classifiers.transformer import CaptioningTransformer
from ...coco_utils import load_coco_data
from ...scores.captions import score_captions
from .recipe import Recipe, TorchRecipe


class Captioner(Recipe):
    """CaptioningRNN, the numpy captioner, with Adam. cell: "lstm" or "rnn"."""

    steps, batch_size, rate = 660, 100, 3e-3
    uses_in_several = ("share_of_batch", "average_gradients")

    def __init__(self, *args, cell="lstm", data=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.data = data or load_coco_data()
        self.cell = cell
        self.model = CaptioningRNN(
            self.data["word_to_idx"], self.data["train_features"].shape[1], 128, 256, cell, np.dtype(self.dtype)
        )
        self.configs = {name: {} for name in self.model.params}

    @property
    def uses(self):
        cell = self.cell
        return (
            "word_embedding_forward", "word_embedding_backward", f"{cell}_forward", f"{cell}_backward",
            "captioning_rnn_loss", f"{cell}_step_forward", "captioning_rnn_sample",
        )  # fmt: skip

    @property
    def settings(self):
        return {**super().settings, "cell": self.cell}

    def learn(self, n):
        rows = self.ranks.share(self.rows(n, len(self.data["train_captions"])))
        features = self.data["train_features"][self.data["train_image_idxs"][rows]]
        loss, grads = self.model.loss(features, self.data["train_captions"][rows])
        grads = {name: grads[name] for name in self.model.params}  # an answer's may hold more
        if self.ranks.size > 1:
            grads = distributed.average_gradients(grads)
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
    uses = (
        "scaled_dot_product_attention", "multi_head_attention", "positional_encoding", "transformer_decoder_layer",
        "captioning_transformer",
    )  # fmt: skip

    def __init__(self, *args, data=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.data = data or _spatial(load_coco_data(), self.ranks.device)
        torch.manual_seed(self.seed)
        self.model = CaptioningTransformer(
            self.data["word_to_idx"], self.data["train_features"].shape[-1], wordvec_dim=128
        )
        self.add("model", self.model, lambda model: torch.optim.Adam(model.parameters()), CaptionObjective(self.model))

    def learn(self, n):
        torch.manual_seed(self.seed_of(n, self.ranks.rank))  # for dropout
        rows = self.rows(n, len(self.data["train_captions"]))
        features = torch.from_numpy(self.data["train_features"][self.data["train_image_idxs"][rows]])
        captions = torch.from_numpy(self.data["train_captions"][rows]).long()
        loss = self.players["model"](self.mine(features), self.mine(captions))
        return {"loss": self.descend("model", loss, self.rate_at(n))}

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
