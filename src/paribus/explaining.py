"""One kind explained: what it is, its options, and an example in TOML and in Python."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paribus._plugins import Declaration, Family
from paribus._toml import as_toml, value
from paribus.errors import SpecError, nearest
from paribus.evidence.base import Check
from paribus.schema import Option, options_of, parameters_of
from paribus.spec import _FAMILIES, kinds

_WIDTH = 88

_EXAMPLES: dict[str, dict[str, Any]] = {
    "fields.choice": {"values": ["clerk", "nurse", "driver"], "weights": [0.5, 0.3, 0.2]},
    "fields.constant": {"value": "mortgage"},
    "fields.copy": {"of": "gender"},
    "fields.dates": {"low": "1960-01-01", "high": "2005-12-31"},
    "fields.integers": {"low": 18, "high": 70},
    "fields.learned": {"quantiles": [12_000, 41_000, 120_000], "shares": [0.0, 0.5, 1.0]},
    "fields.lognormal": {"median": 42_000, "sigma": 0.6, "low": 12_000, "decimals": 0},
    "fields.map": {"of": "gender", "map": {"Male": 1, "Female": 0}},
    "fields.mimesis": {
        "method": "person.full_name",
        "follows": {"gender": {"Male": "MALE", "Female": "FEMALE"}},
    },
    "fields.normal": {"mean": 600, "sd": 80, "low": 300, "high": 850, "decimals": 0},
    "fields.sequence": {"start": 1000, "step": 10},
    "fields.uniform": {"low": 0.0, "high": 0.6},
    "mitigations.thresholds": {"constraint": "equalized odds"},
    "models.callable": {"function": "lending:decide", "favorable": 1},
    "models.catboost": {"path": "loan.cbm"},
    "models.file": {"path": "loan.onnx", "favorable": 1},
    "models.lightgbm": {"path": "loan.txt", "threshold": 0.5},
    "models.onnx": {"path": "loan.onnx", "favorable": 1},
    "models.pickle": {"path": "loan.pkl", "favorable": 1},
    "models.recorded": {
        "attribute": "gender",
        "answers": {"Male": "answer_to_him", "Female": "answer_to_her"},
        "favorable": "yes",
    },
    "models.skops": {"path": "loan.skops", "favorable": 1},
    "models.xgboost": {"path": "loan.ubj", "threshold": 0.5},
    "replacements.bands": {"width": 10},
    "replacements.dates": {"person": "customer_id"},
    "replacements.noise": {"scale": 1000, "low": 0},
    "replacements.truncate": {"keep": 3},
    "tests.counterfactual": {"cross": [["gender", "nationality"]]},
    "tests.labels": {"hold": True},
    "tests.regions": {"depth": 2},
}
"""Options that show what a kind is for. Those of other distributions say theirs in the class:
``model_config = {"json_schema_extra": {"examples": [{...}]}}``."""

_PLAIN: dict[str, Any] = {"text": "...", "true or false": True, "date": "2025-01-01"}


@dataclass(frozen=True)
class Kind:
    """One kind of a family, as it is explained.

    Parameters
    ----------
    family : str
        Such as ``fields``.
    kind : str
        Such as ``integers``.
    """

    family: str
    kind: str

    @property
    def name(self) -> str:
        """Both names, which no other kind has: ``fields.integers``."""
        return f"{self.family}.{self.kind}"

    @property
    def sentence(self) -> str:
        """What it is."""
        return self._members.sentence(self.kind)

    @cached_property
    def declaration(self) -> type[Declaration] | None:
        """The class that declares it; a report format has none."""
        return None if self.family == "reports" else self._members.load(self.kind)

    @property
    def text(self) -> str:
        """What its class says beyond the sentence: its first paragraphs."""
        documented: Any = self.declaration
        if documented is None:
            documented = self._members.module(self.kind).render
        said = inspect.cleandoc(documented.__doc__ or "")
        paragraphs: list[str] = []
        for paragraph in said.split("\n\n"):
            if any(set(line) == {"-"} for line in paragraph.splitlines()):
                break
            plain = re.sub(r":\w+:(?=`)", "", paragraph.replace("``", "`"))
            paragraphs.append(" ".join(plain.split()))
        return "\n\n".join(each for each in paragraphs if each != self.sentence)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Its keys; of a report format the arguments of `Record.render`."""
        if self.declaration is not None:
            return options_of(self.declaration)
        render = self._members.module(self.kind).render
        said = parameters_of(render.__doc__)
        return tuple(
            Option(
                name=name,
                type=str(each.annotation).removesuffix(" | None"),
                required=False,
                default=each.default,
                meaning=said.get(name, ""),
            )
            for name, each in inspect.signature(render).parameters.items()
            if each.kind is each.KEYWORD_ONLY
        )

    @cached_property
    def example(self) -> dict[str, Any]:
        """Options with which it is shown; valid together."""
        declared: Any = {} if self.declaration is None else self.declaration.model_config
        extra = declared.get("json_schema_extra")
        if isinstance(extra, Mapping) and extra.get("examples"):
            return dict(extra["examples"][0])
        if self.name in _EXAMPLES:
            return _EXAMPLES[self.name]
        return {each.name: _filled(each.type) for each in self.options if each.required}

    @property
    def toml(self) -> str:
        """An example as a part of the file; empty where a file cannot name it."""
        if self.family not in _TABLES or self.name == "models.object":
            return ""
        return _TABLES[self.family](self)

    @property
    def python(self) -> str:
        """An example as Python."""
        return _CALLS[self.family](self)

    @property
    def _members(self) -> Family:
        return _FAMILIES[self.family]

    def __str__(self) -> str:
        """Lay it out as text for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from textwrap.wrap(f"{self.name}: {self.sentence}", _WIDTH)
        for paragraph in self.text.split("\n\n"):
            if paragraph:
                yield ""
                yield from textwrap.wrap(paragraph, _WIDTH)
        yield ""
        yield "Options:" if self.options else "It has no options."
        for option in self.options:
            yield f"  {option.name}: {option.type}{left_out(option)}"
            yield from textwrap.wrap(
                option.meaning, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
            )
        for title, example in (("In TOML:", self.toml), ("In Python:", self.python)):
            if example:
                yield ""
                yield title
                yield textwrap.indent(example, "  ")


def left_out(option: Option) -> str:
    """Say what holds where an option is left out, as a clause.

    Examples
    --------
    >>> left_out(Option("low", "number", required=False, default=0.0, meaning=""))
    ' (0.0 where left out)'
    """
    if option.required:
        return " (required)"
    if option.default in (None, [], {}, ""):
        return ""
    return f" ({value(option.default)} where left out)"


def explain(name: str | None = None) -> str:
    """Explain a kind, or list the kinds of a family.

    Parameters
    ----------
    name : str, optional
        A family, such as ``fields``; a kind, such as ``integers``; or both, ``fields.integers``. A
        name that is both a family and a kind is the family. All families where left out.

    Returns
    -------
    str
        What it is, its options with type, default and meaning, and an example in TOML and in
        Python. Where several families have a kind of the name, all of them are explained.

    Raises
    ------
    SpecError
        For an unknown name; says which one is nearest.

    Examples
    --------
    >>> print(explain("integers"))
    fields.integers: Whole numbers between two bounds.
    <BLANKLINE>
    Whole numbers, all equally likely, both bounds included.
    <BLANKLINE>
    Options:
      low: whole number (required)
          Bounds; `low` may equal `high`.
      high: whole number (required)
          Bounds; `low` may equal `high`.
    <BLANKLINE>
    In TOML:
      [fields.age]
      kind = "integers"
      low = 18
      high = 70
    <BLANKLINE>
    In Python:
      fields={"age": pb.integers(low=18, high=70)}
    """
    if name is None or name in _FAMILIES:
        return "\n".join(_listed(kinds(name)))
    found = tuple(kind for kind in all_kinds() if name in (kind.kind, kind.name))
    if not found:
        known = (*_FAMILIES, *dict.fromkeys(kind.kind for kind in all_kinds()))
        family = name.partition(".")[0]
        if family in _FAMILIES:
            known = tuple(f"{family}.{each}" for each in _FAMILIES[family].kinds())
        near = nearest(name, known) or f"; the families are {', '.join(_FAMILIES)}"
        raise SpecError(f'there is no family or kind "{name}"{near}')
    return "\n\n\n".join(map(str, found))


def all_kinds() -> tuple[Kind, ...]:
    """List every kind of every family.

    Examples
    --------
    >>> sorted(kind.name for kind in all_kinds() if kind.kind == "email")
    ['replacements.email']
    """
    return tuple(
        Kind(family, kind) for family, members in _FAMILIES.items() for kind in members.kinds()
    )


def _listed(families: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for family, members in families.items():
        yield f"{family}:"
        width = max(map(len, members))
        for kind, sentence in members.items():
            yield f"  {kind:{width}}  {sentence}"


# --- examples -------------------------------------------------------------------------------------

_COLUMNS = {
    "choice": "occupation", "constant": "product", "copy": "sex", "dates": "birthdate",
    "integers": "age", "learned": "income", "lognormal": "income", "map": "gender_code",
    "mimesis": "full_name", "normal": "score", "sequence": "case", "uniform": "debt_ratio",
}  # fmt: skip


def _filled(words: str) -> Any:
    """Make up a value of a type."""
    if words.startswith('"'):
        return words.split('"')[1]
    if words.startswith("list"):
        return [_filled(words.removeprefix("list of ").removesuffix("s"))]
    if words.startswith("table"):
        return {}
    first = words if words in _PLAIN else words.partition(" or ")[0]
    return _PLAIN.get(first, 1)


def _field_toml(kind: Kind) -> str:
    column = _COLUMNS.get(kind.kind, kind.kind)
    text = as_toml({"fields": {column: {"kind": kind.kind, **kind.example}}})
    # TOML has dates of its own.
    return text.replace('"1960-01-01"', "1960-01-01").replace('"2005-12-31"', "2005-12-31")


def _test_toml(kind: Kind) -> str:
    assert kind.declaration is not None
    if issubclass(kind.declaration, Check):
        return as_toml({"data": {"path": "applicants.csv", "checks": [_short(kind)]}})
    return "[[tests]]\n" + as_toml({"kind": kind.kind, **kind.example})


def _short(kind: Kind) -> Any:
    """Give the kind alone where that says it all."""
    return {"kind": kind.kind, **kind.example} if kind.example else kind.kind


_REPLACED = {
    "bands": "age", "card": "card_number", "dates": "birthdate", "drop": "remarks",
    "id": "customer_id", "keep": "approved", "mask": "diagnosis", "noise": "income",
    "text": "remarks", "truncate": "postcode",
}  # fmt: skip


def _replaced(kind: Kind) -> dict[str, Any]:
    return {_REPLACED.get(kind.kind, kind.kind): _short(kind)}


_TABLES: dict[str, Callable[[Kind], str]] = {
    "fields": _field_toml,
    "models": lambda kind: as_toml({"model": {"kind": kind.kind, **kind.example}}),
    "tests": _test_toml,
    "mitigations": lambda kind: as_toml({"mitigate": {"label": "repaid", "try": [_short(kind)]}}),
    "replacements": lambda kind: as_toml({"anonymize": {"columns": _replaced(kind)}}),
}


def _made(kind: Kind) -> str:
    """Write the call of the function that declares it, or a table where there is none."""
    builder = _builder(kind)
    if builder is None:
        return _literal({"kind": kind.kind, **kind.example})
    return f"pb.{builder}({_arguments(kind.example)})"


def _builder(kind: Kind) -> str | None:
    import paribus

    assert kind.declaration is not None
    for name in paribus.__all__:
        made = getattr(paribus, name)
        if not inspect.isfunction(made) or made.__module__ != kind.declaration.__module__:
            continue
        taken = inspect.signature(made).parameters
        any_name = any(each.kind is each.VAR_KEYWORD for each in taken.values())
        if any_name or set(kind.example) <= set(taken):
            return name
    return None


def _arguments(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_literal(each)}" for name, each in options.items())


def _literal(given: Any) -> str:
    """Write a value as Python, texts in the quotes that this code base has."""
    if isinstance(given, str):
        return json.dumps(given, ensure_ascii=False)
    if isinstance(given, list):
        return f"[{', '.join(map(_literal, given))}]"
    if isinstance(given, dict):
        return f"{{{', '.join(f'{_literal(k)}: {_literal(v)}' for k, v in given.items())}}}"
    return repr(given)


def _class_of(kind: Kind) -> str:
    """Import its class, and make one."""
    made = kind.declaration
    assert made is not None
    return f"from {made.__module__} import {made.__name__}\n"


def _model_python(kind: Kind) -> str:
    if kind.kind == "recorded":
        return f"record = pb.audit({_made(kind)}, protect=..., data=...)"
    options = dict(kind.example)
    model = "model"
    if "path" in options:
        model = _literal(options.pop("path"))
    elif "function" in options:
        model = options.pop("function").partition(":")[2]
    elif kind.kind != "object":
        assert kind.declaration is not None
        made = f"{kind.declaration.__name__}({_arguments(options)})"
        return f"{_class_of(kind)}record = pb.audit({made}, protect=..., fields=...)"
    said = f", {_arguments(options)}" if options else ""
    trust = ", trust=True" if kind.kind == "pickle" else ""
    return f"record = pb.audit({model}, protect=..., fields=...{said}{trust})"


def _test_python(kind: Kind) -> str:
    assert kind.declaration is not None
    if issubclass(kind.declaration, Check):
        checks = _literal([_short(kind)])
        return f"record = pb.audit_data(people, protect=..., label=..., checks={checks})"
    made = f"{kind.declaration.__name__}({_arguments(kind.example)})"
    return f"{_class_of(kind)}record = pb.audit(model, protect=..., fields=..., tests=[{made}])"


_CALLS: dict[str, Callable[[Kind], str]] = {
    "fields": lambda kind: f'fields={{"{_COLUMNS.get(kind.kind, kind.kind)}": {_made(kind)}}}',
    "models": _model_python,
    "tests": _test_python,
    "mitigations": lambda kind: (
        'mended = pb.mitigate(model, train=..., label="repaid", protect=..., '
        f"candidates={_literal([_short(kind)])})"
    ),
    "replacements": lambda kind: (
        f"safe = pb.anonymize(people, columns={_literal(_replaced(kind))})"
    ),
    "reports": lambda kind: f'text = record.render("{kind.kind}")',
}
