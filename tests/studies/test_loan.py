"""The loan audit: the facts of the demo, exactly."""

import numpy as np
import pytest

import paribus as pb
from paribus.studies.loan import EXACT, biased_model, loan_audit


@pytest.fixture(scope="module")
def model():
    return biased_model()


def test_the_model_is_as_biased_as_it_is_said_to_be(model):
    """Asked about every income there is: 49,998 of 90,000 women are denied what a man gets."""
    import pandas as pd

    incomes = np.arange(30_000, 120_000)
    men, women = (
        model.predict(pd.DataFrame({"gender_code": code, "income": incomes})) for code in (1, 0)
    )
    assert men.all()
    assert (men != women).sum() == 49_998
    assert incomes[women == 0].max() == 79_997
    assert pytest.approx(0.555533, abs=1e-6) == EXACT


def test_six_decisions(model):
    """Three applicants of 40,000 to 70,000: every man is approved and every woman denied."""
    pairs = loan_audit(model, 3, 40_000, 70_000).run().pairs()
    level = pairs[pairs["group"] == "Female"]
    assert len(level) == 3
    assert level["applicant_id"].nunique() == 3
    assert level["income"].between(40_000, 70_000).all()
    assert level["reference_answer"].tolist() == [1, 1, 1]
    assert level["group_answer"].tolist() == [0, 0, 0]


def test_ten_thousand_people(model):
    record = loan_audit(model, 10_000).run()
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert flips.low <= EXACT <= flips.high
    assert flips.high - flips.low < 0.02
    assert flips.flips_for == 0
    assert flips.flips_against == flips.flips > 5_000
    assert record.verdict == "biased"
    placebo = next(r for r in record.evidence if r.contrast == "placebo" and r.unit == "flip rate")
    assert placebo.estimate == 0.0
    assert record.model.features == ("gender_code", "income")


def test_the_region_is_the_tree_s_own_threshold(model):
    """79,997, not the 80,000 that the history was made with."""
    record = loan_audit(model, "all").run()
    (region,) = record.regions
    assert [c.text for c in region.rule] == ["income <= 79,997"]
    assert region.estimate == -1.0
    assert region.share == pytest.approx(EXACT, rel=1e-12)
    assert (record.exhaustive, record.people) == (True, 90_000)
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert (flips.flips_against, flips.flips_for, flips.exact) == (49_998, 0, True)
    assert flips.estimate == flips.low == flips.high == pytest.approx(EXACT, rel=1e-12)


def test_the_three_steps(tmp_path):
    texts = list(pb.demo(tmp_path))
    six = [line for line in texts[0].splitlines() if line.endswith(("approved", "denied"))]
    assert len(six) == 6
    assert [line.split()[2] for line in six] == ["Female", "Male"] * 3
    assert [line.split()[3] for line in six] == ["denied", "approved"] * 3
    applicants = [line.split()[0] for line in six]
    assert applicants == sorted(applicants)
    assert "0.555533" in texts[1]
    assert "The interval covers" in texts[1]
    assert "income <= 79,997" in texts[2]
    assert {p.name for p in tmp_path.iterdir()} == {"loan.json", "loan.html"}
    assert pb.open_record(tmp_path / "loan.json").verdict == "biased"
