"""Laws of twins: nothing outside the closure differs, moving back restores, swapping negates."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.table import Table
from paribus.twins import Version, cell_contrasts, level_contrasts, pair, placebo_contrasts

ATTRIBUTES = {
    "gender": pb.Protected(levels=("Male", "Female", "Other")),
    "nation": pb.Protected(levels=("US", "DE")),
}
GENDERS = {"Male": "MALE", "Female": "FEMALE", "Other": "FEMALE"}
POOL = {
    "age": pb.integers(18, 90),
    "income": pb.lognormal(40_000, 0.6, decimals=2),
    "city": pb.choice(["Bonn", "Ulm"], weights=[0.2, 0.8]),
    "born": pb.dates("1950-01-01", "2000-12-31"),
    "id": pb.mimesis("cryptographic.uuid"),
    "gender_code": pb.map_of("gender", {"Male": 1, "Female": 0, "Other": 2}),
    "sex": pb.copy_of("gender_code"),
    "sex_text": pb.map_of("sex", {1: "m", 0: "f", 2: "o"}),
    "name": pb.mimesis(
        "person.full_name", follows={"gender": GENDERS, "nation": {"US": "en", "DE": "de"}}
    ),
    "email": pb.mimesis("person.email", of="name"),
    "town": pb.mimesis("address.city", follows={"nation": {"US": "en", "DE": "de"}}),
    "twice": pb.copy_of("age"),
}
BEHIND = {
    "gender_code": {"gender"},
    "sex": {"gender"},
    "sex_text": {"gender"},
    "name": {"gender", "nation"},
    "email": {"gender", "nation"},
    "town": {"nation"},
}
NEEDS = {
    "sex": ["gender_code"],
    "sex_text": ["gender_code", "sex"],
    "email": ["name"],
    "twice": ["age"],
}


@st.composite
def populations(draw):
    """A population with some of the fields, in any order, each with what it is made from."""
    chosen = draw(st.lists(st.sampled_from(list(POOL)), unique=True, max_size=8))
    names = draw(st.permutations(sorted({n for c in chosen for n in (c, *NEEDS.get(c, ()))})))
    return People(
        protect=ATTRIBUTES,
        fields={name: POOL[name] for name in names},
        size=draw(st.integers(1, 40)),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


moves = st.one_of(
    st.just(()),
    st.integers(0, 2).map(lambda i: (("gender", i),)),
    st.integers(0, 1).map(lambda i: (("nation", i),)),
    st.tuples(st.integers(0, 2), st.integers(0, 1)).map(
        lambda c: (("gender", c[0]), ("nation", c[1]))
    ),
)


def values(column):
    array = column.arrow()
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


@given(populations(), moves, moves)
@settings(max_examples=60, deadline=None)
def test_nothing_outside_the_closure_differs(people, one, other):
    block = people.block(0)
    moved = {name for name, _ in (*one, *other)}
    for name in people.names:
        before, after = block.column(name, one), block.column(name, other)
        if not (BEHIND.get(name, set()) | {name} & set(ATTRIBUTES)) & moved:
            assert before is after
            assert values(before).equals(values(after))


@given(populations())
@settings(max_examples=30, deadline=None)
def test_the_closure_is_what_follows_and_nothing_else(people):
    for attribute in ATTRIBUTES:
        expected = {attribute} | {n for n in people.fields if attribute in BEHIND.get(n, ())}
        assert set(people.closure(attribute)) == expected


@given(populations(), st.sampled_from(["gender", "nation"]))
@settings(max_examples=40, deadline=None)
def test_moving_a_twin_back_gives_the_original(people, attribute):
    """Everybody who is moved to the level that they have anyway looks as they are."""
    block = people.block(0)
    own = block.own_levels(attribute)
    for level in range(len(ATTRIBUTES[attribute].levels)):
        mine = pa.array(np.flatnonzero(own == level))
        for name in people.names:
            original = values(block.column(name)).take(mine)
            assert values(block.column(name, ((attribute, level),))).take(mine).equals(original)


def test_moving_changes_what_follows():
    """The laws above would also hold if nothing ever moved."""
    people = People(protect=ATTRIBUTES, fields=POOL, size=50, seed=1)
    block = people.block(0)
    for name, behind in BEHIND.items():
        for attribute in behind:
            one = values(block.column(name, ((attribute, 0),)))
            other = values(block.column(name, ((attribute, 1),)))
            assert not one.equals(other), (name, attribute)


def test_placebo_twins_differ_in_linked_fields_and_what_is_made_from_them():
    people = People(protect=ATTRIBUTES, fields=POOL, size=50, seed=1)
    (contrast,) = placebo_contrasts(people, "gender")
    assert contrast.group == Version(again=("name", "email"))
    block = people.block(0)
    for name in people.names:
        one, other = (block.column(name, (), v.again) for v in (contrast.reference, contrast.group))
        assert (one is other) == (name not in {"name", "email"})
    assert not values(block.column("name")).equals(
        values(block.column("name", (), ("name", "email")))
    )
    assert {c.group.again for c in placebo_contrasts(people, "nation")} == {
        ("name", "email", "town")
    }


def test_without_a_linked_field_there_is_no_placebo():
    people = People(protect=ATTRIBUTES, fields={"age": POOL["age"]}, size=5)
    assert placebo_contrasts(people, "gender") == ()


def test_contrasts_are_merged_and_each_version_counts_once():
    people = People(protect=ATTRIBUTES, fields=POOL, size=5)
    levels = level_contrasts(people, "gender")
    cells = cell_contrasts(people, ["gender", "nation"])
    assert [c.group_name for c in levels] == ["Female", "Other"]
    assert [c.group_name for c in cells][:2] == ["Male x DE", "Female x US"]
    assert len(cells) == 5
    assert {c.reference_name for c in cells} == {"Male x US"}
    twins = pair(people, (*levels, *levels, *cells))
    assert len(twins.contrasts) == 7
    assert len(twins.versions) == 3 + 6


def test_a_reference_that_is_not_the_first_level():
    protect = {"gender": {"levels": ["Male", "Female", "Other"], "reference": "Female"}}
    people = People(protect=protect, fields={"age": POOL["age"]}, size=5)
    contrasts = level_contrasts(people, "gender")
    assert {c.reference_name for c in contrasts} == {"Female"}
    assert [c.group_name for c in contrasts] == ["Male", "Other"]


# --- runs of people -------------------------------------------------------------------------------


@given(populations(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_run_is_a_part_of_its_block(people, data):
    """Skipping people changes nobody: not their columns, nor what is the same question."""
    n = len(people)
    skip = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(skip + 1, n))
    wanted = [c for name in people.protect for c in level_contrasts(people, name)]
    twins = pair(people, [*wanted, *placebo_contrasts(people, *people.protect)])
    whole, run = twins.block(0), twins.block(0, stop, skip)
    assert (run.start, len(run)) == (skip, stop - skip)
    names = people.names
    for version in twins.versions:
        every, some = whole.columns(version, names), run.columns(version, names)
        for name in names:
            part = values(every[name]).slice(skip, stop - skip)
            assert values(some[name]).to_pylist() == part.to_pylist()
        # What does not differ stays the very same object.
        assert all(some[name] is run.columns(version, [name])[name] for name in names)
    for one, other in zip(whole.distinct(names), run.distinct(names), strict=True):
        assert np.broadcast_to(other, stop - skip).tolist() == (
            np.broadcast_to(one, n)[skip:stop].tolist()
        )


def test_likelihoods_of_a_run_are_those_of_its_people():
    people = People(
        protect={"gender": {"levels": ["m", "f"]}},
        fields={"city": pb.choice(["a", "b"], weights=[0.25, 0.75]), "x": pb.integers(0, 9)},
        size=1,
    )
    contrasts = level_contrasts(people, "gender")
    everybody = people.enumerated(["gender", "city", "x"], pair(people, contrasts).versions)
    twins = pair(everybody, contrasts)
    whole = twins.block(0).weights()
    assert whole.sum() == pytest.approx(1)
    assert sorted(set(whole.round(9))) == [0.025, 0.075]
    assert twins.block(0, 15, 4).weights().tolist() == whole[4:15].tolist()
    assert pair(people, contrasts).block(0).weights() is None


# --- swapping -------------------------------------------------------------------------------------


def noisy_scores(seed, high):
    table = np.random.default_rng(seed).normal(size=(2, high + 1))

    def score(people):
        return table[(people["gender"] == "Female").to_numpy().astype(int), people["x"].to_numpy()]

    return score


@given(seed=st.integers(0, 2**32), n=st.integers(1, 60), threshold=st.sampled_from([None, 0.0]))
@settings(max_examples=40, deadline=None)
def test_swapping_reference_and_group_negates_every_gap(seed, n, threshold):
    model = noisy_scores(seed, 30)

    def rows(reference):
        record = pb.audit(
            model,
            protect={"gender": {"levels": ["Male", "Female"], "reference": reference}},
            fields={"x": pb.integers(0, 30)},
            outcome="score",
            threshold=threshold,
            people=n,
            seed=seed,
        )
        own = [row for row in record.evidence if row.test == "counterfactual"]
        return {row.unit: row for row in own if row.reference}

    one, other = rows("Male"), rows("Female")
    measured = {"score gap", "absolute gap"}
    assert set(one) == (measured if threshold is None else measured | {"net gap", "flip rate"})
    for unit, row in one.items():
        swapped = other[unit]
        mirrored = (-swapped.estimate, -swapped.high, -swapped.low)
        if unit in {"flip rate", "absolute gap"}:  # without a direction
            mirrored = (swapped.estimate, swapped.low, swapped.high)
        assert (row.estimate, row.low, row.high) == pytest.approx(mirrored, abs=1e-12)
        assert row.p == pytest.approx(swapped.p, abs=1e-12)
        assert (row.flips_against, row.flips_for) == (swapped.flips_for, swapped.flips_against)
        if row.largest is not None:
            assert abs(row.largest) == abs(swapped.largest)


# --- distinct questions ---------------------------------------------------------------------------


def counting(asked):
    def model(people):
        asked.extend(people.itertuples(index=False, name=None))
        return np.ones(len(people), dtype=int)

    return model


FRAME = pd.DataFrame(
    {
        "row": np.arange(600),
        "race": ["white", "black", "green"] * 200,
        "sex": ["m", "f"] * 300,
    }
)


@pytest.mark.parametrize("cross", [(), [("race", "sex")]])
def test_each_distinct_question_is_asked_once(cross):
    """A version that equals another one of the same person is not asked again."""
    asked = []
    record = pb.audit(
        counting(asked),
        protect={"race": ["white", "black"], "sex": ["m", "f"]},
        data=FRAME,
        favorable=1,
        cross=cross,
    )
    expected = set()
    for row, race, sex in FRAME.itertuples(index=False):
        expected |= {(row, r, sex) for r in ("white", "black")}
        expected |= {(row, race, s) for s in ("m", "f")}
        if cross:
            expected |= {(row, r, s) for r in ("white", "black") for s in ("m", "f")}
    assert set(asked) == expected
    again = 2 * 75  # an eighth of the people, asked twice: does the model repeat itself?
    assert len(asked) == len(expected) + again
    assert record.answers.versions == 600 * (8 if cross else 4)
    assert record.run["questions"] == len(expected)


@pytest.mark.parametrize("features", [["row"], ["row", "sex"]])
def test_what_the_model_does_not_see_is_not_asked_about(features):
    asked = []
    pb.audit(
        counting(asked),
        protect={"race": ["white", "black"], "sex": ["m", "f"]},
        data=FRAME,
        favorable=1,
        features=features,
        cross=[("race", "sex")],
    )
    assert len(set(asked)) == 600 * (2 if "sex" in features else 1)
    assert len(asked) == len(set(asked)) + 2 * 75


@pytest.mark.parametrize("people", [1_000, 40_000, 70_000])
def test_versions_are_gathered_to_the_right_people(people):
    """In one call or in one for each version, with own levels that alias: the same answers."""

    def model(frame):
        return frame["x"] + 1000.0 * (frame["a"] == "q") + 2000.0 * (frame["b"] == "v")

    record = pb.audit(
        model,
        protect={"a": ["p", "q"], "b": ["u", "v"]},
        fields={"x": pb.integers(0, 999)},
        outcome="number",
        tolerance=1,
        cross=[("a", "b")],
        people=people,
        seed=3,
    )
    gaps = {
        (row.attribute, row.group): (row.estimate, row.largest)
        for row in record.evidence
        if (row.test, row.unit) == ("counterfactual", "score gap")
    }
    assert gaps == {
        ("a", "q"): (1000, 1000),
        ("b", "v"): (2000, 2000),
        ("a x b", "p x v"): (2000, 2000),
        ("a x b", "q x u"): (1000, 1000),
        ("a x b", "q x v"): (3000, 3000),
    }


# --- the data set itself --------------------------------------------------------------------------


def test_the_balanced_data_set_has_each_version_below_each_other(tmp_path):
    people = People(
        protect={"gender": {"levels": ["Male", "Female"]}},
        fields={"age": POOL["age"], "code": pb.map_of("gender", {"Male": 1, "Female": 0})},
        size=70_000,
        seed=5,
    )
    twins = pair(people, level_contrasts(people, "gender"))
    assert twins.write(tmp_path / "twins.parquet") == 140_000
    table = pq.read_table(tmp_path / "twins.parquet")
    assert table.column_names == ["person", "version", "gender", "age", "code"]
    assert table["person"].to_numpy().tolist() == np.repeat(np.arange(70_000), 2).tolist()
    assert table["gender"].slice(0, 4).to_pylist() == ["Male", "Female"] * 2
    age = table["age"].to_numpy()
    assert (age[::2] == age[1::2]).all()
    assert table["code"].to_numpy()[-2:].tolist() == [1, 0]
    twins.write(tmp_path / "twins.csv")
    assert pd.read_csv(tmp_path / "twins.csv")["age"].tolist() == age.tolist()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_is_empty_in_the_first_block(tmp_path, suffix):
    n = 66_000
    frame = pd.DataFrame({"gender": ["Male", "Female"] * (n // 2)})
    frame["note"] = pd.Series([None] * (n - 1) + ["x"], dtype=object)
    people = People(
        protect={"gender": {"levels": ["Male", "Female"]}},
        size=n,
        rows=Rows(Table.of(frame), 0, None),
    )
    path = tmp_path / f"twins{suffix}"
    assert pair(people, level_contrasts(people, "gender")).write(path) == 2 * n
    table = (
        pq.read_table(path)
        if suffix == ".parquet"
        else pa.Table.from_pandas(pd.read_csv(path, low_memory=False))
    )
    assert pc.drop_null(table["note"]).to_pylist() == ["x", "x"]


def test_columns_of_odd_types_are_written_as_text(tmp_path):
    frame = pd.DataFrame({"gender": ["Male", "Female"], "mixed": [1, "a"], "many": [[1, 2], [3]]})
    people = People(
        protect={"gender": {"levels": ["Male", "Female"]}},
        size=2,
        rows=Rows(Table.of(frame), 0, None),
    )
    pair(people, level_contrasts(people, "gender")).write(tmp_path / "twins.csv")
    back = pd.read_csv(tmp_path / "twins.csv")
    assert back["mixed"].tolist() == ["1", "1", "a", "a"]
    assert back["many"].tolist() == ["[1, 2]"] * 2 + ["[3]"] * 2
