"""Realistic personal data: names, emails, addresses and all else that Mimesis has.

The only importer of mimesis. From Mimesis' public methods a pool of values is built once per
(method, locale, arguments); a column is then integer codes into the pool. What follows a level
changes the pool, never the draw: a man and his twin stand at the same position of their lists.
"""

from __future__ import annotations

import enum
import inspect
import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence, Set
from functools import cache
from itertools import product
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic
from pydantic import model_validator

from paribus.errors import DataError, SpecError, nearest
from paribus.people.fields._keys import text_keys
from paribus.people.fields._pools import Variants, uuids
from paribus.people.fields.base import Field, Latent, Streams, coded, missing_level
from paribus.table import Coded, Column, Joined, Scalar, lookup

Arguments = tuple[tuple[str, Any], ...]

_SAMPLE = 20_000
"""Values asked of Mimesis at most, to fill one pool."""

_SPLIT = {
    "person.email": (r"(\D*)(\d+@.*)",),
    "person.phone_number": (r"(.*)(\d{4})",),
    "person.telephone": (r"(.*)(\d{4})",),
    "person.identifier": (r"(.{3})(.*)",),
    "address.address": (r"(\d+ )(.*)", r"(.*)( [\d-]+)"),
    "address.postal_code": (r"(.*)(\d{3})",),
    "address.zip_code": (r"(.*)(\d{3})",),
}
"""Methods whose values are put together from two independent parts, and the patterns to try.

One pool of whole values would give many people the same number; two pools multiply."""

_MADE_OF_NAME = {"person.email", "person.username"}

_UNREPEATABLE = {
    "cryptographic.jwt",
    "datetime.future_date",
    "datetime.future_datetime",
    "datetime.past_date",
    "datetime.past_datetime",
    "datetime.timestamp",
    "development.calver",
    "internet.query_string",
    "internet.uri",
}
"""Methods that look at the clock, the time zone or the order of a set, whatever the seed."""

_UNREPEATABLE_PROVIDERS = {"path"}
"""Their values depend on the operating system."""

_THIS_YEAR = {
    "datetime.date": ("end",),
    "datetime.datetime": ("start", "end"),
    "datetime.formatted_date": ("end",),
    "datetime.formatted_datetime": ("start", "end"),
    "datetime.week_date": ("end",),
    "datetime.year": ("maximum",),
}
"""Methods whose range ends with the current year, unless these arguments are declared."""

_PASSED_ON = {
    "datetime.formatted_date": "datetime.date",
    "datetime.formatted_datetime": "datetime.datetime",
}
"""Methods that hand their further arguments on to another."""

_BUILDING = threading.Lock()
"""Held while pools are built: a Mimesis provider has one state for all threads."""


