"""A record becomes a page: sections, tables and charts as data, from which every format derives."""

from __future__ import annotations

from paribus._text import shortened, visible
from paribus.record import Record
from paribus.report._comparison import comparison, recommendation
from paribus.report._findings import findings
from paribus.report._levels import levels
from paribus.report._life_cycle import life_cycle
from paribus.report._method import glance, limits, method
from paribus.report._noise import noise
from paribus.report._outcomes import outcomes
from paribus.report._paired import paired
from paribus.report._parts import Page
from paribus.report._placebo import placebo
from paribus.report._profiles import profiles
from paribus.report._rates import rates
from paribus.report._regions import regions
from paribus.report._sequence import sequence
from paribus.report._witnesses import witnesses
from paribus.report._wording import of_twins, readable, remarks, verdict_sentence


def page(record: Record) -> Page:
    """Lay a record out as a page.

    Parameters
    ----------
    record : Record
        A finished audit, just made or read from a file.

    Returns
    -------
    Page
        The verdict first; then, where ways to mend the model were compared, these side by side, and
        after them the model as it is. What each attribute does, the answers per group, where the
        gap lives, what a mere change of name and mere noise do, witnesses, and all levels together
        with crossed attributes; how the outcomes in a table differ, and the points where bias
        enters it; how the gap runs along other fields, when it was settled, the same pairs weighed
        otherwise, how it was done and what it does not say. Sections with nothing to show are left
        out.
    """
    record = readable(record)
    twins = of_twins(record)
    advice = tuple(recommendation(record))
    sections = [
        *comparison(record),
        *findings(twins),
        *rates(twins),
        *regions(twins),
        *placebo(twins),
        *noise(twins),
        *witnesses(twins),
        *levels(twins),
        *outcomes(record),
        *life_cycle(record),
        *profiles(twins),
        *sequence(twins),
        *paired(twins),
        method(record),
        limits(record),
    ]
    return Page(
        title=shortened(visible(record.name), 120) or "Audit",
        verdict=record.verdict if record.judged else None,
        sentence=verdict_sentence(record),
        sections=tuple(sections),
        remarks=(*advice, *remarks(record)),
        leading=len(advice),
        facts=tuple(glance(record)),
    )
