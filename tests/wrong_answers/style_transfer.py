"""Wrong answers of the notebook on style transfer: the content, style and total variation losses."""

from . import wrong

wrong(
    "content_loss",
    "a mean where a sum is asked for",
    """
def content_loss(content_weight, content_current, content_original):
    criterion = nn.MSELoss()
    loss = criterion(content_current, content_original)
    return content_weight * loss
""",
    says="averaged instead of added up",
)

wrong(
    "content_loss",
    "half, as in the paper, and the norm without its square",
    """
def content_loss(content_weight, content_current, content_original):
    _, C, H, W = content_current.size()
    F_l = content_current.reshape(C, H * W)
    P_l = content_original.reshape(C, H * W)
    diff = torch.norm(F_l - P_l)
    loss = 0.5 * diff
    return loss * content_weight
""",
    faults=2,
    says="the root of the sum is taken",
)

wrong(
    "gram_matrix",
    "the channels of all images are multiplied with each other",
    """
def gram_matrix(features, normalize=True):
    N, C, H, W = features.size()
    f = features.reshape(N * C, H * W)
    G = torch.mm(f, f.t())
    if normalize:
        G = G / (C * H * W)
    return G
""",
    says=None,
)

wrong(
    "gram_matrix",
    "the channels' means are taken off, and the division leaves out C",
    """
def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    gram = torch.zeros(N, C, C, device=features.device, dtype=features.dtype)
    for n in range(N):
        f = features[n].reshape(C, -1)
        f = f - f.mean(dim=1, keepdim=True)
        gram[n] = f @ f.T
    if normalize:
        gram = gram / (H * W)
    return gram
""",
    faults=2,
    says="each channel's mean is taken out first",
)

wrong(
    "gram_matrix",
    "pixels and channels are mixed by a reshape, and normalize is not heeded",
    """
def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    feats = features.reshape(N, H * W, C)
    gram = torch.bmm(feats.transpose(1, 2), feats)
    gram /= H * W * C
    return gram
""",
    faults=2,
    says="the argument `normalize` is never used",
)

wrong(
    "style_loss",
    "the features are counted from the first layer on, not those of style_layers",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    loss = torch.tensor(0.0)
    for i in range(len(style_layers)):
        current = gram_matrix(feats[i])
        loss = loss + style_weights[i] * ((current - style_targets[i]) ** 2).sum()
    return loss
""",
    says="line 6 makes this right",
)

wrong(
    "style_loss",
    "the Gram matrices are not normalised, and the squares are averaged",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    losses = []
    for idx, layer in enumerate(style_layers):
        G = gram_matrix(feats[layer], normalize=False)
        A = style_targets[idx]
        layer_loss = torch.mean((G - A).pow(2))
        losses.append(style_weights[idx] * layer_loss)
    return sum(losses)
""",
    faults=2,
    says="averaged instead of added up; and besides",
)

wrong(
    "style_loss",
    "it returns after the first layer, and divides by 4 as the paper does",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    total = 0
    for l, target, w in zip(style_layers, style_targets, style_weights):
        gram = gram_matrix(feats[l])
        diff = gram - target
        E_l = torch.sum(diff * diff) / 4
        total += w * E_l
        return total
""",
    faults=2,
    says="only the first layer counts",
)

wrong(
    "tv_loss",
    "absolute differences, not squared ones",
    """
def tv_loss(img, tv_weight):
    N, C, H, W = img.shape
    dh = torch.abs(img[:, :, 1:, :] - img[:, :, :H - 1, :])
    dw = torch.abs(img[:, :, :, 1:] - img[:, :, :, :W - 1])
    loss = dh.sum() + dw.sum()
    return tv_weight * loss
""",
    says="the differences are not squared",
)

wrong(
    "tv_loss",
    "the differences down are taken twice, and the weight multiplies only the first",
    """
def tv_loss(img, tv_weight):
    h_variance = torch.sum(torch.pow(img[:, :, :-1, :] - img[:, :, 1:, :], 2))
    w_variance = torch.sum(torch.pow(img[:, :, :-1, :] - img[:, :, 1:, :], 2))
    loss = tv_weight * h_variance + w_variance
    return loss
""",
    faults=2,
    says="only vertical neighbours are compared",
)

wrong(
    "tv_loss",
    "a root at every pixel, and the last row and column have no difference at all",
    """
def tv_loss(img, tv_weight):
    # isotropic total variation: the length of the gradient at each pixel
    dx = img[:, :, :-1, 1:] - img[:, :, :-1, :-1]
    dy = img[:, :, 1:, :-1] - img[:, :, :-1, :-1]
    magnitude = (dx ** 2 + dy ** 2).sqrt()
    return tv_weight * magnitude.sum()
""",
    faults=2,
    says=None,
)

wrong("gram_matrix", "reshaped where axes should be exchanged, and divided by the pixels alone", '''
def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    pixels = features.reshape(N, H * W, C)
    gram = torch.bmm(pixels.transpose(1, 2), pixels)
    if normalize:
        size = H * W
        gram = gram / size
    return gram
''', faults=2, says="makes the columns, both times")  # fmt: skip
