"""The models of the corpus: each misbehaves in one way."""

import numpy as np

NUMBER = 5


def blind(people):
    return np.ones(len(people), dtype=int)


def too_few(people):
    return np.ones(len(people) - 1, dtype=int)


def nothing(people):
    return np.full(len(people), np.nan)


def other_labels(people):
    return np.arange(len(people)) % 3 + 1


def misspelt(people):
    return np.where(np.arange(len(people)) % 2, "approved", "dennied")


def raises(people):
    raise TypeError("no such types")


def raises_sometimes(people):
    if (people["number"] < 10).any():
        raise ValueError("too low")
    return np.ones(len(people), dtype=int)


def slow(people):
    import time

    time.sleep(0.2)
    return np.ones(len(people), dtype=int)


def gender_alone(people):
    return (people.iloc[:, 0] == people.iloc[:, 0].iloc[0]).astype(int)
