"""Rankings: exposure by hand, shares of the top against scipy, and what is no position."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import paribus as pb
from paribus.counting import Source
from paribus.errors import DataError
from paribus.evidence.ranking import Ranking
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.exposure import exposure
from paribus.stats.multiplicity import holm


def weighed(frame, **roles):
    roles = {"by": ("sex",), "rank": "place"} | roles
    return Ranking().weigh(Observed.of(Source.of(frame), Roles(**roles)), 0.05, 0.95)


def one(found, unit, relation="value", group="", attribute="sex", field=""):
    sought = (unit, relation, group, attribute, field)
    rows = [
        row
        for row in found.rows
        if (row.unit, row.relation, row.group, row.attribute, row.field) == sought
    ]
    assert len(rows) == 1, f"{len(rows)} rows"
    return rows[0]


def people(n=300, shift=1.0, seed=0, levels=("f", "m", "d")):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(levels, n), "race": rng.choice(["a", "b"], n)})
    score = rng.normal(size=n) - shift * (frame.sex == "f")
    frame["place"] = score.rank(ascending=False).astype(int)
    return frame


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def found(frame):
    return weighed(frame, by=("sex", "race"))


def test_exposure_by_hand():
    # Singh and Joachims (2018), equation 1: 1 / log2(1 + place).
    frame = pd.DataFrame({"sex": ["m", "m", "f", "m"], "place": [1, 2, 3, 4]})
    found = weighed(frame)
    men = (1 + 1 / math.log2(3) + 1 / math.log2(5)) / 3
    assert one(found, "exposure", group="m").estimate == pytest.approx(men)
    assert one(found, "exposure", group="f").estimate == pytest.approx(0.5)
    ratio = one(found, "exposure", "ratio", "f")
    assert (ratio.estimate, ratio.reference) == (pytest.approx(0.5 / men), "m")
    assert ratio.p == 1 or ratio.p > 0.4
    assert ratio.scale == "ratio"


def test_exposures_are_those_of_the_whole_table(frame, found):
    for attribute, keys in (("sex", ["sex"]), ("sex x race", ["sex", "race"])):
        groups = [" x ".join(group) for group, _ in frame.groupby(keys)]
        counts = np.zeros((len(groups), len(frame)))
        for g, (_, part) in enumerate(frame.groupby(keys)):
            counts[g, part.place - 1] = 1
        reference = int(counts.sum(axis=1).argmax())
        known = exposure(counts, reference=reference)
        others = [g for g in range(len(groups)) if g != reference]
        adjusted = dict(zip(others, holm(known.p[others]), strict=True))
        for g, group in enumerate(groups):
            row = one(found, "exposure", group=group, attribute=attribute)
            assert (row.estimate, row.low, row.high) == pytest.approx(
                (known.exposure[g], known.low[g], known.high[g])
            )
            if g == reference:
                continue
            row = one(found, "exposure", "ratio", group, attribute)
            assert row.reference == groups[reference]
            assert (row.estimate, row.low, row.high, row.p) == pytest.approx(
                (known.ratio[g], known.ratio_low[g], known.ratio_high[g], adjusted[g])
            )


def test_shares_of_the_top(frame, found):
    first = frame[frame.place <= 10]
    tables = [
        [
            [(first.sex == sex).sum(), (first.sex != sex).sum()],
            [(frame.sex == sex).sum() - (first.sex == sex).sum(),
             (frame.sex != sex).sum() - (first.sex != sex).sum()],
        ]
        for sex in "dfm"
    ]  # fmt: skip
    p = holm([stats.fisher_exact(table)[1] for table in tables])
    for sex, adjusted in zip("dfm", p, strict=True):
        share = one(found, "top share", group=sex, field="top 10")
        assert share.estimate == pytest.approx((first.sex == sex).mean())
        assert share.expected == pytest.approx((frame.sex == sex).mean())
        assert share.low <= share.estimate <= share.high
        assert share.people == (frame.sex == sex).sum()
        ratio = one(found, "top share", "ratio", sex, field="top 10")
        assert ratio.estimate == pytest.approx(share.estimate / share.expected)
        assert (ratio.low, ratio.high) == pytest.approx(
            (share.low / share.expected, share.high / share.expected)
        )
        assert ratio.p == pytest.approx(adjusted)
    assert one(found, "top share", "ratio", "f", field="top 100").p < 0.001
    assert not [row for row in found.rows if row.held]


def test_of_two_groups_one_test_is_made():
    frame = people(levels=("f", "m"))
    found = weighed(frame, top=(20,))
    rows = [one(found, "top share", "ratio", sex, field="top 20") for sex in "fm"]
    first, women = frame.place <= 20, frame.sex == "f"
    table = [[(first & women).sum(), (first & ~women).sum()],
             [(~first & women).sum(), (~first & ~women).sum()]]  # fmt: skip
    expected = stats.fisher_exact(table)[1]
    assert [row.p for row in rows] == pytest.approx([expected, expected])


def test_a_top_of_everybody_is_no_choice(frame):
    found = weighed(frame, top=(10, 300, 1_000))
    assert {row.field for row in found.rows} == {"", "top 10"}


def test_people_without_a_place_are_below_the_top(frame):
    listed = frame.assign(place=frame.place.where(frame.place <= 50))
    found, whole = weighed(listed, top=(10, 50)), weighed(frame, top=(10, 50))
    for field in ("top 10", "top 50"):
        for relation in ("value", "ratio"):
            mine, theirs = (
                one(each, "top share", relation, "f", field=field) for each in (found, whole)
            )
            assert mine == theirs
    row = one(found, "exposure", group="f")
    assert (row.people, row.answered) == (
        (frame.sex == "f").sum(),
        (listed.place.notna() & (frame.sex == "f")).sum(),
    )
    assert found.notes == (
        '"place" is missing in 250 rows of 300: they have no exposure here, and count as below '
        "the top.",
    )


def test_many_lists_add_up(frame):
    twice = pd.concat([frame, frame])
    for group in "fmd":
        mine, theirs = (
            one(weighed(each), "exposure", group=group).estimate for each in (frame, twice)
        )
        assert mine == pytest.approx(theirs)


def test_engines_agree(frame):
    import duckdb

    frame = frame.assign(weight=1 + frame.index % 3)
    frame["place"] = frame.place.where(frame.place < 250)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    connection = duckdb.connect()
    sources = (frame, table, connection.from_arrow(table))
    found = [weighed(data, by=("sex", "race"), weight="weight") for data in sources]
    for other in found[1:]:
        assert other.notes == found[0].notes
        assert other.rows == found[0].rows
    connection.close()


def test_weights_of_two_change_no_number(frame):
    assert weighed(frame).rows == weighed(frame.assign(weight=2), weight="weight").rows


def test_missing_levels_are_shown_but_never_the_reference(frame):
    known = frame.assign(sex=frame.sex.astype(object).where(frame.index % 4 == 0, None))
    found = weighed(known)
    assert one(found, "exposure", group="(missing)").people == known.sex.isna().sum()
    assert "(missing)" not in {row.reference for row in found.rows}


def test_a_group_of_one_row_is_shown():
    frame = people()
    frame.loc[0, "sex"] = "other"
    row = one(weighed(frame), "exposure", group="other")
    assert row.estimate == pytest.approx(1 / math.log2(1 + frame.place[0]))
    assert row.low < row.estimate < row.high


def test_no_rank_is_nothing(frame):
    observed = Observed.of(Source.of(frame), Roles(by=("sex",)))
    assert Ranking().weigh(observed, 0.05, 0.95).rows == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("first", "holds no numbers"),
        (0, "has the position 0"),
        (1.5, "has the position 1.5"),
        (-3, "has the position -3"),
        (10**9, "at most 1,048,576"),
    ],
)
def test_what_is_no_position(frame, values, words):
    column = frame.place.astype(object if isinstance(values, str) else float)
    column[7] = values
    with pytest.raises(DataError, match=words) as caught:
        weighed(frame.assign(place=column))
    assert caught.value.path == "$.data.rank"


def test_metrics(frame):
    record = pb.metrics(frame, by=["sex", "race"], rank="place", top=(5,))
    assert {row.unit for row in record.evidence} == {"exposure", "top share"}
    assert {row.field for row in record.evidence} == {"", "top 5"}
    assert record.findings == ()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from([1, 2, 3, 50, 5_000, None]),
        st.sampled_from([0.0, 1.0, 1e-9, 1e50]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(ROWS, st.booleans())
def test_no_table_gives_a_number_that_is_none(rows, weights):
    frame = pd.DataFrame(rows, columns=["sex", "place", "weight"])
    if frame.sex.isna().all():
        frame.loc[0, "sex"] = "f"
    frame["place"] = frame.place.astype(float)
    frame.loc[0, "weight"] = 1.0
    roles = {"weight": "weight"} if weights else {}
    for row in weighed(frame, top=(1, 2, 10), **roles).rows:
        numbers = [row.low, row.estimate, row.high]
        assert all(math.isfinite(number) for number in numbers)
        assert numbers == sorted(numbers)
        assert row.p is None or 0 <= row.p <= 1
        assert row.answered <= row.people
