"""Wrong answers of the notebook on network visualisation: saliency, fooling images, class visualisation."""

from . import wrong

SALIENCY = """
def compute_saliency_maps(X, y, model):
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)  # takes gradients already
    y = _labels(y, X)
    with frozen(model, y):
"""

FOOLING = """
def make_fooling_image(X, target_y, model):
    _check_image(X, "X")
    target_y, learning_rate = operator.index(target_y), 1
    X_fooling = _own_copy(X, model)  # takes gradients already
    with frozen(model, [target_y]):
"""

STEP = """
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    _check_image(img)
    like, target_y = _like(model), operator.index(target_y)
    if (img.device, img.dtype) != (like.device, like.dtype):
        raise ValueError(f"img is {img.dtype} on {img.device}, the model {like.dtype} on {like.device}: img.to(...) it")
    with frozen(model, [target_y]):
"""

wrong(
    "compute_saliency_maps",
    "the largest of the channels is taken before the absolute value",
    SALIENCY
    + """
        scores = model(X)
        correct = scores.gather(1, y.view(-1, 1)).squeeze(1)
        correct.backward(torch.ones_like(correct))
        saliency, _ = X.grad.data.max(dim=1)
        saliency = saliency.abs()
    return saliency
""",
    says="the largest is taken before the absolute value",
)

wrong(
    "compute_saliency_maps",
    "the gradient of the mean loss, not of the score, channels summed",
    SALIENCY
    + """
        logits = model(X)
        loss = torch.nn.CrossEntropyLoss()(logits, y)
        loss.backward()
        grad = X.grad.abs()
        saliency = torch.sum(grad, 1)
    return saliency
""",
    faults=2,
    says=None,
)

wrong(
    "compute_saliency_maps",
    "differences of the loss, with all three channels moved at once",
    SALIENCY
    + """
        N, C, H, W = X.shape
        eps = 1e-3
        saliency = torch.zeros(N, H, W).to(X)
        with torch.no_grad():
            base = F.cross_entropy(model(X), y, reduction="none")
            for i in range(H):
                for j in range(W):
                    X2 = X.clone()
                    X2[:, :, i, j] += eps
                    loss = F.cross_entropy(model(X2), y, reduction="none")
                    saliency[:, i, j] = ((loss - base) / eps).abs()
    return saliency
""",
    faults=2,
    says=None,
)

wrong(
    "make_fooling_image",
    "the gradients of all steps add up, for they are never set to zero",
    FOOLING
    + """
        for i in range(100):
            scores = model(X_fooling)
            _, pred = scores.data.max(1)
            if pred[0] == target_y:
                break
            scores[0, target_y].backward()
            g = X_fooling.grad.data
            dX = learning_rate * g / g.norm()
            X_fooling.data += dX
    return X_fooling.detach().contiguous()
""",
    says="old ones pile up",
)

wrong(
    "make_fooling_image",
    "no stopping test, and the step divided by the largest entry",
    FOOLING
    + """
        for step in range(100):
            score = model(X_fooling)[:, target_y].sum()
            grad = torch.autograd.grad(score, X_fooling)[0]
            grad = grad / torch.max(torch.abs(grad))
            with torch.no_grad():
                X_fooling += learning_rate * grad
    return X_fooling.detach().contiguous()
""",
    faults=2,
    says=None,
)

wrong(
    "make_fooling_image",
    "the slope of the log probability, and a stop only at a probability of 0.9",
    FOOLING
    + """
        for it in range(100):
            probs = F.softmax(model(X_fooling), dim=1)
            p = probs[0, target_y]
            if p.item() > 0.9:
                break
            torch.log(p).backward()
            with torch.no_grad():
                X_fooling += learning_rate * X_fooling.grad / X_fooling.grad.norm()
            X_fooling.grad.zero_()
    return X_fooling.detach().contiguous()
""",
    faults=2,
    says="the rest is in line 11: the number 0.9",
)

wrong(
    "class_visualization_update_step",
    "the score's gradient is normalised before the penalty",
    STEP
    + """
        score = model(img)[0, target_y]
        grad, = torch.autograd.grad(score, img)
        grad = grad / grad.norm()
        # shrink the image a little, too
        grad = grad - 2 * l2_reg * img.data
        img.data += learning_rate * grad
""",
    says="the regulariser comes after the normalisation",
)

wrong(
    "class_visualization_update_step",
    "the penalty is added, and it is the norm without its square",
    STEP
    + """
        scores = model(img)
        loss = scores[0, target_y] + l2_reg * torch.norm(img)
        loss.backward()
        g = img.grad
        with torch.no_grad():
            img += learning_rate * g / torch.norm(g)
        img.grad = None
""",
    faults=2,
    says="the norm in the regulariser is not squared",
)

wrong(
    "class_visualization_update_step",
    "the penalty's slope without its 2, the gradient left behind",
    STEP
    + """
        scores = model(img)
        target_score = scores[:, target_y].squeeze()
        target_score.backward()
        dimg = img.grad.data - l2_reg * img.data
        img.data += learning_rate * dimg / dimg.norm()
""",
    faults=2,
    says="line 9: the factor 1/2",
)

wrong("compute_saliency_maps", "the gradient is the probability's, and the largest comes before the absolute value", '''
def compute_saliency_maps(X, y, model):
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)  # takes gradients already
    y = _labels(y, X)
    with frozen(model, y):
        scores = model(X)
        probs = F.softmax(scores, dim=1)
        own = probs.gather(1, y.view(-1, 1)).squeeze(1)
        (g,) = torch.autograd.grad(own.sum(), X)
        biggest = g.max(dim=1).values
        saliency = biggest.abs()
    return saliency
''', faults=2, says="the largest is taken before")  # fmt: skip
