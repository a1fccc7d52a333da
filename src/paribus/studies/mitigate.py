"""Ways to mend a model tried side by side: the same people, unseen rows, and a recommendation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pydantic
from pydantic import InstanceOf
from sklearn.base import is_regressor

from paribus._files import write_atomically
from paribus._text import count
from paribus.auditing import Audit, declare, protected
from paribus.comparison import AS_IT_IS, Candidate, Comparison
from paribus.errors import DataError, ModelError, OutputError, ParibusError, SpecError, nearest
from paribus.estimators.fits import on_all_cores, on_few_cores
from paribus.estimators.frames import final
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.executors.threads import Threads
from paribus.measuring import TOLERANCE
from paribus.mitigation.base import (
    USUAL,
    Mitigation,
    Request,
    Training,
    named,
    parsed,
)
from paribus.people.fields.base import FIELDS
from paribus.probe._handed import probe_of
from paribus.probe.base import Model
from paribus.probe.object import ObjectProbe
from paribus.probe.skops import written
from paribus.record import Record
from paribus.stats.folds import folds
from paribus.studies._cross_fitting import with_fold
from paribus.studies._recommendation import recommend, with_front
from paribus.studies._scoring import Scorer, parts_of
from paribus.studies._summing_up import notes_of, summed_up, unit_of
from paribus.studies._training_table import training_of
from paribus.studies._trial import (
    Setting,
    Trial,
    comparing,
    mended,
    most_often,
    redeclared,
    roles_of,
    tried,
)
from paribus.summary import Clock
from paribus.table import Table, flat

_MOST_WORKERS = 4


class Mending(Request):
    """A declared comparison of ways to mend the model of an audit."""

    audit: InstanceOf[Audit]
    label: str
    table: InstanceOf[Table] | None = pydantic.Field(default=None, exclude=True, repr=False)
    """The rows themselves, where they are in memory."""

    def run(self, executor: Executor | None = None, *, trust: bool = False) -> Mitigated:
        """Try all candidates.

        Parameters
        ----------
        executor : Executor, optional
            Maps over the candidates; one after the other where left out. Ctrl-C keeps those that
            are finished.
        trust : bool
            Whether the model may be loaded from a format that can run code.

        Raises
        ------
        ParibusError
            Where the request is wrong. A candidate that fails says so in its row.
        """
        clock = Clock()
        model = self.audit.probe.open(trust=trust)
        if model.estimator is None:
            raise SpecError(
                f"a model of kind {self.audit.probe.kind} cannot be fitted again; hand over a "
                "scikit-learn, XGBoost or LightGBM estimator, or its skops file",
                path="$.model.kind",
            )
        if is_regressor(model.estimator):
            raise SpecError(
                f"{model.name} predicts numbers; what can be mended so far are decisions between "
                "two labels",
                path="$.model",
            )
        scorer = Scorer.of(self.scorer)
        table = self._table()
        training, notes = training_of(self.audit, model, table, self.label, self.weight)
        # What is fitted at a time shares the cores.
        workers = int(getattr(executor, "workers", 1))
        threads = max((os.cpu_count() or 1) // workers, 1)
        few, before = on_few_cores(training.estimator, threads) if workers > 1 else (None, {})
        training = training.of(estimator=few) if before else training
        chosen = named(self.candidates or _usual(model))
        setting, people = self._setting(table, training, scorer, 1 + len(chosen))
        clock.lap("prepare")
        order = [AS_IT_IS, *chosen]
        trials: list[Trial] = []
        done: dict[int, Trial] = {}
        record, unit, interrupted = None, "", False

        def work(number: int) -> Trial | Record:
            if number == len(order):
                return self._as_it_is(setting)
            done[number] = tried(setting, order[number], chosen.get(order[number]))
            return done[number]

        try:
            for made in (executor or Serial()).map(work, range(len(order) + 1)):
                if isinstance(made, Record):
                    record = made
                    continue
                trials.append(made)
                if made.name == AS_IT_IS:
                    # Before the others are waited for.
                    unit = unit_of(self.gap, made)
        except KeyboardInterrupt:
            if not trials:
                raise
            # What is finished is kept, also where it waited for a slower one.
            trials, interrupted = [done[number] for number in sorted(done)], True
        clock.lap("try")
        comparison = self._compared(setting, trials, order, unit, people, notes, interrupted)
        record = record or self._as_it_is(setting)
        clock.lap("compare")
        spec = {**self.audit.spec(), "mitigate": self._spec(chosen)}
        record = record.model_copy(
            update={"comparison": comparison, "spec": spec, "run": clock.run(None)}
        )
        return Mitigated(record, setting, {t.name: t for t in trials}, before)

    def _table(self) -> Table:
        if self.table is not None:
            return self.table
        path = self.train
        if path is None and self.audit.data is not None:
            path = self.audit.data.path
        if path is not None:
            return Table.read(path, path="$.mitigate.train")
        if self.audit.table is not None:
            return self.audit.table
        raise SpecError(
            "name the table to learn from, such as --train loans.csv", path="$.mitigate.train"
        )

    # --- what is shared ---------------------------------------------------------------------------

    def _setting(
        self, table: Table, training: Training, scorer: Scorer, candidates: int
    ) -> tuple[Setting, str]:
        audit = self.audit
        # By label first: groups may be smaller than there are folds.
        strata = training.good * len(training.groups) + training.codes
        few = int(min(training.good.sum(), (~training.good).sum()))
        if few < self.folds:
            raise DataError(
                f"{count(few, 'row')} of one of the two labels are too few for {self.folds} folds",
                path="$.mitigate.folds",
            )
        part = folds(strata, self.folds, training.seed)
        each = 1 - (1 - audit.confidence) / candidates
        own = _own_rows(audit, training, table)
        fold = ""
        if own:
            table, fold = with_fold(training.table, part)
            shared = comparing(audit, table=table, data=None)
            people = "the rows themselves, each by the model that was not fitted on it"
        else:
            shared = comparing(audit, data=_only_base(audit))
            rows = shared.people.rows
            people = "synthetic people" if rows is None else "people of another table"
        tolerance = TOLERANCE if audit.data is None else audit.data.tolerance
        setting = Setting(
            audit=shared,
            training=training,
            part=part,
            fold=fold,
            scorer=scorer,
            pieces=parts_of(training.good, part, training.seed),
            confidence=each,
            data=roles_of(training, tolerance),
        )
        return setting, people

    def _as_it_is(self, setting: Setting) -> Record:
        """Audit the model as it is, with all that an audit shows."""
        told, training = self.audit.probe, setting.training
        estimator = training.plain
        named = getattr(estimator, "feature_names_in_", None) is not None
        probe = ObjectProbe(
            estimator=estimator,
            outcome=told.outcome, favorable=told.favorable, threshold=told.threshold,
            prefer=told.prefer, labels=told.labels, times=told.times, repeats=told.repeats,
            features=None if named else training.features,
            frame=None if named else training.seen.kind,
        )  # fmt: skip
        own = {"table": training.table, "data": None} if setting.fold else {}
        return redeclared(self.audit, probe=probe, **own).run()

    def _spec(self, chosen: Mapping[str, Mitigation]) -> dict[str, Any]:
        plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
        spec: dict[str, Any] = {"label": self.label, "folds": self.folds}
        if self.train is not None:
            folder = self.audit.folder
            # As the file has it: a record does not depend on the folder it was made from.
            path = self.train if folder is None else os.path.relpath(self.train, folder)
            spec["train"] = Path(path).as_posix()
        if self.gap is not None:
            spec["gap"] = self.gap
        if self.weight is not None:
            spec["weight"] = self.weight
        spec["scorer"] = Scorer.of(self.scorer).name
        spec["try"] = [{"kind": m.kind} | m.model_dump(**plain) for m in chosen.values()]
        return spec

    # --- what came of it --------------------------------------------------------------------------

    def _compared(
        self,
        setting: Setting,
        trials: Sequence[Trial],
        order: Sequence[str],
        unit: str,
        people: str,
        notes: Sequence[str],
        interrupted: bool,
    ) -> Comparison:
        start = trials[0]
        candidates = [summed_up(setting, start, trial, unit) for trial in trials]
        tried_names = {trial.name for trial in trials}
        candidates += [
            Candidate(name=left, failed="not tried: interrupted")
            for left in order
            if left not in tried_names
        ]
        marked = with_front(candidates)
        constant = most_often(setting.training)
        best, sentence = recommend(marked, setting.scorer.name, constant)
        start_gap = marked[0].gap
        assert start_gap is not None
        asked = start.record.people if start.record is not None else 0
        return Comparison(
            train=Path(self.train).name if self.train else "a data frame",
            rows=len(setting.training),
            label=self.label,
            folds=self.folds,
            scorer=setting.scorer.name,
            gap=unit,
            tolerance=start_gap.tolerance,
            confidence=setting.confidence,
            constant=constant,
            people=f"{asked:,} {people}" if not setting.fold else people,
            candidates=marked,
            recommended=best,
            sentence=sentence,
            interrupted=interrupted,
            notes=(*notes, *notes_of(setting)),
        )


def _usual(model: Model) -> tuple[Mitigation, ...]:
    logistic = type(final(model.estimator)).__name__ == "LogisticRegression"
    kinds = [kind for kind in USUAL if logistic or kind != "consistency"]
    return parsed(kinds)


def _own_rows(audit: Audit, training: Training, learned: Table) -> bool:
    """Tell whether the people of the audit are the training rows themselves.

    Rows are told by what they hold: a copy, or a file of another format, is the same people.
    """
    path = None if audit.data is None or not audit.data.base else audit.data.path
    people = audit.table
    if people is None and path is not None:
        people = Table.read(path)
    if people is not None:
        return _alike(people, learned, training.features)
    declared = {*audit.fields, *audit.protect}
    return not audit.fields or any(feature not in declared for feature in training.features)


def _alike(one: Table, other: Table, features: Sequence[str]) -> bool:
    """Tell whether two tables have the same rows in the columns that a model sees."""
    if one is other:
        return True
    shared = [name for name in features if name in one.names and name in other.names]
    if len(one) != len(other) or not shared:
        return False
    return all(
        np.array_equal(*(_texts(table.column(name, slice(None)).arrow()) for table in (one, other)))
        for name in shared
    )


def _texts(array: Any) -> Any:
    values = flat(array)
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        values = values.cast(pa.float64())
    return np.array([str(value) for value in values.to_pylist()])


def _only_base(audit: Audit) -> Any:
    """Keep of a table of people where it is, and nothing that would be measured again."""
    data = audit.data
    if data is None or not data.base or data.path is None:
        return None
    return type(data)(path=data.path)


# --- one call -------------------------------------------------------------------------------------


class Mitigated:
    """Candidates that were tried: the record of all of them, and their models.

    Attributes
    ----------
    record : Record
        The audit of the model as it is, and in ``record.comparison`` all candidates.
    """

    def __init__(
        self,
        record: Record,
        setting: Setting,
        trials: Mapping[str, Trial],
        threads: Mapping[str, Any],
    ) -> None:
        self.record = record
        self._setting = setting
        self._trials = trials
        self._threads = threads

    @property
    def comparison(self) -> Comparison:
        """All candidates side by side."""
        assert self.record.comparison is not None
        return self.record.comparison

    @property
    def recommended(self) -> str:
        """Name of the candidate that the evidence supports; empty where it supports none."""
        return self.comparison.recommended

    @property
    def model(self) -> Any:
        """The recommended model, fitted on all rows.

        Raises
        ------
        ModelError
            Where the evidence supports none; `fit` gives any candidate by name.
        """
        if not self.recommended:
            raise ModelError(f"{self.comparison.sentence} Choose one by name")
        return self.fit(self.recommended)

    def fit(self, name: str) -> Any:
        """Give a candidate's model, fitted on all rows.

        Parameters
        ----------
        name : str
            ``"as it is"`` or a candidate's name.

        Raises
        ------
        SpecError, ModelError
            For an unknown name, or a candidate that failed.
        """
        if name not in self._trials:
            raise SpecError(f'there is no candidate "{name}"{nearest(name, self._trials)}')
        trial = self._trials[name]
        if trial.reason:
            raise ModelError(f'"{name}" failed: {trial.reason}')
        if trial.final is None:
            trial.final = mended(trial.mitigation, self._setting.training).model
        return on_all_cores(trial.final, self._threads)

    def save(self, path: str | Path, name: str | None = None) -> Path:
        """Write a model (``.skops``), or the record and its views (``.json``, ``.html``, ``.xml``).

        Parameters
        ----------
        path : str or Path
        name : str, optional
            Of which candidate the model is; the recommended one where left out.

        Raises
        ------
        OutputError, ModelError
        """
        target = Path(path)
        if target.suffix.lower() != ".skops":
            if name is not None:
                raise OutputError(f'"{target}": a model is written to a .skops file')
            return self.record.save(target)
        model = self.model if name is None else self.fit(name)
        write_atomically(target, written(model))
        return target

    def __repr__(self) -> str:
        return repr(self.record)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show the candidates in brief in a notebook."""
        return self.record._repr_html_()


