"""One line: the verdict, the worst gap with its interval, and how many people."""

from __future__ import annotations

from paribus._text import logged
from paribus.record import Record
from paribus.report._wording import people, readable, verdict_sentence
from paribus.report._worst import gap, title, worst_first


def render(record: Record) -> str:
    """Write a record as one line, without a line break at its end.

    Parameters
    ----------
    record : Record
        A finished audit.
    """
    record = readable(record)
    findings = worst_first(record)
    if not findings:
        return logged(f"{title(record)}: {verdict_sentence(record)}")
    said = f"{record.verdict}: {title(record)}: {gap(findings[0])}; {people(record.people)}"
    return logged(said)
