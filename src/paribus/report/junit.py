"""JUnit XML, which every CI system shows: one test case for each finding."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from paribus._text import name, shortened, visible
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._held import region, told, witnesses_of
from paribus.report._marks import contrasts
from paribus.report._measured import question
from paribus.report._paired import measure, method
from paribus.report._parts import Statements
from paribus.report._wording import UNITS, certain, readable, sentence, shown, span
from paribus.report.base import page


def render(record: Record, *, inconclusive_passes: bool = False) -> str:
    """Write the findings as a JUnit test suite.

    Parameters
    ----------
    record : Record
        A finished audit.
    inconclusive_passes : bool
        Whether a finding that is `inconclusive` counts as skipped rather than failed.

    Returns
    -------
    str
        XML: a finding within tolerance passes, a `biased` one fails with its sentence and up to two
        witnesses.
    """
    record = readable(record)
    others = contrasts(row for row in record.evidence if row.test == "paired")
    cases = []
    for finding in record.findings:
        about = (finding.attribute, finding.reference, finding.group)
        # The first finding of a contrast carries what else is known about it.
        cases.append(_case(finding, record, inconclusive_passes, others.pop(about, [])))
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "time": "0",
    }
    title = shortened(visible(record.name), 120) or "Audit"
    whole = {key: number for key, number in totals.items() if key != "skipped"}
    root = ET.Element("testsuites", {"name": "paribus", **whole})
    suite = ET.SubElement(root, "testsuite", {"name": title, **totals})
    properties = ET.SubElement(suite, "properties")
    for key, content in _properties(record).items():
        ET.SubElement(properties, "property", {"name": key, "value": content})
    suite.extend(cases)
    lines = _said(record)
    if lines:
        ET.SubElement(suite, "system-out").text = "\n".join(lines)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _properties(record: Record) -> dict[str, str]:
    compared = record.comparison
    mended = {} if compared is None else {"recommended": visible(compared.recommended)}
    return {
        "verdict": record.verdict if record.judged else "none",
        "seed": str(record.seed),
        "people": str(record.people),
        "tolerance": repr(record.tolerance),
        "confidence": repr(record.confidence),
        "fingerprint": visible("" if record.model is None else record.model.fingerprint),
        **mended,
    }


def _said(record: Record) -> list[str]:
    """Say what no test case says: what stands beside the verdict, and what all cases share."""
    content = page(record)
    known = {sentence(finding, record) for finding in record.findings}
    lines = [content.sentence, *content.remarks]
    for section in content.sections:
        said = [
            item.text
            for part in section.parts
            if isinstance(part, Statements)
            for item in part.items
            if item.text not in known
        ]
        if said and not section.brief:
            lines += ["", section.title, *said]
    if record.regions:
        lines += ["", "Where the gap lives", *map(region, record.regions)]
    return lines


def _case(
    finding: Finding, record: Record, inconclusive_passes: bool, others: Sequence[Row]
) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "classname": f"paribus.{finding.test}.{name(finding.attribute)}",
            "name": _title(finding),
            "time": "0",
        },
    )
    said = sentence(finding, record)
    if finding.verdict == "inconclusive" and inconclusive_passes:
        ET.SubElement(case, "skipped", {"message": said})
    elif finding.verdict != "within tolerance":
        failure = ET.SubElement(case, "failure", {"type": finding.verdict, "message": said})
        failure.text = "\n".join([said, *witnesses_of(finding, record)])
    # A test case has no properties in the schema that Jenkins checks.
    facts = _facts(finding, others)
    ET.SubElement(case, "system-out").text = "\n".join(f"{k}: {v}" for k, v in facts.items() if v)
    return case


def _facts(finding: Finding, others: Sequence[Row]) -> dict[str, str]:
    measured = finding.stage != "model"
    pieces = told(finding)
    return {
        "verdict": finding.verdict,
        "estimate": pieces.estimate,
        "interval": pieces.interval,
        "tolerance": pieces.tolerance,
        "p": pieces.p,
        "method": pieces.method,
        "rows": f"{finding.answered:,} of {finding.people:,}" if measured else "",
        "settled after": "" if finding.settled is None else f"{finding.settled:,} people",
        **{f"{measure(row)} ({method(row)})": _number(row) for row in others},
    }


def _title(finding: Finding) -> str:
    if finding.stage != "model":
        return question(finding)
    return (
        f"{name(finding.attribute)}: {name(finding.reference)} -> {name(finding.group)}, "
        f"{UNITS[finding.unit].measure}"
    )


def _number(row: Row) -> str:
    p = certain(row)
    return f"{shown(row)}" + (f" ({span(row)})" if span(row) else "") + (f", p {p}" if p else "")
