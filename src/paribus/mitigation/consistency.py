"""Penalize a logistic regression where it tells twins apart."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from paribus._plugins import Number
from paribus._text import number
from paribus.errors import DataError, ModelError, ParibusError, reason
from paribus.mitigation.base import Mended, Mitigation, Stage, Training
from paribus.stats.penalized import penalized_logistic
from paribus.table import to_frame
from paribus.twins import TwinBlock, Version, cell_contrasts, level_contrasts, pair

_CELLS = 32
"""Combinations of levels up to which all of them are twins, beside the levels of each attribute."""

_WRITTEN = 1_000
"""Coefficients up to which what twins differ in is summed as a full matrix."""

Floats = npt.NDArray[np.float64]


class Consistency(Mitigation):
    """Penalizes a logistic regression where it tells twins apart.

    What the audit measures is what the training penalizes: beside its own loss, the regression
    pays for how much the margin (the log odds) of a person differs between the versions of that
    person. To ``C sum_i w_i loss_i + 1/2 |coef|^2``, which scikit-learn minimizes, it adds
    ``strength C sum_i w_i v_i``, where `v` is the sample variance of a person's margin over the
    levels of an attribute: half the squared difference of twins where there are two levels. It is
    the mean over all attributes, and over all combinations of their levels where these are up to
    32. Neither the reference nor the level that a person really has makes a difference, and a
    person whose level is missing has twins as everybody has.

    The steps before the regression are fitted as usual. The result is the same kind of model as
    before, with other coefficients. It does not look for proxies: what does not follow the
    attribute in the declaration is the same for twins.

    References
    ----------
    Garg, Perot, Limtiaco, Taly, Chi and Beutel (2019), Proceedings of the AAAI/ACM Conference on
    AI, Ethics, and Society, 219-226: counterfactual logit pairing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from paribus.mitigation.base import Training
    >>> from paribus.people.population import Protected
    >>> from paribus.table import Table
    >>> frame = pd.DataFrame({"woman": [0, 1] * 50, "income": [i / 100 for i in range(100)]})
    >>> label = (frame["income"] > 0.3 + 0.4 * frame["woman"]).to_numpy()
    >>> training = Training(
    ...     Table.of(frame), label, True, LogisticRegression(), ("woman", "income"),
    ...     {"woman": Protected(levels=(0, 1))},
    ... )
    >>> bool(training.plain.coef_[0, 0] < -1)
    True
    >>> bool(abs(Consistency().mend(training).model.coef_[0, 0]) < 0.01)
    True
    """

    kind: Literal["consistency"] = "consistency"
    stage: ClassVar[Stage] = "training"
    strength: Number = Field(default=100.0, ge=0, le=1e6)
    """How much a difference of twins costs, as a multiple of the loss: 0 is the plain regression.

    A hundredfold leaves twins a few thousandths apart on the scale of the log odds.
    """

    def mend(self, training: Training) -> Mended:
        """Fit the estimator, then its last step again with the penalty.

        Raises
        ------
        ModelError
            Where the estimator is no logistic regression, or no pipeline that ends in one; where
            its penalty is not ``l2`` or none; where its first steps do not take the twins.
        DataError
            Where there are not two labels.
        """
        _check(training.estimator)
        if len(np.unique(training.label)) != 2:
            raise DataError("there must be two labels among the rows to learn from")
        # The plain model is shared: it must stay as it is.
        model = copy.deepcopy(training.plain)
        steps, last = _parts(model)
        weight = _weight(last, training)
        apart = _apart(training, steps, weight)
        if apart is None:
            said = "Twins do not differ in what the model sees: there is nothing to penalize."
            return Mended(model, (said,))
        before = last.coef_[0].astype(np.float64)
        found = penalized_logistic(
            _entered(steps, training.X),
            training.label == last.classes_[1],
            weight,
            apart * (2.0 * self.strength),
            _ridge(last),
            intercept=bool(last.fit_intercept),
            intercept_l2=_intercept_ridge(last),
        )
        last.coef_ = found.coef[None, :].astype(last.coef_.dtype)
        last.intercept_ = np.array([found.intercept], last.coef_.dtype)
        last.n_iter_ = np.array([found.iterations], np.int32)
        moved = apart / weight.sum()
        note = (
            f"The log odds of twins were {number(_typical(moved, before))} apart and are "
            f"{number(_typical(moved, found.coef))} apart now (root mean square)."
        )
        return Mended(model, (note,))


# --- the estimator --------------------------------------------------------------------------------


def _check(estimator: Any) -> None:
    """Check that an estimator is one whose loss we know."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    last = _parts(estimator)[1]
    if not isinstance(last, LogisticRegression) or isinstance(last, LogisticRegressionCV):
        raise ModelError(
            "consistency takes a LogisticRegression, or a Pipeline that ends in one, and not "
            f"{type(last).__name__}"
        )
    # Up to scikit-learn 1.7 the name of the penalty decides, later its mix; the name goes in 1.10.
    named = getattr(last, "penalty", "deprecated")
    mixed = named in ("elasticnet", "deprecated") and bool(last.l1_ratio)
    if named == "l1" or mixed:
        raise ModelError(
            "consistency takes a LogisticRegression with an l2 penalty or with none, and this one "
            "has l1 in it"
        )
    if getattr(last, "multi_class", "auto") == "multinomial":
        raise ModelError('consistency takes no LogisticRegression with multi_class="multinomial"')


