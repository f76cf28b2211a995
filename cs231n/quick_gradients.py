"""Operations whose gradient torch would compute at greater cost: the same numbers to rounding, in fewer products."""

import torch
import torch.nn.functional as F
from torch import nn

BLOCK = 64  # columns; narrower blocks leave more of a symmetric product out, but keep the processor less busy


class SelfProduct(torch.autograd.Function):
    """`SelfProduct.apply(rows)`: rows^T rows for each matrix of a batch, (N, M, C) to (N, C, C).

    The result is symmetric, so little more than half of it is computed. And both factors are the same matrix: one
    product gives its gradient, where autograd would spend one on each factor.
    """

    @staticmethod
    def forward(ctx, rows):
        ctx.save_for_backward(rows)
        N, _, C = rows.shape
        out = rows.new_empty(N, C, C)
        for i in range(0, C, BLOCK):
            j = min(i + BLOCK, C)
            out[:, i:j, i:] = rows[..., i:j].mT @ rows[..., i:]
            out[:, j:, i:j] = out[:, i:j, j:].mT
        return out

    @staticmethod
    def backward(ctx, grad):
        (rows,) = ctx.saved_tensors
        return rows @ (grad + grad.mT)  # (N, M, C)


class FirstConv(nn.Module):
    """A frozen Conv2d that hands a gradient back to few channels, which library kernels for processors do slowly."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    @staticmethod
    def suits(module):
        """Whether this can stand in for the module."""
        plain = type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros"
        return plain and not isinstance(module.padding, str) and module.weight.device.type == "cpu"

    def forward(self, x):
        return _ConvOfInput.apply(x, self.conv)


class _ConvOfInput(torch.autograd.Function):
    """conv(x) with a gradient for x alone: one matrix product makes patches, F.fold adds them up where they overlap."""

    @staticmethod
    def forward(ctx, x, conv):
        ctx.conv, ctx.size = conv, x.shape[2:]
        return conv(x)

    @staticmethod
    def backward(ctx, grad):
        conv = ctx.conv
        patches = conv.weight.flatten(1).T @ grad.flatten(2)  # (N, channels * kernel, pixels)
        return F.fold(patches, ctx.size, conv.kernel_size, conv.dilation, conv.padding, conv.stride), None
