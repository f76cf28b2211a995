"""The progress bar of everything that takes longer than a few seconds."""

import os

from tqdm.auto import tqdm


def progress_bar(steps, what, unit="step", quiet=False):
    """A tqdm bar over so many steps, a widget in notebooks; none if quiet, or with TQDM_DISABLE=1.

    tqdm itself overlooks TQDM_DISABLE in notebooks, where recorded outputs must not hold a bar.
    """
    disable = quiet or os.environ.get("TQDM_DISABLE", "") not in ("", "0")
    return tqdm(total=steps, desc=what, unit=unit, unit_scale=unit == "B", disable=disable)
