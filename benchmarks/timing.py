"""Paired CPU-time ratios: whatever is compared runs in turn, again and again, in one process and on one thread.

A neighbour's load or a slower clock then meets all contenders alike, and leaves their ratios about as they were.
"""

import gc
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "Sapphirerapids"}
FEWEST_ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """One line of a report: a contender's CPU time, another's to set it against, their ratio, and its target."""

    name: str
    ms: float  # medians
    against: str
    against_ms: float
    ratio: float  # median of the ratios, not ratio of the medians
    target: float | None = None  # None: for information, nothing to meet
    at_least: bool = False  # the target is a lower bound

    @property
    def missed(self):
        if self.target is None:
            return False
        return self.ratio < self.target if self.at_least else self.ratio > self.target


class Race:
    """CPU times of `contenders`, a dict name -> function without arguments, in `times` (name -> array, seconds).

    Each round runs every contender once, in the same order. The race ends after `rounds`, or with the round in
    which `seconds` have gone by, though never before FEWEST_ROUNDS. A round that does not count comes first, to warm
    up. `repeats` calls are timed together, for functions too short for the clock.
    """

    def __init__(self, contenders, rounds, seconds=6.0, repeats=1):
        rounds_run = []
        with threadpool_limits(1):
            _one_round(contenders, repeats)
            began = time.monotonic()
            while len(rounds_run) < rounds:
                rounds_run.append(_one_round(contenders, repeats))
                if time.monotonic() - began > seconds and len(rounds_run) >= FEWEST_ROUNDS:
                    break
        self.times = dict(zip(contenders, np.array(rounds_run).T))

    def row(self, label, name, against, target=None, at_least=False):
        """The Row called `label` of one contender against another: the median of their ratios, round by round."""
        ours, theirs = self.times[name], self.times[against]
        ms, against_ms = 1e3 * float(np.median(ours)), 1e3 * float(np.median(theirs))
        return Row(label, ms, against, against_ms, float(np.median(ours / theirs)), target, at_least)


def _one_round(contenders, repeats):
    return [cpu_seconds(function, repeats) for function in contenders.values()]


def cpu_seconds(function, repeats=1):
    """CPU time of one call, over all threads of this process, with the garbage collector held still."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        for _ in range(repeats):
            function()
        return (time.process_time() - began) / repeats
    finally:
        gc.enable()


def blas_in_use(avx512):
    """A line naming numpy's BLAS and kernel, and advice if the processor has AVX-512 (`avx512`) but the kernel not."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not blas:
        return "BLAS: one that threadpoolctl does not know"
    name, kernel = blas[0]["internal_api"], blas[0].get("architecture", "unnamed")
    line = f"BLAS: {name} {blas[0]['version']}, kernel {kernel}; one thread"
    if avx512 and name == "openblas" and kernel not in AVX512_KERNELS:
        line += (
            "\nThis kernel leaves the processor's AVX-512 unused: OPENBLAS_CORETYPE=SkylakeX, set before Python"
            "\nstarts, may make numpy's products up to twice as fast."
        )
    return line
