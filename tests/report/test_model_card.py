"""The section of a model card, read by huggingface_hub."""

from __future__ import annotations

import re

import pytest
import yaml

from paribus.report import model_card
from paribus.report._wording import verdict_sentence
from paribus.testing import check_report


def metadata(text: str) -> dict:
    found = re.match(r"---\n(.*?)\n---\n", text, re.S)
    assert found
    return yaml.safe_load(found[1])


def test_it_conforms(record):
    check_report("model_card", record)


def test_the_section_says_what_was_found(loan):
    text = model_card.render(loan)
    headings = re.findall(r"^#+ .*", text, re.M)
    assert headings == [
        "## Bias, Risks, and Limitations",
        "### What was found",
        "### Where the gap lives",
        "### What this does not say",
        "### Recommendations",
        "### How it was measured",
    ]
    assert f"❌ Biased. {verdict_sentence(loan)}" in text
    assert "- Twins show the direct use of an attribute" in text


def test_results_have_the_numbers_of_the_findings(record):
    index = metadata(model_card.render(record))["model-index"]
    (results,) = index[0]["results"]
    metrics = results["metrics"]
    assert sorted(m["value"] for m in metrics) == sorted(f.estimate for f in record.findings)
    assert all(isinstance(m["value"], float) for m in metrics)
    assert {m["args"]["verdict"] for m in metrics} == {f.verdict for f in record.findings}


def test_a_hub_reads_it(record):
    hub = pytest.importorskip("huggingface_hub", reason="a tool of the test extra")
    card = hub.ModelCard(model_card.render(record), ignore_metadata_errors=False)
    results = card.data.eval_results
    assert len(results) == len(record.findings)
    for result in results:
        assert result.task_type in {"tabular-classification", "tabular-regression"}
        assert re.fullmatch(r"[a-z0-9-]+", result.metric_type)
        assert result.metric_args["tolerance"] == record.tolerance
    assert card.data.tags == ["fairness", "bias"]
    # Written again and read again, it says the same.
    again = hub.ModelCard(str(card)).data.eval_results
    assert [r.metric_value for r in again] == [r.metric_value for r in results]


def test_without_metadata_it_is_a_section(loan):
    text = model_card.render(loan, metadata=False)
    assert text.startswith("## Bias, Risks, and Limitations\n")
    assert model_card.render(loan).endswith(text)


def test_nothing_found_has_no_results(loan):
    text = model_card.render(loan.model_copy(update={"findings": ()}))
    assert metadata(text) == {"tags": ["fairness", "bias"]}


@pytest.mark.parametrize("verdict", ["biased", "within tolerance", "inconclusive"])
def test_each_verdict_has_a_recommendation(loan, verdict):
    text = model_card.render(loan.model_copy(update={"verdict": verdict}))
    said = text.split("### Recommendations\n\n- ")[1]
    assert said.startswith("Whoever uses this model")


@pytest.mark.parametrize("name", ["MODEL_CARD.md", "model_card.md", "loan.card.md"])
def test_its_name_chooses_it(loan, tmp_path, name):
    assert loan.save(tmp_path / name).read_text("utf-8") == model_card.render(loan)
