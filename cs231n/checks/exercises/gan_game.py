"""Training a GAN: its optimizer, and one round of the game."""

import functools

import numpy as np

from ..authoring.answers import kind_of, tensors
from ..authoring.inputs import random_arrays
from ..authoring.layers import uniform_noise
from ..authoring.networks import count, put_in
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.gan_pytorch"


# Optimizer --------------------------------------------------------------------------------------------------

SMALL = [(4, 3), (4,), (2, 4), (2,)]  # a model of two Linear layers


def _optimizer_cases():
    return {"its settings": (None,), "the three steps it takes": random_arrays(161, np.float64, (3, count(SMALL)))}


def _run_optimizer(function, gradients):
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    put_in("model", model, SMALL, np.zeros((1, 3)))
    solver = function(model)
    if not isinstance(solver, torch.optim.Optimizer):
        raise Wrong(f"get_optimizer must return an optimizer of torch.optim; it returned {kind_of(solver)}")
    return _settings(solver) if gradients is None else {"change": _steps_taken(model, solver, gradients)}


def _settings(solver):
    import torch

    if not isinstance(solver, torch.optim.Adam):
        raise Wrong(f"get_optimizer must return torch.optim.Adam; it returned {type(solver).__name__}")
    group, learnt = solver.param_groups[0], [p for group in solver.param_groups for p in group["params"]]
    return {
        "parameters in its care": sum(p.numel() for p in learnt),
        "lr": float(group["lr"]), "first beta": float(group["betas"][0]), "second beta": float(group["betas"][1]),
    }  # fmt: skip


def _steps_taken(model, solver, gradients):
    """How far all parameters, in one row, have moved after a step for each of the gradients."""
    import torch

    parameters, before = list(model.parameters()), torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    for gradient in tensors(*gradients):
        for p, part in zip(parameters, gradient.split([p.numel() for p in parameters])):
            p.grad = part.reshape(p.shape).clone()
        solver.step()
    return (torch.nn.utils.parameters_to_vector(parameters).detach() - before).numpy()


get_optimizer = Method(
    "get_optimizer",
    f"{MODULE}:get_optimizer",
    run=_run_optimizer,
    notebook="GANs",
    minutes=3,
    cases=_optimizer_cases,
    outputs=("optimizer",),
    hints=(
        "An optimizer of torch.optim is told what to change, model.parameters(), and how: keyword arguments.",
        "Adam's betas are one argument, a pair: that of the mean of the gradients comes first, that of their squares "
        "second.",
        "torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))",
    ),
)


@get_optimizer.oracle
def _(gradients):
    if gradients is None:
        return {"parameters in its care": count(SMALL), "lr": 1e-3, "first beta": 0.5, "second beta": 0.999}
    m = v = change = 0
    for t, g in enumerate(gradients, 1):
        m, v = 0.5 * m + 0.5 * g, 0.999 * v + 0.001 * g**2
        change = change - 1e-3 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return {"change": change}


def _solver(model, kind="Adam", lr=1e-3, only=slice(None), **settings):
    """get_optimizer with switches for mistakes; only: the parameters that it learns."""
    import torch

    return getattr(torch.optim, kind)(list(model.parameters())[only], lr=lr, **settings)


variants(
    get_optimizer,
    functools.partial(_solver, betas=(0.5, 0.999)),
    {
        "betas are left at their default, 0.9 and 0.999": {"betas": (0.9, 0.999)},
        "the betas are exchanged: 0.999 for the gradients, 0.5 for their squares": {"betas": (0.999, 0.5)},
        "both betas are 0.5": {"betas": (0.5, 0.5)},
        "the learning rate is 1e-4": {"lr": 1e-4},
        "the learning rate is 1e-2": {"lr": 1e-2},
        "only the last layer is learnt": {"only": slice(-2, None)},
        "only the weights are learnt, not the biases": {"only": slice(0, None, 2)},
        "AdamW is used: it also pulls the weights to zero": {"kind": "AdamW"},
    },
)
variants(
    get_optimizer,
    _solver,
    {
        "plain SGD is used instead of Adam": {"kind": "SGD"},
        "SGD with a momentum of 0.5 is used instead of Adam": {"kind": "SGD", "momentum": 0.5},
        "RMSprop is used instead of Adam": {"kind": "RMSprop"},
    },
)


# One round of the game --------------------------------------------------------------------------------------
#
# The judge is w x + c. The painter paints one picture, whatever the noise, so that the outcome does not depend on
# random numbers; that the noise is as it must be is seen by what arrives at the painter.

RATE_D, RATE_G, BIAS = 1e-3, 0.2, 0.3
SHAPES = "shapes of what D sees"  # which the other cases do not ask for


