"""Attacks on fakes that are copies, half copies and strangers, and against anonymeter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from paribus.stats.attacks import (
    Attack,
    Tries,
    inference,
    linkability,
    residual_risk,
    singling_out,
)

KNOWN, SECRET = [0, 1, 2, 4], 3
FIRST, SECOND = [0, 1, 3], [2, 4]


def people(draw, n):
    job = draw.integers(0, 8, n)
    city = (job * 3 + draw.integers(0, 12, n)) % 20
    age = 18.0 + np.floor(draw.random(n) * 60)
    income = np.round(20_000 + 800 * age + 3_000 * job + 15_000 * draw.random(n) ** 3, 0)
    return [age, income, np.round(income * draw.random(n), 2), job, city]


def half_copied():
    """2,000 fakes, half of them people of the training table with money changed by up to 0.5 %."""
    draw = np.random.default_rng(20)
    training, control, other = (people(draw, 2_000) for _ in range(3))
    copied = draw.random(2_000) < 0.5
    fakes = [np.where(copied, a, b) for a, b in zip(training, other, strict=True)]
    fakes[1] = np.round(fakes[1] * (1 + 0.01 * (draw.random(2_000) - 0.5)))
    fakes[2] = np.round(fakes[2] * (1 + 0.01 * (draw.random(2_000) - 0.5)), 2)
    return fakes, training, control


@pytest.fixture(scope="module")
def tables():
    return half_copied()


class TestResidualRisk:
    def test_definition(self):
        estimate, low, high = residual_risk(Tries(80, 100), Tries(60, 100))
        assert estimate == pytest.approx((0.8 - 0.6) / (1 - 0.6))
        assert 0 < low < estimate < high < 1

    @given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
    def test_laws(self, a, b, c, d):
        main, control = Tries(min(a, b), max(a, b)), Tries(min(c, d), max(c, d))
        estimate, low, high = residual_risk(main, control)
        assert 0 <= low <= estimate <= high <= 1
        if main.rate <= control.rate:
            assert (estimate, low) == (0, 0)
        assert residual_risk(main, control, 0.5)[2] <= high

    def test_nothing_is_known(self):
        for main, control in ((Tries(0, 0), Tries(3, 9)), (Tries(3, 9), Tries(0, 0))):
            assert residual_risk(main, control) == (0, 0, 1)
        estimate, low, high = residual_risk(Tries(9, 9), Tries(9, 9))
        assert (estimate, low) == (0, 0)
        assert high == 1

    def test_many_tries(self):
        estimate, low, high = residual_risk(Tries(10**7, 10**7), Tries(0, 10**7))
        assert estimate == high == 1
        assert low > 0.999999

    @pytest.mark.parametrize("n", [20, 60])
    def test_coverage_by_enumeration(self, n):
        # As that of anonymeter's own formula (Giomi et al. 2023), which is 3 % wider.
        count = np.arange(n + 1)
        ends = [[residual_risk(Tries(a, n), Tries(b, n))[1:] for b in count] for a in count]
        low, high = np.moveaxis(np.array(ends), -1, 0)
        covered = []
        for control in (0.02, 0.1, 0.3, 0.6, 0.9):
            for main in (0.02, 0.1, 0.3, 0.6, 0.9, 0.98):
                if main < control:
                    continue
                risk = (main - control) / (1 - control)
                chance = np.outer(binom.pmf(count, n, main), binom.pmf(count, n, control))
                covered.append(chance[(low <= risk + 1e-9) & (risk - 1e-9 <= high)].sum())
        assert min(covered) > 0.9
        assert 0.945 < np.mean(covered) < 0.975

    def test_weaker_than_naive(self):
        assert Attack(Tries(5, 50), Tries(5, 50), Tries(1, 50)).weaker_than_naive
        assert not Attack(Tries(6, 50), Tries(5, 50), Tries(1, 50)).weaker_than_naive
        assert Attack(Tries(0, 0), Tries(0, 0), Tries(0, 0)).weaker_than_naive

    def test_intervals_are_wilson_s(self):
        # Wilson (1927); the numbers of statsmodels' proportion_confint(3, 20, method="wilson").
        assert Tries(3, 20).interval() == pytest.approx((0.0523686, 0.3604192), abs=1e-6)
        assert Tries(0, 0).interval() == (0, 1)


class TestAgainstAnonymeter:
    """anonymeter 1.1.0 on `half_copied`, cities and jobs as text, run beside numpy 1.26.

    Successes of main and of control, of 2,000 people each. Its order of equally near fakes and its
    predicates differ, and so the counts may by a little.
    """

    def test_linkability(self, tables):
        one = linkability(*tables, FIRST, SECOND, attacks=2_000)
        assert one.main.successes == pytest.approx(671, abs=5)
        assert one.control.successes == pytest.approx(1, abs=3)
        assert one.risk()[0] == pytest.approx(0.3348, abs=0.005)
        ten = linkability(*tables, FIRST, SECOND, attacks=2_000, neighbors=10)
        assert ten.main.successes == pytest.approx(1_090, abs=5)
        assert ten.control.successes == pytest.approx(202, abs=5)
        assert ten.risk() == pytest.approx((0.4934, 0.4680, 0.5187), abs=0.005)
        # Two draws of ten of 2,000 meet with a chance of 1 - (1 - 1 / 200) ** 10.
        assert ten.naive.rate == pytest.approx(0.0489, abs=0.015)

    def test_inference(self, tables):
        job = inference(*tables, KNOWN, SECRET, attacks=2_000)
        assert job.main.successes == pytest.approx(1_335, abs=5)
        assert job.control.successes == pytest.approx(708, abs=5)
        assert job.risk() == pytest.approx((0.4846, 0.4485, 0.5206), abs=0.005)
        # Its own naive attack has 1,118 here: it gives the fake with the target's row number.
        assert job.naive.rate == pytest.approx(1 / 8, abs=0.03)
        balance = inference(*tables, [0, 1, 3, 4], 2, attacks=2_000)
        assert balance.main.successes == pytest.approx(1_027, abs=5)
        assert balance.control.successes == pytest.approx(90, abs=5)
        assert balance.risk()[0] == pytest.approx(0.4901, abs=0.005)

    def test_singling_out(self, tables):
        # Its seeds 0 and 1: 22 and 16, control 16 and 12; then 260 and 262, control 235 and 241.
        rare = singling_out(*tables, width=1, attacks=1_000)
        assert rare.main.rate == pytest.approx(0.019, abs=0.012)
        assert rare.control.rate == pytest.approx(0.014, abs=0.012)
        rows = singling_out(*tables, width=3, attacks=1_000)
        assert rows.main.rate == pytest.approx(0.261, abs=0.045)
        assert rows.control.rate == pytest.approx(0.238, abs=0.045)
        assert rows.naive.rate == pytest.approx(0.021, abs=0.015)


ATTACKS = {
    "rare": lambda *t, **o: singling_out(*t, width=1, **o),
    "rows": lambda *t, **o: singling_out(*t, width=4, **o),
    "link": lambda *t, **o: linkability(*t, FIRST, SECOND, **o),
    "infer": lambda *t, **o: inference(*t, KNOWN, SECRET, **o),
    "guess": lambda *t, **o: inference(*t, [0, 1, 3, 4], 2, **o),
}


@pytest.fixture(scope="module")
def three():
    draw = np.random.default_rng(30)
    return [people(draw, 800) for _ in range(3)]


@pytest.mark.parametrize("attack", ATTACKS)
class TestEveryAttack:
    def test_copies_are_found_out(self, attack, three):
        training, holdout, _ = three
        found = ATTACKS[attack](training, training, holdout, attacks=200)
        # Few people share what one source knows of them.
        assert found.main.rate >= 0.99
        assert not found.weaker_than_naive
        assert found.risk()[1] > 0.5

    def test_strangers_have_no_risk(self, attack, three):
        training, holdout, strangers = three
        found = ATTACKS[attack](strangers, training, holdout, attacks=400)
        assert found.risk()[1] < 0.02

    def test_seed(self, attack, three):
        training, holdout, strangers = three
        once = ATTACKS[attack](strangers, training, holdout, attacks=50, seed=4)
        assert once == ATTACKS[attack](strangers, training, holdout, attacks=50, seed=4)

    @pytest.mark.parametrize("sizes", [(0, 9, 9), (9, 0, 9), (9, 9, 0), (0, 0, 0), (1, 1, 1)])
    def test_nobody(self, attack, sizes):
        draw = np.random.default_rng(31)
        found = ATTACKS[attack](*(people(draw, n) for n in sizes))
        for tries in (found.main, found.naive, found.control):
            assert 0 <= tries.successes <= tries.tries
        assert 0 <= found.risk()[1] <= found.risk()[0] <= found.risk()[2] <= 1

    @pytest.mark.parametrize("value", [0.0, np.nan, 1e300, np.inf])
    def test_all_alike(self, attack, value):
        table = [*(np.full(20, value) for _ in range(3)), np.zeros(20, int), np.ones(20, int)]
        found = ATTACKS[attack](table, table, table, attacks=20)
        assert found.risk()[0] == 0
        if attack in {"rare", "rows"}:
            # Nothing is told apart, so there is nothing to try.
            assert found.main == Tries(0, 0)


class TestSinglingOut:
    def test_two_people_who_are_alike_are_not_singled_out(self):
        fakes = [np.array([1.0, 2.0, 3.0])]
        twice = [np.array([1.0, 1.0, 2.0, 3.0, 3.0])]
        found = singling_out(fakes, twice, [np.full(5, 9.0)], width=1)
        # 1, 2 and 3 are rare among the fakes, and so are both ends: only 2 is one person.
        assert found.main == Tries(1, 5)
        # 9 is at least 3, five times.
        assert found.control == Tries(0, 5)

    def test_missing_values_are_values(self):
        fakes = [np.array([np.nan, 5.0, 5.0]), np.array([3, 3, 3])]
        found = singling_out(
            fakes, fakes, [np.array([5.0, 5.0, 5.0]), np.array([3, 3, 3])], width=1
        )
        assert found.main == Tries(1, 1)
        assert found.control == Tries(0, 1)

    def test_wider_than_the_table(self):
        draw = np.random.default_rng(32)
        table = [draw.normal(size=30), draw.normal(size=30)]
        assert singling_out(table, table, table, width=9, attacks=10).main.rate == 1

    def test_sides_are_cut_to_one_size(self):
        # What holds for one of 400 holds for ten of 4,000: the control would seem to fail.
        draw = np.random.default_rng(33)
        small, big, fakes = (people(draw, n) for n in (400, 4_000, 400))
        found = singling_out(fakes, small, big, width=4, attacks=300)
        assert found.control.rate > 0.15
        assert found.risk()[1] == 0


class TestInference:
    def test_tolerance_is_a_share_of_the_truth(self):
        fakes = [np.arange(4.0), np.array([100.0, -100.0, 0.0, np.nan])]
        truth = [np.arange(4.0), np.array([105.2, -106.0, 0.0, np.nan])]
        assert inference(fakes, truth, truth, [0], 1).main == Tries(3, 4)
        assert inference(fakes, truth, truth, [0], 1, tolerance=0.0).main == Tries(2, 4)

    def test_fewer_fakes_are_searched(self, three):
        training, holdout, _ = three
        found = inference(training, training, holdout, KNOWN, SECRET, searched=80)
        assert 0.1 < found.main.rate < 0.6
