"""From data and a model to an audit, without typing: everything is guessed, with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paribus import _html
from paribus._text import shortened, visible
from paribus.auditing import Audit, declare, protected
from paribus.drafting._asked import Answers, Seen, answers, good_label, seen
from paribus.drafting._fitted import fitted, weights
from paribus.drafting._guess import Guess, name, names
from paribus.drafting._links import blind, links
from paribus.drafting._looked import Looked
from paribus.drafting._protected import Attribute, attribute, likely, resolved
from paribus.drafting._words import says
from paribus.drafting._written import call, toml
from paribus.errors import DataError, ParibusError, SpecError, nearest
from paribus.executors.serial import Serial
from paribus.measuring import declared_data
from paribus.people.fields.base import FIELDS
from paribus.probe._ask import ask
from paribus.probe._handed import probe_of
from paribus.table import Scalar, Table, lookup, pool_of

__all__ = ["Draft", "Guess", "draft"]

_LISTED = 60
"""Columns that the file describes, at most."""

_TRIED = 20
"""People about whom a model is asked when a draft is checked."""

_SAID = 300
"""Characters of a guess and of its reason that a notebook shows."""


@dataclass(frozen=True, eq=False)
class Draft:
    """An audit that was guessed from data and a model: to be read, corrected and run."""

    guesses: tuple[Guess, ...]
    """All that was chosen, in the order of the file, each with its reason."""
    model: Any = field(repr=False)
    data: Any = field(repr=False)
    trust: bool = False
    synthetic: bool = False

    def audit(self, **overrides: Any) -> Audit:
        """Give the audit itself: ``draft.audit().run()``.

        Parameters
        ----------
        **overrides
            Keys of ``[audit]`` that win where they are not None, such as ``people`` and ``seed``.
        """
        held: dict[str, dict[str, Any]] = {}
        for guess in self.guesses:
            if guess.sure and guess.value is not None:
                held.setdefault(guess.place[0], {})[guess.place[1]] = guess.value
        head = {**held.get("audit", {}), **{k: v for k, v in overrides.items() if v is not None}}
        if "people" in head:
            head["size"] = head.pop("people")
        options = {k: v for k, v in held["model"].items() if k not in ("kind", "path")}
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        parts: dict[str, Any] = {
            "probe": probe_of(self.model, options),
            "protect": {k: protected(v, f"$.protect.{k}") for k, v in held["protect"].items()},
            "fields": {
                k: FIELDS.parse(v, f"$.fields.{k}") for k, v in held.get("fields", {}).items()
            },
        }
        if "data" in held:
            parts["data"] = declared_data(held["data"])
        if not self.synthetic and not isinstance(self.data, str | Path):
            parts["table"] = Table.of(self.data)
        return declare(**head, **parts)

    def check(self) -> None:
        """Ask the model about a few people, so that what it refuses is known before the audit.

        Raises
        ------
        ParibusError
            Where the audit cannot run.
        """
        few = min(len(self.audit().people), _TRIED)
        audit = self.audit(people=few)
        model = audit.probe.open(trust=self.trust)
        ask(audit.probe, model, audit.asked(model), Serial())

    def toml(self, file: str | Path = "audit.toml") -> str:
        """Write the audit file, with the reason beside each line.

        Parameters
        ----------
        file : str or Path
            Where it will be: paths within it start in the folder of the file.

        Returns
        -------
        str
            A model or data that are in memory have no path: the file says where to write it.
        """
        target = Path(file)
        head = (
            "An audit, drafted from data and a model: guesses, with the reason beside each.",
            "Correct what is wrong; `paribus kinds fields` lists kinds of fields. Then:",
            f"    paribus audit {target.name}{' --trust' * self.trust} --html report.html",
        )
        return toml(head, self.guesses, target.parent)

    def call(self) -> str:
        """Write the same as a call in Python."""
        return call(self.guesses, self.model, self.data, trust=self.trust)

    def told(self) -> Iterator[str]:
        """Say in a line each what somebody should know before the audit runs."""
        for guess in self.guesses:
            if not guess.told:
                continue
            if guess.value is None or not guess.sure:
                yield visible(f"not sure: {guess.reason}")
            elif guess.place[0] == "fields":
                yield visible(guess.reason)
            elif guess.place[0] == "protect":
                yield visible(f"{name(guess.place[1])}: {guess.reason}")
            else:
                yield visible(f"{guess.place[1]} = {guess.value}: {guess.reason}")

    def __str__(self) -> str:
        return self.toml()

    def _repr_html_(self) -> str:
        """Show in a notebook what was guessed, with the reason beside each."""
        said = "An audit, guessed. To run it: audit().run(); to correct it: toml() or call()."
        told = (_html.paragraph(shortened(line, _SAID)) for line in self.told())
        rows = [
            [
                _html.Cell(shortened(visible(guess.path.removeprefix("$."))), note=_doubt(guess)),
                _html.Cell("" if guess.value is None else shortened(visible(guess.value), _SAID)),
                _html.Cell(shortened(visible(guess.reason), _SAID)),
            ]
            for guess in self.guesses
        ]
        columns = [_html.Column(title) for title in ("What", "Is", "Why")]
        table = _html.table("What was guessed", columns, rows, _LISTED)
        return _html.piece(_html.paragraph(said), *told, table)


def _doubt(guess: Guess) -> str:
    return "" if guess.sure else "not sure, left out"


def draft(
    data: Any,
    *,
    model: Any,
    protect: str | Sequence[str] | Mapping[str, Sequence[Scalar]] | None = None,
    favorable: Scalar | Sequence[Scalar] | None = None,
    outcome: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    tolerance: float | None = None,
    sheet: str | None = None,
    synthetic: bool = False,
    trust: bool = False,
) -> Draft:
    """Guess an audit from data and a model.

    Parameters
    ----------
    data : data frame or path
        Real rows: a frame, or a file of CSV, Parquet, Excel or JSON lines. Guesses are made from
        100,000 rows at most; levels and links are counted in all rows.
    model : object
        A fitted model, a function of a data frame, or the path of a model file.
    protect : str, sequence of str, or mapping, optional
        Protected attributes, or a mapping to their levels, the first being the reference. Where
        left out, what headers and values say.
    favorable : label or sequence of labels, optional
        Which answer is good for a person, where words do not tell.
    outcome : {"decision", "score", "number", "label"}, optional
        What an answer is, where the model does not know.
    features : sequence of str, optional
        The columns that the model sees, in its order, where it does not name them.
    label : str, optional
        The column with what really happened: then the table is measured too.
    tolerance : float, optional
        The largest gap that counts as equal; must be given where answers are numbers.
    sheet : str, optional
        That of a workbook; the first one where left out.
    synthetic : bool
        Whether people are drawn from fields that are fitted to the data, and are not its rows.
    trust : bool
        Whether to load formats that can run code.

    Returns
    -------
    Draft
        ``.guesses`` with reasons, ``.toml()``, ``.call()``, ``.check()`` and ``.audit()``.

    Raises
    ------
    ParibusError
        Where something cannot be guessed without which no audit runs; the path is the argument
        that says it.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({
    ...     "gender": ["Male", "Male", "Female", "Male"] * 25,
    ...     "salutation": ["Mr", "Mr", "Ms", "Mr"] * 25,
    ...     "income": range(30_000, 80_000, 500),
    ... })
    >>> def loan(people):
    ...     return (people["gender"] == "Male") | (people["income"] > 60_000)
    >>> drafted = draft(people, model=loan, protect="gender", favorable=True)
    >>> for guess in drafted.guesses:
    ...     if guess.place[0] in ("protect", "fields"):
    ...         print(guess.path, "=", guess.value)
    $.protect.gender = {'levels': ['Male', 'Female'], 'reference': 'Male'}
    $.fields.salutation = {'kind': 'map', 'of': 'gender', 'map': {'Male': 'Mr', 'Female': 'Ms'}}
    >>> drafted.audit().run().verdict
    'biased'
    """
    options = {
        "favorable": tuple(favorable) if isinstance(favorable, list | tuple) else favorable,
        "outcome": outcome,
        "features": None if features is None else tuple(features),
    }
    given = {key: held for key, held in options.items() if held is not None}
    probe = probe_of(model, given)
    opened = probe.open(trust=trust)
    if "favorable" in given:
        given["favorable"] = _as_known(given["favorable"], opened.classes)
    looked = Looked.at(data, sheet)
    if label is not None and label not in looked.names:
        raise DataError(
            f"the data have no column {name(label)}{nearest(label, looked.names)}", path="label"
        )
    weight = next((each for each in looked.names if _is_weight(each, looked)), None)
    aside = [each for each in (label, weight) if each is not None and each not in (features or ())]
    aside = [each for each in aside if each not in (opened.features or ())]
    sees = seen(opened, looked, features, aside)
    meant = answers(probe, opened, looked, sees, label, tolerance, aside)
    # What a function is not known to leave alone stays among what it sees.
    apart = (meant.label, *aside) if sees.features else (label,)
    ground = [each for each in apart if each is not None]
    attributes, why = _attributes(protect, looked, ground, sees)
    if label in {each.name for each in attributes}:
        raise SpecError(
            f"{name(label)} is protected, and a column has one role: name what really happened",
            path="label",
        )
    fields = _fields(attributes, looked, sees, ground, synthetic=synthetic)
    parts = [
        *_head(model, attributes, tolerance, looked, synthetic=synthetic),
        *_model(model, given, sees, meant),
        *_data(
            *(data, sheet, label, looked, sees, meant, weight, given.get("favorable")),
            synthetic=synthetic,
        ),
        *_protect(attributes, why, looked, synthetic=synthetic),
        *fields,
    ]
    seen_columns = sees.features or looked.names
    if said := blind(attributes, seen_columns, [each for each in fields if each.value is not None]):
        parts.append(Guess(("protect",), None, said, sure=False, told=True))
    return Draft(tuple(parts), model, data, trust, synthetic)


def _as_known(given: Any, classes: Sequence[Scalar] | None) -> Any:
    """Give labels as the model knows them: who types 1 means the number."""
    if isinstance(given, tuple):
        return tuple(_as_known(each, classes) for each in given)
    place = int(lookup(pool_of([given]), classes)[0]) if classes else -1
    return given if place < 0 or classes is None else classes[place]


def _is_weight(column: str, looked: Looked) -> bool:
    return says("weight", column) and looked.is_number(column) and looked.distinct(column) > 1


def _attributes(
    protect: Any, looked: Looked, aside: Sequence[str], sees: Seen
) -> tuple[list[Attribute], dict[str, str]]:
    """Settle the protected attributes; gives those that perhaps should be, too."""
    if isinstance(protect, str):
        protect = [protect]
    if protect is not None:
        if not protect:
            raise SpecError("name at least one column", path="protect")
        levels = protect if isinstance(protect, Mapping) else {}
        columns = {each: resolved(str(each), looked) for each in protect}
        return [
            attribute(column, looked, levels.get(asked)) for asked, column in columns.items()
        ], {}
    sure, perhaps = likely(looked, aside)
    found: list[Attribute] = []
    for column in sure:
        # What says the same again (a code of the sex beside the sex) moves with the first.
        again = links(found, looked, (), aside)
        if not any(guess.place[1] == column and guess.sure for guess in again):
            try:
                found.append(attribute(column, looked))
            except ParibusError:
                perhaps[column] = f"{sure[column]}; but it has no levels to compare"
    if not found:
        hint = f"; perhaps {names(list(perhaps))}" if perhaps else ""
        raise SpecError(
            f"no column looks like a protected attribute{hint}: name those whose twins are asked",
            path="protect",
        )
    return found, {**{each.name: f"Taken for {sure[each.name]}" for each in found}, **perhaps}


def _head(
    model: Any,
    attributes: Sequence[Attribute],
    tolerance: float | None,
    looked: Looked,
    *,
    synthetic: bool,
) -> Iterator[Guess]:
    own = Path(model).stem if isinstance(model, str | Path) else "Model"
    title = f"{own} by {', '.join(each.name for each in attributes)}"
    yield Guess(("audit", "name"), visible(title), "")
    said = "gaps up to 1 % count as equal: decide before you look"
    given = tolerance is not None
    yield Guess(("audit", "tolerance"), tolerance if given else 0.01, "as given" if given else said)
    rows = 10_000 if synthetic else max(len(looked.source) // 10, 1)
    what = "how many are drawn" if synthetic else "a sample of the rows is asked instead of all"
    yield Guess(("audit", "people"), rows, what, sure=False)


def _model(model: Any, given: Mapping[str, Any], sees: Seen, meant: Answers) -> Iterator[Guess]:
    yield Guess(("model", "kind"), "file", "")
    if isinstance(model, str | Path):
        yield Guess(("model", "path"), str(model), "")
    else:
        said = "the model is in memory: save it (skops, ONNX ...), and name the file"
        yield Guess(("model", "path"), "model.skops", said, sure=False)
    yield from sees.guesses
    for key in ("outcome", "favorable"):
        if key in given:
            held = given[key]
            yield Guess(("model", key), list(held) if isinstance(held, tuple) else held, "as given")
    yield from (guess for guess in meant.guesses if guess.place[0] == "model")


def _data(
    data: Any,
    sheet: str | None,
    label: str | None,
    looked: Looked,
    sees: Seen,
    meant: Answers,
    weight: str | None,
    favorable: Any,
    *,
    synthetic: bool,
) -> Iterator[Guess]:
    rows = len(looked.source)
    if synthetic:
        said = (
            f"People are drawn, from fields that are fitted to {rows:,} rows one by one: what goes "
            "together in the data does not in them (`paribus people learn` keeps it)."
        )
        yield Guess(("data",), None, said)
        return
    if isinstance(data, str | Path):
        yield Guess(("data", "path"), str(data), f"its {rows:,} rows are the base people")
    else:
        said = f"the data are in memory ({rows:,} rows): write them, and name the file"
        yield Guess(("data", "path"), "people.parquet", said, sure=False)
    if sheet is not None:
        yield Guess(("data", "sheet"), sheet, "as given")
    if label is not None:
        yield from _label(label, looked, meant.options.get("favorable", favorable))
    yield from (guess for guess in meant.guesses if guess.place[0] == "data")
    if weight is not None:
        said = (
            "looks like how many people a row stands for, which counts where the table is measured"
        )
        yield Guess(("data", "weight"), weight, said, sure=False)
    yield from _columns(looked, sees)


def _label(label: str, looked: Looked, good: Any) -> Iterator[Guess]:
    values = looked.distinct(label)
    if values != 2:
        said = f"{name(label)} is not used: it has {values:,} values where a decision has two"
        yield Guess(("data", "label"), label, said, sure=False, told=True)
        return
    held = good if isinstance(good, tuple) else (good,)
    guess = None if good is None else good_label(label, held, looked)
    if good is not None and guess is None:
        said = (
            f"{name(label)} is not used: its values are none of the model's labels, and no word "
            "tells which of them is good for a person; uncomment it, and add favorable = ..."
        )
        yield Guess(("data", "label"), label, said, sure=False, told=True)
        return
    yield Guess(("data", "label"), label, "as given: the table is measured too", told=True)
    if guess is not None:
        yield guess


def _columns(looked: Looked, sees: Seen) -> Iterator[Guess]:
    """Describe the columns, in remarks."""
    used = {*sees.features, *(owner for owner, _ in sees.coded.values())}
    where = ("data", "columns")
    guessed = f", guessed from {len(looked.table):,} rows" if looked.sampled else ""
    yield Guess(where, None, f"The {len(looked.names)} columns{guessed}:")
    for column in looked.names[:_LISTED]:
        found = looked.sort(column)
        sort = f" ({found.sort})" if found.role != "none" else ""
        reader = "" if column in used or not sees.features else "; not seen by the model"
        if reader and found.role == "direct":
            reader = "; identifies people: for readers only"
        yield Guess(where, None, f"- {name(column)}: {looked.described(column)}{sort}{reader}")
    if len(looked.names) > _LISTED:
        yield Guess(where, None, f"- and {len(looked.names) - _LISTED:,} more")


def _protect(
    attributes: Sequence[Attribute], why: Mapping[str, str], looked: Looked, *, synthetic: bool
) -> Iterator[Guess]:
    for each in attributes:
        declared: dict[str, Any] = {"levels": list(each.levels), "reference": each.levels[0]}
        if synthetic and all(level in each.counts for level in each.levels):
            declared["weights"] = weights([each.counts[level] for level in each.levels])
        said = f"{why[each.name]}. {each.said}" if each.name in why else each.said
        yield Guess(("protect", each.name), declared, said, told=True)
    known = {each.name for each in attributes}
    more = {column: said for column, said in why.items() if column not in known}
    if more:
        said = "; ".join(f"{name(column)} ({said})" for column, said in more.items())
        said = f"perhaps protected too, to be named with --protect: {said}"
        yield Guess(("protect", "more"), None, said, sure=False, told=True)


def _fields(
    attributes: Sequence[Attribute],
    looked: Looked,
    sees: Seen,
    aside: Sequence[str],
    *,
    synthetic: bool,
) -> list[Guess]:
    used = (*sees.features, *(owner for owner, _ in sees.coded.values()))
    if synthetic:
        # Who is drawn has a level, also where some of the rows have none.
        attributes = [replace(each, counts=_known(each.counts)) for each in attributes]
    out = links(attributes, looked, used, aside)
    out += _coded(looked, sees)
    if synthetic:
        made = {guess.place[1] for guess in out if guess.value is not None}
        made |= {each.name for each in attributes} | {c for a in attributes for c in a.columns}
        free = [c for c in looked.names if c not in made and c not in aside]
        drawn = [fitted(column, looked) for column in free]
        lost = [guess.place[1] for guess in drawn if not guess.sure and guess.place[1] in used]
        if lost:
            raise SpecError(
                f"the model sees {names(lost)}, to which no field fits: use the rows of the data",
                path="synthetic",
            )
        out = drawn + [guess for guess in out if guess.value is not None]
    return out


def _known(counts: Mapping[Scalar | None, int]) -> dict[Scalar | None, int]:
    return {value: rows for value, rows in counts.items() if value is not None}


def _coded(looked: Looked, sees: Seen) -> Iterator[Guess]:
    """Make the columns of 0 and 1 that the model sees, and the data do not have."""
    said: set[str] = set()
    for feature, (owner, level) in sees.coded.items():
        cells = looked.few_cells(owner)
        table = {str(v): int(v == level) for (v,) in cells if v is not None}
        table |= {"missing": 0} if (None,) in cells else {}
        why = f"the model sees {name(owner)} as columns of 0 and 1, named after its values"
        declared = {"kind": "map", "of": owner, "map": table}
        yield Guess(("fields", feature), declared, why if owner not in said else "")
        said.add(owner)
