"""Ways to mend the model side by side: what each keeps, what gap it leaves, and how it was done."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from paribus._text import count, legible, name, shortened, visible
from paribus.comparison import AS_IT_IS, Candidate, Comparison, Gap, Measure
from paribus.record import Record
from paribus.report._compared import (
    SAID,
    Show,
    Words,
    confidence,
    ends,
    named,
    reach,
    share,
    whole,
    written,
)
from paribus.report._gains import NEEDED, about, concerns, to_know, who_pays
from paribus.report._parts import (
    Cell,
    Column,
    Dot,
    Facts,
    Measured,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
    Tone,
    Tradeoff,
)
from paribus.report._wording import UNITS

_LABELS = (
    "Scores are measured against the labels of the table, which may carry the very bias that the "
    "audit finds."
)

_RULE = (
    "A candidate is recommended only where its gap is proven to lie within the tolerance, no other "
    "difference between its twins is proven, it is proven to follow the label better than one "
    "answer for everybody, and the gap has not moved to crossed groups. Of those that qualify, the "
    "one with the highest score is named; candidates that need no protected attribute to decide go "
    "first."
)


_FEW_NEEDS = 2
"""Names of what must be known, beside numbers; the warning about it has them all."""


def comparison(record: Record) -> Iterator[Section]:
    """Show ways to mend the model, and then say that all else is about the model as it is.

    Parameters
    ----------
    record : Record
        A finished audit; without a comparison it gives no section.

    Yields
    ------
    Section
        What mends the model, who gains and who pays, what to know before choosing, and how the
        candidates were compared.
    """
    compared = record.comparison
    if compared is None:
        return
    words = Words.of(compared)
    ranked = _ranked(compared)
    yield _side_by_side(compared, ranked, words)
    yield from who_pays(compared, ranked)
    yield from to_know(compared, ranked, record)
    yield _how(compared, record, words)
    yield Section(
        "The model as it is",
        (
            Paragraph(
                "From here on, everything is about the model as it is, before anything was done to "
                "it."
            ),
        ),
        (),
    )


def recommendation(record: Record) -> Iterator[str]:
    """Say, beside the verdict, what mends the model; nothing where nothing was compared."""
    compared = record.comparison
    if compared is None:
        return
    said = shortened(legible(compared.sentence), 2 * SAID)
    mends = bool(compared.recommended) and compared.recommended != AS_IT_IS
    yield f"What mends it: {said}" if mends else said
    chosen = [each for each in compared.candidates if mends and _is_chosen(each, compared)]
    warned = ", ".join(concerns(chosen[0], compared)) if chosen else ""
    if warned:
        title = "What to know before choosing"
        yield f"Read the warnings about {name(chosen[0].name)} first ({title}): {warned}."
    yield from _stopped(compared)


def _ranked(compared: Comparison) -> list[Candidate]:
    """Order candidates: as it is, the recommended, those on the front, the others, the failed."""

    def rank(candidate: Candidate) -> tuple[int, float]:
        score = candidate.score.estimate if candidate.score is not None else -sys.float_info.max
        if candidate.name == AS_IT_IS:
            return 0, 0.0
        if candidate.name == compared.recommended:
            return 1, 0.0
        return (4 if not candidate.usable else 2 if candidate.front else 3), -score

    return sorted(compared.candidates, key=rank)


# --- what mends it --------------------------------------------------------------------------------


def _side_by_side(compared: Comparison, ranked: Sequence[Candidate], words: Words) -> Section:
    chart = _tradeoff(compared, words)
    parts: list[Part] = [] if chart is None else [chart]
    usable = [each for each in ranked if each.usable]
    parts += [_table(compared, usable, words), _short_table(compared, usable, words)]
    if len(usable) < len(ranked):
        columns = (Column("Candidate"), Column("Why"))
        failed = [each for each in ranked if not each.usable]
        rows = tuple((Cell(name(each.name)), Cell(_reason(each))) for each in failed)
        parts.append(Table("Not compared", columns, rows))
    parts.append(_described(compared, ranked, words))
    intro = (Paragraph(_tried(compared, words)), Paragraph(_held(compared, words)))
    return Section("What mends the model", intro, tuple(parts))


def _tried(compared: Comparison, words: Words) -> str:
    """Say what was tried, and what is better."""
    others = [each for each in compared.candidates if each.name != AS_IT_IS]
    usable = sum(each.usable for each in others)
    if not others:
        return "No way to mend the model was tried."
    ways = "One way" if len(others) == 1 else f"{len(others):,} ways"
    ways += f" to mend the model {'was' if len(others) == 1 else 'were'} tried"
    if not usable:
        return f"{ways}, and none could be compared: each row says why."
    some = "" if usable == len(others) else f", and {usable:,} could be compared"
    title = UNITS[compared.gap].title if compared.gap in UNITS else ""
    meant = f" ({title[0].lower()}{title[1:]})" if title else ""
    every = "It was fitted" if len(others) == 1 else "Each was fitted"
    return (
        f"{ways}{some}. {every} again, asked about the same twins as the model "
        "as it is, and measured on rows on which it was not fitted. Better is a smaller "
        f"{words.gap_name}{meant} and a higher {words.score_name}."
    )


def _held(compared: Comparison, words: Words) -> str:
    """Say what counts as equal, where gaps are widest, and what stands beside candidates."""
    widest = {_contrast(each.gap) for each in compared.candidates if each.gap is not None}
    where = f"; all of them are widest for {widest.pop()}" if len(widest) == 1 else ""
    front = (
        " A candidate is dominated where the estimates of another are at least as good in both and "
        "better in one; the others are the front."
        if len(compared.candidates) > 1
        else ""
    )
    return (
        f"Gaps of up to {words.gap(compared.tolerance)} were declared beforehand to count as "
        f"equal{where}.{front}"
    )


def _tradeoff(compared: Comparison, words: Words) -> Tradeoff | None:
    shown = [each for each in compared.candidates if each.usable and each.score and each.gap]
    if len(shown) < 2:
        return None
    dots = tuple(_dot(each, words) for each in shown)
    told = "; ".join(
        f"{dot.label}: {words.gap_name} {dot.along.text}, {words.score_name} {dot.up.text}, "
        f"{dot.tone}"
        for dot in dots[:8]
    )
    more = f"; and {len(dots) - 8} more" if len(dots) > 8 else ""
    title = "The gap that remains, and how well each predicts"
    places = {each.name: place for place, each in enumerate(shown)}
    # Only accuracy is the same number of a single answer as of a model.
    floor = compared.constant if compared.scorer == "accuracy" and compared.constant > 0 else None
    return Tradeoff(
        title=title,
        description=f"{title}, with {words.each} intervals. {told}{more}.",
        along=f"{words.gap_name} that remains{' (%)' if words.share_along else ''}",
        axis=f"{words.score_name}{' (%)' if words.share else ''}",
        share_along=words.share_along,
        share=words.share,
        dots=dots,
        start=places.get(AS_IT_IS),
        chosen=places.get(compared.recommended),
        front=tuple(place for place, each in enumerate(shown) if each.front),
        band=compared.tolerance,
        band_label=f"up to {words.gap(compared.tolerance)}: counts as equal",
        needs=tuple(place for place, each in enumerate(shown) if each.needs),
        floor=floor,
        floor_label="" if floor is None else f"{share(floor)}: one answer for everybody",
        detail=True,
    )


def _dot(candidate: Candidate, words: Words) -> Dot:
    gap, score = candidate.gap, candidate.score
    assert gap is not None
    assert score is not None
    low, high = reach(gap)
    size = Measure(estimate=abs(gap.estimate), low=low, high=high)
    return Dot(
        name(candidate.name),
        Measured(size.estimate, low, high, whole(size, words.gap)),
        Measured(score.estimate, score.low, score.high, whole(score, words.score)),
        gap.verdict,
    )


def _table(compared: Comparison, usable: Sequence[Candidate], words: Words) -> Table:
    """Lay candidates side by side: two lines each, the second with the intervals."""
    kept = any(each.kept is not None for each in usable)
    columns = (
        Column("Candidate"),
        Column("Verdict"),
        Column(f"Gap ({words.gap_name})", numeric=True),
        Column(_capital(words.score_name), numeric=True),
        Column(f"{_capital(words.score_name)} kept" if kept else "Change", numeric=True),
        Column("Warnings"),
        Column("Must know"),
    )
    rows = tuple(
        (
            _candidate(each, compared),
            _verdict(each),
            _gap(each.gap, words),
            _interval(each.score, words.score),
            _interval(each.kept, share) if kept else _interval(each.change, words.change),
            _warned(each, compared),
            _needed(each),
        )
        for each in usable
    )
    places = (place for place, each in enumerate(usable) if _is_chosen(each, compared))
    return Table(
        f"All candidates, with {words.each} intervals",
        columns,
        rows,
        detail=True,
        chosen=next(places, None),
    )


def _described(compared: Comparison, ranked: Sequence[Candidate], words: Words) -> Table:
    """Say what each candidate does, where its gap is widest, and what beats it."""
    columns = (
        Column("Candidate"),
        Column("What it does"),
        Column(f"Widest {words.gap_name}"),
        Column("Dominated by"),
    )
    rows = tuple(
        (
            Cell(_marked(each, compared)),
            Cell(about(each)),
            Cell("" if each.gap is None else _contrast(each.gap)),
            Cell(named(each.dominated_by)),
        )
        for each in ranked
    )
    title = "What each candidate does, and what beats it"
    return Table(title, columns, rows, detail=True, folded=True)


def _short_table(compared: Comparison, usable: Sequence[Candidate], words: Words) -> Table:
    """Lay candidates side by side in few columns, without small print."""
    kept = any(each.kept is not None for each in usable)
    columns = (
        Column("Candidate"),
        Column("Verdict"),
        Column(f"Gap ({words.gap_name})", numeric=True),
        Column(f"{words.each} interval", numeric=True, extra=True),
        Column(_capital(words.score_name), numeric=True),
        Column(f"{words.each} interval", numeric=True, extra=True),
        *([Column("Kept", numeric=True)] if kept else []),
        Column("Needs", extra=True),
        Column("Front", extra=True),
    )

    def cells(each: Candidate) -> tuple[Cell, ...]:
        gap, score = each.gap, each.score
        return (
            Cell("" if gap is None else words.gap(abs(gap.estimate))),
            Cell("" if gap is None else ends(*reach(gap), words.gap)),
            Cell("" if score is None else words.score(score.estimate)),
            Cell("" if score is None else ends(score.low, score.high, words.score)),
            *([Cell("" if each.kept is None else written(each.kept.estimate, share))] * kept),
            Cell(named(each.needs)),
            Cell("yes" if each.front else ""),
        )

    rows = tuple(
        (Cell(_marked(each, compared)), Cell(each.gap.verdict if each.gap else "", _tone(each)),
         *cells(each))
        for each in usable
    )  # fmt: skip
    star = " (★ recommended)" if compared.recommended else ""
    return Table(f"Candidates{star}", columns, rows, brief=True)


def _candidate(candidate: Candidate, compared: Comparison) -> Cell:
    place = "on the front" if candidate.front else "dominated" if candidate.dominated_by else ""
    chosen = _is_chosen(candidate, compared)
    return Cell(_marked(candidate, compared), note="recommended" if chosen else place)


def _marked(candidate: Candidate, compared: Comparison) -> str:
    return f"{'★ ' if _is_chosen(candidate, compared) else ''}{name(candidate.name)}"


def _is_chosen(candidate: Candidate, compared: Comparison) -> bool:
    return bool(compared.recommended) and candidate.name == compared.recommended


def _reason(candidate: Candidate) -> str:
    return shortened(visible(candidate.failed), 300)


def _tone(candidate: Candidate) -> Tone:
    return "plain" if candidate.gap is None else candidate.gap.verdict


def _verdict(candidate: Candidate) -> Cell:
    """Give the verdict on the gap, and in small print another one of the twins."""
    held = None if candidate.gap is None else candidate.gap.verdict
    other = candidate.twins not in (None, held)
    return Cell(held or "", _tone(candidate), f"twins: {candidate.twins}" if other else "")


def _gap(gap: Gap | None, words: Words) -> Cell:
    if gap is None:
        return Cell("")
    return Cell(words.gap(abs(gap.estimate)), note=_tied(ends(*reach(gap), words.gap)))


def _contrast(gap: Gap) -> str:
    """Say of whom the gap is."""
    change = f"{name(gap.reference)} → {name(gap.group)}" if gap.reference else name(gap.group)
    return f"{name(gap.attribute)}: {change}" if gap.group else name(gap.attribute)


def _interval(measure: Measure | None, show: Show) -> Cell:
    if measure is None:
        return Cell("")
    return Cell(written(measure.estimate, show), note=_tied(ends(measure.low, measure.high, show)))


def _tied(text: str) -> str:
    """Keep the ends of an interval on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _warned(candidate: Candidate, compared: Comparison) -> Cell:
    """Name what the warnings are about, apart from what must be known, which has its own column."""
    first, *others = [each for each in concerns(candidate, compared) if each != NEEDED] or [""]
    return Cell(first, note=", ".join(others))


