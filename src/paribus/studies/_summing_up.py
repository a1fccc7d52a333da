"""What became of each candidate, as the record carries it."""

from __future__ import annotations

from typing import Any

import numpy as np

from paribus._text import count, name
from paribus.comparison import Candidate, Gap
from paribus.errors import ModelError, SpecError, nearest
from paribus.findings import Finding, overall
from paribus.mitigation.base import MITIGATIONS
from paribus.studies._concerns import concerns, group_rates
from paribus.studies._recommendation import widest
from paribus.studies._scoring import informed, mean_of, ratio_of
from paribus.studies._trial import Setting, Trial

_TWINS = ("flip rate", "label change rate", "absolute gap")
"""Units of twins, of which the first that is held is the gap where nobody chooses one."""

_KEPT = {"selection rate", "true positive rate", "false positive rate", "accuracy"}
"""Values of groups that the record keeps of each candidate, beside all that is held."""


def unit_of(wanted: str | None, start: Trial) -> str:
    """Decide which gap shall close.

    Raises
    ------
    SpecError, ModelError
        Where nothing of that name is held against a tolerance, or the model as it is failed.
    """
    if start.reason:
        said = f"the model as it is cannot be fitted, asked or scored: {start.reason}"
        raise ModelError(said, path=start.where or "$.model")
    held = [f.unit.removeprefix("excess ") for f in findings_of(start)]
    if wanted is None:
        for unit in _TWINS:
            if unit in held:
                return unit
        if held:
            return held[0]
        raise SpecError(
            "nothing about the model as it is can be held against a tolerance",
            path="$.mitigate.gap",
        )
    if wanted not in held:
        known = dict.fromkeys(held)
        raise SpecError(f'no gap "{wanted}" is held{nearest(wanted, known)}', path="$.mitigate.gap")
    return wanted


def findings_of(trial: Trial) -> tuple[Finding, ...]:
    """Give all that was held of a candidate: of its twins, then of groups."""
    twins = () if trial.record is None else trial.record.findings
    table = () if trial.measured is None else trial.measured.findings
    return (*twins, *table)


def summed_up(setting: Setting, start: Trial, trial: Trial, unit: str) -> Candidate:
    """Sum up what became of a candidate."""
    mitigation = trial.mitigation
    known: dict[str, Any] = {"name": trial.name}
    if mitigation is not None:
        plain = mitigation.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        known |= {
            "kind": mitigation.kind,
            "stage": mitigation.stage,
            "options": {k: v for k, v in plain.items() if k != "kind"},
            "about": MITIGATIONS.sentence(mitigation.kind),
        }
    if trial.reason:
        return Candidate(**known, failed=trial.reason)
    held = [f for f in findings_of(trial) if f.unit.removeprefix("excess ") == unit]
    if not held:
        return Candidate(**known, failed=f"its {unit} cannot be held: it does not repeat itself")
    assert trial.record is not None
    assert trial.measured is not None
    assert trial.correct is not None
    widest_gap = widest(held)
    rates = group_rates(setting, start, trial)
    each = setting.confidence
    return Candidate(
        **known,
        needs=trial.needs,
        **_scores(setting, start, trial),
        gap=Gap(
            **{key: getattr(widest_gap, key) for key in Gap.model_fields if key != "verdict"},
            verdict=overall(held),
        ),
        twins=overall(trial.record.findings),
        informed=informed(trial.decisions, setting.training.good, setting.training.weight, each),
        rates=rates,
        warnings=tuple(concerns(setting, start, trial, rates)),
        notes=trial.notes,
        evidence=trial.record.evidence
        + tuple(
            row
            for row in trial.measured.rows
            if row.held or (row.unit in _KEPT and row.relation == "value")
        )
        + trial.calibration,
        findings=findings_of(trial),
    )


def _scores(setting: Setting, start: Trial, trial: Trial) -> dict[str, Any]:
    each, scorer = setting.confidence, setting.scorer
    if scorer.call is None:
        assert start.correct is not None
        assert trial.correct is not None
        if trial is start:
            return {"score": trial.correct.measure(each)}
        return {
            "score": trial.correct.measure(each),
            "change": trial.correct.minus(start.correct, each),
            "kept": trial.correct.over(start.correct, each),
        }
    assert start.parts is not None
    assert trial.parts is not None
    if trial is start:
        return {"score": mean_of(trial.parts, each)}
    return {
        "score": mean_of(trial.parts, each),
        "change": mean_of(trial.parts - start.parts, each),
        "kept": ratio_of(trial.parts, start.parts, each) if scorer.share else None,
    }


def notes_of(setting: Setting) -> tuple[str, ...]:
    training = setting.training
    sizes = np.bincount(training.codes, minlength=len(training.groups))
    parts = int(setting.part.max()) + 1
    few = [g for g, n in zip(training.groups.names, sizes, strict=True) if n < parts]
    notes = [
        "Scores are measured against the labels of the table, which may carry the very bias that "
        "the audit finds: a fair model may have to disagree with them."
    ]
    if setting.fold:
        notes.append(
            "Scores and gaps are those of models fitted on parts of the rows and asked about the "
            "others. The model that is handed over is fitted once more on all rows, and is itself "
            "judged only when it is audited again, on people it has not seen; so is the model as "
            "it is, whose own audit asks it about rows that it was fitted on."
        )
    elif setting.audit.people.rows is not None:
        notes.append(
            "The people whose twins were asked about are those of another table: whether models "
            "were fitted on some of them is not known."
        )
    if few:
        listed = ", ".join(name(group) for group in few[:6])
        more = f" and {len(few) - 6} more" if len(few) > 6 else ""
        notes.append(
            f"{count(len(few), 'group')} with fewer rows than there are folds ({listed}{more}): "
            "some models were fitted without anybody of them."
        )
    return tuple(notes)
