"""A learned column has the distribution that it declares, and goes with the columns it loads on."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

import paribus as pb
from paribus.errors import SpecError
from paribus.people.census import Census
from paribus.people.fields.base import FIELDS
from paribus.people.fields.learned import LearnedField, Missing
from paribus.people.population import People
from paribus.table import to_frame
from paribus.testing import check_field
from paribus.twins import Version, factorial, level_contrasts, pair

N = 60_000
GENDER = {"gender": {"levels": ["F", "M"], "weights": [0.4, 0.6]}}
EVEN = {"quantiles": (0.0, 1.0), "shares": (0.0, 1.0)}


def learned(**keys):
    return LearnedField(**keys)


def block_of(fields, protect=GENDER, n=N, seed=1):
    return People(protect=protect, fields=fields, size=n, seed=seed).block(0)


def numbers(block, name):
    return block.column(name).arrow().to_numpy(zero_copy_only=False)


def scores(block, name):
    """Where people stand in an even column, as normal numbers."""
    return ndtri(np.clip(numbers(block, name), 1e-12, 1 - 1e-12))


FIELDS_OF_ALL_FORMS = {
    "text": learned(values=("b", "a", "c"), weights=(0.5, 0.3, 0.2)),
    "truth": learned(values=(False, True), weights=(0.9, 0.1)),
    "whole": learned(values=(1, 2, 30), weights=(0.2, 0.2, 0.6), dependence={"other": -0.4}),
    "quantiles": learned(quantiles=(0, 0, 5, 9.5), shares=(0, 0.3, 0.3, 1), decimals=1),
    "whole quantiles": learned(quantiles=(-4.0, 900.0), shares=(0.0, 1.0), whole=True),
    "days": learned(days=("1960-01-01", "2000-12-31"), shares=(0, 1)),
    "nothing": learned(missing=Missing(share=1.0)),
    "text with gaps": learned(values=("a", "b"), weights=(0.5, 0.5), missing={"share": 0.3}),
    "whole with gaps": learned(
        **EVEN, whole=True, missing={"share": 0.3, "dependence": {"z": 0.2}, "gaps": {"y": 0.5}}
    ),
    "days with gaps": learned(
        days=("1960-01-01", "2000-12-31"), shares=(0, 1), missing={"share": 0.3}
    ),
}


@pytest.mark.parametrize("form", list(FIELDS_OF_ALL_FORMS))
def test_it_keeps_the_promises_of_a_field(form):
    check_field(FIELDS_OF_ALL_FORMS[form])


def test_values_have_their_weights():
    column = block_of({"x": FIELDS_OF_ALL_FORMS["text"]}).column("x").arrow()
    counts = {
        v["values"]: v["counts"] for v in column.dictionary_decode().value_counts().to_pylist()
    }
    expected = {"b": 0.5 * N, "a": 0.3 * N, "c": 0.2 * N}
    assert stats.chisquare([counts[v] for v in expected], list(expected.values())).pvalue > 1e-3


def test_quantiles_are_joined_by_straight_lines():
    drawn = numbers(block_of({"x": FIELDS_OF_ALL_FORMS["quantiles"]}), "x")
    assert np.isclose((drawn == 0).mean(), 0.3, atol=0.01)
    above = drawn[drawn > 0]
    assert above.min() >= 5
    assert above.max() <= 9.5
    assert stats.kstest(above, stats.uniform(5, 4.5).cdf).statistic < 0.02


def test_types():
    fields = {name.replace(" ", "_"): field for name, field in FIELDS_OF_ALL_FORMS.items()}
    types = {name: str(pb.People(protect=GENDER, fields=fields, size=50).head(50)[name].type)
             for name in fields}  # fmt: skip
    assert types == {
        "text": "string",
        "truth": "bool",
        "whole": "int64",
        "quantiles": "double",
        "whole_quantiles": "int64",
        "days": "date32[day]",
        "nothing": "double",
        "text_with_gaps": "string",
        "whole_with_gaps": "int64",
        "days_with_gaps": "date32[day]",
    }


def test_loadings_are_correlations_with_the_chance_of_other_columns():
    fields = {
        "a": learned(**EVEN),
        "b": learned(**EVEN, dependence={"a": 0.6}),
        "c": learned(**EVEN, dependence={"a": -0.3, "b": 0.8}),
    }
    block = block_of(fields)
    found = np.corrcoef([scores(block, name) for name in fields])
    own = (1 - 0.36) ** 0.5
    # b is .6 a and .8 of its own chance; c loads on that own chance, not on b.
    expected = np.array([[1, 0.6, -0.3], [0.6, 1, -0.18 + 0.8 * own], [-0.3, -0.18 + 0.8 * own, 1]])
    assert np.allclose(found, expected, atol=0.012)
    assert stats.kstest(numbers(block, "c"), stats.uniform.cdf).pvalue > 1e-3


def test_what_is_missing_depends_on_values_and_on_other_gaps():
    fields = {
        "a": learned(**EVEN, missing={"share": 0.2}),
        "b": learned(**EVEN, missing={"share": 0.5, "dependence": {"c": 0.6}, "gaps": {"a": 0.7}}),
        "c": learned(**EVEN),
    }
    block = block_of(fields)
    gone = {name: np.isnan(numbers(block, name)) for name in "ab"}
    high = numbers(block, "c") > 0.5
    assert np.isclose(gone["a"].mean(), 0.2, atol=0.01)
    assert np.isclose(gone["b"].mean(), 0.5, atol=0.01)
    # The quadrant probabilities of a normal pair (Sheppard 1899): 1/4 + asin(r) / 2 pi.
    assert np.isclose((gone["b"] & high).mean(), 0.25 + np.arcsin(0.6) / (2 * np.pi), atol=0.01)
    both = stats.multivariate_normal(cov=[[1, 0.7], [0.7, 1]]).cdf([-ndtri(0.8), 0])
    assert np.isclose((gone["a"] & gone["b"]).mean(), both, atol=0.01)
    assert abs(np.corrcoef(gone["a"], high)[0, 1]) < 0.02


@pytest.mark.parametrize("seed", [0, 7])
def test_people_depend_on_the_seed_and_the_names_alone(seed):
    b = learned(**EVEN, dependence={"a": 0.6, "gender": 0.3}, missing={"share": 0.1})
    others = [
        {},
        {"a": learned(**EVEN)},
        {"a": pb.integers(0, 9), "c": learned(**EVEN, dependence={"b": 0.9})},
    ]
    columns = [numbers(block_of({**other, "b": b}, n=500, seed=seed), "b") for other in others]
    few = numbers(block_of({"b": b}, n=70, seed=seed), "b")
    for column in columns:
        np.testing.assert_array_equal(column, columns[0])
        np.testing.assert_array_equal(column[:70], few)
    # What is drawn in another way has no say: it is another chance.
    block = block_of({"a": pb.uniform(0, 1), "b": learned(**EVEN, dependence={"a": 0.9})})
    assert abs(np.corrcoef(numbers(block, "a"), numbers(block, "b"))[0, 1]) < 0.02


def test_fields_of_a_block_in_any_order():
    fields = {"a": learned(**EVEN), "b": learned(**EVEN, dependence={"a": 0.5})}
    forwards, backwards = block_of(fields, n=100), block_of(fields, n=100)
    first = [numbers(forwards, name) for name in ("a", "b")]
    second = [numbers(backwards, name) for name in ("b", "a")][::-1]
    np.testing.assert_array_equal(first, second)


# --- protected attributes -------------------------------------------------------------------------


def test_an_attribute_goes_with_a_field_and_moving_it_moves_nothing():
    income = learned(quantiles=(0, 100), shares=(0, 1), dependence={"gender": 0.5})
    fields = {"income": income, "code": pb.map_of("gender", {"F": 0, "M": 1})}
    people = People(protect=GENDER, fields=fields, size=N, seed=2)
    block = people.block(0)
    own, money = block.own_levels("gender"), numbers(block, "income")
    assert np.isclose((own == 0).mean(), 0.4, atol=0.01)
    joint = stats.multivariate_normal(cov=[[1, 0.5], [0.5, 1]])
    assert np.isclose(((own == 0) & (money < 30)).mean(), joint.cdf(ndtri([0.4, 0.3])), atol=0.01)
    assert people.closure("gender") == ("gender", "code")
    for level in (0, 1):
        moved = (("gender", level),)
        assert block.column("income", moved) is block.column("income")
        assert set(numbers(block, "code")) == {0, 1}
        assert set(block.column("code", moved).arrow().to_pylist()) == {level}
    assert people.redrawn(["gender"]) == ()


def test_attributes_go_with_each_other():
    protect = {
        **GENDER,
        "part_time": {
            "levels": ["yes", "no"],
            "weights": [0.3, 0.7],
            "dependence": {"gender": 0.7},
        },
    }
    people = People(protect=protect, size=N, seed=5)
    block = people.block(0)
    gender, part_time = block.own_levels("gender"), block.own_levels("part_time")
    assert np.isclose((part_time == 0).mean(), 0.3, atol=0.01)
    joint = stats.multivariate_normal(cov=[[1, 0.7], [0.7, 1]]).cdf(ndtri([0.4, 0.3]))
    assert np.isclose(((gender == 0) & (part_time == 0)).mean(), joint, atol=0.01)
    moved = block.column("part_time", (("gender", 0),))
    assert moved is block.column("part_time")
    assert len(factorial(people).versions) >= 4


def test_an_attribute_is_drawn_as_before_where_it_loads_on_nothing():
    plain = People(protect=GENDER, fields={"x": pb.integers(0, 9)}, size=300, seed=3)
    beside = People(
        protect=GENDER, fields={"x": learned(**EVEN, dependence={"gender": 0.4})}, size=300, seed=3
    )
    levels = [each.block(0).own_levels("gender") for each in (plain, beside)]
    np.testing.assert_array_equal(*levels)


def test_it_cannot_be_listed():
    people = People(
        protect={
            **GENDER,
            "part_time": {
                "levels": [True, False],
                "weights": [0.5, 0.5],
                "dependence": {"gender": 0.1},
            },
        },
        fields={"x": pb.integers(0, 3)},
        size=9,
    )
    contrasts = level_contrasts(people, "gender")
    versions = [Version(), *pair(people, contrasts).versions]
    why = Census.why_not(people, ["x", "part_time"], versions)
    assert why == "the levels depend on other columns (gender)"
    assert Census.why_not(people, ["x"], versions) is None


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "path", "said"),
    [
        ({}, "$.values", "needs values, quantiles or days"),
        ({"missing": {"share": 0.9}}, "$.values", "needs values"),
        ({"values": ["a"], "weights": [1], **EVEN}, "$.quantiles", "values and quantiles"),
        ({"values": ["a", "b"], "weights": [1]}, "$.weights", "2 values and 1 weights"),
        ({"values": ["a", "b"], "weights": [0.5, 0.4]}, "$.weights", "sum to 0.9"),
        ({"values": ["a", "a"], "weights": [0.5, 0.5]}, "$.values", "differ"),
        ({"values": ["a", "b"], "weights": [1.5, -0.5]}, "$.weights[0]", "less than or equal to 1"),
        ({"quantiles": [1, 0], "shares": [0, 1]}, "$.quantiles", "must not go down"),
        ({"quantiles": [0, 1, 2], "shares": [0, 1, 0.5]}, "$.shares", "must not go down"),
        ({"quantiles": [0, 1], "shares": [0.1, 1]}, "$.shares", "begin with 0"),
        ({"quantiles": [0, 1], "shares": [0]}, "$.shares", "2 quantiles and 1 shares"),
        ({"quantiles": [0, 1e301], "shares": [0, 1]}, "$.quantiles", "1e300"),
        ({**EVEN, "dependence": {"a": 0.9, "b": 0.5}}, "$.dependence", "sum to 1.06"),
        ({**EVEN, "missing": {"share": 2}}, "$.missing.share", "less than or equal to 1"),
        ({**EVEN, "missing": {"share": 0.1, "gaps": {"a": 2}}}, "$.missing.dependence", "sum to 4"),
        ({**EVEN, "missing": 0.5}, "$.missing", "table of keys"),
        ({**EVEN, "dependance": {}}, "$", 'did you mean "dependence"?'),
    ],
)  # fmt: skip
def test_what_cannot_be_declared(declared, path, said):
    with pytest.raises(SpecError) as raised:
        FIELDS.parse({"kind": "learned", **declared})
    assert raised.value.path == path
    assert said in raised.value.message


@pytest.mark.parametrize("fields", [{"x": learned(**EVEN, dependence={"gender": 0.4})}, {}])
def test_what_depends_on_levels_needs_their_weights(fields):
    protect = {"gender": {"levels": ["F", "M"]}}
    if not fields:
        protect["age"] = {"levels": [1, 2], "weights": [0.5, 0.5], "dependence": {"gender": 0.4}}
    with pytest.raises(SpecError, match="say how often people have each") as raised:
        People(protect=protect, fields=fields, size=3)
    assert raised.value.path == "$.protect.gender.weights"


def test_levels_that_depend_need_weights():
    with pytest.raises(SpecError, match="need weights"):
        pb.Protected(levels=("a", "b"), dependence={"x": 0.5})


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "numpy"])
def test_models_see_gaps_as_gaps(kind):
    block = block_of({"x": learned(**EVEN, missing={"share": 0.3})}, n=1_000)
    frame = to_frame({"x": block.column("x")}, kind)
    if kind == "numpy":
        gone = np.isnan(frame[:, 0]).sum()
    elif kind == "pandas":
        gone = frame["x"].isna().sum()
    else:
        gone = frame["x"].null_count if kind == "pyarrow" else frame["x"].null_count()
    assert 250 < gone < 350
