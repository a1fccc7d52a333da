"""The audit as a TOML file: read, checked key by key, and written back."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paribus.anonymizing.replacements.base import REPLACEMENTS
from paribus.anonymizing.section import Section
from paribus.auditing import Audit, declare, protected
from paribus.comparison import AS_IT_IS
from paribus.errors import SpecError, nearest
from paribus.evidence.base import TESTS
from paribus.measuring import declared_data
from paribus.mitigation.base import MITIGATIONS, USUAL, Request, named
from paribus.people.fields.base import FIELDS
from paribus.probe.base import PROBES
from paribus.record import REPORTS

_FAMILIES = {
    "fields": FIELDS,
    "models": PROBES,
    "tests": TESTS,
    "mitigations": MITIGATIONS,
    "replacements": REPLACEMENTS,
    "reports": REPORTS,
}

_SECTIONS = ("audit", "model", "protect", "fields", "data", "tests", "mitigate", "anonymize")
_AUDIT_KEYS = (
    *("name", "seed", "people", "tolerance", "confidence", "cross"),
    *("stop", "multiplicity", "exhaustive"),
)
_SAMPLE = """
[protect.gender]
levels = ["Male", "Female"]

[fields.income]
kind = "integers"
low = 30_000
high = 119_999

[fields.gender_code]
kind = "map"
of = "gender"
map = { Male = 1, Female = 0 }
"""


def load(path: str | Path, **overrides: Any) -> Audit:
    r"""Read an audit from a TOML file.

    Parameters
    ----------
    path : str or Path
        Paths inside the file are relative to the file.
    **overrides
        Keys of ``[audit]`` that replace those of the file where they are not None, such as
        ``people`` and ``seed``.

    Returns
    -------
    Audit
        ``Audit.run()`` runs it; ``Audit.twins()`` gives the twins alone.

    Raises
    ------
    SpecError
        With the path of what is wrong, such as ``$.fields.income.low``.

    Examples
    --------
    >>> import tempfile, pathlib, paribus
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "audit.toml"
    >>> _ = file.write_text('[audit]\nname = "Loan approval"\n[model]\nkind = "file"\n'
    ...                     'path = "loan.skops"\n' + paribus.spec._SAMPLE)
    >>> load(file).name
    'Loan approval'
    """
    source = Path(path)
    tables = _read_toml(source)
    return from_tables(tables, folder=source.parent, **overrides)


def _read_toml(source: Path) -> dict[str, Any]:
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(f'there is no file "{source}"{_near_file(source)}') from None
    except IsADirectoryError:
        raise SpecError(f'"{source}" is a folder; name the TOML file') from None
    except OSError as error:
        raise SpecError(f'"{source}" cannot be read: {error.strerror}') from None
    except UnicodeDecodeError:
        raise SpecError(f'"{source}" is not UTF-8 text') from None
    except ValueError:
        raise SpecError(f'"{source}" is not a path: it holds a null character') from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f'"{source}" is not valid TOML: {error}') from None


def read_population(path: str | Path) -> dict[str, dict[str, float]]:
    r"""Read the shares of a reference population from a TOML file.

    Parameters
    ----------
    path : str or Path
        A table for each attribute, such as ``[sex]`` with ``F = 0.51``; crossed attributes as
        ``["race x sex"]`` with ``"Black x F" = 0.07``.

    Returns
    -------
    dict of str to dict of str to float

    Raises
    ------
    SpecError
        Where the file cannot be read, or a share is no number.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "population.toml"
    >>> _ = file.write_text("[sex]\nF = 0.51\nM = 0.49\n")
    >>> read_population(file)
    {'sex': {'F': 0.51, 'M': 0.49}}
    """
    shares = {}
    for attribute, levels in _read_toml(Path(path)).items():
        for level, share in _table(levels, f"$.{attribute}").items():
            if isinstance(share, bool) or not isinstance(share, int | float):
                raise SpecError("must be a share, such as 0.51", path=f"$.{attribute}.{level}")
        shares[attribute] = {level: float(share) for level, share in levels.items()}
    return shares


def read_mitigation(
    path: str | Path, *, choose: str | None = None, **overrides: Any
) -> dict[str, Any]:
    r"""Read what the ``[mitigate]`` section of an audit's TOML file says.

    Parameters
    ----------
    path : str or Path
        Paths inside the file are relative to the file.
    choose : str, optional
        Name of a candidate, refused where no such candidate is tried.
    **overrides
        Arguments of `mitigate` that replace those of the file where they are not None, such as
        ``train`` and ``candidates``.

    Returns
    -------
    dict
        Its keys as `mitigate` takes them; empty where there is no such section.

    Raises
    ------
    SpecError
        With the path of what is wrong.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "audit.toml"
    >>> _ = file.write_text('[mitigate]\nlabel = "repaid"\ntry = ["reweigh"]\n')
    >>> read_mitigation(file)
    {'label': 'repaid', 'candidates': ['reweigh']}
    >>> read_mitigation(file, label="paid", gap=None)
    {'label': 'paid', 'candidates': ['reweigh']}
    """
    source = Path(path)
    declared = dict(_mitigation(_read_toml(source)))
    train = declared.get("train")
    if isinstance(train, str) and not Path(train).is_absolute():
        declared["train"] = str(source.parent / train)
    if "candidates" in overrides:
        overrides["try"] = overrides.pop("candidates")
    declared |= {key: value for key, value in overrides.items() if value is not None}
    request = Request.of(declared)
    if choose is not None:
        _check_choice(choose, request)
    if "try" in declared:
        declared["candidates"] = declared.pop("try")
    return declared


def read_anonymization(path: str | Path) -> Section:
    r"""Read the ``[anonymize]`` section of a TOML file.

    Parameters
    ----------
    path : str or Path
        That of an audit, or a file of its own, as ``paribus anonymize --detect`` writes it.

    Raises
    ------
    SpecError
        With the path of what is wrong, such as ``$.anonymize.columns.email.kind``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "anonymize.toml"
    >>> _ = file.write_text('[anonymize.columns]\nemail = "email"\npaid = "keep"\n')
    >>> read_anonymization(file).anonymizer("").columns["email"].kind
    'email'
    """
    return Section.of(_read_toml(Path(path)))


def _mitigation(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    section = _table(tables.get("mitigate", {}), "$.mitigate")
    Request.of(section)
    return section


def _check_choice(choose: str, request: Request) -> None:
    tried = [*(USUAL if request.candidates is None else named(request.candidates)), AS_IT_IS]
    if choose in tried:
        return
    if choose in MITIGATIONS.kinds():
        raise SpecError(f'"{choose}" is not tried; name it among those to try too', path="choose")
    raise SpecError(f'no candidate "{choose}" is tried{nearest(choose, tried)}', path="choose")


def from_tables(
    tables: Mapping[str, Any], *, folder: Path | None = None, **overrides: Any
) -> Audit:
    """Turn the tables of a TOML file into an audit.

    Parameters
    ----------
    tables : mapping
        As `tomllib` gives them.
    folder : Path, optional
        What relative paths are relative to; the current folder where left out.
    **overrides
        Keys of ``[audit]`` that win where they are not None.

    Raises
    ------
    SpecError
    """
    for section in tables:
        if section not in _SECTIONS:
            raise SpecError(f'unknown section "{section}"{nearest(section, _SECTIONS)}', path="$")
    _mitigation(tables)
    if "anonymize" in tables:
        Section.of(tables)
    head = _table(tables.get("audit", {}), "$.audit")
    for key in (*head, *overrides):
        if key not in _AUDIT_KEYS:
            raise SpecError(f'unknown key "{key}"{nearest(key, _AUDIT_KEYS)}', path="$.audit")
    merged = {**head, **{key: value for key, value in overrides.items() if value is not None}}
    if "people" in merged:
        merged["size"] = merged.pop("people")
    for required, example in (("model", 'kind = "file"'), ("protect", "[protect.gender]")):
        if required not in tables:
            raise SpecError(f"is required and missing, such as {example}", path=f"$.{required}")
    fields = {
        name: FIELDS.parse(field, f"$.fields.{name}")
        for name, field in _table(tables.get("fields", {}), "$.fields").items()
    }
    attributes = {
        name: protected(_table(levels, f"$.protect.{name}"), f"$.protect.{name}")
        for name, levels in _table(tables["protect"], "$.protect").items()
    }
    declared: dict[str, Any] = {"fields": fields, "protect": attributes}
    model = dict(_table(tables["model"], "$.model"))
    declared["probe"] = PROBES.parse(_placed(model, folder), "$.model")
    if "data" in tables:
        data = _placed(dict(_table(tables["data"], "$.data")), folder)
        declared["data"] = declared_data(data)
    if "tests" in tables:
        tests = tables["tests"]
        if not isinstance(tests, list):
            raise SpecError("must be a list of tables: [[tests]]", path="$.tests")
        declared["declared_tests"] = tuple(
            TESTS.parse(test, f"$.tests[{i}]") for i, test in enumerate(tests)
        )
    return declare(**merged, **declared, folder=folder)


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SpecError(f"must be a table of keys and values, not {value!r}"[:200], path=path)
    return value


def _placed(table: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Make a relative path relative to the folder of the file that names it."""
    path = table.get("path")
    if isinstance(path, str) and folder is not None and not Path(path).is_absolute():
        return {**table, "path": str(folder / path)}
    return table


def _near_file(source: Path) -> str:
    folder = source.parent
    known = [p.name for p in folder.glob("*.toml")] if folder.is_dir() else []
    return nearest(source.name, known)


def kinds(family: str | None = None) -> dict[str, dict[str, str]]:
    """List the kinds of each family, each with the sentence that says what it is.

    Parameters
    ----------
    family : {"fields", "models", "tests", "mitigations", "replacements", "reports"}, optional
        One family only.

    Raises
    ------
    SpecError
        For an unknown family.

    Examples
    --------
    >>> kinds("tests")["tests"]["regions"]
    'Where a gap lives, as readable rules.'
    """
    if family is not None and family not in _FAMILIES:
        raise SpecError(f'there is no family "{family}"{nearest(family, _FAMILIES)}')
    return {
        name: {kind: members.sentence(kind) for kind in members.kinds()}
        for name, members in _FAMILIES.items()
        if family in (None, name)
    }
