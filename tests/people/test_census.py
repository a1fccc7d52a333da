"""Everybody in a declared domain: each once, as likely as declared, and the same twins as ever."""

import math
import pickle
from collections import Counter, defaultdict
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, product
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import paribus as pb
from paribus._seeds import BLOCK
from paribus.people.census import Census, CensusError
from paribus.people.fields.base import FIELDS, Domain, Field, Streams, coded
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.studies.loan import biased_model, loan_audit
from paribus.table import Coded, Plain, Table, flat, to_frame
from paribus.twins import Version, cell_contrasts, level_contrasts, pair, placebo_contrasts

GENDER = {"gender": {"levels": ["Male", "Female"]}}
AS_THEY_ARE = Version()


def versions_of(people, *attributes):
    return pair(people, [c for a in attributes for c in level_contrasts(people, a)]).versions


def values(column):
    return flat(column.arrow()).to_pylist()


def everybody(people, names, moves=(), again=()):
    """One tuple of the named columns for each person, over all blocks."""
    rows = []
    for index in range(people.blocks):
        block = people.block(index)
        rows += zip(*(values(block.column(name, moves, again)) for name in names), strict=True)
    return rows


def likelihoods(people):
    """How likely each person is, over all blocks."""
    parts = [people.block(index).weights() for index in range(people.blocks)]
    if any(part is None for part in parts):
        assert all(part is None for part in parts)
        return np.full(people.size, 1 / people.size)
    return np.concatenate(parts)


def shares(people, names, moves=(), again=()):
    found = defaultdict(float)
    rows = everybody(people, names, moves, again)
    for row, weight in zip(rows, likelihoods(people), strict=True):
        found[row] += weight
    return dict(found)


# --- the loan example -----------------------------------------------------------------------------


def test_the_loan_example_is_exact():
    """49,998 of the 90,000 incomes, by hand: those from 30,000 to 79,997."""
    model = biased_model()
    people = loan_audit(model, 3).people
    seen = ("gender_code", "income")
    twins = pair(people, level_contrasts(people, "gender"))
    twins = pair(people.enumerated(seen, twins.versions), twins.contrasts)
    assert (twins.people.size, twins.people.seed) == (90_000, people.seed)
    (contrast,) = twins.contrasts
    flips, met = 0, []
    for index in range(twins.blocks):
        block = twins.block(index)
        assert block.people.weights() is None
        columns = [block.columns(v, seen) for v in (contrast.reference, contrast.group)]
        man, woman = (model.predict(to_frame(each, "pandas")) for each in columns)
        income = columns[0]["income"].values
        assert ((man != woman) == (income <= 79_997)).all()
        flips += int((man != woman).sum())
        met.append(income)
    assert (np.sort(np.concatenate(met)) == np.arange(30_000, 120_000)).all()
    assert Fraction(flips, twins.people.size) == Fraction(49_998, 90_000)
    assert flips / twins.people.size == pytest.approx(0.555533, abs=5e-7)


def test_what_the_model_does_not_see_is_drawn_as_ever():
    """IDs and names are there for the reader of a witness; they are not listed."""
    people = loan_audit(biased_model(), 40).people
    listed = people.enumerated(("income",), versions_of(people, "gender"))
    for name in ("applicant_id", "full_name", "gender"):
        assert values(listed.block(0, 40).column(name)) == values(people.block(0).column(name))
    income = values(listed.block(0, 40).column("income"))
    assert income != values(people.block(0).column("income"))


def test_own_levels_are_listed_where_some_version_leaves_them():
    """Another name at the same gender: to a model that sees the gender, people are as they are."""
    people = loan_audit(biased_model(), 3).people
    (placebo,) = placebo_contrasts(people, "gender")
    versions = (*versions_of(people, "gender"), placebo.reference, placebo.group)
    assert people.enumerated(("gender_code", "income"), versions).size == 180_000
    assert people.enumerated(("income",), versions).size == 90_000


# --- everybody once, as likely as declared --------------------------------------------------------

