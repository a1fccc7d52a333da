"""The suite of report formats."""

from __future__ import annotations

from paribus.auditing import Audit
from paribus.measuring import measured_record
from paribus.people.fields.map import map_of
from paribus.people.population import Protected
from paribus.record import REPORTS, Record
from paribus.testing._models import Echo
from paribus.testing._tests import SCRIPT, example_tables


def check_report(format: str, record: Record | None = None) -> None:
    """Check the promises of a report format.

    It renders any record, the same bytes each time, says something, and carries nothing that a
    reader's program could run.

    Parameters
    ----------
    format : str
        Name of the kind.
    record : Record, optional
        What to render; where left out, a small audit and a measured table, both with hostile names.
    """
    for shown in (_hostile().run(), _hostile_table()) if record is None else (record,):
        content = REPORTS.module(format).render(shown)
        assert content == REPORTS.module(format).render(shown), "rendering must repeat itself"
        assert content.strip(), "a report says something"
        try:
            text = content.decode() if isinstance(content, bytes) else content
        except UnicodeDecodeError:
            # A format of bytes, such as a workbook, is no text.
            continue
        if format not in {"json", "terminal", "line", "failure", "csv"}:
            assert "<script" not in text.lower(), "what reaches a page must be escaped"
        assert "\x1b]" not in text, "no control sequence of the data may reach a terminal"


def _hostile_table() -> Record:
    _, frame, roles = next(each for each in example_tables() if each[0].startswith("names that"))
    told = roles.model_dump(exclude_unset=True)
    checks = ("group", "scores", "representation", "deployment")
    return measured_record(frame, told | {"checks": checks}, name=SCRIPT)


def _hostile() -> Audit:
    script, formula = "<script>alert(1)</script>", '=HYPERLINK("x","y")'
    return Audit(
        name=script,
        size=50,
        probe=Echo(column="answer", outcome="decision", favorable=script),
        protect={script: Protected(levels=(formula, "\x1b]0;owned\x07", "\u202e right"))},
        fields={
            "answer": map_of(
                script, {formula: script, "\x1b]0;owned\x07": "no", "\u202e right": "no"}
            )
        },
    )
