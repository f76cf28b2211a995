"""Style transfer's losses."""

import torch
import torch.nn.functional as F
from torch import nn

from cs231n.style_transfer_pytorch import gram_matrix

from . import right

# Content ----------------------------------------------------------------------------------------------------


@right("content_loss", "torch.sum and torch.pow")
def _(content_weight, content_current, content_original):
    return content_weight * torch.sum(torch.pow(content_current - content_original, 2))


@right("content_loss", "features as matrices (C, H * W) by view")
def _(content_weight, content_current, content_original):
    _, C, H, W = content_current.size()
    current, original = content_current.view(C, H * W), content_original.view(C, H * W)
    return content_weight * ((current - original) ** 2).sum()


@right("content_loss", "F.mse_loss with a sum")
def _(content_weight, content_current, content_original):
    return F.mse_loss(content_current, content_original, reduction="sum") * content_weight


@right("content_loss", "nn.MSELoss, whose mean is undone")
def _(content_weight, content_current, content_original):
    return content_weight * nn.MSELoss()(content_current, content_original.detach()) * content_current.numel()


@right("content_loss", "the square of a norm")
def _(content_weight, content_current, content_original):
    difference = content_current.reshape(-1) - content_original.reshape(-1)
    return content_weight * difference.dot(difference)


@right("content_loss", "a loop over channels, a loss of shape (1,)")
def _(content_weight, content_current, content_original):
    loss = torch.zeros(1)
    for now, then in zip(content_current.squeeze(0), content_original.squeeze(0)):
        loss += ((now - then) ** 2).sum()
    return loss * content_weight


@right("content_loss", "the difference in a row by view(-1)", remark=".reshape takes every layout")
def _(content_weight, content_current, content_original):
    row = (content_current - content_original).view(-1)
    return content_weight * torch.dot(row, row)


# Gram matrix ------------------------------------------------------------------------------------------------


@right("gram_matrix", "view and bmm")
def _(features, normalize=True):
    N, C, H, W = features.size()
    rows = features.view(N, C, H * W)
    gram = torch.bmm(rows, rows.transpose(1, 2))
    if normalize:
        gram /= float(C * H * W)
    return gram


@right("gram_matrix", "einsum over pixels")
def _(features, normalize=True):
    gram = torch.einsum("bchw,bdhw->bcd", features, features)
    return gram.div(features.shape[1] * features.shape[2] * features.shape[3]) if normalize else gram


@right("gram_matrix", "an image at a time into torch.zeros")
def _(features, normalize=True):
    N, C, H, W = features.shape
    gram = torch.zeros((N, C, C))
    for n in range(N):
        F_n = features[n].reshape(C, -1)
        gram[n] = torch.mm(F_n, F_n.t())
    return gram / (H * W * C) if normalize else gram


@right("gram_matrix", "permuted, pixels first")
def _(features, normalize=True):
    N, C, H, W = features.size()
    pixels = features.permute(0, 2, 3, 1).reshape(N, H * W, C)
    gram = pixels.permute(0, 2, 1).matmul(pixels)
    if normalize is True:
        gram = gram * (1.0 / (H * W * C))
    return gram


@right("gram_matrix", "the products channel by channel, stacked")
def _(features, normalize=True):
    channels = features.unbind(1)
    pairs = [torch.stack([(one * other).sum((1, 2)) for other in channels], dim=1) for one in channels]
    return torch.stack(pairs, dim=1) / (features[0].numel() if normalize else 1)


@right("gram_matrix", "rows divided by the root of the size before the product")
def _(features, normalize=True):
    rows = features.flatten(start_dim=2)
    if normalize:
        rows = rows / (rows.shape[1] * rows.shape[2]) ** 0.5
    return rows @ rows.mT


@right("gram_matrix", "torch.zeros of float32, written into", remark="right for float32")
def _(features, normalize=True):
    N, C, H, W = features.shape
    rows = features.reshape(N, C, H * W)
    gram = torch.zeros(N, C, C, dtype=torch.float32)
    for n in range(N):
        gram[n] = rows[n] @ rows[n].T
    return gram / (C * H * W) if normalize else gram


# Style ------------------------------------------------------------------------------------------------------


@right("style_loss", "a loop over indices from 0, +=")
def _(feats, style_layers, style_targets, style_weights):
    loss = 0
    for i in range(len(style_layers)):
        gram = gram_matrix(feats[style_layers[i]])
        loss += style_weights[i] * torch.sum((gram - style_targets[i]) ** 2)
    return loss


@right("style_loss", "a tensor of one number, added to in place")
def _(feats, style_layers, style_targets, style_weights):
    style_loss = torch.tensor([0.0])
    for i, layer in enumerate(style_layers):
        style_loss += style_weights[i] * (gram_matrix(feats[layer], normalize=True) - style_targets[i]).pow(2).sum()
    return style_loss


