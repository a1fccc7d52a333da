"""One candidate tried: fitted fold by fold, asked about people it has not seen, and measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus import estimators
from paribus._seeds import generator
from paribus.auditing import Audit
from paribus.counting import Source
from paribus.errors import ParibusError, reason
from paribus.estimators.frames import rows_of
from paribus.evidence.base import Row
from paribus.evidence.counterfactual import Counterfactual
from paribus.measuring import Data, Measured, measure
from paribus.mitigation.base import Mended, Mitigation, Training
from paribus.probe.object import ObjectProbe
from paribus.record import Record
from paribus.stats.calibration import expected_calibration_error
from paribus.studies._cross_fitting import Asked, CrossFitted, held_out
from paribus.studies._scoring import Scorer, Share, part_scores

_BINS = 10
_DRAWS = 1_000

_SEEN = 3_000
"""Training rows of each fold about which a model is asked, at most."""

_CHECKS = ("group",)

Truths = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Setting:
    """What all candidates share.

    Parameters
    ----------
    audit : Audit
        Whose people each candidate is audited with.
    training : Training
        All rows.
    part : ndarray of int, shape (n,)
        The fold of each row.
    fold : str
        Column of the people that says in which fold a row is, where they are the training rows
        themselves; empty where they are other people, about whom the model fitted on all rows is
        asked.
    scorer : Scorer
    pieces : ndarray of int, shape (n,)
        Parts that the scorer sees one by one.
    confidence : float
        Of each single interval.
    data : Data
        What is measured of the decisions about rows on which a model was not fitted.
    """

    audit: Audit
    training: Training
    part: Codes
    fold: str
    scorer: Scorer
    pieces: Codes
    confidence: float
    data: Data

    def __post_init__(self) -> None:
        # Before threads share them: two that come at once would each make, and fit, their own.
        _ = self.rests, self.frame

    @cached_property
    def rests(self) -> tuple[Training, ...]:
        """The rows outside of each fold."""
        numbers = range(int(self.part.max()) + 1)
        return tuple(self.training.take(np.flatnonzero(self.part != k)) for k in numbers)

    @cached_property
    def frame(self) -> Any:
        """All rows as a data frame."""
        return self.training.frame

    def asked(self, model: Any, training: Training) -> Asked:
        """Give a model that was fitted on some rows, ready to be asked."""
        return Asked(model, training.seen, training.favorable)


@dataclass(eq=False)
class Trial:
    """What became of one candidate."""

    name: str
    mitigation: Mitigation | None
    reason: str = ""
    """Why it failed, if it did."""
    where: str = ""
    """The path of what was wrong, where it is known."""
    notes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    final: Any = None
    """The model fitted on all rows, where the audit has asked it."""
    decisions: Truths = field(default_factory=lambda: np.zeros(0, bool))
    """Favorable decisions about rows on which the model was not fitted, shape (n,)."""
    correct: Share | None = None
    """Whose label it foresees."""
    parts: Floats | None = None
    """Scores of the parts, of a scorer that is not counted."""
    record: Record | None = None
    """The audit of its twins."""
    measured: Measured | None = None
    calibration: tuple[Row, ...] = ()
    """How far its scores are off: everybody's first, then those of each group."""
    seen: tuple[Floats, Floats] | None = None
    """Favorable rows and rows of each group among those that the models were fitted on."""


def mended(mitigation: Mitigation | None, training: Training) -> Mended:
    """Give the model of a candidate fitted on some rows."""
    return Mended(training.plain) if mitigation is None else mitigation.mend(training)


def tried(setting: Setting, name: str, mitigation: Mitigation | None) -> Trial:
    """Fit, ask and measure a candidate; what goes wrong is said in its `reason`."""
    trial = Trial(name, mitigation)
    try:
        _fit_and_ask(setting, trial)
    except ParibusError as error:
        trial.reason = error.message
        trial.where = error.path if error.path.startswith("$.mitigate") else ""
    except Exception as error:
        # An estimator of somebody else's may fail in any way; the other candidates go on.
        trial.reason = reason(error)
    return trial


def _fit_and_ask(setting: Setting, trial: Trial) -> None:
    training = setting.training
    models = []
    for rest in setting.rests:
        made = mended(trial.mitigation, rest)
        if made.notes and not trial.notes:
            trial.notes = (f"What was done in the first of {len(setting.rests)} fits:", *made.notes)
        models.append(setting.asked(made.model, rest))
    estimator: Any = None
    if setting.fold:
        estimator = CrossFitted(models, setting.fold)
        needed = dict.fromkeys(name for model in models for name in model.names)
    else:
        made = mended(trial.mitigation, training)
        trial.notes, estimator = made.notes, made.model
        trial.final = made.model
        needed = dict.fromkeys(setting.asked(made.model, training).names)
    trial.needs = tuple(name for name in needed if name in training.closure)
    trial.decisions, scores = held_out(models, setting.frame, setting.part)
    trial.correct = Share(trial.decisions == training.good, training.weight)
    if setting.scorer.call is not None:
        trial.parts = part_scores(
            setting.scorer,
            models,
            setting.frame,
            training.good,
            setting.pieces,
            weight=training.weight,
        )
    trial.measured = _measured(setting, trial.decisions)
    trial.calibration = tuple(_calibration(setting, scores))
    trial.seen = _seen(setting, models)
    trial.record = _audited(setting, estimator)


