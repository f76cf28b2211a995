"""Word embedding: looking rows up, and adding their gradients up again."""

import numpy as np

from ..authoring.inputs import random_arrays, with_upstream
from ..authoring.layers import added_rows
from ..authoring.variants import mistakes
from ..todo import Backward, Forward

LAYERS = "cs231n.rnn_layers"


def _embedding_cases():
    words = np.array([[0, 3, 1, 2], [2, 1, 0, 3], [4, 4, 1, 3]])
    return {
        "float64": (words, *random_arrays(31, np.float64, (5, 3))),
        "one word again and again": (np.full((2, 3), 2), *random_arrays(32, np.float64, (4, 2))),
        "one word, one number": (np.array([[1]]), *random_arrays(35, np.float64, (3, 1))),
        "int32 words with float32 vectors": (words[:, :2].astype(np.int32), *random_arrays(33, np.float32, (6, 4))),
    }


word_embedding_forward = Forward(
    "word_embedding_forward",
    f"{LAYERS}:word_embedding_forward",
    notebook="RNN",
    minutes=3,
    cases=_embedding_cases,
    outputs=("out",),
    hints=(
        "Row v of W is the vector of word v. No loop is needed.",
        "An integer array as an index picks rows: W[x] has the shape of x with one more axis at its end.",
        "out = W[x]; the backward pass needs x and the shape of W.",
    ),
)


@word_embedding_forward.oracle
def _embed(x, W):
    return W[x]


mistakes(
    word_embedding_forward,
    {
        "the words are counted from 1: W[x - 1]": lambda x, W: W[x - 1],
        "word 0 gets a vector of zeros": lambda x, W: W[x] * (x > 0)[..., None].astype(W.dtype),
        "the vectors are taken in float64 whatever W is": lambda x, W: W.astype(np.float64)[x],
        "every vector is scaled to length 1": lambda x, W: (W / np.linalg.norm(W, axis=1, keepdims=True))[x],
        "the words of each sentence are looked up in reverse order": lambda x, W: W[x[:, ::-1]],
    },
)


word_embedding_backward = Backward(
    "word_embedding_backward",
    f"{LAYERS}:word_embedding_backward",
    forward=word_embedding_forward,
    notebook="RNN",
    minutes=5,
    cases=lambda: with_upstream(34, _embedding_cases(), lambda x, W: [(*x.shape, W.shape[1])]),
    hints=(
        "W[x] copies row v of W to each place where x is v; the gradient of row v is the sum over these places.",
        "dW[x] += dout reads dW once and writes it once, so of equal words only the last one counts. "
        "np.add.at(dW, x, dout) adds them all.",
        "dW = np.zeros((V, D), dtype=dout.dtype); np.add.at(dW, x, dout). Faster: lookup is the product "
        "onehot(x) @ W, so dW = onehot(x).T @ dout, with onehot(x) a sparse matrix.",
    ),
)


@word_embedding_backward.mistake("`dW[x] += dout` keeps only one of several places of a word; use np.add.at")
def _(dout, x, W):
    dW = np.zeros_like(W)
    dW[x] += dout
    return dW


@word_embedding_backward.mistake("the gradients of a word's places are averaged instead of summed")
def _(dout, x, W):
    count = np.maximum(np.bincount(x.ravel(), minlength=len(W)), 1)[:, None].astype(W.dtype)
    return added_rows(dout, x, len(W)) / count


@word_embedding_backward.mistake("word 0 gets no gradient")
def _(dout, x, W):
    dW = added_rows(dout, x, len(W))
    dW[0] = 0
    return dW


@word_embedding_backward.mistake("dW is made by np.zeros without a dtype and so is float64")
def _(dout, x, W):
    return added_rows(dout, x, len(W), dtype=np.float64)


@word_embedding_backward.mistake("the gradient is divided by the batch size")
def _(dout, x, W):
    return added_rows(dout, x, len(W)) / W.dtype.type(len(x))
