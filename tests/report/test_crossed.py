"""Cells of crossed attributes in words: never a sign of crossing where it can be told apart."""

from __future__ import annotations

import pytest

import paribus as pb
from paribus.report._crossed import crossed, spoken
from paribus.report._placebo import placebo
from paribus.report._wording import sentence, verdict_sentence
from paribus.report.base import page


def audit(protect, cross, unfair=lambda frame: 0):
    return pb.audit(
        lambda frame: frame["income"] - unfair(frame) > 50,
        protect=protect,
        cross=[cross],
        fields={"income": pb.integers(0, 99)},
        people=400,
        favorable=True,
    )


@pytest.fixture(scope="module")
def biased():
    levels = {"race": ["white", "hispanic"], "sex": ["male", "female"]}
    return audit(levels, ("race", "sex"), lambda frame: 30 * (frame["race"] == "hispanic"))


def cells(record):
    return [finding for finding in record.findings if finding.contrast == "cell"]


def test_the_sentence_at_the_top_names_both_levels(biased):
    only = biased.model_copy(update={"findings": tuple(cells(biased))})
    assert verdict_sentence(only).startswith(
        "With everything else equal, changing race and sex from “white, male” to “hispanic, "
    )
    assert ", always against “hispanic, " in verdict_sentence(only)
    assert " x " not in page(biased).sentence


def test_the_sentence_of_a_cell_reads_like_that_at_the_top_and_the_record_keeps_its_own(biased):
    finding = next(each for each in cells(biased) if each.group == "hispanic x male")
    assert finding.sentence.startswith(
        "Changing race x sex from white x male to hispanic x male changes the decision for"
    )
    said = sentence(finding, biased)
    assert said == finding.sentence.replace("race x sex", "race and sex").replace(
        "white x male", "“white, male”"
    ).replace("hispanic x male", "“hispanic, male”")
    assert said.startswith("Changing race and sex from “white, male” to “hispanic, male” changes")
    assert ", always against “hispanic, male”)" in said
    assert sentence(biased.findings[0], biased) == biased.findings[0].sentence


def test_every_format_says_it_so(biased):
    for name in ("html", "terminal", "markdown", "junit", "sarif", "model_card", "failure"):
        assert "hanging race x sex" not in biased.render(name).decode(), name
    shown = biased.render("html").decode()
    assert "What changing race and sex together does" in shown
    assert "as “white, male” and as “white, female” and as “hispanic, male”" in shown
    assert "Nothing but race and sex and what was declared to follow them differ." in shown


def test_all_that_is_proven_is_said_of_each_attribute_once():
    fair = audit({"race": ["a", "b"], "sex": ["m", "f"]}, ("race", "sex"))
    assert (
        "no change of race or sex, alone or together, moves the model's"
        in page(fair.model_copy(update={"findings": _proven(fair)})).sentence
    )
    open_ = fair.model_copy(update={"findings": _unsettled(fair)})
    assert "whatever their race and sex, alone or together: with 400 people" in page(open_).sentence


def _proven(record):
    return tuple(f.model_copy(update={"verdict": "within tolerance"}) for f in record.findings)


def _unsettled(record):
    return tuple(f.model_copy(update={"verdict": "inconclusive"}) for f in record.findings)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (["a x b", "c"], ["d", "e x f"], ("“a x b, d”", "“c, e x f”")),
        (["x", "c"], ["x", "d"], ("“x, x”", "“c, d”")),
        ([True, False], [25, 45], ("“True, 25”", "“False, 45”")),
        # Two readings: "a" with "b x c", and "a x b" with "c". The names stay as they are.
        (["a", "a x b"], ["b x c", "c"], ("a x b x c", "a x b x c")),
        (["<b>", "\u05d0"], ["\u202e", "=1"], ("“<b>, \ufffd”", "“\u2068\u05d0\u2069, =1”")),
    ],
)
def test_a_level_that_holds_the_sign_itself_confuses_nothing(first, second, told):
    record = audit({"one": first, "two": second}, ("one", "two"))
    last = spoken(cells(record)[-1], record)
    assert (last.reference, last.group) == told
    said = sentence(cells(record)[-1], record)
    assert f"from {told[0]} to {told[1]} " in said


def test_an_attribute_that_holds_the_sign_itself_confuses_nothing(biased):
    def named(*names):
        protect = {name: {"levels": ["a", "b"]} for name in names}
        return biased.model_copy(update={"spec": {"protect": protect}})

    assert crossed("race x sex", named("race", "sex")) == ("race", "sex")
    assert crossed("sex x race x age", named("age", "race", "sex")) == ("sex", "race", "age")
    assert crossed("a x b x c", named("a x b", "c")) == ("a x b", "c")
    assert crossed("a x b x c", named("a x b", "c", "a", "b x c")) == ()
    assert crossed("race x sex", named("race", "sex", "race x sex")) == ()
    assert crossed("race x race", named("race", "sex")) == ()
    assert crossed("race x sex", biased.model_copy(update={"spec": {}})) == ()


def test_a_change_of_name_stands_beside_the_cell_in_words():
    record = pb.audit(
        lambda frame: (frame["name"].str.len() + 3 * (frame["race"] == "b")) % 2 == 0,
        protect={"sex": ["Male", "Female"], "race": ["a", "b"]},
        cross=[("sex", "race")],
        fields={
            "name": pb.mimesis(
                "person.first_name", follows={"sex": {"Male": "MALE", "Female": "FEMALE"}}
            )
        },
        people=300,
        favorable=True,
    )
    rows = [r for r in record.evidence if r.contrast == "placebo"]
    assert rows
    section = next(placebo(record))
    told = " ".join(item.text for item in section.parts[0].items)
    assert "sex x race" not in told
    assert "change of sex and race from “Male, a” to “" in told
