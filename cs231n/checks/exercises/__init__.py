"""The course's exercises; importing them registers their TODOs, in the order of the course."""

from . import (  # noqa: F401  isort: skip
    rnn,
    lstm,
    net_visualization,
    style_transfer,
    gan,
    extras,
    attention,
    wgan,
    diffusion,
    distributed,
)