LEVELS = {
    "gender": ({"levels": ["m", "f", "x"], "weights": [0.5, 0.0, 0.5]}, [0.5, 0.0, 0.5]),
    "nation": ({"levels": ["US", "DE"], "weights": [0.9, 0.1]}, [0.9, 0.1]),
    "union": ({"levels": [True, False]}, [0.5, 0.5]),
}
ROOTS = {
    "years": (pb.integers(-2, 2), dict.fromkeys(range(-2, 3), 1 / 5)),
    "wide": (pb.integers(2**62, 2**62 + 1), {2**62: 0.5, 2**62 + 1: 0.5}),
    "city": (pb.choice(["Bonn", "Ulm", "Köln"]), dict.fromkeys(["Bonn", "Ulm", "Köln"], 1 / 3)),
    "job": (
        pb.choice([1.5, 2.5, 3.5, 4.5], [0.1, 0.0, 0.65, 0.25]),
        {1.5: 0.1, 3.5: 0.65, 4.5: 0.25},
    ),
    "hired": (
        pb.dates("2000-02-27", "2000-03-02"),
        {date(2000, 2, 27) + timedelta(days): 1 / 5 for days in range(5)},
    ),
    "plan": (pb.constant("new"), {"new": 1.0}),
}
CODES = {"m": 1, "f": 0, "x": 1}
VISAS = {"US": "no", "DE": "yes"}
SOUTH = {"Bonn": 0, "Ulm": 1, "Köln": 0}
MADE = {
    "gender_code": (pb.map_of("gender", CODES), "gender", CODES.get),
    "sex": (pb.copy_of("gender_code"), "gender", CODES.get),
    "visa": (pb.map_of("nation", VISAS), "nation", VISAS.get),
    "south": (pb.map_of("city", SOUTH), "city", SOUTH.get),
    "south2": (pb.copy_of("south"), "city", SOUTH.get),
    "years2": (pb.copy_of("years"), "years", lambda value: value),
}
UNLISTED = {
    "height": pb.normal(170, 10),
    "name": pb.mimesis("person.first_name"),
    "number": pb.sequence(),
    "far": pb.integers(-(2**63), 2**63 - 1),
}
COLUMNS = [*LEVELS, *ROOTS, *MADE]


def declared(seed=0, size=7):
    fields = {name: made[0] for name, made in MADE.items()}
    fields |= {name: root[0] for name, root in ROOTS.items()} | UNLISTED
    protect = {name: attribute for name, (attribute, _) in LEVELS.items()}
    return People(protect=protect, fields=fields, size=size, seed=seed)


def root_of(column):
    return MADE[column][1] if column in MADE else column


def expected(seen, moves):
    """The declared distribution of the seen columns in one version, from the tables above."""
    moved = dict(moves)
    roots = list(dict.fromkeys(map(root_of, seen)))
    choices = []
    for root in roots:
        if root in LEVELS:
            attribute, likely = LEVELS[root]
            given = dict(zip(attribute["levels"], likely, strict=True))
            at = attribute["levels"][moved[root]] if root in moved else None
            choices.append({at: 1.0} if root in moved else {k: v for k, v in given.items() if v})
        else:
            choices.append(ROOTS[root][1])
    out = defaultdict(float)
    for combination in product(*(choice.items() for choice in choices)):
        chosen = {root: value for root, (value, _) in zip(roots, combination, strict=True)}
        row = tuple(
            MADE[name][2](chosen[root_of(name)]) if name in MADE else chosen[name] for name in seen
        )
        out[row] += math.prod(likely for _, likely in combination)
    return dict(out)


def wanted(people, kinds):
    contrasts = [c for name in kinds if name in LEVELS for c in level_contrasts(people, name)]
    crossed = [name.split(" x ") for name in kinds if " x " in name]
    contrasts += [c for names in crossed for c in cell_contrasts(people, names)]
    own = (AS_THEY_ARE,) if "own" in kinds else ()
    return (*own, *pair(people, contrasts).versions)


