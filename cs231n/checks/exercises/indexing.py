"""Idioms of indexing: select from rows, accumulate into rows, mean over marked steps; each against plain loops."""

import numpy as np

from ..authoring.answers import tensors, value_and_gradients
from ..authoring.inputs import random_arrays, upstream
from ..authoring.layers import added_rows
from ..authoring.variants import mistakes, variants
from ..todo import Method

MODULE = "cs231n.idioms"


# Selecting --------------------------------------------------------------------------------------------------


def _select_cases():
    def case(seed, dtype, C, *labels):
        return *random_arrays(seed, dtype, (len(labels), C)), np.array(labels)

    return {
        "three images, five classes": case(201, np.float64, 5, 3, 0, 4),
        "as many images as classes": case(202, np.float64, 4, 2, 2, 0, 3),
        "one image": case(203, np.float64, 3, 1),
        "float32": case(204, np.float32, 6, 5, 1, 1, 0),
    }


def _run_select(function, s, y):
    scores, labels = tensors(s, y)
    got = function(scores.requires_grad_(), labels)
    return value_and_gradients("select_scores", "selected", got, (len(y),), {"gradient": scores})


select_scores = Method(
    "select_scores",
    f"{MODULE}:select_scores",
    run=_run_select,
    notebook="extras",
    minutes=3,
    cases=_select_cases,
    outputs=("selected", "gradient"),
    hints=(
        "s[i, y[i]] for every i at once: either index with two arrays side by side, s[torch.arange(N), y], or use "
        "s.gather(1, index).",
        "gather's index needs the axes of s: y[:, None] has shape (N, 1), and so has what comes back. Take its column "
        "0; squeeze() without an axis would drop N as well where N is 1.",
        "s.gather(1, y[:, None])[:, 0]",
    ),
)


@select_scores.oracle
def _(s, y):
    gradient = np.zeros_like(s)
    for i, (label, slope) in enumerate(zip(y, upstream((len(y),)))):
        gradient[i, label] = slope
    return {"selected": np.array([row[label] for row, label in zip(s, y)], dtype=s.dtype), "gradient": gradient}


mistakes(
    select_scores,
    {
        "squeeze() without an axis drops the batch as well where it holds one image": (
            lambda s, y: s.gather(1, y[:, None]).squeeze()
        ),
        "the axis that gather needed is still there: shape (N, 1)": lambda s, y: s.gather(1, y[:, None]),
        "s[:, y] takes all labels from every row, an (N, N) table whose diagonal is wanted": lambda s, y: s[:, y],
        "gather runs along axis 0, so that a label picks an image instead of a class": (
            lambda s, y: s.gather(0, y[None])[0]
        ),
        "the highest score of each image is taken, whatever its label": lambda s, y: s.max(dim=1).values,
        "the labels are counted from 1": lambda s, y: s.gather(1, (y[:, None] - 1) % s.shape[1])[:, 0],
        "the selected scores are added up: the right thing for backward(), but not what is asked": (
            lambda s, y: s.gather(1, y[:, None]).sum()
        ),
        "probabilities are selected: there is a softmax in front": (
            lambda s, y: s.softmax(dim=1).gather(1, y[:, None])[:, 0]
        ),
    },
)


# Accumulating -----------------------------------------------------------------------------------------------


def _accumulate_cases():
    def case(seed, dtype, num_rows, *index, D=3):
        return *random_arrays(seed, dtype, (len(index), D)), np.array(index, dtype=np.int64), num_rows

    rows, index, num_rows = case(214, np.float32, 5, 4, 4, 0, 2, 4, 0, 1)
    return {
        "each index once": case(211, np.float64, 4, 2, 0, 3, 1),
        "an index several times": case(212, np.float64, 3, 2, 0, 2, 1, 0, 2),
        "rows that get nothing": case(213, np.float64, 6, 3, 1, 3),
        "float32 with int32 indices": (rows, index.astype(np.int32), num_rows),
        "one row of one number": case(216, np.float64, 1, 0, D=1),
        "no rows at all": case(215, np.float64, 2),
    }


def _run_accumulate(function, rows, index, num_rows):
    return {"sums": function(rows, index, num_rows)}


accumulate_rows = Method(
    "accumulate_rows",
    f"{MODULE}:accumulate_rows",
    run=_run_accumulate,
    notebook="extras",
    minutes=10,
    cases=_accumulate_cases,
    beyond={"no rows at all": "It needs at least one row; where there is none, all sums are zero"},
    outputs=("sums",),
    hints=(
        "out[index] += rows reads out once and writes it once, so that of equal indices only the last one counts. "
        "np.add.at(out, index, rows) adds them all and is right, though not the fastest.",
        "Row i of the result is the sum over m of B[i, m] * rows[m], with B[i, m] = 1 where index[m] is i, else 0: "
        "a matrix product. B is nearly all zeros, so keep it sparse.",
        "B = sparse.csr_array((np.ones(M, dtype=rows.dtype), (index, np.arange(M))), shape=(num_rows, M)); B @ rows",
    ),
)


@accumulate_rows.oracle
def _(rows, index, num_rows):
    sums = np.zeros((num_rows, rows.shape[1]))
    for row, i in zip(rows, index):
        sums[i] += row
    return {"sums": sums}


