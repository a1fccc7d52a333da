"""What risk is left in a table that was anonymized, and what it is still good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pydantic

from paribus._plugins import Declaration, Number, Whole
from paribus._text import count, name, percent
from paribus._text import name as _called
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.frames import check_declared
from paribus.errors import DataError, SpecError
from paribus.studies import _found_again, _kept, _usefulness
from paribus.studies._assessment import (
    Agreement,
    Assessment,
    KeptVerdict,
    Score,
    open_assessment,
)
from paribus.studies._attacks import against_holdout
from paribus.studies._released import Released, arrow_of, belong_together, fitting, named
from paribus.studies._risks import ANONYMIZED, Found, Thresholds, counted_risks

__all__ = ["Assessment", "assess", "open_assessment"]

_SHUFFLED = "unordered"
_IN_PLACE = "aligned"


class _Options(Declaration):
    k: Whole = pydantic.Field(ge=1)
    l: Whole | None = pydantic.Field(ge=1)  # noqa: E741 - its name in the literature
    t: Number | None = pydantic.Field(ge=0, le=1)
    unique_share: Number = pydantic.Field(ge=0, le=1)
    attack_risk: Number = pydantic.Field(gt=0, le=1)
    closer: Number = pydantic.Field(gt=0.5, le=1)
    tolerance: Number = pydantic.Field(gt=0, lt=1)
    confidence: Number = pydantic.Field(gt=0.5, lt=1)
    seed: Whole = pydantic.Field(ge=0, lt=2**63)
    sample: Whole = pydantic.Field(ge=100)
    attacks: Whole = pydantic.Field(ge=10)


def assess(
    original: Any,
    anonymized: Any,
    *,
    anonymizer: Anonymizer | None = None,
    identifying: str | Sequence[str] | None = None,
    quasi: str | Sequence[str] = (),
    sensitive: str | Sequence[str] = (),
    holdout: Any = None,
    rows: Literal["aligned", "unordered"] | Sequence[int] | None = None,
    label: str | None = None,
    favorable: Any = None,
    protect: str | Sequence[str] | Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    model: Any = None,
    k: int = 5,
    l: int | None = None,  # noqa: E741 - its name in the literature
    t: float | None = None,
    unique_share: float = 0.0,
    attack_risk: float = 0.1,
    closer: float = 0.55,
    tolerance: float = 0.05,
    confidence: float = 0.95,
    sample: int = 20_000,
    attacks: int = 2_000,
    seed: int = 0,
    name: str = "Assessment",
) -> Assessment:
    """Measure the risk that is left in a table, and what the table is still good for.

    Nothing here is a legal judgment: whether people are "no longer identifiable" by all means
    reasonably likely to be used (recital 26 of the GDPR) depends on more than a table.

    Parameters
    ----------
    original : data frame or path
        The real table: pandas, polars, pyarrow, DuckDB, or a CSV or Parquet file.
    anonymized : data frame or path
        What is to be given away: replaced row by row, or a synthetic table.
    anonymizer : Anonymizer, optional
        What replaced the columns; says which of them identify.
    identifying : str or sequence of str, optional
        Columns of the original that identify by themselves; an empty list where there are none.
        Where left out, those that the `anonymizer` replaces.
    quasi : str or sequence of str
        Columns that identify in combination and that others may know: sex, age, postcode.
    sensitive : str or sequence of str
        Columns that nobody must learn of a person.
    holdout : data frame or path, optional
        Real rows from which nothing was made, with the columns of the original: what can be said
        of these people from the table is no leak about them. A table replaced row by row needs
        none: one random half of its originals serves the other. For a synthetic table it must be
        held back before anything is learned.
    rows : {"aligned", "unordered"} or sequence of int, optional
        Whether each row of the result belongs to the row of the original at its place, or which
        row it belongs to (from 0), where some were left out. Told from the values where left out.
    label : str, optional
        A column with classes: a model learned from either table predicts it for real people whom
        it has not seen.
    favorable : label, optional
        Which class is good for a person; 1 or true by itself.
    protect : str, sequence of str, or mapping, optional
        Protected attributes, or attribute -> its levels, the reference first: the audit's verdicts
        are found with either table. Takes a `label`.
    fields : mapping, optional
        Column -> field, as for `audit`: what twins are given besides. A replaced column that is
        named here is seen by the models.
    model : object, optional
        An estimator of scikit-learn's kind, to be fitted on pandas frames with missing values;
        boosted trees where left out.
    k : int
        People who share a combination of quasi-identifiers, at least. Rows of a synthetic table are
        nobody's: ``k=1`` and ``unique_share=1`` declare that their classes do not matter.
    l : int, optional
        Distinct values of a sensitive column among people who look alike, at least.
    t : float, optional
        How far its distribution among them may be from that in the whole table, in [0, 1].
    unique_share : float
        Share of rows that may be alone in their combination.
    attack_risk : float
        The largest risk that an attack may leave, in (0, 1]: the share of people whom it succeeds
        with because of the table.
    closer : float
        The largest share of rows that may be closer to a row they were made from than to the
        holdout, in (0.5, 1]; 0.5 is what chance gives.
    tolerance : float
        The largest change of shares, scores and gaps that counts as none, in (0, 1).
    confidence : float
        Of verdicts, in (0.5, 1): intervals of risks hold together (Bonferroni).
    sample : int
        Rows at most for what takes long: distances, attacks, models.
    attacks : int
        Tries of each attack.
    seed : int
    name : str
        Title of the page.

    Returns
    -------
    Assessment
        ``assessment.verdict``, ``print(assessment)``, ``assessment.save("risk.html")``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    References
    ----------
    Attacks: Giomi, Boenisch, Wehmeyer and Tasnádi (2023), A unified framework for quantifying
    privacy risk in synthetic data, Proceedings on Privacy Enhancing Technologies 2023 (2), 312-328.
    Closeness: Platzer and Reutterer (2021), Frontiers in Big Data 4, 679939.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({
    ...     "email": [f"person{i}@firm{i % 9}.com" for i in range(600)],
    ...     "sex": ["F", "M", "M"] * 200, "age": [20 + i % 50 for i in range(600)],
    ... })
    >>> safe = people.assign(email=[f"{i:012x}@example.org" for i in range(600)])
    >>> made = assess(people, safe, identifying="email", quasi=["sex", "age"])
    >>> made.word
    'pseudonymized'
    >>> [(risk.measure, risk.estimate) for risk in made.risks[:2]]
    [('k-anonymity', 4.0), ('unique rows', 0.0)]
    """
    _Options(
        k=k, l=l, t=t, unique_share=unique_share, attack_risk=attack_risk, closer=closer,
        tolerance=tolerance, confidence=confidence, seed=seed, sample=sample, attacks=attacks,
    )  # fmt: skip
    released, notes = _released(
        original, anonymized, holdout, anonymizer, identifying, quasi, sensitive, rows
    )
    limits = Thresholds(
        k=k, l=l, t=t, unique_share=unique_share, attack_risk=attack_risk, closer=closer
    )
    settings = _found_again.Held(tolerance, confidence, seed)
    learned = _Learned()
    if label is not None:
        learned = _learned(released, label, favorable, protect, fields, model, sample, settings)
    elif protect is not None or favorable is not None or model is not None:
        path = "$.protect" if protect is not None else "$.label"
        raise SpecError("takes a label that a model can learn: label = ...", path=path)
    columns = _kept.columns(released, tolerance, confidence)
    pairs = _kept.associations(released, tolerance, confidence)
    found = Found(each=confidence)
    counted_risks(released, limits, found)
    against_holdout(released, limits, confidence, seed, sample, attacks, found)
    useful = _found_again.together(
        [
            *(c.verdict for c in columns if c.verdict is not None),
            *(pair.verdict for pair in pairs),
            *(score.verdict for score in learned.scores),
            *(each.verdict for each in learned.agreements),
        ]
    )
    return Assessment(
        name=name,
        word=found.word,
        verdict=found.verdict,
        sentence=_sentence(found, limits),
        usefulness=useful,
        useful_sentence=_useful_sentence(useful, learned, columns, pairs, tolerance),
        original_rows=len(released.original),
        anonymized_rows=len(released.anonymized),
        holdout_rows=0 if released.holdout is None else len(released.holdout),
        aligned=released.aligned,
        identifying=released.identifying,
        quasi=released.quasi,
        sensitive=released.sensitive,
        confidence=confidence,
        each=found.each,
        tolerance=tolerance,
        seed=seed,
        risks=tuple(found.risks),
        unmeasured=tuple(found.unmeasured),
        classes=found.classes,
        distances=found.distances,
        columns=columns,
        associations=pairs,
        scores=learned.scores,
        agreements=learned.agreements,
        notes=(*notes, *found.notes, *learned.notes),
    )


# --- what was asked -------------------------------------------------------------------------------


def _released(
    original: Any,
    anonymized: Any,
    holdout: Any,
    anonymizer: Anonymizer | None,
    identifying: str | Sequence[str] | None,
    quasi: str | Sequence[str],
    sensitive: str | Sequence[str],
    rows: Any,
) -> tuple[Released, list[str]]:
    before = arrow_of(original, "$.original")
    after = arrow_of(anonymized, "$.anonymized")
    known = before.column_names
    if not set(known) & set(after.column_names):
        raise DataError("the two tables have no column in common", path="$.anonymized")
    among = named(quasi, known, "$.quasi")
    if not among:
        raise SpecError(
            'name the columns that identify in combination, such as quasi = ["sex", "age"]',
            path="$.quasi",
        )
    secrets = named(sensitive, known, "$.sensitive")
    if identifying is None:
        if anonymizer is None:
            raise SpecError(
                "name the columns that identify by themselves, or hand the anonymizer over; an "
                "empty list where there are none",
                path="$.identifying",
            )
        if not isinstance(anonymizer, Anonymizer):
            raise SpecError(
                f"expected an Anonymizer, not {type(anonymizer).__name__}", path="$.anonymizer"
            )
        check_declared(known, anonymizer.columns)
        identifying = [
            each
            for each, replacement in anonymizer.columns.items()
            if replacement.direct and each in known and each not in (*among, *secrets)
        ]
    direct = named(identifying, known, "$.identifying")
    for listed, path in ((among, "$.quasi"), (secrets, "$.sensitive")):
        for each in listed:
            if each in direct:
                raise SpecError(f'"{each}" is named as identifying already', path=path)
    for each in among:
        if each in secrets:
            raise SpecError(f'"{each}" is named as a quasi-identifier already', path="$.sensitive")
    notes: list[str] = []
    held_back = None
    if holdout is not None:
        held_back = arrow_of(holdout, "$.holdout")
        fitting(held_back, before, "$.holdout")
    before, aligned = _aligned(before, after, direct, rows, notes)
    file = Path(anonymized) if isinstance(anonymized, str | Path) else None
    texts: tuple[str, ...] = ()
    if isinstance(anonymizer, Anonymizer):
        kinds = {name: replacement.kind for name, replacement in anonymizer.columns.items()}
        texts = tuple(name for name in direct if kinds.get(name) == "text")
    if texts:
        notes.append(
            f"Of free text ({', '.join(map(_called, texts))}) only cells in which a pattern finds "
            "an identifier must not stay as they are; names in it are those of the other columns."
        )
    return Released(before, after, held_back, direct, among, secrets, aligned, file, texts), notes


def _aligned(
    before: pa.Table, after: pa.Table, direct: tuple[str, ...], rows: Any, notes: list[str]
) -> tuple[pa.Table, bool]:
    if rows is None:
        aligned = belong_together(before, after, direct)
        if aligned:
            notes.append(
                "Both tables have the same number of rows and agree row by row, so each row of the "
                "result is taken for the person at its place in the original."
            )
        else:
            notes.append(
                "Rows of the result do not belong to rows of the original one by one: the two are "
                "compared as samples."
            )
        return before, aligned
    if isinstance(rows, str):
        if rows not in (_IN_PLACE, _SHUFFLED):
            raise SpecError(
                f'expected "{_IN_PLACE}", "{_SHUFFLED}" or the numbers of rows, not "{rows}"',
                path="$.rows",
            )
        if rows == _IN_PLACE and len(before) != len(after):
            raise DataError(
                f"the original has {count(len(before), 'row')} and the result {len(after):,}, so "
                "they are not aligned; give the original row of each",
                path="$.rows",
            )
        return before, rows == _IN_PLACE
    try:
        chosen = np.asarray(rows)
        whole = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise SpecError("expected the numbers of rows of the original, from 0", path="$.rows")
    if len(chosen) != len(after):
        raise DataError(
            f"there are {count(len(chosen), 'number')} for the {count(len(after), 'row')} of the "
            "result",
            path="$.rows",
        )
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(before)):
        raise DataError(f"the rows of the original go from 0 to {len(before) - 1:,}", path="$.rows")
    left = len(before) - len(np.unique(chosen))
    if left:
        notes.append(
            f"{count(left, 'row')} of the original ({percent(left / len(before))}) "
            f"{'is' if left == 1 else 'are'} not in the result; all comparisons are about those "
            "that are."
        )
    return before.take(chosen), True


# --- what is learned from either ------------------------------------------------------------------


class _Learned:
    """What models and audits say of both tables."""

    scores: tuple[Score, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    notes: tuple[str, ...] = ()


def _learned(
    released: Released,
    label: str,
    favorable: Any,
    protect: Any,
    fields: Mapping[str, Any] | None,
    model: Any,
    sample: int,
    settings: _found_again.Held,
) -> _Learned:
    if isinstance(favorable, list | tuple | set):
        raise SpecError("name one class", path="$.favorable")
    levels = _usefulness.levels_of(released, protect)
    if label in levels:
        raise SpecError("is the label", path=f"$.protect.{label}")
    task = _usefulness.task_of(released, label, favorable, levels, fields, sample, settings.seed)
    fits = _usefulness.fitted(task, model, settings.seed)
    learned = _Learned()
    learned.scores = _usefulness.scores(task, fits, settings.tolerance, settings.confidence)
    twins, notes = _found_again.twin_gaps(task, fits, fields, settings)
    learned.notes = (*task.notes, *notes)
    learned.agreements = (
        *_found_again.group_gaps_of_tables(released, label, task.classes, levels, settings),
        *_found_again.group_gaps_of_models(task, fits, settings),
        *twins,
    )
    return learned


# --- in one sentence ------------------------------------------------------------------------------


def _sentence(found: Found, limits: Thresholds) -> str:
    total = len(found.risks)
    beyond = [risk for risk in found.risks if risk.verdict == "exceeds threshold"]
    open_ = [risk for risk in found.risks if risk.verdict == "inconclusive"]
    if found.word == "identifying values are left":
        return "Identifying values are left in the result: it is not even pseudonymized."
    if found.word == ANONYMIZED:
        return (
            f"Anonymized to the declared thresholds: all {total} measures of risk are within them."
        )
    parts = []
    if beyond:
        parts.append(f"{_listed(beyond)} {'exceeds its' if len(beyond) == 1 else 'exceed their'} "
                     "threshold")  # fmt: skip
    if open_:
        parts.append(f"{_listed(open_)} {'is' if len(open_) == 1 else 'are'} not proven to be "
                     "within")  # fmt: skip
    if found.lacking:
        heads = [said.partition(":")[0] for said in found.unmeasured]
        listed = "; ".join(head[:1].lower() + head[1:] for head in heads)
        parts.append(f"not everything was measured ({listed})")
    return f"Pseudonymized, and no more: {'; '.join(parts)}."


def _listed(some: Sequence[Any]) -> str:
    names = list(dict.fromkeys(risk.measure for risk in some))
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return ", ".join(names)


def _useful_sentence(
    useful: KeptVerdict,
    learned: _Learned,
    columns: Sequence[Any],
    pairs: Sequence[Any],
    tolerance: float,
) -> str:
    bound = percent(tolerance)
    groups = (
        ("column", "", [c.name for c in columns if c.verdict == "changed"]),
        ("correlation", "", [f"{p.first} and {p.second}" for p in pairs if p.verdict == "changed"]),
        ("score", " of the model", [s.measure for s in learned.scores if s.verdict == "changed"]),
        ("finding", " of the audit",
         [a.unit for a in learned.agreements if a.verdict == "changed"]),
    )  # fmt: skip
    changed = [
        f"{count(len(some), noun)}{whose} ({', '.join(_short(each) for each in some[:2])}"
        f"{', ...' if len(some) > 2 else ''})"
        for noun, whose, some in groups
        if some
    ]
    agreed = [a for a in learned.agreements if a.agrees]
    audit = ""
    if learned.agreements:
        audit = (
            f" The audit says the same of both tables in {len(agreed)} of "
            f"{count(len(learned.agreements), 'finding')}."
        )
    if useful == "kept":
        return f"Everything measured is kept, to within {bound}.{audit}"
    if useful == "changed":
        return f"Changed by more than {bound}: {'; '.join(changed)}.{audit}"
    return f"Nothing is proven to have changed by more than {bound}, nor all to be kept.{audit}"


def _short(text: str) -> str:
    return name(text, 40)