seen_columns = st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1, max_size=5)
asked = st.lists(
    st.sampled_from([*LEVELS, "own", "gender x nation", "gender x nation x union"]),
    unique=True,
    min_size=1,
)


@given(seen_columns, asked, st.integers(0, 2**63 - 1))
@settings(max_examples=80, deadline=None)
def test_every_version_has_the_declared_distribution(seen, kinds, seed):
    people = declared(seed)
    versions = wanted(people, kinds)
    listed = people.enumerated(seen, versions)
    for version in versions:
        found, should = shares(listed, seen, version.moves), expected(seen, version.moves)
        assert set(found) == set(should)
        assert found == pytest.approx(should, abs=1e-12)


@given(seen_columns, asked)
@settings(max_examples=60, deadline=None)
def test_everybody_comes_exactly_once(seen, kinds):
    people = declared()
    versions = wanted(people, kinds)
    listed = people.enumerated(seen, versions)
    left = {n for v in versions for n in LEVELS if n not in dict(v.moves)}
    roots = [r for r in dict.fromkeys(map(root_of, seen)) if r in ROOTS or r in left]
    sizes = [len(ROOTS[r][1]) if r in ROOTS else np.count_nonzero(LEVELS[r][1]) for r in roots]
    assert listed.size == math.prod(sizes)
    if roots:
        assert Counter(everybody(listed, roots)).most_common(1)[0][1] == 1


@given(seen_columns, asked)
@settings(max_examples=30, deadline=None)
def test_likelihoods_sum_to_one_and_are_left_out_where_all_are_equal(seen, kinds):
    people = declared()
    listed = people.enumerated(seen, wanted(people, kinds))
    weights = listed.block(0).weights()
    likely = shares(listed, [root_of(name) for name in seen])
    if weights is None:
        assert max(likely.values()) == pytest.approx(min(likely.values()))
    else:
        assert weights.shape == (listed.size,)
        assert weights.min() > 0
        assert math.fsum(weights) == pytest.approx(1, abs=1e-12)


def test_people_who_are_drawn_are_all_equally_likely():
    assert declared().block(0).weights() is None


def test_a_large_sample_has_the_frequencies_of_the_census():
    """The declaration is drawn from elsewhere in the code: its shares are the oracle."""
    people = declared(seed=5, size=60_000)
    seen = ("gender", "nation", "job", "south")
    listed = people.enumerated(seen, [AS_THEY_ARE])
    likely = shares(listed, seen)
    drawn = Counter(everybody(people, seen))
    assert set(drawn) <= set(likely)
    counts = [drawn[row] for row in likely]
    assert stats.chisquare(counts, [60_000 * p for p in likely.values()]).pvalue > 0.001
    # The test has power: without their weights the people would fail it.
    flat_out = [60_000 / len(likely)] * len(likely)
    assert stats.chisquare(counts, flat_out).pvalue < 1e-9


def test_weights_that_nearly_sum_to_one_are_scaled():
    fields = {"x": pb.choice(["a", "b"], [0.3, 0.7000005])}
    people = People(protect=GENDER, fields=fields, size=1)
    listed = people.enumerated(["x"], versions_of(people, "gender"))
    assert listed.block(0).weights().sum() == pytest.approx(1, abs=1e-15)


def test_several_blocks():
    fields = {
        "x": pb.integers(0, 499),
        "y": pb.integers(0, 299),
        "z": pb.choice([7, 8], [0.2, 0.8]),
    }
    people = People(protect=GENDER, fields=fields, size=1)
    listed = people.enumerated(("z", "y", "x", "gender"), versions_of(people, "gender"))
    assert (listed.size, listed.blocks) == (300_000, 5)
    met = np.zeros(300_000, dtype=int)
    total = 0.0
    for index in range(listed.blocks):
        block = listed.block(index)
        x, y, z = (flat(block.column(n).arrow()).to_numpy(zero_copy_only=False) for n in "xyz")
        met += np.bincount(x + 500 * y + 150_000 * (z - 7), minlength=300_000)
        weights = np.where(z == 7, 0.2, 0.8) / 150_000
        np.testing.assert_allclose(block.weights(), weights, rtol=1e-12)
        total += float(block.weights().sum())
    assert (met == 1).all()
    assert total == pytest.approx(1, abs=1e-12)


