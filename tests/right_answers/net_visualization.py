"""Saliency maps, fooling images and class visualisation."""

import torch
import torch.nn.functional as F

from . import right

# Saliency ---------------------------------------------------------------------------------------------------


@right("compute_saliency_maps", "gather and squeeze, backward of ones, X.grad.data.abs(), torch.max of two results")
def _(X, y, model):
    model.eval()
    X.requires_grad_()
    scores = model(X).gather(1, y.view(-1, 1)).squeeze()
    scores.backward(torch.ones(scores.shape))
    saliency, _ = torch.max(X.grad.data.abs(), dim=1)
    return saliency


@right("compute_saliency_maps", "an image at a time, stacked")
def _(X, y, model):
    maps = []
    for image, label in zip(X, y):
        image = image.detach().clone().unsqueeze(0).requires_grad_(True)
        model(image)[0, label].backward()
        maps.append(image.grad[0].abs().max(dim=0)[0])
    return torch.stack(maps)


@right("compute_saliency_maps", "rows and labels as indices, the last axis of three after a permute")
def _(X, y, model):
    X = X.clone().requires_grad_()
    total = model(X)[torch.arange(X.shape[0]), y].sum()
    (gradient,) = torch.autograd.grad(total, X)
    return gradient.permute(0, 2, 3, 1).abs().max(-1).values


@right("compute_saliency_maps", "scores times a one-hot mask, the larger of each channel by torch.maximum")
def _(X, y, model):
    X.requires_grad = True
    scores = model(X)
    (scores * F.one_hot(y, scores.shape[1]).to(scores.dtype)).sum().backward()
    red, green, blue = X.grad.abs().unbind(dim=1)
    return torch.maximum(red, torch.maximum(green, blue))


@right("compute_saliency_maps", "a loop of backward calls on one graph, a result that still hangs on it")
def _(X, y, model):
    X = X.requires_grad_(True)
    scores = model(X)
    for n in range(len(X)):
        scores[n, y[n].item()].backward(retain_graph=True)
    saliency = X.grad.abs()
    return F.max_pool3d(saliency.unsqueeze(1), (3, 1, 1)).view(len(X), *X.shape[2:]) + 0 * scores.sum()


@right("compute_saliency_maps", "everything as torch.FloatTensor", remark="right for float32")
def _(X, y, model):
    X = X.type(torch.FloatTensor).requires_grad_()
    picked = model(X).gather(1, y.view(-1, 1)).sum()
    picked.backward(torch.ones((), dtype=torch.float32))
    return X.grad.data.abs().max(1)[0]


@right("compute_saliency_maps", "numbers through numpy at the end")
def _(X, y, model):
    X.requires_grad_()
    torch.sum(torch.stack([scores[label] for scores, label in zip(model(X), y)])).backward()
    return torch.from_numpy(abs(X.grad.numpy()).max(axis=1))


# Fooling ----------------------------------------------------------------------------------------------------


@right("make_fooling_image", "for 100 steps, backward, .data, torch.norm and zero_()")
def _(X, target_y, model):
    X_fooling = X.clone()
    X_fooling = X_fooling.requires_grad_()
    learning_rate = 1
    for _ in range(100):
        scores = model(X_fooling)
        _, index = torch.max(scores.data, dim=1)
        if index.item() == target_y:
            break
        scores[:, target_y].backward()
        g = X_fooling.grad.data
        X_fooling.data += learning_rate * g / torch.norm(g)
        X_fooling.grad.zero_()
    return X_fooling


@right("make_fooling_image", "while with a counter, a new tensor every step")
def _(X, target_y, model):
    image, steps = X.detach().clone(), 0
    while steps < 100 and model(image).argmax(1).item() != target_y:
        image = image.detach().requires_grad_(True)
        (g,) = torch.autograd.grad(model(image)[0, target_y], image)
        image = image + g / (g**2).sum().sqrt()
        steps += 1
    return image.detach()


