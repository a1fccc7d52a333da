"""SARIF 2.1.0, which code scanning shows: each gap at its line of the audit file."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from paribus._text import shortened, visible
from paribus._toml import as_toml
from paribus.errors import OutputError
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._declared import line_of
from paribus.report._held import region, told, urgent, witnesses_of
from paribus.report._method import alone
from paribus.report._wording import UNITS, readable, sentence, verdict_sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

MOST_RESULTS = 5_000
"""GitHub shows no more."""
MOST_TEXT = 1_000
"""Characters of a description that GitHub shows."""

_LEVELS = {"biased": "error", "inconclusive": "warning"}
_MOST_REGIONS = 3
_MOST_SLUG = 60


def render(record: Record, *, spec: str | Path | None = None) -> str:
    """Write what is biased or not settled as results of an analysis.

    A finding within tolerance is no result, so that an alert is closed when its gap is.

    Parameters
    ----------
    record : Record
        A finished audit.
    spec : str or Path, optional
        The audit file that the record was made from: each result points at the line that declares
        its attribute, and the file is named from the root of its repository (the nearest folder
        above it that holds ``.git``), else from the current folder. Without it the results point
        into ``audit.toml`` as the record declares it; those of a table alone at the first line of
        its file.

    Returns
    -------
    str
        JSON. A biased finding is an error, an inconclusive one a warning. Fingerprints stay the
        same from run to run: they are made of what was compared, not of the numbers.

    Raises
    ------
    OutputError
        Where the audit file cannot be read.
    """
    record = readable(record)
    uri, text = _audited(record, spec)
    open_ = [finding for finding in urgent(record.findings) if finding.verdict in _LEVELS]
    kept = open_[:MOST_RESULTS]
    rules = list(dict.fromkeys(_rule_id(finding) for finding in kept))
    examples = {_rule_id(finding): finding for finding in reversed(kept)}
    counts = {
        verdict: sum(f.verdict == verdict for f in record.findings)
        for verdict in ("biased", "inconclusive", "within tolerance")
    }
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "paribus",
                **_version(record),
                "rules": [_rule(rule, examples[rule]) for rule in rules],
            }
        },
        # Two audits of one repository must not replace each other's results.
        "automationDetails": {"id": f"paribus/{_slug(record.name)}/"},
        "columnKind": "unicodeCodePoints",
        "artifacts": [_artifact(uri, text, record, spec)],
        "results": [_result(f, record, uri, text, rules) for f in kept],
        "properties": {
            "verdict": record.verdict if record.judged else "none",
            "sentence": verdict_sentence(record),
            "findings": counts,
            "leftOut": len(open_) - len(kept),
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    # Who puts the file into a page must not let text out of it.
    return json.dumps(log, ensure_ascii=False, indent=2).replace("<", "\\u003c") + "\n"


def _version(record: Record) -> dict[str, str]:
    versions = record.run.get("versions")
    version = versions.get("paribus") if isinstance(versions, Mapping) else None
    return {"version": visible(version)} if isinstance(version, str) and version else {}


# --- where ----------------------------------------------------------------------------------------


def _audited(record: Record, spec: str | Path | None) -> tuple[str, str]:
    """Say which file the results point into, and what it holds."""
    if spec is not None:
        source = Path(spec)
        try:
            return _relative(source), source.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise OutputError(
                f'"{source}", the audit file that results point into, cannot be read: '
                f"{error.strerror or error}"
            ) from None
    data = record.spec.get("data")
    path = data.get("path") if isinstance(data, Mapping) else None
    if alone(record) and isinstance(path, str) and path:
        return _relative(Path(path)), ""
    return "audit.toml", as_toml(record.spec) + "\n"


def _relative(path: Path) -> str:
    """Name a file from the root of its repository, as GitHub does."""
    # A link is named as it is.
    whole = Path(os.path.normpath(Path.cwd() / path))
    roots = (folder for folder in whole.parents if (folder / ".git").exists())
    root = next(roots, Path.cwd())
    try:
        inside = whole.relative_to(root)
    except ValueError:
        inside = Path(whole.name)
    return quote(visible(inside.as_posix())) or "audit.toml"


def _artifact(uri: str, text: str, record: Record, spec: str | Path | None) -> dict[str, Any]:
    located: dict[str, Any] = {"location": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    # Nobody has the file that the record alone declares.
    return located if spec is not None or not text else {**located, "contents": {"text": text}}


def _place(attribute: str, uri: str, text: str) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%", "index": 0},
            "region": {"startLine": line_of(text, attribute)},
        }
    }


# --- what -----------------------------------------------------------------------------------------


def _rule_id(finding: Finding) -> str:
    return f"paribus/{_slug(finding.test)}/{_slug(finding.unit)}"


def _rule(rule: str, finding: Finding) -> dict[str, Any]:
    """Describe what a rule holds; nothing of it depends on the levels of an audit."""
    if finding.stage == "model":
        title = UNITS[finding.unit].title
        how = (
            "Twins are people who differ in one attribute and in what follows from it. The answers "
            "to twins are compared, and the gap is held against the tolerance that was declared "
            "beforehand."
        )
    else:
        title = visible(finding.unit)
        how = (
            "Groups in a table are compared, and the difference is held against the tolerance that "
            "was declared beforehand."
        )
    help = (
        f"{how} An error is proven: the gap is beyond the tolerance. A warning is not settled: "
        "neither a gap beyond the tolerance nor its absence is proven, so ask about more people."
    )
    words = [word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", finding.unit)]
    return {
        "id": rule,
        "name": "".join(words) or "Gap",
        "shortDescription": {"text": _plain(shortened(title, MOST_TEXT))},
        "fullDescription": {"text": _plain(shortened(f"{title}. {how}", MOST_TEXT))},
        "help": {"text": help},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["bias", "fairness"], "precision": "very-high"},
    }


def _result(
    finding: Finding, record: Record, uri: str, text: str, rules: Sequence[str]
) -> dict[str, Any]:
    rule = _rule_id(finding)
    attributes = _attributes(finding, record)
    places = [_place(attribute, uri, text) for attribute in attributes]
    pieces = told(finding)
    related = {"relatedLocations": [{"id": i, **each} for i, each in enumerate(places[1:], 1)]}
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[finding.verdict],
        "message": {"text": _plain("\n".join(_said(finding, record)))},
        "locations": places[:1],
        **(related if places[1:] else {}),
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding)},
        "properties": {
            "verdict": finding.verdict,
            "what": pieces.what,
            # An end that does not exist is left out.
            **{
                end: number
                for end in ("estimate", "low", "high", "p")
                if abs(number := getattr(finding, end)) < sys.float_info.max
            },
            "tolerance": finding.tolerance,
            "people": finding.people,
        },
    }


def _attributes(finding: Finding, record: Record) -> list[str]:
    """Give the attributes whose declaration a finding is about: of a cell, all that are crossed."""
    declared = record.spec.get("protect")
    known = list(declared) if isinstance(declared, Mapping) else []
    if finding.attribute in known:
        return [finding.attribute]
    # Names may hold the sign themselves, so the names that are declared decide.
    crossed = f" x {finding.attribute} x "
    return [name for name in known if f" x {name} x " in crossed] or [finding.attribute]


def _said(finding: Finding, record: Record) -> Iterator[str]:
    yield sentence(finding, record)
    about = (finding.attribute, finding.reference, finding.group)
    regions = [r for r in record.regions if (r.attribute, r.reference, r.group) == about]
    for row in sorted(regions, key=lambda row: -abs(row.estimate))[:_MOST_REGIONS]:
        yield f"Where: {region(row)}"
    for witness in witnesses_of(finding, record):
        yield f"Twins: {witness}"


def _fingerprint(finding: Finding) -> str:
    about = (
        *(finding.stage, finding.test, finding.unit, finding.contrast, finding.attribute),
        *(finding.reference, finding.group, finding.relation, finding.field),
    )
    whole = "\x00".join(about).encode("utf-8", "surrogatepass")
    return f"{sha256(whole).hexdigest()[:32]}:1"


def _plain(text: str) -> str:
    """Write text in which nothing is a link or a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    literal = re.sub(r"[\\\[\]]", lambda found: f"\\{found[0]}", text)
    return re.sub(r"\{(\d+)\}", r"{{\1}}", literal)


def _slug(text: str) -> str:
    shown = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if shown and text.isascii() and len(shown) <= _MOST_SLUG:
        return shown
    # What loses letters stays a name of its own.
    mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{shown[:_MOST_SLUG]}-{mark}".lstrip("-")
