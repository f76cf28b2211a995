"""Answers that are right for many inputs and break later: none passes, and one that rolls dice is told so."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_checks import replace
from torch import nn

from cs231n import gan_pytorch
from cs231n.checks.todo import TODOS
from cs231n.checks.verdict import evaluate
from cs231n.gan_pytorch import bce_loss
from cs231n.transformer_layers import scaled_dot_product_attention


class Squeezing(nn.Module):
    """Drops every axis of length 1 of its input: the channel, and the batch where it holds one image."""

    def forward(self, x):
        x = x.squeeze()
        return x.reshape(len(x), -1)


def _judge(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    layers = nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 256), nn.LeakyReLU(), nn.Linear(256, 1)
    return nn.Sequential(Squeezing(), *layers)


def _painter(noise_dim=96):
    def dense(inputs, outputs):
        return nn.Linear(inputs, outputs), nn.ReLU(), nn.BatchNorm1d(outputs)

    up, last = nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ConvTranspose2d(64, 1, 4, 2, 1)
    images = nn.Unflatten(1, (128, 7, 7)), up, nn.ReLU(), nn.BatchNorm2d(64), last, nn.Tanh()
    return nn.Sequential(*dense(noise_dim, 1024), *dense(1024, 6272), *images, Squeezing())


def _targets_by_length(logits_real, logits_fake):
    N = len(logits_real.squeeze())
    return bce_loss(logits_real, torch.ones(N, 1)) + bce_loss(logits_fake, torch.zeros(N, 1))


def _by_variance(scores_fake):
    off, N = scores_fake - 1, len(scores_fake)
    return ((off - off.mean()).square().sum() / (N - 1) * (N - 1) / N + off.mean() ** 2) / 2


def _squared_norms(D, real, fake, mix):
    mix = mix.reshape(-1, *[1] * (real.dim() - 1))
    mixture = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(D(mixture).sum(), mixture, create_graph=True)
    return ((gradient.squeeze().flatten(1).norm(dim=1) - 1) ** 2).mean()


def _squeezed_means(x, mask):
    total, count = np.where(mask[:, :, None], x, 0).sum(axis=1), np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return (total / count).squeeze().astype(x.dtype)


def _squeezed_heads(self, query, key, value, attn_mask=None):
    H = self.num_heads
    q, k, v = (
        layer(x).unflatten(-1, (H, -1)).transpose(1, 2)
        for layer, x in ((self.query, query), (self.key, key), (self.value, value))
    )
    _, weights = scaled_dot_product_attention(q, k, v, attn_mask)
    self.weights = weights.detach().squeeze()
    return self.proj((self.dropout(weights) @ v).transpose(1, 2).flatten(2))


def _captions_squeezed(self, features, captions):
    features = self._checked_features(features)
    captions = self._checked_captions(captions, len(features), at_least=1)
    words, T = self.positional_encoding(self.embedding(captions)), captions.shape[1]
    out = self.transformer(words, self.visual_projection(features), torch.ones(T, T).tril())
    return self.output(out.squeeze())


BREAKING = {
    "discriminator": (_judge, "one image"),
    "build_dc_generator": (_painter, "a single image in eval mode"),
    "discriminator_loss": (_targets_by_length, "one image"),
    "ls_generator_loss": (_by_variance, "one image"),
    "generator_loss": (lambda fake: (1 + fake.neg().exp()).log().mean(), "large numbers"),
    "gradient_penalty": (_squared_norms, "one image"),
    "masked_mean": (_squeezed_means, "one sequence of one step"),
    "multi_head_attention": (_squeezed_heads, "one head"),
    "captioning_transformer": (_captions_squeezed, "one image and one word"),
    "share_of_batch": (lambda batch, rank, n: np.array(np.split(np.asarray(batch), n)[rank]), "tensor"),
}


@pytest.mark.parametrize("id", BREAKING)
def test_what_breaks_later_is_wrong(monkeypatch, id):
    answer, case = BREAKING[id]
    replace(monkeypatch, TODOS[id], answer)
    result = evaluate(id)
    assert result.state == "wrong" and case in " ".join([result.reason, *result.details])


def _dropping(query, key, value, mask=None):
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    return F.dropout(output, 0.5), weights


def _shaken(rows, index, num_rows):
    sums = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    np.add.at(sums, index, rows)
    return sums + np.random.randn(*sums.shape).astype(rows.dtype)


@pytest.mark.parametrize(
    "id, answer", [("scaled_dot_product_attention", _dropping), ("accumulate_rows", _shaken)], ids=["torch", "numpy"]
)
def test_dice_are_told(monkeypatch, id, answer):
    replace(monkeypatch, TODOS[id], answer)
    result = evaluate(id)
    assert result.state == "wrong" and "another result each time" in result.reason


def test_losses_as_plain_numbers_do_not_break(monkeypatch):
    """What gan_step may return by its check, a run takes."""
    step = gan_pytorch.gan_step
    monkeypatch.setattr(gan_pytorch, "gan_step", lambda *args: tuple(loss.item() for loss in step(*args)))
    D, G = gan_pytorch.discriminator(), gan_pytorch.generator()
    solvers = gan_pytorch.get_optimizer(D), gan_pytorch.get_optimizer(G)
    losses = gan_pytorch.discriminator_loss, gan_pytorch.generator_loss
    run = gan_pytorch.run_a_gan(D, G, *solvers, *losses, torch.rand(4, 1, 28, 28), batch_size=2, num_epochs=1)
    assert len(run.d_losses) == len(run.g_losses) == 2


def test_an_answer_that_writes_into_its_weights_spoils_no_later_check(monkeypatch):
    class Vandal(nn.Sequential):
        def forward(self, x):
            with torch.no_grad():
                for p in self.parameters():
                    p.zero_()
            return super().forward(x)

    widths = nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 256), nn.LeakyReLU(), nn.Linear(256, 1)
    with monkeypatch.context() as patch:
        replace(patch, TODOS["discriminator"], lambda seed=None: Vandal(*widths))
        assert evaluate("discriminator", explained=False).state == "wrong"
    assert evaluate("discriminator").state == "passed"


@pytest.mark.parametrize("kind, value", [("None", None), ("object", object()), ("str", "dx"), ("list", [1.0, 2.0])])
def test_what_is_no_array_is_no_matter_of_chance(monkeypatch, kind, value):
    replace(monkeypatch, TODOS["rnn_backward"], lambda dh, cache: (value,) * 5)
    assert re.match(rf"dx is (a )?{kind}", evaluate("rnn_backward").reason)
