"""How much risk is left: what the result tells by itself, and the word that this earns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._text import count, name, number, percent
from paribus.anonymizing.file_leaks import leaks_in_file
from paribus.anonymizing.leaks import Leaks, leaks
from paribus.stats.anonymity import (
    distinct_diversity,
    equal_distance,
    equivalence_classes,
    ordered_distance,
    reidentification,
)
from paribus.studies._assessment import ClassSizes, Distances, Risk, RiskVerdict, Word
from paribus.studies._released import Released, coded, numbers, texts

ANONYMIZED: Word = "anonymized to the declared thresholds"

_SIZES = (1, 2, 5, 10, 20, 50, 100)
"""Smallest size of each bin of classes."""


@dataclass(frozen=True)
class Thresholds:
    """What is held to be safe, declared before looking."""

    k: int
    l: int | None  # noqa: E741 - the name of the field
    t: float | None
    unique_share: float
    attack_risk: float
    closer: float


@dataclass
class Found:
    """What was measured."""

    risks: list[Risk] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    classes: ClassSizes | None = None
    distances: Distances | None = None
    notes: list[str] = field(default_factory=list)
    each: float = 0.95

    @property
    def lacking(self) -> bool:
        """Whether what was not measured stands in the way of the stronger word."""
        return bool(self.unmeasured)

    @property
    def word(self) -> Word:
        """Choose the strongest word that is earned."""
        left = any(r.measure == "exact leaks" and r.verdict == "exceeds threshold"
                   for r in self.risks)  # fmt: skip
        if left:
            return "identifying values are left"
        earned = not self.lacking and all(r.verdict == "within threshold" for r in self.risks)
        return ANONYMIZED if earned else "pseudonymized"

    @property
    def verdict(self) -> RiskVerdict:
        """Sum the verdicts up; what is lacking is not within its threshold."""
        verdicts = {risk.verdict for risk in self.risks}
        if "exceeds threshold" in verdicts:
            return "exceeds threshold"
        return "inconclusive" if "inconclusive" in verdicts or self.lacking else "within threshold"


def counted_risks(released: Released, limits: Thresholds, found: Found) -> None:
    """Count what the result tells by itself: classes, secrets, and values that were left."""
    _classes(released, limits, found)
    _leaks(released, found)


# --- what is counted ------------------------------------------------------------------------------


def _classes(released: Released, limits: Thresholds, found: Found) -> None:
    table = released.anonymized
    quasi = tuple(each for each in released.quasi if each in table.column_names)
    gone = [each for each in released.quasi if each not in quasi]
    if gone:
        found.notes.append(
            f"The result has no {', '.join(name(g) for g in gone)} any more: it tells nobody apart."
        )
    n = len(table)
    if not quasi:
        # Everybody is alike: one class.
        owner, sizes = np.zeros(n, np.intp), np.array([n], np.intp)
    else:
        owner, sizes = equivalence_classes([_codes(table[each]) for each in quasi])
    sizes, unit, aside = _people(released, owner, sizes)
    total = int(sizes.sum())
    told = reidentification(sizes, limits.k)
    among = " x ".join(name(each) for each in quasi) or "no column"
    others = count(told.smallest - 1, "other")
    alone = f"Everybody shares {among} with {others} or more"
    if told.smallest == 1:
        alone = f"Somebody is alone with their {among}"
    found.risks.append(
        counted(
            "k-anonymity", quasi, "number", told.smallest, limits.k, "higher",
            total,
            f"{alone}: k = {told.smallest:,}; {_counted(told.below, unit)} "
            f"({percent(told.below_share)}) "
            f"{'stands' if told.below == 1 else 'stand'} in classes of fewer than {limits.k}."
            f"{aside}",
            "Make quasi-identifiers coarser (bands, shorter postcodes, years in place of dates), "
            f"or leave the rows out that stand in classes of fewer than {limits.k}.",
        )
    )  # fmt: skip
    found.risks.append(
        counted(
            "unique rows", quasi, "share", told.unique_share, limits.unique_share, "lower",
            total,
            f"{_counted(told.unique, unit)} ({percent(told.unique_share)}) "
            f"{'is' if told.unique == 1 else 'are'} alone with their {among}"
            f"{': whoever knows it finds them' if told.unique else ''}.",
            "Make the quasi-identifiers of these rows coarser, or leave the rows out.",
        )
    )  # fmt: skip
    people = [
        int(sizes[(sizes >= low) & (sizes < high)].sum())
        for low, high in zip(_SIZES, (*_SIZES[1:], n + 1), strict=True)
    ]
    found.classes = ClassSizes(first=_SIZES, people=tuple(people))
    for secret in released.sensitive:
        if secret not in table.column_names:
            found.notes.append(f"The result has no {name(secret)} any more: it tells no secret.")
            continue
        _diversity(table, owner, quasi, secret, limits, found)


def _people(
    released: Released, owner: npt.NDArray[np.intp], sizes: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], str, str]:
    """Count people in place of rows where it is known whose they are, and say what is counted."""
    who = released.persons
    if who is None or not who.several:
        return sizes, "row", ""
    if not (released.aligned and who.apart):
        return sizes, "row", " Rows are counted: whoever has several counts each time."
    pairs = np.unique(np.stack([owner, who.of_row]), axis=1)
    many = count(len(np.unique(who.of_row)), "person").replace("persons", "people")
    aside = f" People are counted: {many} in {count(len(owner), 'row')}."
    return np.bincount(pairs[0], minlength=len(sizes)).astype(np.intp), "person", aside


def _counted(n: int, unit: str) -> str:
    return count(n, unit).replace("persons", "people")


def _diversity(
    table: pa.Table,
    owner: npt.NDArray[np.intp],
    quasi: tuple[str, ...],
    secret: str,
    limits: Thresholds,
    found: Found,
) -> None:
    codes, ordered = _secret(table[secret])
    fewest = int(distinct_diversity(owner, codes).min())
    distance = ordered_distance if ordered else equal_distance
    apart = float(distance(owner, codes).max())
    about = (*quasi, secret)
    told = []
    if limits.l is None:
        told.append(f"l = {fewest}")
    else:
        found.risks.append(
            counted(
                "l-diversity", about, "number", fewest, limits.l, "higher", len(table),
                f"People who look alike have at least {count(fewest, 'value')} of {name(secret)} "
                f"among them: l = {fewest}.",
                f"Make quasi-identifiers coarser until everybody's class has {limits.l} values of "
                f"{name(secret)}.",
            )
        )  # fmt: skip
    if limits.t is None:
        told.append(f"t = {number(apart)}")
    else:
        found.risks.append(
            counted(
                "t-closeness", about, "share", apart, limits.t, "lower", len(table),
                f"Among people who look alike, {name(secret)} is distributed as in the whole table "
                f"up to a distance of {number(apart)}.",
                "Make quasi-identifiers coarser, so that classes are larger and more like all.",
            )
        )  # fmt: skip
    if told:
        found.notes.append(
            f"Of {name(secret)}, {' and '.join(told)}; no threshold was declared for "
            f"{'them' if len(told) > 1 else 'it'}."
        )


def _secret(column: Any) -> tuple[npt.NDArray[np.intp], bool]:
    """Give codes of a secret; those of numbers are in their order, the missing ones last."""
    values = numbers(column)
    if values is None:
        return _codes(column), False
    codes = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.intp)
    return codes, len(np.unique(values)) > 2


def _codes(column: Any) -> npt.NDArray[np.intp]:
    return coded(texts(column))[0][0]


def counted(
    measure: str,
    about: Sequence[str],
    scale: Literal["share", "number"],
    estimate: float,
    threshold: float,
    better: Literal["lower", "higher"],
    rows: int,
    sentence: str,
    advice: str,
) -> Risk:
    good = estimate <= threshold if better == "lower" else estimate >= threshold
    return Risk(
        measure=measure, about=tuple(about), scale=scale, estimate=float(estimate),
        threshold=float(threshold), better=better,
        verdict="within threshold" if good else "exceeds threshold",
        sentence=sentence, advice="" if good else advice, rows=rows,
    )  # fmt: skip


def _leaks(released: Released, found: Found) -> None:
    if not released.identifying:
        found.unmeasured.append("Exact leaks: no column was declared to identify people.")
        return
    told, hidden = _searched(released)
    places = sum(column.elsewhere for column in told.columns)
    leaked = told.leaked + hidden
    about = ", ".join(name(each) for each in released.identifying)
    risk = counted(
        "exact leaks", released.identifying, "number", leaked, 0, "lower", told.rows,
        _leaks_said(told, hidden, places, about, released.aligned),
        "Replace or drop " + _leaky(told) + "; look into free text." if told.leaked
        else "Write the rows into a new file, without metadata, and hand that one over.",
    )  # fmt: skip
    unclear = [column for column in told.columns if column.doubtful]
    if released.aligned:
        if unclear:
            risk = doubted(
                risk,
                f"{count(max(column.others for column in unclear), 'row')} "
                f"with somebody else's value of {', '.join(name(c.column) for c in unclear)} "
                "are more than chance explains.",
                "Look whether values were shuffled: what identifies must be replaced, and not "
                "dealt to others.",
            )
    elif places or unclear:
        risk = doubted(
            risk,
            "",
            "Say which original row each row of the result belongs to (rows=), so that "
            "coincidences can be told from leaks.",
        )
    found.risks.append(risk)


def doubted(risk: Risk, why: str, advice: str) -> Risk:
    """Take back that a risk is within its threshold, and say why."""
    said = f"{risk.sentence} {why}".rstrip()
    if risk.verdict != "within threshold":
        return risk.model_copy(update={"sentence": said})
    return risk.model_copy(
        update={"sentence": said, "verdict": "inconclusive", "advice": advice}
    )  # fmt: skip


def _searched(released: Released) -> tuple[Leaks, int]:
    """Search the rows, and the file that they were read from; also, values hidden in the file."""
    original = released.sought
    rows = np.arange(len(released.anonymized))
    if released.aligned:
        told = leaks(original, released.anonymized, released.identifying, rows=rows)
    else:
        # With one row more, which holds nothing, the two cannot be taken for the same people.
        nobody = pa.Table.from_pylist([{}], schema=original.schema)
        longer = pa.concat_tables([original, nobody])
        if len(longer) == len(rows):
            longer = pa.concat_tables([longer, nobody])
        told = leaks(longer, released.anonymized, released.identifying)
    if released.file is None:
        return told, 0
    held = leaks_in_file(
        original, released.file, released.identifying, known=told, output=released.anonymized
    )
    return told, held.hidden


def _leaky(told: Leaks) -> str:
    bad = [c.column for c in told.columns if c.leaked]
    return ", ".join(name(each) for each in bad) or "what identifies"


def _leaks_said(told: Leaks, hidden: int, places: int, about: str, aligned: bool) -> str:
    if told.leaked:
        leaked = told.leaked + hidden
        return (
            f"{count(leaked, 'place')} of the result still {'holds' if leaked == 1 else 'hold'} an "
            f"original value of {_leaky(told)}{_dealt(told)}."
        )
    if hidden:
        return (
            f"{count(hidden, 'original value')} of {about} {'stands' if hidden == 1 else 'stand'} "
            "in the file beside its rows, where no table shows it: in its metadata, or left over."
        )
    if aligned:
        chance = f"; {count(places, 'place')} of other people's rows hold one" if places else ""
        why = ", as chance has it where fakes come from lists of real names" if places else ""
        return f"No row holds its own original value of {about}{chance}{why}."
    if places:
        return (
            f"{count(places, 'place')} hold an original value of {about}; whether by chance cannot "
            "be told, since rows do not belong together."
        )
    return f"No original value of {about} stands anywhere in the result."


def _dealt(told: Leaks) -> str:
    dealt = [column.column for column in told.columns if column.shuffled]
    if not dealt:
        return ""
    return f"; those of {', '.join(name(each) for each in dealt)} were dealt to other rows"


def estimated(
    measure: str,
    about: Sequence[str],
    estimate: float,
    low: float,
    high: float,
    threshold: float,
    rows: int,
    sentence: str,
    advice: str,
) -> Risk:
    """Hold an estimate with its interval against a threshold that it must not exceed."""
    verdict: RiskVerdict = "inconclusive"
    if high <= threshold:
        verdict, advice = "within threshold", ""
    elif low > threshold:
        verdict = "exceeds threshold"
    else:
        advice = f"Take more rows or attacks to settle it. {advice}"
    return Risk(
        measure=measure, about=tuple(about), scale="share", estimate=estimate, low=low, high=high,
        threshold=threshold, better="lower", verdict=verdict, sentence=sentence, advice=advice,
        rows=rows,
    )  # fmt: skip
