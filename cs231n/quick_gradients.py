"""A product of a matrix with its own transpose, with a gradient that costs torch more: the same numbers to rounding."""

import torch

BLOCK = 64  # columns; narrower blocks leave more of a symmetric product out, but keep the processor less busy


class ChannelProducts(torch.autograd.Function):
    """`ChannelProducts.apply(features)`: the products of all pairs of channels, (N, C, H, W) to (N, C, C).

    The result is symmetric, so little more than half of it is computed. And both factors are the same matrix: one
    product gives its gradient, where autograd would spend one on each factor.
    """

    @staticmethod
    def forward(ctx, features):
        ctx.save_for_backward(features)
        N, C, _, _ = features.shape
        rows = _pixels(features)
        out = rows.new_empty(N, C, C)
        for i in range(0, C, BLOCK):
            j = min(i + BLOCK, C)
            out[:, i:j, i:] = rows[..., i:j].mT @ rows[..., i:]
            out[:, j:, i:j] = out[:, i:j, j:].mT
        return out

    @staticmethod
    def backward(ctx, grad):
        (features,) = ctx.saved_tensors
        last = features.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        # A tensor of its own, no view of one: into such a gradient autograd adds the next layer's without a copy.
        dfeatures = torch.empty_like(features, memory_format=layout)
        torch.matmul(_pixels(features), grad + grad.mT, out=_pixels(dfeatures))
        return dfeatures


def _pixels(features):
    """(N, C, H, W) as (N, H*W, C), a row per pixel; a view of the same memory in either usual layout."""
    return features.flatten(2).mT
