"""Two records side by side: what got better, what got worse, and what is no comparison."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import paribus as pb
from paribus import cli
from paribus.evidence.base import Row
from paribus.evidence.counterfactual import Counterfactual
from paribus.findings import judge
from paribus.studies.compare import compare

GENDER = {"gender": ["Male", "Female"]}
INCOME = {"income": pb.uniform(30_000.0, 120_000.0)}
TWINS = [Counterfactual()]


def line(extra, base=60_000):
    """Lend above a line that lies higher for women."""

    def loan(people):
        return people["income"] > base + extra * (people["gender"] == "Female")

    return loan


def audited(model, **given):
    asked = {"protect": GENDER, "fields": INCOME, "people": 3_000, "seed": 3, "tests": TWINS}
    return pb.audit(model, **{**asked, "tolerance": 0.02, "favorable": True, **given})


def scored(extra, **given):
    def score(people):
        return people["income"] / 150_000 - extra * (people["gender"] == "Female")

    return audited(score, favorable=None, outcome="score", **given)


def verdicts(compared):
    return {change.unit: change.verdict for change in compared.changes}


@pytest.fixture(scope="module")
def wide():
    return audited(line(9_000))


@pytest.fixture(scope="module")
def narrow():
    return audited(line(900))


# --- the same people ------------------------------------------------------------------------------


def test_worse_and_better(wide, narrow):
    compared = compare(narrow, wide)
    assert (compared.verdict, compared.exit_code) == ("worse", 1)
    assert verdicts(compared) == {"flip rate": "worse", "net gap": "worse"}
    assert compared.same_people
    assert {change.method for change in compared.changes} == {"paired"}
    assert "larger by more than the margin of 2.0 %" in compared.sentence
    back = compare(wide, narrow)
    assert (back.verdict, back.exit_code) == ("no worse", 0)
    assert verdicts(back) == {"flip rate": "better", "net gap": "better"}
    for one, other in zip(compared.changes, back.changes, strict=True):
        assert one.change == pytest.approx(-other.change)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


def test_the_change_of_the_same_people_is_the_difference_of_the_findings(wide, narrow):
    for change in compare(narrow, wide).changes:
        assert change.change == pytest.approx(abs(change.after) - abs(change.before))
        assert change.people == 3_000


def test_pairs_tell_more_than_estimates(wide, narrow):
    """What both models do alike cancels."""
    paired = compare(wide, narrow).changes[0]
    loose = compare(wide.model_copy(update={"kept": None}), narrow).changes[0]
    other = compare(wide, audited(line(900), seed=4)).changes[0]
    assert loose.method == "any dependence"
    assert other.method == "independent"
    widths = [each.high - each.low for each in (paired, other, loose)]
    assert widths == sorted(widths)


def test_the_same_answers_are_unchanged(wide):
    again = audited(line(9_000), name="Again")
    compared = compare(wide, again)
    assert compared.verdict == "no worse"
    assert set(verdicts(compared).values()) == {"unchanged"}
    assert all(change.change == 0 for change in compared.changes)
    assert "fingerprint of the model is the same" in compared.notes[0]


def test_few_people_prove_nothing():
    compared = compare(audited(line(9_000), people=60), audited(line(10_000), people=60))
    assert (compared.verdict, compared.exit_code) == ("undecided", 3)
    assert "open" in compared.sentence


def test_a_margin_is_declared(wide):
    slightly = audited(line(9_700))
    assert compare(wide, slightly).verdict == "no worse"
    strict = compare(wide, slightly, margin=0.0)
    assert strict.verdict == "worse"
    assert "larger beyond noise" in strict.sentence
    assert {change.margin for change in strict.changes} == {0.0}


def test_a_gap_that_leaves_its_tolerance_is_worse():
    """0.011 more is less than the margin, but the audits prove a step over the tolerance."""
    first, second = (audited(line(extra), people=20_000) for extra in (1_400, 2_300))
    assert (first.verdict, second.verdict) == ("within tolerance", "biased")
    compared = compare(first, second)
    assert compared.verdict == "worse"
    assert all(change.crossed and change.low <= change.margin for change in compared.changes)
    assert "now proven beyond it" in compared.sentence
    assert set(verdicts(compare(second, first)).values()) == {"better"}


def many(verdict, p_within, p_outside, estimate, seed, groups=20):
    """A record of many levels, of which the last one has a gap with a verdict of its own."""
    names = [f"level {i}" for i in range(groups)]
    rows = [
        Row(
            test="counterfactual", unit="flip rate", contrast="level", attribute="origin",
            reference="here", group=each, people=3_000, answered=3_000, estimate=0.01, low=0.005,
            high=0.015, p_within=1e-9, p_outside=1.0, held=True,
        )
        for each in names
    ]  # fmt: skip
    told = {"estimate": estimate, "low": estimate - 0.007, "high": estimate + 0.007}
    rows[-1] = rows[-1].model_copy(update={**told, "p_within": p_within, "p_outside": p_outside})
    findings = judge(rows, 0.02)
    assert findings[-1].verdict == verdict
    return pb.Record.sum_up(
        name="Many", tolerance=0.02, confidence=0.95, seed=seed, people=3_000, spec={},
        evidence=tuple(rows), findings=findings, run={},
    )  # fmt: skip


@pytest.mark.parametrize(("p_within", "said"), [(0.04, "undecided"), (1e-4, "worse")])
def test_leaving_a_tolerance_is_adjusted_for_the_number_of_gaps(p_within, said):
    """Of many gaps that lie a little beyond, some audit says `within` of one by chance."""
    before = many("within tolerance", p_within, 1.0, 0.014, seed=1)
    after = many("biased", 1.0, 1e-9, 0.03, seed=2)
    change = compare(before, after).changes[-1]
    assert change.crossed
    assert change.verdict == said
    assert ("may be chance" in change.sentence) is (said == "undecided")
    assert "within the tolerance and is now proven beyond it" in change.sentence
    back = compare(after, before)
    assert back.changes[-1].verdict == ("better" if said == "worse" else "no worse")
    assert back.verdict == "no worse"
    assert "beyond the tolerance and is now proven within it" in back.changes[-1].sentence


def test_few_people_who_all_fare_better_prove_nothing():
    """Of three people, three changes for the better have a chance of one in eight."""
    first = audited(lambda people: people["gender"] == "Male", people=3)
    second = audited(lambda people: people["income"] > 0, people=3)
    assert verdicts(compare(first, second))["flip rate"] == "undecided"


def test_a_gap_that_turned_around(wide):
    turned = audited(line(-9_000))
    compared = compare(wide, turned)
    net = next(change for change in compared.changes if change.unit == "net gap")
    assert net.turned
    assert net.verdict != "unchanged"
    assert "turned around" in net.sentence
    assert verdicts(compared)["flip rate"] == "unchanged"


def test_more_people_begin_with_the_same_ones(wide):
    compared = compare(wide, audited(line(9_000), people=5_000))
    assert {(change.method, change.people) for change in compared.changes} == {("paired", 3_000)}
    assert "People: 3,000 before, 5,000 after." in compared.differences


def test_scores_are_compared_person_by_person():
    first, second = scored(0.05), scored(0.12)
    compared = compare(first, second)
    assert verdicts(compared) == {"score gap": "worse", "absolute gap": "worse"}
    for change in compared.changes:
        assert change.change == pytest.approx(0.07, abs=1e-6)
        assert change.method == "paired"
    assert compare(second, first).verdict == "no worse"
    assert set(verdicts(compare(first, scored(0.05, name="b"))).values()) == {"unchanged"}


def test_labels_are_compared_person_by_person():
    def ranks(extra):
        def rank(people):
            low = people["income"] > 60_000 + extra * (people["gender"] == "Female")
            return np.where(low, "a", np.where(people["income"] > 50_000, "b", "c"))

        return audited(rank, favorable=None, outcome="label", labels=["a", "b", "c"])

    compared = compare(ranks(1_000), ranks(9_000))
    assert verdicts(compared) == {"label change rate": "worse"}
    assert compared.changes[0].method == "paired"


def test_missing_answers_count_at_their_worst(narrow):
    def torn(people):
        if (people["income"] > 100_000).any():
            raise ValueError("too rich")
        return line(900)(people)

    compared = compare(narrow, audited(torn, people=300))
    assert compared.after.failed > 0
    assert compared.verdict == "undecided"
    assert any("without an answer: 0.0 % before" in note for note in compared.notes)
    for change in compared.changes:
        assert change.high > 0.1


def test_leveling_down(wide):
    """The gap closes since nearly nobody gets the loan any more."""
    compared = compare(wide, audited(line(1_000, base=110_000)))
    assert compared.verdict == "no worse"
    assert {rate.group: rate.verdict for rate in compared.rates} == {
        "Male": "lower", "Female": "lower"
    }  # fmt: skip
    assert any("leveling down" in note for note in compared.notes)
    assert {rate.method for rate in compared.rates} == {"paired"}
    raised = compare(wide, audited(line(1_000)))
    assert not any("leveling down" in note for note in raised.notes)


# --- other people, and none -----------------------------------------------------------------------


def test_other_people_are_two_estimates(wide):
    compared = compare(audited(line(900), seed=9), wide)
    assert not compared.same_people
    assert {change.method for change in compared.changes} == {"independent"}
    assert compared.verdict == "worse"
    assert "$.audit.seed: 9 before, 3 after." in compared.differences


def test_rows_of_one_table_may_overlap():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"gender": rng.choice(GENDER["gender"], 4_000), "income": rng.uniform(3e4, 12e4, 4_000)}
    )
    rows = {"fields": None, "data": frame}
    both = [audited(line(900), **rows, people=2_000, seed=seed) for seed in (1, 2)]
    compared = compare(*both)
    assert {change.method for change in compared.changes} == {"any dependence"}
    assert any("may overlap" in note for note in compared.notes)
    paired = compare(*(audited(line(e), **rows, people=None) for e in (900, 9_000)))
    assert {change.method for change in paired.changes} == {"paired"}
    assert paired.verdict == "worse"


def test_everybody_in_the_domain_is_exact():
    def exact(extra, **given):
        fields = {"income": pb.integers(0, 999)}
        return audited(line(extra, base=500), fields=fields, people=None, **given)

    same = compare(exact(50), exact(50, name="b"), margin=0.0)
    assert {change.method for change in same.changes} == {"exact"}
    assert same.verdict == "no worse"
    assert set(verdicts(same).values()) == {"unchanged"}
    assert compare(exact(50), exact(51), margin=0.0).verdict == "worse"
    assert compare(exact(50), exact(70)).verdict == "no worse"
    assert compare(exact(50), exact(71)).verdict == "worse"
    assert "exact over the declared domain" in compare(exact(50), exact(71)).sentence


def test_an_audit_that_stopped_early_is_an_estimate(wide):
    early = audited(line(9_000), tests=None, stop="early", people=2_000)
    compared = compare(early, audited(line(0), tests=None, stop="early", people=2_000))
    assert all(change.method == "any dependence" for change in compared.changes)
    assert any("stopped early" in note for note in compared.notes)
    # What a sequential audit holds against the tolerance is another test's.
    with pytest.raises(pb.DataError, match="no gap in common"):
        compare(wide, early)


def test_names_count_and_not_people():
    names = {
        **INCOME,
        "name": pb.mimesis(
            "person.first_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
        ),
    }

    def sees(extra):
        def loan(people):
            odd = people["name"].astype(str).str.len() * 500
            return people["income"] + odd > 60_000 + extra * (people["gender"] == "Female")

        return audited(loan, fields=names, people=1_500)

    compared = compare(sees(900), sees(9_000))
    assert "paired" not in {change.method for change in compared.changes}
    assert compared.same_people


# --- tables ---------------------------------------------------------------------------------------


def measured(gap, rows=4_000, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b"], rows)
    chosen = rng.random(rows) < 0.6 - shift - gap * (group == "b")
    return pb.metrics(pd.DataFrame({"group": group, "chosen": chosen.astype(int)}),
                      by="group", decision="chosen")  # fmt: skip


def test_tables_are_two_estimates():
    compared = compare(measured(0.05), measured(0.3, rows=4_100, seed=1))
    assert compared.verdict == "worse"
    assert {change.method for change in compared.changes} <= {"independent", "verdicts"}
    back = compare(measured(0.3, rows=4_100, seed=1), measured(0.05))
    assert "worse" not in verdicts(back).values()
    assert "better" in verdicts(back).values()
    same = compare(measured(0.3), measured(0.05))
    assert {change.method for change in same.changes} <= {"any dependence", "verdicts"}
    assert any("Records of tables keep no rows" in note for note in same.notes)


def test_tables_of_other_lengths_may_share_rows():
    """A gap that turned around is no larger, though two sums that go together vary more."""

    def table(low, high, rows):
        row = Row(
            test="rates", unit="selection rate", contrast="group", attribute="group",
            reference="a", group="b", people=rows, answered=rows, estimate=(low + high) / 2,
            low=low, high=high, held=True, stage="outcomes", relation="difference", scale="share",
            tolerance=0.02,
        )  # fmt: skip
        return pb.Record.sum_up(
            name="Table", tolerance=0.02, confidence=0.95, seed=0, people=rows, spec={},
            data=pb.metrics(pd.DataFrame({"g": ["a", "b"] * 20, "d": [0, 1] * 20}), by="g",
                            decision="d").data.model_copy(update={"rows": rows}),
            evidence=(row,), findings=judge([row], 0.02), run={},
        )  # fmt: skip

    # 0.060 after 0.024 on the other side: the sum is 0.036, beyond noise only if it varies like
    # that of two tables without a row in common.
    compared = compare(table(-0.046, -0.002, 4_000), table(0.038, 0.082, 4_100), margin=0.0)
    assert compared.changes[0].method == "independent"
    assert compared.changes[0].verdict == "undecided"


def test_every_number_about_tables_is_finite():
    first, second = measured(0.6, rows=40), measured(0.0, rows=50, shift=0.6)
    for change in compare(first, second).changes:
        assert np.isfinite([change.change, change.low, change.high, change.margin]).all()
        assert change.low <= change.change <= change.high


# --- what is no comparison ------------------------------------------------------------------------


def test_one_record_is_no_two(wide, tmp_path):
    path = wide.save(tmp_path / "a.json")
    for pair in ((wide, wide), (path, path), (str(path), tmp_path / "." / "a.json")):
        with pytest.raises(pb.SpecError, match="both records are the same one"):
            compare(*pair)


def test_other_attributes(wide):
    other = audited(lambda people: people["income"] > 60_000, protect={"race": ["x", "y"]})
    with pytest.raises(pb.DataError, match=r"the flip rate of gender .* second about .* of race"):
        compare(wide, other)


def test_another_reference(wide):
    other = audited(line(9_000), protect={"gender": ["Female", "Male"]})
    said = r"gender \(Male to Female\), .* second about the flip rate of gender \(Female to Male\)"
    with pytest.raises(pb.DataError, match=said):
        compare(wide, other)


def test_other_outcomes(wide):
    with pytest.raises(pb.DataError, match="no gap in common"):
        compare(wide, scored(0.1))


def test_what_one_record_alone_has_is_open(narrow):
    both = {**GENDER, "race": ["x", "y"]}
    more = audited(lambda people: people["income"] > 60_000, protect=both)
    compared = compare(narrow, more)
    assert compared.verdict == "undecided"
    assert len(compared.only_after) == 2
    assert any("Only the second record" in note for note in compared.notes)
    assert any("levels differ" in note for note in compared.notes)


def test_wrong_requests(wide, narrow, tmp_path):
    for margin in (-0.1, float("nan"), float("inf"), "much", True, 10**400):
        with pytest.raises(pb.SpecError, match=r"\$\.margin"):
            compare(wide, narrow, margin=margin)
    with pytest.raises(pb.SpecError, match="lets everything pass"):
        compare(wide, narrow, margin=1)
    for confidence in (0.3, float("nan"), "0.9", True, 95):
        with pytest.raises(pb.SpecError, match=r"\$\.confidence"):
            compare(wide, narrow, confidence=confidence)
    assert compare(wide, narrow, margin=np.int64(0)).margin == 0.0
    with pytest.raises(pb.SpecError, match="expected a record"):
        compare(wide, 3)
    with pytest.raises(pb.DataError, match="no file"):
        compare(wide, tmp_path / "none.json")
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps({"schema": 2}))
    with pytest.raises(pb.DataError, match="schema 2"):
        compare(newer, wide)
    empty = wide.model_copy(update={"evidence": ()})
    with pytest.raises(pb.DataError, match="the second record holds nothing"):
        compare(wide, empty)


def test_an_assessment_is_no_record(wide, tmp_path):
    frame = pd.DataFrame({"age": range(60), "city": ["a", "b"] * 30})
    made = pb.assess(frame, frame, identifying=[], quasi=["age"], attacks=10)
    path = made.save(tmp_path / "assessment.json")
    with pytest.raises(pb.DataError, match="is the assessment of an anonymized table"):
        compare(wide, path)


def test_a_comparison_is_no_record(wide, narrow, tmp_path):
    path = compare(wide, narrow).save(tmp_path / "compared.json")
    with pytest.raises(pb.DataError, match="is a comparison of two records, and no record of an"):
        compare(path, wide)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "!!!"}, "kept decisions are no text in base64"),
        ({"data": "AAAA"}, "hold 12 numbers for 3,000 people"),
        ({"people": -5}, "numbers for -5 people"),
        ({"people": 0, "data": ""}, "kept decisions are not all about as many people"),
        ({"scale": 0}, "scale: must be greater than 0"),
    ],
)
def test_a_damaged_record_is_one_sentence(wide, narrow, tmp_path, change, said):
    content = json.loads(wide.json_text())
    content["kept"]["series"][0] |= change
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(content))
    with pytest.raises(pb.DataError, match=f"damaged.json.* is no whole record: .*{said}"):
        compare(path, narrow)


@pytest.mark.parametrize("change", [{"confidence": 1.0}, {"confidence": 0}, {"tolerance": -1}])
def test_what_no_audit_can_declare_is_refused(wide, narrow, tmp_path, change):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(json.loads(wide.json_text()) | change))
    with pytest.raises(pb.DataError, match=rf"\$\.{next(iter(change))}: must be"):
        compare(path, narrow)


def test_another_audit_is_warned_of(wide):
    other = audited(line(9_000), tolerance=0.05, confidence=0.9)
    notes = " ".join(compare(wide, other).notes)
    assert "the tolerance differs" in notes
    assert "the confidence differs" in notes
    assert {change.margin for change in compare(wide, other).changes} == {0.02}
    assert compare(wide, other).confidence == 0.95


# --- how it is shown ------------------------------------------------------------------------------


def test_formats(wide, narrow, tmp_path):
    compared = compare(narrow, wide)
    assert repr(compared).startswith("╭─ Audit: compared")
    page = compared.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    assert "<svg" in page
    text = compared.save(tmp_path / "comment.md").read_text(encoding="utf-8")
    assert text.startswith("### Audit: compared\n\n<b>Worse.")
    told = json.loads(compared.save(tmp_path / "data.json").read_text(encoding="utf-8"))
    assert (told["kind"], told["verdict"]) == ("comparison", "worse")
    assert compared.save(tmp_path / "told.txt").read_bytes() == compared.render("terminal")
    assert "<script" not in compared._repr_html_()
    for wrong in ("x.pdf", "x", "x.terminal"):
        with pytest.raises(pb.OutputError, match="no format of a comparison"):
            compared.save(tmp_path / wrong)
    with pytest.raises(pb.SpecError, match="no format"):
        compared.render("pdf")


def test_hostile_names_do_nothing(tmp_path):
    script = "<script>alert(1)</script>"
    levels = {script: [script, "=1+1\x1b[31m", "\u202eevil" + "x" * 5_000]}

    def model(extra):
        def loan(people):
            return people["income"] > 60_000 + extra * (people[script] == "=1+1\x1b[31m")

        return audited(loan, protect=levels, people=400, tests=None, name=script)

    compared = compare(model(900), model(30_000))
    assert compared.verdict == "worse"
    for format in ("html", "markdown"):
        assert b"<script" not in compared.render(format)
    assert "<script" not in compared._repr_html_()
    for format in ("html", "markdown", "terminal"):
        text = compared.render(format).decode()
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert max(map(len, str(compared).splitlines())) < 140


def test_regions_that_appear():
    def pocket(extra):
        def loan(people):
            here = people["income"] > 90_000
            return ~(here & (people["gender"] == "Female")) if extra else people["income"] > 0

        return audited(loan, tests=None)

    compared = compare(pocket(0), pocket(1))
    assert any("income > 9" in region for region in compared.appeared)
    assert compared.gone == ()
    assert compare(pocket(1), pocket(0)).gone == compared.appeared
    assert "Where gaps appeared" in str(compared)


def test_a_comparison_opens_again(wide, narrow, tmp_path):
    compared = compare(narrow, wide)
    path = compared.save(tmp_path / "compared.json")
    again = pb.open_compared(path)
    assert again == compared
    assert again.render("html") == compared.render("html")
    shown = CliRunner().invoke(cli.app, ["show", str(path), "--html", str(tmp_path / "x.html")])
    assert shown.exit_code == 0
    assert "What became of each gap" in shown.output
    assert (tmp_path / "x.html").read_bytes() == compared.render("html")
    wrong = CliRunner().invoke(cli.app, ["show", str(path), "-o", str(tmp_path / "x.csv")])
    assert isinstance(wrong.exception, pb.OutputError)


def test_what_is_no_comparison_does_not_open(wide, tmp_path):
    record = wide.save(tmp_path / "record.json")
    with pytest.raises(pb.DataError, match="is no comparison that this version reads"):
        pb.open_compared(record)
    with pytest.raises(pb.DataError, match="no file"):
        pb.open_compared(tmp_path / "none.json")
    with pytest.raises(pb.DataError, match="cannot be read"):
        pb.open_compared(tmp_path)
    broken = tmp_path / "broken.json"
    for text, said in (
        ("{", "is not a JSON file"),
        ('{"schema": 2, "kind": "comparison"}', "is no comparison that this version reads"),
        ('{"schema": 1, "kind": "comparison"}', r"is no whole comparison: \$\.verdict"),
    ):
        broken.write_text(text)
        with pytest.raises(pb.DataError, match=said):
            pb.open_compared(broken)


# --- the command ----------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(cli.app, ["compare", *map(str, arguments)])


def test_the_command(wide, narrow, tmp_path):
    before, after = narrow.save(tmp_path / "a.json"), wide.save(tmp_path / "b.json")
    page, comment = tmp_path / "p.html", tmp_path / "c.md"
    told = run(before, after, "--html", page, "-o", comment)
    assert told.exit_code == 1
    assert "Worse." in told.output
    assert page.exists()
    assert comment.exists()
    assert run(after, before).exit_code == 0
    data = run(after, before, "--json", "-")
    assert json.loads(data.output)["verdict"] == "no worse"
    written = tmp_path / "d.json"
    assert run(after, before, "--json", written, "--margin", "0.05").exit_code == 0
    assert json.loads(written.read_text())["margin"] == 0.05


def test_the_command_is_open_where_it_is_open(tmp_path):
    paths = [
        audited(line(extra), people=60).save(tmp_path / f"{extra}.json") for extra in (9_000, 9_900)
    ]
    assert run(*paths).exit_code == 3
    assert run(*paths, "--inconclusive-ok").exit_code == 0


def test_the_command_refuses(wide, narrow, tmp_path):
    before, after = narrow.save(tmp_path / "a.json"), wide.save(tmp_path / "b.json")
    kept = Path(before).read_bytes()
    for wrong in (
        (before, before),
        (before, after, "--json", before),
        (before, after, "-o", tmp_path / "x.pdf"),
        (before, after, "--margin", "-1"),
        (before, tmp_path / "none.json"),
    ):
        found = run(*wrong).exception
        assert isinstance(found, pb.ParibusError)
        assert found.exit_code == 2
    assert Path(before).read_bytes() == kept
