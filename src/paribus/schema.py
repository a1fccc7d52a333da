"""The audit's file as a JSON schema, for editors: read from the declarations that read the file.

Draft 7, because that is what the language server behind most TOML editors understands. When it
completes it follows ``anyOf`` and not ``if``; when it checks, ``if`` alone tells which key of a
kind is wrong. So each choice is there twice: an ``anyOf`` that nothing fails, and a chain of
``if``. What stands beside a ``$ref`` is not read.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit

from paribus._plugins import Declaration
from paribus.anonymizing.section import Limits, Section
from paribus.auditing import Audit
from paribus.errors import ParibusError
from paribus.evidence.base import Check, Test
from paribus.measuring import Data
from paribus.mitigation.base import Request
from paribus.people.population import Protected
from paribus.spec import _AUDIT_KEYS, _FAMILIES

DRAFT = "http://json-schema.org/draft-07/schema#"

_IN_PYTHON_ONLY = {("models", "object")}
"""Kinds that a file cannot write down."""

_USUAL = {
    "arguments": "Arguments of the method, by their names.",
    "check_digit": "Which check digit the end of the value is; none by itself.",
    "country": "Where numbers without a country calling code are from, as two letters.",
    "decimals": "Decimals that are kept.",
    "domains": "Domains of the fakes, all of them reserved for examples.",
    "estimator": "The fitted model itself.",
    "favorable": "What is good for a person.",
    "high": "The upper bound.",
    "keep_network": "Leading bits that stay as they are.",
    "locale": "A locale of Mimesis, such as en, de or pt-br.",
    "low": "The lower bound.",
    "outcome": "What the model is asked for; by itself what it can give.",
    "prefix": "Leading characters that stay as they are.",
    "quantiles": "Values below which a known share of people is, ascending.",
    "shape": "The distribution of the noise.",
    "start": "The first number.",
    "step": "How far each number is from the one before.",
    "unit": "The unit of time.",
    "value": "The value that everybody has.",
    "weights": "How often each value occurs; one for each, summing to 1.",
    "width": "How wide each band is.",
    "write": "What is written of a band.",
}
"""What options of these names mean where their declaration says nothing."""

_SAID = {
    "audit": "Seed, people, tolerance and the like.",
    "model": "The model that is asked.",
    "protect": "The protected attributes, each with its levels.",
    "fields": "The recipe of each column of a person.",
    "data": "A table of real people, and what its columns are.",
    "tests": "What is weighed, where it is not the usual.",
    "mitigate": "What is tried to mend the model.",
    "anonymize": "What becomes of the columns of a table that is given away.",
}


@dataclass(frozen=True)
class Option:
    """One key of a declaration."""

    name: str
    type: str
    """In words, bounds included, such as ``whole number from 0 to 15``."""
    required: bool
    default: Any
    """None where it is required, or where leaving it out means no value."""
    meaning: str


def spec_schema() -> dict[str, Any]:
    """Give the JSON schema of an audit's TOML file, for editors to complete and check it.

    Kinds of other distributions that are installed here are part of it.

    Returns
    -------
    dict
        Draft 7. What only a run can know (whether a column exists, whether weights sum to 1) is
        not in it.

    Examples
    --------
    >>> schema = spec_schema()
    >>> sorted(schema["properties"])[:4]
    ['anonymize', 'audit', 'data', 'fields']
    >>> schema["definitions"]["fields.integers"]["properties"]["low"]["type"]
    'integer'
    """
    definitions: dict[str, Any] = {}
    for family in _FAMILIES:
        members = dict(_members(family))
        definitions |= {f"{family}.{kind}": _kind(family, kind, made)
                        for kind, made in members.items()}  # fmt: skip
        if members:
            definitions[family] = _one_of(family, members)
    definitions["tests"] = _one_of("tests", dict(_members("tests", Test)))
    definitions["checks"] = _one_of("tests", dict(_members("tests", Check)))
    return {
        "$schema": DRAFT,
        "title": "The audit of paribus",
        "type": "object",
        "properties": _sections(),
        "additionalProperties": False,
        "anyOf": [
            {
                "required": ["model", "protect"],
                "anyOf": [{"required": ["fields"]}, {"required": ["data"]}],
            },
            {"required": ["anonymize"]},
        ],
        "definitions": definitions,
    }


def options_of(declaration: type[BaseModel]) -> tuple[Option, ...]:
    """List the keys of a declaration without its kind, required ones and its own before others.

    Examples
    --------
    >>> from paribus.people.fields.normal import Normal
    >>> sd = options_of(Normal)[1]
    >>> sd.name, sd.type, sd.default
    ('sd', 'number above 0', 1.0)
    """
    table = _table(declaration)
    own = set(vars(declaration).get("__annotations__", ()))
    options = [
        Option(
            name=name,
            type=_words(schema),
            required=name in table.get("required", ()),
            default=schema.get("default"),
            meaning=schema.get("description", ""),
        )
        for name, schema in table["properties"].items()
        if name != "kind"
    ]
    return tuple(sorted(options, key=lambda each: (not each.required, each.name not in own)))


# --- sections -------------------------------------------------------------------------------------


def _sections() -> dict[str, Any]:
    audit = _table(Audit)["properties"]
    keys = {key: audit["size" if key == "people" else key] for key in _AUDIT_KEYS}
    protected = _table(Protected)
    protected["properties"]["levels"] |= {"minItems": 2, "uniqueItems": True}
    made = {
        "audit": {"type": "object", "properties": keys, "additionalProperties": False},
        "model": _ref("models"),
        "protect": {"type": "object", "additionalProperties": protected, "minProperties": 1},
        "fields": {"type": "object", "additionalProperties": _ref("fields")},
        "data": _data(),
        "tests": {"type": "array", "items": _ref("tests"), "minItems": 1},
        "mitigate": _mitigate(),
        "anonymize": _anonymize(),
    }
    # What stands beside a $ref is not read.
    return {
        name: section if "$ref" in section else {**section, "description": _SAID[name]}
        for name, section in made.items()
    }


def _data() -> dict[str, Any]:
    table = _table(Data)
    for name in ("by", "factors", "features"):
        several = table["properties"][name]
        kept = {key: several.pop(key) for key in ("default", "description") if key in several}
        table["properties"][name] = {"anyOf": [{"type": "string"}, several], **kept}
    table["properties"]["checks"] |= {"items": _named("checks", dict(_members("tests", Check)))}
    return table | {"required": ["path"]}


def _mitigate() -> dict[str, Any]:
    table = _table(Request)
    tried = table["properties"].pop("candidates")
    dashed = [kind.replace("_", "-") for kind in _FAMILIES["mitigations"].kinds() if "_" in kind]
    items = _named("mitigations", dict(_members("mitigations")), dashed)
    table["properties"]["try"] = tried | {"items": items}
    return table


def _anonymize() -> dict[str, Any]:
    table = _table(Section)
    column = _named("replacements", dict(_members("replacements")))
    columns = {
        "type": "object",
        "additionalProperties": column,
        "description": "What becomes of each column.",
    }
    of_table = {
        "type": "object",
        "properties": {"columns": columns},
        "required": ["columns"],
        "additionalProperties": False,
    }
    table["properties"] |= {
        "columns": columns,
        "tables": {
            "type": "object",
            "additionalProperties": of_table,
            "minProperties": 1,
            "description": "Several tables, by the names of their files.",
        },
        "risk": _table(Limits),
    }
    return table | {"oneOf": [{"required": ["columns"]}, {"required": ["tables"]}]}


# --- families -------------------------------------------------------------------------------------


def _members(family: str, base: type = Declaration) -> Iterator[tuple[str, type[Declaration]]]:
    """Find the kinds that a file can name; one that cannot be loaded is none of them."""
    members = _FAMILIES[family]
    for kind in members.kinds():
        try:
            made = members.load(kind)
        except ParibusError:
            continue
        if issubclass(made, base) and (family, kind) not in _IN_PYTHON_ONLY:
            yield kind, made


def _kind(family: str, kind: str, made: type[Declaration]) -> dict[str, Any]:
    table = _table(made)
    said = _FAMILIES[family].sentence(kind)
    table["properties"] = {
        "kind": {"type": "string", "enum": [kind], "description": said},
        **{name: schema for name, schema in table["properties"].items() if name != "kind"},
    }
    required = [name for name in table.get("required", ()) if name != "kind"]
    return {**table, "title": kind, "description": said, "required": ["kind", *required]}


def _one_of(family: str, members: Mapping[str, type[Declaration]]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": _SAID["model" if family == "models" else family]
        if family in {"models", "fields", "tests"}
        else f"A {_FAMILIES[family].noun}.",
        "properties": {"kind": _kinds(family, members)},
        "required": ["kind"],
        "anyOf": [*(_ref(f"{family}.{kind}") for kind in members), True],
        **_chosen(family, members),
    }


def _chosen(family: str, members: Iterable[str]) -> dict[str, Any]:
    chain: dict[str, Any] = {}
    for kind in members:
        asked = {"properties": {"kind": {"enum": [kind]}}, "required": ["kind"]}
        chain = {
            "if": asked,
            "then": _ref(f"{family}.{kind}"),
            **({"else": chain} if chain else {}),
        }
    return chain


def _kinds(family: str, members: Iterable[str], also: Iterable[str] = ()) -> dict[str, Any]:
    listed = list(members)
    said = [_FAMILIES[family].sentence(kind) for kind in listed]
    return {
        "type": "string",
        "description": f"The kind of {_FAMILIES[family].noun}.",
        "enum": [*listed, *also],
        "x-taplo": {"docs": {"enumValues": said}},
    }


def _named(
    definition: str, members: Mapping[str, type[Declaration]], also: Iterable[str] = ()
) -> dict[str, Any]:
    """Take a table, or its kind alone where that needs no more."""
    family = "tests" if definition == "checks" else definition
    alone = [kind for kind, made in members.items()
             if not any(option.required for option in options_of(made))]  # fmt: skip
    name, table = _kinds(family, alone, also), _ref(definition)
    return {"anyOf": [name, table, True], "if": {"type": "string"}, "then": name, "else": table}


def _ref(definition: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{definition}"}


# --- declarations ---------------------------------------------------------------------------------


class _Writable(GenerateJsonSchema):
    """Leaves out what no file can hold: functions, and objects in memory."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        raise PydanticOmit


