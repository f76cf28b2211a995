"""Numbers: losses as they fall, scores side by side."""

import matplotlib.pyplot as plt
import numpy as np


def plot_losses(histories, val_histories=None, log=False, what="loss of a caption"):
    """Training losses {label: list, one an iteration}, thin; their running means, thick; validation losses, dotted."""
    _, axis = plt.subplots(figsize=(8, 3.6))
    for label, losses in histories.items():
        (line,) = axis.plot(losses, lw=0.6, alpha=0.35)
        window = max(len(losses) // 50, 1)
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        axis.plot(np.arange(len(smooth)) + window - 1, smooth, color=line.get_color(), lw=1.8, label=label)
        epochs = (val_histories or {}).get(label, [])
        if len(epochs):
            steps = np.linspace(0, len(losses), len(epochs) + 1)[1:]
            axis.plot(steps, epochs, "o:", color=line.get_color(), ms=4, label=f"{label}, validation")
    axis.set(xlabel="iteration", ylabel=what, yscale="log" if log else "linear")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    plt.show()


def plot_scores(scores, **columns):
    """Several numbers of several contenders as bars, a panel a number, each bar with its value.

    scores: {contender: {key: number}}. columns: key=(title, format), such as frechet=("Fréchet distance", ".0f").
    """
    figure, axes = plt.subplots(1, len(columns), figsize=(3.2 * len(columns), 0.4 * len(scores) + 0.8), sharey=True)
    for axis, (key, (title, form)) in zip(np.atleast_1d(axes), columns.items()):
        values = [row[key] for row in scores.values()]
        bars = axis.barh(list(scores), values, color="#7fa7d8", height=0.65)
        axis.bar_label(bars, [format(value, form) for value in values], padding=3, fontsize=9)
        axis.set(title=title, xticks=[], xlim=(0, 1.25 * max(values)))
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.tick_params(length=0)
    axis.invert_yaxis()
    figure.tight_layout()
    plt.show()