def _parts(estimator: Any) -> tuple[tuple[Any, ...], Any]:
    """Part the steps of a pipeline, and of pipelines in it, from the estimator at its end."""
    steps = getattr(estimator, "steps", None)
    if not isinstance(steps, list) or not steps:
        return (), estimator
    first = (estimator[:-1],) if len(steps) > 1 else ()
    more, last = _parts(steps[-1][1])
    return (*first, *more), last


def _entered(steps: tuple[Any, ...], X: Any) -> Any:
    """Give what the last step is handed, as a float64 array or a sparse one.

    Raises
    ------
    ModelError
        Where a step does not take some people, such as a level that nobody in the data has.
    """
    for step in steps:
        try:
            X = step.transform(X)
        except ParibusError:
            raise
        except Exception as error:
            raise ModelError(
                f"the steps before the regression do not take the twins ({reason(error)}); let "
                'them, say by OneHotEncoder(handle_unknown="ignore")'
            ) from error
    return X.tocsr().astype(np.float64) if hasattr(X, "tocsr") else np.asarray(X, np.float64)


def _ridge(last: Any) -> float:
    free = getattr(last, "penalty", "deprecated") is None
    return 0.0 if free else 1.0 / float(last.C)


def _intercept_ridge(last: Any) -> float:
    """Give the penalty of the intercept, which one of the solvers has."""
    if last.solver != "liblinear" or not last.fit_intercept:
        return 0.0
    return _ridge(last) / float(last.intercept_scaling) ** 2


def _weight(last: Any, training: Training) -> Floats:
    """Give the weights of rows, times those of classes."""
    from sklearn.utils.class_weight import compute_class_weight

    weight = np.ones(len(training)) if training.weight is None else training.weight
    if last.class_weight is None:
        return weight
    given: dict[str, Any] = {"classes": last.classes_, "y": training.label}
    if "sample_weight" in inspect.signature(compute_class_weight).parameters:
        given["sample_weight"] = training.weight
    classes = compute_class_weight(last.class_weight, **given)
    at = (training.label == last.classes_[1]).astype(np.intp)
    return np.asarray(weight * classes[at], np.float64)


# --- twins ----------------------------------------------------------------------------------------


def _apart(training: Training, steps: tuple[Any, ...], weight: Floats) -> Any:
    """Sum up in what twins differ, as the last step is handed them.

    Returns
    -------
    ndarray or sparse array, shape (k, k), or None
        A matrix `M` such that ``w' M w`` is the weighted sum of the sample variances of people's
        margins under coefficients `w`. None where twins do not differ in what the model sees.
    """
    families = _families(training)
    if not families:
        return None
    people = training.people
    total: Any = None
    for versions in families:
        twins = pair(people, ())
        share = 1.0 / ((len(versions) - 1) * len(families))
        for number_of in range(twins.blocks):
            block = twins.block(number_of)
            own = weight[block.start : block.start + len(block)] * share
            seen = [_entered(steps, frame) for frame in _frames(training, block, versions)]
            mean = sum(seen[1:], seen[0]) / len(seen)
            for Z in seen:
                product = _squared(Z - mean, own)
                total = product if total is None else total + product
    return total


def _squared(D: Any, own: Floats) -> Any:
    if not hasattr(D, "tocsr"):
        return (D * own[:, None]).T @ D
    product = D.T @ D.multiply(own[:, None]).tocsr()
    return product.toarray() if product.shape[0] < _WRITTEN else product.tocsr()


def _families(training: Training) -> list[tuple[Version, ...]]:
    """List the versions of a person that should be alike: of each attribute, and of all crossed."""
    people, features = training.people, set(training.features)
    seen = [name for name in people.protect if features & set(people.closure(name))]
    contrasts = [level_contrasts(people, name) for name in seen]
    if len(seen) > 1 and prod(len(people.protect[name].levels) for name in seen) <= _CELLS:
        contrasts.append(cell_contrasts(people, seen))
    return [(each[0].reference, *(contrast.group for contrast in each)) for each in contrasts]


def _frames(training: Training, block: TwinBlock, versions: tuple[Version, ...]) -> Iterator[Any]:
    """Give the versions of a block of people as the estimator sees them."""
    people, table = training.people, training.table
    moved = {name for name, _ in versions[0].moves}
    rows = slice(block.start, block.start + len(block))
    same = {
        name: table.column(name, rows)
        for name in training.features
        if not people.attributes_behind(name) & moved
    }
    differ = [name for name in training.features if name not in same]
    for version in versions:
        columns = same | block.columns(version, differ)
        frame = to_frame({name: columns[name] for name in training.features}, table.kind, table)
        yield training.seen.of_frame(frame)


def _typical(apart: Any, coef: Floats) -> float:
    """Give the root mean square difference of two versions of a person."""
    return float(np.sqrt(max(0.0, 2.0 * float(coef @ (apart @ coef)))))
