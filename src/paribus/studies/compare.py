"""Two records of the same audit, of two versions of a model: what got better, and what worse."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from paribus._text import name, shortened
from paribus.errors import DataError, SpecError
from paribus.evidence.base import Row
from paribus.findings import Finding, Verdict
from paribus.record import Record, open_record
from paribus.report._wording import SHARES
from paribus.stats.changes import Change
from paribus.stats.multiplicity import holm
from paribus.studies._assessment import open_assessment
from paribus.studies._change_words import place, said_of, summed_up
from paribus.studies._changes import Two, Weighed
from paribus.studies._compared import (
    ChangeVerdict,
    Compared,
    ComparedVerdict,
    GapChange,
    RateChange,
    Side,
    open_compared,
)
from paribus.studies._what_differs import circumstances, regions, requests, warnings

_PROVEN: tuple[ChangeVerdict, ...] = ("better", "unchanged", "no worse")

_NAMED = 5
"""Things that are listed by name before they are counted."""

_LARGEST = 1e150
"""Margins of squared effects are squared."""

Key = tuple[str, ...]


def compare(
    before: Record | str | Path,
    after: Record | str | Path,
    *,
    margin: float | None = None,
    confidence: float | None = None,
) -> Compared:
    """Compare two records of the same audit, of two versions of a model.

    Where both audits asked about the same people, each gap is compared person by person, and what
    the people have in common cancels. Otherwise the two estimates are compared.

    Parameters
    ----------
    before, after : Record or path
        Finished audits, or the JSON files of their records.
    margin : float, optional
        The largest change of a gap that counts as none, declared before looking, in the unit of the
        gaps: 0.01 is one percentage point. The tolerance of each gap where left out (the smaller of
        both records).
    confidence : float, optional
        Of intervals and verdicts, in (0.5, 1); the higher one of the two records where left out.

    Returns
    -------
    Compared
        ``compared.verdict``, ``compared.changes``, ``compared.save("compared.html")``.

    Raises
    ------
    ParibusError
        Where a file is no record, both are the same, or they have no gap in common.

    Notes
    -----
    A gap is ``worse`` where it is proven to have grown by more than the margin, and ``better``
    where it is proven to have shrunk by more; what counts is its size, on whichever side of zero.
    A gap that the audits themselves prove to be within its tolerance before and beyond it after is
    ``worse`` too; the larger of the two p-values counts (Berger 1982). The claims of ``worse``, of
    either sort, are adjusted over all gaps together (Holm 1979), and so are those of ``better``: of
    models whose gaps are equal, the chance of even one false claim is at most ``1 - confidence``.
    ``unchanged`` takes a proof that it is the same within the margin (two one-sided tests), and
    ``no worse`` one that it did not grow by the margin or more. All gaps together are no worse only
    if each is, and such an intersection keeps its level without adjustment (Berger 1982).

    Examples
    --------
    >>> import paribus as pb
    >>> def audited(line):
    ...     def loan(people):
    ...         return people["income"] > 60_000 + line * (people["gender"] == "Female")
    ...     return pb.audit(
    ...         loan, protect={"gender": ["Male", "Female"]}, favorable=True, seed=42,
    ...         fields={"income": pb.uniform(30_000.0, 120_000.0)}, people=2_000, tolerance=0.02,
    ...     )
    >>> compared = pb.compare(audited(9_000), audited(1_000))
    >>> compared.verdict, [change.verdict for change in compared.changes]
    ('no worse', ['better', 'better'])
    """
    if margin is not None and not (_is_number(margin) and 0 <= margin <= sys.float_info.max):
        said = shortened(repr(margin), 40)
        raise SpecError(f"must be a number from 0, not {said}", path="$.margin")
    if confidence is not None and not (_is_number(confidence) and 0.5 < confidence < 1):
        said = shortened(repr(confidence), 40)
        raise SpecError(f"must be above 0.5 and below 1, not {said}", path="$.confidence")
    margin = None if margin is None else float(margin)
    one, other = _opened(before, after)
    level = max(one.confidence, other.confidence) if confidence is None else float(confidence)
    two = Two(one, other, level)
    pairs, only = _matched(one, other)
    if margin is not None and margin >= 1 and all(_is_share(row) for row, _ in pairs):
        raise SpecError(
            f"is a share, and {margin:g} lets everything pass; write 0.05 for 5 points",
            path="$.margin",
        )
    changes = _judged(two, pairs, margin)
    rates = _rates(two)
    verdict = _overall(changes, only)
    return Compared(
        verdict=verdict,
        sentence=summed_up(verdict, changes, len(only[0]) + len(only[1])),
        before=_side(one),
        after=_side(other),
        confidence=level,
        margin=margin,
        same_people=two.same_people,
        changes=tuple(changes),
        rates=tuple(rates),
        appeared=regions(other, one),
        gone=regions(one, other),
        only_before=tuple(place(row) for row in only[0]),
        only_after=tuple(place(row) for row in only[1]),
        differences=(*circumstances(one, other), *requests(one, other)),
        notes=tuple(_notes(two, changes, rates, only)),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


# --- what is compared -----------------------------------------------------------------------------


def _opened(before: Record | str | Path, after: Record | str | Path) -> tuple[Record, Record]:
    """Open both records; a record is not compared with itself."""
    paths = [each for each in (before, after) if isinstance(each, str | Path)]
    same = before is after
    if len(paths) == 2:
        files = [Path(each) for each in paths]
        same = all(file.exists() for file in files) and files[0].samefile(files[1])
    if same:
        raise SpecError("both records are the same one; name that of another audit")
    found = []
    for each in (before, after):
        if isinstance(each, str | Path):
            found.append(_read(each))
        elif isinstance(each, Record):
            found.append(each)
        else:
            raise SpecError(
                f"expected a record, or the path of its JSON file, not {type(each).__name__}"
            )
    return found[0], found[1]


def _read(path: str | Path) -> Record:
    try:
        return open_record(path)
    except DataError:
        what = _other(path)
        if what:
            raise DataError(f'"{path}" is {what}, and no record of an audit') from None
        raise


def _other(path: str | Path) -> str:
    """Say what else a file holds, if it is one of ours."""
    for opened, what in (
        (open_assessment, "the assessment of an anonymized table"),
        (open_compared, "a comparison of two records"),
    ):
        with suppress(DataError):
            opened(path)
            return what
    return ""


def _key(row: Row | Finding) -> Key:
    return (
        row.test, row.stage, row.unit, row.relation, row.field,
        row.contrast, row.attribute, row.reference, row.group,
    )  # fmt: skip


Only = tuple[list[Row], list[Row]]
"""Rows that one of the records alone holds against a tolerance."""


def _matched(before: Record, after: Record) -> tuple[list[tuple[Row, Row]], Only]:
    """Find the rows that both records hold against a tolerance.

    Raises
    ------
    DataError
        Where there is none.
    """
    held = [
        {_key(row): row for row in reversed(record.evidence) if row.held}
        for record in (before, after)
    ]
    ordered = [[_key(row) for row in record.evidence if row.held] for record in (before, after)]
    for title, rows in zip(("first", "second"), held, strict=True):
        if not rows:
            raise DataError(
                f"the {title} record holds nothing against a tolerance: there is nothing to compare"
            )
    both = [key for key in dict.fromkeys(ordered[0]) if key in held[1]]
    if not both:
        said = [
            _listed({_told(rows[key]): None for key in keys})
            for rows, keys in zip(held, ordered, strict=True)
        ]
        raise DataError(
            "the two records have no gap in common, so nothing can be compared: the first is about "
            f"the {said[0]}, the second about the {said[1]}"
        )
    alone = [
        [held[i][key] for key in dict.fromkeys(ordered[i]) if key not in held[1 - i]]
        for i in (0, 1)
    ]
    # What can never be proven equal has nothing to prove in either record.
    only = tuple([row for row in rows if not row.alarm] for rows in alone)
    return [(held[0][key], held[1][key]) for key in both], (only[0], only[1])


def _told(row: Row) -> str:
    groups = " to ".join(name(each) for each in (row.reference, row.group) if each)
    return f"{row.unit} of {name(row.attribute)}" + (f" ({groups})" if groups else "")


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more


def _side(record: Record) -> Side:
    answers, model = record.answers, record.model
    return Side(
        name=record.name,
        verdict=record.verdict,
        people=record.people,
        model="" if model is None else model.name,
        fingerprint="" if model is None else model.fingerprint,
        refused=0 if answers is None else answers.refused,
        failed=0 if answers is None else answers.failed,
        versions=0 if answers is None else answers.versions,
    )


# --- what became of it ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Weighed:
    before: Row
    after: Row
    margin: float
    found: Weighed | None
    verdicts: tuple[Verdict | None, Verdict | None]

    @property
    def change(self) -> Change | None:
        return None if self.found is None else self.found.change

    @property
    def p_left(self) -> float:
        """P-value of having left the tolerance; 1 where the audits do not say so."""
        if self.verdicts != ("within tolerance", "biased"):
            return 1.0
        return _larger(self.before.p_within, self.after.p_outside)

    @property
    def p_returned(self) -> float:
        """P-value of having come within the tolerance; 1 where the audits do not say so."""
        if self.verdicts != ("biased", "within tolerance"):
            return 1.0
        return _larger(self.before.p_outside, self.after.p_within)

    @property
    def p_worse(self) -> float:
        return min(self.p_left, 1.0 if self.change is None else self.change.p_worse)

    @property
    def p_better(self) -> float:
        return min(self.p_returned, 1.0 if self.change is None else self.change.p_better)


def _larger(one: float | None, other: float | None) -> float:
    return 1.0 if one is None or other is None else max(one, other)


def _judged(two: Two, pairs: Sequence[tuple[Row, Row]], declared: float | None) -> list[GapChange]:
    """Weigh each pair of rows, then judge all of them together."""
    said = [
        {_key(finding): finding.verdict for finding in record.findings}
        for record in (two.before, two.after)
    ]
    weighed = []
    for before, after in pairs:
        margin = _margin(two, before, after, declared)
        key = _key(before)
        weighed.append(
            _Weighed(
                before, after, margin, two.gap(before, after, margin),
                (said[0].get(key), said[1].get(key)),
            )
        )  # fmt: skip
    worse = holm([each.p_worse for each in weighed])
    better = holm([each.p_better for each in weighed])
    return [
        _gap_change(two, each, float(p_worse), float(p_better))
        for each, p_worse, p_better in zip(weighed, worse, better, strict=True)
    ]


def _margin(two: Two, before: Row, after: Row, declared: float | None) -> float:
    """Give the margin of a row in its unit: the smaller tolerance where none is declared."""
    margin = declared
    if margin is None:
        margin = min(
            record.tolerance if row.tolerance is None else row.tolerance
            for record, row in ((two.before, before), (two.after, after))
        )
    if before.stage == "model" and before.unit in SHARES:
        return min(margin, 1.0)
    # The square of an effect is held against the square of the tolerance.
    margin = min(margin, _LARGEST)
    return margin * margin if before.unit == "squared effect" else margin


def _is_share(row: Row) -> bool:
    return row.unit in SHARES if row.stage == "model" else row.scale != "number"


def _gap_change(two: Two, weighed: _Weighed, p_worse: float, p_better: float) -> GapChange:
    before, after = weighed.before, weighed.after
    change, found = weighed.change, weighed.found
    crossed = set(weighed.verdicts) == {"within tolerance", "biased"}
    verdict = _verdict(two, weighed, p_worse, p_better)
    # Of numbers of which nobody knows the good side, the difference alone is told.
    apart = after.estimate - before.estimate
    shared = {key: getattr(after, key) for key in ("test", "stage", "unit", "relation", "scale")}
    shared |= {
        key: getattr(after, key)
        for key in ("contrast", "attribute", "reference", "group", "field", "alarm")
    }
    made = GapChange(
        **shared,
        before=before.estimate,
        before_low=before.low,
        before_high=before.high,
        before_verdict=weighed.verdicts[0],
        after=after.estimate,
        after_low=after.low,
        after_high=after.high,
        after_verdict=weighed.verdicts[1],
        method="verdicts" if found is None else found.method,
        people=min(before.people, after.people) if found is None else found.people,
        change=apart if change is None else change.estimate,
        low=min(apart, after.low - before.high) if change is None else change.low,
        high=max(apart, after.high - before.low) if change is None else change.high,
        p_worse=p_worse,
        p_better=p_better,
        margin=_as_weighed(after, weighed.margin),
        verdict=verdict,
        crossed=crossed,
        turned=_turned(before, after),
        sentence="",
    )
    return made.model_copy(update={"sentence": said_of(made, after, two.confidence)})


def _as_weighed(row: Row, margin: float) -> float:
    if row.scale == "ratio" and row.relation in {"ratio", "extremes"} and row.stage != "model":
        return -math.log1p(-min(margin, 1.0 - 1e-9))
    return margin


def _turned(before: Row, after: Row) -> bool:
    signed = before.unit in {"net gap", "score gap"} or before.relation == "difference"
    return signed and ((before.low > 0 > after.high) or (before.high < 0 < after.low))


def _verdict(two: Two, weighed: _Weighed, p_worse: float, p_better: float) -> ChangeVerdict:
    alpha = 1 - two.confidence
    change, verdicts = weighed.change, weighed.verdicts
    if p_worse <= alpha:
        return "worse"
    if p_better <= alpha:
        return "better"
    if verdicts == ("within tolerance", "biased"):
        # Among many gaps that may be chance, but it is nothing to pass for proof of the contrary.
        return "undecided"
    if change is None:
        return "no worse" if verdicts == ("within tolerance", "within tolerance") else "undecided"
    if change.p_unchanged <= alpha:
        return "unchanged"
    # A gap of no more than the margin cannot be larger than any other by more than that.
    tolerance = two.after.tolerance if weighed.after.tolerance is None else weighed.after.tolerance
    small = verdicts[1] == "within tolerance" and tolerance <= weighed.margin
    if change.p_no_worse <= alpha or (small and weighed.found and weighed.found.method != "paired"):
        return "no worse"
    return "undecided"


def _overall(changes: Sequence[GapChange], only: Only) -> ComparedVerdict:
    if any(change.verdict == "worse" for change in changes):
        return "worse"
    asked = [change for change in changes if not change.alarm]
    proven = all(change.verdict in _PROVEN for change in asked)
    return "no worse" if proven and asked and not (only[0] or only[1]) else "undecided"


def _rates(two: Two) -> list[RateChange]:
    """Compare how often each group gets the favorable answer."""
    sides = [
        {(row.contrast, row.attribute, row.group): row for row in record.evidence if _is_rate(row)}
        for record in (two.before, two.after)
    ]
    both = [(sides[0][key], sides[1][key]) for key in sides[0] if key in sides[1]]
    found = [two.rate(before, after) for before, after in both]
    raised = [min(1.0, each.change.p_worse) for each in found]
    lowered = [min(1.0, each.change.p_better) for each in found]
    adjusted = holm([min(pair) for pair in zip(raised, lowered, strict=True)])
    rates = []
    for (before, after), each, p in zip(both, found, adjusted.tolist(), strict=True):
        moved = p <= 1 - two.confidence
        rates.append(
            RateChange(
                attribute=after.attribute,
                group=after.group,
                before=before.estimate,
                after=after.estimate,
                method=each.method,
                people=each.people,
                change=each.change.estimate,
                low=each.change.low,
                high=each.change.high,
                p=p,
                verdict=("higher" if each.change.estimate > 0 else "lower")
                if moved
                else "undecided",
            )
        )
    return rates


def _is_rate(row: Row) -> bool:
    if row.stage == "model":
        return row.unit == "favorable rate" and row.contrast != "placebo"
    return row.unit == "selection rate" and row.relation == "value" and bool(row.group)


def _notes(
    two: Two, changes: Sequence[GapChange], rates: Sequence[RateChange], only: Only
) -> Iterator[str]:
    yield from warnings(two.before, two.after)
    for change in changes:
        theirs = [
            rate
            for rate in rates
            if rate.attribute == change.attribute and rate.group in {change.reference, change.group}
        ]
        rate_like = change.unit == "net gap" or change.relation == "difference"
        lower = len(theirs) == 2 and all(rate.verdict == "lower" for rate in theirs)
        if change.verdict == "better" and rate_like and lower:
            yield (
                f"The gap of {name(change.attribute)} between {name(change.reference)} and "
                f"{name(change.group)} closed by leveling down: both get the favorable answer less "
                "often than before."
            )
    for title, rows in zip(("first", "second"), only, strict=True):
        if rows:
            yield (
                f"Only the {title} record holds these against a tolerance: "
                f"{_listed([place(row) for row in rows])}."
            )
    methods = {change.method for change in changes}
    if "any dependence" in methods:
        yield (
            f"{_why_unpaired(two)} So two estimates are compared whose people may overlap, with an "
            "interval that holds however they go together: it takes a large change to prove one."
        )
    if "verdicts" in methods:
        yield (
            "Some numbers have no side that is known to be good; they are compared by their "
            "verdicts alone."
        )


def _why_unpaired(two: Two) -> str:
    if two.before.stopped is not None or two.after.stopped is not None:
        return "An audit stopped early: how many people it asked depends on what they said."
    if two.before.model is None or two.after.model is None:
        return "Records of tables keep no rows."
    if two.before.kept is None or two.after.kept is None:
        return "A record of an older version keeps no answers one by one."
    if not two.same_people:
        return "The people of the two audits are not the same."
    return "Some gaps are weighed over names, or keep no answers one by one."
