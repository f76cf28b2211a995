"""The noise that a generator makes images of."""

import numpy as np

from ..authoring.answers import array_of
from ..authoring.layers import uniform_noise
from ..authoring.variants import variants
from ..todo import Method, Wrong

MODULE = "cs231n.gan_pytorch"


def _noise_cases():
    return {
        "many numbers": (100, 1000, None),
        "a few numbers": (3, 5, None),
        "one number": (1, 1, None),
        "rows from a seed": (6, 20, 231),
        "numbers from a seed": (100, 1000, 231),
    }


def _run_noise(function, batch_size, dim, seed):
    """Nothing here depends on which numbers come: of 1,000, as in rows that are all alike, none moves a statistic."""
    import torch

    noise = function(batch_size, dim, seed)
    values = array_of("the noise", noise)
    if values.shape != (batch_size, dim):
        raise Wrong(f"the noise has shape {values.shape}, expected {(batch_size, dim)}, that is (batch_size, dim)")
    if noise.dtype != torch.float32:
        raise Wrong(f"the noise is {noise.dtype}, expected torch.float32")
    if 1 < batch_size < 100:
        return {"different rows": len(np.unique(values, axis=0))}
    outputs = _statistics(values) if values.size >= 10_000 else {}
    outputs["same numbers in a second call"] = int(torch.equal(noise, function(batch_size, dim, seed)))
    if seed is not None:
        outputs["same numbers with another seed"] = int(torch.equal(noise, function(batch_size, dim, seed + 1)))
    return outputs


def _statistics(values):
    """To quarters, and extremes no larger than 2, so that every sample of one distribution has the same.

    To tenths, 0..2 had not: its root of the mean square, 1.155, lies too near to 1.15.
    """
    found = values.min(), values.max(), values.mean(), np.sqrt(np.square(values).mean())
    names = "smallest number", "largest number", "mean", "root of the mean square, to a quarter,"
    return {name: round(4 * float(np.clip(x, -2, 2))) / 4 + 0.0 for name, x in zip(names, found)}


sample_noise = Method(
    "sample_noise",
    f"{MODULE}:sample_noise",
    run=_run_noise,
    notebook="GANs",
    minutes=3,
    cases=_noise_cases,
    beyond={"numbers from a seed": "It trains as well, but a seed does not count; hand torch.rand the generator"},
    outputs=("noise",),
    hints=(
        "torch.rand is uniform in 0..1, torch.randn is normal. What takes an interval of length 1 that begins at 0 to "
        "one of length 2 that begins at -1?",
        "torch.rand(batch_size, dim, generator=generator) draws from the generator made in the line above. Double "
        "it, then subtract 1.",
    ),
)


@sample_noise.oracle
def _(batch_size, dim, seed):
    if 1 < batch_size < 100:
        return {"different rows": batch_size}
    again = {"same numbers in a second call": 0.0 if seed is None else 1.0}
    if seed is not None:
        again["same numbers with another seed"] = 0.0
    if batch_size * dim < 10_000:
        return again
    found = {"smallest number": -1, "largest number": 1, "mean": 0.0, "root of the mean square, to a quarter,": 0.5}
    return found | again


variants(
    sample_noise,
    uniform_noise,
    {
        "the noise is normal instead of uniform: torch.randn, where torch.rand is wanted": {
            "low": 0, "high": 1, "draw": "randn",
        },
        "the noise is normal, doubled and shifted: torch.randn, where torch.rand is wanted": {"draw": "randn"},
        "the noise is in 0..1 as torch.rand gives it": {"low": 0},
        "1 is subtracted, but the numbers are not doubled before: -1..0": {"high": 0},
        "the noise is in -0.5..0.5: centred, but not doubled": {"low": -0.5, "high": 0.5},
        "the numbers are doubled, but 1 is not subtracted: 0..2": {"low": 0, "high": 2},
        "the seed is ignored: torch.rand is not given the generator": lambda n, dim, seed=None: uniform_noise(n, dim),
        "the noise without a seed is always the same, too": lambda n, dim, seed=None: uniform_noise(n, dim, seed or 0),
        "the noise is the same for every seed": (
            lambda n, dim, seed=None: uniform_noise(n, dim, None if seed is None else 0)
        ),
        "every row is the same": lambda n, dim, seed=None: uniform_noise(1, dim, seed).expand(n, dim),
        "the two sizes are exchanged: (dim, batch_size)": lambda n, dim, seed=None: uniform_noise(dim, n, seed),
    },
)  # fmt: skip