def mitigate(
    model: Any,
    *,
    label: str | None = None,
    train: Any = None,
    protect: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    people: int | str | None = None,
    candidates: Sequence[Any] | None = None,
    scorer: Any = "accuracy",
    gap: str | None = None,
    folds: int = 3,
    weight: str | None = None,
    outcome: str | None = None,
    favorable: Any = None,
    threshold: float | None = None,
    features: Sequence[str] | None = None,
    cross: Sequence[Sequence[str]] = (),
    tolerance: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    name: str = "Mitigation",
    workers: int | None = None,
    executor: Executor | None = None,
    trust: bool = False,
) -> Mitigated:
    """Try ways to mend a model, and lay them side by side.

    Every candidate is fitted fold by fold; measured on rows on which it was not fitted (accuracy
    or another scorer, rates of groups); and audited with the same twins. All intervals are widened
    so that those of one kind of number, such as the score, hold together for all candidates
    (Bonferroni).

    Parameters
    ----------
    model : object or Audit
        An estimator (fitted or not), the path of its file, or a declared audit (``pb.load``).
    label : str
        Column of what really happened, with two values.
    train : data frame or path, optional
        Rows to learn from; those of the audit where left out.
    protect, fields, people, outcome, favorable, threshold, features, cross, tolerance, confidence
        As for `audit`. Where `fields` do not declare every column that the model sees, the people
        are the training rows, each asked about by the model that was not fitted on it.
    candidates : sequence, optional
        Names of kinds, tables such as ``{"kind": "thresholds", "constraint": "equalized odds"}``,
        or declarations; all that is usual where left out.
    scorer : str or callable
        ``accuracy``, another scorer of scikit-learn by name, or a function of (model, X, y).
    gap : str, optional
        The gap that shall close: ``flip rate``, ``demographic parity``, ``equalized odds`` ...
    folds : int
        From 2 to 20.
    weight : str, optional
        Column that says how many people a row stands for.
    seed : int
    name : str
        Title of the report.
    workers : int, optional
        Candidates tried at a time; up to 4 where left out.
    executor : Executor, optional
        What maps over the candidates instead.
    trust : bool
        Whether the model may be loaded from a format that can run code.

    Returns
    -------
    Mitigated
        ``result.comparison``, ``result.recommended``, ``result.model``,
        ``result.save("best.skops")``, ``result.save("page.html")``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    Examples
    --------
    >>> import numpy as np, pandas as pd, paribus as pb
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> rng = np.random.default_rng(0)
    >>> loans = pd.DataFrame({"male": rng.integers(0, 2, 900), "income": rng.integers(20, 90, 900)})
    >>> loans["approved"] = ((loans["male"] == 1) | (loans["income"] > 60)).astype(int)
    >>> model = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> result = pb.mitigate(
    ...     model.fit(loans[["male", "income"]], loans["approved"]), train=loans, label="approved",
    ...     protect={"male": [1, 0]}, candidates=["drop_attribute"], favorable=1, workers=1,
    ... )
    >>> result.recommended
    'drop_attribute'
    """
    if isinstance(model, Audit):
        given = {
            "protect": protect, "fields": fields, "outcome": outcome, "favorable": favorable,
            "threshold": threshold, "features": features, "people": people,
        }  # fmt: skip
        for key, value in given.items():
            if value is not None:
                raise SpecError("is declared by the audit already", path=f"$.{key}")
        audit = model
    else:
        if protect is None:
            raise SpecError('name the protected attributes: {"sex": ["m", "f"]}', path="$.protect")
        options = {
            "outcome": outcome, "threshold": threshold,
            "favorable": tuple(favorable) if isinstance(favorable, list) else favorable,
            "features": None if features is None else tuple(features),
        }  # fmt: skip
        audit = declare(
            name=name, seed=seed, size=people, tolerance=tolerance, confidence=confidence,
            cross=tuple(tuple(crossed) for crossed in cross),
            probe=probe_of(model, {k: v for k, v in options.items() if v is not None}),
            protect={k: protected(levels, f"$.protect.{k}") for k, levels in protect.items()},
            fields={k: FIELDS.parse(f, f"$.fields.{k}") for k, f in (fields or {}).items()},
        )  # fmt: skip
    study = mending(
        audit, train=train, label=label, candidates=candidates,
        scorer=scorer, gap=gap, folds=folds, weight=weight,
    )  # fmt: skip
    return study.run(executor or workers_of(workers), trust=trust)


def workers_of(workers: int | None) -> Executor:
    """Give what maps over candidates."""
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise SpecError(f"must be a whole number from 1, not {workers!r}", path="workers")
    number = min(os.cpu_count() or 1, _MOST_WORKERS) if workers is None else workers
    return Threads(workers=number) if number > 1 else Serial()


def mending(audit: Audit, *, train: Any = None, candidates: Any = None, **options: Any) -> Mending:
    """Declare a comparison whose mistakes have the paths of ``[mitigate]``."""
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    if isinstance(train, str | Path):
        given["train"] = str(train)
    elif train is not None:
        given["table"] = Table.of(train, path="$.mitigate.train")
    if candidates is not None:
        given["candidates"] = parsed(candidates)
    if "label" not in given:
        raise SpecError(
            "name the column of what really happened, such as --label repaid",
            path="$.mitigate.label",
        )
    try:
        return Mending(audit=audit, **given)
    except ParibusError as error:
        path = error.path.replace("$.candidates", "$.try", 1)
        raise type(error)(error.message, path=path).under("$.mitigate") from None
