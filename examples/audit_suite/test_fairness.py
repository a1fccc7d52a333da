"""The loan model treats people alike, and the one before it did not."""

import pytest
import train

import paribus as pb

FIELDS = {
    "income": pb.integers(20_000, 119_999),
    "debt": pb.integers(0, 59_999),
    "gender_code": pb.map_of("gender", {"Male": 1, "Female": 0}),
}


@pytest.mark.paribus("audit.toml")
def test_the_model_in_use():
    """As audit.toml says; a test with a marker needs no body."""


@pytest.mark.paribus("audit.toml", people=2_000, seed=7)
def test_nobody_is_left_without_an_answer(audit_record):
    """The body runs with the record, once the audit has passed."""
    assert audit_record.answers.answered == audit_record.answers.versions


def test_a_model_in_memory(paribus_audit):
    """The fixture takes what paribus.audit takes."""
    record = paribus_audit(
        train.train("income", "debt"),
        protect={"gender": ["Male", "Female"]},
        fields=FIELDS,
        people=5_000,
        favorable=1,
        name="Loan approval, just trained",
    )
    assert record.model.features == ("income", "debt")


@pytest.mark.xfail(strict=True, reason="saw the gender; replaced in May")
def test_the_model_before(paribus_audit):
    """A known bias is an expected failure: strict, so that its end is noticed."""
    paribus_audit(
        train.train("income", "debt", "gender_code"),
        protect={"gender": ["Male", "Female"]},
        fields=FIELDS,
        people=5_000,
        favorable=1,
        name="Loan approval, before May",
    )
