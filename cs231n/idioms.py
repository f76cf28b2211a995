"""Small idioms that the notebooks rest on: picking, accumulating, masking, stamping, decoding.

Each is a line or two once one knows how, and each has a way of going wrong that no error message tells of.
"""

import io

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from scipy import sparse

from .image_utils import FORMATS, reason_of, to_rgb

_to_rgb = to_rgb  # answers written for earlier editions know it by this name

__all__ = ["select_scores", "accumulate_rows", "masked_mean", "conv_transpose", "image_from_bytes"]


def select_scores(s, y):
    """Each image's score of its own label: torch tensors s (N, C) and y (N,) int64 -> (N,) of s[i, y[i]].

    A gradient flows back into s, and a batch of one gives shape (1,).
    """
    # TODO(select_scores): gather along the classes wants an index with as many axes as s; drop the axis that you
    # added, and no other.
    ### BEGIN SOLUTION select_scores
    return s.gather(1, y[:, None])[:, 0]  # not squeeze(), which drops N as well where N is 1
    ### END SOLUTION


def accumulate_rows(rows, index, num_rows):
    """Add up the rows that share an index: rows (M, D), index (M,) -> (num_rows, D), of the dtype of rows.

    Row i is the sum of rows[index == i], zero where there are none. index holds integers in 0..num_rows-1, in any
    order and any of them several times.
    """
    # TODO(accumulate_rows): `out[index] += rows` keeps only one of the rows with equal index. This sum is a matrix
    # product: which matrix, one 1 in each column, takes rows to the result?
    ### BEGIN SOLUTION accumulate_rows
    M = len(rows)
    ones = np.ones(M, dtype=rows.dtype)
    belongs = sparse.csr_array((ones, (index, np.arange(M))), shape=(num_rows, M))  # 1 where row m goes to row i
    return belongs @ rows
    ### END SOLUTION


def masked_mean(x, mask):
    """The mean over the marked steps of each sequence: x (N, T, D), mask (N, T) bool -> (N, D), of the dtype of x.

    Whatever stands at unmarked steps, nan included, plays no part. A sequence without any mark gives zeros.
    """
    # TODO(masked_mean): the sum over the marked steps, divided by how many there are in this sequence; where there
    # is none, by 1.
    ### BEGIN SOLUTION masked_mean
    total = x.sum(axis=1, where=mask[:, :, None])  # not x * mask: nan times 0 is nan
    count = np.maximum(mask.sum(axis=1), 1).astype(x.dtype)  # float32 by int64 would be float64
    return total / count[:, None]
    ### END SOLUTION


def conv_transpose(x, weight, stride=1, padding=0):
    """A transposed convolution, the adjoint of a convolution, as nn.ConvTranspose2d without bias.

    Torch tensors x (N, C, H, W), weight (C, F, K, K) -> (N, F, (H-1)*stride + K - 2*padding, same for W). Each
    input pixel stamps its kernel onto the output, stride pixels apart; overlaps add up, and `padding` pixels are
    cut off all round. Gradients flow into x and weight. Raises ValueError if no output pixel would be left.
    """
    height, width = _stamped_size(x, weight, stride, padding)
    # TODO(conv_transpose): loop over the K*K places of the kernel, not over pixels. All pixels' stamps at place
    # (i, j) land on one strided slice of the output, which starts at (i, j).
    ### BEGIN SOLUTION conv_transpose
    (N, _, H, W), (_, F, K, _) = x.shape, weight.shape
    out = x.new_zeros(N, F, height, width)
    for i in range(K):
        for j in range(K):
            stamps = torch.einsum("nchw,cf->nfhw", x, weight[:, :, i, j])
            out[:, :, i : i + stride * H : stride, j : j + stride * W : stride] += stamps
    return out[:, :, padding : height - padding, padding : width - padding]
    ### END SOLUTION


def _stamped_size(x, weight, stride, padding):
    """Height and width of the output of conv_transpose before its padding is cut off."""
    K = weight.shape[-1]
    sides = [(side - 1) * stride + K for side in x.shape[2:]]
    if min(sides) <= 2 * padding:
        raise ValueError(f"padding {padding} cuts off all of an output of {sides[0]} x {sides[1]} pixels")
    return sides


def image_from_bytes(data):
    """The picture in the bytes of an image file: uint8 (H, W, 3) of RGB, decoded in memory, without a file.

    Grey, palette and RGBA pictures come back as RGB, too, transparency on white. Raises ValueError, which says what
    the trouble is, for bytes that are no image or are cut short.
    """
    # TODO(image_from_bytes): io.BytesIO makes bytes look like an open file. Pillow's errors are of several kinds,
    # and open() reads no further than the header; to_rgb turns any picture into RGB.
    ### BEGIN SOLUTION image_from_bytes
    file = io.BytesIO(data)
    try:
        image = Image.open(file, formats=FORMATS)
        image.load()  # the pixels are decoded here, and damage shows here
    except Exception as error:  # decoders raise many kinds
        reason = "unknown format" if isinstance(error, UnidentifiedImageError) else reason_of(error)
        raise ValueError(f"{len(data)} bytes that cannot be read as an image: {reason}") from error
    return np.array(to_rgb(image))
    ### END SOLUTION
