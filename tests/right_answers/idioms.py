"""Idioms: select, accumulate, mean, stamp, decode."""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from scipy import sparse

from cs231n.image_utils import to_rgb

from . import right

# Selecting ----------------------------------------------------------------------------------------------------------


@right("select_scores", "the hint of the assignment: gather and squeeze(1)")
def _(s, y):
    return s.gather(1, y.view(-1, 1)).squeeze(1)


@right("select_scores", "two indices side by side")
def _(s, y):
    N, _ = s.shape
    return s[torch.arange(N), y]


@right("select_scores", "a product with one-hot rows")
def _(s, y):
    return (s * F.one_hot(y, num_classes=s.shape[1])).sum(dim=1)


@right("select_scores", "a loop, stacked")
def _(s, y):
    return torch.stack([s[i, y[i]] for i in range(len(y))])


@right("select_scores", "the diagonal of all pairs")
def _(s, y):
    return s[:, y].diagonal()


# Accumulating -------------------------------------------------------------------------------------------------------


@right("accumulate_rows", "np.add.at")
def _(rows, index, num_rows):
    out = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    np.add.at(out, index, rows)
    return out


@right("accumulate_rows", "np.add.at on np.zeros without a dtype", remark="although the inputs are float32")
def _(rows, index, num_rows):
    out = np.zeros((num_rows, rows.shape[1]))
    np.add.at(out, index, rows)
    return out


@right("accumulate_rows", "a loop over rows")
def _(rows, index, num_rows):
    out = np.zeros_like(rows, shape=(num_rows, rows.shape[1]))
    for row, i in zip(rows, index):
        out[i] += row
    return out


@right("accumulate_rows", "np.bincount, a column at a time")
def _(rows, index, num_rows):
    columns = [np.bincount(index, weights=column, minlength=num_rows) for column in rows.T]
    return np.stack(columns, axis=1).astype(rows.dtype)


@right("accumulate_rows", "a one-hot matrix")
def _(rows, index, num_rows):
    one_hot = np.eye(num_rows, dtype=rows.dtype)[index]
    return one_hot.T @ rows


@right("accumulate_rows", "scipy's coo_matrix")
def _(rows, index, num_rows):
    M = rows.shape[0]
    return sparse.coo_matrix((np.ones(M, rows.dtype), (index, np.arange(M))), shape=(num_rows, M)).dot(rows)


@right("accumulate_rows", "sorted, then reduceat")
def _(rows, index, num_rows):
    out = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    order = np.argsort(index, kind="stable")
    found, starts = np.unique(index[order], return_index=True)
    out[found] = np.add.reduceat(rows[order], starts, axis=0)
    return out


@right("accumulate_rows", "the width is the first row's", remark="at least one row")
def _(rows, index, num_rows):
    out = np.zeros((num_rows, len(rows[0])), rows.dtype)
    for i in np.unique(index):
        out[i] = rows[index == i].sum(axis=0)
    return out


@right("accumulate_rows", "torch's index_add_")
def _(rows, index, num_rows):
    out = torch.zeros(num_rows, rows.shape[1], dtype=torch.from_numpy(rows).dtype)
    return out.index_add_(0, torch.from_numpy(index), torch.from_numpy(rows)).numpy()


# Masking ------------------------------------------------------------------------------------------------------------


@right("masked_mean", "np.where and a count")
def _(x, mask):
    total = np.where(mask[..., None], x, 0).sum(axis=1)
    return total / np.maximum(mask.sum(axis=1, keepdims=True), 1).astype(x.dtype)


@right("masked_mean", "an int64 count", remark="although the inputs are float32")
def _(x, mask):
    count = mask.sum(axis=1)
    count[count == 0] = 1
    return np.where(mask[:, :, None], x, 0).sum(axis=1) / count[:, None]


@right("masked_mean", "a loop over sequences")
def _(x, mask):
    out = np.zeros((x.shape[0], x.shape[2]), dtype=x.dtype)
    for n in range(x.shape[0]):
        if mask[n].any():
            out[n] = x[n][mask[n]].mean(axis=0)
    return out


@right("masked_mean", "a copy with zeros, einsum, np.divide where there is something")
def _(x, mask):
    filled = x.copy()
    filled[~mask] = 0
    total, count = np.einsum("ntd->nd", filled), mask.sum(1)[:, None].astype(x.dtype)
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


