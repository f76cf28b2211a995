"""Small inputs for cases. No check depends on which numbers they hold."""

import numpy as np

WORDS = {word: i for i, word in enumerate(["<NULL>", "<START>", "<END>", "a", "red", "blue", "cat", "boat"])}


def random_arrays(seed, dtype, *shapes):
    """Normal numbers of the given shapes, a tuple of arrays of dtype."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


def with_upstream(seed, cases, shapes):
    """The cases of a backward pass: upstream gradients in front of the forward pass's arguments.

    shapes(*arguments): the shapes of the forward pass's outputs. The gradients have the last argument's dtype.
    """
    return {label: (*random_arrays(seed, args[-1].dtype, *shapes(*args)), *args) for label, args in cases.items()}


def upstream(shape):
    """A gradient (float64) that is different for every element, and not symmetric."""
    return np.cos(np.arange(np.prod(shape))).reshape(shape)


def sequence_cases(gates):
    """x (N, T, D), h0 (N, H), Wx, Wh and b of rnn_forward (gates=1) and lstm_forward (gates=4)."""

    def shapes(N, T, D, H):
        return (N, T, D), (N, H), (D, gates * H), (H, gates * H), (gates * H,)

    return {
        "float64": random_arrays(21, np.float64, *shapes(2, 4, 3, 5)),
        "one step": random_arrays(22, np.float64, *shapes(2, 1, 3, 4)),
        "one row, one input, one unit": random_arrays(23, np.float64, *shapes(1, 3, 1, 1)),
        "float32": random_arrays(24, np.float32, *shapes(3, 4, 3, 5)),
        "large numbers": with_large_sums(*random_arrays(26, np.float32, *shapes(3, 3, 1, 2))),
    }


def with_large_sums(x, *states_and_weights):
    """Arguments of a recurrent layer of one input, x Wx now a thousand and more, of both signs."""
    *states, Wx, Wh, b = states_and_weights
    return 1000 * np.sign(x), *states, np.sign(Wx) * (1 + np.abs(Wx)), Wh, b


def sequence_back_cases(gates):
    """The same with dh (N, T, H) in front, the gradient of every hidden state."""
    return with_upstream(25, sequence_cases(gates), lambda x, h0, *weights: [(*x.shape[:2], h0.shape[1])])


def three_captions():
    """Captions in WORDS, int32 (3, 6): <START>, words, <END>, padding."""
    rows = ["a red cat <END>", "boat <END>", "cat cat a red <END>"]
    rows = [["<START>", *row.split()] for row in rows]
    return np.array([[WORDS[word] for word in row + ["<NULL>"] * (6 - len(row))] for row in rows], dtype=np.int32)


def causal_mask(T):
    """(T, T) bools: row t marks what word t may look at, itself and the words before it."""
    return np.tril(np.ones((T, T), dtype=bool))