@right("style_loss", "terms in a list, stacked and multiplied by a tensor of weights")
def _(feats, style_layers, style_targets, style_weights):
    offs = [gram_matrix(feats[layer]) - target for layer, target in zip(style_layers, style_targets)]
    return torch.dot(torch.stack([off.norm() ** 2 for off in offs]), torch.tensor(style_weights))


@right("style_loss", "content_loss of Gram matrices, by a function within")
def _(feats, style_layers, style_targets, style_weights):
    def content(weight, current, original):
        return weight * F.mse_loss(current, original, reduction="sum")

    grams = (gram_matrix(feats[layer].clone()) for layer in style_layers)
    return sum(map(content, style_weights, grams, style_targets))


@right("style_loss", "an index that counts up, a loss of float32 from torch.FloatTensor")
def _(feats, style_layers, style_targets, style_weights):
    index, loss = 0, torch.zeros(1).type(torch.FloatTensor)
    while index < len(style_layers):
        target, weight = style_targets[index], style_weights[index]
        loss = loss + weight * (gram_matrix(feats[style_layers[index]]) - target).square().sum()
        index += 1
    return loss


@right("style_loss", "a Gram matrix written out, weights before the sum, in float32", remark="right for float32")
def _(feats, style_layers, style_targets, style_weights):
    loss = torch.zeros(1, 1, dtype=torch.float32)
    for layer, target, weight in zip(style_layers, style_targets, style_weights):
        C = feats[layer].shape[1]
        rows = feats[layer].view(C, -1)
        off = (rows @ rows.t() / rows.numel() - target[0]).reshape(1, -1)
        loss = torch.addmm(loss, off, off.t(), alpha=weight)
    return loss


# Total variation --------------------------------------------------------------------------------------------


@right("tv_loss", "slices of all four axes, torch.sum")
def _(img, tv_weight):
    down = torch.sum((img[:, :, 1:, :] - img[:, :, :-1, :]) ** 2)
    across = torch.sum((img[:, :, :, 1:] - img[:, :, :, :-1]) ** 2)
    loss = tv_weight * (down + across)
    return loss


@right("tv_loss", "narrow and pow, by the sizes")
def _(img, tv_weight):
    N, C, H, W = img.size()
    rows = img.narrow(2, 1, H - 1) - img.narrow(2, 0, H - 1)
    columns = img.narrow(3, 1, W - 1) - img.narrow(3, 0, W - 1)
    return (rows.pow(2).sum() + columns.pow(2).sum()).mul(tv_weight)


@right("tv_loss", "F.mse_loss with sums")
def _(img, tv_weight):
    return tv_weight * sum(
        F.mse_loss(img.narrow(d, 1, img.size(d) - 1), img.narrow(d, 0, img.size(d) - 1), reduction="sum")
        for d in (2, 3)
    )


@right("tv_loss", "torch.diff")
def _(img, tv_weight):
    return tv_weight * (torch.diff(img, dim=-1).square().sum() + torch.diff(img, dim=-2).square().sum())


@right("tv_loss", "roll, with the edge that wraps around cut off")
def _(img, tv_weight):
    down = (torch.roll(img, -1, dims=2) - img)[:, :, :-1]
    across = (torch.roll(img, -1, dims=3) - img)[..., :-1]
    return (down.norm() ** 2 + across.norm() ** 2) * tv_weight


@right("tv_loss", "image by image and channel by channel")
def _(img, tv_weight):
    loss = 0.0
    for image in img:
        for channel in image:
            loss = loss + ((channel[1:] - channel[:-1]) ** 2).sum() + ((channel[:, 1:] - channel[:, :-1]) ** 2).sum()
    return tv_weight * loss


@right("tv_loss", "padded by the last row and column")
def _(img, tv_weight):
    padded = F.pad(img, (0, 1, 0, 1), mode="replicate")
    return tv_weight * ((padded[:, :, 1:, :-1] - img) ** 2 + (padded[:, :, :-1, 1:] - img) ** 2).sum()


@right("tv_loss", "each difference in a row by view", remark=".reshape takes every layout")
def _(img, tv_weight):
    N = img.shape[0]
    down, across = img[:, :, 1:] - img[:, :, :-1], img[..., 1:] - img[..., :-1]
    return tv_weight * (down.view(N, -1).pow(2).sum() + across.view(N, -1).pow(2).sum())


@right("tv_loss", "a convolution with float32 kernels", remark="right for float32")
def _(img, tv_weight):
    pixels = img.reshape(-1, 1, *img.shape[2:])
    across = F.conv2d(pixels, torch.tensor([[[[-1, 1]]]], dtype=torch.float32))
    down = F.conv2d(F.pad(pixels, (0, 0, 0, 1), mode="replicate"), torch.tensor([[[[-1], [1]]]], dtype=torch.float32))
    return tv_weight * (across.square().sum() + down.square().sum())
