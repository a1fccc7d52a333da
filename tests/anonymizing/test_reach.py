"""What comes out reaches k, l and t exactly, with no more loss than needed, batch by batch."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.anonymizing.reach import Plan, reach
from paribus.anonymizing.rungs import Bands, Dates, Exact, Hidden, Merge, Prefix, ladder
from paribus.errors import DataError, SpecError

QUASI = ["age", "zip", "sex"]


def people(n: int, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "row": np.arange(n),
            "age": draw.integers(18, 90, n),
            "zip": [f"{10_000 + 37 * z:05d}" for z in draw.integers(0, 60, n)],
            "sex": draw.choice(["f", "m"], n),
            "illness": draw.choice(["flu", "cold", "gout", "none"], n, p=[0.2, 0.3, 0.1, 0.4]),
        }
    )


def classes(table: pa.Table, names: list[str]) -> Counter[tuple[object, ...]]:
    """Count by hand: what comes out must hold for whoever measures it."""
    return Counter(zip(*(table[name].to_pylist() for name in names), strict=True))


def check(table: pa.Table, names: list[str], k: int, l: int = 1, t: float = 1.0) -> None:  # noqa: E741
    if not table.num_rows:
        return
    assert min(classes(table, names).values()) >= k
    if l > 1 or t < 1:
        held = defaultdict(list)
        keys = zip(*(table[name].to_pylist() for name in names), strict=True)
        for key, secret in zip(keys, table["illness"].to_pylist(), strict=True):
            held[key].append(secret)
        whole = Counter(table["illness"].to_pylist())
        for values in held.values():
            assert len(set(values)) >= l
            far = sum(abs(values.count(v) / len(values) - whole[v] / table.num_rows) for v in whole)
            assert far / 2 <= t + 1e-12


VALUES = {
    "numbers": st.sampled_from([None, -7, 0, 1, 2, 3, 50, 10**12]),
    "floats": st.sampled_from([None, -0.5, 0.0, 1.25, float("nan"), 1e300, float("inf"), 1e-300]),
    "texts": st.sampled_from([None, "", "a", "b", "bb", "*", "other"]),
    "codes": st.sampled_from(["10115", "10117", "80331", None]),
    "dates": st.sampled_from([None, date(1980, 1, 2), date(1980, 1, 9), date(2001, 7, 1)]),
    "flags": st.sampled_from([None, True, False]),
}


@st.composite
def tables(draw):
    n = draw(st.integers(0, 25))
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    made = {name: draw(st.lists(VALUES[name], min_size=n, max_size=n)) for name in names}
    types = {
        "floats": pa.float64(),
        "numbers": pa.int64(),
        "dates": pa.date32(),
        "flags": pa.bool_(),
    }
    arrays = {name: pa.array(made[name], types.get(name, pa.string())) for name in names}
    arrays["illness"] = pa.array(
        draw(st.lists(st.sampled_from(["x", "y", "z"]), min_size=n, max_size=n)), pa.string()
    )
    return pa.table(arrays), names


@settings(deadline=None, max_examples=120)
@given(
    tables(),
    st.integers(1, 6),
    st.sampled_from(["generalize", "suppress"]),
    st.sampled_from(["rows", "cells"]),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([(1, 1.0), (2, 1.0), (1, 0.3), (2, 0.4)]),
)
def test_law(given_, k, by, suppress, most, secret):
    table, names = given_
    l, t = secret  # noqa: E741
    reached = reach(
        table,
        names,
        k,
        by=by,
        suppress=suppress,
        most=most,
        secret="illness",
        l_diversity=l,
        t_closeness=t,
    )
    out = reached.table
    check(out, names, k, l, t)
    assert out.num_rows + reached.suppressed_rows == table.num_rows
    assert out["illness"].to_pylist() == table["illness"].take(pa.array(reached.kept)).to_pylist()
    assert 0 <= reached.loss <= 1
    assert out.column_names == table.column_names
    if by == "generalize" and suppress == "rows" and secret == (1, 1.0) and table.num_rows >= k:
        assert reached.suppressed_rows <= most * table.num_rows + 1e-9
    # What is not emptied says what it said, and what is emptied was counted.
    if by == "suppress":
        emptied = 0
        for name in names:
            before = table[name].take(pa.array(reached.kept)).to_pylist()
            for old, new in zip(before, out[name].to_pylist(), strict=True):
                missing = old is None or old != old
                assert new is None or new == old
                emptied += new is None and not missing
        assert emptied == reached.suppressed_cells
        assert suppress == "cells" or not emptied
    batches = [reached.apply(batch) for batch in table.to_batches(max_chunksize=4)]
    assert pa.concat_tables([out.slice(0, 0), *batches]).equals(out)


class TestSearch:
    @pytest.mark.parametrize(("seed", "most"), [(0, 0.0), (2, 0.0), (8, 0.1)])
    def test_no_other_rungs_lose_less(self, seed: int, most: float) -> None:
        # Climbing alone ends elsewhere in the last two.
        table = people(100, seed)
        reached = reach(table, QUASI, 2, most=most)
        assert reached.optimal
        assert reached.suppressed_rows <= most * 100
        ladders = {name: ladder(table[name], 2) for name in QUASI}
        best = 1.0
        for rungs in itertools.product(*ladders.values()):
            fixed = {name: [rung] for name, rung in zip(QUASI, rungs, strict=True)}
            other = reach(table, QUASI, 2, ladders=fixed, most=1.0)
            if other.suppressed_rows <= most * 100:
                best = min(best, other.loss)
        assert reached.loss == pytest.approx(best)

    @pytest.mark.parametrize(("seed", "t"), [(3, 0.3), (4, 0.4)])
    def test_what_is_left_out_moves_the_table_that_the_others_are_held_against(
        self, seed: int, t: float
    ) -> None:
        names = ["sex", "age"]
        reached = reach(people(100, seed), names, 2, by="suppress", secret="illness", t_closeness=t)
        assert reached.table.num_rows
        check(reached.table, names, 2, t=t)

    def test_loss_and_discernibility_by_hand(self) -> None:
        table = pa.table({"age": [10, 14, 20, 24, 90], "sex": ["f", "m", "f", "m", "f"]})
        ladders = {"age": [Bands(width=10)], "sex": [Hidden()]}
        reached = reach(table, ["age", "sex"], 2, ladders=ladders, most=1.0)
        assert reached.table.to_pydict() == {
            "age": ["[10, 19]", "[10, 19]", "[20, 29]", "[20, 29]"],
            "sex": ["*"] * 4,
        }
        # Four ages stand for 4 of 80 years, four sexes for both, and a row is gone.
        assert reached.loss == pytest.approx((4 * 4 / 80 + 4 * 1 + 2) / 10)
        assert reached.discernibility == 2**2 + 2**2 + 5
        assert reached.suppressed_rows == 1
        assert reached.kept.tolist() == [0, 1, 2, 3]

    def test_nothing_to_do(self) -> None:
        table = pa.table({"age": [30] * 5 + [40] * 5})
        reached = reach(table, ["age"], 5)
        assert reached.plan.rungs == {"age": Exact()}
        assert (reached.loss, reached.suppressed_rows, reached.discernibility) == (0, 0, 50)
        assert reached.table.equals(table)

    def test_wide_lattice(self) -> None:
        draw = np.random.default_rng(2)
        names = [f"c{i}" for i in range(7)]
        table = pa.table({name: draw.integers(0, 1_000, 400) for name in names})
        reached = reach(table, names, 4)
        assert not reached.optimal
        check(reached.table, names, 4)
        assert reached.suppressed_rows <= 20

    def test_cells_lose_less_than_rows(self) -> None:
        table = people(400, seed=3)
        names = ["sex", "illness", "age"]
        rows = reach(table, names, 3, by="suppress")
        cells = reach(table, names, 3, by="suppress", suppress="cells")
        assert cells.suppressed_rows < rows.suppressed_rows
        assert cells.loss < rows.loss
        check(cells.table, names, 3)

    def test_fewer_rows_than_k(self) -> None:
        for by in ("generalize", "suppress"):
            reached = reach(people(3), QUASI, 4, by=by)
            assert reached.table.num_rows == 0
            assert (reached.suppressed_rows, reached.loss) == (3, 1)


class TestPlan:
    def test_it_can_be_written_down_and_read(self) -> None:
        plan = reach(people(300), QUASI, 5, most=0.1).plan
        assert Plan(**plan.model_dump()) == plan
        assert Plan.model_validate_json(plan.model_dump_json()) == plan

    def test_it_names_nobody(self) -> None:
        # What fewer than k rows have is not to be seen in what is shown.
        table = pa.table({"job": ["clerk"] * 20 + ["nurse"] * 20 + ["astronaut", "pope"]})
        reached = reach(table, ["job"], 5)
        assert "pope" not in reached.plan.model_dump_json()
        assert "pope" not in repr(reached.plan.sentences())

    def test_sentences(self) -> None:
        plan = Plan(
            k=5,
            l_diversity=2,
            t_closeness=0.2,
            secret="illness",
            rungs={"age": Bands(width=10), "zip": Prefix(length=2), "born": Dates(to="year")},
        )
        assert plan.sentences() == (
            "age: bands of 10",
            "zip: the first 2 characters",
            "born: the year",
            "rows in classes of fewer than 5, with fewer than 2 values of illness, or farther than "
            "0.2 from all in illness: left out",
        )

    def test_rows_of_another_table_are_left_out(self) -> None:
        reached = reach(people(300), QUASI, 3)
        stranger = pa.table(
            {"row": [0], "age": [130], "zip": ["99999"], "sex": ["x"], "illness": [""]}
        )
        assert reached.apply(stranger).num_rows == 0
        with pytest.raises(DataError, match='no column "age"'):
            reached.apply(stranger.drop_columns(["age"]))


class TestLadders:
    def test_numbers(self) -> None:
        rungs = ladder(pa.array([18, 90]), 5)
        widths = [rung.width for rung in rungs[1:-1]]
        assert widths == [2 * 2**i for i in range(len(widths))]
        assert widths[-2] < 72 <= widths[-1]
        said = Bands(width=20).labels(pa.array([-1, 0, 19, 20]))
        assert said.to_pylist() == ["[-20, -1]", "[0, 19]", "[0, 19]", "[20, 39]"]
        said = Bands(width=0.5).labels(pa.array([0.25, 0.5, float("inf")]))
        assert said.to_pylist() == ["[0, 0.5)", "[0.5, 1)", "*"]

    def test_each_is_coarser_than_the_one_before(self) -> None:
        draw = np.random.default_rng(4)
        born = [date(1950, 1, 1) + timedelta(days=int(d)) for d in draw.integers(0, 20_000, 300)]
        columns = [
            pa.array(draw.normal(0, 1e6, 300)),
            pa.array(draw.integers(-(2**40), 2**40, 300)),
            pa.array(born),
            pa.array([datetime(d.year, d.month, d.day, 7) for d in born]),
            pa.array([d.isoformat() for d in born]),
            pa.array(
                draw.choice(list("abcdefgh"), 300, p=np.array([28, 4, 2, 2, 1, 1, 1, 1]) / 40)
            ),
            pa.array([f"{x:06d}" for x in draw.integers(0, 10**6, 300)]),
        ]
        for column in columns:
            pool = column.unique()
            finer = range(len(pool))
            rungs = ladder(column, 5)
            assert len(rungs) > 2
            for rung in rungs:
                said = rung.labels(pool).to_pylist()
                together = {}
                for fine, coarse in zip(finer, said, strict=True):
                    assert together.setdefault(fine, coarse) == coarse
                finer = said

    def test_dates_codes_and_others(self) -> None:
        assert Dates(to="month").labels(pa.array([date(985, 3, 1)])).to_pylist() == ["0985-03"]
        assert Dates(to="decade").labels(pa.array([date(1987, 3, 1)])).to_pylist() == ["1980s"]
        assert Prefix(length=2).labels(pa.array(["10115", "X"])).to_pylist() == ["10***", "X"]
        merged = Merge(keep=("a",)).labels(pa.array(["a", "b"])).to_pylist()
        assert merged == ["a", "other"]

    @pytest.mark.parametrize("column", [[], [None], [5], [None, 5.0], ["x"], [True]])
    def test_next_to_nothing(self, column: list[object]) -> None:
        rungs = ladder(pa.array(column), 5)
        assert (rungs[0], rungs[-1]) == (Exact(), Hidden())


def test_refusals() -> None:
    table = people(5)
    with pytest.raises(SpecError, match="names no quasi-identifier"):
        reach(table, [], 2)
    with pytest.raises(DataError, match='no column "agee"; did you mean "age"'):
        reach(table, ["agee"], 2)
    with pytest.raises(SpecError, match="need a secret"):
        reach(table, ["age"], 2, l_diversity=2)
    with pytest.raises(SpecError, match=r"\$.k"):
        reach(table, ["age"], 0)
