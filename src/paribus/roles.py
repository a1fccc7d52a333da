"""Which column of a table is what, and what its values are called and mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import pydantic
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr

from paribus._plugins import Declaration, Number, Whole
from paribus.counting import Source
from paribus.errors import DataError, SpecError, nearest
from paribus.table import Scalar, lookup, pool_of

MISSING = "(missing)"
"""Name of the level of people whose protected attribute is not known."""

CROSS = " x "
"""Between the names of crossed attributes, and of their levels."""

EMPTY = "(empty)"
"""Name of the level that is the empty text."""

Level = StrictBool | StrictInt | StrictFloat | StrictStr


_CLASSES = 20
"""Values up to which numbers may be the names of classes."""


class Roles(Declaration):
    """Which column of a table is what."""

    by: tuple[str, ...] = ()
    """Protected attributes."""
    reference: dict[str, Level] = pydantic.Field(default_factory=dict)
    """Attribute -> the level that the others are compared with; the largest where left out."""
    cross: tuple[tuple[str, ...], ...] | None = None
    """Attributes to cross; where left out, up to three of them are all crossed."""
    label: str | None = None
    """What really happened."""
    decision: str | None = None
    """What was decided (or predicted)."""
    outcome: Literal["decision", "label"] = "decision"
    """Whether decisions and labels are favorable or not, or labels of several classes."""
    favorable: Level | tuple[Level, ...] | None = None
    """Which value of the label and of the decision is good for a person; 1 or true by itself."""
    score: str | None = None
    """A score of the favorable outcome: higher is better for a person."""
    threshold: Number | None = None
    """Where there is no decision: the score from which on it is favorable."""
    prediction: str | None = None
    """A predicted number, where the label is a number."""
    rank: str | None = None
    """The position in a ranking, from 1."""
    weight: str | None = None
    """How many people a row stands for."""
    factors: tuple[str, ...] = ()
    """Columns by which people may rightly be told apart, such as a department."""
    time: str | None = None
    """When a row was decided."""
    every: Literal["value", "day", "week", "month", "quarter", "year"] = "value"
    """How long a window of time is; ``value`` where the column names windows already."""
    population: dict[str, dict[str, float]] = pydantic.Field(default_factory=dict)
    """Attribute (or crossed attributes) -> level -> its share in the population to represent."""
    features: tuple[str, ...] | None = None
    """Columns that a model may see; all that have no other role where left out."""
    bins: Whole = pydantic.Field(default=10, ge=2, le=100)
    """Bins of a score for histograms and calibration."""
    top: tuple[Whole, ...] = (10, 100)
    """How many places of a ranking are its top."""


# --- columns --------------------------------------------------------------------------------------


def named_columns(roles: Roles) -> list[tuple[str, str]]:
    """List the columns that have a role, each with the path that names it.

    Returns
    -------
    list of (path, column)

    Examples
    --------
    >>> named_columns(Roles(by=("sex",), label="repaid"))
    [('$.data.label', 'repaid'), ('$.data.by', 'sex')]
    """
    single = ("label", "decision", "score", "prediction", "rank", "weight", "time")
    named = [(f"$.data.{role}", getattr(roles, role)) for role in single]
    named += [("$.data.by", name) for name in roles.by]
    named += [("$.data.factors", name) for name in roles.factors]
    named += [("$.data.features", name) for name in roles.features or ()]
    return [(path, name) for path, name in named if name is not None]


def check(roles: Roles, source: Source) -> None:
    """Check that the columns exist and have one role each.

    Raises
    ------
    SpecError, DataError
        With the path of what is wrong, such as ``$.data.by``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> check(Roles(by=("sx",)), Source.of(pa.table({"sex": ["f", "m"]})))
    Traceback (most recent call last):
        ...
    paribus.errors.DataError: $.data.by: the data have no column "sx"; did you mean "sex"?
    """
    named = named_columns(roles)
    for path, name in named:
        _known(source, name, path)
    if not roles.by:
        raise SpecError('name the protected attributes, such as by = ["sex"]', path="$.data.by")
    _distinct(named)
    for attribute in roles.reference:
        _protected(attribute, roles, "$.data.reference")
    _crossable(roles)
    if roles.threshold is not None and roles.decision is not None:
        raise SpecError(
            f'"{roles.decision}" says what was decided already; leave one of the two out',
            path="$.data.threshold",
        )
    if roles.favorable == ():
        raise SpecError("name at least one value", path="$.data.favorable")


def _known(source: Source, name: str, path: str) -> None:
    if name in source.names:
        return
    if len(source.names) == 1 and (marks := {";", "\t", "|"} & set(source.names[0])):
        raise DataError(
            f'the data have one column, "{source.names[0][:60]}": separate columns by commas, not '
            f"by {sorted(marks)[0]!r}",
            path="$.data.path",
        )
    alike = [other for other in source.names if other.casefold() == name.casefold()]
    if len(alike) > 1:
        listed = " and ".join(f'"{other}"' for other in alike)
        raise DataError(
            f'the data have no column "{name}" but {listed}, which differ only in case; write it '
            "as the data do",
            path=path,
        )
    raise DataError(f'the data have no column "{name}"{nearest(name, source.names)}', path=path)


def _distinct(named: Sequence[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for path, name in named:
        if path == "$.data.features":
            continue
        if name in seen:
            also = f", in {seen[name]} too" if seen[name] != path else ""
            raise SpecError(
                f'"{name}" is named twice{also}; a column has one role and is named once', path=path
            )
        seen[name] = path
    features = Counter(name for path, name in named if path == "$.data.features")
    for name, times in features.items():
        if times > 1:
            raise SpecError(f'"{name}" is named {times} times', path="$.data.features")


def _protected(attribute: str, roles: Roles, path: str) -> None:
    if attribute not in roles.by:
        raise SpecError(
            f'"{attribute}" is none of the protected attributes{nearest(attribute, roles.by)}',
            path=path,
        )


def _crossable(roles: Roles) -> None:
    """Check that attributes are crossed with others, and once."""
    crossed = roles.cross or ()
    for i, each in enumerate(crossed):
        path = f"$.data.cross[{i}]"
        for attribute in each:
            _protected(attribute, roles, path)
        if len(each) < 2 or len(set(each)) < len(each):
            raise SpecError(
                'cross two or more different attributes, such as ["sex", "race"]', path=path
            )
        if set(each) in [set(other) for other in crossed[:i]]:
            raise SpecError(f"{CROSS.join(each)} is crossed twice", path=path)
    for attribute in roles.by:
        if attribute in {CROSS.join(each) for each in (*crossed, roles.by)} and len(roles.by) > 1:
            raise SpecError(
                f'a column cannot be called "{attribute}" beside those that are crossed by that '
                "name; rename it",
                path="$.data.by",
            )


# --- values ---------------------------------------------------------------------------------------


def level_name(level: Scalar | None) -> str:
    """Name a level so that no two levels of an attribute, and no two cells of a cross, are alike.

    Examples
    --------
    >>> level_name("F"), level_name(25.0), level_name(None), level_name("")
    ('F', '25', '(missing)', '(empty)')

    Text that reads like a name of ours is quoted.

    >>> level_name("(missing)"), level_name("a x b")
    ('"(missing)"', '"a x b"')
    """
    if level is None:
        return MISSING
    if isinstance(level, float) and level.is_integer() and abs(level) < 2**53:
        # Whole numbers that missing values have turned into fractions.
        return str(int(level))
    text = str(level)
    unclear = CROSS in f" {text} " and text != CROSS.strip()
    if text in (MISSING, EMPTY) or unclear or text.startswith('"'):
        return f'"{text}"'
    return text or EMPTY


def favorable_among(roles: Roles, values: Sequence[Scalar | None], what: str) -> tuple[int, ...]:
    """Tell which values of a label or a decision are good for a person.

    Parameters
    ----------
    roles : Roles
    values : sequence
        The values that occur; None for missing ones.
    what : {"label", "decision"}

    Returns
    -------
    tuple of int
        Their positions. Empty where no row has a favorable value.

    Raises
    ------
    DataError, SpecError
        Where there are more than two values, or nobody says which is favorable.

    Examples
    --------
    >>> roles = Roles(by=("sex",), decision="outcome", favorable="hired")
    >>> favorable_among(roles, ["hired", "rejected", None], "decision")
    (0,)
    """
    known = [value for value in values if value is not None]
    column = getattr(roles, what) or roles.score or what
    path = f"$.data.{what}"
    if what == "decision" and roles.decision is None:
        # Bins of a score: below the threshold, and from it on.
        return tuple(i for i, value in enumerate(values) if value == 1)
    if len(known) > 2 and roles.outcome == "decision":
        shown = ", ".join(level_name(value) for value in known[:6]) + (", ..." * (len(known) > 6))
        said = 'for labels of several classes declare outcome = "label"'
        if len(known) > _CLASSES and all(isinstance(value, int | float) for value in known):
            said = f'did you mean score = "{column}", with a threshold?'
            if what == "label":
                said = "is it a number that is predicted? Then name the prediction = ... too"
        raise DataError(
            f'the column "{column}" has {len(known)} values ({shown}) where a decision has two; '
            f"{said}",
            path=path,
        )
    declared = roles.favorable
    if declared is None:
        if roles.outcome == "label" or all(v in (0, 1) for v in known):
            return tuple(i for i, value in enumerate(values) if value == 1)
        shown = " or ".join(level_name(value) for value in known)
        raise SpecError(
            f'say which value of "{column}" is good for a person ({shown}): favorable = ...',
            path="$.data.favorable",
        )
    wanted = declared if isinstance(declared, tuple) else (declared,)
    places = {_place(each, known) for each in wanted} - {-1}
    if not places and len(known) > 1:
        raise SpecError(
            f'no row has the {what} "{wanted[0]}"{nearest(wanted[0], known)}',
            path="$.data.favorable",
        )
    if len(places) == len(known) > 1:
        raise SpecError(
            f'all values of "{column}" are said to be good for a person; name some of them',
            path="$.data.favorable",
        )
    there = [i for i, value in enumerate(values) if value is not None]
    return tuple(there[place] for place in sorted(places))


def _place(wanted: Scalar, known: Sequence[Scalar]) -> int:
    """Find a value among the known ones, -1 where it is none; 1 and true are one."""
    place = int(lookup(pool_of([wanted]), known)[0])
    truths = {"1": True, "true": True, "0": False, "false": False}
    truth = truths.get(str(wanted).lower())
    if place < 0 and truth is not None and all(value in (0, 1) for value in known):
        return next((i for i, value in enumerate(known) if value == truth), -1)
    return place
