"""Gradient boosting on the columns of a table: the sample as numbers, and what they foresee.

Of everything that learns in checks of a table, this is the only file that meets scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.stats.folds import folds
from paribus.table import flat

if TYPE_CHECKING:
    from paribus.observed import Observed

LEVELS = 254
"""Values of a column that are told apart; the rarer ones are one level of their own."""

FEW = 4
"""Rows a class (or a number) below which nothing is learned but the mean."""

_LARGEST = 1e300
"""Numbers beyond it are cut: halfway between two of them must still be a number."""

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Design:
    """Columns as numbers that boosted trees can read.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, k)
        NaN where a value is missing. It goes into the trees, and never out of them.
    names : tuple of str, length k
    categorical : ndarray of bool, shape (k,)
        Whether a column holds codes of values, from 0 to `LEVELS`, instead of numbers.
    """

    matrix: Floats
    names: tuple[str, ...]
    categorical: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.matrix)

    def only(self, names: Collection[str]) -> Design:
        """Keep some of the columns, in the order that they have."""
        kept = [i for i, name in enumerate(self.names) if name in names]
        return Design(
            self.matrix[:, kept], tuple(self.names[i] for i in kept), self.categorical[kept]
        )


def design(observed: Observed, exclude: Collection[str] = ()) -> Design:
    """Give the features of the sample as numbers.

    Text, truth values and categories become codes of their `LEVELS` most frequent values, with the
    others as one more; dates become numbers; missing values stay missing, which the trees know.

    Parameters
    ----------
    observed : Observed
        Its `features`, in the rows of its `sample`.
    exclude : collection of str
        Features to leave out.

    Returns
    -------
    Design
        Without columns where there are no features.
    """
    sample = observed.sample
    names = tuple(name for name in observed.features if name not in exclude)
    columns = [_numbers(sample.column(name, slice(None)).arrow()) for name in names]
    matrix = np.empty((len(sample), len(names)))
    for i, (values, _) in enumerate(columns):
        matrix[:, i] = values
    return Design(matrix, names, np.array([coded for _, coded in columns], bool))


def _numbers(array: pa.Array) -> tuple[Floats, bool]:
    """Turn a column into numbers, and tell whether they are codes."""
    kind = array.type
    if pa.types.is_null(kind):
        return np.full(len(array), np.nan), False
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        array = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.clip(values, -_LARGEST, _LARGEST), False
    return _codes(_texts(flat(array))), True


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return array
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())


def _codes(texts: pa.Array) -> Floats:
    """Give codes by frequency, and then by the alphabet: the order of rows does not matter."""
    encoded = texts.dictionary_encode()
    pool = encoded.dictionary
    at = pc.fill_null(encoded.indices, len(pool)).to_numpy(zero_copy_only=False)
    counts = np.bincount(at, minlength=len(pool) + 1)[: len(pool)]
    alphabet = pc.sort_indices(pool).to_numpy()
    frequent = alphabet[np.argsort(-counts[alphabet], kind="stable")]
    code = np.empty(len(pool) + 1)
    code[frequent] = np.minimum(np.arange(len(pool)), LEVELS)
    code[len(pool)] = np.nan
    return cast("Floats", code[at])


# --- what can be learned --------------------------------------------------------------------------


def probabilities(
    of: Design,
    target: npt.NDArray[np.integer[Any]],
    fit: Rows,
    predict: Rows,
    seed: int,
    classes: int | None = None,
) -> Floats:
    """Learn classes from some rows, and give how likely each class is in others.

    Parameters
    ----------
    of : Design
    target : ndarray of int, shape (n,)
        Codes of classes from 0. Rows that are fitted need one of at least 0.
    fit, predict : ndarray of int
        Positions of rows.
    seed : int
    classes : int, optional
        How many there are, the largest code and one where left out.

    Returns
    -------
    ndarray of float64, shape (len(predict), classes)
        Rows sum to 1. A class that no fitted row has gets 0; where nothing can be learned (no
        columns, fewer than `FEW` rows a class), the shares of the classes; where nothing was
        fitted, all classes alike.
    """
    return learner(of, target, fit, seed, classes)(of.matrix[predict])


def learner(
    of: Design,
    target: npt.NDArray[np.integer[Any]],
    fit: Rows,
    seed: int,
    classes: int | None = None,
) -> Callable[[Floats], Floats]:
    """Learn classes from some rows, as a function of a matrix with the columns of the design.

    Parameters
    ----------
    of, target, fit, seed, classes
        As for `probabilities`.

    Returns
    -------
    callable
        Takes a matrix of shape (m, k), gives what `probabilities` gives of its rows.
    """
    known = target[fit]
    total = classes if classes is not None else int(target.max(initial=0)) + 1
    shares = np.bincount(known, minlength=total) / len(known) if len(known) else np.full(total, 1.0)
    shares = shares / shares.sum()
    some = _known_in(of, fit)
    several = np.count_nonzero(shares)
    if not some.any() or several == 1 or len(known) < FEW * several:
        return lambda matrix: np.tile(shares, (len(matrix), 1))
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(**_settings(of.categorical[some], len(fit), seed))
    with _one_thread():
        model.fit(of.matrix[fit][:, some], known)

    def answer(matrix: Floats) -> Floats:
        out = np.zeros((len(matrix), total))
        if len(matrix):
            with _one_thread():
                out[:, model.classes_] = model.predict_proba(matrix[:, some])
        return out

    return answer


def expectations(of: Design, target: Floats, fit: Rows, predict: Rows, seed: int) -> Floats:
    """Learn a number from some rows, and give what is expected of others.

    Parameters
    ----------
    of, fit, predict, seed
        As for `probabilities`.
    target : ndarray of float64, shape (n,)
        Finite in rows that are fitted.

    Returns
    -------
    ndarray of float64, shape (len(predict),)
        The mean of the fitted rows where nothing can be learned, 0 where nothing was fitted.
    """
    known = np.clip(target[fit], -_LARGEST, _LARGEST)
    if not len(known):
        return np.zeros(len(predict))
    # The trees count in single precision, where numbers as large as people's data have no place.
    center = float(np.clip((known / len(known)).sum(), known.min(), known.max()))
    scale = float(np.abs(known - center).max())
    some = _known_in(of, fit)
    if not some.any() or not len(predict) or scale == 0 or len(known) < FEW:
        return np.full(len(predict), center)
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(**_settings(of.categorical[some], len(fit), seed))
    with _one_thread():
        model.fit(of.matrix[fit][:, some], (known - center) / scale)
        return center + scale * cast("Floats", model.predict(of.matrix[predict][:, some]))


def out_of_fold(
    of: Design,
    target: npt.NDArray[np.integer[Any]],
    rows: Rows,
    seed: int,
    parts: int = 5,
    classes: int | None = None,
) -> Floats:
    """Give how likely each class is in every row, learned from rows of other parts alone.

    Parameters
    ----------
    of, target, seed, classes
        As for `probabilities`.
    rows : ndarray of int, shape (m,)
        Positions of rows whose class is known.
    parts : int
        As many times it is learned.

    Returns
    -------
    ndarray of float64, shape (m, classes)
    """
    total = classes if classes is not None else int(target.max(initial=0)) + 1
    part = folds(target[rows], parts, seed)
    out = np.zeros((len(rows), total))
    for each in range(parts):
        held = part == each
        out[held] = probabilities(of, target, rows[~held], rows[held], seed, total)
    return out


def _known_in(of: Design, rows: Rows) -> npt.NDArray[np.bool_]:
    """Tell of which columns any value is known in some rows: the trees cannot bin nothing."""
    return cast("npt.NDArray[np.bool_]", np.isfinite(of.matrix[rows]).any(axis=0))


def _one_thread() -> AbstractContextManager[object]:
    """Keep the trees to one thread.

    On a busy machine several wait for each other: half a second becomes half a minute.
    """
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[object]", threadpool_limits(1, user_api="openmp"))


def _settings(categorical: npt.NDArray[np.bool_], rows: int, seed: int) -> dict[str, Any]:
    """Give settings under which few rows give a cautious model, and a seed always the same one."""
    return {
        "max_iter": 60,
        "max_leaf_nodes": 15,
        "min_samples_leaf": max(2, min(20, rows // 10)),
        "l2_regularization": 1.0,
        "early_stopping": False,
        "categorical_features": categorical,
        "random_state": seed % 2**32,
    }
