"""What can be trained: for each model its data, its networks and optimizers, and one step of its training."""

from .captioners import Captioner, TransformerCaptioner
from .diffusion import Diffusion, GuidedDiffusion
from .gans import Gan, Wgan

__all__ = ["Captioner", "Diffusion", "Gan", "GuidedDiffusion", "TransformerCaptioner", "Wgan"]
