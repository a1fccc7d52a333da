"""People whom several audits share are the very same people, and no more of them than may be."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus._seeds import BLOCK
from paribus.people.fields.base import Field
from paribus.people.fields.integers import Integers
from paribus.people.shared import recipe_of
from paribus.twins import level_contrasts, pair

GENDER = {"gender": {"levels": ["Male", "Female"]}}
NAMES = {"gender": {"Male": "MALE", "Female": "FEMALE"}}


def fields(low: int = 30_000) -> dict[str, Any]:
    return {
        "full_name": pb.mimesis("person.full_name", follows=NAMES),
        "income": pb.integers(low, 119_999),
        "since": pb.dates("2001-01-01", "2020-12-31"),
        "debt": pb.lognormal(8.0, 1.0),
    }


def audited(shared: pb.SharedPeople | None, least: int = 80_000, **options: Any) -> pb.Record:
    given: dict[str, Any] = {"protect": {"gender": ["Male", "Female"]}, "fields": fields()}
    return pb.audit(
        lambda people: (people["gender"] == "Male") | (people["income"] > least),
        **{**given, "people": 600, "favorable": True, "seed": 3, **options},
        shared=shared,
    )


def outside_run(record: pb.Record) -> dict[str, Any]:
    return record.model_dump(exclude={"run"})


def test_equal_recipes_are_drawn_once() -> None:
    shared = pb.SharedPeople()
    audited(shared)
    drawn = shared.drawn
    assert drawn > 0
    audited(shared, least=60_000)
    assert shared.drawn == drawn
    assert shared.reused > 0


@pytest.mark.parametrize("workers", [1, 3])
def test_the_record_is_the_same_to_the_byte(workers: int) -> None:
    shared = pb.SharedPeople()
    for least in (80_000, 60_000, 80_000):
        alone = audited(None, least, people=70_000)
        together = audited(shared, least, people=70_000, workers=workers)
        assert outside_run(together) == outside_run(alone)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([40, 300]),
            st.sampled_from([30_000, 60_000]),
            st.sampled_from([0, 1_000, 4_000_000]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_came_before_changes_no_person(asked: list[tuple[int, int, int, int]]) -> None:
    shared = pb.SharedPeople(asked[0][3])
    for seed, size, low, _ in asked:
        people = pb.People(protect=GENDER, fields=fields(low), size=size, seed=seed)
        assert people.sharing(shared).head(size).equals(people.head(size))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"levels": [1, 0]}, {"levels": [True, False]}),
        ({"levels": [1, 0]}, {"levels": [1.0, 0.0]}),
        ({"levels": ["1", "0"]}, {"levels": [1, 0]}),
        ({"levels": ["a", "b"]}, {"levels": ["b", "a"]}),
        ({"levels": ["a", "b"]}, {"levels": ["a", "b"], "weights": [0.9, 0.1]}),
    ],
)
def test_attributes_that_are_nearly_equal_are_told_apart(one: Any, other: Any) -> None:
    shared = pb.SharedPeople()
    both = [pb.People(protect={"g": each}, size=200).sharing(shared) for each in (one, other)]
    for people in both:
        alone = pb.People(protect=people.protect, size=200)
        assert people.head(200).equals(alone.head(200))
    assert both[0].recipe != both[1].recipe
    assert shared.reused == 0


def test_size_and_block_are_part_of_what_is_kept() -> None:
    shared = pb.SharedPeople()
    few, many = (
        pb.People(protect=GENDER, fields=fields(), size=size).sharing(shared)
        for size in (10, BLOCK + 10)
    )
    assert few.recipe == many.recipe
    assert [len(block) for block in (few.block(0), many.block(0), many.block(1))] == [10, BLOCK, 10]
    assert many.block(1) is many.block(1)
    assert many.block(1).start == BLOCK


@pytest.mark.parametrize("frame", ["pandas", "numpy", "polars", "pyarrow"])
def test_a_model_that_writes_into_what_it_is_handed_spoils_nobody_else(frame: Any) -> None:
    def vandal(people: Any) -> Any:
        if frame == "numpy":
            answers = people[:, 0] > 80_000
            people *= 0
            return answers
        columns = people if frame == "pandas" else people.to_pandas()
        answers = columns["income"].to_numpy() > 80_000
        columns.loc[:, "income"] = 0
        columns["gender"] = "nobody"
        return answers

    shared = pb.SharedPeople()
    options: dict[str, Any] = {"frame": frame, "features": ["income"], "outcome": "decision"}
    if frame != "numpy":
        options["features"] = ["income", "gender"]
    pb.audit(
        vandal,
        protect={"gender": ["Male", "Female"]},
        fields=fields(),
        people=600,
        favorable=True,
        seed=3,
        shared=shared,
        **options,
    )
    assert outside_run(audited(shared)) == outside_run(audited(None))
    assert shared.reused > 0


def test_what_is_kept_is_bounded() -> None:
    shared = pb.SharedPeople(5_000)
    for seed in range(8):
        people = pb.People(protect=GENDER, fields=fields(), size=300, seed=seed).sharing(shared)
        people.head(300)
        # One block may be worked on beyond the bound: six columns, and what was drawn for them.
        assert shared.values <= 5_000 + 300 * 12
    assert shared.values > 300
    assert shared.drawn == 8
    again = pb.People(protect=GENDER, fields=fields(), size=300, seed=7).sharing(shared)
    assert again.head(300).equals(people.head(300))
    assert shared.drawn == 8
    first = pb.People(protect=GENDER, fields=fields(), size=300, seed=0).sharing(shared)
    first.head(300)
    assert shared.drawn == 9


def test_real_rows_and_everybody_are_never_kept() -> None:
    shared = pb.SharedPeople()
    rows = pd.DataFrame({"gender": ["Male", "Female"] * 30, "income": range(60)})
    audited(shared, data=rows, people=None, fields={})
    everybody = audited(shared, fields={"income": pb.integers(0, 99)}, people="all")
    assert everybody.exhaustive
    assert (shared.drawn, shared.reused, shared.values) == (0, 0, 0)


def test_people_who_replace_others_are_told_apart_from_them() -> None:
    declared = pb.People(protect=GENDER, fields={"age": pb.integers(18, 90)}, size=73, seed=1)
    people = declared.sharing(pb.SharedPeople())
    people.head(73)
    versions = pair(people, level_contrasts(people, "gender")).versions
    everybody = people.enumerated(["gender", "age"], versions)
    assert everybody.recipe is None
    assert len(set(everybody.head(73)["age"].to_pylist())) == 73
    others = people.model_copy(update={"seed": 2})
    assert others.head(73).equals(declared.model_copy(update={"seed": 2}).head(73))
    assert not others.head(73).equals(people.head(73))


def test_what_is_no_store_is_refused_in_one_sentence() -> None:
    with pytest.raises(pb.SpecError, match=r"^shared: must be pb.SharedPeople\(\), not True$"):
        audited(True)  # type: ignore[arg-type]
    for values in (-1, 1.5, "many"):
        with pytest.raises(pb.SpecError, match=r"^values: must be a whole number from 0, not "):
            pb.SharedPeople(values)  # type: ignore[arg-type]


class _Hidden(Integers):
    offset: int = pydantic.Field(default=0, exclude=True)


class _Odd(Field):
    kind: Literal["odd"] = "odd"
    thing: Any = None


def test_a_declaration_that_does_not_tell_all_is_never_kept() -> None:
    for field in (_Hidden(low=0, high=9), _Odd(thing=object())):
        people = pb.People(protect=GENDER, fields={"x": field}, size=10)
        assert recipe_of(people) is None
        shared = pb.SharedPeople()
        assert people.sharing(shared).block(0) is not people.sharing(shared).block(0)
        assert shared.drawn == 0
