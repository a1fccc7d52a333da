"""The line: spec -> people -> twins -> probe -> answers -> evidence -> findings -> record."""

from __future__ import annotations

import datetime
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pydantic
from pydantic import InstanceOf, SerializeAsAny

from paribus._plugins import Declaration, Number, Whole
from paribus._text import percent
from paribus.answers import Answers, Outcome
from paribus.errors import ParibusError, SpecError
from paribus.evidence.base import Test
from paribus.evidence.counterfactual import Counterfactual
from paribus.evidence.regions import Regions
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.executors.threads import Threads
from paribus.findings import judge
from paribus.people.fields.base import FIELDS, Field
from paribus.people.population import People, Protected
from paribus.people.sample import Rows
from paribus.probe._ask import ask
from paribus.probe.base import PROBES, Model, Probe, outcome_of
from paribus.record import Counts, ModelFacts, Record, Witness
from paribus.table import FrameKind, Scalar, Table
from paribus.twins import Twins, factorial, pair

SYNTHETIC_PEOPLE = 10_000
"""People that are drawn where nobody says how many."""

_WITNESSES = 3
"""Pairs shown for each direction of each contrast."""


class Data(Declaration):
    """A table whose rows are the base people."""

    path: str


class Audit(Declaration):
    """A declared audit: the object that the TOML file writes down, and that runs."""

    name: str = "Audit"
    seed: Whole = pydantic.Field(default=0, ge=0, lt=2**63)
    size: Whole | None = pydantic.Field(default=None, gt=0, le=10**12)
    """How many people; all rows of the data, or 10,000 synthetic people, where left out."""
    tolerance: Number | None = pydantic.Field(default=None, ge=0)
    """The largest gap that counts as equal: 0.01 where left out, except for numbers."""
    confidence: Number = pydantic.Field(default=0.95, gt=0.5, lt=1)
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross: cells are compared with the cell of the references."""
    probe: SerializeAsAny[Probe]
    protect: dict[str, Protected]
    fields: dict[str, SerializeAsAny[Field]] = pydantic.Field(default_factory=dict)
    data: Data | None = None
    table: InstanceOf[Table] | None = pydantic.Field(default=None, exclude=True, repr=False)
    """The rows themselves, where they are in memory."""
    folder: Path | None = pydantic.Field(default=None, exclude=True, repr=False)
    """The folder of the TOML file, from which its paths start."""
    declared_tests: tuple[SerializeAsAny[Test], ...] | None = pydantic.Field(
        default=None, min_length=1
    )

    @cached_property
    def people(self) -> People:
        """The recipe of the people: nothing is drawn yet."""
        table = self.table
        if table is None and self.data is not None:
            table = Table.read(self.data.path)
        rows = None if table is None else Rows(table, self.seed, self.size)
        size = len(rows) if rows is not None else self.size or SYNTHETIC_PEOPLE
        if rows is None and not self.fields:
            raise SpecError("declare fields, or give data with real rows", path="$.fields")
        return People(
            protect=self.protect, fields=self.fields, size=size, seed=self.seed, rows=rows
        )

    @property
    def tests(self) -> tuple[Test, ...]:
        """What is weighed; tests state which contrasts they need."""
        if self.declared_tests is not None:
            if self.cross:
                raise SpecError(
                    "belongs to the test that crosses where tests are named: [[tests]] "
                    'kind = "counterfactual", cross = [...]',
                    path="$.audit.cross",
                )
            return self.declared_tests
        return (Counterfactual(cross=self.cross), Regions())

    def twins(self) -> Twins:
        """Give the recipe of the twins that the tests need."""
        people = self.people
        return pair(people, (c for test in self.tests for c in test.needs(people)))

    def balanced(self) -> Twins:
        """Give the recipe of the balanced data set: every person at every combination of levels."""
        return factorial(self.people)

    def run(self, executor: Executor | None = None, *, trust: bool = False) -> Record:
        """Run the audit.

        Parameters
        ----------
        executor : Executor, optional
            How work is mapped over blocks of people; one after the other where left out.
        trust : bool
            Whether a model may be loaded from a format that can run code.

        Raises
        ------
        ParibusError
            Where the request is wrong, or the model cannot answer at all.
        """
        clock = _Clock()
        twins = self.twins()
        model = self.probe.open(trust=trust)
        tolerance = self._tolerance(outcome_of(self.probe, model))
        clock.lap("prepare")
        answers = ask(self.probe, model, twins, executor or Serial())
        clock.lap("ask")
        weighed = [
            row for test in self.tests for row in test.weigh(answers, tolerance, self.confidence)
        ]
        evidence = tuple(row for row in weighed if not row.rule)
        findings = judge(evidence, tolerance, self.confidence)
        clock.lap("weigh")
        witnesses = _witnesses(answers)
        clock.lap("witnesses")
        return Record.sum_up(
            answers,
            name=self.name,
            tolerance=tolerance,
            confidence=self.confidence,
            seed=self.seed,
            people=len(self.people),
            spec=self.spec(),
            model=_model_facts(self.probe, model, answers),
            answers=_counts(answers),
            evidence=evidence,
            findings=findings,
            regions=tuple(row for row in weighed if row.rule),
            witnesses=witnesses,
            notes=_notes(answers),
            run=clock.run(answers),
        )

    def _tolerance(self, outcome: Outcome) -> float:
        """Settle the tolerance before a single question is asked."""
        shares = not outcome.measures or outcome.bounds == (0.0, 1.0)
        if self.tolerance is not None:
            if shares and self.tolerance >= 1:
                raise SpecError(
                    f"is a share, and {self.tolerance:g} lets everything pass; write 0.05 for 5 %",
                    path="$.audit.tolerance",
                )
            return self.tolerance
        if outcome.kind == "number":
            raise SpecError(
                "declare the largest gap that counts as equal, in the unit of the model's answers",
                path="$.audit.tolerance",
            )
        return 0.01

    def spec(self) -> dict[str, Any]:
        """Give the declaration as the tables of a TOML file."""
        plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
        audit = self.model_dump(
            include={"name", "seed", "tolerance", "confidence", "cross"},
            mode="json",
            exclude_none=True,
        )
        if not self.cross:
            audit.pop("cross")
        if self.size is not None:
            audit["people"] = self.size
        spec: dict[str, Any] = {"audit": audit, "model": self.probe.facts()}
        spec["protect"] = {k: v.model_dump(**plain) for k, v in self.protect.items()}
        if self.fields:
            spec["fields"] = {
                k: {"kind": v.kind} | v.model_dump(**plain) for k, v in self.fields.items()
            }
        if self.data is not None:
            spec["data"] = self.data.model_dump(**plain)
        elif self.table is not None:
            spec["data"] = {"rows": len(self.table), "columns": list(self.table.names)}
        if self.declared_tests is not None:
            spec["tests"] = [{"kind": t.kind} | t.model_dump(**plain) for t in self.declared_tests]
        if self.folder is not None:
            # As the file has them: a record does not depend on the folder it was made from.
            for section in ("model", "data"):
                path = spec.get(section, {}).get("path")
                if path is not None:
                    spec[section]["path"] = Path(os.path.relpath(path, self.folder)).as_posix()
        return spec


def audit(
    model: Any,
    *,
    protect: Mapping[str, Any],
    fields: Mapping[str, Any] | None = None,
    data: Any = None,
    people: int | None = None,
    outcome: str | None = None,
    favorable: Scalar | Sequence[Scalar] | None = None,
    threshold: float | None = None,
    prefer: str = "high",
    labels: Sequence[Scalar] | None = None,
    features: Sequence[str] | None = None,
    frame: FrameKind | None = None,
    repeats: str = "auto",
    tolerance: float | None = None,
    confidence: float = 0.95,
    tests: Sequence[Test] | None = None,
    cross: Sequence[Sequence[str]] = (),
    seed: int = 0,
    name: str = "Audit",
    workers: int = 1,
    trust: bool = False,
) -> Record:
    """Audit a model with counterfactual twins.

    Parameters
    ----------
    model : object
        A fitted model with ``predict``, a function that takes a data frame, or the path of a model
        file (ONNX, skops, XGBoost, LightGBM; pickle and joblib with `trust`).
    protect : mapping
        Protected attribute -> its levels, the first being the reference (or a `Protected`).
    fields : mapping, optional
        Column -> field, such as ``pb.integers(18, 70)``. With `data` they replace or add columns.
    data : data frame or path, optional
        Real rows as base people: pandas, polars, pyarrow, DuckDB, or a CSV or Parquet file.
    people : int, optional
        How many people: all rows of the data, or 10,000 synthetic people, where left out.
    outcome : {"decision", "score", "number", "label"}, optional
        What an answer is; told from the model where it knows.
    favorable : label or sequence of labels, optional
        Which answer is good for a person.
    threshold : float, optional
        For scores: a score at or beyond it is a favorable decision.
    prefer : {"high", "low"}
        Whether high or low scores are good for a person.
    labels : sequence, optional
        All labels, for models that do not know them.
    features : sequence of str, optional
        The columns that the model sees, in its order, for models that do not name them.
    frame : {"pandas", "polars", "pyarrow", "numpy"}, optional
        What the model is handed, where it is not what one would expect.
    repeats : {"auto", "merge", "ask"}
        Whether people who look the same to the model are asked once: where it surely pays, where
        it is possible, or never.
    tolerance : float, optional
        The largest gap that counts as equal, declared before looking; 0.01 where left out. For
        numbers it has the unit of the answers, and must be given.
    confidence : float
        Of intervals and verdicts, in (0.5, 1).
    tests : sequence of Test, optional
        What is weighed, instead of twins and regions.
    cross : sequence of sequences of str, optional
        Attributes to cross, such as ``[("race", "sex")]``.
    seed : int
        The same seed gives the same people, and the same record.
    name : str
        Title of the audit.
    workers : int
        Blocks of people asked about at a time.
    trust : bool
        Whether to load formats that can run code.

    Returns
    -------
    Record
        ``record.verdict``, ``record.findings``, ``record.pairs()``, ``record.save("audit.html")``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    Examples
    --------
    >>> import paribus as pb
    >>> def loan(people):
    ...     return (people["gender"] == "Male") | (people["income"] > 80_000)
    >>> record = pb.audit(
    ...     loan,
    ...     protect={"gender": ["Male", "Female"]},
    ...     fields={"income": pb.integers(30_000, 119_999)},
    ...     people=2_000, favorable=True, seed=42,
    ... )
    >>> record.verdict
    'biased'
    """
    for what, given_as in (("protect", protect), ("fields", fields or {})):
        if not isinstance(given_as, Mapping):
            raise SpecError(
                f"must be a table of names, not {type(given_as).__name__}", path=f"$.{what}"
            )
    listed = {"features": features, "labels": labels, "cross": cross}
    if not isinstance(cross, list | tuple) or any(isinstance(c, int | float) for c in cross):
        raise SpecError('must be a list, such as [["race", "sex"]]', path="$.audit.cross")
    for what, names in (*listed.items(), *(("cross", crossed) for crossed in cross)):
        if isinstance(names, str):
            path = "$.audit.cross" if what == "cross" else f"$.model.{what}"
            example = '[["race", "sex"]]' if what == "cross" else f'["{names}"]'
            raise SpecError(f"must be a list, such as {example}", path=path)
    if not isinstance(workers, int) or workers < 1:
        raise SpecError(f"must be a whole number from 1, not {workers!r}", path="workers")
    options: dict[str, Any] = {
        "outcome": outcome,
        "favorable": tuple(favorable) if isinstance(favorable, list | tuple) else favorable,
        "threshold": threshold,
        "prefer": prefer,
        "labels": None if labels is None else tuple(labels),
        "features": None if features is None else tuple(features),
        "frame": frame,
        "repeats": repeats,
    }
    given = {key: value for key, value in options.items() if value is not None}
    where: dict[str, Any] = {}
    if isinstance(data, str | Path):
        where["data"] = Data(path=str(data))
    elif data is not None:
        where["table"] = Table.of(data)
    declared = declare(
        name=name,
        seed=seed,
        size=people,
        tolerance=tolerance,
        confidence=confidence,
        cross=tuple(tuple(crossed) for crossed in cross),
        declared_tests=None if tests is None else tuple(tests),
        probe=probe_of(model, given),
        protect={key: protected(levels, f"$.protect.{key}") for key, levels in protect.items()},
        fields={
            key: FIELDS.parse(field, f"$.fields.{key}") for key, field in (fields or {}).items()
        },
        **where,
    )
    return declared.run(Threads(workers=workers) if workers > 1 else Serial(), trust=trust)


def declare(**parts: Any) -> Audit:
    """Declare an audit whose mistakes have the paths of its TOML file."""
    try:
        return Audit(**parts)
    except SpecError as error:
        path = error.path.replace("$.size", "$.people", 1)
        path = path.replace("$.declared_tests", "$.tests", 1)
        # Of its own keys only: protect, fields and the like are sections beside [audit].
        head = re.split(r"[.\[]", path.removeprefix("$.") + ".")[0]
        own = {"name", "seed", "people", "tolerance", "confidence", "cross"}
        place = "$.audit" + path.removeprefix("$") if head in own else path
        raise SpecError(error.message, path=place) from None


def probe_of(model: Any, options: Mapping[str, Any]) -> Probe:
    """Declare a model that is handed over: an object, a function, a path, or a declaration."""
    if isinstance(model, Probe):
        return model.model_copy(update=dict(options)) if options else model
    if isinstance(model, str | Path):
        declared = PROBES.parse({"kind": "file", "path": str(model), **options}, "$.model")
    elif callable(getattr(model, "predict", None)):
        declared = PROBES.parse({"kind": "object", "estimator": model, **options}, "$.model")
    elif callable(model):
        declared = PROBES.parse({"kind": "callable", "function": model, **options}, "$.model")
    else:
        raise SpecError(
            f"expected a fitted model, a function or the path of a model file, not "
            f"{type(model).__name__}",
            path="$.model",
        )
    assert isinstance(declared, Probe)
    return declared


def protected(declared: Any, path: str) -> Protected:
    """Declare a protected attribute from its levels, from a table, or from a declaration."""
    if isinstance(declared, Protected):
        return declared
    values = declared if isinstance(declared, Mapping) else {"levels": declared}
    if isinstance(values.get("levels"), str) or not hasattr(values.get("levels", ()), "__iter__"):
        raise SpecError('needs a list of levels, such as ["Male", "Female"]', path=f"{path}.levels")
    try:
        return Protected(**{**values, "levels": tuple(values.get("levels", ()))})
    except ParibusError as error:
        raise error.under(path) from None


# --- what the record says beside the findings -----------------------------------------------------


class _Clock:
    """Measures the stages of one run."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Note the time since the last lap as that of a stage."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 6)
        self._last = now

    def run(self, answers: Answers) -> dict[str, Any]:
        """Give the record's section of what may differ between runs."""
        return {
            "started": self.started,
            "seconds": {**self.seconds, "total": round(sum(self.seconds.values()), 6)},
            "questions": answers.questions,
            "versions": dict(_versions()),
            "host": {"system": platform.system(), "machine": platform.machine()},
        }


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("paribus", "mimesis", "numpy", "scipy", "pandas", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _model_facts(probe: Probe, model: Model, answers: Answers) -> ModelFacts:
    return ModelFacts(
        kind=probe.kind,
        name=model.name,
        fingerprint=model.fingerprint,
        features=answers.seen,
        outcome=answers.outcome.kind,
        favorable=answers.outcome.favorable,
        threshold=answers.outcome.threshold,
        repeatable=answers.repeatable,
    )


def _counts(answers: Answers) -> Counts:
    answered, refused, failed = answers.statuses
    return Counts(
        versions=answered + refused + failed,
        answered=answered,
        refused=refused,
        failed=failed,
        reasons=answers.reasons,
    )


def _witnesses(answers: Answers) -> tuple[Witness, ...]:
    """Show the first pairs of each contrast that the model treats differently."""
    chosen = [
        (contrast, example)
        for contrast, tally in answers.tallies.items()
        for examples in (tally.against, tally.in_favor)
        for example in examples[:_WITNESSES]
    ]
    people = answers.persons([(e[0], v) for c, e in chosen for v in (c.reference, c.group)])
    rows = answers.twins.people.rows
    found = []
    for contrast, (person, reference, group) in chosen:
        one, other = people[person, contrast.reference], people[person, contrast.group]
        differ = [name for name in other if name not in one or one[name] != other[name]]
        found.append(
            Witness(
                person=person,
                row=None if rows is None else rows.number(person),
                attribute=contrast.attribute,
                reference=contrast.reference_name,
                group=contrast.group_name,
                reference_answer=answers.outcome.shown(reference),
                group_answer=answers.outcome.shown(group),
                same={name: value for name, value in one.items() if name not in differ},
                reference_values={name: one[name] for name in differ if name in one},
                group_values={name: other[name] for name in differ},
            )
        )
    return tuple(found)


def _placebo_notes(answers: Answers) -> list[str]:
    """Warn where another name alone moves the model about as much as the attribute does."""
    if answers.repeatable is False:
        return []
    changed = {c: t.changed / max(t.answered, 1) for c, t in answers.tallies.items()}
    found = {
        placebo.attribute: by_name
        for placebo, by_name in changed.items()
        for contrast, by_level in changed.items()
        if (placebo.kind, contrast.kind) == ("placebo", "level")
        if placebo.attributes == contrast.attributes and by_name >= by_level / 2 > 0
    }
    return [
        f"Drawing the fields linked to {name} again, at the same {name}, changes the answer for "
        f"{percent(share)} of people: much of what a change of {name} does may be a mere change "
        "of name."
        for name, share in found.items()
    ]


def _notes(answers: Answers) -> tuple[str, ...]:
    """Say what a reader must know before trusting a number."""
    people = answers.twins.people
    notes = []
    held = {
        people.protect[name].levels[level]: name
        for contrast in answers.tallies
        for name, level in contrast.reference.moves
        if name not in contrast.attributes
    }
    notes += [
        f"The data have no column {name}, and something follows it: it is held at {level} "
        "wherever it is not compared itself."
        for level, name in held.items()
    ]
    notes += _placebo_notes(answers)
    for name in people.protect:
        if not set(people.closure(name)) & set(answers.seen):
            notes.append(
                f"The model sees nothing of {name}, nor of any column declared to follow it: its "
                "twins look the same to the model."
            )
    if answers.repeatable is False:
        notes.append(
            "The model does not repeat itself: asked twice about the same people it gave different "
            "answers. Flips may be noise, so only net gaps are held against the tolerance."
        )
    if people.rows is None:
        notes.append(
            "The people are synthetic: fields are drawn independently of each other as declared, "
            "so shares hold for the declared population, not for a real one."
        )
    if answers.kept < len(people):
        notes.append(
            f"Regions were looked for among the first {answers.kept:,} people; counts cover all."
        )
    return tuple(notes)
