"""A round of the GAN game, and the feeding of images to it, against the loop that the assignment published.

The textbook's networks are the same and start from the same weights; its loop computes D's gradients also in G's step,
keeps G's graph in D's, takes Adam unfused, and draws its images from a DataLoader over Pillow images.
"""

import copy
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms import ToTensor

from cs231n import gan_pytorch as ours
from cs231n.train.game import In16Bits, full_batches

from .timing import Race

NOTES = (
    "A round: the next 128 images, a step of D, then a step of G. The losses of the first round, on the same seed,\n"
    "differ by no more than is said; later, Adam magnifies rounding. Feeding: one pass over the images, shuffled.\n"
    "bfloat16 pays on processors with instructions for it, and only there: elsewhere the row has no target."
)


def rows(tiny=False):
    """Yield the Rows one after the other; `tiny` sizes show that all of it runs, and measure nothing."""
    torch.set_num_threads(1)
    batch, rounds = (8, 3) if tiny else (128, 9)
    yield feeding_row(4 * batch if tiny else 4000, batch, rounds)
    connected = ours.discriminator(seed=1), ours.generator(seed=2)
    yield round_row("fully connected round", connected, batch, 0.8, rounds)
    torch.manual_seed(3)
    convolutional = tuple(
        m.apply(ours.initialize_weights) for m in (ours.build_dc_classifier(), ours.build_dc_generator())
    )
    yield round_row("DCGAN round", convolutional, batch, 0.78, rounds)
    yield round_row(
        "DCGAN round in bfloat16", convolutional, batch, 0.45 if fast_bfloat16() else None, 3, bfloat16=True
    )


def feeding_row(N, batch, rounds):
    images = torch.rand(N, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    loader = torch.utils.data.DataLoader(PillowImages(images), batch_size=batch, shuffle=True)

    def feed(source):
        return lambda: sum(len(real) for real in full_batches(source, batch, "cpu"))

    race = Race({"one tensor": feed(images), "DataLoader": feed(loader)}, rounds, seconds=12)
    return race.row(f"feeding {N} images", "one tensor", "DataLoader", 0.1)


def round_row(label, networks, batch, target, rounds, bfloat16=False):
    images = torch.rand(40 * batch, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    players = {name: Player(networks, name == "ours", bfloat16, images) for name in ("ours", "textbook")}
    real = ours.preprocess_img(images[:batch])
    apart = max(abs(a - b) / b for a, b in zip(*play(players, real)))
    race = Race({name: player.feed_and_play for name, player in players.items()}, rounds, seconds=25)
    return race.row(f"{label}, losses within {apart:.0e}", "ours", "textbook", target)


def play(players, real):
    """One round of each on the same noise: their losses."""
    losses = []
    for player in players.values():
        torch.manual_seed(5)
        losses.append([loss.item() for loss in player.play(real)])
    return losses


class Player:
    """Copies of two networks with optimizers of their own, the loop that they play by, and their source of images."""

    def __init__(self, networks, ours_, bfloat16, images):
        N = len(images) // 40
        source = images if ours_ else torch.utils.data.DataLoader(PillowImages(images), batch_size=N, shuffle=True)
        self.batches = full_batches(source, N, "cpu")
        D, G = (copy.deepcopy(network) for network in networks)
        self.step = ours.gan_step if ours_ else published_step
        if ours_:
            self.solvers = ours.get_optimizer(D), ours.get_optimizer(G)
            for network in (D, G):
                network.to(memory_format=torch.channels_last)
        else:
            self.solvers = tuple(torch.optim.Adam(m.parameters(), 1e-3, (0.5, 0.999), foreach=False) for m in (D, G))
        self.networks = [In16Bits(m) for m in (D, G)] if ours_ and bfloat16 else [D, G]

    def feed_and_play(self):
        return self.play(ours.preprocess_img(next(self.batches)))

    def play(self, real):
        losses = (ours.discriminator_loss, ours.generator_loss) if self.step is ours.gan_step else PUBLISHED
        return self.step(*self.networks, *self.solvers, *losses, real)


def fast_bfloat16():
    """Whether this processor has instructions that multiply bfloat16 numbers (AVX512-BF16 or AMX)."""
    try:
        return bool(re.search(r"\b(avx512_bf16|amx_bf16)\b", Path("/proc/cpuinfo").read_text(encoding="utf-8")))
    except OSError:
        return False


# The textbook


class PillowImages(torch.utils.data.Dataset):
    """Images as torchvision keeps MNIST: bytes, each made a Pillow image and then a tensor when it is asked for."""

    def __init__(self, images):
        self.pixels = (images * 255).to(torch.uint8)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, i):
        return ToTensor()(Image.fromarray(self.pixels[i, 0].numpy(), mode="L")), 0


def _bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target)


PUBLISHED = (
    lambda real, fake: _bce(real, torch.ones_like(real)) + _bce(fake, torch.zeros_like(fake)),
    lambda fake: _bce(fake, torch.ones_like(fake)),
)


def published_step(D, G, D_solver, G_solver, discriminator_loss, generator_loss, real, noise_size=ours.NOISE_DIM):
    N = len(real)
    D_solver.zero_grad()
    logits_real = D(real)
    fake = G(2 * torch.rand(N, noise_size) - 1).detach()
    d_loss = discriminator_loss(logits_real, D(fake.view(N, 1, 28, 28)))
    d_loss.backward()
    D_solver.step()

    G_solver.zero_grad()
    fake = G(2 * torch.rand(N, noise_size) - 1)
    g_loss = generator_loss(D(fake.view(N, 1, 28, 28)))
    g_loss.backward()
    G_solver.step()
    return d_loss, g_loss
