"""The figures the notebooks draw."""

from .captions import show_attention, show_captions
from .curves import plot_losses, plot_scores
from .grids import show_grid, tile

__all__ = ["plot_losses", "plot_scores", "show_attention", "show_captions", "show_grid", "tile"]
