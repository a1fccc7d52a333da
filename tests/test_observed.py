"""What is known of a table: groups, references, favorable values, donors, weights."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.counting import Source
from paribus.observed import MOST_CELLS, Observed
from paribus.roles import Roles, level_name


def observed(data, **roles):
    frame = pd.DataFrame(data)
    for key in ("by", "factors", "features"):
        if isinstance(roles.get(key), str):
            roles[key] = (roles[key],)
    return Observed.of(Source.of(frame), Roles(**roles))


def groups_of(data, *attributes, **roles):
    roles.setdefault("by", attributes)
    return observed(data, **roles).groups(attributes)


PEOPLE = {
    "sex": ["F", "M", "M", None, "F", "M"],
    "race": ["a", "b", "b", "a", None, "a"],
    "y": [0, 1, 1, 0, 1, None],
    "d": [1, 1, 0, 0, None, 1],
}


# --- groups ---------------------------------------------------------------------------------------


def test_groups_are_counted_by_label_and_decision():
    groups = groups_of(PEOPLE, "sex", label="y", decision="d")
    assert groups.names == ("F", "M", "(missing)")
    assert (groups.labels, groups.decisions) == ((0, 1, None), (0, 1, None))
    assert groups.count.shape == (3, 3, 3)
    assert groups.sizes.tolist() == [2, 3, 1]
    assert groups.count[1].tolist() == [[0, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert groups.unknown.tolist() == [False, False, True]
    assert groups.names[groups.reference] == "M"


def test_crossed_groups_are_those_that_occur():
    groups = groups_of(PEOPLE, "sex", "race", decision="d")
    assert groups.attribute == "sex x race"
    assert groups.names == ("F x a", "F x (missing)", "M x a", "M x b", "(missing) x a")
    assert groups.unknown.tolist() == [False, True, False, False, True]
    assert groups.names[groups.reference] == "M x b"
    assert groups.labels == (None,)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["", "a", "x", "a x", "x a", "a x a", "(missing)", '"a', None]),
            st.sampled_from(["", "a", "x", "a x", "x a", '"', "(empty)", None]),
            st.sampled_from([0, 1]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_no_two_groups_share_a_name_and_no_row_is_lost(rows):
    frame = pd.DataFrame(rows, columns=["g", "h", "d"])
    if frame.g.isna().all() or frame.h.isna().all():
        return
    if (frame.g.isna() | frame.h.isna()).all():
        return
    of = observed(frame, by=("g", "h"), decision="d")
    for attributes in of.attributes:
        groups = of.groups(attributes)
        assert len(set(groups.names)) == len(groups.names)
        assert all(groups.names)
        assert groups.sizes.sum() == len(frame)
        assert (groups.sizes > 0).all()
        assert not groups.unknown[groups.reference]
    pairs = {(g, h) for g, h, _ in frame.where(frame.notna(), None).itertuples(index=False)}
    assert len(of.groups(("g", "h")).names) == len(pairs)


def test_names_of_levels():
    named = {None: "(missing)", "": "(empty)", "(missing)": '"(missing)"', "a x b": '"a x b"'}
    for level, name in (named | {25.0: "25", 2.5: "2.5", True: "True", "x": "x"}).items():
        assert level_name(level) == name


def test_ages_have_the_same_names_with_and_without_missing_ones():
    ages = groups_of({"age": [25.0, 30.0, np.nan], "d": [0, 1, 1]}, "age", decision="d")
    assert ages.names == ("25", "30", "(missing)")
    assert groups_of({"age": [25, 30], "d": [0, 1]}, "age", decision="d").names == ("25", "30")


def test_within_a_factor_the_groups_stay_the_same():
    data = PEOPLE | {"dept": ["A", "A", "B", "B", "A", None]}
    of = observed(data, by=("sex",), decision="d", factors=("dept",))
    whole = of.groups(("sex",))
    parts = [of.groups(("sex",), {"dept": level}) for level in range(3)]
    assert [part.names for part in parts] == [whole.names] * 3
    assert (sum(part.count for part in parts) == whole.count).all()
    assert {part.reference for part in parts} == {whole.reference}


def test_attributes_are_crossed_where_there_are_few():
    data = {name: [0, 1] for name in "abcd"} | {"d": [0, 1]}
    single = [("a",), ("b",), ("c",), ("d",)]
    assert list(observed(data, by=("a",), decision="d").attributes) == [("a",)]
    three = observed(data, by=("a", "b", "c"), decision="d")
    assert list(three.attributes) == [*single[:3], ("a", "b", "c")]
    assert not three.uncrossed
    four = observed(data, by=("a", "b", "c", "d"))
    assert list(four.attributes) == single
    assert "too many attributes" in four.uncrossed
    chosen = observed(data, by=("a", "b"), cross=[("b", "a")], decision="d")
    assert chosen.attributes[-1] == ("b", "a")


def test_very_many_combinations_are_not_crossed_by_themselves():
    rng = np.random.default_rng(2)
    data = {name: rng.integers(0, 60, 4_000) for name in ("a", "b")} | {"d": 1}
    of = observed(data, by=("a", "b"), decision="d")
    assert of.attributes == (("a",), ("b",))
    assert "too many combinations" in of.uncrossed
    with pytest.raises(pb.SpecError, match=rf"cross\[0\].*combinations.*{MOST_CELLS:,}"):
        _ = observed(data, by=("a", "b"), cross=[("a", "b")], decision="d").attributes


# --- the reference --------------------------------------------------------------------------------


def test_the_reference_is_declared_or_the_largest():
    data = {"g": [1, 1, 2, None, None, None], "d": [0, 1, 1, 0, 1, 1]}
    assert groups_of(data, "g", decision="d").reference == 0
    for level in (2, 2.0, "2"):
        assert groups_of(data, "g", decision="d", reference={"g": level}).reference == 1
    with pytest.raises(pb.SpecError, match=r'reference\.g: nobody has the g "7"'):
        groups_of(data, "g", decision="d", reference={"g": 7})
    with pytest.raises(pb.DataError, match="nobody's g is known"):
        groups_of({"g": [None, None], "d": [0, 1]}, "g", decision="d")


def test_the_reference_of_a_cross_has_the_declared_levels_as_far_as_they_meet():
    data = {"g": list("aabbbb"), "h": list("ppqqqr"), "d": [0, 1] * 3}
    roles = {"by": ("g", "h"), "decision": "d"}

    def reference(**levels):
        groups = groups_of(data, "g", "h", **roles, reference=levels)
        return groups.names[groups.reference]

    assert reference(g="a") == "a x p"
    assert reference(g="b", h="r") == "b x r"
    # Nobody is a x q: the largest that has one of the two.
    assert reference(g="a", h="q") == "b x q"
    assert reference() == "b x q"


# --- what is favorable ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "declared", "good"),
    [
        ((0, 1), None, (1,)),
        ((False, True, None), None, (1,)),
        ((0.0, 1.0), None, (1,)),
        ((0,), None, ()),
        (("no", "yes"), "yes", (1,)),
        (("no",), "yes", ()),
        ((0, 1), 0, (0,)),
        ((0, 1), True, (1,)),
        ((0, 1), "false", (0,)),
        ((False, True), 1, (1,)),
        ((False, True), "0", (0,)),
        (("0", "1"), 1, (1,)),
        ((0, 1), (1, "1", 1.0), (1,)),
        (("no", "yes"), ("yes", 1), (1,)),
    ],
)
def test_favorable_values(values, declared, good):
    frame = {"g": [0] * len(values), "d": [0] * len(values)}
    of = observed(frame, by=("g",), decision="d", favorable=declared)
    assert of.favorable(values, "decision") == good


@pytest.mark.parametrize(
    ("values", "declared", "said"),
    [
        (("no", "yes"), None, r"favorable: say which value of \"d\" is good .*no or yes"),
        (("no", "yes"), "Yess", r'no row has the decision "Yess"; did you mean "yes"'),
        ((0, 1), (0, 1), "all values"),
        (("a", "b", "c"), "a", r"decision: the column \"d\" has 3 values \(a, b, c\)"),
    ],
)
def test_what_is_not_favorable(values, declared, said):
    of = observed({"g": [0], "d": [0]}, by=("g",), decision="d", favorable=declared)
    with pytest.raises(pb.ParibusError, match=said):
        of.favorable(values, "decision")


def test_several_classes_may_be_favorable():
    data = {"g": [0, 0, 0, 1], "d": ["a", "b", "c", None]}
    of = observed(data, by=("g",), decision="d", outcome="label", favorable=["c", "a"])
    groups = of.groups(("g",))
    assert of.favorable(groups.decisions, "decision") == (0, 2)


def test_a_binary_table_has_the_favorable_ones_last():
    of = observed(PEOPLE, by=("sex",), label="y", decision="d", favorable=0)
    cells = of.binary(of.groups(("sex",)), "count")
    # Favorable is 0: two men have the label 1, one of whom was decided upon favorably.
    assert cells[1].tolist() == [[1, 1], [0, 0]]
    assert cells[0].tolist() == [[0, 0], [1, 0]]


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e6, 1e6).filter(lambda t: t == 0 or abs(t) > 1e-290))
def test_a_threshold_parts_exactly(threshold):
    below, above = (math.nextafter(threshold, side * math.inf) for side in (-1, 1))
    scores = [threshold, below, above, -1e300, 1e300, 0.0]
    frame = {"g": [*"abcdef"], "s": scores}
    of = observed(frame, by=("g",), score="s", threshold=threshold)
    groups = of.groups(("g",))
    good = of.favorable(groups.decisions, "decision")
    chosen = groups.count[:, 0, list(good)].sum(axis=1)
    assert chosen.tolist() == [int(score >= threshold) for score in scores]


def test_a_missing_score_is_no_decision():
    of = observed(
        {"g": ["a", "a", "b"], "s": [0.2, None, 0.7]}, by=("g",), score="s", threshold=0.5
    )
    groups = of.groups(("g",))
    assert groups.decisions == (0, 1, None)
    assert groups.count[:, 0].tolist() == [[1, 0, 1], [0, 1, 0]]


# --- weights --------------------------------------------------------------------------------------


def test_weights_are_summed_and_squared():
    data = {"g": ["a", "a", "b"], "d": [1, 1, 0], "w": [2.0, 4.0, 0.0]}
    groups = groups_of(data, "g", decision="d", weight="w")
    assert groups.weight[0, 0].tolist() == [0.0, 6.0]
    assert groups.square[0, 0].tolist() == [0.0, 20.0]
    assert groups.count[0, 0].tolist() == [0, 2]
    weight, square = groups.weight.sum(axis=(1, 2)), groups.square.sum(axis=(1, 2))
    # Kish (1965): 36 / 20 of two rows; nobody, where all weigh nothing.
    assert groups.effective(weight, square).tolist() == [1.8, 0.0]


# --- rows -----------------------------------------------------------------------------------------


def test_donors_come_from_other_groups():
    rng = np.random.default_rng(3)
    sex = rng.choice(np.array(["F", "M", "X", None], object), 300)
    of = observed({"sex": sex, "d": 1}, by=("sex",), decision="d")
    donors = of.donors("sex")
    codes, names = of.codes("sex")
    assert names == ("F", "M", "X")
    known = codes >= 0
    assert (codes[donors[known]] != codes[known]).all()
    assert (codes[donors[known]] >= 0).all()
    assert (donors[~known] == np.flatnonzero(~known)).all()
    assert (donors == of.donors("sex")).all()
    alone = observed({"sex": ["F"] * 5, "d": 1}, by=("sex",), decision="d")
    assert alone.donors("sex").tolist() == [0, 1, 2, 3, 4]


def test_codes_follow_the_names_of_groups():
    data = {"g": [30.0, np.nan, 25.0, 30.0], "d": [1, 0, 1, 0]}
    of = observed(data, by=("g",), decision="d")
    codes, names = of.codes("g")
    assert (codes.tolist(), names) == ([1, -1, 0, 1], of.groups(("g",)).names[:2])


def test_features_are_the_columns_without_another_role():
    data = {
        "g": [1],
        "y": [1],
        "d": [0],
        "dept": ["A"],
        "x": [1.5],
        "when": pd.Timestamp(2020, 1, 1),
    }
    of = observed(data, by=("g",), label="y", decision="d", factors=("dept",))
    assert of.features == ("dept", "x")
    chosen = observed(data, by=("g",), decision="d", features=("y", "x"))
    assert chosen.features == ("y", "x")


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"by": ()}, r"\$\.data\.by: name the protected attributes"),
        ({"by": ("sexx",)}, r'\$\.data\.by: .*no column "sexx"; did you mean "sex"'),
        ({"by": ("sex", "sex")}, r'\$\.data\.by: "sex" is named twice'),
        ({"label": "d"}, r'\$\.data\.decision: "d" is named twice, in \$\.data\.label too'),
        ({"factors": ("sex",)}, r"\$\.data\.factors: .*in \$\.data\.by too"),
        ({"factors": ("y", "y")}, r'\$\.data\.factors: "y" is named twice'),
        ({"features": ("y", "y")}, r"\$\.data\.features: .*2 times"),
        ({"reference": {"race": "a"}}, r"\$\.data\.reference: .*none of the protected"),
        ({"cross": [("sex",)]}, r"\$\.data\.cross\[0\]: cross two or more different"),
        ({"cross": [()]}, r"\$\.data\.cross\[0\]: cross two or more different"),
        ({"cross": [("sex", "sex")]}, r"\$\.data\.cross\[0\]: cross two or more different"),
        ({"cross": [("sex", "racce")]}, r"\$\.data\.cross\[0\]: .*none of the protected"),
        (
            {"by": ("sex", "race"), "cross": [("sex", "race"), ("race", "sex")]},
            r"\$\.data\.cross\[1\]: race x sex is crossed twice",
        ),
        ({"favorable": ()}, r"\$\.data\.favorable: name at least one"),
        ({"threshold": 0.5}, r'\$\.data\.threshold: "d" says what was decided'),
    ],
)
def test_mistakes_have_a_path(roles, said):
    with pytest.raises(pb.ParibusError, match=said):
        observed(PEOPLE, **{"by": ("sex",), "decision": "d", **roles})


def test_a_column_is_not_called_like_a_cross():
    data = {"a": [0, 1], "b": [0, 1], "a x b": [0, 1], "d": [0, 1]}
    with pytest.raises(pb.SpecError, match="cannot be called"):
        observed(data, by=("a", "b", "a x b"), cross=[("a", "b")], decision="d")


def test_columns_that_differ_in_case():
    with pytest.raises(pb.DataError, match='"Sex" and "sEx", which differ only in case'):
        observed({"Sex": [1], "sEx": [1], "d": [1]}, by=("sex",), decision="d")


def test_a_threshold_needs_a_score():
    of = observed({"g": [1], "y": [1]}, by=("g",), label="y", threshold=0.5)
    with pytest.raises(pb.SpecError, match=r"\$\.data\.threshold: name the score"):
        _ = of.decision
