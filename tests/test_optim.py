"""Update rules against torch.optim, and what they do with their settings and state."""

import inspect

import numpy as np
import pytest
import torch

from cs231n import optim
from cs231n.optim import adam, rmsprop, sgd, sgd_momentum

RULES = {"sgd": sgd, "sgd_momentum": sgd_momentum, "rmsprop": rmsprop, "adam": adam}

# rule -> (our settings, torch's optimizer, its settings). torch's velocity is ours over -learning_rate.
TWINS = {
    "sgd": ({}, torch.optim.SGD, {"lr": 1e-2}),
    "sgd, own settings": ({"learning_rate": 0.3}, torch.optim.SGD, {"lr": 0.3}),
    "sgd_momentum": ({}, torch.optim.SGD, {"lr": 1e-2, "momentum": 0.9}),
    "sgd_momentum, own settings": (
        {"learning_rate": 0.05, "momentum": 0.5}, torch.optim.SGD, {"lr": 0.05, "momentum": 0.5},
    ),
    "rmsprop": ({}, torch.optim.RMSprop, {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8}),
    "rmsprop, own settings": (
        {"learning_rate": 0.05, "decay_rate": 0.8, "epsilon": 1e-3},
        torch.optim.RMSprop, {"lr": 0.05, "alpha": 0.8, "eps": 1e-3},
    ),
    "adam": ({}, torch.optim.Adam, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}),
    "adam, own settings": (
        {"learning_rate": 0.05, "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-2},
        torch.optim.Adam, {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-2},
    ),
}  # fmt: skip

STATE = {"sgd": [], "sgd_momentum": ["velocity"], "rmsprop": ["cache"], "adam": ["m", "v"]}


def draw(seed, shape=(4, 3), dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("name", TWINS)
def test_twenty_steps_are_those_of_torch(name):
    config, Optimizer, settings = TWINS[name]
    rule, config = RULES[name.split(",")[0]], dict(config)
    w = draw(0)
    twin = torch.tensor(w, requires_grad=True)
    optimizer = Optimizer([twin], **settings)
    for step in range(20):
        # A gradient that depends on w, so that an early error grows; some elements are tiny, some zero.
        slope = draw(step + 1) * np.array([1.0, 1e-6, 0.0])
        twin.grad = torch.tensor(slope) * torch.sin(twin.detach())
        optimizer.step()
        w, config = rule(w, slope * np.sin(w), config)
        np.testing.assert_allclose(w, twin.detach().numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
def test_arguments_are_left_as_they_were(name):
    w, dw, config = draw(0), draw(1), None
    for _ in range(3):
        next_w, config = RULES[name](w, dw, config)
        np.testing.assert_array_equal(w, draw(0))
        np.testing.assert_array_equal(dw, draw(1))
        assert not any(
            np.shares_memory(next_w, other) for other in (w, dw, *(config[key] for key in STATE[name]))
        )


@pytest.mark.parametrize("name", RULES)
def test_settings_and_state_live_in_the_config(name):
    config = {"learning_rate": 0.5}
    _, returned = RULES[name](draw(0), draw(1), config)
    assert returned is config and config["learning_rate"] == 0.5
    before = {key: config[key].copy() for key in STATE[name]}
    RULES[name](draw(0), draw(1), config)
    assert all(config[key].shape == (4, 3) and not np.array_equal(config[key], before[key]) for key in before)
    if name == "adam":
        assert config["t"] == 2


@pytest.mark.parametrize("name", RULES)
def test_calls_without_config_share_nothing(name):
    first, config = RULES[name](draw(0), draw(1))
    for _ in range(3):
        RULES[name](draw(0), draw(2), config)
    again, _ = RULES[name](draw(0), draw(1))
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("number", [float, np.float64, np.float32])
@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32(name, number):
    # np.logspace and its like give learning rates that are np.float64, which numpy does not count as weak.
    w, config = draw(0, dtype=np.float32), {"learning_rate": number(0.01)}
    for step in range(3):
        w, config = RULES[name](w, draw(step, dtype=np.float32), config)
    assert w.dtype == np.float32
    assert all(config[key].dtype == np.float32 for key in STATE[name])


@pytest.mark.parametrize("name", RULES)
def test_a_zero_gradient_moves_nothing(name):
    w, _ = RULES[name](draw(0), np.zeros((4, 3)))
    np.testing.assert_array_equal(w, draw(0))


def test_every_rule_of_the_module_is_tested():
    functions = dict(inspect.getmembers(optim, inspect.isfunction))
    assert {name for name in functions if not name.startswith("_")} == set(RULES)
