"""Wrong answers to the losses of StyleTransfer, written without a look at the checks."""

from . import wrong

wrong(
    "content_loss",
    "the image's own features are detached, so the loss has the right value and no gradient",
    """
def content_loss(content_weight, content_current, content_original):
    N, C, H, W = content_current.shape
    # flatten to C x M as in the paper, the target must not get gradients
    F_l = content_current.detach().reshape(C, H * W)
    P_l = content_original.reshape(C, H * W)
    squared = torch.pow(F_l - P_l, 2)
    return content_weight * torch.sum(squared)
""",
    faults=1,
    says="line 5 makes this right: the call of detach",
)

wrong(
    "gram_matrix",
    "features (C, H, W) are reshaped to (H*W, C), which mixes channels and pixels, where they must be turned",
    """
def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    grams = []
    for n in range(N):
        f = features[n].reshape(H * W, C)
        g = torch.mm(f.t(), f)
        if normalize:
            g = g / (H * W * C)
        grams.append(g)
    return torch.stack(grams)
""",
    faults=1,
    says="makes the columns, both times",
)

wrong(
    "gram_matrix",
    "it is divided by the pixels alone, H*W for H*W*C; a batch of one loses its first axis to squeeze",
    """
def gram_matrix(features, normalize=True):
    N, C, H, W = features.shape
    gram = torch.einsum("ncij,ndij->ncd", features, features)
    if normalize:
        gram = gram / (H * W)
    return gram.squeeze(0)
""",
    faults=2,
    says="changes together make this right: line 6: / c is missing",
)

wrong(
    "style_loss",
    "the return stands within the loop, so only the first layer counts",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    total = 0.0
    for i in range(len(style_layers)):
        layer = style_layers[i]
        G = gram_matrix(feats[layer])
        A = style_targets[i]
        E = ((G - A) ** 2).sum()
        total = total + style_weights[i] * E
        return total
""",
    faults=1,
    says="only the first layer counts: the return stands inside the loop",
)

wrong(
    "style_loss",
    "the weight stands within the square and counts twice; mse_loss takes the mean where the sum is asked for",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    losses = []
    for idx, target, w in zip(style_layers, style_targets, style_weights):
        gram = gram_matrix(feats[idx])
        losses.append(F.mse_loss(w * gram, w * target))
    return sum(losses)
""",
    faults=2,
    says="the squared differences are averaged instead of added up",
)

wrong(
    "tv_loss",
    "torch.roll makes the last row and column neighbours of the first; the differences are taken absolute, not squared",
    """
def neighbour_difference(img, axis):
    return torch.roll(img, -1, dims=axis) - img


def tv_loss(img, tv_weight):
    dy = neighbour_difference(img, 2)
    dx = neighbour_difference(img, 3)
    return tv_weight * (dx.abs().sum() + dy.abs().sum())
""",
    faults=2,
    says="the image wraps around: with roll, the last pixel of a row has",
)

wrong(
    "tv_loss",
    "the slices are an axis off and compare channels and rows, not columns; the weight multiplies the first term alone",
    """
def tv_loss(img, tv_weight):
    N, C, H, W = img.shape
    h_var = img[:, 1:, :, :] - img[:, :-1, :, :]
    w_var = img[:, :, 1:, :] - img[:, :, :-1, :]
    loss = tv_weight * torch.sum(h_var**2) + torch.sum(w_var**2)
    return loss
""",
    faults=2,
    says="neighbours are compared along the wrong axes: channels and rows",
)