def _audited(setting: Setting, estimator: Any) -> Record:
    """Audit twins with the same people as every other candidate."""
    audit = setting.audit
    told = audit.probe
    named = getattr(estimator, "feature_names_in_", None) is not None
    probe = ObjectProbe(
        estimator=estimator,
        outcome=told.outcome, favorable=told.favorable, threshold=told.threshold,
        prefer=told.prefer, labels=told.labels, times=told.times,
        features=None if named else setting.training.features,
        frame=None if named else setting.training.seen.kind,
    )  # fmt: skip
    changed = {"probe": probe, "confidence": setting.confidence}
    return redeclared(audit, **changed).run()


def redeclared(audit: Audit, **changed: Any) -> Audit:
    """Declare the same audit with some parts changed, and nothing kept from an earlier run."""
    return Audit(**{**{name: getattr(audit, name) for name in Audit.model_fields}, **changed})


def comparing(audit: Audit, **changed: Any) -> Audit:
    """Declare what every candidate is audited with: its twins, and no regions or profiles."""
    crossed = list(audit.cross)
    for test in audit.declared_tests or ():
        crossed += getattr(test, "cross", ())
    joint = "holm" if audit.multiplicity == "max-t" else audit.multiplicity
    return redeclared(
        audit,
        cross=(), stop="end", multiplicity=joint,
        declared_tests=(Counterfactual(cross=tuple(dict.fromkeys(crossed))),),
        **changed,
    )  # fmt: skip


# --- groups ---------------------------------------------------------------------------------------


def roles_of(training: Training, tolerance: float) -> Data:
    """Say what the columns of the table of decisions are."""
    names = _names(training)
    reference = {name: each.levels[each.reference_index] for name, each in training.protect.items()}
    return Data(
        by=training.attributes,
        label=names["label"],
        decision=names["decision"],
        weight=None if training.weight is None else names["weight"],
        favorable=1,
        reference={k: v for k, v in reference.items() if _occurs(training, k, v)},
        tolerance=tolerance,
        base=False,
    )


def _names(training: Training) -> dict[str, str]:
    """Name the columns of the table of decisions apart from the attributes."""
    out = {}
    for role in ("label", "decision", "weight"):
        name = role
        while name in training.attributes:
            name += " "
        out[role] = name
    return out


def _occurs(training: Training, attribute: str, level: Any) -> bool:
    place = training.attributes.index(attribute)
    groups = training.groups
    return any(str(level) == str(each) for each in groups.levels[place])


def _measured(setting: Setting, decisions: Truths) -> Measured:
    training, data = setting.training, setting.data
    names = _names(training)
    columns = {
        name: training.table.column(name, slice(None)).arrow() for name in training.attributes
    }
    columns[names["label"]] = pa.array(training.good.astype(np.int8))
    columns[names["decision"]] = pa.array(decisions.astype(np.int8))
    if training.weight is not None:
        columns[names["weight"]] = pa.array(training.weight)
    return measure(
        data, Source.of(pa.table(columns)),
        kinds=_CHECKS, seed=training.seed, confidence=setting.confidence,
    )  # fmt: skip


def _calibration(setting: Setting, scores: Floats) -> Iterator[Row]:
    """Say how far scores are off; of decisions without scores nothing can be said."""
    if np.isin(scores, (0.0, 1.0)).all():
        return
    training = setting.training
    yield _off(setting, scores, "", "", slice(None))
    for attribute in training.attributes:
        groups = estimators.Groups.of(setting.frame, [attribute])
        codes = groups.codes(setting.frame)
        for number, group in enumerate(groups.names):
            rows = codes == number
            if training.weight is None or training.weight[rows].any():
                yield _off(setting, scores, attribute, group, rows)


def _off(setting: Setting, scores: Floats, attribute: str, group: str, rows: Any) -> Row:
    training = setting.training
    score, good = scores[rows], training.good[rows].astype(np.float64)
    weight = np.ones(len(score)) if training.weight is None else training.weight[rows]
    place = np.minimum((score * _BINS).astype(np.intp), _BINS - 1)
    counts = [np.bincount(place, part, _BINS) for part in (weight, weight * good, weight * score)]
    total = float(weight.sum())
    error = expected_calibration_error(
        counts[0], counts[1], counts[2],
        generator(training.seed, f"calibration/{attribute}/{group}", 0),
        bins=_BINS, confidence=setting.confidence, draws=_DRAWS,
        effective=None if training.weight is None else total**2 / float((weight**2).sum()),
    )  # fmt: skip
    return Row(
        test="scores", unit="calibration error", relation="value", scale="share",
        stage="outcomes", contrast="group", attribute=attribute, reference="", group=group,
        people=len(score), answered=len(score),
        estimate=error.estimate, low=error.low, high=error.high,
    )  # fmt: skip


def _seen(setting: Setting, models: list[Asked]) -> tuple[Floats, Floats]:
    """Count favorable decisions by group among rows that the models were fitted on."""
    groups = len(setting.training.groups)
    good, everybody = np.zeros(groups), np.zeros(groups)
    for number, model in enumerate(models):
        rows = np.flatnonzero(setting.part != number)
        rows = rows[:: -(-len(rows) // _SEEN)]
        decided, _ = model.answers(rows_of(setting.frame, rows))
        codes = setting.training.codes[rows]
        everybody += np.bincount(codes, minlength=groups)
        good += np.bincount(codes, decided, minlength=groups)
    return good, everybody


def most_often(training: Training) -> float:
    """Give the share of people for whom the one answer that is right most often is right."""
    weight = np.ones(len(training)) if training.weight is None else training.weight
    share = float(weight[training.good].sum()) / float(weight.sum())
    return max(share, 1.0 - share)
