"""A guided search for pairs of twins whom a model treats differently: worst cases, never a rate.

Off the verdict path. Pairs are sought out where a surrogate of the model expects them, so what is
found says nothing about how often the model treats twins differently, and no test ever sees it.

The surrogate is a random forest (Breiman 2001, Machine Learning 45, 5-32) that learns from every
batch of answers by how much a pair is a flip, and looks among real rows and mutations of the best
pairs so far. Searching near what was found goes back to Aequitas (Udeshi, Arora and Chattopadhyay
2018, ASE, 98-108).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from pydantic import PrivateAttr

from paribus import _html, _text
from paribus._files import write_atomically
from paribus._plugins import Declaration
from paribus._seeds import generator
from paribus.auditing import Audit
from paribus.errors import DataError, OutputError, SpecError
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.probe._ask import features_of
from paribus.probe.base import Model, Probe, outcome_of
from paribus.record import Witness
from paribus.studies._candidates import Space
from paribus.studies._guided import Asking, Said, guided
from paribus.studies._worst import Flips
from paribus.table import Text, to_frame
from paribus.twins import Contrast, level_contrasts, pair


class Sought(Declaration):
    """What was asked, and what was found."""

    asked: int
    """Pairs of twins that the model was asked about."""
    flips: int
    """Distinct pairs that it treats differently."""
    unusable: int = 0
    """Pairs with an answer missing: the model refused or failed."""

    @property
    def per_pair(self) -> float:
        """Flips for each pair asked: how well the search works, not how often the model flips."""
        return self.flips / self.asked if self.asked else 0.0


class OfContrast(Sought):
    """What was asked and found of one contrast."""

    attribute: str
    reference: str
    group: str


class Distances(Declaration):
    """How far the pairs that were found are from the nearest real row (Gower's distance)."""

    median: float
    """From 0, a real row, to 1, in which every column differs as far as it can."""
    real: float
    """Share of the pairs at distance 0."""


class Search(Declaration):
    """Worst cases that a guided search has found. Not a sample: no rate follows from it."""

    kind: Literal["search"] = "search"
    name: str
    seed: int
    budget: int
    rows_only: bool
    counts: str
    """What counts as a flip."""
    guide: str
    """What the surrogate has learned from."""
    found: Sought
    baseline: Sought | None = None
    """A random search with the same budget among the same rows."""
    contrasts: tuple[OfContrast, ...]
    distances: Distances | None = None
    """None where nothing was found."""
    witnesses: tuple[Witness, ...]
    """The most extreme pairs, the worst first; `person` counts the pairs as they were asked."""
    notes: tuple[str, ...] = ()

    _table: pa.Table | None = PrivateAttr(default=None)

    @property
    def asked(self) -> int:
        """Pairs of twins that the model was asked about."""
        return self.found.asked

    @property
    def flips(self) -> int:
        """Distinct pairs that the model treats differently."""
        return self.found.flips

    @property
    def per_pair(self) -> float:
        """Flips for each pair asked: how well the search works, not how often the model flips."""
        return self.found.per_pair

    def pairs(self, kind: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """Give all pairs that were found, the most extreme first.

        Parameters
        ----------
        kind : {"pandas", "polars", "pyarrow"}
            Kind of data frame.

        Returns
        -------
        DataFrame
            Columns ``pair, row, attribute, reference, group, reference_answer, group_answer,
            margin, distance``, then what the model sees of the person as the reference twin has
            it. `row` is the row in the data of a person who was not changed, else missing;
            `margin` is missing where the model gives nothing but decisions.

        Raises
        ------
        DataError
            On a search that was read from a file: it holds its witnesses only.
        """
        if self._table is None:
            raise DataError(
                "a search read from a file holds its witnesses only; run it again for all pairs"
            )
        columns = zip(self._table.column_names, self._table.columns, strict=True)
        return to_frame({name: Text(column.combine_chunks()) for name, column in columns}, kind)

    def json_text(self) -> str:
        """Write the search as JSON text, with a line break at its end."""
        return self.model_dump_json(indent=2) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the search to a ``.json`` file.

        Raises
        ------
        OutputError
            Where the suffix is another, or the file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".json":
            raise OutputError(f'"{target}" is no .json file; a search is written as JSON')
        write_atomically(target, self.json_text().encode())
        return target

    def __repr__(self) -> str:
        return "\n".join(_lines(self)) + "\n"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show in a notebook what was found, and the worst pairs."""
        shown = _html.verdict(
            None,
            _html.paragraph(_text.shortened(_sentence(self), _SAID), "sentence"),
            _html.paragraph(_NO_RATE),
            title=f"Search: {_text.name(self.name)}",
        )
        return _html.piece(shown, *map(_pair, self.witnesses[:_TOLD]))


def search(
    audit: Audit,
    pairs: int = 1_500,
    *,
    rows_only: bool = False,
    baseline: bool = True,
    seed: int | None = None,
    trust: bool = False,
    executor: Executor | None = None,
) -> Search:
    """Look for pairs of twins whom a model treats differently, as many distinct ones as possible.

    Off the verdict path: what comes out are worst cases, never a rate. For rates, run the audit.

    A flip is another decision (or label) for the group twin than for the reference twin; of scores
    and numbers without a threshold, a gap beyond the audit's tolerance. Every level of every
    attribute is compared with its reference. The first pairs and a tenth of all others are dealt to
    these contrasts in turns, nearly half goes to the best candidates of each contrast, and the rest
    wherever the surrogate expects flips.

    Two pairs are the same where the model sees the same of them outside the closure of what is
    moved; no pair is asked twice.

    Parameters
    ----------
    audit : Audit
        Its people, model, attributes and tolerance; its tests do not matter.
    pairs : int
        How many pairs of twins to ask the model about, at most.
    rows_only : bool
        Whether to look among real rows (or the people that the fields draw) only. Otherwise the
        best pairs are changed in a column or two: to the value of another row, or by a step within
        the declared or observed range. Neither a protected attribute nor what follows it changes.
    baseline : bool
        Whether a random search with the same budget, among the same rows, runs beside it: the
        model is then asked about up to twice as many pairs.
    seed : int, optional
        The audit's own where left out. The same seed gives the same search.
    trust : bool
        Whether a model may be loaded from a format that can run code.
    executor : Executor, optional
        As for an audit.

    Returns
    -------
    Search

    Raises
    ------
    SpecError
        Where `pairs` is no positive whole number, or the audit itself is wrong.
    ModelError
        Where the model cannot answer at all.

    Examples
    --------
    >>> import paribus as pb
    >>> from paribus.probe.callable import CallableProbe
    >>> def loan(people):
    ...     pay = people["income"] + 900 * (people["gender"] == "Male")
    ...     return pay > 80_000
    >>> audit = pb.Audit(
    ...     probe=CallableProbe(function=loan, favorable=True),
    ...     protect={"gender": pb.Protected(levels=("Male", "Female"))},
    ...     fields={"income": pb.integers(30_000, 119_999)},
    ... )
    >>> found = search(audit, 600)
    >>> found.flips > 10 * found.baseline.flips
    True
    >>> found.witnesses[0].reference_answer, found.witnesses[0].group_answer
    (True, False)
    """
    if isinstance(pairs, bool) or not isinstance(pairs, int) or pairs < 1:
        raise SpecError(f"must be a whole number from 1, not {pairs!r}", path="pairs")
    chosen = audit.seed if seed is None else seed
    if isinstance(chosen, bool) or not isinstance(chosen, int) or not 0 <= chosen < 2**63:
        raise SpecError(f"must be a whole number from 0, not {chosen!r}", path="seed")
    people, model = audit.people, audit.probe.open(trust=trust)
    outcome = outcome_of(audit.probe, model)
    tolerance = (
        audit.settled_tolerance(outcome) if outcome.measures and not outcome.decides else 0.0
    )
    contrasts, blind = _contrasts(people, audit.probe, model)
    seen = features_of(audit.probe, model, pair(people, contrasts))
    handed_all = audit.probe.features is None and model.features is None
    space = Space(people, contrasts, seen, handed_all=handed_all, seed=chosen)

    def asking(*, scores: bool) -> Asking:
        how = executor or Serial()
        return Asking(audit.probe, model, space, tolerance, how, scores=scores)

    searched = asking(scores=True)
    guided(searched, pairs, rows_only=rows_only, seed=chosen)
    random = asking(scores=False) if baseline else None
    if random is not None:
        dealt = space.dealt(generator(chosen, "search/baseline", 0))
        random.ask(dealt.take(np.arange(min(pairs, len(dealt)))))
    flips = Flips.of(searched)
    found = Search(
        name=audit.name,
        seed=chosen,
        budget=pairs,
        rows_only=rows_only,
        counts=_counts(searched),
        guide="scores" if searched.has_scores else "decisions",
        found=Sought(**_counted(searched.said)),
        baseline=None if random is None else Sought(**_counted(random.said)),
        contrasts=tuple(_of_contrasts(searched)),
        distances=_distances(flips),
        witnesses=flips.witnesses(),
        notes=tuple(_notes(searched, pairs, blind, rows_only=rows_only)),
    )
    found._table = flips.table()
    return found


def _contrasts(people: People, probe: Probe, model: Model) -> tuple[list[Contrast], list[str]]:
    """List the contrasts of which the model sees anything, and the attributes of which not."""
    contrasts: list[Contrast] = []
    blind = []
    every = {name: level_contrasts(people, name) for name in people.protect}
    seen = features_of(probe, model, pair(people, (c for own in every.values() for c in own)))
    for name, own in every.items():
        if set(people.closure(name)) & set(seen):
            contrasts += own
        else:
            blind.append(name)
    return contrasts, blind


# --- what was found -------------------------------------------------------------------------------


def _counted(said: Iterable[Said]) -> dict[str, int]:
    told = [each.told for each in said]
    asked = sum(map(len, told))
    flips = sum(int(each.flip.sum()) for each in said)
    return {"asked": asked, "flips": flips, "unusable": asked - sum(int(t.sum()) for t in told)}


def _of_contrasts(asking: Asking) -> Iterator[OfContrast]:
    for c, contrast in enumerate(asking.space.contrasts):
        yield OfContrast(
            attribute=contrast.attribute,
            reference=contrast.reference_name,
            group=contrast.group_name,
            **_counted([said for said in asking.said if (said.people.contrast == c).all()]),
        )


def _counts(asking: Asking) -> str:
    if asking.outcome.decides:
        return "the decision differs"
    if asking.outcome.measures:
        return f"the answers differ by more than {_text.plain_number(asking.tolerance)}"
    return "the label differs"


def _distances(flips: Flips) -> Distances | None:
    if not len(flips):
        return None
    return Distances(
        median=float(np.median(flips.distances)), real=float((flips.distances == 0).mean())
    )


def _notes(asking: Asking, budget: int, blind: list[str], *, rows_only: bool) -> Iterator[str]:
    for name in blind:
        yield (
            f"The model sees nothing of {name}, nor of any column declared to follow it: its twins "
            "look the same to the model, and were not asked about."
        )
    if asking.asked < budget and asking.space.contrasts:
        what = "distinct rows" if rows_only else "distinct rows and the changes of them"
        yield (
            f"The {what} ran out: the model was asked about {_text.count(asking.asked, 'pair')} "
            f"instead of {budget:,}."
        )
    if not asking.repeatable:
        yield (
            "The model does not repeat itself: asked twice about the same people it gave different "
            "answers. What was found may be noise; ask about the worst cases again."
        )


# --- for a terminal -------------------------------------------------------------------------------

_WIDTH = 100
_ANSWER = "answer"

_TOLD = 3
"""Witnesses that the text shows; all of them are in the JSON."""


_NO_RATE = (
    "Worst cases, no rate: these pairs were sought out, so their number says nothing about how "
    "often the model treats twins differently. For that, run the audit."
)
_SAID = 600


def _pair(witness: Witness) -> Markup:
    """Write a pair as a table of two rows, what differs marked."""
    differing = dict.fromkeys((*witness.reference_values, *witness.group_values))
    columns: dict[str, list[Any]] = {
        witness.attribute: [witness.reference, witness.group],
        **{
            key: [witness.reference_values.get(key), witness.group_values.get(key)]
            for key in differing
            if key != witness.attribute
        },
    }
    marked = {key: [True, True] for key in (*columns, _ANSWER)}
    columns[_ANSWER] = [witness.reference_answer, witness.group_answer]
    columns |= {key: [value, value] for key, value in witness.same.items() if key not in columns}
    person = "somebody made up" if witness.row is None else f"row {witness.row:,}"
    title = f"{_text.name(witness.attribute)}, {person}"
    return _html.values(title, columns, marked, together=2)


def _lines(found: Search) -> Iterator[str]:
    yield f"Search: {_text.name(found.name)}"
    yield ""
    yield from _wrapped(_NO_RATE)
    yield ""
    yield from _wrapped(_sentence(found))
    if found.distances is not None:
        yield from _wrapped(
            f"{_text.percent(found.distances.real)} of them are real rows to the model; half lie "
            f"within {_text.number(found.distances.median)} of one (0 is a real row, 1 differs in "
            "every column as far as it can)."
        )
    if len(found.contrasts) > 1:
        yield ""
        for each in found.contrasts:
            name = f"{_text.name(each.attribute)}: {_text.name(each.reference)} and "
            yield f"  {name}{_text.name(each.group)}: {each.flips:,} of {each.asked:,}"
    for note in found.notes:
        yield ""
        yield from _wrapped(note)
    for number, witness in enumerate(found.witnesses[:_TOLD], start=1):
        yield ""
        yield from _witness(number, witness)
    if len(found.witnesses) > _TOLD:
        yield ""
        yield f"  {len(found.witnesses) - _TOLD} more are in the JSON, all in pairs()."


def _sentence(found: Search) -> str:
    own = found.found
    said = (
        f"{own.flips:,} of {_text.count(own.asked, 'pair')} asked are flips ({found.counts}), "
        f"{own.per_pair:.2f} for each pair asked."
    )
    if found.baseline is not None:
        said += (
            f" A random search found {found.baseline.flips:,} of {found.baseline.asked:,} "
            f"({found.baseline.per_pair:.2f})."
        )
    if own.unusable:
        said += f" {_text.count(own.unusable, 'pair')} got no answer."
    return said


def _witness(number: int, witness: Witness) -> Iterator[str]:
    person = "somebody made up" if witness.row is None else f"row {witness.row:,}"
    yield f"  {number}. {_text.name(witness.attribute)}, {person}"
    for level, answer, values in (
        (witness.reference, witness.reference_answer, witness.reference_values),
        (witness.group, witness.group_answer, witness.group_values),
    ):
        others = {k: v for k, v in values.items() if k != witness.attribute}
        beside = f" ({_listed(others)})" if others else ""
        yield f"     {_text.name(level)}{beside}: {_value(answer)}"
    yield from _wrapped(_listed(witness.same), indent="     ")


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{_text.name(key)} {_value(value)}" for key, value in values.items())


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    return _text.number(value) if isinstance(value, float) else _text.name(value)


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
