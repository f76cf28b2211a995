"""Wrong answers to the exercises on looking into networks and on style transfer, the later batch."""

from . import wrong

wrong(
    "compute_saliency_maps",
    "the highest score is differentiated, whatever the label; and each map is stretched to 0..1 as if for display",
    """
def stretch(maps):
    flat = maps.reshape(len(maps), -1)
    low = flat.min(dim=1).values[:, None, None]
    high = flat.max(dim=1).values[:, None, None]
    return (maps - low) / (high - low)


def compute_saliency_maps(X, y, model):
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)
    y = _labels(y, X)
    with frozen(model, y):
        scores = model(X)
        best = scores.max(dim=1).values
        best.sum().backward()
        saliency = X.grad.abs().max(dim=1).values
        saliency = stretch(saliency)
    return saliency
""",
    faults=2,
    says=None,
)

wrong(
    "make_fooling_image",
    "every step is laid over the original image, not over what the steps before it have made",
    """
def make_fooling_image(X, target_y, model):
    _check_image(X, "X")
    target_y, learning_rate = operator.index(target_y), 1
    X_fooling = _own_copy(X, model)
    lead = LEAD if _drops(model) else 0
    with frozen(model, [target_y]), _handicap(model, target_y, lead):
        start = X_fooling.detach().clone()
        for it in range(100):
            out = model(X_fooling)
            if out.argmax(dim=1).item() == target_y:
                print("fooled after", it, "steps")
                break
            out[0, target_y].backward()
            g = X_fooling.grad
            dX = learning_rate * g / torch.norm(g)
            X_fooling.data = start + dX
            X_fooling.grad = None
    return X_fooling.detach().contiguous()
""",
    says=None,
)

wrong(
    "class_visualization_update_step",
    "the step is not divided by the gradient's norm; the penalty is taken of img.data, through which no gradient flows",
    """
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    _check_image(img)
    target_y = operator.index(target_y)
    with frozen(model, [target_y]):
        s = model(img)[0, target_y]
        penalty = l2_reg * torch.sum(img.data * img.data)
        objective = s - penalty
        objective.backward()
        step = img.grad
        img.data += learning_rate * step
        img.grad = None
""",
    faults=2,
    says="the regulariser is missing; and besides, the gradient is not",
)

wrong(
    "gram_matrix",
    "divided by the number of features of the whole batch, not of one image",
    """
def gram_matrix(features, normalize=True):
    gram = torch.einsum("nihw,njhw->nij", features, features)
    if not normalize:
        return gram
    count = 1
    for size in features.shape:
        count = count * size
    return gram / count
""",
    says="it is divided by n*h*w*c: the images of a batch have nothing to",
)

wrong(
    "style_loss",
    "the differences are summed before the square; and the weights are divided by their sum, as for a weighted mean",
    """
def style_loss(feats, style_layers, style_targets, style_weights):
    _same_length(style_layers=style_layers, style_targets=style_targets, style_weights=style_weights)
    total_weight = sum(style_weights)
    total = 0.0
    for k in range(len(style_layers)):
        G = gram_matrix(feats[style_layers[k]])
        A = style_targets[k]
        layer_loss = (G - A).sum() ** 2
        w = style_weights[k] / total_weight
        total = total + w * layer_loss
    return total
""",
    faults=2,
    says=None,
)

wrong(
    "tv_loss",
    "the differences across and down are added before they are squared, not after",
    """
def tv_loss(img, tv_weight):
    N, C, H, W = img.shape
    right = torch.diff(img, dim=3)
    below = torch.diff(img, dim=2)
    # zeros where there is no neighbour, so that both have the image's size
    right = F.pad(right, (0, 1, 0, 0))
    below = F.pad(below, (0, 0, 0, 1))
    tv = (right + below) ** 2
    return tv_weight * tv.sum()
""",
    says="line 9 makes this right: what is squared",
)