@right("make_fooling_image", "no_grad and +=, the gradient set to None")
def _(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(X_fooling).squeeze()
        if scores.argmax() == target_y:
            return X_fooling
        model.zero_grad()
        scores[target_y].backward()
        with torch.no_grad():
            X_fooling += F.normalize(X_fooling.grad.flatten(), dim=0).view_as(X_fooling)
        X_fooling.grad = None
    return X_fooling


@right("make_fooling_image", "Variable, and all classes' gradients asked by a one-hot row")
def _(X, target_y, model):
    X_fooling = torch.autograd.Variable(X.clone(), requires_grad=True)
    for _ in range(100):
        scores = model(X_fooling)
        wanted = torch.zeros_like(scores)
        wanted[0, target_y] = 1
        if scores.data.max(1)[1][0] == target_y:
            break
        scores.backward(wanted)
        dX = 1 * X_fooling.grad.data / X_fooling.grad.data.norm()
        X_fooling.data.add_(dX)
        X_fooling.grad.data.zero_()
    return X_fooling.data


@right("make_fooling_image", "an optimiser of torch takes the step")
def _(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    optimizer = torch.optim.SGD([X_fooling], lr=1.0)
    for _ in range(100):
        scores = model(X_fooling)
        if int(scores.argmax(dim=1)) == target_y:
            break
        optimizer.zero_grad()
        (-scores[0][target_y]).backward()
        X_fooling.grad /= X_fooling.grad.norm(2)
        optimizer.step()
    return X_fooling


@right("make_fooling_image", "a thousand steps at most", remark="given up late")
def _(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(1000):
        scores = model(X_fooling)
        if scores.argmax() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data += X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


@right("make_fooling_image", "everything as torch.FloatTensor", remark="right for float32")
def _(X, target_y, model):
    X_fooling = X.clone().type(torch.FloatTensor).requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        if scores.max(1)[1].item() == target_y:
            break
        scores[0, target_y].backward()
        X_fooling.data = X_fooling.data + X_fooling.grad / X_fooling.grad.norm()
        X_fooling.grad.zero_()
    return X_fooling


# Class visualisation ----------------------------------------------------------------------------------------


@right("class_visualization_update_step", "score and regulariser in one number, img.grad.data")
def _(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[0, target_y]
    (score - l2_reg * torch.sum(img * img)).backward()
    dimg = img.grad.data
    img.data += learning_rate * dimg / torch.norm(dimg)
    img.grad.zero_()


@right("class_visualization_update_step", "the regulariser's slope by hand, backward of the score alone")
def _(img, model, target_y, l2_reg, learning_rate):
    scores = model(img)
    scores[:, target_y].backward()
    g = img.grad.data - 2 * l2_reg * img.data
    img.data = img.data + learning_rate * g / (g**2).sum().sqrt()
    model.zero_grad()
    img.grad.data.zero_()


@right("class_visualization_update_step", "old gradients cleared first, no_grad and +=")
def _(img, model, target_y, l2_reg, learning_rate):
    if img.grad is not None:
        img.grad.zero_()
    loss = -model(img).squeeze()[target_y] + l2_reg * img.norm() ** 2
    loss.backward()
    with torch.no_grad():
        img -= learning_rate * img.grad / img.grad.norm()


@right("class_visualization_update_step", "autograd.grad, copy_ into img, and img returned")
def _(img, model, target_y, l2_reg, learning_rate):
    objective = model(img).gather(1, torch.tensor([[target_y]])).sum() - l2_reg * img.pow(2).sum()
    gradient = torch.autograd.grad(objective, [img])[0]
    img.data.copy_(img.data + learning_rate * F.normalize(gradient.reshape(1, -1)).reshape(img.shape))
    return img


@right("class_visualization_update_step", "two backward calls whose gradients add up, a helper for the step")
def _(img, model, target_y, l2_reg, learning_rate):
    def step(g):
        img.data.add_(g / torch.linalg.vector_norm(g), alpha=learning_rate)

    model(img)[0][target_y].backward()
    (-l2_reg * torch.sum(img**2)).backward()
    step(img.grad)
    img.grad = None


@right("class_visualization_update_step", "a float32 number to start the backward pass", remark="right for float32")
def _(img, model, target_y, l2_reg, learning_rate):
    objective = model(img.type(torch.FloatTensor))[0, target_y] - l2_reg * img.type(torch.FloatTensor).norm() ** 2
    objective.backward(torch.tensor(1.0, dtype=torch.float32))
    img.data += learning_rate * img.grad.data / img.grad.data.norm()
    img.grad.data.zero_()