class Mimesis(Field):
    """A value of a Mimesis method, such as ``person.full_name``."""

    kind: Literal["mimesis"] = "mimesis"
    method: str
    locale: str = "en"
    arguments: dict[str, Any] = pydantic.Field(default_factory=dict)
    follows: dict[str, dict[str, Any]] = pydantic.Field(default_factory=dict)
    """Column that is followed -> its level -> the argument's value (or the locale)."""
    of: str | None = None
    """For an email or a username: the column with the name that it is made from."""

    random: ClassVar[bool] = True

    @pydantic.field_validator("follows", mode="before")
    @classmethod
    def _keys_are_text(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {
            str(column): text_keys(levels) if isinstance(levels, Mapping) else levels
            for column, levels in table.items()
        }

    @model_validator(mode="after")
    def _known(self) -> Mimesis:
        _method(self.method)
        _locale(self.locale, "$.locale")
        if self.of is not None and self.method not in _MADE_OF_NAME:
            raise SpecError(
                f"only {' and '.join(sorted(_MADE_OF_NAME))} can be made of a name", path="$.of"
            )
        moved = set()
        for column, levels in self.follows.items():
            argument, values = _link(self.method, column, levels)
            moved.add(argument)
            for level, value in values.items():
                path = f"$.follows.{column}.{level}"
                if argument == "locale":
                    _locale(value, path)
                else:
                    _argument(self.method, argument, value, path)
        for argument, value in self.arguments.items():
            _argument(self.method, argument, value, f"$.arguments.{argument}")
        _repeatable(self.method, moved.union(self.arguments))
        return self

    @property
    def parents(self) -> tuple[str, ...]:
        return (*self.follows, *([self.of] if self.of else []))

    @property
    def linked(self) -> tuple[str, ...]:
        return tuple(self.follows)

    def check(self, levels: Mapping[str, Sequence[Scalar]]) -> None:
        for column, table in self.follows.items():
            if column in levels:
                _, values = _link(self.method, column, table)
                missing_level(levels[column], values, column, f"$.follows.{column}")

    def draw(self, streams: Streams, people: int) -> Latent:
        if self.method == "cryptographic.uuid":
            words = streams.open().integers(0, 2**64, (people, 2), dtype=np.uint64)
            return words.astype("<u8", copy=False).view(np.uint8)
        parts = ("first", "second", "third")
        return [
            streams.whole(people, part)
            for part in parts[: 3 if self.of else _streams_of(self.method)]
        ]

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        if self.method == "cryptographic.uuid":
            # The bytes are marked with a version in place; twins share what was drawn.
            return uuids(latent.copy())
        if self.of is not None:
            return _from_name(self.method, parents[self.of], latent)
        variant, choices = self._variants(parents)
        with _BUILDING:
            pools = _pools(self.method, choices)
        if self.method == "person.full_name":
            first, last = (
                pool.pick(draws, variant) for pool, draws in zip(pools, latent, strict=True)
            )
            reverse = dict(self.arguments).get("reverse", False)
            return Joined((last, " ", first) if reverse else (first, " ", last))
        parts = tuple(pool.pick(draws, variant) for pool, draws in zip(pools, latent, strict=True))
        return parts[0] if len(parts) == 1 else Joined(parts)

    def _variants(
        self, parents: Mapping[str, Column]
    ) -> tuple[npt.NDArray[np.integer[Any]], tuple[tuple[str, Arguments], ...]]:
        """Give each person's combination of followed levels, and what each asks of Mimesis."""
        number: npt.NDArray[np.integer[Any]] = np.asarray(0, dtype=np.int32)
        links = []
        for column, table in self.follows.items():
            argument, values = _link(self.method, column, table)
            parent = coded(parents[column])
            place = lookup(parent.pool, list(values))
            if place.min(initial=0) < 0:
                used = parent.pool.take(pa.array(np.unique(parent.codes)))
                if used.null_count:
                    raise DataError(
                        f'"{column}" has missing values, and nothing says what follows them; fill '
                        "them, or drop those rows",
                        path=f"$.follows.{column}",
                    )
                missing_level(used.to_pylist(), values, column, f"$.follows.{column}")
            number = number * len(values) + place[parent.codes]
            links.append([(argument, value) for value in values.values()])
        base = {**self.arguments, "locale": self.locale}
        choices = []
        for combination in product(*links):
            merged = {**base, **dict(combination)}
            locale = str(merged.pop("locale"))
            choices.append((locale, tuple(sorted((k, _hashable(v)) for k, v in merged.items()))))
        return number, tuple(choices)


def mimesis(
    method: str,
    *,
    locale: str = "en",
    follows: Mapping[str, Mapping[Any, Any]] | None = None,
    of: str | None = None,
    **arguments: Any,
) -> Mimesis:
    """Declare a value of a Mimesis method.

    Parameters
    ----------
    method : str
        Provider and method, such as ``"person.full_name"`` or ``"address.city"``.
    locale : str
        Mimesis locale, such as ``"en"`` or ``"pt-br"``.
    follows : mapping, optional
        Column -> its level -> the argument's value. Values that are genders move the argument
        ``gender``, values that are locales move the locale; any other argument is named as
        ``{"argument": name, "levels": {...}}``.
    of : str, optional
        For ``person.email`` and ``person.username``: the column with the name it is made from.
    **arguments
        Further arguments of the method.

    Raises
    ------
    SpecError
        For an unknown method, locale or argument value; says which is nearest.

    Examples
    --------
    >>> name = mimesis("person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}})
    >>> name.parents
    ('gender',)
    """
    values: dict[str, Any] = {"method": method, "locale": locale, "arguments": arguments}
    return Mimesis.model_validate(
        {**values, "follows": {} if follows is None else follows, "of": of}
    )


def locales() -> tuple[str, ...]:
    """Name the locales that Mimesis has, in order.

    Examples
    --------
    >>> locales()[:2], "pt-br" in locales()
    (('ar-ae', 'ar-dz'), True)
    """
    from mimesis import Locale

    return tuple(sorted(item.value for item in Locale))


def values(method: str, locale: str, **arguments: Any) -> pa.Array:
    """Give all values that a method chooses from, each once and in order.

    Parameters
    ----------
    method : str
        Provider and method, such as ``"person.first_name"``.
    locale : str
        Mimesis locale.
    **arguments
        Arguments of the method, such as ``gender="FEMALE"``.

    Returns
    -------
    pyarrow.Array
        The whole list where the method chooses from one, and otherwise what a sample of up to
        20,000 values has found. Empty where the locale has no list.

    Raises
    ------
    SpecError
        For an unknown method, locale or argument value.

    Examples
    --------
    >>> values("address.state", "de").to_pylist()[:2]
    ['Baden-Württemberg', 'Bayern']
    """
    return _listed(method, locale, tuple(sorted(arguments.items())))


# --- what Mimesis has -----------------------------------------------------------------------------


@cache
def _generic(locale: str) -> Any:
    from mimesis import Generic, Locale

    # Pools are the same for every audit: which person gets which value is the audit's seed.
    return Generic(Locale(locale), seed=0)


def _locale(locale: Any, path: str) -> None:
    from mimesis import Locale

    known = [item.value for item in Locale]
    if locale not in known:
        short = nearest(locale, known) or " (such as en, de, fr, pt-br)"
        raise SpecError(f'Mimesis has no locale "{locale}"{short}', path=path)


def _method(name: str) -> Any:
    """Find a public method by its dotted name; never anything but a method of a data provider."""
    generic = _generic("en")
    provider_name, _, method_name = name.partition(".")
    providers = [p for p in dir(generic) if not p.startswith("_") and p != "choice"]
    if provider_name not in providers:
        raise SpecError(
            f'Mimesis has no provider "{provider_name}"{nearest(provider_name, providers)}; write '
            'a method as "person.full_name"',
            path="$.method",
        )
    provider = getattr(generic, provider_name)
    skip = {"reseed", "override_locale", "get_current_locale", "update_dataset", "validate_enum"}
    methods = [
        n
        for n in dir(provider)
        if not n.startswith("_") and n not in skip and inspect.ismethod(getattr(provider, n))
    ]
    if method_name not in methods:
        near = nearest(f"{provider_name}.{method_name}", [f"{provider_name}.{m}" for m in methods])
        raise SpecError(f'Mimesis has no method "{name}"{near}', path="$.method")
    return getattr(provider, method_name)


def _repeatable(method: str, declared: Set[str]) -> None:
    """Raise where the same request would give other values elsewhere, or next year."""
    if method in _UNREPEATABLE or method.partition(".")[0] in _UNREPEATABLE_PROVIDERS:
        raise SpecError(
            f"{method} gives something else at another time or on another machine, whatever the "
            "seed; take another method",
            path="$.method",
        )
    open_ended = [name for name in _THIS_YEAR.get(method, ()) if name not in declared]
    if open_ended:
        raise SpecError(
            f"{method} reaches to the current year, whatever the seed; declare "
            f"{' and '.join(open_ended)}",
            path="$.arguments",
        )


def _parameters(method: str) -> dict[str, inspect.Parameter]:
    own = dict(inspect.signature(_method(method)).parameters)
    return own | _parameters(_PASSED_ON[method]) if method in _PASSED_ON else own


@cache
def _enumerations(method: str, argument: str) -> tuple[type[enum.Enum], ...]:
    """List the enumerations that an argument's annotation names."""
    import mimesis.enums

    annotation = _parameters(method)[argument].annotation
    return tuple(
        item
        for name, item in vars(mimesis.enums).items()
        if isinstance(item, type) and issubclass(item, enum.Enum) and name in str(annotation)
    )


def _argument(method: str, argument: str, value: Any, path: str) -> Any:
    """Turn a declared argument into what the method takes: names of enumerations into members."""
    known = list(_parameters(method))
    if argument not in known:
        raise SpecError(
            f'{method} takes no argument "{argument}"{nearest(argument, known)}', path=path
        )
    for choices in _enumerations(method, argument):
        for member in choices:
            if str(value).casefold() in {member.name.casefold(), str(member.value).casefold()}:
                return member
        if isinstance(value, str):
            names = [member.name for member in choices]
            raise SpecError(f'"{value}" is no {choices.__name__}{nearest(value, names)}', path=path)
    return value


def _link(method: str, column: str, table: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Say which argument a followed column moves, and to what at each level."""
    from mimesis import Locale

    named = isinstance(table.get("levels"), Mapping)
    values = text_keys(table["levels"]) if named else dict(table)
    if not values:
        raise SpecError("maps no level; name every level", path=f"$.follows.{column}")
    if named:
        return str(table.get("argument", column)), values
    known = list(_parameters(method))
    locales = [item.value for item in Locale]
    if all(value in locales for value in values.values()):
        return "locale", values
    if column in known:
        return column, values
    if "gender" in known:
        return "gender", values
    raise SpecError(
        f"say which argument of {method} follows: "
        '{ argument = "locale", levels = { ... } }' + nearest("", ["locale", *known]),
        path=f"$.follows.{column}",
    )


# --- pools ----------------------------------------------------------------------------------------


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        raise SpecError("an argument must not be a table", path="$.arguments")
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _streams_of(method: str) -> int:
    return 2 if method == "person.full_name" or method in _SPLIT else 1


@cache
def _pools(method: str, choices: tuple[tuple[str, Arguments], ...]) -> tuple[Variants, ...]:
    """Build the pools of a method, one `Variants` for each part that its values are made of."""
    if method == "person.full_name":
        keep = [(loc, tuple(a for a in args if a[0] == "gender")) for loc, args in choices]
        names = ("person.first_name", "person.last_name")
        return tuple(Variants.of([_pool(name, *choice) for choice in keep]) for name in names)
    if method in _SPLIT:
        halves = [_halves(method, *choice) for choice in choices]
        return tuple(Variants.of(part) for part in zip(*halves, strict=True))
    return (Variants.of([_pool(method, *choice) for choice in choices]),)


@cache
def _values(method: str, locale: str, arguments: Arguments) -> tuple[Any, ...]:
    """Ask Mimesis until nothing new comes; the distinct values in order."""
    provider, _, name = method.partition(".")
    ask = getattr(getattr(_generic(locale), provider), name)
    given = {k: _argument(method, k, v, f"$.arguments.{k}") for k, v in arguments}
    seen: set[Any] = set()
    try:
        getattr(_generic(locale), provider).reseed(0)
        for _ in range(_SAMPLE // 2_000):
            fresh = {ask(**given) for _ in range(2_000)}
            if fresh <= seen:
                break
            seen |= fresh
        return tuple(sorted(seen, key=lambda v: (v is None, v)))
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:
        raise SpecError(f"{method} cannot be drawn in the locale {locale}: {error}") from None


@cache
def _recorder() -> type[Any]:
    from mimesis.random import Random

    class Recorder(Random):
        """Remembers the list that it last chose from, and always takes the first."""

        chose_from: Sequence[Any] | None = ()

        def choice(self, seq: Any) -> Any:
            self.chose_from = seq
            return seq[0]

    return Recorder


@cache
def _listed(method: str, locale: str, arguments: Arguments) -> pa.Array:
    from mimesis import Locale

    _locale(locale, "$.locale")
    provider = type(_method(method).__self__)
    given = {k: _argument(method, k, v, f"$.arguments.{k}") for k, v in arguments}
    random = _recorder()()
    asked = getattr(provider(Locale(locale), random=random), method.partition(".")[2])
    try:
        value = asked(**given)
    except (AttributeError, LookupError, TypeError):
        value = None
    found = random.chose_from
    if not found:
        # Chosen from an empty list or from none at all: the locale has no such values.
        whole: tuple[Any, ...] = () if value is None else _values(method, locale, arguments)
    elif value is found[0]:
        whole = tuple(sorted({item for item in found if item}))
    else:
        whole = _values(method, locale, arguments)
    return pa.array(whole, pa.string() if all(isinstance(v, str) for v in whole) else None)


@cache
def _pool(method: str, locale: str, arguments: Arguments) -> pa.Array:
    values = _values(method, locale, arguments)
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        kind = type(values[0]).__name__
        raise SpecError(
            f"{method} gives {kind}, which is no value of a column", path="$.method"
        ) from None


@cache
def _halves(method: str, locale: str, arguments: Arguments) -> tuple[pa.Array, pa.Array]:
    values = _values(method, locale, arguments)
    for pattern in _SPLIT[method]:
        matched = [re.fullmatch(pattern, value, re.DOTALL) for value in values]
        if all(matched):
            heads, tails = zip(*(m.groups() for m in matched if m is not None), strict=True)
            return pa.array(sorted(set(heads))), pa.array(sorted(set(tails)))
    # A locale whose values do not fall into two parts: whole values, and nothing behind them.
    return _pool(method, locale, arguments), pa.array([""])


# --- made of a name -------------------------------------------------------------------------------

_DOMAINS = pa.array(["@example.com", "@example.net", "@example.org"])
"""Reserved for examples (RFC 2606): no real person's address is ever made up."""

_NUMBERS = pa.array([str(n) for n in range(1, 1000)])


def _from_name(method: str, name: Column, latent: Sequence[npt.NDArray[np.uint32]]) -> Column:
    parts = name.parts if isinstance(name, Joined) else (name,)
    slugs: list[Column | str] = [
        "." if isinstance(part, str) else _slug(coded(part)) for part in parts
    ]
    none = np.asarray(0, dtype=np.int32)
    slugs.append(Variants.of([_NUMBERS]).pick(latent[0], none))
    if method == "person.email":
        slugs.append(Variants.of([_DOMAINS]).pick(latent[1], none))
    return Joined(tuple(slugs))


def _slug(column: Coded) -> Coded:
    return Coded(column.codes, _slug_pool(_Kept(column.pool)), column.length)


class _Kept:
    """A pool as a cache key: equal only to itself, and alive as long as the cache."""

    def __init__(self, pool: pa.Array) -> None:
        self.pool = pool

    def __hash__(self) -> int:
        return id(self.pool)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and other.pool is self.pool


@cache
def _slug_pool(kept: _Kept) -> pa.Array:
    slugs = []
    for text in kept.pool.to_pylist():
        folded = unicodedata.normalize("NFKD", str(text).casefold())
        # Letters of other scripts stay: an address may hold them (RFC 6531).
        slugs.append("".join(char for char in folded if char.isalnum()) or "x")
    return pa.array(slugs)
