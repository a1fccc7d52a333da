"""The line: spec -> people -> twins -> probe -> answers -> evidence -> findings -> record."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import InstanceOf, SerializeAsAny

from paribus import _html, _text
from paribus._plugins import Declaration, Number, Whole
from paribus.answers import KEPT
from paribus.counting import Source
from paribus.errors import ParibusError, SpecError
from paribus.evidence.base import Test
from paribus.evidence.counterfactual import Counterfactual
from paribus.evidence.levels import Levels
from paribus.evidence.paired import Paired
from paribus.evidence.profiles import Profiles
from paribus.evidence.regions import Regions
from paribus.evidence.sequential import Sequential, Watched
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.executors.threads import Threads
from paribus.findings import Multiplicity, judge
from paribus.keeping import kept_of
from paribus.measuring import Data, Measured, declared_data
from paribus.measuring import measure as measure_table
from paribus.outcomes import Outcome
from paribus.people.census import CensusError
from paribus.people.fields.base import FIELDS, Field
from paribus.people.population import People, Protected, described
from paribus.people.sample import Rows
from paribus.people.shared import SharedPeople
from paribus.probe._ask import ask, features_of
from paribus.probe._handed import probe_of
from paribus.probe.base import Model, Probe, outcome_of
from paribus.record import Record, Stopped
from paribus.stopping import Stopping
from paribus.summary import Clock, counts_of, model_facts, notes_of, witnesses_of
from paribus.table import FrameKind, Scalar, Table
from paribus.twins import Twins, factorial, pair

SYNTHETIC_PEOPLE = 10_000
"""People that are drawn where nobody says how many."""

EXHAUSTIVE = 10_000_000
"""Distinct questions up to which everybody in the declared domain is asked."""

RELABELINGS = 2_000
"""Relabelings for joint p-values, at least; more where claims are many or confidence is high."""


class Audit(Declaration):
    """A declared audit: the object that the TOML file writes down, and that runs."""

    name: str = "Audit"
    seed: Whole = pydantic.Field(default=0, ge=0, lt=2**63)
    size: Annotated[Whole, pydantic.Field(gt=0, le=10**12)] | Literal["all"] | None = None
    """How many people, or "all": everybody in the declared domain. Where left out, all rows of the
    data; without data everybody in the domain if that is small enough, else 10,000 people."""
    tolerance: Number | None = pydantic.Field(default=None, ge=0)
    """The largest gap that counts as equal: 0.01 where left out, except for numbers."""
    confidence: Number = pydantic.Field(default=0.95, gt=0.5, lt=1)
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross: cells are compared with the cell of the references."""
    stop: Literal["end", "early"] = "end"
    """Whether to ask everybody, or to stop as soon as every verdict is proven."""
    multiplicity: Multiplicity = "holm"
    """How claims of bias are adjusted for their number."""
    exhaustive: Whole = pydantic.Field(default=EXHAUSTIVE, ge=0, le=10**9)
    """Distinct questions up to which everybody in the declared domain is asked, where nobody says
    how many people; 0: never."""
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
        if table is None and self._base is not None:
            table = self._read()
        size = self.size if isinstance(self.size, int) else None
        early = self.stop == "early"
        rows = None if table is None else Rows(table, self.seed, size, shuffled=early)
        count = len(rows) if rows is not None else size or SYNTHETIC_PEOPLE
        if rows is None and not self.fields:
            raise SpecError("declare fields, or give data with real rows", path="$.fields")
        return People(
            protect=self.protect, fields=self.fields, size=count, seed=self.seed, rows=rows
        )

    def _read(self) -> Table:
        """Read the file of the data."""
        assert self.data is not None
        assert self.data.path is not None
        return Table.read(self.data.path, sheet=self.data.sheet)

    @property
    def _base(self) -> str | None:
        """The file whose rows are the base people, if any."""
        return None if self.data is None or not self.data.base else self.data.path

    @property
    def tests(self) -> tuple[Test, ...]:
        """What is weighed; tests state which contrasts they need."""
        early = self.stop == "early"
        if self.declared_tests is not None:
            if self.cross:
                raise SpecError(
                    "belongs to the test that crosses where tests are named: [[tests]] "
                    'kind = "counterfactual", cross = [...]',
                    path="$.audit.cross",
                )
            for i, test in enumerate(self.declared_tests):
                if early != isinstance(test, Sequential):
                    raise SpecError(
                        'only "sequential" stays valid when an audit stops early'
                        if early
                        else 'is for audits that stop early: [audit] stop = "early"',
                        path=f"$.tests[{i}].kind",
                    )
            return self.declared_tests
        if early:
            return (Sequential(cross=self.cross),)
        relabelings = self._relabelings() if self.multiplicity == "max-t" else 0
        counterfactual = Counterfactual(cross=self.cross, relabelings=relabelings)
        return (counterfactual, Paired(), Levels(), Regions(), Profiles())

    def _relabelings(self) -> int:
        # A p-value of a relabelling test is never below one in as many, and is then adjusted.
        families = 2 * (len(self.protect) + len(self.cross))
        return max(RELABELINGS, math.ceil(10 * families / (1 - self.confidence)))

    def _repr_html_(self) -> str:
        """Show in a notebook what is declared, and who is asked about; the model is not asked."""
        tolerance = "" if self.tolerance is None else f"tolerance {_text.number(self.tolerance)}, "
        facts = f"{tolerance}confidence {self.confidence * 100:g} %; not run yet: run()"
        head = _html.verdict(
            None, _html.paragraph(facts), title=f"Audit: {_text.name(self.name, 120)}"
        )
        try:
            shown = described(self.people)
            return _html.piece(head, *shown)
        except ParibusError as error:
            return _html.piece(head, _html.paragraph(_text.visible(error)))

    def twins(self) -> Twins:
        """Give the recipe of the twins that the tests need."""
        people = self.people
        return pair(people, (c for test in self.tests for c in test.needs(people)))

    def balanced(self) -> Twins:
        """Give the recipe of the balanced data set: every person at every combination of levels."""
        return factorial(self.people)

    def run(
        self,
        executor: Executor | None = None,
        *,
        trust: bool = False,
        shared: SharedPeople | None = None,
    ) -> Record:
        """Run the audit.

        Parameters
        ----------
        executor : Executor, optional
            How work is mapped over blocks of people; one after the other where left out.
        trust : bool
            Whether a model may be loaded from a format that can run code.
        shared : SharedPeople, optional
            Where people are kept for the next audit of the same ones; changes no number.

        Raises
        ------
        ParibusError
            Where the request is wrong, or the model cannot answer at all.
        """
        clock = Clock()
        model = self.probe.open(trust=trust)
        outcome = outcome_of(self.probe, model)
        tolerance = self.settled_tolerance(outcome)
        twins = _sharing(self.asked(model), shared)
        stopping = self._stopping(twins, model, outcome, tolerance)
        clock.lap("prepare")
        measured = self.measured(model)
        clock.lap("measure")
        # What chance moves is exact for nobody: a sample tells how far chance goes.
        sample = None if twins.people.census is None else _sharing(self.twins(), shared)
        answers = ask(
            self.probe,
            model,
            twins,
            executor or Serial(),
            None if stopping is None else stopping.begin,
            instead=sample,
        )
        clock.lap("ask")
        weighed = [
            row for test in self.tests for row in test.weigh(answers, tolerance, self.confidence)
        ]
        evidence = tuple(row for row in weighed if not row.rule)
        findings = judge(evidence, tolerance, self.confidence, self.multiplicity)
        if stopping is not None:
            findings = stopping.dated(findings)
        clock.lap("weigh")
        witnesses = witnesses_of(answers)
        clock.lap("witnesses")
        kept = kept_of(answers)
        clock.lap("keep")
        cap = len(twins.people)
        return Record.sum_up(
            answers,
            name=self.name,
            tolerance=tolerance,
            confidence=self.confidence,
            seed=self.seed,
            people=answers.people,
            spec=self.spec(),
            model=model_facts(self.probe, model, answers),
            answers=counts_of(answers),
            data=None if measured is None else measured.facts,
            evidence=evidence + (() if measured is None else measured.rows),
            findings=findings + (() if measured is None else measured.findings),
            lines=() if measured is None else measured.lines,
            regions=tuple(row for row in weighed if row.rule and row.test != "profiles"),
            profiles=tuple(row for row in weighed if row.rule and row.test == "profiles"),
            witnesses=witnesses,
            notes=notes_of(answers, sampled=sample is not None and not answers.exhaustive)
            + (() if measured is None else measured.notes),
            exhaustive=answers.exhaustive,
            stopped=Stopped(cap=cap, pairs=answers.people) if stopping else None,
            kept=kept,
            run=clock.run(answers),
        )

    def measured(self, model: Model) -> Measured | None:
        """Measure the table of real people, where anything is said of its columns."""
        data = self.data
        if data is None or not data.measures:
            return None
        if data.path is None and self.table is None:
            raise SpecError("name the file of the table: path = ...", path="$.data.path")
        table = self._read() if self.table is None and data.sheet is not None else self.table
        source = Source.of(data.path if table is None else table.frame.to_native())
        if not data.by:
            found = {name: levels for name, levels in self.protect.items() if name in source.names}
            references = {name: each.levels[each.reference_index] for name, each in found.items()}
            data = data.model_copy(
                update={"by": tuple(found), "reference": {**references, **data.reference}}
            )
        joint = "holm" if self.multiplicity == "max-t" else self.multiplicity
        return measure_table(
            data,
            source,
            seed=self.seed,
            confidence=self.confidence,
            multiplicity=joint,
            probe=self.probe,
            model=model,
        )

    def asked(self, model: Model) -> Twins:
        """Decide who is asked: a sample, or everybody in the declared domain.

        Raises
        ------
        SpecError
            Where everybody is asked for and cannot be listed.
        """
        twins = self.twins()
        if self._base is not None or self.table is not None or isinstance(self.size, int):
            if self.size == "all":
                raise SpecError(
                    "real rows are all asked where `people` is left out", path="$.audit.people"
                )
            return twins
        wanted = self.size == "all"
        if self.stop == "early":
            if wanted:
                raise SpecError(
                    'everybody is asked, so nothing stops early: leave out stop = "early"',
                    path="$.audit.people",
                )
            return twins
        most = max(self.exhaustive, EXHAUSTIVE) if wanted else self.exhaustive
        seen = features_of(self.probe, model, twins)
        # A placebo that the model cannot see asks nothing of anybody.
        telling = [
            contrast
            for contrast in twins.contrasts
            if contrast.kind != "placebo" or set(contrast.group.again) & set(seen)
        ]
        versions = [v for contrast in telling for v in (contrast.reference, contrast.group)]
        try:
            return pair(twins.people.enumerated(seen, versions, most), twins.contrasts)
        except CensusError as error:
            if not wanted:
                return twins
            said = f"not everybody can be asked: {error.message}"
            raise SpecError(said, path="$.audit.people") from None

    def _stopping(
        self, twins: Twins, model: Model, outcome: Outcome, tolerance: float
    ) -> Stopping | None:
        """Decide when enough people were asked: once every finding is settled."""
        if self.stop == "end":
            return None
        path = "$.audit.stop"
        if outcome.measures and not outcome.decides and outcome.bounds != (0.0, 1.0):
            raise SpecError(
                "stopping early takes decisions, labels, or the probabilities of a classifier: "
                'amounts without bounds may always surprise; leave out stop = "early", or declare '
                "a threshold",
                path=path,
            )
        if self.probe.times == 2:
            raise SpecError(
                "an audit that stops early asks each question once; leave out times = 2, or "
                'stop = "early"',
                path="$.model.times",
            )
        named = Watched.names_in_the_way(twins, features_of(self.probe, model, twins))
        if named is not None:
            raise SpecError(
                f'the model sees "{named}", drawn anew at every level: what names do is told '
                'apart only where the number of people is fixed; leave out stop = "early"',
                path=path,
            )
        if len(twins.people) > KEPT:
            raise SpecError(
                f"an audit that stops early asks {KEPT:,} people at most; say how many at most: "
                "people = 100_000",
                path="$.audit.people",
            )
        return Stopping(twins, outcome, tolerance, self.confidence, self.multiplicity)

    def settled_tolerance(self, outcome: Outcome) -> float:
        """Settle the tolerance before a single question is asked.

        Raises
        ------
        SpecError
            Where it must be declared, or would let everything pass.
        """
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
            include={"name", "seed", "tolerance", "confidence"}, mode="json", exclude_none=True
        )
        audit |= self.model_dump(include={"cross", "stop", "multiplicity", "exhaustive"}, **plain)
        if self.size is not None:
            audit["people"] = self.size
        spec: dict[str, Any] = {"audit": audit, "model": self.probe.facts()}
        spec["protect"] = {k: v.model_dump(**plain) for k, v in self.protect.items()}
        if self.fields:
            spec["fields"] = {
                k: {"kind": v.kind} | v.model_dump(**plain) for k, v in self.fields.items()
            }
        if self.table is not None:
            spec["data"] = {"rows": len(self.table), "columns": list(self.table.names)}
        if self.data is not None:
            spec["data"] = {**spec.get("data", {}), **self.data.model_dump(**plain)}
            if self.data.checks is not None:
                spec["data"]["checks"] = [
                    {"kind": c.kind} | c.model_dump(**plain) for c in self.data.checks
                ]
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
    measure: Mapping[str, Any] | None = None,
    people: int | Literal["all"] | None = None,
    outcome: str | None = None,
    favorable: Scalar | Sequence[Scalar] | None = None,
    threshold: float | None = None,
    prefer: str = "high",
    labels: Sequence[Scalar] | None = None,
    features: Sequence[str] | None = None,
    frame: FrameKind | None = None,
    repeats: str = "auto",
    times: int | str = "auto",
    tolerance: float | None = None,
    confidence: float = 0.95,
    tests: Sequence[Test] | None = None,
    cross: Sequence[Sequence[str]] = (),
    stop: str = "end",
    multiplicity: str = "holm",
    exhaustive: int = EXHAUSTIVE,
    seed: int = 0,
    name: str = "Audit",
    workers: int = 1,
    trust: bool = False,
    shared: SharedPeople | None = None,
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
        Real rows as base people: pandas, polars, pyarrow, DuckDB, or a file of CSV, Parquet, Excel
        or JSON lines.
    measure : mapping, optional
        What the columns of `data` are besides, such as ``{"label": "repaid"}``: then the data
        themselves are audited too, into the same record. The keys are those of ``[data]``.
    people : int or "all", optional
        How many people, or everybody in the declared domain. Where left out: all rows of the data;
        without data everybody in the domain if that takes few enough questions (`exhaustive`), else
        10,000 synthetic people.
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
    times : {"auto", 1, 2}
        How often each question is put; "auto" asks a model that does not repeat itself twice.
    tolerance : float, optional
        The largest gap that counts as equal, declared before looking; 0.01 where left out. For
        numbers it has the unit of the answers, and must be given.
    confidence : float
        Of intervals and verdicts, in (0.5, 1).
    tests : sequence of Test, optional
        What is weighed, instead of twins and regions.
    cross : sequence of sequences of str, optional
        Attributes to cross, such as ``[("race", "sex")]``.
    stop : {"end", "early"}
        Whether to ask everybody, or to stop as soon as every verdict is proven; `people` is then
        the most that are asked.
    multiplicity : {"holm", "max-t", "benjamini-hochberg"}
        How claims of bias are adjusted for their number.
    exhaustive : int
        Distinct questions up to which everybody in the declared domain is asked, where `people` is
        left out; 0: never.
    seed : int
        The same seed gives the same people, and the same record.
    name : str
        Title of the audit.
    workers : int
        Blocks of people asked about at a time.
    trust : bool
        Whether to load formats that can run code.
    shared : SharedPeople, optional
        Where people are kept for the next audit of the same ones; changes no number.

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
        "times": times,
    }
    given = {key: value for key, value in options.items() if value is not None}
    where: dict[str, Any] = {}
    if isinstance(data, str | Path):
        where["data"] = declared_data({**(measure or {}), "path": str(data)})
    elif data is not None:
        where["table"] = Table.of(data)
        if measure:
            where["data"] = declared_data(measure)
    elif measure:
        raise SpecError("there are no data whose columns could be measured", path="$.data")
    declared = declare(
        name=name,
        seed=seed,
        size=people,
        tolerance=tolerance,
        confidence=confidence,
        cross=tuple(tuple(crossed) for crossed in cross),
        stop=stop,
        multiplicity=multiplicity,
        exhaustive=exhaustive,
        declared_tests=None if tests is None else tuple(tests),
        probe=probe_of(model, given),
        protect={key: protected(levels, f"$.protect.{key}") for key, levels in protect.items()},
        fields={
            key: FIELDS.parse(field, f"$.fields.{key}") for key, field in (fields or {}).items()
        },
        **where,
    )
    executor = Threads(workers=workers) if workers > 1 else Serial()
    return declared.run(executor, trust=trust, shared=shared)


def _sharing(twins: Twins, shared: SharedPeople | None) -> Twins:
    if shared is None:
        return twins
    if not isinstance(shared, SharedPeople):
        raise SpecError(f"must be pb.SharedPeople(), not {shared!r}", path="shared")
    return twins.sharing(shared)


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
        own |= {"stop", "multiplicity", "exhaustive"}
        place = "$.audit" + path.removeprefix("$") if head in own else path
        raise SpecError(error.message, path=place) from None


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
