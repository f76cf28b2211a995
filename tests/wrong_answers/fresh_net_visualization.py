"""Wrong answers to the TODOs of NetworkVisualization, written without a look at the checks."""

from . import wrong

wrong(
    "compute_saliency_maps",
    "the largest over the channels is taken before the absolute value, so large negative slopes are lost",
    """
def compute_saliency_maps(X, y, model):
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)  # takes gradients already
    y = _labels(y, X)
    with frozen(model, y):
        scores = model(X)
        total = 0
        for n in range(X.shape[0]):
            total = total + scores[n, y[n]]
        total.backward()
        dX = X.grad.data
        largest, _ = torch.max(dX, dim=1)
        saliency = torch.abs(largest)
    return saliency
""",
    faults=1,
    says="the largest is taken before the absolute value",
)

wrong(
    "compute_saliency_maps",
    "the gradient is that of the cross-entropy loss, not of the label's score; the channels are added up where the "
    "largest is asked for",
    """
def compute_saliency_maps(X, y, model):
    _check_image(X, "X", many=True)
    X = _own_copy(X, model)  # takes gradients already
    y = _labels(y, X)
    with frozen(model, y):
        out = model(X)
        loss = F.cross_entropy(out, y, reduction="sum")
        loss.backward()
        saliency = X.grad.abs().sum(dim=1)
    return saliency
""",
    faults=2,
    says="the channels are added up instead of the largest taken; and",
)

wrong(
    "make_fooling_image",
    "the gradient is never set back to zero, so each step goes along the sum of all gradients so far",
    """
def make_fooling_image(X, target_y, model):
    _check_image(X, "X")
    target_y, learning_rate = operator.index(target_y), 1
    X_fooling = _own_copy(X, model)  # takes gradients already
    lead = LEAD if _drops(model) else 0
    with frozen(model, [target_y]), _handicap(model, target_y, lead):
        step = 0
        fooled = False
        while not fooled and step < 100:
            scores = model(X_fooling)
            best = scores.argmax(dim=1).item()
            if best == target_y:
                fooled = True
            else:
                scores[0, target_y].backward()
                grad = X_fooling.grad.data
                X_fooling.data += learning_rate * grad / grad.norm()
            step += 1
    return X_fooling.detach().contiguous()
""",
    faults=1,
    says="the gradient is not set to zero between the steps, so that old",
)

wrong(
    "make_fooling_image",
    "the gradient is divided by its squared norm, the root is missing; the highest score itself, not its place, is "
    "compared with target_y, so it never stops early",
    """
def make_fooling_image(X, target_y, model):
    _check_image(X, "X")
    target_y, learning_rate = operator.index(target_y), 1
    X_fooling = _own_copy(X, model)  # takes gradients already
    lead = LEAD if _drops(model) else 0
    with frozen(model, [target_y]), _handicap(model, target_y, lead):
        for it in range(100):
            scores = model(X_fooling)
            predicted = torch.max(scores, dim=1)[0]
            if predicted.item() == target_y:
                print("fooled after", it, "iterations")
                break
            target_score = scores[:, target_y].sum()
            target_score.backward()
            g = X_fooling.grad
            X_fooling.data += learning_rate * g / torch.sum(g * g)
            X_fooling.grad = None
    return X_fooling.detach().contiguous()
""",
    faults=2,
    says="the gradient is divided by its squared norm; the step then has",
)

wrong(
    "class_visualization_update_step",
    "the picture is clamped to 0..1 after the step, though its pixels are normalised and nobody asked for it",
    """
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    _check_image(img)
    like, target_y = _like(model), operator.index(target_y)
    if (img.device, img.dtype) != (like.device, like.dtype):
        raise ValueError(f"img is {img.dtype} on {img.device}, the model {like.dtype} on {like.device}: img.to(...) it")
    with frozen(model, [target_y]):
        class_score = model(img)[0, target_y]
        reg = l2_reg * (img**2).sum()
        (class_score - reg).backward()
        dimg = img.grad.data.clone()
        img.grad.zero_()
        with torch.no_grad():
            img += learning_rate * dimg / torch.sqrt((dimg**2).sum())
            img.clamp_(0, 1)
""",
    faults=1,
    says="line 15 makes this right: the call of clamp_",
)

wrong(
    "class_visualization_update_step",
    "the regulariser has the wrong sign in the loss that is descended on, so it makes the pixels larger; the gradient "
    "is divided by its mean absolute value, not by its norm",
    """
def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    _check_image(img)
    like, target_y = _like(model), operator.index(target_y)
    if (img.device, img.dtype) != (like.device, like.dtype):
        raise ValueError(f"img is {img.dtype} on {img.device}, the model {like.dtype} on {like.device}: img.to(...) it")
    with frozen(model, [target_y]):
        if img.grad is not None:
            img.grad.zero_()
        scores = model(img).squeeze()
        penalty = l2_reg * torch.sum(img * img)
        loss = -scores[target_y] - penalty
        loss.backward()
        grad = img.grad.data
        grad = grad / grad.abs().mean()
        img.data -= learning_rate * grad
        img.grad.zero_()
""",
    faults=2,
    says="the regulariser has the wrong sign: it is added, and makes the",
)
