"""How much of a scene can be read off its features by a linear classifier, the usual measure of what was learned."""

import warnings

import numpy as np

from .captions import COLOURS, KINDS

SIZE = 50.0  # mean square length that features are brought to, where one strength of regularisation suits all kinds


def single_things(scenes):
    """Which scenes hold one thing only, (M,) ints, and what it is: {"colour": (M,) ints, "kind": (M,) ints}."""
    rows = np.array([n for n, scene in enumerate(scenes) if len(scene["things"]) == 1], dtype=int)
    things = [scenes[n]["things"][0] for n in rows]
    known = {"colour": COLOURS, "kind": KINDS}
    return rows, {what: np.array([names.index(t[what]) for t in things], dtype=int) for what, names in known.items()}


def linear_probe(features, labels, test_features, test_labels):
    """The share, 0 to 1, of test features (M, D) whose label a linear classifier says that has seen the others' (N,).

    Logistic regression, by scikit-learn. The features, arrays, may be of any size: all are centred and scaled alike.
    """
    from sklearn.exceptions import ConvergenceWarning  # late: scikit-learn takes a second to load
    from sklearn.linear_model import LogisticRegression

    mean = features.mean(axis=0)
    scale = np.sqrt(SIZE / np.square(features - mean).sum(axis=1).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after a hundred steps it is near enough
        classifier = LogisticRegression(tol=1e-3).fit((features - mean) * scale, labels)
    return classifier.score((test_features - mean) * scale, test_labels)
