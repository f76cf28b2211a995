"""Numbers: losses as they fall, scores side by side."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from .canvas import TEXT, WIDTH, show


def plot_losses(histories, val_histories=None, log=False, what="loss of a caption", alt=None):
    """Training losses {label: list, one an iteration}, thin; their running means, thick; validation losses, dotted.

    The axis shows what comes after the first tenth of the iterations; log: all, on a logarithmic axis. alt: what is to
    be seen, for screen readers; None says where each line begins and ends.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    told = []
    for label, losses in histories.items():
        if not len(losses):
            raise ValueError(f"no loss of {label!r} to draw: train first")
        (line,) = axis.plot(losses, lw=0.6, alpha=0.35)
        middle, mean = _running_mean(losses)
        axis.plot(middle, mean, color=line.get_color(), lw=1.8, label=label)
        told.append(f"{label} goes from {losses[0]:.3g} to {mean[-1]:.3g} in {len(losses)} iterations")
        epochs = (val_histories or {}).get(label, [])
        if len(epochs):
            steps = np.linspace(0, len(losses), len(epochs) + 1)[1:]
            axis.plot(steps, epochs, "o:", color=line.get_color(), ms=4, label=f"{label}, validation")
            told[-1] += f", on validation data from {epochs[0]:.3g} to {epochs[-1]:.3g}"
    axis.set(xlabel="iteration", ylabel=what)
    if log:
        _plain_log_axis(axis)
    else:
        _leave_out_the_start(axis, [*histories.values(), *(val_histories or {}).values()])
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    show(figure, alt or f"Curves of the {what}: {'; '.join(told)}.")


def _running_mean(losses):
    """(iterations, means): of a fiftieth of the run each, standing at its middle, so that no mean trails."""
    window = max(len(losses) // 50, 1)
    mean = np.convolve(losses, np.ones(window) / window, mode="valid")
    return np.arange(len(mean)) + (window - 1) / 2, mean


def _leave_out_the_start(axis, curves):
    """Let the vertical axis show the values after the first tenth, but for outliers, and say what lies above it."""
    later = np.concatenate([np.asarray(curve, float)[len(curve) // 10 :] for curve in curves])
    later = later[np.isfinite(later)]
    if not len(later):
        return
    low, high = later.min(), np.quantile(later, 0.995)
    margin = 0.06 * (high - low) or 1
    axis.set_ylim(low - margin, high + margin)
    begins = [curve[0] for curve in curves]
    if max(begins) > high + margin:
        longest = max(curves, key=len)
        inside = np.argmax(np.asarray(longest) < high)  # to the right of the falling line
        axis.text(inside + 0.03 * len(longest), high, f"(begins at {max(begins):.3g})", va="center", fontsize=TEXT)


def _plain_log_axis(axis):
    """A logarithmic vertical axis with 40 and 0.1 in place of powers of ten."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axis.yaxis.set_minor_formatter("{x:g}" if high < 50 * low else NullFormatter())


def plot_scores(scores, alt=None, **columns):
    """Several numbers of several contenders as bars, a panel a number, each bar with its value.

    scores: {contender: {key: number}}. columns: key=(title, format), such as frechet=("Fréchet distance", ".0f").
    alt: what is to be seen, for screen readers; None makes it of the numbers.
    """
    figure, axes = plt.subplots(1, len(columns), figsize=(WIDTH, 0.4 * len(scores) + 0.8), sharey=True)
    told = []
    for axis, (key, (title, form)) in zip(np.atleast_1d(axes), columns.items()):
        values = [row[key] for row in scores.values()]
        texts = [format(value, form) for value in values]
        bars = axis.barh(list(scores), values, color="#7fa7d8", height=0.65)
        axis.bar_label(bars, texts, padding=3, fontsize=TEXT)
        axis.set(xticks=[], xlim=(0, 1.45 * max(values)))
        axis.set_title(title, fontsize=TEXT, wrap=True)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.tick_params(length=0)
        told.append(f"{title}: " + ", ".join(f"{name} {text}" for name, text in zip(scores, texts)))
    np.atleast_1d(axes)[0].invert_yaxis()
    figure.tight_layout()
    show(figure, alt or f"Bars. {'; '.join(told)}.")