def test_fewer_people_are_the_first_of_more():
    fields = {"x": pb.integers(0, 999), "z": pb.choice([7, 8], [0.2, 0.8])}
    protect = {"gender": {"levels": ["Male", "Female"], "weights": [0.3, 0.7]}}
    people = People(protect=protect, fields=fields, size=1)
    listed = people.enumerated(("x", "z", "gender"), [AS_THEY_ARE])
    whole, few = listed.block(0), listed.block(0, 37)
    for name in ("x", "z", "gender"):
        assert values(few.column(name)) == values(whole.column(name))[:37]
    assert few.weights().tolist() == whole.weights()[:37].tolist()


def test_no_seed_matters():
    seen = ("years", "job", "nation")
    listed = [declared(seed).enumerated(seen, [AS_THEY_ARE]) for seed in (1, 2)]
    assert everybody(listed[0], seen) == everybody(listed[1], seen)


# --- order ----------------------------------------------------------------------------------------


def numbered(*sizes):
    return Census({(str(i), False): Domain.numbers(n, np.int64) for i, n in enumerate(sizes)})


def combinations(census, start, people):
    at = np.zeros(people, dtype=np.int64)
    for root, domain in census.domains.items():
        at = at * domain.size + census.latent(root, start, people)
    return at


def all_combinations(census):
    return np.concatenate(
        [
            combinations(census, start, min(BLOCK, census.size - start))
            for start in range(0, census.size, BLOCK)
        ]
    )


@pytest.mark.parametrize(
    "sizes",
    [
        (),
        (1,),
        (2,),
        (3,),
        (1, 1, 4),
        (2,) * 10,
        (2,) * 17,
        (65_537,),
        (65_536,),
        (BLOCK + 1, 2),
        (89, 144),
        (6, 10, 15),
        (99_991,),
    ],
)
def test_each_combination_once_for_sizes_of_every_sort(sizes):
    """Primes, powers of two, Fibonacci numbers, a block and one more."""
    census = numbered(*sizes)
    assert census.size == math.prod(sizes)
    assert (np.sort(all_combinations(census)) == np.arange(census.size)).all()


@given(st.lists(st.integers(1, 40), max_size=4))
@settings(max_examples=150, deadline=None)
def test_each_combination_once(sizes):
    census = numbered(*sizes)
    found = np.sort(all_combinations(census)) if census.size < 100_000 else np.arange(census.size)
    assert (found == np.arange(census.size)).all()