@accumulate_rows.mistake("`out[index] += rows` keeps only the last of several rows with one index")
def _(rows, index, num_rows):
    sums = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    sums[index] += rows
    return sums


@accumulate_rows.mistake("the rows with one index are averaged instead of added up")
def _(rows, index, num_rows):
    count = np.maximum(np.bincount(index, minlength=num_rows), 1).astype(rows.dtype)
    return added_rows(rows, index, num_rows) / count[:, None]


@accumulate_rows.mistake("the result ends at the largest index that occurs: num_rows is not used")
def _(rows, index, num_rows):
    return added_rows(rows, index, index.max(initial=-1) + 1)


@accumulate_rows.mistake("indices that do not occur are skipped, so that the sums after them move up")
def _(rows, index, num_rows):
    found, place = np.unique(index, return_inverse=True)
    return added_rows(rows, place, len(found))


@accumulate_rows.mistake("the result is made without a dtype, so that float32 silently becomes float64")
def _(rows, index, num_rows):
    return added_rows(rows, index, num_rows, dtype=np.float64)


@accumulate_rows.mistake("the indices are sorted and the rows are not, as if they came in that order already")
def _(rows, index, num_rows):
    return added_rows(rows, np.sort(index), num_rows)


@accumulate_rows.mistake("rows are picked instead of added: rows[index], the forward pass and not its adjoint")
def _(rows, index, num_rows):
    picked = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    for i, m in zip(range(num_rows), index):
        picked[i] = rows[m % len(rows)]
    return picked


# Masking ----------------------------------------------------------------------------------------------------


def _mean_cases():
    (hidden,) = random_arrays(224, np.float64, (2, 4, 3))
    some = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 0, 0, 1]], dtype=bool)
    hidden[~some[:2]] = np.nan
    return {
        "every step marked": (*random_arrays(221, np.float64, (2, 3, 4)), np.ones((2, 3), dtype=bool)),
        "some steps marked": (*random_arrays(222, np.float64, (3, 4, 2)), some),
        "a sequence without a mark": (*random_arrays(223, np.float64, (3, 4, 2)), some & [[True], [False], [True]]),
        "nan at the unmarked steps": (hidden, some[:2]),
        "one sequence of one step": (*random_arrays(226, np.float64, (1, 1, 1)), np.ones((1, 1), dtype=bool)),
        "float32": (*random_arrays(225, np.float32, (3, 4, 5)), some),
    }


def _run_mean(function, x, mask):
    return {"mean": function(x, mask)}


masked_mean = Method(
    "masked_mean",
    f"{MODULE}:masked_mean",
    run=_run_mean,
    notebook="extras",
    minutes=5,
    cases=_mean_cases,
    outputs=("mean",),
    hints=(
        "Two numbers for each sequence: the sum over its marked steps, and how many there are. mask[:, :, None] "
        "spreads over the D columns.",
        "x * mask is not enough where x is nan; np.where(mask[:, :, None], x, 0), or sum's argument where=, leaves "
        "those steps out. Divide by np.maximum(count, 1): 0 / 1 is the zero that is asked for.",
        "total = x.sum(axis=1, where=mask[:, :, None]); count = np.maximum(mask.sum(axis=1), 1).astype(x.dtype); "
        "total / count[:, None]",
    ),
)


@masked_mean.oracle
def _(x, mask):
    N, T, D = x.shape
    mean = np.zeros((N, D))
    for n in range(N):
        steps = [x[n, t] for t in range(T) if mask[n, t]]
        if steps:
            mean[n] = sum(steps) / len(steps)
    return {"mean": mean}


def _mean(
    x, mask, *,
    total=lambda x, mask: np.where(mask[:, :, None], x, 0).sum(axis=1),
    count=lambda mask: np.maximum(mask.sum(axis=1, keepdims=True), 1),
):  # fmt: skip
    """masked_mean with switches for mistakes."""
    with np.errstate(invalid="ignore"):
        return (total(x, mask) / count(mask)).astype(x.dtype)


variants(
    masked_mean,
    _mean,
    {
        "the sum is divided by T, all steps, instead of by the marked ones": {"count": lambda mask: mask.shape[1]},
        "the mask is ignored: a plain mean over all steps": lambda x, mask: x.mean(axis=1),
        "a sequence without a mark gives 0 / 0, nan, instead of zeros": {
            "count": lambda mask: mask.sum(axis=1, keepdims=True),
        },
        "unmarked steps are multiplied by 0, and nan times 0 is nan; leave them out": {
            "total": lambda x, mask: (x * mask[:, :, None]).sum(axis=1),
        },
        "the sum is not divided by anything": {"count": lambda mask: 1},
        "the sum is divided by the marks of all sequences together": {"count": lambda mask: mask.sum()},
        "the mask is the wrong way round: it marks the steps to keep, not those to drop": (
            lambda x, mask: _mean(x, ~mask)
        ),
        "x[mask] throws the steps of all sequences together: one mean (D,) instead of N": (
            lambda x, mask: x[mask].mean(axis=0)
        ),
        "float32 is divided by an int64 count, which makes float64": lambda x, mask: _mean(x, mask).astype(np.float64),
    },
)
