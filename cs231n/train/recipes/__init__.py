"""What can be trained: for each model its data, its networks and optimizers, and one step of its training."""

from .captioners import Captioner, TransformerCaptioner
from .contrastive import Clip, Simclr
from .diffusion import Diffusion, GuidedDiffusion
from .gans import Gan, Wgan
from .recognition import Vit

__all__ = [
    "Captioner", "Clip", "Diffusion", "Gan", "GuidedDiffusion", "Simclr", "TransformerCaptioner", "Vit", "Wgan",
]  # fmt: skip
