"""When two arrays of numbers count as equal, and where they are visibly off."""

import numpy as np


def close(got, want, dtype=np.float64):
    """Equal up to rounding, measured against the largest number expected; dtype: what the numbers were made from."""
    try:
        got, want = np.asarray(got), np.asarray(want)
        if got.shape != want.shape or got.dtype.kind not in "fiub":
            return False
        tolerance = 1e-4 if np.float32 in (got.dtype, dtype) else 1e-7
        return bool(np.allclose(got, want, rtol=tolerance, atol=tolerance * largest(want), equal_nan=True))
    except Exception:
        return False


def numbers_of(value):
    """A value as an array of real numbers; None where it is none."""
    try:
        array = np.asarray(value)
        return array if array.dtype.kind in "fiub" else None
    except Exception:  # an answer may be anything
        return None


def largest(array):
    """The largest finite size in an array, at least 1e-3."""
    return np.abs(array[np.isfinite(array)].astype(float)).max(initial=1e-3)


def differs(got, want):
    """Which elements are visibly off; if none is, the one that is off most."""
    off = ~np.isclose(got, want, rtol=1e-4, atol=1e-4 * largest(want))
    return off if off.any() else np.abs(got - want) == np.abs(got - want).max()
