"""Style transfer on SqueezeNet, against the loop and the schedule that the assignment published.

The textbook's network is frozen already, and its targets are computed once: what differs is the work of an iteration.
"""

import torch

from cs231n import style_transfer_pytorch as ours
from cs231n.classifiers.squeezenet import load_squeezenet
from cs231n.datasets.style_pictures import photo_path, style_path

from .timing import Race, Row, cpu_seconds

LAYERS = 3, (1, 4, 6, 7)  # for content, for style
PAIRS = (
    ("cat", "the_scream"),
    ("coffee", "stained_glass"),
    ("astronaut", "composition_vii"),
    ("rocket", "starry_night"),
)
CONTENT, TV = 0.02, 0.2  # as the notebook paints them


NOTES = (
    "An iteration: losses, gradient, Adam, clamping. The gradients of both loops differ by no more than is said.\n"
    "Rows of final losses: the ratio is that of the losses after as many iterations, not that of the times. The\n"
    "textbook's schedule is Adam at 3.0, 0.1 from iteration 180, pixels clamped to 1.5 deviations until 190.\n"
    "bfloat16 pays on processors with instructions for it, and only there."
)


def rows(tiny=False):
    """Yield the Rows one after the other; `tiny` sizes show that all of it runs, and measure nothing."""
    torch.set_num_threads(1)
    cnn = load_squeezenet("cpu").features
    for size, steps, rounds, target in ((48, 1, 3, None),) if tiny else ((192, 5, 9, 0.6), (512, 2, 7, 0.5)):
        yield iteration_row(cnn, size, steps, rounds, target)
    small, steps = (48, 2) if tiny else (96, 40)
    yield bfloat16_row(cnn, small, steps)
    for pair in PAIRS[:1] if tiny else PAIRS:
        yield final_loss_row(cnn, pair, *((48, 2, None) if tiny else (192, 200, 0.8)))


def iteration_row(cnn, size, steps, rounds, target):
    content, *_ = task = prepare(cnn, *PAIRS[0], size)
    objective, plain = ours.transfer_objective(*task), published_objective(*task)
    contenders = {
        "ours": lambda: ours.descend(content, objective, steps, 0.3, quiet=True),
        "textbook": lambda: published_descent(content, plain, steps),
    }
    label = f"{steps} iterations at {size} px, gradient within {gradient_error(content, objective, plain):.0e}"
    return Race(contenders, rounds).row(label, "ours", "textbook", target)


def bfloat16_row(cnn, size, steps):
    """Times of single iterations; in the label, by how much the loss ends higher for it."""
    content, *_ = task = prepare(cnn, *PAIRS[0], size)
    full, half = ours.transfer_objective(*task), ours.transfer_objective(*task, bfloat16=True)
    with torch.no_grad():
        ends = [full(ours.descend(content, o, steps, 0.3, quiet=True)[0]).item() for o in (half, full)]
    contenders = {
        "bfloat16": lambda: ours.descend(content, half, 1, 0.3, quiet=True),
        "float32": lambda: ours.descend(content, full, 1, 0.3, quiet=True),
    }
    label = f"same in bfloat16 at {size} px, final loss {ends[0] / ends[1] - 1:+.1%}"
    return Race(contenders, rounds=3).row(label, "bfloat16", "float32")


def final_loss_row(cnn, pair, size, steps, target):
    """Both schedules on one pair, judged by the textbook's losses."""
    content, *_ = task = prepare(cnn, *pair, size)
    objective, plain, ends = ours.transfer_objective(*task), published_objective(*task), {}

    def run(name, descent):
        ends[name] = descent()

    times = [
        cpu_seconds(lambda: run("ours", lambda: ours.descend(content, objective, steps, 0.3, quiet=True)[0])),
        cpu_seconds(lambda: run("textbook", lambda: published_descent(content, plain, steps))),
    ]
    with torch.no_grad():
        ratio = (plain(ends["ours"]) / plain(ends["textbook"])).item()
    label = f"final loss, {pair[0]} as {style_path(pair[1]).stem}"
    return Row(label, 1e3 * times[0], "textbook", 1e3 * times[1], ratio, target)


def prepare(cnn, photo, style, size):
    """The arguments of an objective: two pictures, the network, layers and even weights."""
    paths, (layer, style_layers) = (photo_path(photo), style_path(style)), LAYERS
    weights = ours.even_weights(*paths, size, size, layer, style_layers, content=CONTENT, cnn=cnn)
    pictures = [ours.preprocess(path, size) for path in paths]
    return *pictures, cnn, layer, weights["content_weight"], style_layers, weights["style_weights"], TV


def gradient_error(content, objective, plain):
    """Size of the difference of the two gradients, as a share of the gradient's, at an image without equal pixels."""
    img = content + 0.05 * torch.randn(content.shape, generator=torch.Generator().manual_seed(0))
    gradients = []
    for function in (objective, plain):
        x = img.clone().requires_grad_()
        gradients.append(torch.autograd.grad(function(x), x)[0])
    return ((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item()


# The textbook: every layer computed, a Gram matrix as the product of two, channels first


def extract_features(x, cnn):
    features = []
    for module in cnn.children():
        x = module(x)
        features.append(x)
    return features


def gram_matrix(features):
    N, C, H, W = features.shape
    rows = features.view(N, C, H * W)
    return torch.bmm(rows, rows.permute(0, 2, 1)) / (C * H * W)


def published_objective(content, style, cnn, content_layer, content_weight, style_layers, style_weights, tv_weight):
    with torch.no_grad():
        content_target = extract_features(content, cnn)[content_layer].clone()
        style_feats = extract_features(style, cnn)
        style_targets = [gram_matrix(style_feats[layer]).clone() for layer in style_layers]

    def objective(img):
        feats = extract_features(img, cnn)
        loss = content_weight * torch.sum((feats[content_layer] - content_target) ** 2)
        for layer, target, weight in zip(style_layers, style_targets, style_weights):
            loss = loss + weight * torch.sum((gram_matrix(feats[layer]) - target) ** 2)
        down, across = img[:, :, 1:, :] - img[:, :, :-1, :], img[:, :, :, 1:] - img[:, :, :, :-1]
        return loss + tv_weight * (torch.sum(down**2) + torch.sum(across**2))

    return objective


def published_descent(content, objective, steps):
    img = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([img], lr=3.0)
    for t in range(steps):
        if t < 190:
            img.data.clamp_(-1.5, 1.5)
        optimizer.zero_grad()
        objective(img).backward()
        if t == 180:
            optimizer = torch.optim.Adam([img], lr=0.1)
        optimizer.step()
    return img.detach()
