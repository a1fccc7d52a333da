"""What depends on what, and who people are before any twin is made."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import paribus as pb
from paribus.people.population import People

GENDER = {"gender": {"levels": ["Male", "Female"]}}


def levels(people):
    return np.concatenate([people.block(i).own_levels("gender") for i in range(people.blocks)])


def test_levels_are_equally_frequent_where_nothing_is_said():
    people = People(protect={"gender": {"levels": ["a", "b", "c"]}}, fields={}, size=70_000, seed=3)
    assert stats.chisquare(np.bincount(levels(people))).pvalue > 0.001


def test_levels_have_their_weights():
    protect = {"gender": {"levels": ["a", "b", "c", "d"], "weights": [0.5, 0.0, 0.2, 0.3]}}
    people = People(protect=protect, size=70_000, seed=3)
    counts = np.bincount(levels(people), minlength=4)
    assert counts[1] == 0
    expected = 70_000 * np.array([0.5, 0.2, 0.3])
    assert stats.chisquare(counts[[0, 2, 3]], expected).pvalue > 0.001


def test_order_puts_each_field_behind_its_parents():
    fields = {
        "c": pb.copy_of("b"),
        "b": pb.map_of("a", {"x": 1, "y": 2}),
        "a": pb.map_of("gender", {"Male": "x", "Female": "y"}),
        "free": pb.integers(0, 1),
    }
    people = People(protect=GENDER, fields=fields, size=4)
    assert people.order == ("a", "b", "c", "free")
    assert people.names == ("gender", "c", "b", "a", "free")
    assert people.closure("gender") == ("gender", "c", "b", "a")
    assert people.attributes_behind("free") == frozenset()


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"a": pb.copy_of("b"), "b": pb.copy_of("a")}, "$.fields.a", "a -> b -> a"),
        ({"a": pb.copy_of("a")}, "$.fields.a", "a -> a"),
        ({"a": pb.copy_of("gendre")}, "$.fields.a", 'did you mean "gender"?'),
        ({"gender": pb.integers(0, 1)}, "$.fields.gender", "already a protected attribute"),
        (
            {"a": pb.map_of("gender", {"Male": 1, "Femal": 0})},
            "$.fields.a.map",
            'the level "Female" of gender is missing; did you mean "Femal"?',
        ),
        (
            {"a": pb.mimesis("person.name", follows={"gender": {"Male": "MALE"}})},
            "$.fields.a.follows.gender",
            'the level "Female" of gender is missing',
        ),
    ],
)
def test_what_cannot_be_made(fields, path, said):
    with pytest.raises(pb.SpecError) as raised:
        People(protect=GENDER, fields=fields, size=3)
    assert raised.value.path == path
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("declared", "path", "said"),
    [
        ({"levels": ["a"]}, "$.levels", "at least two levels"),
        ({"levels": ["a", "b", "a"]}, "$.levels", '"a" twice'),
        ({"levels": [1, 1.0, "1"]}, "$.levels", '"1" twice'),
        ({"levels": ["Male", "Female"], "reference": "Mal"}, "$.reference", 'did you mean "Male"?'),
        ({"levels": ["a", "b"], "weights": [1.0]}, "$.weights", "one weight for each"),
        ({"levels": ["a", "b"], "weights": [0.5, 0.6]}, "$.weights", "sum to 1"),
        ({"levels": ["a", "b"], "weights": [1.5, -0.5]}, "$.weights", "not be negative"),
        ({"levels": ["a", 1]}, "$.levels", "not a mix"),
        ({"levels": [2**70, 1]}, "$.levels", "64 bits"),
        ({"levels": ["a", "b"], "refrence": "a"}, "$", 'did you mean "reference"?'),
    ],
)
def test_attributes_that_make_no_sense(declared, path, said):
    with pytest.raises(pb.ParibusError) as raised:
        pb.Protected(**declared)
    assert raised.value.path == path
    assert said in raised.value.message


def test_a_head_shows_the_first_people():
    people = People(protect=GENDER, fields={"age": pb.integers(18, 20)}, size=50, seed=1)
    head = people.head(3)
    assert head.column_names == ["gender", "age"]
    assert head.num_rows == 3
    assert isinstance(head, pa.Table)


def test_nobody_without_an_attribute():
    with pytest.raises(pb.SpecError, match=r"\$\.protect|at least one"):
        People(protect={}, fields={"a": pb.integers(0, 1)}, size=3)