def _game_cases():
    def case(seed, N, rounds, noise_size, asked=None):
        real, w, picture = random_arrays(seed, np.float64, (N, 1, 28, 28), (784,), (784,))
        return np.tanh(real), w / 28, np.tanh(picture), rounds, noise_size, asked

    return {
        "one round": case(171, 5, 1, 200),
        "two rounds": case(172, 4, 2, 150),
        "three rounds with one image": case(173, 1, 3, 300),
        SHAPES: case(174, 3, 1, 100, SHAPES),
    }


def _players(w, picture):
    import torch

    dtype = getattr(torch, str(w.dtype))

    class Judge(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.c = (torch.nn.Parameter(torch.tensor(a, dtype=dtype)) for a in (w, BIAS))
            self.shapes = []

        def forward(self, x):
            self.shapes.append(tuple(x.shape[1:]))
            return x.flatten(1) @ self.w[:, None] + self.c

    class Painter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.picture, self.noises = torch.nn.Parameter(torch.tensor(picture, dtype=dtype)), []

        def forward(self, z):
            self.noises.append(z.detach().clone())
            return self.picture + 0 * z[:, :1]

    return Judge(), Painter()


def _watching_sgd(D, G):
    """The discriminator's solver; it counts the steps at which a gradient has come to G since `look` was called."""
    import torch

    class Watching(torch.optim.SGD):
        leaks = 0

        def look(self):
            self.before = [None if p.grad is None else p.grad.clone() for p in G.parameters()]

        def step(self, closure=None):
            grads = zip(G.parameters(), self.before)
            self.leaks += any(
                p.grad is not None and p.grad.any() and (old is None or not p.grad.equal(old)) for p, old in grads
            )
            return super().step(closure)

    return Watching(D.parameters(), lr=RATE_D)


def _real_near_1_fake_near_0(real, fake):
    return (real - 1).square().mean() + fake.square().mean() / 2


def _fake_near_2(fake):
    return (fake - 2).square().mean()


def _run_game(function, real, w, picture, rounds, noise_size, asked):
    import torch

    D, G = _players(w, picture)
    D_solver, G_solver = _watching_sgd(D, G), torch.optim.SGD(G.parameters(), lr=RATE_G)
    for _ in range(rounds):
        D_solver.look()
        got = function(
            D, G, D_solver, G_solver, _real_near_1_fake_near_0, _fake_near_2, torch.from_numpy(real), noise_size
        )
        losses = _two_losses(got)
    if asked == SHAPES:
        return {"batches in another shape than real": sum(shape != real.shape[1:] for shape in D.shapes)}
    noise = torch.cat(G.noises) if len({z.shape[1:] for z in G.noises}) == 1 else torch.zeros(0, 0)
    return {
        "losses that hang on their graph": sum(getattr(loss, "requires_grad", False) for loss in losses),
        "numbers in each noise": noise.shape[1],
        "noise outside -1..1": int((noise.abs() > 1).any()), "noise below 0": int((noise < 0).any()),
        "different batches of noise": len({z.numpy().tobytes() for z in G.noises}),
        "steps of D in which G got a gradient": D_solver.leaks,
        **{name: loss.item() if hasattr(loss, "item") else loss for name, loss in zip(("d_loss", "g_loss"), losses)},
        "weights of D": D.w.detach().numpy(), "picture of G": G.picture.detach().numpy(),
    }  # fmt: skip


def _two_losses(got):
    import torch

    if not isinstance(got, (tuple, list)) or len(got) != 2:
        what = kind_of(got) + (f" of {len(got)}" if isinstance(got, (tuple, list)) else "")
        raise Wrong(f"gan_step must return two losses, first the discriminator's; it returned {what}")
    for loss in got:
        if not isinstance(loss, (torch.Tensor, np.ndarray, float, np.floating)):
            raise Wrong(f"gan_step must return two losses, each one number; one of them is {kind_of(loss)}")
        if np.prod(np.shape(loss)) != 1:
            raise Wrong(f"gan_step must return two losses, each one number; one of them has shape {tuple(loss.shape)}")
    return got


gan_step = Method(
    "gan_step",
    f"{MODULE}:gan_step",
    run=_run_game,
    float32_suffices=True,
    needs=("sample_noise",),
    beyond={
        SHAPES: "G's images go to D as rows (N, 784), which the course's own D takes, but one that begins with a "
        "convolution does not; fake.view_as(real) serves every D.",
    },
    notebook="GANs",
    minutes=20,
    cases=_game_cases,
    outputs=("d_loss", "g_loss"),
    hints=(
        "Two training steps as you know them, one after the other: logits, loss, zero_grad, backward, step. First D's, "
        "with discriminator_loss(D(real), D(fake)), then G's, with generator_loss(D(fake)) from a new fake.",
        "G returns (N, 784), and a D of convolutions wants images: fake.view_as(real). In D's step, fake is a mere "
        "input: make it within torch.no_grad(), or detach() it. In G's step it must stay attached.",
        "fake = G(sample_noise(N, noise_size)).view_as(real).detach(); d_loss = discriminator_loss(D(real), D(fake)); "
        "D_solver.zero_grad(); d_loss.backward(); D_solver.step(). Then new noise, a fake that is not detached, "
        "g_loss = generator_loss(D(fake)) and G_solver; return d_loss.detach(), g_loss.detach().",
    ),
)


@gan_step.oracle
def _(real, w, picture, rounds, noise_size, asked):
    if asked == SHAPES:
        return {"batches in another shape than real": 0.0}
    x, c = real.reshape(len(real), 784), BIAS
    for _ in range(rounds):
        off, fake = x @ w + c - 1, picture @ w + c
        d_loss = np.mean(off**2) + fake**2 / 2
        w, c = w - RATE_D * (2 * off @ x / len(x) + fake * picture), c - RATE_D * (2 * off.mean() + fake)
        off = picture @ w + c - 2
        g_loss, picture = off**2, picture - RATE_G * 2 * off * w
    return {
        "losses that hang on their graph": 0.0,
        "numbers in each noise": noise_size,
        "noise outside -1..1": 0.0, "noise below 0": 1,
        "different batches of noise": 2 * rounds,
        "steps of D in which G got a gradient": 0.0,
        "d_loss": d_loss, "g_loss": g_loss, "weights of D": w, "picture of G": picture,
    }  # fmt: skip


def _round(
    D, G, D_solver, G_solver, d_loss_of, g_loss_of, real, noise_size, *,
    noise=uniform_noise, again=True, shaped=True, see=lambda real: real, detach=True, clear_D=True, clear_G=True,
    old_D=False, exchanged=False, after_D="D", after_G="G", returned=lambda d, g: (d.detach(), g.detach()),
):  # fmt: skip
    """gan_step with switches for mistakes; after_D, after_G: whose solvers take a step after which backward pass."""
    import torch

    def judged(noise):
        images = G(noise)
        return g_loss_of(D(images.view_as(real) if shaped else images))

    first, second = (noise(len(real), noise_size) for _ in range(2))
    solvers = {"D": D_solver, "G": G_solver}
    fake = G(first).view_as(real) if shaped else G(first)
    scores = D(see(real)), D(fake.detach() if detach else fake)
    d_loss = d_loss_of(*(scores[::-1] if exchanged else scores))
    early = judged(second) if old_D else None
    early_gradients = torch.autograd.grad(early, list(G.parameters())) if old_D else ()
    if clear_D:
        D_solver.zero_grad()
    d_loss.backward()
    for name in after_D:
        solvers[name].step()

    if clear_G:
        G_solver.zero_grad()
    if not old_D:
        g_loss = judged(second if again else first)
        g_loss.backward()
    for p, gradient in zip(G.parameters(), early_gradients):
        p.grad = gradient
    for name in after_G:
        solvers[name].step()
    return returned(d_loss, early if old_D else g_loss)


variants(
    gan_step,
    _round,
    {
        "fake is not cut off in D's step: the backward pass goes on through all of G, for nothing": {"detach": False},
        "fake is not cut off in D's step, and G takes that gradient into its own step": {
            "detach": False, "clear_G": False,
        },
        "G's gradients are not set to zero: those of the last round pile up": {"clear_G": False},
        "D's gradients are not set to zero: those that the generator's loss left in D pile up": {"clear_D": False},
        "no gradients are set to zero, neither D's nor G's": {"clear_D": False, "clear_G": False},
        "the generator is judged by the old D, as it was before its step": {"old_D": True},
        "G takes a step in D's turn, too": {"detach": False, "after_D": "DG"},
        "D takes a step in G's turn, too, down the generator's loss": {"after_G": "GD"},
        "D never takes a step": {"after_D": ""},
        "G never takes a step": {"after_G": ""},
        "the same noise serves both steps": {"again": False},
        "one fake serves both steps, and is not cut off in D's": {"again": False, "detach": False},
        "the noise is normal instead of sample_noise's": {
            "noise": functools.partial(uniform_noise, low=0, draw="randn"),
        },
        "the noise is in 0..1, not sample_noise's": {"noise": functools.partial(uniform_noise, low=0)},
        "noise_size is ignored: there are always 96 numbers": {"noise": lambda N, noise_size: uniform_noise(N, 96)},
        "real and fake are exchanged in the call of discriminator_loss": {"exchanged": True},
        "real is brought to -1..1 once more, where it is already": {"see": lambda real: 2 * real - 1},
        "real is brought to -1..1 once more, and in place": {"see": lambda real: real.mul_(2).sub_(1)},
        "fake keeps the shape (N, 784): view_as(real) is missing": {"shaped": False},
        "the losses are returned with their graphs: detach() lets go of the memory": {
            "returned": lambda d, g: (d, g),
        },
        "the two losses are returned in the wrong order": {"returned": lambda d, g: (g.detach(), d.detach())},
    },
)  # fmt: skip
