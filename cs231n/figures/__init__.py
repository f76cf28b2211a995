"""The figures the notebooks draw, each with a description for who cannot see it."""

from .canvas import show
from .captions import show_attention, show_captions, show_similarities
from .curves import plot_losses, plot_scores
from .grids import show_grid, tile

__all__ = [
    "plot_losses", "plot_scores", "show", "show_attention", "show_captions", "show_grid", "show_similarities", "tile",
]  # fmt: skip
