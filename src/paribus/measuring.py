"""The line for tables: source -> observed -> evidence -> findings; a model may fill in columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
from pydantic import SerializeAsAny

from paribus._plugins import Declaration, Number, Whole
from paribus.counting import Source
from paribus.errors import DataError, SpecError
from paribus.evidence.base import TESTS, Check, Line, Row
from paribus.findings import Finding, Multiplicity, judge
from paribus.observed import Observed
from paribus.probe._handed import probe_of
from paribus.probe.base import Model, Probe
from paribus.record import DataFacts, Record
from paribus.roles import Roles
from paribus.summary import Clock
from paribus.swapping import answered, swapped

METRICS = ("group", "scores", "errors", "ranking")
"""Checks of what was decided."""

STAGES = ("representation", "labels", "proxies", "training", "deployment")
"""Checks of the five points where bias enters."""

SWAPPING = {"proxies"}
"""Checks for which a model is asked about swapped columns, which takes many questions."""

TOLERANCE = 0.05
"""The largest difference of shares that counts as equal where nobody says."""


class Data(Roles):
    """A table of real people: what its columns are, and what is held against it."""

    path: str | None = None
    """A CSV, Parquet, Excel or JSON lines file."""
    sheet: str | None = None
    """The sheet of a workbook; the first one where left out."""
    base: bool = True
    """Whether its rows are the base people of the twins."""
    tolerance: Number = pydantic.Field(default=TOLERANCE, gt=0, lt=1)
    """The largest difference of shares between groups that counts as equal."""
    checks: tuple[SerializeAsAny[Check], ...] | None = None
    """What is weighed; all that the columns allow where left out."""
    synthetic: bool = False
    """Whether the people were drawn, and are no record of anything that happened."""

    @pydantic.field_validator("checks", mode="before")
    @classmethod
    def _parsed(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        return tuple(_check(each, f"$.checks[{i}]") for i, each in enumerate(given))

    @property
    def measures(self) -> bool:
        """Whether anything is said of its columns beyond where they are."""
        own = set(Data.model_fields) - set(Roles.model_fields)
        return bool(self.model_fields_set - own) or self.checks is not None


def _check(given: Any, path: str) -> Check:
    parsed = TESTS.parse({"kind": given} if isinstance(given, str) else given, path)
    if not isinstance(parsed, Check):
        raise SpecError(f'"{getattr(parsed, "kind", given)}" weighs twins, not a table', path=path)
    return parsed


@dataclass(frozen=True)
class Measured:
    """What a table showed."""

    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    facts: DataFacts


def measure(
    data: Data,
    source: Source,
    *,
    kinds: Iterable[str] = (*METRICS, *STAGES),
    seed: int = 0,
    confidence: float = 0.95,
    multiplicity: Multiplicity = "holm",
    probe: Probe | None = None,
    model: Model | None = None,
) -> Measured:
    """Count a table, weigh what it shows, and hold it against the tolerance.

    Parameters
    ----------
    data : Data
        What the columns are.
    source : Source
        The table, wherever it lives.
    kinds : iterable of str
        Checks to run where `data` names none.
    seed : int
        For samples, splits and resamples.
    confidence : float
    multiplicity : {"holm", "benjamini-hochberg"}
    probe, model : Probe and Model, optional
        A model that fills in the decisions (or scores) where the table has none, and that is asked
        about rows with columns of other people.

    Returns
    -------
    Measured
    """
    roles = Roles(**{name: getattr(data, name) for name in Roles.model_fields})
    observed = Observed.of(source, roles, seed)
    checks = data.checks
    if checks is None:
        checks = tuple(_check(kind, "$.checks") for kind in kinds)
    if probe is not None and model is not None:
        observed = answered(observed, probe, model)
        if any(check.kind in SWAPPING for check in checks):
            observed = swapped(observed, probe, model)
    if not observed.table.square.any():
        raise DataError(
            f'all weights "{roles.weight}" are 0, or nearly: give some row a larger one',
            path="$.data.weight",
        )
    rows: list[Row] = []
    lines: list[Line] = []
    notes: list[str] = []
    for check in checks:
        weighed = check.weigh(observed, data.tolerance, confidence)
        rows += weighed.rows
        lines += weighed.lines
        notes += weighed.notes
    if not rows:
        raise SpecError(
            "nothing can be measured: name a label, a decision, a score or a prediction",
            path="$.data",
        )
    facts = _facts(data, source, observed)
    if facts.synthetic:
        notes.append(
            "The people in this table were drawn: its numbers are no record of anything that "
            "happened."
        )
    return Measured(
        rows=tuple(rows),
        lines=tuple(lines),
        findings=judge(rows, data.tolerance, confidence, multiplicity),
        notes=tuple(dict.fromkeys(notes)),
        facts=facts,
    )


def _facts(data: Data, source: Source, observed: Observed) -> DataFacts:
    plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
    return DataFacts(
        name=Path(data.path).name if data.path else f"{source.engine} table",
        rows=len(source),
        columns=len(source.names),
        roles=observed.roles.model_dump(**plain),
        synthetic=data.synthetic or looks_synthetic(source),
        tolerance=data.tolerance,
    )


def looks_synthetic(source: Source) -> bool:
    """Tell a balanced set of twins by its first columns (`paribus twins` writes them)."""
    return tuple(source.names[:2]) == ("person", "version")


# --- one call -------------------------------------------------------------------------------------


def metrics(
    data: Any,
    *,
    by: str | Sequence[str],
    label: str | None = None,
    decision: str | None = None,
    score: str | None = None,
    prediction: str | None = None,
    rank: str | None = None,
    weight: str | None = None,
    favorable: Any = None,
    reference: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
    confidence: float = 0.95,
    criteria: Sequence[str] | None = None,
    seed: int = 0,
    name: str = "Metrics",
    **roles: Any,
) -> Record:
    """Measure how a scored table treats groups: rates, scores, errors, rankings.

    Parameters
    ----------
    data : data frame or path
        pandas, polars, pyarrow, DuckDB, PySpark, Dask or Ibis, or a CSV or Parquet file. Rows are
        counted where they live; only the table of counts comes back.
    by : str or sequence of str
        Protected attributes. Up to three are also crossed; ``cross=[...]`` says which.
    label : str, optional
        Column of what really happened; all that needs none works without.
    decision : str, optional
        Column of what was decided, or of the predicted class (``outcome="label"`` for several).
    score : str, optional
        Column of a score, higher being better for a person; with ``threshold=`` it decides.
    prediction : str, optional
        Column of a predicted number; `label` is then the true number.
    rank : str, optional
        Column of positions in a ranking, from 1; ``top=(10, 100)`` says what its top is.
    weight : str, optional
        Column that says how many people a row stands for.
    favorable : label or sequence of labels, optional
        Which value is good for a person; 1 or true by itself.
    reference : mapping, optional
        Attribute -> the level that others are compared with; the largest where left out.
    tolerance : float
        The largest difference of shares between any two groups that counts as equal, in (0, 1).
    confidence : float
        Of intervals and verdicts, in (0.5, 1).
    criteria : sequence of str, optional
        What is held against the tolerance: ``demographic parity``, ``equal opportunity``,
        ``predictive equality``, ``equalized odds``, ``predictive parity``,
        ``conditional use accuracy equality``, ``overall accuracy equality``. By itself the first,
        and equalized odds where there are labels.
    seed : int
        For resamples.
    name : str
        Title of the report.
    **roles
        ``cross``, ``factors``, ``outcome``, ``threshold``, ``bins``, ``top``, ``synthetic``.

    Returns
    -------
    Record
        ``record.verdict``, ``record.findings``, ``record.evidence``, ``record.save("page.html")``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    Examples
    --------
    >>> import pandas as pd, paribus as pb
    >>> loans = pd.DataFrame({"sex": ["M"] * 600 + ["F"] * 400,
    ...                       "approved": [1] * 300 + [0] * 300 + [1] * 100 + [0] * 300})
    >>> record = pb.metrics(loans, by="sex", decision="approved")
    >>> record.findings[0].unit, round(record.findings[0].estimate, 2), record.verdict
    ('demographic parity', 0.25, 'biased')
    """
    given = {
        "label": label, "decision": decision, "score": score, "prediction": prediction,
        "rank": rank, "weight": weight, "favorable": favorable, "reference": reference, **roles,
    }  # fmt: skip
    if criteria is not None:
        if "checks" in roles:
            raise SpecError(
                "name the criteria in the check of kind group, or leave checks out",
                path="$.data.checks",
            )
        held = {"kind": "group", "criteria": list(criteria)}
        given["checks"] = [held, *(kind for kind in METRICS if kind != "group")]
    return measured_record(
        data, given | {"by": by, "tolerance": tolerance},
        kinds=METRICS, confidence=confidence, seed=seed, name=name,
    )  # fmt: skip


def audit_data(
    data: Any,
    *,
    protect: str | Sequence[str],
    label: str | None = None,
    model: Any = None,
    population: Mapping[str, Mapping[str, float]] | None = None,
    tolerance: float = TOLERANCE,
    confidence: float = 0.95,
    seed: int = 0,
    name: str = "Data audit",
    trust: bool = False,
    **roles: Any,
) -> Record:
    """Audit a table at the five points where bias enters.

    Collection (who is in it), labeling (what the labels say), features (which stand for the
    attribute), training (whom a model serves) and deployment (what happens over time).

    Parameters
    ----------
    data : data frame or path
        As for `metrics`. Learners see at most 50,000 random rows.
    protect : str or sequence of str
        Protected attributes.
    label : str, optional
        Column of what really happened.
    model : object, path or probe, optional
        As for `audit`: fills in the decisions where the table has none, and is asked what it says
        when a column is swapped between groups. Without one a stand-in is fitted.
    population : mapping, optional
        Attribute -> level -> its share among the people whom the data should represent.
    tolerance : float
        The largest difference of shares that counts as equal, in (0, 1).
    confidence : float
        Of intervals and verdicts, in (0.5, 1).
    seed : int
        For samples, splits and resamples.
    name : str
        Title of the report.
    trust : bool
        Whether a model may be loaded from a format that can run code.
    **roles
        As for `metrics`; also ``time`` and ``every`` ("day", "week", "month", "quarter", "year")
        for a log of decisions, and ``features`` where not all other columns are some.

    Returns
    -------
    Record

    Raises
    ------
    ParibusError

    Examples
    --------
    >>> import numpy as np, pandas as pd, paribus as pb
    >>> rng = np.random.default_rng(0)
    >>> race = rng.choice(["a", "b"], 2_000, p=[0.9, 0.1])
    >>> people = pd.DataFrame({"race": race, "income": rng.integers(20, 90, 2_000)})
    >>> record = pb.audit_data(
    ...     people, protect="race", population={"race": {"a": 0.5, "b": 0.5}}
    ... )
    >>> record.verdict
    'biased'
    """
    given = {"label": label, "population": population, **roles}
    meaning: dict[str, Any] = {}
    if not isinstance(model, Probe):
        # What a declaration says of its answers stands, and a fitted model knows its own labels.
        plain = callable(model) and not hasattr(model, "predict")
        keys = ("threshold", "favorable") if plain else ("threshold",)
        meaning = {key: roles[key] for key in keys if roles.get(key) is not None}
    probe = None if model is None else probe_of(model, meaning)
    said = ("decision", "score", "prediction", "rank")
    decided = any(roles.get(role) is not None for role in said)
    kinds = (*METRICS, *STAGES) if decided or probe is not None else STAGES
    return measured_record(
        data, given | {"by": protect, "tolerance": tolerance},
        kinds=kinds, confidence=confidence, seed=seed, name=name, probe=probe, trust=trust,
    )  # fmt: skip


def measured_record(
    data: Any,
    values: Mapping[str, Any],
    *,
    kinds: Iterable[str] = (*METRICS, *STAGES),
    confidence: float = 0.95,
    seed: int = 0,
    name: str = "Metrics",
    probe: Probe | None = None,
    trust: bool = False,
) -> Record:
    """Measure a table that is handed over, and give the record of it.

    Parameters
    ----------
    data : data frame or path
    values : mapping
        Keys of `Data`; those that are None count as left out.
    kinds : iterable of str
    confidence : float
    seed : int
    name : str
    probe : Probe, optional
    trust : bool
    """
    clock = Clock()
    _asked_well(confidence, seed)
    where = {"path": str(data)} if isinstance(data, str | Path) else {}
    told = declared_data({**{k: v for k, v in values.items() if v is not None}, **where})
    source = Source.of(data)
    model = None if probe is None else probe.open(trust=trust)
    clock.lap("prepare")
    found = measure(
        told, source,
        kinds=kinds, seed=seed, confidence=confidence, probe=probe, model=model,
    )  # fmt: skip
    clock.lap("weigh")
    plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
    spec: dict[str, Any] = {
        "audit": {"name": name, "seed": seed, "confidence": confidence},
        "data": told.model_dump(**plain) | {"tolerance": told.tolerance},
    }
    if told.checks is not None:
        spec["data"]["checks"] = [{"kind": c.kind} | c.model_dump(**plain) for c in told.checks]
    if probe is not None:
        spec["model"] = probe.facts()
    return Record.sum_up(
        None,
        name=name,
        tolerance=told.tolerance,
        confidence=confidence,
        seed=seed,
        people=len(source),
        spec=spec,
        data=found.facts,
        evidence=found.rows,
        lines=found.lines,
        findings=found.findings,
        notes=found.notes,
        run=clock.run(None),
    )


class _Options(Declaration):
    confidence: Number = pydantic.Field(gt=0.5, lt=1)
    seed: Whole = pydantic.Field(ge=0, lt=2**63)


def _asked_well(confidence: float, seed: int) -> None:
    try:
        _Options(confidence=confidence, seed=seed)
    except SpecError as error:
        raise error.under("$.audit") from None


def declared_data(values: Mapping[str, Any]) -> Data:
    """Declare a table whose mistakes have the paths of its section.

    One name may stand for a list of one.
    """
    lists = {"by", "factors", "features"}
    made = {
        key: (value,) if key in lists and isinstance(value, str) else value
        for key, value in values.items()
    }
    try:
        return Data(**made)
    except SpecError as error:
        raise error.under("$.data") from None