def _needed(candidate: Candidate) -> Cell:
    if not candidate.needs:
        return Cell("nothing")
    if len(candidate.needs) <= _FEW_NEEDS:
        return Cell(named(candidate.needs))
    first = shortened(named(candidate.needs[:_FEW_NEEDS]), 24)
    return Cell(count(len(candidate.needs), "column"), note=_tied(f"{first}, …"))


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


# --- how it was done ------------------------------------------------------------------------------


def _how(compared: Comparison, record: Record, words: Words) -> Section:
    others = f"{compared.folds:,}: each row is predicted by a model that was fitted on the others"
    together = confidence(record.confidence)
    constant = f"right for {share(compared.constant)} of rows, without any model"
    facts = (
        ("Learned from", f"{name(compared.train, 80)}, {count(compared.rows, 'row')}"),
        ("Label", name(compared.label)),
        ("Folds", others),
        ("Score", f"{words.score_name}; higher is better"),
        *([("One answer for all", constant)] if compared.constant > 0 else []),
        ("Gap", f"{words.gap_name}, of the contrast where it is widest"),
        ("Tolerance of the gap", words.gap(compared.tolerance)),
        ("Twins asked about", shortened(visible(compared.people), 160)),
        (
            "Intervals",
            f"{words.each} each: those of one kind of number, such as the {words.gap_name}, hold "
            f"together for all candidates at {together}; those of several kinds need not",
        ),
    )
    notes = [shortened(legible(note), SAID) for note in compared.notes]
    if not any("labels" in note and "bias" in note for note in notes):
        notes.insert(0, _LABELS)
    said = [*_stopped(compared), *notes, _RULE]
    brief = (
        f"Learned from {count(compared.rows, 'row')} of {name(compared.train)} with the label "
        f"{name(compared.label)}, {compared.folds:,} folds. {_LABELS}"
    )
    return Section(
        "How the candidates were compared",
        (),
        (Facts("The comparison", facts), Statements("", tuple(map(Statement, said)))),
        brief=brief,
    )


def _stopped(compared: Comparison) -> Iterator[str]:
    if compared.interrupted:
        left = sum(not each.usable for each in compared.candidates)
        yield (
            "The comparison was stopped before every candidate was tried: "
            f"{count(left, 'candidate')} could not be compared."
        )
