"""The Gaussian copula: marginals, dependence and missing values survive, at any size."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from paribus.stats.copula import Copula

ROWS = 20_000
NUMBERS = {"age": 0, "income": 1, "children": 2, "gain": 3}
CATEGORIES = {"job": 4, "city": 5, "sex": 6}
# Orders of codes say nothing: jobs by rising pay.
JOBS = np.array([3, 0, 2, 1, 4])


def table(n: int, seed: int) -> list[np.ndarray]:
    """Columns that are not a Gaussian copula: skew, ties, an atom, codes, missing values."""
    rng = np.random.default_rng(seed)
    first, second, third, fourth = rng.standard_normal((4, n))
    age = np.clip(40 + 12 * first, 18, 90).round()
    income = np.exp(10 + 0.36 * first + 0.48 * second)
    income[rng.random(n) < 0.3 / (1 + np.exp(-(age - 40) / 8))] = np.nan
    children = rng.poisson(np.exp(0.3 + 0.5 * first)).astype(float)
    gain = np.where(third + 0.5 * second > 1.2, np.exp(7 + fourth), 0.0)
    job = JOBS[np.digitize(second + 0.7 * third, [-1, 0, 0.5, 1.5])]
    job[rng.random(n) < 0.1] = -1
    city = rng.integers(0, 8, n)
    sex = (third + rng.standard_normal(n) > 0.3).astype(int)
    return [age, income, children, gain, job, city, sex]


@pytest.fixture(scope="module")
def source() -> list[np.ndarray]:
    return table(ROWS, 1)


@pytest.fixture(scope="module")
def drawn(source: list[np.ndarray]) -> list[np.ndarray]:
    return Copula.fit(source).draw(ROWS, np.random.default_rng(2))


def known(column: np.ndarray) -> np.ndarray:
    return column >= 0 if column.dtype.kind == "i" else ~np.isnan(column)


def spearman(rows: list[np.ndarray], i: int, j: int) -> float:
    both = known(rows[i]) & known(rows[j])
    return float(stats.spearmanr(rows[i][both], rows[j][both]).statistic)


def correlation_ratio(codes: np.ndarray, numbers: np.ndarray) -> float:
    both = known(codes) & known(numbers)
    codes, ranks = codes[both], stats.rankdata(numbers[both])
    means = np.bincount(codes, weights=ranks) / np.maximum(np.bincount(codes), 1)
    return float(np.std(means[codes]) / np.std(ranks))


def cramers_v(one: np.ndarray, other: np.ndarray) -> float:
    both = known(one) & known(other)
    counts = stats.contingency.crosstab(one[both], other[both]).count
    return float(stats.contingency.association(counts))


@pytest.mark.parametrize("i", NUMBERS.values(), ids=list(NUMBERS))
def test_distribution_of_numbers(source: list[np.ndarray], drawn: list[np.ndarray], i: int) -> None:
    ours, theirs = drawn[i][known(drawn[i])], source[i][known(source[i])]
    assert stats.ks_2samp(ours, theirs).statistic < 0.015
    assert theirs.min() <= ours.min() <= ours.max() <= theirs.max()


@pytest.mark.parametrize("i", CATEGORIES.values(), ids=list(CATEGORIES))
def test_distribution_of_categories(
    source: list[np.ndarray], drawn: list[np.ndarray], i: int
) -> None:
    assert drawn[i].dtype == np.int64
    ours, theirs = (np.bincount(rows[i] + 1) / ROWS for rows in (drawn, source))
    assert ours == pytest.approx(theirs, abs=0.015)


@pytest.mark.parametrize("i", range(4))
@pytest.mark.parametrize("j", range(4))
def test_numbers_by_numbers(
    source: list[np.ndarray], drawn: list[np.ndarray], i: int, j: int
) -> None:
    assert spearman(drawn, i, j) == pytest.approx(spearman(source, i, j), abs=0.05)


@pytest.mark.parametrize("i", CATEGORIES.values(), ids=list(CATEGORIES))
@pytest.mark.parametrize("j", NUMBERS.values(), ids=list(NUMBERS))
def test_numbers_by_categories(
    source: list[np.ndarray], drawn: list[np.ndarray], i: int, j: int
) -> None:
    ours, theirs = (correlation_ratio(rows[i], rows[j]) for rows in (drawn, source))
    assert ours == pytest.approx(theirs, abs=0.05)


@pytest.mark.parametrize(("i", "j"), [(4, 5), (4, 6), (5, 6)])
def test_categories_by_categories(
    source: list[np.ndarray], drawn: list[np.ndarray], i: int, j: int
) -> None:
    ours, theirs = (cramers_v(rows[i], rows[j]) for rows in (drawn, source))
    assert ours == pytest.approx(theirs, abs=0.05)


def test_categories_keep_their_means(source: list[np.ndarray], drawn: list[np.ndarray]) -> None:
    for job in JOBS:
        ours, theirs = (np.nanmedian(rows[1][rows[4] == job]) for rows in (drawn, source))
        assert ours == pytest.approx(theirs, rel=0.05)


def test_missing_values(source: list[np.ndarray], drawn: list[np.ndarray]) -> None:
    for ours, theirs in zip(drawn, source, strict=True):
        assert known(ours).mean() == pytest.approx(known(theirs).mean(), abs=0.01)
        assert known(ours).all() == known(theirs).all()
    # Income is missing more often of the old.
    ours, theirs = (np.corrcoef(known(rows[1]), rows[0])[0, 1] for rows in (drawn, source))
    assert theirs < -0.2
    assert ours == pytest.approx(theirs, abs=0.03)


def test_missing_together() -> None:
    rng = np.random.default_rng(8)
    lost = rng.random(5_000) < 0.3
    columns = [np.where(lost, np.nan, rng.normal(size=5_000)) for _ in range(2)]
    one, other = Copula.fit(columns).draw(5_000, rng)
    assert np.corrcoef(np.isnan(one), np.isnan(other))[0, 1] > 0.9
    assert np.isnan(one).mean() == pytest.approx(0.3, abs=0.03)


def test_values_that_are_never_made_up(source: list[np.ndarray], drawn: list[np.ndarray]) -> None:
    for i in (0, 2, 4, 5, 6):
        assert np.isin(drawn[i], source[i]).all()
    # Most incomes are new; of the gains, the atom at 0 never leads into the gap beside it.
    assert not np.isin(drawn[1][known(drawn[1])], source[1]).mean() > 0.05
    smallest = source[3][source[3] > 0].min()
    assert ((drawn[3] == 0) | (drawn[3] >= smallest)).all()


def test_draws_between_values_keep_their_decimals() -> None:
    prices = np.array([12.99, 15.5, 3.25, 8.0, 21.49, 9.99, 7.2])
    draws = Copula.fit([prices]).draw(2_000, np.random.default_rng(0))[0]
    assert (np.round(draws, 2) == draws).all()
    assert len(np.unique(draws)) > 500
    ratings = np.array([1.5, 2.0, 2.0, 2.0, 1.5, 2.0, 3.5, 4.0, 4.5, 2.0])
    assert set(Copula.fit([ratings]).draw(500, np.random.default_rng(0))[0]) == set(ratings)


def test_a_negative_column_has_the_negative_correlation(source: list[np.ndarray]) -> None:
    gain, income = source[3][:300], source[1][:300]
    found, negative = (Copula.fit([sign * gain, income]).correlation[0, 1] for sign in (1.0, -1.0))
    assert abs(found) > 0.05
    assert negative == pytest.approx(-found, abs=1e-9)


@pytest.mark.parametrize("truth", [-0.9, -0.5, 0.0, 0.3, 0.8])
def test_the_latent_correlation_is_found_whatever_hides_it(truth: float) -> None:
    rng = np.random.default_rng(17)
    one, other = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], 50_000).T
    hidden: list[Any] = [
        np.exp,
        np.round,
        lambda z: (z > 0.5).astype(float),
        lambda z: np.where(z < 0.3, 0.0, z),
        lambda z: np.digitize(z, [-1.0, 0.2, 0.9]),
    ]
    for hide in hidden:
        for same in (hide, hidden[0], hidden[2]):
            found = Copula.fit([hide(one), same(other)]).correlation[0, 1]
            # The order of categories is only known up to its direction.
            if hide is hidden[-1] or same is hidden[-1]:
                found, expected = abs(found), abs(truth)
            else:
                expected = truth
            assert found == pytest.approx(expected, abs=0.03)


def test_order_of_categories_is_that_of_what_they_go_with() -> None:
    rng = np.random.default_rng(4)
    code = rng.integers(0, 6, 3_000)
    # By code, income rises and falls again: no order by code or frequency would do.
    income = np.array([5.0, 1.0, 4.0, 2.0, 6.0, 3.0])[code] + rng.normal(0, 0.3, 3_000)
    debt = -income + rng.normal(0, 0.3, 3_000)
    copula = Copula.fit([income, debt, code])
    order = copula.marginals[2].values.tolist()
    assert order in ([1, 3, 5, 2, 0, 4], [4, 0, 2, 5, 3, 1])
    rows = copula.draw(3_000, rng)
    assert correlation_ratio(rows[2], rows[0]) > 0.9
    # Categories alone order each other.
    region = (code + rng.integers(0, 2, 3_000)) % 6 // 3
    one, other = Copula.fit([code, region]).draw(3_000, rng)
    assert cramers_v(one, other) == pytest.approx(cramers_v(code, region), abs=0.07)


@pytest.mark.parametrize("n", [10, 40])
def test_few_rows_of_independent_columns_stay_independent(n: int) -> None:
    rng = np.random.default_rng(n)
    squares: dict[str, list[float]] = {"numbers": [], "codes": []}
    for _ in range(200):
        columns = [rng.normal(size=n), rng.normal(size=n), rng.integers(0, 4, n)]
        found = Copula.fit(columns).correlation
        squares["numbers"].append(found[0, 1] ** 2)
        squares["codes"].append(found[0, 2] ** 2)
    # Chance alone gives 1 / (n - 1). Of a chi-squared variable less 1, 0.48 stays above 0.
    assert np.mean(squares["numbers"]) * (n - 1) < 0.65
    # A free order of 4 categories gives 3 / (n - 1).
    assert np.mean(squares["codes"]) * (n - 1) < 1.5


def test_few_rows_keep_what_is_clear() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=25)
    assert Copula.fit([x, x + 0.3 * rng.normal(size=25)]).correlation[0, 1] > 0.85
    assert Copula.fit([x, -x]).correlation[0, 1] < -0.95
    assert Copula.fit([x[:2], x[2:4]]).correlation[0, 1] == 0.0


def test_copies_and_more_columns_than_rows() -> None:
    rng = np.random.default_rng(5)
    x, code = rng.normal(size=500), rng.integers(0, 3, 500)
    copula = Copula.fit([x, x, -x, np.exp(x), code, code, (2 - code)])
    rows = copula.draw(4_000, rng)
    assert spearman(rows, 0, 1) > 0.99
    assert spearman(rows, 0, 2) < -0.99
    assert (rows[4] == rows[5]).mean() > 0.99
    wide = Copula.fit(list(rng.normal(size=(60, 12))))
    assert (np.diag(wide.correlation) == 1.0).all()
    assert np.linalg.eigvalsh(wide.correlation)[0] > 0
    assert all(np.isfinite(column).all() for column in wide.draw(100, rng))


def test_equal_states_give_equal_rows(source: list[np.ndarray]) -> None:
    copula, again = (Copula.fit([column[:500] for column in source]) for _ in range(2))
    one = copula.draw(300, np.random.default_rng(9))
    for ours, theirs in zip(one, again.draw(300, np.random.default_rng(9)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    different = copula.draw(300, np.random.default_rng(10))
    assert (one[0] != different[0]).any()


def test_fit_changes_no_column(source: list[np.ndarray]) -> None:
    columns = [column[:200].copy() for column in source]
    for column in columns:
        column.setflags(write=False)
    copula = Copula.fit(columns)
    before = [marginal.values.copy() for marginal in copula.marginals]
    copula.draw(500, np.random.default_rng(0))
    for marginal, values in zip(copula.marginals, before, strict=True):
        np.testing.assert_array_equal(marginal.values, values)


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=30))
def test_a_column_of_its_own_quantiles(values: list[float]) -> None:
    column = np.array(values)
    marginal = Copula.fit([column]).marginals[0]
    middles = (np.arange(len(column)) + 0.5) / len(column)
    rounding = 1e-13 * np.abs(column).max()
    assert marginal.quantile(middles) == pytest.approx(np.sort(column), abs=rounding)
    ends = marginal.quantile(np.array([0.0, 1.0]))
    assert ends.tolist() == [column.min(), column.max()]
    fine = marginal.quantile(np.linspace(0, 1, 101))
    assert (np.diff(fine) >= 0).all()


def numbers(n: int) -> st.SearchStrategy[np.ndarray]:
    size = st.one_of(
        st.just(np.nan), st.sampled_from([0.0, 1.0, 0.5, -1e100, 1e100]), st.floats(-1e100, 1e100)
    )
    return arrays(np.float64, n, elements=size)


@st.composite
def small_tables(draw: st.DrawFn) -> list[np.ndarray]:
    n = draw(st.integers(1, 8))
    codes = arrays(np.int64, n, elements=st.integers(-1, 3))
    return draw(st.lists(st.one_of(numbers(n), codes), max_size=5))


@settings(max_examples=150, deadline=None)
@given(small_tables())
def test_any_small_table_gives_valid_rows(columns: list[np.ndarray]) -> None:
    copula = Copula.fit(columns)
    assert np.isfinite(copula.correlation).all()
    rows = copula.draw(40, np.random.default_rng(0))
    assert len(rows) == len(columns)
    for ours, theirs in zip(rows, columns, strict=True):
        assert ours.shape == (40,)
        assert ours.dtype == theirs.dtype
        seen = theirs[known(theirs)]
        if not len(seen):
            assert not known(ours).any()
            continue
        if len(seen) == len(theirs):
            assert known(ours).all()
        values = ours[known(ours)]
        if theirs.dtype.kind == "i" or (seen == np.rint(seen)).all():
            assert np.isin(values, seen).all()
        else:
            assert ((values >= seen.min()) & (values <= seen.max())).all()


def test_edges() -> None:
    rng = np.random.default_rng(1)
    assert Copula.fit([]).draw(5, rng) == []
    one = Copula.fit([np.array([2.5]), np.array([7]), np.array([np.nan]), np.array([-1])])
    rows = one.draw(3, rng)
    assert rows[0].tolist() == [2.5, 2.5, 2.5]
    assert rows[1].tolist() == [7, 7, 7]
    assert np.isnan(rows[2]).all()
    assert rows[3].tolist() == [-1, -1, -1]
    assert [len(column) for column in one.draw(0, rng)] == [0, 0, 0, 0]
    unsigned, single = np.array([0, 2, 2], dtype=np.uint8), np.array([0.5, 1, 2], dtype="f4")
    assert [c.dtype.name for c in Copula.fit([unsigned, single]).draw(2, rng)] == [
        "int64",
        "float64",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([[1.0, 2.0], [1.0]], "one length, not 2, 1"),
        ([[]], "at least one row"),
        ([[1.0, np.inf]], "column 0 holds an infinity"),
        ([[1.0], [-2]], "column 1 has a code below -1"),
        ([["a"]], "column 0 must be floating or integer"),
        ([[True]], "column 0 must be floating or integer, not bool"),
        ([[[1.0]]], "column 0 must have one dimension"),
    ],
)
def test_bad_input(columns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Copula.fit([np.array(column) for column in columns])