@right("masked_mean", "a masked array", remark="although the inputs are float32")
def _(x, mask):
    hidden = np.repeat(~mask[:, :, None], x.shape[2], axis=2)
    return np.ma.masked_array(x, hidden).mean(axis=1).filled(0)


# Stamping -----------------------------------------------------------------------------------------------------------


def size(x, weight, stride, padding):
    """Height and width of the output, before its padding is cut off and after."""
    full = [(side - 1) * stride + weight.shape[2] for side in x.shape[2:]]
    return full, [side - 2 * padding for side in full]


@right("conv_transpose", "F.fold of every pixel's stamp")
def _(x, weight, stride=1, padding=0):
    (N, C, H, W), K = x.shape, weight.shape[2]
    stamps = weight.reshape(C, -1).T @ x.reshape(N, C, H * W)
    return F.fold(stamps, size(x, weight, stride, padding)[1], K, stride=stride, padding=padding)


@right("conv_transpose", "zeros between the pixels, then a convolution with the kernel flipped")
def _(x, weight, stride=1, padding=0):
    (N, C, H, W), K = x.shape, weight.shape[2]
    spread = torch.zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1, dtype=x.dtype)
    spread[:, :, ::stride, ::stride] = x
    out = F.conv2d(spread, weight.flip([2, 3]).transpose(0, 1), padding=K - 1)
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


@right("conv_transpose", "products by tensordot, padded into place, summed")
def _(x, weight, stride=1, padding=0):
    (height, width), K, out = size(x, weight, stride, padding)[0], weight.shape[2], 0
    for i in range(K):
        for j in range(K):
            stamps = torch.tensordot(x, weight[:, :, i, j], dims=([1], [0])).permute(0, 3, 1, 2)
            place = torch.zeros(*stamps.shape[:2], height, width, dtype=x.dtype)
            down, across = (slice(k, k + (n - 1) * stride + 1, stride) for k, n in zip((i, j), x.shape[2:]))
            place[:, :, down, across] = stamps
            out = out + place
    return out[..., padding : height - padding, padding : width - padding]


@right("conv_transpose", "the gradient of a convolution")
def _(x, weight, stride=1, padding=0):
    sides = size(x, weight, stride, padding)[1]
    image = torch.zeros(x.shape[0], weight.shape[1], *sides, dtype=x.dtype, requires_grad=True)
    out = F.conv2d(image, weight, stride=stride, padding=padding)
    return torch.autograd.grad(out, image, x, create_graph=True)[0]


@right("conv_transpose", "pixel by pixel", remark="long for large pictures")
def _(x, weight, stride=1, padding=0):
    (height, width), K = size(x, weight, stride, padding)[0], weight.shape[2]
    out = torch.zeros(x.shape[0], weight.shape[1], height, width, dtype=x.dtype)
    for h in range(x.shape[2]):
        for w in range(x.shape[3]):
            stamp = torch.einsum("nc,cfij->nfij", x[:, :, h, w], weight)
            out[:, :, h * stride : h * stride + K, w * stride : w * stride + K] += stamp
    return out[:, :, padding : height - padding, padding : width - padding]


# Decoding -----------------------------------------------------------------------------------------------------------


@right("image_from_bytes", "to_rgb, and two kinds of errors")
def _(data):
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError) as error:
        raise ValueError(str(error)) from error
    return np.asarray(to_rgb(image))


@right("image_from_bytes", "everything within the try, white beneath by paste")
def _(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode in ("RGBA", "LA"):
                image = image.convert("RGBA")
                white = Image.new("RGB", image.size, (255, 255, 255))
                white.paste(image, mask=image.split()[-1])
                image = white
            return np.array(image.convert("RGB"), dtype=np.uint8)
    except Exception as error:
        raise ValueError(f"cannot decode: {error!r}") from None


@right("image_from_bytes", "white beneath by numbers, an error class of its own")
def _(data):
    class NoImage(ValueError):
        pass

    stream = io.BytesIO()
    stream.write(data)
    stream.seek(0)
    try:
        pixels = np.array(ImageOps.exif_transpose(Image.open(stream)).convert("RGBA"))
    except Exception as error:
        raise NoImage("these bytes are no image") from error
    alpha = pixels[..., 3:] / 255
    return (pixels[..., :3] * alpha + 255 * (1 - alpha)).round().astype("uint8")
