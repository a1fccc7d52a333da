"""A section of a model card in the style of Hugging Face: biases, risks and limitations."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator

from paribus._text import shortened, visible
from paribus.findings import Finding
from paribus.record import Record
from paribus.report import _gfm
from paribus.report._held import SIGNS, region, told, urgent
from paribus.report._marks import confidence
from paribus.report._method import alone, limits, method
from paribus.report._parts import Cell, Column, Facts, Page, Statements
from paribus.report._wording import readable, sentence
from paribus.report.base import page

MOST_FINDINGS = 40
MOST_METRICS = 200
_MOST_SENTENCES = 8
_MOST_REGIONS = 8

_TASKS = {"number": "tabular-regression", "score": "tabular-regression"}


_OF_TABLES = {
    "biased": (
        "Whoever relies on these decisions should know of the differences above, and find out "
        "where they come from before more are made."
    ),
    "inconclusive": (
        "Whoever relies on these decisions should know that equal outcomes are not proven: measure "
        "more rows."
    ),
    "within tolerance": (
        "Whoever decides about other people, or holds to another tolerance, should measure again: "
        "this holds for the rows that were measured."
    ),
}


def render(record: Record, *, metadata: bool = True) -> str:
    """Write the section of a model card that says what was found.

    Parameters
    ----------
    record : Record
        A finished audit.
    metadata : bool
        Whether the YAML comes first that lists the estimates as results of an evaluation
        (``model-index``). Without it the section can be put into a card that exists.

    Returns
    -------
    str
        Markdown with headings of the second level and below.
    """
    record = readable(record)
    content = page(record)
    blocks = [
        *(["\n".join(("---", *_metadata(record), "---"))] if metadata else []),
        "## Bias, Risks, and Limitations",
        *_found(content, record),
        *_where(record),
        *_limits(record),
        *_recommended(content, record),
        *_measured(record),
    ]
    return "\n\n".join(blocks) + "\n"


# --- the text -------------------------------------------------------------------------------------


def _found(content: Page, record: Record) -> Iterator[str]:
    verdict = content.verdict
    lead = "" if verdict is None else f"{SIGNS[verdict]} {verdict.capitalize()}. "
    yield f"{lead}{_gfm.escaped(content.sentence)}"
    if content.remarks:
        yield _gfm.listed(content.remarks)
    findings = urgent(record.findings)
    if not findings:
        return
    yield "### What was found"
    yield _gfm.listed([sentence(finding, record) for finding in findings[:_MOST_SENTENCES]])
    columns = (
        Column("Verdict"),
        Column("What"),
        Column("Estimate", numeric=True),
        Column(confidence(record), numeric=True),
        Column("Tolerance", numeric=True),
    )
    rows = []
    for finding in findings[:MOST_FINDINGS]:
        pieces = told(finding)
        rows.append(
            (
                Cell(f"{SIGNS[finding.verdict]} {finding.verdict}"),
                Cell(pieces.what),
                *map(Cell, (pieces.estimate, pieces.interval, pieces.tolerance)),
            )
        )
    yield _gfm.table(columns, rows)
    if len(findings) > MOST_FINDINGS:
        yield f"{len(findings) - MOST_FINDINGS:,} more findings are in the JSON record."


def _where(record: Record) -> Iterator[str]:
    if not record.regions:
        return
    yield "### Where the gap lives"
    widest = sorted(record.regions, key=lambda row: -abs(row.estimate))[:_MOST_REGIONS]
    yield _gfm.listed([region(row) for row in widest])


def _limits(record: Record) -> Iterator[str]:
    section = limits(record)
    said = [
        item.text for part in section.parts if isinstance(part, Statements) for item in part.items
    ]
    yield "### What this does not say"
    yield _gfm.listed(said)


def _recommended(content: Page, record: Record) -> Iterator[str]:
    yield "### Recommendations"
    advice = content.advice
    if not record.judged:
        usual = (
            "Nothing was held against a tolerance. Whoever relies on these decisions should "
            "declare beforehand which differences are acceptable, and measure again."
        )
    elif alone(record):
        usual = _OF_TABLES[record.verdict]
    elif record.verdict == "biased":
        usual = (
            "Whoever uses this model should know of the gaps above, and should not use it for "
            "decisions about people before they are closed: `paribus mitigate` compares ways to do "
            "that."
        )
    elif record.verdict == "inconclusive":
        usual = (
            "Whoever uses this model should know that equal treatment is not proven: ask about "
            "more people before relying on it."
        )
    else:
        usual = (
            "Whoever uses this model for other people, or with another tolerance, should audit it "
            "again: this holds for what was declared."
        )
    yield "\n".join([*([_gfm.listed(advice)] if advice else []), f"- {usual}"])


def _measured(record: Record) -> Iterator[str]:
    """Say how it was measured, in the facts of the page."""
    yield "### How it was measured"
    if alone(record):
        yield "Groups in a table were compared with each other."
    else:
        yield (
            "Counterfactual twins: the model was asked the same question about people who differ "
            "in one attribute and in what follows from it."
        )
    section = method(record)
    items = [
        item
        for part in section.parts
        if isinstance(part, Facts) and part.title != "This run"
        for item in part.items
    ]
    rows = [(Cell(key), Cell(shortened(content, 200))) for key, content in items]
    yield _gfm.table((Column("What"), Column("Is")), rows)


# --- the metadata ---------------------------------------------------------------------------------


def _metadata(record: Record) -> Iterator[str]:
    """Write the results as YAML; JSON's quoted text is YAML's, too."""
    outcome = "" if record.model is None else record.model.outcome
    title = shortened(visible(record.name), 120) or "Audit"
    model = title if record.model is None else shortened(visible(record.model.name), 120) or title
    yield "tags:"
    yield "- fairness"
    yield "- bias"
    findings = [f for f in urgent(record.findings) if abs(f.estimate) < sys.float_info.max]
    if not findings:
        return
    yield "model-index:"
    yield f"- name: {_quoted(model)}"
    yield "  results:"
    yield "  - task:"
    yield f"      type: {_TASKS.get(outcome, 'tabular-classification')}"
    yield "    dataset:"
    yield f"      name: {_quoted(_people(record))}"
    yield f"      type: {'tabular' if alone(record) else 'counterfactual-twins'}"
    yield "    metrics:"
    for finding in findings[:MOST_METRICS]:
        yield from _metric(finding)


def _people(record: Record) -> str:
    if alone(record) and record.data is not None:
        return shortened(visible(record.data.name), 120)
    title = shortened(visible(record.name), 120) or "Audit"
    return f"{title}: {record.people:,} people, seed {record.seed}"


def _metric(finding: Finding) -> Iterator[str]:
    kind = re.sub(r"[^a-z0-9]+", "-", finding.unit.lower()).strip("-") or "gap"
    yield f"    - type: {_quoted(kind)}"
    yield f"      value: {_number(finding.estimate)}"
    yield f"      name: {_quoted(told(finding).what)}"
    yield "      args:"
    for key in ("low", "high", "tolerance"):
        end = getattr(finding, key)
        if abs(end) < sys.float_info.max:
            yield f"        {key}: {_number(end)}"
    yield f"        verdict: {_quoted(finding.verdict)}"


def _quoted(text: str) -> str:
    # Who shows the file as it is may take it for HTML.
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c")


def _number(value: float) -> str:
    """Write a number that every reader of YAML takes for one: 1.0e-05, not 1e-05."""
    text = repr(float(value)) if math.isfinite(value) else "0.0"
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)
