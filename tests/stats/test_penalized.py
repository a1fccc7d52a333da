"""Penalized logistic regression: known answers, scikit-learn and statsmodels, laws, extremes."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from paribus.stats.penalized import penalized_logistic

Array = NDArray[np.float64]


def example(n: int = 400, k: int = 5, seed: int = 0) -> tuple[Array, NDArray[np.bool_], Array]:
    """Columns of very different size, one of them sparse, and weights."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, k)) * 10.0 ** np.linspace(-2, 3, k) + np.linspace(0, 40, k)
    Z[:, 0] = rng.random(n) < 0.2
    margin = 2 * Z[:, 0] + (Z[:, 1:] - Z[:, 1:].mean(axis=0)) @ (0.7 / Z[:, 1:].std(axis=0))
    y = rng.random(n) < 1 / (1 + np.exp(-margin))
    return Z, y, rng.exponential(size=n)


def slope(
    Z: Array, y: Array, w: Array, Q: Array, l2: float, coef: Array, b: float, b2: float = 0
) -> Array:
    """Give the gradient of the objective, coefficients first."""
    rest = w * (1 / (1 + np.exp(-(Z @ coef + b))) - y)
    return np.append(Z.T @ rest + l2 * coef + Q @ coef, rest.sum() + b2 * b)


def as_given(Z: Array, sparse: bool) -> Any:
    return sp.csr_array(Z) if sparse else Z


@pytest.mark.parametrize("sparse", [False, True])
def test_odds_of_a_table(sparse: bool) -> None:
    # Of a 2 x 2 table the coefficient is the log odds ratio: log((30 / 10) / (20 / 40)) = log 6.
    Z = np.repeat([1.0, 1.0, 0.0, 0.0], [30, 10, 20, 40])[:, None]
    y = np.repeat([1, 0, 1, 0], [30, 10, 20, 40])
    found = penalized_logistic(as_given(Z, sparse), y)
    assert found.coef == pytest.approx([np.log(6)], abs=1e-7)
    assert found.intercept == pytest.approx(np.log(0.5), abs=1e-7)
    table = penalized_logistic(
        as_given(np.array([[1.0], [1], [0], [0]]), sparse),
        np.array([1, 0, 1, 0]),
        np.array([30.0, 10, 20, 40]),
    )
    assert table.coef == pytest.approx(found.coef, abs=1e-7)


@pytest.mark.parametrize("sparse", [False, True])
def test_without_penalty_equals_statsmodels(sparse: bool) -> None:
    Z, y, weight = example()
    theirs = sm.GLM(
        y.astype(float), sm.add_constant(Z), family=sm.families.Binomial(), freq_weights=weight
    ).fit(tol=1e-12)
    found = penalized_logistic(as_given(Z, sparse), y, weight)
    assert found.coef == pytest.approx(theirs.params[1:], rel=1e-6, abs=1e-9)
    assert found.intercept == pytest.approx(theirs.params[0], rel=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("intercept", [False, True])
def test_equals_scikit_learn(sparse: bool, C: float, intercept: bool) -> None:
    Z, y, weight = example()
    Z = Z / Z.std(axis=0)
    theirs = LogisticRegression(
        C=C, fit_intercept=intercept, solver="newton-cholesky", tol=1e-10
    ).fit(Z, y, weight)
    found = penalized_logistic(as_given(Z, sparse), y, weight, l2=1 / C, intercept=intercept)
    assert found.coef == pytest.approx(theirs.coef_[0], rel=1e-5, abs=1e-7)
    assert found.intercept == pytest.approx(theirs.intercept_[0], rel=1e-5, abs=1e-7)


def test_a_penalized_intercept_equals_liblinear() -> None:
    Z, y, weight = example()
    Z = Z / Z.std(axis=0)
    theirs = LogisticRegression(
        C=0.01, solver="liblinear", intercept_scaling=2.0, tol=1e-10, max_iter=10_000
    ).fit(Z, y, weight)
    found = penalized_logistic(Z, y, weight, l2=100, intercept_l2=100 / 4)
    assert found.coef == pytest.approx(theirs.coef_[0], rel=1e-4, abs=1e-6)
    assert found.intercept == pytest.approx(theirs.intercept_[0], rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 60),
    k=st.integers(1, 6),
    rank=st.integers(0, 4),
    l2=st.sampled_from([1e-3, 1.0, 50.0]),
    b2=st.sampled_from([0.0, 2.0]),
    sparse=st.booleans(),
)
def test_slope_is_flat_at_the_minimum(
    seed: int, n: int, k: int, rank: int, l2: float, b2: float, sparse: bool
) -> None:
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(n, k)) + 1.0, rng.integers(0, 2, n).astype(float)
    y[0] = 1 - y[-1] if n > 1 else y[0]
    weight = rng.exponential(size=n)
    D = rng.normal(size=(rank, k)) * 3
    Q = D.T @ D
    found = penalized_logistic(as_given(Z, sparse), y, weight, Q, l2, intercept_l2=b2)
    flat = slope(Z, y, weight, Q, l2, found.coef, found.intercept, b2)
    assert np.abs(flat).max() < 1e-5 * (1 + weight.sum())


