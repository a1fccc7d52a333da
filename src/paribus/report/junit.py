"""JUnit XML, which every CI system shows: one test case for each finding."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from paribus._text import name, percent, shortened, visible
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record, Witness
from paribus.report._marks import contrasts, whole_change
from paribus.report._measured import ends, question, tolerated, written
from paribus.report._paired import measure, method
from paribus.report._parts import Statements
from paribus.report._regions import rule
from paribus.report._witnesses import value
from paribus.report._wording import UNITS, certain, note, readable, sentence, shown, span
from paribus.report.base import page

MOST_WITNESSES = 2


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
    root = ET.Element("testsuites", {"name": "paribus", **totals})
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
        "verdict": record.verdict,
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
    known = {sentence(finding) for finding in record.findings}
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
        lines += ["", "Where the gap lives", *map(_region, record.regions)]
    return lines


def _region(row: Row) -> str:
    shares = [
        f"{percent(part)} of {what}"
        for part, what in (
            (row.share, "people"),
            (row.explained, "the gap"),
            (row.stability, "resamples found it again"),
        )
        if part is not None
    ]
    size = f"{shown(row)} ({span(row)})"
    return "; ".join([f"{whole_change(row)}, {rule(row)}: {size}", *shares])


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
    measured = finding.stage != "model"
    bound = tolerated(finding) if measured else ""
    facts = {
        "estimate": written(finding) if measured else shown(finding),
        "interval": ends(finding) if measured else span(finding),
        "tolerance": bound,
        "p": certain(finding),
        "method": note(finding),
        "rows": f"{finding.answered:,} of {finding.people:,}" if measured else "",
        "settled after": "" if finding.settled is None else f"{finding.settled:,} people",
        **{f"{measure(row)} ({method(row)})": _number(row) for row in others},
    }
    properties = ET.SubElement(case, "properties")
    for key, content in facts.items():
        if content:
            ET.SubElement(properties, "property", {"name": key, "value": content})
    said = sentence(finding)
    if finding.verdict == "inconclusive" and inconclusive_passes:
        ET.SubElement(case, "skipped", {"message": said})
    elif finding.verdict != "within tolerance":
        failure = ET.SubElement(case, "failure", {"type": finding.verdict, "message": said})
        failure.text = "\n".join([said, *_witnesses(finding, record)])
    return case


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


def _witnesses(finding: Finding, record: Record) -> list[str]:
    about = (finding.attribute, finding.reference, finding.group)
    mine = [w for w in record.witnesses if (w.attribute, w.reference, w.group) == about]
    return [_line(witness) for witness in mine[:MOST_WITNESSES]]


def _line(witness: Witness) -> str:
    sides = (
        (witness.reference, witness.reference_answer, witness.reference_values),
        (witness.group, witness.group_answer, witness.group_values),
    )
    answers = " but ".join(
        f"{'no answer' if answer is None else value(answer)} as {name(level)} ({_listed(values)})"
        for level, answer, values in sides
    )
    return f"person {witness.person}: {answers}; the same: {_listed(witness.same)}"


def _listed(values: dict[str, object]) -> str:
    shown = [f"{name(key)}={value(content)}" for key, content in list(values.items())[:12]]
    more = [f"and {len(values) - len(shown)} more"] if len(values) > len(shown) else []
    return ", ".join(shown + more) or "nothing"
