"""Choices, constants, copies and maps."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import paribus as pb
from paribus.people.population import People

PROTECT = {"gender": {"levels": ["Male", "Female"]}, "age": {"levels": [25, 35.0, 45]}}


def drawn(name, size=60_000, seed=1, **fields):
    people = People(protect=PROTECT, fields=fields, size=size, seed=seed)
    array = people.block(0).column(name).arrow()
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def test_choices_are_equally_likely():
    values = drawn("x", x=pb.choice(["a", "b", "c"]))
    counts = np.unique(values.to_numpy(zero_copy_only=False), return_counts=True)[1]
    assert stats.chisquare(counts).pvalue > 0.001


def test_choices_have_their_weights_and_none_where_it_is_zero():
    weights = np.array([0.1, 0.0, 0.65, 0.25, 0.0])
    values = drawn("x", x=pb.choice([0, 1, 2, 3, 4], list(weights))).to_numpy()
    counts = np.bincount(values, minlength=5)
    assert counts[[1, 4]].tolist() == [0, 0]
    used = weights > 0
    assert stats.chisquare(counts[used], 60_000 * weights[used]).pvalue > 0.001


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda w: sum(w) > 0))
@settings(max_examples=60, deadline=None)
def test_any_weights_choose_only_what_has_some(weights):
    scaled = [w / sum(weights) for w in weights]
    values = drawn("x", 300, x=pb.choice(list(range(len(weights))), scaled)).to_numpy()
    assert all(scaled[v] > 0 for v in np.unique(values))


@pytest.mark.parametrize("value", ["new", 5, 1.5, True])
def test_a_constant_keeps_its_type(value):
    values = drawn("x", 4, x=pb.constant(value)).to_pylist()
    assert values == [value] * 4
    assert type(values[0]) is type(value)


def test_a_map_follows_value_by_value():
    fields = {
        "code": pb.map_of("gender", {"Male": 1, "Female": 0}),
        "gender2": pb.copy_of("gender"),
    }
    codes, gender = (drawn(name, 500, **fields).to_pylist() for name in ("code", "gender2"))
    assert set(zip(gender, codes, strict=True)) == {("Male", 1), ("Female", 0)}


def test_numbers_are_found_in_a_map_however_they_are_written():
    fields = {"decade": pb.map_of("age", {"25": "twenties", "35": "thirties", 45: "forties"})}
    assert set(drawn("decade", 500, **fields).to_pylist()) == {"twenties", "thirties", "forties"}


def test_a_map_of_a_drawn_field():
    fields = {"n": pb.integers(0, 2), "x": pb.map_of("n", {0: "none", 1: "one", 2: "two"})}
    numbers, names = (drawn(name, 300, **fields).to_pylist() for name in ("n", "x"))
    assert [["none", "one", "two"][i] for i in numbers] == names


def test_a_value_that_is_missing_from_a_map():
    fields = {"n": pb.integers(0, 3), "x": pb.map_of("n", {0: "a", 1: "b", 2: "c"})}
    with pytest.raises(pb.DataError) as raised:
        drawn("x", 300, **fields)
    assert raised.value.path == "$.fields.x.map"
    assert 'the value "3" of n is missing' in raised.value.message


@pytest.mark.parametrize(
    ("make", "path", "said"),
    [
        (lambda: pb.choice([]), "$.values", "at least 1"),
        (lambda: pb.choice(["a", "a"]), "$", "differ from each other"),
        (lambda: pb.choice(["a", "b"], [0.5]), "$", "2 values and 1 weights"),
        (lambda: pb.choice(["a", "b"], [1.5, -0.5]), "$", "not be negative"),
        (lambda: pb.choice(["a", "b"], [0.5, 0.4]), "$", "they sum to 0.9"),
        (lambda: pb.choice([None]), "$.values[0]", "must be"),
        (lambda: pb.constant(float("inf")), "$.value", "finite"),
        (lambda: pb.map_of("gender", {}), "$.map", "at least 1"),
        (lambda: pb.map_of(3, {"a": 1}), "$.of", "text"),
    ],
)
def test_declarations_that_make_no_sense(make, path, said):
    with pytest.raises(pb.SpecError) as raised:
        make()
    assert raised.value.path == path
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (pb.choice([1, "a"]), "not a mix"),
        (pb.constant(2**70), "64 bits"),
        (pb.constant("\ud800"), "Unicode"),
        (pb.map_of("gender", {"Male": 1, "Female": "x"}), "not a mix"),
    ],
)
def test_values_that_no_column_holds(field, said):
    with pytest.raises(pb.DataError, match=said) as raised:
        drawn("x", 3, x=field)
    assert raised.value.path == "$.fields.x"
