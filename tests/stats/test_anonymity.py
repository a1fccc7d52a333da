"""Classes of quasi-identifiers, and what they tell about a secret."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.stats.anonymity import (
    compressed,
    distinct_diversity,
    entropy_diversity,
    equal_distance,
    equivalence_classes,
    ordered_distance,
    recursive_diversity,
    reidentification,
)

# Table 3 and 4 of Li, Li and Venkatasubramanian (2007), ICDE 2007: salaries in thousands.
ROWS = np.repeat([0, 1, 2], 3)
SALARY = np.array([3, 4, 5, 6, 8, 11, 7, 9, 10])

WIDE = st.sampled_from([-(2**62), -5, -1, 0, 1, 2, 3, 10**9, 2**62])


@st.composite
def tables(draw, most=40):
    n = draw(st.integers(0, most))
    columns = draw(st.integers(1, 4))
    return [
        np.array(draw(st.lists(WIDE, min_size=n, max_size=n)), dtype=np.int64)
        for _ in range(columns)
    ]


@st.composite
def secrets(draw):
    n = draw(st.integers(1, 40))
    rows = np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    secret = np.array(draw(st.lists(st.integers(-3, 6), min_size=n, max_size=n)))
    return compressed(rows)[0], secret


def by_class(rows, secret):
    found = defaultdict(list)
    for row, value in zip(rows.tolist(), secret.tolist(), strict=True):
        found[row].append(value)
    return [found[row] for row in sorted(found)]


class TestEquivalenceClasses:
    @settings(deadline=None, max_examples=150)
    @given(tables())
    def test_as_counting_one_by_one(self, table):
        rows, sizes = equivalence_classes(table)
        tuples = list(zip(*(column.tolist() for column in table), strict=True))
        order = {each: i for i, each in enumerate(sorted(set(tuples)))}
        counts = Counter(tuples)
        assert rows.tolist() == [order[each] for each in tuples]
        assert sizes.tolist() == [counts[each] for each in sorted(counts)]

    @pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint32, np.uint64, np.int64])
    def test_extremes_of_every_type(self, dtype):
        bounds = np.iinfo(dtype)
        rows, sizes = equivalence_classes([np.array([bounds.max, bounds.min, bounds.max], dtype)])
        assert rows.tolist() == [1, 0, 1]
        assert sizes.tolist() == [1, 2]

    def test_sparse_codes_are_sorted_and_dense_ones_counted(self):
        draw = np.random.default_rng(0)
        dense = draw.integers(-50, 50, 5_000)
        rows, sizes = equivalence_classes([dense])
        other, more = equivalence_classes([dense * 10**12])
        np.testing.assert_array_equal(rows, other)
        np.testing.assert_array_equal(sizes, more)

    def test_many_columns_do_not_overflow(self):
        draw = np.random.default_rng(1)
        table = [draw.integers(0, 1_000, 3_000) for _ in range(30)]
        _, sizes = equivalence_classes(table)
        assert len(sizes) == 3_000

    def test_nobody_and_refusals(self):
        rows, sizes = equivalence_classes([np.zeros(0, int), np.zeros(0, int)])
        assert len(rows) == len(sizes) == 0
        with pytest.raises(ValueError, match="at least one column"):
            equivalence_classes([])
        with pytest.raises(ValueError, match="differ in length"):
            equivalence_classes([np.zeros(2, int), np.zeros(3, int)])


class TestReidentification:
    def test_risks_are_means_over_rows(self):
        sizes = np.array([1, 1, 2, 4])
        risk = reidentification(sizes, k=3)
        per_row = 1 / np.repeat(sizes, sizes)
        assert (risk.rows, risk.classes, risk.smallest) == (8, 4, 1)
        assert (risk.unique, risk.below) == (2, 4)
        assert (risk.unique_share, risk.below_share) == (0.25, 0.5)
        assert reidentification(sizes, k=2).below == 2
        assert risk.prosecutor_highest == per_row.max() == 1
        assert risk.prosecutor_mean == risk.marketer == pytest.approx(per_row.mean())

    def test_a_population_protects(self):
        sizes, population = np.array([1, 3]), np.array([5, 10])
        risk = reidentification(sizes, k=2, population=population)
        assert risk.prosecutor_highest == 1
        assert risk.journalist_highest == 0.2
        assert risk.marketer == pytest.approx(np.mean([1 / 5, 1 / 10, 1 / 10, 1 / 10]))

    @pytest.mark.parametrize("n", [1, 7, 10**7])
    def test_all_alike_and_all_unique(self, n):
        alike = reidentification(np.array([n]), k=2)
        assert alike.smallest == n
        assert alike.prosecutor_mean == 1 / n
        unique = reidentification(np.ones(n, int), k=2)
        assert (unique.unique_share, unique.below_share, unique.marketer) == (1, 1, 1)

    def test_nobody(self):
        risk = reidentification(np.zeros(0, int))
        assert (risk.rows, risk.smallest, risk.unique_share, risk.below_share) == (0, 0, 0, 0)


class TestDiversity:
    def test_adult_examples_of_the_paper(self):
        # Figure 3 of Machanavajjhala et al. (2007), a 3-diverse table of 3 classes of 4.
        rows = np.repeat([0, 1, 2], 4)
        disease = np.array([0, 1, 2, 2, 2, 0, 1, 1, 0, 1, 2, 2])
        assert distinct_diversity(rows, disease).tolist() == [3, 3, 3]
        # Two of four share a disease in each: entropy 1.5 bits.
        np.testing.assert_allclose(entropy_diversity(rows, disease), 2**1.5)

    @settings(deadline=None, max_examples=100)
    @given(secrets(), st.floats(0.1, 5))
    def test_as_the_definitions(self, given_, c):
        rows, secret = given_
        distinct, entropy = distinct_diversity(rows, secret), entropy_diversity(rows, secret)
        recursive = recursive_diversity(rows, secret, c)
        for i, values in enumerate(by_class(rows, secret)):
            counts = sorted(Counter(values).values(), reverse=True)
            share = np.array(counts) / sum(counts)
            assert distinct[i] == len(counts)
            assert entropy[i] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
            assert 1 <= entropy[i] <= distinct[i]
            holds = [j + 1 for j in range(len(counts)) if counts[0] < c * sum(counts[j:])]
            assert recursive[i] == max(holds, default=0)

    def test_nobody(self):
        none = np.zeros(0, int)
        for measure in (distinct_diversity, entropy_diversity, equal_distance, ordered_distance):
            assert len(measure(none, none)) == 0
        assert len(recursive_diversity(none, none, 2.0)) == 0


class TestCloseness:
    def test_example_of_the_paper(self):
        # Section 5.1: D[P1, Q] = 0.375 and D[P2, Q] = 0.167 in salaries of 1,000s.
        found = ordered_distance(ROWS, SALARY)
        np.testing.assert_allclose(found[:2], [0.375, 1 / 6], atol=1e-12)

    @settings(deadline=None, max_examples=150)
    @given(secrets())
    def test_as_the_definitions(self, given_):
        rows, secret = given_
        levels = np.unique(secret)
        table = np.array([(secret == level).mean() for level in levels])
        equal, ordered = equal_distance(rows, secret), ordered_distance(rows, secret)
        for i, values in enumerate(by_class(rows, secret)):
            share = np.array([(np.array(values) == level).mean() for level in levels])
            assert equal[i] == pytest.approx(np.abs(share - table).sum() / 2, abs=1e-12)
            far = np.abs(np.cumsum(share - table)).sum() / max(1, len(levels) - 1)
            assert ordered[i] == pytest.approx(far, abs=1e-12)
            assert 0 <= ordered[i] <= equal[i] + 1e-12

    def test_one_class_is_as_the_table(self):
        rows, secret = np.zeros(50, int), np.arange(50)
        assert equal_distance(rows, secret).tolist() == [0]
        assert ordered_distance(rows, secret) == pytest.approx(0, abs=1e-12)

    def test_all_alike(self):
        rows, secret = np.arange(5), np.full(5, 7)
        assert equal_distance(rows, secret).tolist() == [0] * 5
        assert ordered_distance(rows, secret).tolist() == [0] * 5

    def test_all_unique(self):
        rows = secret = np.arange(1_000)
        np.testing.assert_allclose(equal_distance(rows, secret), 0.999)
        # Somebody at the end is half of the way from everybody else on average.
        assert ordered_distance(rows, secret)[[0, -1]] == pytest.approx(0.5)
