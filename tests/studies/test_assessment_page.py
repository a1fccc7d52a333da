"""The page of an assessment: its parts, and what may never be on it."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from paribus.report._parts import Chart, Histogram, Statements, Table
from paribus.studies._assessment import (
    Agreement,
    Assessment,
    Association,
    ClassSizes,
    Distances,
    KeptColumn,
    Risk,
    Score,
)
from paribus.studies._assessment_page import page
from paribus.studies.assess import assess


def risk(measure, estimate, threshold, verdict, **more):
    values = {
        "about": ("sex", "age"), "scale": "share", "better": "lower", "rows": 100,
        "sentence": f"Said of {measure}.", "advice": "",
    }  # fmt: skip
    return Risk(
        measure=measure, estimate=estimate, threshold=threshold, verdict=verdict, **values | more
    )


@pytest.fixture(scope="module")
def document():
    return Assessment(
        name="Customers <b>", word="pseudonymized", verdict="exceeds threshold",
        sentence="Pseudonymized, and no more.", usefulness="changed",
        useful_sentence="Changed by more than 5.0 %: 1 column (age).",
        original_rows=1_000, anonymized_rows=1_000, holdout_rows=0, aligned=True,
        identifying=("email",), quasi=("sex", "age"), sensitive=("illness",), confidence=0.95,
        each=0.9917, tolerance=0.05, seed=0,
        risks=(
            risk("k-anonymity", 2.0, 5.0, "exceeds threshold", scale="number", better="higher",
                 advice="Make it coarser."),
            risk("unique rows", 0.0, 0.0, "within threshold"),
            risk("exact leaks", 0.0, 0.0, "within threshold", scale="number"),
            risk("linkability", 0.08, 0.1, "inconclusive", low=0.02, high=0.14),
        ),
        unmeasured=("Inference: nothing sensitive is declared.",),
        classes=ClassSizes(first=(1, 2, 5, 10, 20, 50, 100), people=(0, 2, 98, 0, 0, 0, 900)),
        distances=Distances(edges=(0.0, 0.1, 0.2), training=(0.6, 0.4), holdout=(0.2, 0.8)),
        columns=(
            KeptColumn(name="email", treatment="replaced", type_before="text", type_after="text",
                       nulls_before=0.0, nulls_after=0.0, same_nulls=True, distinct_before=9,
                       distinct_after=9, same_duplicates=True),
            KeptColumn(name="age", treatment="changed", type_before="int64", type_after="double",
                       nulls_before=0.1, nulls_after=0.1, same_nulls=True, distinct_before=50,
                       distinct_after=5, distance_measure="Kolmogorov-Smirnov", distance=0.2,
                       wasserstein=0.31, verdict="changed"),
        ),
        associations=(
            Association(first="sex", second="age", measure="correlation ratio", before=0.4,
                        after=0.1, verdict="changed"),
        ),
        scores=(
            Score(measure="accuracy", rows=300, before=0.8, before_low=0.75, before_high=0.84,
                  after=0.79, after_low=0.74, after_high=0.83, difference=-0.01, low=-0.03,
                  high=0.01, verdict="kept", sentence="As good as before."),
        ),
        agreements=(
            Agreement(source="twins", unit="net gap", attribute="sex", reference="Male",
                      group="Female", people=300, before=-0.2, before_low=-0.25, before_high=-0.15,
                      before_verdict="biased", after=-0.1, after_low=-0.15, after_high=-0.05,
                      after_verdict="inconclusive", difference=0.1, low=0.06, high=0.14,
                      verdict="changed", sentence="Found, and smaller."),
        ),
        notes=("One note.",),
    )  # fmt: skip


def parts(document, kind):
    return [p for section in page(document).sections for p in section.parts if isinstance(p, kind)]


def beyond(document, *measures):
    """Let these exceed their thresholds, in this order, each with an advice of its own."""
    risks = tuple(
        risk(measure, 1.0, 0.1, "exceeds threshold", advice=f"Mend {measure}.")
        for measure in measures
    )
    return document.model_copy(update={"risks": risks})


def advised(document):
    """Give what is advised beside the verdict, and below the measures under its title."""
    lists = {part.title: [item.text for item in part.items] for part in parts(document, Statements)}
    return page(document).advice, {k: v for k, v in lists.items() if "help" in k}


def test_three_pieces_of_advice_stand_beside_the_verdict_and_the_others_with_their_measures(
    document,
):
    first, others = advised(
        beyond(
            document, "closeness", "unique rows", "singling out (one column)", "inference",
            "linkability", "k-anonymity", "exact leaks",
        )
    )  # fmt: skip
    assert first == ("Mend exact leaks.", "Mend k-anonymity.", "Mend inference.")
    assert others == {
        "What else would help": [
            "closeness: mend closeness.",
            "unique rows: mend unique rows.",
            "singling out (one column): mend singling out (one column).",
            "linkability: mend linkability.",
        ]
    }


def test_advice_is_first_once_for_each_remedy(document):
    first, _ = advised(beyond(document, "unique rows", "l-diversity", "inference", "l-diversity"))
    assert first == ("Mend unique rows.", "Mend inference.")
    few, others = advised(beyond(document, "linkability"))
    assert few == ("Mend linkability.",)
    assert others == {}


def test_what_is_not_proven_is_advised_below_alone(document):
    unclear = risk("linkability", 0.08, 0.1, "inconclusive", low=0.02, high=0.14, advice="Ask.")
    first, others = advised(document.model_copy(update={"risks": (unclear,)}))
    assert first == ()
    assert others == {"What would help": ["linkability: ask."]}


def test_advice_is_a_plain_list_below_the_sentence(document):
    made = beyond(document, "k-anonymity", "closeness")
    text = made.render("html").decode()
    box = text.partition('<div class="verdict">')[2].partition("</div>")[0]
    assert [line.strip() for line in box.splitlines() if line.strip()] == [
        '<p class="sentence">Pseudonymized, and no more.</p>',
        '<ul class="advice">',
        "<li>Mend k-anonymity.</li>",
        "<li>Mend closeness.</li>",
        "</ul>",
        '<p class="remark">Usefulness: changed by more than 5.0\N{NO-BREAK SPACE}%: 1 column '
        "(age).</p>",
    ]
    shown = made.render("terminal", color=False, width=80).decode().splitlines()
    assert [line.strip("│ ") for line in shown[1:5]] == [
        "Pseudonymized, and no more.",
        "· Mend k-anonymity.",
        "· Mend closeness.",
        "Usefulness: changed by more than 5.0 %: 1 column (age).",
    ]


def test_sections_and_first_words(document):
    made = page(document)
    assert made.sentence == "Pseudonymized, and no more."
    assert made.advice == ("Make it coarser.",)
    assert made.remarks == ("Usefulness: changed by more than 5.0 %: 1 column (age).",)
    assert made.leading == 0
    assert [section.title for section in made.sections] == [
        "What risk is left",
        "Who stands out",
        "Does an audit find the same",
        "Does a model learn the same",
        "What became of the columns",
        "Do columns still go together",
        "How it was done",
        "What this page does not say",
    ]


def test_the_table_of_risks(document):
    table = next(t for t in parts(document, Table) if t.title == "Measures of risk")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["k-anonymity", "exceeds threshold", "2", "exact", "at least 5"],
        ["unique rows", "within threshold", "0.0 %", "exact", "at most 0.0 %"],
        ["exact leaks", "within threshold", "0", "exact", "at most 0"],
        ["linkability", "inconclusive", "8.0 %", "2.0 to 14.0 %", "at most 10.0 %"],
    ]


def test_pictures_come_first(document):
    charts = parts(document, Chart)
    assert [chart.title for chart in charts] == [
        "Risks against their thresholds",
        "People and values who look alike",
        "How many people look alike",
        "Gaps between twins",
        "A model learned from either",
        "How far distributions moved",
        "Correlations that changed most",
    ]
    marks = charts[0].marks
    assert [(m.label, m.reference, m.tone) for m in marks] == [
        ("unique rows", 0.0, "within tolerance"),
        ("linkability", 0.1, "inconclusive"),
    ]
    assert [m.text for m in charts[3].marks] == ["-20.0 points", "-10.0 points"]
    for section in page(document).sections[:6]:
        assert isinstance(section.parts[0], Chart)
    assert len(parts(document, Histogram)) == 1


def test_the_audit_before_and_after(document):
    table = next(t for t in parts(document, Table) if t.title == "The audit, before and after")
    assert [cell.text for cell in table.rows[0]] == [
        "net gap, sex: Female - Male",
        "changed",
        "-20.0 points",
        "-10.0 points",
        "+10.0 points",
        "biased, then inconclusive",
    ]


def test_what_is_not_measured_and_not_said(document):
    said = [item.text for part in parts(document, Statements) for item in part.items]
    assert "Inference: nothing sensitive is declared." in said
    assert any("recital 26 of the GDPR" in text for text in said)
    assert "One note." in said


def test_html_is_whole_and_harmless(document):
    text = document.render("html").decode()
    assert "<script" not in text
    assert "Customers &lt;b&gt;" in text
    assert text.count("<svg") == 8
    for piece in text.split("<svg")[1:]:
        ET.fromstring("<svg" + piece.split("</svg>")[0] + "</svg>")
    assert "NaN" not in text


def test_text_and_csv(document):
    text = document.render("terminal", color=False, width=80).decode()
    assert "k-anonymity" in text
    assert "How many people look alike" in text
    lines = document.render("csv").decode().splitlines()
    assert lines[0].split(",")[:4] == ['"part"', '"measure"', '"about"', '"before"']
    assert len(lines) == 1 + 4 + 2 + 1 + 1 + 1


def test_no_value_of_an_identifying_column_is_ever_shown():
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "email": [f"secret{i}person@private{i}.com" for i in range(n)],
            "sex": rng.choice(["m", "f"], n),
            "age": rng.integers(20, 60, n),
        }
    )
    # Nothing was replaced: everything leaks, and the page still names nobody.
    made = assess(frame, frame, identifying="email", quasi=["sex", "age"], attacks=50, sample=200)
    assert made.word == "identifying values are left"
    for format in ("html", "json", "csv", "terminal"):
        text = made.render(format).decode()
        assert "secret" not in text
        assert "private" not in text


def test_names_of_columns_cannot_act():
    rng = np.random.default_rng(0)
    n = 300
    name = "<script>alert(1)</script>\x1b[31m"
    frame = pd.DataFrame(
        {"=cmd()": [f"x{i:06d}" for i in range(n)], name: rng.choice(["a", "b"], n)}
    )
    safe = frame.assign(**{"=cmd()": [f"y{i:06d}" for i in range(n)]})
    made = assess(frame, safe, identifying="=cmd()", quasi=name, attacks=50, sample=200)
    assert "<script>" not in made.render("html").decode()
    assert "\x1b[31m" not in made.render("terminal", color=False).decode()
    assert '"=cmd()' not in made.render("csv").decode()
