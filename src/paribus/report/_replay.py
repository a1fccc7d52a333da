"""The command, or the call, that measures a table or compares candidates again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from paribus._text import visible
from paribus._toml import as_toml
from paribus.record import Record
from paribus.report._parts import Listing, Paragraph, Part

_CHECKS = ("group", "scores", "errors", "ranking")
"""What ``paribus metrics`` weighs."""

_DEFAULTS = {"metrics": "Metrics", "data": "Data audit"}

_OPTIONS = {
    "metrics": (
        *("label", "decision", "score", "prediction", "rank", "weight", "factors", "cross"),
        *("favorable", "threshold", "reference", "outcome", "checks"),
    ),
    "data": (
        *("label", "decision", "score", "weight", "factors", "features", "time", "every"),
        *("population", "favorable", "reference"),
    ),
}
"""The roles that a command has an option for."""

_TRUSTED = frozenset({".pkl", ".pickle", ".joblib"})


def replay(record: Record) -> Iterator[Part]:
    """Say how to measure the table of a record again.

    Parameters
    ----------
    record : Record
        Of a table alone.

    Yields
    ------
    Part
        The command where it can say everything, else the call in Python. A table (or a model) that
        was handed over in memory is what the reader must have; files are named as they were given.
    """
    told = _command(record)
    if told is None:
        yield Paragraph(
            "To measure this table again, hand the same over to the call below: the same rows, "
            "roles, seed and versions give the same record."
        )
        yield Listing("In Python", _call(record))
        return
    yield Paragraph(
        "To measure this table again, run the command below where the files are that it names. The "
        "same rows, roles, seed and versions give the same record."
    )
    yield Listing("Command", told)
    population = _data(record).get("population")
    if population:
        yield Listing("population.toml", as_toml(population))


def compared_again(record: Record) -> Iterator[Part]:
    """Say how to compare the ways to mend a model again.

    Parameters
    ----------
    record : Record
        With a comparison, and what was tried in its declaration.

    Yields
    ------
    Part
        The command where the model and the rows are files, else the call in Python; either reads
        the declaration from ``audit.toml``.
    """
    model = _section(record, "model")
    if "path" in model and any("path" in rows for rows in _rows_learned_from(record)):
        yield Paragraph(
            "To compare again, save the declaration below as audit.toml, put the files that it "
            "names beside it, and run the command. The same declaration, seed, files and versions "
            "give the same record."
        )
        command = f"paribus mitigate audit.toml --seed {record.seed}"
        people = _section(record, "audit").get("people")
        command += f" --people {people}" if isinstance(people, int) else ""
        trusted = PurePath(str(model["path"])).suffix in _TRUSTED
        yield Listing("Command", f"{command}{' --trust' if trusted else ''} -o best.skops")
        return
    yield Paragraph(
        "The model, or the rows to learn from, were handed over in Python. To compare again, save "
        "the declaration below as audit.toml and hand the same over with it: the same declaration, "
        "seed, objects and versions give the same record."
    )
    lines = [
        "import tomllib",
        "from pathlib import Path",
        "",
        "import paribus",
        "",
        'declared = tomllib.loads(Path("audit.toml").read_text(encoding="utf-8"))',
        "result = paribus.mitigate(",
        *(f"    {line}" for line in _compared(record)),
        ")",
    ]
    yield Listing("In Python", "\n".join(lines))


def _rows_learned_from(record: Record) -> Iterator[Mapping[str, Any]]:
    tried = _section(record, "mitigate")
    yield {"path": tried["train"]} if "train" in tried else {}
    yield _section(record, "data")


def _compared(record: Record) -> Iterator[str]:
    model, tried = _section(record, "model"), _section(record, "mitigate")
    yield 'declared["model"]["path"],' if "path" in model else "model,  # the same object"
    paths = [rows["path"] for rows in _rows_learned_from(record) if "path" in rows]
    yield f"train={_literal(paths[0])}," if paths else "train=train,  # the same rows"
    yield 'protect=declared["protect"],'
    if "fields" in record.spec:
        yield 'fields=declared["fields"],'
    if "try" in tried:
        yield 'candidates=declared["mitigate"]["try"],'
    for section, names in (
        ("mitigate", ("label", "scorer", "gap", "folds", "weight")),
        ("model", ("outcome", "favorable", "threshold", "features")),
        ("audit", ("people", "cross", "tolerance", "confidence", "seed", "name")),
    ):
        given = _section(record, section)
        for key in names:
            if given.get(key) is not None:
                yield f"{key}={_literal(given[key])},"
    if PurePath(str(model.get("path", ""))).suffix in _TRUSTED:
        yield "trust=True,"


def _section(record: Record, section: str) -> Mapping[str, Any]:
    content = record.spec.get(section)
    return content if isinstance(content, Mapping) else {}


def _data(record: Record) -> Mapping[str, Any]:
    return _section(record, "data")


def _kind(record: Record) -> str:
    """Tell which of the two calls made a record."""
    outcomes = all(row.stage == "outcomes" for row in record.evidence)
    return "metrics" if outcomes and "model" not in record.spec else "data"


# --- the command ----------------------------------------------------------------------------------


def _command(record: Record) -> str | None:
    """Write the command; None where it has no words for what was declared."""
    kind, data = _kind(record), _data(record)
    roles = {key: value for key, value in data.items() if key not in {"path", "by", "tolerance"}}
    if "path" not in data or record.name != _DEFAULTS[kind] or set(roles) - {*_OPTIONS[kind]}:
        return None
    # A name that starts with a dash would be taken for an option.
    parts = [f"paribus {kind}", shlex.quote(_path(str(data["path"])))]
    options: list[tuple[str, Any]] = [
        ("by" if kind == "metrics" else "protect", list(data.get("by", ())))
    ]
    options += roles.items()
    options += [("tolerance", data.get("tolerance")), ("confidence", record.confidence)]
    options += [("seed", record.seed)]
    for option, value in options:
        written = _option(option, value)
        if written is None:
            return None
        parts += written
    model = record.spec.get("model")
    if model is not None:
        if not isinstance(model, Mapping) or set(model) != {"kind", "path"}:
            return None
        parts.append(f"--model={shlex.quote(_path(str(model['path'])))}")
        if PurePath(str(model["path"])).suffix in _TRUSTED:
            parts.append("--trust")
    command = " ".join(parts)
    # What a page cannot show as it is, a reader cannot copy.
    return command if command == visible(command) else None


def _path(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path


def _option(option: str, value: Any) -> list[str] | None:
    """Write an option; None where it has no words for the value."""
    flag = f"--{option}="
    match option, value:
        case "favorable", _ if not _plain(value):
            # Several values, which no option takes.
            return None
        case "checks", _:
            return _criteria(value)
        case "population", _:
            return ["--population=population.toml"]
        case "reference", Mapping():
            pairs = [f"{key}={level}" for key, level in value.items()]
            plain = all("=" not in key and _plain(level) for key, level in value.items())
            return [f"{flag}{shlex.quote(pair)}" for pair in pairs] if plain else None
        case "cross", [*attributes]:
            # No --cross at all means all of them; there is no word for none of them.
            listed = [_listed(each) for each in attributes]
            if not listed or None in listed:
                return None
            return [f"{flag}{shlex.quote(str(each))}" for each in listed]
        case _, [*names]:
            joined = _listed(names)
            return None if joined is None else [f"{flag}{shlex.quote(joined)}"]
    text = repr(value) if isinstance(value, float) else str(value)
    return [f"{flag}{shlex.quote(text)}"]


def _plain(value: object) -> bool:
    """Tell whether a value reads back from its text: the columns say which type it has."""
    return isinstance(value, str | int | float) and str(value).strip() != ""


def _listed(names: Any) -> str | None:
    texts = [str(each) for each in names]
    whole = all(text and text == text.strip() and "," not in text for text in texts)
    return ",".join(texts) if whole else None


def _criteria(checks: Any) -> list[str] | None:
    """Write the criteria that are held, where checks are the usual ones otherwise."""
    kinds = [each.get("kind") if isinstance(each, Mapping) else each for each in checks]
    if tuple(kinds) != _CHECKS or any(set(each) != {"kind"} for each in checks[1:]):
        return None
    if set(checks[0]) != {"kind", "criteria"}:
        return None
    return [f"--hold={shlex.quote(str(each))}" for each in checks[0]["criteria"]]


# --- the call -------------------------------------------------------------------------------------


def _call(record: Record) -> str:
    kind, data = _kind(record), _data(record)
    function = "metrics" if kind == "metrics" else "audit_data"
    lines = [
        "import paribus",
        "",
        f"record = paribus.{function}(",
        *(f"    {line}" for line in _arguments(record, kind, data)),
        ")",
    ]
    return "\n".join(lines)


def _arguments(record: Record, kind: str, data: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_literal(data['path'])}," if "path" in data else "data,  # the same rows"
    for key, value in data.items():
        if key != "path":
            argument = "protect" if (kind, key) == ("data", "by") else key
            yield f"{argument}={_literal(value)},"
    model = record.spec.get("model")
    if isinstance(model, Mapping):
        file = set(model) == {"kind", "path"}
        yield f"model={_literal(model['path'])}," if file else "model=model,  # the same model"
        if file and PurePath(str(model["path"])).suffix in _TRUSTED:
            yield "trust=True,"
    yield f"confidence={record.confidence!r},"
    yield f"seed={record.seed!r},"
    if record.name != _DEFAULTS[kind]:
        yield f"name={_literal(record.name)},"


def _literal(value: Any) -> str:
    r"""Write a value as Python; what a page cannot show as it is becomes an escape."""
    text = repr(value)
    return "".join(
        each if visible(each) == each else each.encode("unicode_escape").decode() for each in text
    )
