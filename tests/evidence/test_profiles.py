"""Profiles: bins that cover everybody, round edges, and gaps that a group-by gives as well."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.auditing import protected
from paribus.evidence.base import Condition, Row
from paribus.evidence.profiles import Profiles, bin_label, profiles_of
from paribus.evidence.regions import people_in
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.probe._ask import ask
from paribus.probe._handed import probe_of
from paribus.stats.moments import Moments, mean_interval
from paribus.stats.paired import tango_interval
from paribus.table import Table
from paribus.testing import check_test
from paribus.twins import cell_contrasts, pair

GENDER = {"gender": ["Male", "Female"]}
FIELDS = {
    "age": pb.integers(18, 80),
    "income": pb.lognormal(40_000, 0.5),
    "home": pb.choice(["own", "rent", "none"], [0.5, 0.3, 0.2]),
    "city": pb.choice([f"city {i}" for i in range(20)], [0.12] * 5 + [0.4 / 15] * 15),
    "flat": pb.uniform(0.0, 1.0),
}


def asked(model, *, protect=GENDER, fields=FIELDS, data=None, people=4_000, cross=(), **how):
    probe = probe_of(model, how or {"favorable": 1})
    rows = None if data is None else Rows(Table.of(data), 1, None)
    base = People(
        protect={name: protected(levels, "$") for name, levels in protect.items()},
        fields={} if data is not None else fields,
        size=people if rows is None else len(rows),
        seed=1,
        rows=rows,
    )
    contrasts = [
        *Profiles().needs(base),
        *(c for each in cross for c in cell_contrasts(base, each)),
    ]
    return ask(probe, probe.open(trust=False), pair(base, contrasts), Serial())


def weighed(answers, confidence=0.95, **options):
    return profiles_of(Profiles(**options).weigh(answers, 0.01, confidence))


def unfair(d):
    """Deny women who are young, and a few of those who rent."""
    hit = (d["age"] < 40) | ((d["home"] == "rent") & (d["age"] > 70))
    return (~((d["gender"] == "Female") & hit)).astype(int)


def masks(answers, profile):
    return np.stack([people_in(answers, row.rule) for row in profile.rows])


def test_every_person_is_in_one_bin_of_each_profile():
    answers = asked(unfair)
    profiles = weighed(answers, fields=9)
    assert [len(profile.fields) for profile in profiles] == [1] * 5 + [2]
    for profile in profiles:
        inside = masks(answers, profile)
        assert (inside.sum(axis=0) == 1).all()
        assert inside.sum(axis=1).tolist() == [row.people for row in profile.rows]
        assert sum(row.share for row in profile.rows) == pytest.approx(1)


def test_gaps_are_those_of_a_group_by():
    answers = asked(unfair)
    pairs = answers.pairs("pandas")
    gap = pairs["group_answer"].astype(int) - pairs["reference_answer"].astype(int)
    for profile in weighed(answers):
        k = len(profile.rows)
        for row, inside in zip(profile.rows, masks(answers, profile), strict=True):
            up, down, n = (gap[inside] > 0).sum(), (gap[inside] < 0).sum(), int(inside.sum())
            assert row.estimate == (up - down) / n if n else row.estimate == 0
            exact = tango_interval(int(up), int(down), n, 1 - 0.05 / k)
            assert (row.low, row.high) == exact
            assert row.method == f"Tango interval at {100 - 5 / k:.4g} % for {k} bins"


def test_amounts_have_the_interval_of_their_mean():
    def model(d):
        women = (d["gender"] == "Female").to_numpy()
        return 0.5 - 0.3 * women * (1 - d["flat"].to_numpy()) ** 2

    answers = asked(model, outcome="score")
    gap = answers.pairs("pandas")["gap"].to_numpy()
    first = weighed(answers)[0]
    assert first.fields == ("flat",)
    spread = 1.0
    for row, inside in zip(first.rows, masks(answers, first), strict=True):
        moments = Moments.of(gap[inside])
        low, high = mean_interval(moments, 1 - 0.05 / 12, spread + abs(moments.mean))
        assert row.estimate == pytest.approx(moments.mean, abs=1e-12)
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-9)
        assert row.unit == "score gap"


def test_the_most_telling_fields_come_first():
    one, two, *_, both = weighed(asked(unfair), fields=2)
    assert (one.fields, two.fields, both.fields) == (("age",), ("home",), ("age", "home"))
    assert one.numeric == (True,)
    assert both.numeric == (True, False)
    assert len(weighed(asked(unfair), fields=1)) == 1


def test_numbers_have_round_edges_and_about_equal_shares():
    profiles = {p.fields: p for p in weighed(asked(unfair, people=20_000), fields=9)}
    income = profiles["income",]
    assert len(income.rows) == 12
    assert all(0.06 < row.share < 0.11 for row in income.rows)
    edges = [c.value for row in income.rows for c in row.rule if c.relation == "<="]
    assert edges == sorted(edges)
    assert all(edge % 1_000 == 0 for edge in edges)
    relations = [tuple(c.relation for c in row.rule) for row in income.rows]
    assert relations == [("<=",), *[(">", "<=")] * 10, (">",)]
    assert len({p.fields: p for p in weighed(asked(unfair), bins=5)}["age",].rows) == 5


def test_rare_categories_are_put_together():
    profiles = {p.fields: p for p in weighed(asked(unfair), fields=9)}
    cities = profiles["city",].rows
    labels = [bin_label(row, "city") for row in cities]
    assert len(cities) == 12
    assert set(labels[:5]) == {f"city {i}" for i in range(5)}
    assert labels[-1] == "other"
    assert {c.relation for c in cities[-1].rule} == {"is not"}
    assert len(cities[-1].rule) == 11
    assert {bin_label(r, "home") for r in profiles["home",].rows} == {"own", "rent", "none"}


def test_a_heat_map_has_all_its_cells():
    heat = weighed(asked(unfair, people=40))[-1]
    assert len(heat.fields) == 2
    firsts, seconds = (
        list(dict.fromkeys(bin_label(row, field) for row in heat.rows)) for field in heat.fields
    )
    assert len(firsts) <= 8 >= len(seconds)
    labels = [tuple(bin_label(row, field) for field in heat.fields) for row in heat.rows]
    assert labels == [(a, b) for a in firsts for b in seconds]
    # Forty people do not fill them: what nobody is in is given too, and says nothing.
    empty = [row for row in heat.rows if not row.people]
    assert all((row.low, row.estimate, row.high) == (-1, 0, 1) for row in empty)
    assert any(0 < row.people < 10 for row in heat.rows)


def test_missing_values_have_a_bin_of_their_own():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 1_000, "debt": np.arange(2_000.0)})
    data["kind"] = ["a", None, "b", "c"] * 500
    data.loc[::4, "debt"] = np.nan

    def model(d):
        hit = d["debt"].isna() | (d["kind"] == "a") | (d["debt"] > 1_500)
        return (~((d["gender"] == "Female") & hit)).astype(int)

    answers = asked(model, data=data)
    profiles = {p.fields: p for p in weighed(answers)}
    last = profiles["debt",].rows[-1]
    assert ([c.text for c in last.rule], last.people) == (["debt is missing"], 500)
    assert last.estimate == -1
    assert [c.text for c in profiles["kind",].rows[-1].rule] == ["kind is missing"]
    for profile in profiles.values():
        assert (masks(answers, profile).sum(axis=0) == 1).all()


def test_a_category_called_missing_is_not_a_missing_one():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 300, "kind": ["missing", None, "a"] * 200})
    answers = asked(
        lambda d: (~((d["gender"] == "Female") & (d["kind"] == "missing"))).astype(int), data=data
    )
    rows = weighed(answers)[0].rows
    said = {row.rule[0].text: row.estimate for row in rows}
    assert said == {'kind is "missing"': -1, "kind is a": 0, "kind is missing": 0}


def test_missing_answers_widen_the_bins():
    def model(d):
        hit = (d["gender"] == "Female") & (d["age"] < 40)
        return [
            None if age > 60 and i % 5 == 0 else int(not h)
            for i, (h, age) in enumerate(zip(hit, d["age"], strict=True))
        ]

    first = weighed(asked(model))[0]
    for row in first.rows:
        assert row.low <= row.estimate <= row.high
    lost = [row for row in first.rows if row.answered < row.people]
    assert lost
    assert all(row.low < -0.1 for row in lost)


def test_only_levels_with_wide_gaps_are_shown():
    levels = [f"level {i}" for i in range(8)]

    def model(d):
        number = d["group"].astype(str).str[-1].astype(int).to_numpy()
        return 1 - 0.1 * number * (d["age"].to_numpy() < 40)

    rows = Profiles(contrasts=2).weigh(
        asked(model, protect={"group": levels}, outcome="score"), 0.01, 0.95
    )
    assert list(dict.fromkeys(row.group for row in rows)) == ["level 6", "level 7"]
    crossed = asked(unfair, protect={**GENDER, "race": ["a", "b"]}, cross=[("gender", "race")])
    shown = Profiles().weigh(crossed, 0.01, 0.95)
    assert {row.contrast for row in shown} == {"level"}
    assert {c.field for row in shown for c in row.rule}.isdisjoint({"gender"})


def test_what_does_not_vary_is_not_shown():
    assert not weighed(asked(lambda d: (d["gender"] == "Male").astype(int)))
    assert not weighed(asked(lambda d: (d["age"] > 30).astype(int)))


def test_a_census_is_exact_and_weighs_people():
    data = pd.DataFrame([(a, b) for a in range(4) for b in range(5)], columns=["a", "b"])
    data["gender"] = ["Male", "Female"] * 10
    answers = asked(
        lambda d: (~((d["gender"] == "Female") & (d["a"] * 5 + d["b"] < 7))).astype(int), data=data
    )
    weights = np.arange(1.0, 21.0) / 210
    (block,) = answers.blocks
    answers = replace(answers, exhaustive=True, blocks=(replace(block, weights=weights),))
    profiles = {p.fields: p for p in weighed(answers)}
    rows = profiles["a",].rows
    assert [row.estimate for row in rows] == pytest.approx([-1, -(6 + 7) / 40, 0, 0])
    assert [row.share for row in rows] == pytest.approx([15 / 210, 40 / 210, 65 / 210, 90 / 210])
    assert all(row.exact and row.low == row.estimate == row.high for row in rows)


def test_labels_of_bins():
    def row(*parts):
        rule = tuple(Condition(field="x", relation=r, value=v, text="") for r, v in parts)
        fixed = {"unit": "net gap", "contrast": "level", "attribute": "g", "reference": "a"}
        numbers = {"people": 1, "answered": 1, "estimate": 0.0, "low": 0.0, "high": 0.0}
        return Row(test="profiles", group="b", rule=rule, **fixed, **numbers)

    assert bin_label(row(("<=", 1_500.0)), "x") == "<= 1,500"
    assert bin_label(row((">", 2.5)), "x") == "> 2.5"
    assert bin_label(row(("is", "missing")), "x") == "missing"
    assert bin_label(row(("is not", "missing")), "x") == "not missing"
    assert bin_label(row(("is not", "a"), ("is not", "b")), "x") == "other"


def test_conformance():
    check_test(Profiles())


values = st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-300, 5e-324, 1e300, 0.1])
labels = st.sampled_from(["a", "b", "missing", "other", "", None])


@given(st.lists(st.tuples(values, labels, st.booleans()), min_size=1, max_size=60), st.data())
@settings(max_examples=20, deadline=None)
def test_odd_tables_give_finite_rows(rows, draw):
    data = pd.DataFrame(rows, columns=["x", "kind", "flag"])
    data["gender"] = (["Male", "Female"] * len(data))[: len(data)]
    data.loc[len(data)] = [0.0, "a", True, "Female"]
    data.loc[len(data)] = [0.0, "a", True, "Male"]
    data["flag"] = data["flag"].astype(bool)
    scale = draw.draw(st.sampled_from([1.0, 1e-100, 1e100, 0.0]))

    def model(d):
        hit = ((d["gender"] == "Female") & d["flag"]).to_numpy()
        return scale * (hit + np.sin(np.nan_to_num(d["x"], posinf=2, neginf=-2) + hit) / 10)

    answers = asked(model, data=data, outcome="number")
    for profile in weighed(answers, bins=draw.draw(st.integers(2, 5))):
        assert (masks(answers, profile).sum(axis=0) == 1).all()
        for row in profile.rows:
            numbers = [v for v in row.model_dump().values() if isinstance(v, float)]
            assert np.isfinite(numbers).all()
            assert row.low <= row.estimate <= row.high