def _table(declaration: type[BaseModel]) -> dict[str, Any]:
    """Give the schema of a declaration, whole, with what each key means."""
    made = declaration.model_json_schema(schema_generator=_Writable)
    table: dict[str, Any] = _plain(made, made.get("$defs", {}))
    said = _meanings(declaration)
    properties = {
        name: {**schema, "description": said[name]} if name in said else schema
        for name, schema in table.get("properties", {}).items()
    }
    table |= {"type": "object", "properties": properties}
    if "description" in table:
        table["description"] = table["description"].partition("\n\n")[0].replace("\n", " ")
    return table


def _plain(schema: Any, known: Mapping[str, Any], within: tuple[str, ...] = ()) -> Any:
    """Write a schema of pydantic as one of draft 7 for TOML, which has no null."""
    if isinstance(schema, list):
        return [_plain(item, known, within) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        # A declaration inside itself has no end; below it anything goes.
        inner = {} if name in within else known.get(name, {})
        return _plain({**inner, **beside}, known, (*within, name))
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in {"title", "$defs", "discriminator", "examples"}:
            continue
        if key == "default" and value is None:
            continue
        if key == "properties":
            out[key] = {name: _plain(each, known, within) for name, each in value.items()}
        elif key in {"default", "enum", "required", "const"}:
            out["enum" if key == "const" else key] = [value] if key == "const" else value
        elif key == "prefixItems":
            out["items"] = _plain(value, known, within)
        else:
            out[key] = _plain(value, known, within)
    return _single(out)


def _single(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop the alternatives that say nothing here: no value, and whole numbers beside numbers."""
    if "anyOf" not in schema:
        return schema
    left = [each for each in schema["anyOf"] if each != {"type": "null"}]
    if {"type": "number"} in left:
        left = [each for each in left if each != {"type": "integer"}]
    if len(left) > 1:
        return {**schema, "anyOf": left}
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**(left[0] if left else {}), **beside}


# --- what keys mean -------------------------------------------------------------------------------


def _meanings(declaration: type[BaseModel]) -> dict[str, str]:
    """Read what each key means: below it, in the class, or in the function that declares it."""
    found: dict[str, str] = {}
    for base in (each for each in reversed(declaration.__mro__) if issubclass(each, BaseModel)):
        found |= parameters_of(base.__doc__) | _attributes(base)
    module = sys.modules.get(declaration.__module__)
    makes = declaration.__name__
    for function in _functions(module):
        if inspect.signature(function).return_annotation in (declaration, makes):
            found = {**parameters_of(function.__doc__), **found}
    for name, field in declaration.model_fields.items():
        said = field.description or found.get(name) or _USUAL.get(name)
        if said:
            found[name] = " ".join(said.replace("``", "`").split())
    return found


def _functions(module: Any) -> Iterator[Callable[..., Any]]:
    for value in vars(module).values() if module else ():
        if inspect.isfunction(value) and value.__module__ == module.__name__:
            yield value


@cache
def _attributes(declaration: type) -> dict[str, str]:
    """Read the texts below attributes; none where the source is not at hand."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(declaration))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        above.target.id: inspect.cleandoc(below.value.value)
        for above, below in pairwise(body)
        if isinstance(above, ast.AnnAssign)
        and isinstance(above.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


_PARAMETERS = re.compile(r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\w+\n-+$|\Z)", re.M | re.S)
_PARAMETER = re.compile(r"^(\w[\w, ]*?) *(?::[^\n]*)?\n((?:[ ]+[^\n]*\n?|\n)+)", re.M)


def parameters_of(doc: str | None) -> dict[str, str]:
    r"""Read the parameters of a numpydoc text; of ``low, high : int`` both.

    Examples
    --------
    >>> parameters_of("Draw.\n\nParameters\n----------\nlow, high : int\n    The bounds.\n")
    {'low': 'The bounds.', 'high': 'The bounds.'}
    """
    section = _PARAMETERS.search(inspect.cleandoc(doc or ""))
    return {
        name.strip(): " ".join(text.replace("``", "`").split())
        for names, text in _PARAMETER.findall(section[1] if section else "")
        for name in names.split(",")
    }


# --- types in words -------------------------------------------------------------------------------

_TYPES = {
    "integer": ("whole number", "whole numbers"),
    "number": ("number", "numbers"),
    "string": ("text", "texts"),
    "boolean": ("true or false", "truth values"),
}


def _words(schema: Mapping[str, Any], many: bool = False) -> str:
    if "enum" in schema:
        return " or ".join(_quoted(each) for each in schema["enum"])
    if "anyOf" in schema:
        parts = dict.fromkeys(_words(each, many) for each in schema["anyOf"])
        scalars = [_TYPES[each][many] for each in ("boolean", "number", "string")]
        if set(scalars) <= set(parts):
            left = [part for part in parts if part not in scalars]
            parts = dict.fromkeys(["values" if many else "value", *left])
        return " or ".join(parts)
    kind = schema.get("type")
    if kind == "array":
        return f"{'lists' if many else 'list'} of {_words(schema.get('items', {}), many=True)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        said = f" of {_words(inner, many=True)}" if isinstance(inner, dict) and inner else ""
        return f"{'tables' if many else 'table'}{said}"
    if schema.get("format") == "date":
        return "dates" if many else "date"
    said = _TYPES.get(str(kind), ("any value", "any values"))[many]
    return f"{said}{_bounds(schema)}"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


_FAR = 2**30
"""Bounds from here on keep numbers within their type, and tell nobody anything."""


def _bounds(schema: Mapping[str, Any]) -> str:
    keys = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    near = {
        # Older versions of pydantic write 0 as 0.0.
        key: int(schema[key]) if schema[key] == int(schema[key]) else schema[key]
        for key in keys
        if key in schema and abs(schema[key]) < _FAR
    }
    low, high, above, below = (near.get(key) for key in keys)
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    said = [(" from {:,}", low), (" above {:,}", above), (" to {:,}", high), (" below {:,}", below)]
    return ",".join(word.format(bound) for word, bound in said if bound is not None)
