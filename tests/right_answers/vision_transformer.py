"""The Vision Transformer: patches, and the whole."""

import torch
import torch.nn.functional as F

from cs231n.vision_transformer import patchify

from . import right


@right("patchify", "torch's unfold")
def _(images, size):
    return F.unfold(images, kernel_size=size, stride=size).transpose(1, 2)


@right("patchify", "einsum in the middle, as einops does it")
def _(images, size):
    B, C, H, W = images.shape
    x = images.view(B, C, H // size, size, W // size, size)
    x = torch.einsum("nchpwq->nhwcpq", x)
    return x.flatten(3).flatten(1, 2)


@right("patchify", "slices, in two loops")
def _(images, size):
    patches = []
    for i in range(0, images.shape[2], size):
        for j in range(0, images.shape[3], size):
            patches.append(images[:, :, i : i + size, j : j + size].reshape(len(images), -1))
    return torch.stack(patches, dim=1)


@right("patchify", "the tensor's own unfold, twice")
def _(images, size):
    x = images.unfold(2, size, size).unfold(3, size, size)  # (N, C, h, w, size, size)
    return x.movedim(1, 3).contiguous().view(images.size(0), -1, images.size(1) * size * size)


@right("vision_transformer", "repeat, and positions added in place")
def _(self, images):
    x = self.project(patchify(images, self.patch_size))
    cls_tokens = self.class_token.repeat(x.shape[0], 1, 1)
    x = torch.cat([cls_tokens, x], dim=1)
    x += self.positions
    for blk in self.blocks:
        x = blk(x)
    x = self.norm(x)
    return self.head(x[:, 0])


@right("vision_transformer", "positions added to both parts apart, only the first word normalised")
def _(self, images):
    token = (self.class_token + self.positions[:, :1]).expand(len(images), 1, -1)
    patches = self.project(patchify(images, self.patch_size)) + self.positions[:, 1:]
    words = torch.hstack((token, patches))
    for i in range(len(self.blocks)):
        words = self.blocks[i](words)
    return self.head(self.norm(words[:, 0, :]))


@right("vision_transformer", "patches and projection as one convolution")
def _(self, images):
    E, P = self.project.out_features, self.patch_size
    kernel = self.project.weight.view(E, -1, P, P)
    x = F.conv2d(images, kernel, self.project.bias, stride=P).flatten(2).mT
    x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), 1) + self.positions
    return self.head(self.norm(torch.nn.Sequential(*self.blocks)(x)).select(1, 0))


@right("vision_transformer", "a tensor filled part by part")
def _(self, images):
    patches = self.project(patchify(images, self.patch_size))
    N, S, E = patches.shape
    words = patches.new_empty(N, S + 1, E)
    words[:, 0] = self.class_token[0, 0]
    words[:, 1:] = patches
    words = words + self.positions
    for block in self.blocks:
        words = block.forward(words)
    return self.head(self.norm(words))[:, 0]
