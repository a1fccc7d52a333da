"""The examples give their known answers, and say what is plausible."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module", autouse=True)
def _on_the_path() -> Any:
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


# --- the loan model -------------------------------------------------------------------------------


def test_loan_finds_the_bias_that_was_built_in() -> None:
    import loan

    record = loan.audit(loan.train(), people=4_000)
    assert record.verdict == "biased"
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert flips.flips_for == 0
    # 49,998 of the 90,000 whole incomes from 30,000 to 119,999 lie at or below the tree's cut.
    assert flips.low <= 49_998 / 90_000 <= flips.high
    [condition] = record.regions[0].rule
    assert (condition.field, condition.relation) == ("income", "<=")
    assert condition.value == pytest.approx(80_000, rel=0.01)


def test_loan_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import loan

    loan.main(tmp_path)
    said = capsys.readouterr().out
    assert "Verdict: biased" in said
    assert {path.name for path in tmp_path.iterdir()} == {"loan.json", "loan.html"}


# --- the mortgages --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data() -> Any:
    import mortgage

    return mortgage.applications()


@pytest.fixture(scope="module")
def models(data: Any) -> Any:
    import mortgage

    return mortgage.train(data)


def test_mortgage_data_are_those_of_the_textbook(data: Any) -> None:
    """Wooldridge, Introductory Econometrics, computer exercises on LOANAPP: .201; .129 (.020)."""
    import mortgage

    assert len(data) == 1_989
    assert int(data["male"].isna().sum()) == 15
    assert mortgage.effect_of_white(data, [])[0] == pytest.approx(0.201, abs=5e-4)
    controls = [*mortgage.AMOUNTS, *mortgage.FLAGS, "male"]
    estimate, error, n = mortgage.effect_of_white(data, controls)
    assert estimate == pytest.approx(0.129, abs=5e-4)
    assert error == pytest.approx(0.020, abs=5e-4)
    assert n == 1_971


def test_mortgage_regression_agrees_with_statsmodels(data: Any) -> None:
    import mortgage

    api = pytest.importorskip("statsmodels.api")
    controls = [*mortgage.AMOUNTS, *mortgage.FLAGS, "male"]
    columns = data[["approve", "white", *controls]].dropna().astype(float)
    fitted = api.OLS(columns["approve"], api.add_constant(columns.drop(columns="approve"))).fit()
    estimate, error, _ = mortgage.effect_of_white(data, controls)
    assert estimate == pytest.approx(fitted.params["white"], rel=1e-8)
    assert error == pytest.approx(fitted.bse["white"], rel=1e-8)


def test_race_is_one_attribute_of_three_columns(data: Any) -> None:
    import mortgage

    for column, level in mortgage.RACE.items():
        assert ((data[column] == 1) == (data["race"] == level)).all()


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_mortgage_decisions_of_real_people(name: str, data: Any, models: Any) -> None:
    import mortgage

    record = mortgage.audit_real(models[name], data, "decision", name)
    assert (record.people, record.answers.failed, record.answers.refused) == (1_989, 0, 0)
    found = {(f.attribute, f.group, f.unit): f for f in record.findings}
    # Race: 2 contrasts; sex: 1; crossed: 5. Each as flip rate and as net gap.
    assert len(found) == 16
    for group in ("black", "hispanic"):
        gap = found["race", group, "net gap"]
        assert gap.verdict == "biased"
        assert -0.10 < gap.low <= gap.estimate <= gap.high < -0.01
        assert gap.estimate == pytest.approx((gap.flips_for - gap.flips_against) / 1_989)
    assert found["sex", "female", "flip rate"].verdict == "within tolerance"
    assert record.verdict == "biased"


def test_logistic_scores_move_by_its_own_coefficients(data: Any, models: Any) -> None:
    """A logistic model's twins differ by exactly the coefficients of what follows the attribute."""
    import mortgage
    import numpy as np

    record = mortgage.audit_real(models["logistic"], data, "score", "logistic")
    pairs = record.pairs("pandas")
    black = pairs[(pairs["attribute"] == "race") & (pairs["group"] == "black")]
    odds = np.log(black[["reference_answer", "group_answer"]].to_numpy())
    odds -= np.log1p(-black[["reference_answer", "group_answer"]].to_numpy())
    columns = [*mortgage.AMOUNTS, *mortgage.FLAGS, *mortgage.PROTECTED]
    weights = dict(zip(columns, models["logistic"][-1].coef_[0], strict=True))
    expected = weights["black"] - weights["white"]
    np.testing.assert_allclose(odds[:, 1] - odds[:, 0], expected, atol=1e-9)


def test_mortgage_with_synthetic_people(data: Any, models: Any) -> None:
    import mortgage

    record = mortgage.audit_synthetic(models["logistic"], data, 3_000, "synthetic")
    assert record.people == 3_000
    assert any("synthetic" in note for note in record.notes)
    race = next(f for f in record.findings if f.group == "black" and f.unit == "net gap")
    assert race.estimate < -0.01


def test_mortgage_summary_has_a_line_for_each_pair(data: Any, models: Any) -> None:
    import mortgage

    record = mortgage.audit_real(models["logistic"], data, "decision", "logistic")
    lines = list(mortgage.summary(record))
    assert len(lines) == 1 + 8
    assert all(len(line) <= 100 for line in lines)


# --- what mends them ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_twin_averaging_leaves_no_flips(name: str, data: Any, models: Any) -> None:
    import mortgage_mitigation

    result = mortgage_mitigation.compare(models[name], data, candidates=["twin_average"])
    start, averaged = result.comparison.candidates
    assert start.gap.verdict == "biased"
    flips = [f for f in averaged.findings if f.unit == "flip rate"]
    # Race: 2 contrasts; sex: 1; crossed: 5.
    assert len(flips) == 8
    assert all(f.flips == 0 for f in flips)
    assert averaged.needs == ()


def test_a_mended_mortgage_model_is_a_normal_model(
    data: Any, models: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import mortgage
    import mortgage_mitigation
    from sklearn.model_selection import cross_val_score

    options = {"candidates": ["drop_attribute", "reweigh"], "workers": 1}
    result = mortgage_mitigation.compare(models["logistic"], data, **options)
    assert result.recommended == "drop_attribute"
    lines = list(mortgage_mitigation.summary(result.comparison))
    assert len(lines) == 4
    X, y = data[mortgage.FEATURES], data["approve"]
    assert cross_val_score(result.model, X, y, cv=3).mean() > 0.85
    page = result.save(tmp_path / "page.html").read_text(encoding="utf-8")
    drawn = mortgage_mitigation.picture(page)
    assert drawn.startswith("<svg")
    assert "drop_attribute" in drawn