def test_a_full_quadratic_form_is_a_ridge() -> None:
    Z, y, weight = example()
    ridge = penalized_logistic(Z, y, weight, l2=7.0)
    form = penalized_logistic(Z, y, weight, 7.0 * np.eye(Z.shape[1]))
    sparse = penalized_logistic(Z, y, weight, sp.eye_array(Z.shape[1], format="csr") * 7.0)
    assert form.coef == pytest.approx(ridge.coef, rel=1e-6)
    assert sparse.coef == pytest.approx(ridge.coef, rel=1e-6)


@pytest.mark.parametrize("strength", [1e3, 1e6, 1e9])
def test_what_a_large_form_leaves_free_is_the_fit_on_the_rest(strength: float) -> None:
    Z, y, weight = example()
    Z = Z / Z.std(axis=0)
    rng = np.random.default_rng(3)
    D = rng.normal(size=(2, 5))
    free = np.linalg.svd(D)[2][2:].T
    limit = penalized_logistic(Z @ free, y, weight)
    found = penalized_logistic(Z, y, weight, strength * weight.sum() * D.T @ D)
    assert np.abs(D @ found.coef).max() < 3 / strength
    assert found.coef == pytest.approx(free @ limit.coef, abs=max(1e-6, 10 / strength))


def test_constant_columns_are_held_together_with_others() -> None:
    # The second column is the same in all rows, and could hide what the first one does to twins:
    # it costs no loss and here no ridge. The minimum knows that.
    Z, y, _ = example(k=1)
    Z = np.column_stack([Z, np.full(len(Z), 5.0)])
    d = np.array([1.0, -1.0])
    Q = 1e4 * np.outer(d, d)
    found = penalized_logistic(Z, y, None, Q)
    plain = penalized_logistic(Z[:, :1], y)
    assert found.coef[0] == pytest.approx(plain.coef[0], rel=1e-6)
    assert found.coef[1] == pytest.approx(plain.coef[0], rel=1e-6)


def test_many_sparse_columns_equal_the_written_curvature() -> None:
    rng = np.random.default_rng(4)
    n, k = 1_500, 1_100
    Z = sp.random(n, k, density=0.01, random_state=rng, format="csr")
    y = Z @ rng.normal(size=k) + 0.3 * rng.normal(size=n) > 0
    D = sp.random(30, k, density=0.01, random_state=rng, format="csr")
    Q = (D.T @ D) * 1e4
    found = penalized_logistic(Z, y, None, Q, 1.0)
    flat = slope(Z.toarray(), y, np.ones(n), Q.toarray(), 1.0, found.coef, found.intercept)
    assert np.abs(flat).max() < 1e-4
    assert np.abs(D @ found.coef).max() < 1e-2
    dense = penalized_logistic(Z.toarray(), y, None, Q.toarray(), 1.0)
    assert dense.coef == pytest.approx(found.coef, abs=1e-5)


@pytest.mark.parametrize("unit", [1e-60, 1e-3, 1e5, 1e100])
def test_units_make_no_difference(unit: float) -> None:
    Z, y, weight = example()
    plain = penalized_logistic(Z, y, weight)
    found = penalized_logistic(Z * unit, y, weight)
    assert found.coef * unit == pytest.approx(plain.coef, rel=1e-6)
    assert found.intercept == pytest.approx(plain.intercept, rel=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("labels", ["good", "bad", "parted", "mixed"])
def test_degenerate_data_have_finite_answers(sparse: bool, intercept: bool, labels: str) -> None:
    n = 50
    y = {
        "good": np.ones(n),
        "bad": np.zeros(n),
        "parted": np.arange(n) > 25,
        "mixed": np.arange(n) % 2,
    }[labels]
    line = np.arange(n) * 1.0
    Z = np.column_stack([line, line, np.ones(n), np.zeros(n), np.full(n, 1e100), line * 1e50])
    for Q in (None, np.eye(6), np.zeros((6, 6))):
        found = penalized_logistic(as_given(Z, sparse), y, None, Q, intercept=intercept)
        margins = Z @ found.coef + found.intercept
        assert np.isfinite(found.coef).all()
        assert np.isfinite(margins).all()
        if Q is None and labels in ("good", "bad"):
            assert ((margins > 0) == (y == 1)).all()
        if Q is None and labels == "parted" and intercept:
            assert ((margins > 0) == y).all()


def test_nothing_to_learn_from() -> None:
    assert penalized_logistic(np.zeros((0, 3)), np.zeros(0)).coef.tolist() == [0, 0, 0]
    assert penalized_logistic(np.ones((4, 1)), np.ones(4), np.zeros(4)).intercept == 0
    alone = penalized_logistic(np.zeros((4, 0)), np.array([1, 1, 1, 0]))
    assert alone.intercept == pytest.approx(np.log(3))
    assert alone.coef.shape == (0,)


def test_rows_of_no_weight_change_nothing() -> None:
    Z, y, weight = example()
    weight[200:] = 0
    part = penalized_logistic(Z[:200], y[:200], weight[:200], l2=1.0)
    assert penalized_logistic(Z, y, weight, l2=1.0).coef == pytest.approx(part.coef, rel=1e-6)