@given(size=st.integers(1, 10**12), start=st.integers(0, 10**12 - 1))
@settings(max_examples=100, deadline=None)
def test_numbers_do_not_overflow(size, start):
    census, start = numbered(size), start % size
    people = min(BLOCK, size - start)
    stride = int(combinations(numbered(size), 1 % size, 1)[0] - combinations(census, 0, 1)[0])
    at = combinations(census, start, people)
    first = int(combinations(census, 0, 1)[0])
    for k in (0, people // 2, people - 1):
        assert at[k] == (first + stride * (start + k)) % size


@pytest.mark.parametrize(
    "size", [500, 4_096, 4_181, 90_000, 99_991, 720_720, 9_699_690, 9_999_991, 10_000_000]
)
@pytest.mark.parametrize("first", [10, 64, 256, 5_000, BLOCK])
def test_the_first_people_are_spread_over_the_whole_domain(size, first):
    """Chance would leave gaps of about log(first) times the mean one: 11 of 65,536 people."""
    first = min(first, size)
    at = np.sort(combinations(numbered(size), 0, first)).tolist()
    around = at[0] + size - at[-1]
    assert max([around, *(b - a for a, b in pairwise(at))]) <= 4 * size / first


@given(st.integers(1, 10**12))
@settings(max_examples=200, deadline=None)
def test_steps_are_fine_for_any_size(size):
    """Gaps grow with the largest partial quotient of step / size; a chance step has dozens."""
    step, quotients, left = numbered(size)._stride, [], size
    assert math.gcd(step, size) == 1
    assert abs(step - 0.6180339887498949 * size) <= 65
    while step:
        quotients.append(left // step)
        left, step = step, left % step
    assert max(quotients) <= 12


def test_the_first_people_have_the_shares_of_all():
    fields = {
        "income": pb.integers(1, 90_000),
        "job": pb.choice(list("abcde")),
        "owner": pb.choice([True, False]),
    }
    people = People(protect=GENDER, fields=fields, size=1)
    listed = people.enumerated([*fields, "gender"], [AS_THEY_ARE])
    assert listed.size == 1_800_000
    block = listed.block(0, 1_000)
    frame = pd.DataFrame({name: values(block.column(name)) for name in [*fields, "gender"]})
    cells = frame.groupby(["job", "owner", "gender"])["income"]
    assert len(cells) == 20
    assert cells.count().between(45, 55).all()
    # An even spread over 1 to 90,000 has its quartiles there.
    for share in (0.25, 0.5, 0.75):
        assert cells.quantile(share).between((share - 0.06) * 90_000, (share + 0.06) * 90_000).all()


# --- what cannot be listed ------------------------------------------------------------------------

KINDS = {
    "integers": (pb.integers(0, 9), 10),
    "choice": (pb.choice(["a", "b", "c"], [0.5, 0.0, 0.5]), 2),
    "dates": (pb.dates("2000-01-01", "2000-12-31"), 366),
    "constant": (pb.constant(3), 1),
    "copy": (pb.copy_of("base"), 4),
    "map": (pb.map_of("base", {1: "a", 2: "b", 3: "b", 4: "b"}), 4),
    "uniform": (pb.uniform(0, 1), None),
    "normal": (pb.normal(0, 1, decimals=0, low=0, high=3), None),
    "lognormal": (pb.lognormal(10, 1), None),
    "mimesis": (pb.mimesis("person.first_name"), None),
    "sequence": (pb.sequence(), None),
    "learned": (FIELDS.parse({"kind": "learned", "values": ["a"], "weights": [1.0]}), None),
}


def test_every_kind_of_field_is_known_here():
    assert set(FIELDS.kinds()) == set(KINDS)


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_each_kind_of_field_says(kind):
    field, size = KINDS[kind]
    people = People(protect=GENDER, fields={"x": field, "base": pb.integers(1, 4)}, size=3)
    versions = versions_of(people, "gender")
    why = Census.why_not(people, ["gender", "x"], versions)
    if size is None:
        assert why == f'the model sees "x", whose values cannot be listed ({kind})'
        with pytest.raises(CensusError) as raised:
            people.enumerated(["gender", "x"], versions)
        assert (raised.value.path, raised.value.message) == ("$.fields.x", why)
    else:
        assert why is None
        assert people.enumerated(["gender", "x"], versions).size == size


def test_what_is_made_from_something_without_an_end():
    fields = {
        "name": pb.mimesis("person.full_name"),
        "email": pb.mimesis("person.email", of="name"),
        "label": pb.copy_of("name"),
    }
    people = People(protect=GENDER, fields=fields, size=3)
    why = Census.why_not(people, ["label"], versions_of(people, "gender"))
    assert why == (
        'the model sees "label", which is made from "name", whose values cannot be listed (mimesis)'
    )
    why = Census.why_not(people, ["email"], versions_of(people, "gender"))
    assert why == 'the model sees "email", whose values cannot be listed (mimesis)'
    assert Census.why_not(people, [], versions_of(people, "gender")) is None


def test_more_questions_than_wanted():
    fields = {"x": pb.integers(1, 5_000_000), "y": pb.integers(1, 5_000_001)}
    people = People(protect=GENDER, fields=fields, size=3)
    versions = versions_of(people, "gender")
    assert Census.why_not(people, ["gender", "x"], versions) is None
    assert Census.why_not(people, ["gender", "y"], versions) == (
        "10,000,002 distinct questions, more than 10,000,000"
    )
    # A model that does not see the gender is asked once about each person.
    assert Census.why_not(people, ["y"], versions) is None
    assert Census.why_not(people, ["x"], versions, most=4_999_999) == (
        "5,000,000 distinct questions, more than 4,999,999"
    )
    assert Census.why_not(people, ["x", "y"], versions).startswith("25,000,005,000,000 distinct")


def test_a_domain_beyond_64_bits():
    people = declared()
    why = Census.why_not(people, ["far"], versions_of(people, "gender"), most=10**30)
    assert why == f"{2**64:,} people, more than 1,000,000,000,000"


def test_rows_of_data_are_no_domain():
    frame = pd.DataFrame({"gender": ["Male", "Female"], "x": [1, 2]})
    people = People(protect=GENDER, size=2, rows=Rows(Table.of(frame), 0, None))
    versions = versions_of(people, "gender")
    assert "rows of data" in Census.why_not(people, ["x"], versions)
    with pytest.raises(CensusError, match="rows of data"):
        people.enumerated(["x"], versions)


def test_a_column_that_nobody_declares():
    people = declared()
    why = Census.why_not(people, ["yeers"], [AS_THEY_ARE])
    assert why == 'nobody declares "yeers"; did you mean "years"?'


def test_a_model_that_sees_nothing_but_what_is_moved_is_asked_about_one_person():
    people = declared()
    versions = versions_of(people, "nation")
    listed = people.enumerated(["visa", "nation", "plan"], versions)
    assert listed.size == 1
    assert listed.block(0).weights() is None
    assert [shares(listed, ["visa"], v.moves) for v in versions] == [{("no",): 1}, {("yes",): 1}]


def test_what_nobody_sees_is_not_listed():
    people = declared()
    listed = people.enumerated(["years", "gender"], versions_of(people, "gender"))
    assert listed.size == 5
    for name in UNLISTED:
        assert values(listed.block(0).column(name)) == values(people.block(0, 5).column(name))


# --- the same columns and twins as ever -----------------------------------------------------------


def test_columns_are_of_the_same_make_as_those_of_people_who_are_drawn():
    """Tables of known answers number questions by pools and bounds."""
    people = declared()
    listed = people.enumerated(COLUMNS, [AS_THEY_ARE])
    for name in COLUMNS:
        drawn, column = people.block(0).column(name), listed.block(0).column(name)
        later = listed.block(listed.blocks - 1).column(name)
        assert type(drawn) is type(column)
        if isinstance(column, Plain):
            assert drawn.values.dtype == column.values.dtype
            assert drawn.domain == column.domain == later.domain
        elif name not in {"south", "south2", "years2"}:
            assert drawn.pool is column.pool
            assert later.pool is column.pool
            assert drawn.codes.dtype == column.codes.dtype


@given(seen_columns, st.sampled_from(["gender", "nation", "union"]))
@settings(max_examples=30, deadline=None)
def test_twins_differ_in_the_closure_alone(seen, attribute):
    people = declared()
    block = people.enumerated(seen, [AS_THEY_ARE, *versions_of(people, attribute)]).block(0)
    closure = {attribute} | {name for name in MADE if MADE[name][1] == attribute}
    own = block.own_levels(attribute)
    for level in range(len(LEVELS[attribute][0]["levels"])):
        mine = np.flatnonzero(own == level)
        for name in people.names:
            original = block.column(name)
            moved = block.column(name, ((attribute, level),))
            if name not in closure:
                assert moved is original
            assert values(moved.take(mine)) == values(original.take(mine))


class Linked(Field):
    """One of two names at each level: a linked field whose draws can be listed."""

    kind: Literal["linked"] = "linked"
    random: ClassVar[bool] = True

    @property
    def parents(self):
        return ("gender",)

    @property
    def linked(self):
        return ("gender",)

    def draw(self, streams, people):
        steps = np.array([0.25, 1.0])
        return np.searchsorted(steps, streams.open().random(people), side="right")

    def domain(self):
        return Domain.numbers(2, np.int64, [0.25, 0.75])

    def column(self, latent, parents, start, people):
        pool = coded(Coded.of(np.arange(4), pa_names())).pool
        return Coded.of((2 * coded(parents["gender"]).each() + latent).astype(np.int32), pool)


def pa_names():
    return pb.Protected(levels=("Al", "Bo", "Cleo", "Dora")).pool


def test_placebo_twins_draw_a_listed_field_again_independently():
    fields = {"name": Linked(), "greeting": pb.copy_of("name"), "x": pb.integers(1, 3)}
    people = People(protect=GENDER, fields=fields, size=3)
    (placebo,) = placebo_contrasts(people, "gender")
    seen = ("greeting", "x")
    listed = people.enumerated(seen, [placebo.reference, placebo.group])
    assert listed.size == 2 * 2 * 2 * 3  # own level, first and second draw, x
    found = defaultdict(float)
    sides = [everybody(listed, seen, v.moves, v.again) for v in (placebo.reference, placebo.group)]
    for one, other, weight in zip(*sides, likelihoods(listed), strict=True):
        found[one, other] += weight
    likely = {"Al": 0.25, "Bo": 0.75, "Cleo": 0.25, "Dora": 0.75}
    assert found == pytest.approx(
        {
            ((one, x), (other, x)): likely[one] * likely[other] / 6
            for x in (1, 2, 3)
            for names in (("Al", "Bo"), ("Cleo", "Dora"))
            for one, other in product(names, names)
        }
    )
    once = people.enumerated(["name"], [placebo.group])
    assert (once.size, set(once.census.domains)) == (4, {("gender", False), ("name", True)})
    assert shares(once, ["name"], (), placebo.group.again) == pytest.approx(
        {(name,): share / 2 for name, share in likely.items()}
    )
    # Nothing is drawn again where the model does not see it.
    assert people.enumerated(["x"], [placebo.reference, placebo.group]).size == 3


def test_what_is_not_redrawn_itself_is_not_made_from_a_second_draw():
    """As a block of people makes its columns, for versions that nobody's contrasts would ask."""
    people = People(protect=GENDER, fields={"name": Linked(), "hi": pb.copy_of("name")}, size=3)
    version = Version((("gender", 0),), ("name",))
    listed = people.enumerated(["hi"], [version])
    assert set(listed.census.domains) == {("name", False)}
    assert shares(listed, ["hi"], version.moves, version.again) == pytest.approx(
        {("Al",): 0.25, ("Bo",): 0.75}
    )


# --- domains --------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", [root[0] for root in ROOTS.values() if root[0].random])
def test_a_domain_holds_what_is_drawn_and_in_its_form(field):
    drawn = field.draw(Streams(3, "x/draw", 0), 5_000)
    domain = field.domain()
    listed = domain.take(np.arange(domain.size))
    assert listed.dtype == drawn.dtype
    assert len(np.unique(listed)) == domain.size
    assert set(listed.tolist()) == set(drawn.tolist())


def test_a_domain_is_not_laid_out_in_memory():
    domain = pb.integers(-(2**63), 2**63 - 1).domain()
    assert domain.size == 2**64
    assert domain.weights is None
    assert pb.dates(date.min, date.max).domain().size == (date.max - date.min).days + 1


def test_a_constant_draws_nothing():
    domain = pb.constant("new").domain()
    assert domain.size == 1
    assert domain.take(np.zeros(3, dtype=np.int64)) is None


def test_equal_weights_are_no_weights():
    assert pb.choice(["a", "b", "c"], [0.5, 0.0, 0.5]).domain().weights is None
    assert pb.choice(["a", "b"], [0.4, 0.6]).domain().weights.tolist() == [0.4, 0.6]


def test_a_census_can_be_sent_to_another_process():
    people = declared().enumerated(COLUMNS, [AS_THEY_ARE])
    census = pickle.loads(pickle.dumps(people.census))
    for root in census.domains:
        assert (census.latent(root, 3, 50) == people.census.latent(root, 3, 50)).all()
