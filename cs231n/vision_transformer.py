"""The Vision Transformer: a picture is cut into patches, which attend to one another as words do.

Source: Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, https://arxiv.org/abs/2010.11929
"""

import torch
import torch.nn.functional as F  # noqa: F401  for answers that use it
from torch import nn

from .transformer_layers import MultiHeadAttention


def patchify(images, size):
    """Images (N, C, H, W) cut into squares of size x size pixels: (N, S, C * size * size), S patches of each.

    The patches come row by row from the top left; the numbers of one channel by channel, and in a channel row by row.
    Raises ValueError where size does not divide H and W.
    """
    if images.ndim != 4 or size < 1 or images.shape[2] % size or images.shape[3] % size:
        raise ValueError(f"images are {tuple(images.shape)}; they must be (N, C, H, W), H and W multiples of {size}")
    # TODO(patchify): cut H and W in two axes each, patch and pixel; bring the two axes of patches to the front, and let
    # what is left of each patch become one row of numbers.
    ### BEGIN SOLUTION patchify
    N, C, H, W = images.shape
    cut = images.reshape(N, C, H // size, size, W // size, size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(N, -1, C * size * size)
    ### END SOLUTION


class EncoderBlock(nn.Module):
    """One layer of the encoder: attention among all words, then a small network for each of them.

    Each part's input is normalised first and added back afterwards (pre-norm, Dosovitskiy et al. 2020, eq. 2 and 3).
    embed_dim E; num_heads: must divide E; hidden: the small network's width.
    """

    def __init__(self, embed_dim, num_heads, hidden):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(embed_dim), nn.LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads, dropout=0.0)
        self.mlp = nn.Sequential(nn.Linear(embed_dim, hidden), nn.GELU(), nn.Linear(hidden, embed_dim))

    def forward(self, x):
        """x (N, T, E) -> (N, T, E)."""
        seen = self.norm1(x)
        x = x + self.attention(seen, seen, seen)
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """A classifier of images (N, channels, side, side) that reads them as words; scores (N, num_classes).

    patch_size: of the side of a patch, a divisor of side (ValueError). embed_dim E: the width of everything inside, a
    multiple of num_heads. One word more, class_token, stands in front of the patches: it is the same for every image,
    collects what the scores need, and is all that they are made from. positions (1, 1 + S, E) are learned.
    """

    def __init__(self, side=28, patch_size=7, channels=1, num_classes=10, embed_dim=64, num_heads=4, num_layers=3):
        super().__init__()
        if patch_size < 1 or side % patch_size:
            raise ValueError(f"patch_size is {patch_size}; it must divide the side of an image, {side}")
        self.patch_size, num_patches = patch_size, (side // patch_size) ** 2
        self.project = nn.Linear(channels * patch_size**2, embed_dim)
        self.class_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + num_patches, embed_dim))
        self.blocks = nn.ModuleList(EncoderBlock(embed_dim, num_heads, 2 * embed_dim) for _ in range(num_layers))
        self.norm = nn.LayerNorm(embed_dim)
        self.head = nn.Linear(embed_dim, num_classes)

    def forward(self, images):
        """images (N, channels, side, side) -> scores (N, num_classes)."""
        # TODO(vision_transformer): project the patches; set class_token in front of each image's; add positions; go
        # through the blocks one after another and self.norm; score the first word with self.head.
        ### BEGIN SOLUTION vision_transformer
        patches = self.project(patchify(images, self.patch_size))  # (N, S, E)
        words = torch.cat((self.class_token.expand(len(images), -1, -1), patches), dim=1)
        words = words + self.positions  # (N, 1 + S, E)
        for block in self.blocks:
            words = block(words)
        return self.head(self.norm(words)[:, 0])
        ### END SOLUTION

    @torch.no_grad()
    def attend(self, images):
        """Where the class token looks in the last layer: (N, S), the mean over the heads; each row sums to at most 1.

        What is missing to 1 is what it keeps for itself.
        """
        self(images)
        return self.blocks[-1].attention.weights[:, :, 0, 1:].mean(dim=1)
