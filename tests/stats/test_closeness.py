"""Distances to the closest real row: by definition, and what they say of copies and strangers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.stats.closeness import closeness, nearest

NUMBER = st.sampled_from([-2.0, 0.0, 0.5, 1.0, 7.0, np.nan])


@st.composite
def pairs(draw):
    shape = [draw(st.integers(0, 12)), draw(st.integers(1, 12))]
    made = []
    for n in shape:
        made.append(
            [
                np.array(draw(st.lists(NUMBER, min_size=n, max_size=n)), float),
                np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)), int),
                np.array(draw(st.lists(NUMBER, min_size=n, max_size=n)), float),
            ]
        )
    return made


def gower(a, b, spans):
    total = 0.0
    for x, y, span in zip(a, b, spans, strict=True):
        if span is None:
            total += x != y
        elif np.isnan(x) or np.isnan(y):
            total += not (np.isnan(x) and np.isnan(y))
        else:
            total += abs(x - y) / span if span else 0.0
    return total / len(a)


class TestNearest:
    @settings(deadline=None, max_examples=150)
    @given(pairs(), st.integers(1, 4))
    def test_as_one_by_one(self, tables, neighbors):
        queries, candidates = tables
        spans = []
        for a, b in zip(queries, candidates, strict=True):
            both = np.concatenate([a, b])
            if both.dtype == float:
                known = both[~np.isnan(both)]
                spans.append(float(np.ptp(known)) if len(known) else 0.0)
            else:
                spans.append(None)
        rows, distances = nearest(queries, candidates, neighbors=neighbors)
        n = len(candidates[0])
        assert rows.shape == distances.shape == (len(queries[0]), min(neighbors, n))
        for i, asked in enumerate(zip(*queries, strict=True)):
            truth = np.array(
                [gower(asked, other, spans) for other in zip(*candidates, strict=True)]
            )
            assert distances[i] == pytest.approx(np.sort(truth)[: len(rows[i])], abs=1e-6)
            assert distances[i] == pytest.approx(truth[rows[i]], abs=1e-6)
            assert len(set(rows[i].tolist())) == len(rows[i])

    def test_blocks_change_nothing(self, monkeypatch):
        draw = np.random.default_rng(0)
        queries = [draw.normal(size=100), draw.integers(0, 5, 100)]
        candidates = [draw.normal(size=700), draw.integers(0, 5, 700)]
        whole = nearest(queries, candidates, neighbors=3)
        monkeypatch.setattr("paribus.stats.closeness._BLOCK", 64)
        for a, b in zip(whole, nearest(queries, candidates, neighbors=3), strict=True):
            np.testing.assert_array_equal(a, b)
        one = nearest(queries, candidates)
        np.testing.assert_array_equal(one[0][:, 0], whole[0][:, 0])

    def test_of_equals_the_first(self):
        rows, distances = nearest([np.zeros(1)], [np.array([1.0, 0.0, 0.0])], neighbors=2)
        assert rows.tolist() == [[1, 2]]
        assert distances.tolist() == [[0, 0]]

    @pytest.mark.parametrize("scaling", ["rank", "range"])
    @pytest.mark.parametrize("values", [[1e300, -1e300], [np.inf, -np.inf], [5e-324, 0.0], [3, 3]])
    def test_extremes(self, scaling, values):
        column = np.array(values, float)
        rows, distances = nearest([column], [column], scaling=scaling)
        assert distances.tolist() == [[0], [0]]
        assert rows.shape == (2, 1)
        far = nearest([column[:1]], [column[1:]], scaling=scaling)[1]
        assert 0 <= far[0, 0] <= 1

    def test_ranks_heed_no_outlier(self):
        people = np.array([0.0, 1.0, 2.0, 3.0, 1e9])
        near = nearest([np.array([1.4])], [people], scaling="rank")[1]
        assert near[0, 0] > 0.05
        assert nearest([np.array([1.4])], [people])[1][0, 0] < 1e-6

    def test_refusals(self):
        with pytest.raises(ValueError, match="at least one column"):
            nearest([], [])
        with pytest.raises(ValueError, match="differ in their columns"):
            nearest([np.zeros(1)], [np.zeros(1), np.zeros(1)])
        with pytest.raises(ValueError, match="differ in length"):
            nearest([np.zeros(1), np.zeros(2)], [np.zeros(1), np.zeros(1)])


def people(draw, n):
    age = np.floor(18 + 60 * draw.random(n))
    job = draw.integers(0, 6, n)
    income = np.round(20_000 + 500 * age + 4_000 * job * draw.random(n))
    return [age, income, np.where(draw.random(n) < 0.1, np.nan, draw.random(n)), job]


class TestCloseness:
    def test_copies(self):
        draw = np.random.default_rng(3)
        training, holdout = people(draw, 500), people(draw, 500)
        found = closeness(training, training, holdout, asked=300)
        assert found.fakes == 300
        # Two of 500 people have a double in the holdout, and count half.
        assert found.closer > 0.99
        assert found.low > 0.95
        assert found.training_distances == (0, 0, 0)
        assert found.holdout_distances[1] > 0
        assert (found.all_fakes, found.identical_training) == (500, 500)
        assert found.excess == 1 - found.identical_holdout / 500
        assert found.excess_low > 0.9

    def test_exchanging_the_sides_exchanges_the_shares(self):
        draw = np.random.default_rng(4)
        fakes, one, other = (people(draw, 200) for _ in range(3))
        fakes = [np.r_[a[:100], b[:100]] for a, b in zip(fakes, one, strict=True)]
        there, back = closeness(fakes, one, other), closeness(fakes, other, one)
        assert there.closer == pytest.approx(1 - back.closer)
        assert there.training_distances == back.holdout_distances
        assert (there.identical_training, there.identical_holdout) == (
            back.identical_holdout,
            back.identical_training,
        )
        assert there.excess == -back.excess

    @pytest.mark.parametrize("scaling", ["rank", "range"])
    def test_strangers_are_covered(self, scaling):
        # Of fakes that know nothing of the training rows the share is 0.5, and what they copy by
        # accident is the same on both sides; many fakes around few real rows are no proof.
        draw = np.random.default_rng(5)
        covered = copied = 0
        for seed in range(200):
            fakes, training, holdout = people(draw, 300), people(draw, 80), people(draw, 80)
            found = closeness(fakes, training, holdout, scaling=scaling, seed=seed)
            assert found.effective < 200
            covered += found.low <= 0.5 <= found.high
            copied += found.excess_low <= 0 <= found.excess_high
        assert covered >= 184  # 0.92: with 0.95, below that by chance in 1 of 30
        assert copied >= 184

    def test_accidental_copies_are_covered(self):
        draw = np.random.default_rng(6)
        covered = 0
        for _ in range(200):
            fakes, one, other = ([draw.zipf(1.7, n), draw.integers(0, 4, n)] for n in (400, 60, 60))
            found = closeness(fakes, one, other)
            assert found.identical_training > 0
            covered += found.excess_low <= 0 <= found.excess_high
        assert covered >= 184

    def test_half_of_the_fakes_copied(self):
        draw = np.random.default_rng(7)
        training, holdout, others = (people(draw, 2_000) for _ in range(3))
        fakes = [np.r_[a[:1_000], b[:1_000]] for a, b in zip(training, others, strict=True)]
        found = closeness(fakes, training, holdout, asked=2_000)
        assert found.low < 0.75 < found.high
        assert found.low > 0.7
        assert found.excess_low < 0.5 < found.excess_high

    def test_sides_are_cut_to_one_size(self):
        draw = np.random.default_rng(8)
        found = closeness(people(draw, 50), people(draw, 900), people(draw, 100))
        assert found.reals == 100
        assert closeness(people(draw, 9), people(draw, 90), people(draw, 90), reals=10).reals == 10

    def test_seed(self):
        draw = np.random.default_rng(9)
        tables = people(draw, 300), people(draw, 300), people(draw, 100)
        assert closeness(*tables, asked=50) == closeness(*tables, asked=50)
        assert closeness(*tables, asked=50) != closeness(*tables, asked=50, seed=1)

    @pytest.mark.parametrize("sizes", [(0, 5, 5), (5, 0, 5), (5, 5, 0), (0, 0, 0)])
    def test_nobody(self, sizes):
        draw = np.random.default_rng(10)
        found = closeness(*(people(draw, n) for n in sizes))
        assert (found.closer, found.low, found.high) == (0.5, 0, 1)
        assert found.fakes == found.effective == 0
        assert (found.excess, found.identical_training) == (0, 0)

    def test_one_column_one_row_all_alike_all_missing(self):
        for column in (np.zeros(1), np.zeros(40), np.full(40, np.nan), np.zeros(40, int)):
            found = closeness([column], [column], [column])
            assert found.closer == 0.5
            assert found.training_distances == (0, 0, 0)
            assert found.excess == 0
            assert found.excess_low <= 0 <= found.excess_high

    def test_both_zeros_and_all_missing_are_alike(self):
        payload = np.array([0x7FF8000000000001], np.uint64).view(float)
        fakes = [np.r_[-0.0, payload]]
        found = closeness(fakes, [np.array([0.0, np.nan])], [np.array([1.0, 2.0])])
        assert (found.identical_training, found.identical_holdout) == (2, 0)
